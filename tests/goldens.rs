//! What the Python services of Open edX put on a topic, written by us: the same bytes.
//!
//! A golden is one event as it was seen, in `schemas/tests/golden/`. Its event is built from its JSON, emitted, and what then
//! lies on the topic is compared with what was seen: key, value, headers in their order, partition, subject.

use std::{
    fmt::Debug,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use coursebus_consumer::Decoder;
use coursebus_producer::{PartitionCount, Producer, ProducerSettings};
use coursebus_registry_tools::{LogRegistry, Mode, Registration, Registry, SchemaId, StoreSettings};
use coursebus_schemas::{
    Event, EventType, Metadata, authz, catalog, content_authoring, decode, enterprise, learning, wire::unframe,
};
use coursebus_tests::matrix;
use coursebus_transport::{AdminError, Log, Record, Settings, Sync, TopicSpec, embedded::EmbeddedLog};
use serde_json::Value;
use time::OffsetDateTime;

use super::bed::{Backend, Bed};

/// The prefix that the goldens' topics had.
const PREFIX: &str = "dev";

struct Golden {
    name: String,
    json: Value,
}

impl Golden {
    fn read(path: &Path) -> Self {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        Self { name, json: serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap() }
    }

    fn all() -> Vec<Self> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../schemas/tests/golden");
        let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths.iter().map(|path| Self::read(path)).collect()
    }

    fn text(&self, pointer: &str) -> &str {
        self.json.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{}: {pointer}", self.name))
    }

    fn number(&self, pointer: &str) -> i64 {
        self.json.pointer(pointer).and_then(Value::as_i64).unwrap_or_else(|| panic!("{}: {pointer}", self.name))
    }

    fn event_type(&self) -> &'static EventType {
        catalog().by_name(self.text("/event_type")).unwrap()
    }

    fn topic(&self) -> String {
        format!("{PREFIX}-{}", self.text("/topic"))
    }

    fn schema_id(&self, part: &str) -> SchemaId {
        SchemaId(self.number(&format!("/{part}/schema_id")).try_into().unwrap())
    }

    fn headers(&self) -> Vec<(&str, &str)> {
        let headers = self.json["headers"].as_array().unwrap().iter();
        headers.map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap())).collect()
    }

    fn metadata(&self) -> Metadata {
        let headers = self.headers().into_iter().map(|(name, value)| (name, Some(value.as_bytes())));
        Metadata::read(headers, OffsetDateTime::UNIX_EPOCH).unwrap().1
    }

    /// An empty registry with the two ids of the golden in it. Each golden has one of its own: the registry that they come
    /// from told schemas apart by their text, so that one schema has several ids in it.
    async fn registry(&self, log: Arc<dyn Log>) -> LogRegistry {
        let registry = LogRegistry::open(log, StoreSettings::default()).await.unwrap();
        registry.set_mode(None, Mode::Import).await.unwrap();
        for part in ["key", "value"] {
            let schema = self.json[part]["schema"].to_string();
            let subject = self.text(&format!("/{part}/subject"));
            let import = Some((self.schema_id(part), None));
            registry.register(Registration { subject, schema: &schema, import }).await.unwrap();
        }
        registry.set_mode(None, Mode::ReadWrite).await.unwrap();
        registry
    }
}

#[tokio::test]
async fn our_events_are_open_edxs_to_the_byte_on_an_embedded_log() {
    on(Backend::Embedded).await;
}

/// One after the other, on topics that are removed before and after: their names are the goldens' own, because the subjects
/// hold them. No other test uses topics that begin with `dev-` on the shared cluster.
#[tokio::test]
async fn our_events_are_open_edxs_to_the_byte_on_kafka() {
    on(Backend::Kafka).await;
}

async fn on(backend: Backend) {
    let Some(bed) = Bed::new(backend).await else { return };
    matrix("goldens", backend.name(), "none");
    let mut seen = 0;
    for golden in &Golden::all() {
        seen += check::<learning::CertificateCreated>(&bed, golden).await;
        seen += check::<learning::CourseEnrollmentCreated>(&bed, golden).await;
        seen += check::<learning::CoursePassingStatusUpdated>(&bed, golden).await;
        seen += check::<learning::CoursePersistentGradeSummaryChanged>(&bed, golden).await;
        seen += check::<learning::ExamAttemptVerified>(&bed, golden).await;
        seen += check::<learning::ForumThreadCreated>(&bed, golden).await;
        seen += check::<learning::UserNotificationRequested>(&bed, golden).await;
        seen += check::<content_authoring::CourseCatalogInfoChanged>(&bed, golden).await;
        seen += check::<content_authoring::CourseCreated>(&bed, golden).await;
        seen += check::<content_authoring::XblockPublished>(&bed, golden).await;
        seen += check::<enterprise::SubsidyLedgerTransactionCreated>(&bed, golden).await;
        seen += check::<authz::RoleAssignmentCreated>(&bed, golden).await;
    }
    assert_eq!(seen, 12, "each golden is of one of these types");
    bed.end().await;
}

