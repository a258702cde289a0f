//! The bytes that Open edX's Python services write, and ours, side by side.
//!
//! Each file in `golden/` is one event as it was seen on a topic: headers, key, value, subjects, partition.

use std::fs;
use std::path::{Path, PathBuf};

use coursebus_schemas::json::{from_json, key_of_json, order_key_of_json, to_json};
use coursebus_schemas::{
    Event, EventType, Identity, Metadata, OrderKey, Origin, SchemaId, WriterSchema, authz, catalog, content_authoring,
    decode, encode, enterprise, learning, wire,
};
use serde_json::Value;
use time::OffsetDateTime;

struct Golden {
    file: String,
    json: Value,
}

impl Golden {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).expect("a golden file is readable");
        let file = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        Self { file, json: serde_json::from_str(&text).expect("a golden file is JSON") }
    }

    fn all() -> Vec<Self> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
        let entries = fs::read_dir(folder).expect("the goldens are there");
        let goldens = entries.map(|entry| Self::read(&entry.expect("an entry").path())).collect::<Vec<_>>();
        assert_eq!(goldens.len(), 12);
        goldens
    }

    fn event_type(&self) -> &'static EventType {
        catalog().by_name(self.json["event_type"].as_str().expect("a name")).expect("in the catalogue")
    }

    fn framed(&self, part: &str) -> Vec<u8> {
        hex::decode(self.json[part]["framed_hex"].as_str().expect("hex")).expect("hex")
    }

    fn schema_id(&self, part: &str) -> SchemaId {
        SchemaId(self.json[part]["schema_id"].as_u64().expect("an id") as u32)
    }

    fn record(&self) -> &Value {
        &self.json["value"]["record"]
    }

    fn headers(&self) -> Vec<(&str, &str)> {
        let headers = self.json["headers"].as_array().expect("headers").iter();
        headers.map(|pair| (pair[0].as_str().expect("a name"), pair[1].as_str().expect("text"))).collect()
    }
}

#[test]
fn typed() {
    fn check<E: Event + PartialEq + std::fmt::Debug>(golden: &Golden, seen: &mut usize) {
        if golden.event_type().name != E::TYPE.name {
            return;
        }
        *seen += 1;
        let event: E = serde_json::from_value(golden.record().clone()).expect(&golden.file);
        let mut value = Vec::new();
        wire::frame(golden.schema_id("value"), &mut value);
        encode::encode(&event, &mut value).expect(&golden.file);
        assert_eq!(hex::encode(&value), hex::encode(golden.framed("value")), "{}", golden.file);

        let mut key = Vec::new();
        wire::frame(golden.schema_id("key"), &mut key);
        event.key().encode(&mut key);
        assert_eq!(hex::encode(&key), hex::encode(golden.framed("key")), "{}", golden.file);

        let (schema_id, datum) = wire::unframe(&value).expect("framed");
        assert_eq!(schema_id, golden.schema_id("value"));
        // As a consumer does it: with the schema that the writer registered.
        let writer = WriterSchema::parse(&golden.json["value"]["schema"].to_string()).expect(&golden.file);
        assert_eq!(writer.event_type(), Some(E::TYPE.name));
        assert_eq!(decode::decode::<E>(&writer, datum).expect(&golden.file), event, "{}", golden.file);
        assert_eq!(serde_json::to_value(&event).expect("JSON"), *golden.record(), "{}", golden.file);

        let (mut typed, mut dynamic) = (OrderKey::new(), OrderKey::new());
        event.order_key(&mut typed);
        order_key_of_json(E::TYPE, golden.record(), &mut dynamic).expect(&golden.file);
        assert_eq!(typed, dynamic, "{}", golden.file);
        assert!(!typed.is_empty());
    }
    let mut seen = 0;
    for golden in &Golden::all() {
        check::<learning::CertificateCreated>(golden, &mut seen);
        check::<learning::CourseEnrollmentCreated>(golden, &mut seen);
        check::<learning::CoursePassingStatusUpdated>(golden, &mut seen);
        check::<learning::CoursePersistentGradeSummaryChanged>(golden, &mut seen);
        check::<learning::ExamAttemptVerified>(golden, &mut seen);
        check::<learning::ForumThreadCreated>(golden, &mut seen);
        check::<learning::UserNotificationRequested>(golden, &mut seen);
        check::<content_authoring::CourseCatalogInfoChanged>(golden, &mut seen);
        check::<content_authoring::CourseCreated>(golden, &mut seen);
        check::<content_authoring::XblockPublished>(golden, &mut seen);
        check::<enterprise::SubsidyLedgerTransactionCreated>(golden, &mut seen);
        check::<authz::RoleAssignmentCreated>(golden, &mut seen);
    }
    assert_eq!(seen, 12);
}

#[test]
fn dynamic() {
    for golden in Golden::all() {
        let writer = golden.event_type().writer_schema();
        let framed = golden.framed("value");
        let (_, datum) = wire::unframe(&framed).expect("framed");
        assert_eq!(to_json(writer, datum).expect(&golden.file), *golden.record(), "{}", golden.file);
        let mut written = Vec::new();
        from_json(writer, golden.record(), &mut written).expect(&golden.file);
        assert_eq!(hex::encode(written), hex::encode(datum), "{}", golden.file);

        let framed = golden.framed("key");
        let (_, datum) = wire::unframe(&framed).expect("framed");
        let mut key = Vec::new();
        key_of_json(golden.event_type(), golden.record()).expect(&golden.file).encode(&mut key);
        assert_eq!(hex::encode(key), hex::encode(datum), "{}", golden.file);
        let schema = WriterSchema::parse(golden.event_type().key.schema).expect("a key schema");
        let read = to_json(&schema, datum).expect(&golden.file);
        assert_eq!(read.as_str().map_or(read.to_string(), str::to_owned), golden.json["key"]["value"]);
    }
}

#[test]
fn headers() {
    for golden in Golden::all() {
        let event_type = golden.event_type();
        let read = || golden.headers().into_iter().map(|(name, value)| (name, Some(value.as_bytes())));
        let (name, metadata) = Metadata::read(read(), OffsetDateTime::UNIX_EPOCH).expect(&golden.file);
        assert_eq!(name, event_type.name);
        assert_eq!(metadata.minor, event_type.minor);
        let written = metadata.headers(event_type);
        let written = written.iter().map(|(name, value)| (*name, &**value)).collect::<Vec<_>>();
        assert_eq!(written, golden.headers(), "{}", golden.file);
        let identity = Identity::read(read()).expect(&golden.file);
        assert_eq!(
            (identity.event_type, identity.source, identity.id),
            (name, &*metadata.source, metadata.id.as_str())
        );
    }
}

#[test]
fn names_and_schemas() {
    for golden in Golden::all() {
        let event_type = golden.event_type();
        let schema: Value = serde_json::from_str(event_type.schema).expect("a schema is JSON");
        assert_eq!(schema, golden.json["value"]["schema"], "{}", golden.file);
        let key: Value = serde_json::from_str(event_type.key.schema).expect("a schema is JSON");
        assert_eq!(key, golden.json["key"]["schema"], "{}", golden.file);
        assert_eq!(event_type.value_subject("dev"), golden.json["value"]["subject"], "{}", golden.file);
        assert_eq!(event_type.key_subject("dev"), golden.json["key"]["subject"], "{}", golden.file);
        assert_eq!(event_type.topic.name, golden.json["topic"], "{}", golden.file);
        assert_eq!(event_type.origin, Origin::OpenEdx);
        assert_eq!(event_type.full_name(), *event_type.writer_schema().full_name().expect("a record has a name"));
    }
}