/// Emits a golden's event and compares, if the golden is of this type; says whether it was.
async fn check<E: Event + PartialEq + Debug>(bed: &Bed, golden: &Golden) -> usize {
    if golden.event_type().name != E::TYPE.name {
        return 0;
    }
    let name = &golden.name;
    let event: E = serde_json::from_value(golden.json["value"]["record"].clone()).expect(name);
    let dir = tempfile::tempdir().unwrap();
    let schemas = EmbeddedLog::open(dir.path(), Sync::Os, &Settings::default()).unwrap();
    let registry = Arc::new(golden.registry(Arc::new(schemas)).await);
    let partitions = i32::try_from(golden.number("/partition/partitions")).unwrap();
    remove(bed.log.as_ref(), &golden.topic()).await;
    bed.log.create_topic(&TopicSpec::new(golden.topic(), partitions)).await.expect(name);

    let metadata = golden.metadata();
    let settings = ProducerSettings {
        topic_prefix: PREFIX.to_owned(),
        source: Some(metadata.source.clone()),
        source_host: metadata.source_host.clone(),
        source_lib: metadata.source_lib.clone(),
        partitions: PartitionCount::AsFound,
        ..ProducerSettings::default()
    };
    let producer = Producer::new(bed.log.clone(), registry.clone(), settings).await.expect(name);
    // Once as services emit, once as the command line does, which knows types by their schema only.
    let typed = producer.emit_with(&event, metadata.clone()).await.expect(name);
    let json = producer.send_json(E::TYPE, &golden.json["value"]["record"], metadata.clone()).await.expect(name);
    let json = json.await.expect(name);
    assert_eq!(json.offset, typed.offset.next(), "{name}");

    let records = bed.records(&golden.topic()).await;
    assert_eq!(records.len(), 2, "{name}");
    for record in &records {
        compare(golden, record);
        let decoder = Decoder::new(registry.clone());
        let datum = decoder.open(record).await.expect(name);
        assert_eq!(datum.event_type.name, E::TYPE.name);
        assert_eq!(decode::decode::<E>(&datum.writer, datum.bytes).expect(name), event, "{name}");
        assert_eq!(datum.metadata(record).expect(name), metadata, "{name}");
    }
    for part in ["key", "value"] {
        let schema = golden.json[part]["schema"].to_string();
        let found = registry.lookup(golden.text(&format!("/{part}/subject")), &schema).await.expect(name);
        assert_eq!(found.id, golden.schema_id(part), "{name}");
        let bytes = if part == "key" { records[0].key() } else { records[0].value() };
        assert_eq!(unframe(bytes.unwrap()).unwrap().0, found.id, "{name}: the {part} is under this subject's id");
    }
    assert_eq!(registry.subjects().await.unwrap().len(), 2, "{name}: the producer registers nothing");
    remove(bed.log.as_ref(), &golden.topic()).await;
    1
}

/// Byte for byte.
fn compare(golden: &Golden, record: &Record) {
    let name = &golden.name;
    let hex = |bytes: Option<&[u8]>| bytes.map(hex::encode);
    assert_eq!(hex(record.key()).as_deref(), Some(golden.text("/key/framed_hex")), "{name}: key");
    assert_eq!(hex(record.value()).as_deref(), Some(golden.text("/value/framed_hex")), "{name}: value");
    let headers = record.headers();
    let expected: Vec<(&str, Option<&[u8]>)> =
        golden.headers().into_iter().map(|(name, value)| (name, Some(value.as_bytes()))).collect();
    assert_eq!(headers, expected, "{name}: headers, in their order");
    assert_eq!(i64::from(record.partition()), golden.number("/partition/partition"), "{name}: partition");
}

async fn remove(log: &dyn Log, topic: &str) {
    match log.delete_topic(topic).await {
        Ok(()) | Err(AdminError::UnknownTopic { .. }) => {}
        Err(error) => panic!("{error}"),
    }
}
