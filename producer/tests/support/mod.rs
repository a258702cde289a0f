//! A log with a topic of the tests' own, a registry that counts, and a log that can be taken away.

use std::{
    fmt::Write as _,
    fs::File,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use coursebus_producer::{Producer, ProducerSettings};
use coursebus_registry_tools::{
    Kept, Level, LogRegistry, Mode, Registered, Registration, Registry, RegistryError, StoreSettings, VersionRef,
};
use coursebus_schemas::{Event, EventType, SchemaId, subscription::PlanCreated};
use coursebus_transport::{
    Log, ReaderSettings, Record, Settings, Sync, TopicPartition, TopicSpec, embedded::EmbeddedLog, kafka::KafkaLog,
};
use tempfile::TempDir;

/// How long anything may take; only a test that fails waits so long.
pub const LIMIT: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    Embedded,
    Kafka,
}

impl Backend {
    pub const ALL: [Self; 2] = [Self::Embedded, Self::Kafka];
}

pub struct Bed {
    pub log: Arc<dyn Log>,
    pub registry: Arc<CountingRegistry>,
    pub prefix: String,
    backend: Backend,
    dir: TempDir,
}

impl Bed {
    /// `None`, loudly, where there is no Kafka.
    pub async fn new(backend: Backend) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings::default();
        let log: Arc<dyn Log> = match backend {
            Backend::Embedded => Arc::new(EmbeddedLog::open(&dir.path().join("bus"), Sync::Os, &settings).unwrap()),
            Backend::Kafka => Arc::new(KafkaLog::open(&kafka()?, &settings).unwrap()),
        };
        let schemas = Arc::new(EmbeddedLog::open(&dir.path().join("schemas"), Sync::Os, &settings).unwrap());
        let registry = LogRegistry::open(schemas, StoreSettings::default()).await.unwrap();
        let registry = Arc::new(CountingRegistry { registry, registered: AtomicUsize::new(0) });
        let prefix = format!("emit-{}", uuid::Uuid::new_v4().simple());
        Some(Self { log, registry, prefix, backend, dir })
    }

    /// With the topic and the schemas of the one event type that the tests emit.
    pub async fn with_catalogue(backend: Backend) -> Option<Self> {
        let bed = Self::new(backend).await?;
        bed.topic(PlanCreated::TYPE, PlanCreated::TYPE.topic.partitions).await;
        bed.register(PlanCreated::TYPE).await;
        Some(bed)
    }

    pub async fn topic(&self, event_type: &EventType, partitions: i32) {
        let name = event_type.topic.full_topic(&self.prefix);
        self.log.create_topic(&TopicSpec::new(name, partitions)).await.unwrap();
    }

    pub async fn register(&self, event_type: &EventType) {
        for (subject, schema) in [
            (event_type.value_subject(&self.prefix), event_type.schema),
            (event_type.key_subject(&self.prefix), event_type.key.schema),
        ] {
            self.registry.register(Registration { subject: &subject, schema, import: None }).await.unwrap();
        }
    }

    pub fn settings(&self) -> ProducerSettings {
        ProducerSettings { topic_prefix: self.prefix.clone(), ..ProducerSettings::default() }
    }

    pub async fn producer(&self) -> Producer {
        self.producer_with(self.settings()).await
    }

    pub async fn producer_with(&self, settings: ProducerSettings) -> Producer {
        Producer::new(self.log.clone(), self.registry.clone(), settings).await.unwrap()
    }

    /// All records of the type's topic, by partition and offset.
    pub async fn records(&self, event_type: &EventType) -> Vec<Record> {
        let topic = event_type.topic.full_topic(&self.prefix);
        let mut open = Vec::new();
        for number in 0..self.log.topic(&topic).await.unwrap().partitions {
            let partition = TopicPartition::new(topic.as_str(), number);
            let start = self.log.range(&partition).await.unwrap().earliest;
            open.push((partition, start));
        }
        let mut reader = self.log.reader(open.clone(), ReaderSettings::default()).await.unwrap();
        let mut records = Vec::new();
        while !open.is_empty() {
            let fetched = tokio::time::timeout(LIMIT, reader.next(LIMIT)).await.unwrap().unwrap();
            records.extend(fetched.records);
            open.retain(|(partition, _)| fetched.ends.iter().all(|(end, _)| end != partition));
        }
        records.sort_by_key(|record| (record.partition(), record.offset()));
        records
    }

    /// Nothing can be written until what this gives is dropped: somebody else holds the lock of the embedded log.
    pub fn away(&self) -> File {
        let lock = File::options().write(true).open(self.dir.path().join("bus/bus.lock")).unwrap();
        lock.lock().unwrap();
        lock
    }

    /// Removes what it made on a shared cluster.
    pub async fn end(self) {
        if self.backend == Backend::Kafka {
            for topic in self.log.topics().await.unwrap() {
                if topic.name.contains(&self.prefix) {
                    self.log.delete_topic(&topic.name).await.unwrap();
                }
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "tests are told by variables where their services are")]
fn kafka() -> Option<String> {
    let bootstrap = std::env::var("KAFKA_BOOTSTRAP").ok().filter(|bootstrap| !bootstrap.is_empty());
    if bootstrap.is_none() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "KAFKA_BOOTSTRAP is not set, and CI allows no skip");
        eprintln!("SKIPPED: KAFKA_BOOTSTRAP is not set, so this was not tested on Kafka");
    }
    bootstrap
}

/// A header's text; empty where there is none.
pub fn header(record: &Record, name: &str) -> String {
    let headers = record.headers();
    let found = headers.iter().find(|(found, _)| *found == name).and_then(|(_, value)| *value);
    String::from_utf8(found.unwrap_or_default().to_vec()).unwrap()
}

/// Asks until there is an answer.
pub async fn until<T>(ask: impl AsyncFn() -> Option<T>) -> T {
    let ask = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LIMIT, ask).await.expect("it comes")
}

/// A registry that counts what is registered.
pub struct CountingRegistry {
    registry: LogRegistry,
    pub registered: AtomicUsize,
}

#[async_trait]
impl Registry for CountingRegistry {
    async fn schema(&self, id: SchemaId) -> Result<Arc<str>, RegistryError> {
        self.registry.schema(id).await
    }

    async fn lookup(&self, subject: &str, schema: &str) -> Result<Registered, RegistryError> {
        self.registry.lookup(subject, schema).await
    }

    async fn register(&self, registration: Registration<'_>) -> Result<Registered, RegistryError> {
        self.registered.fetch_add(1, Ordering::Relaxed);
        self.registry.register(registration).await
    }

    async fn subjects(&self) -> Result<Vec<String>, RegistryError> {
        self.registry.subjects().await
    }

    async fn versions(&self, subject: &str) -> Result<Vec<u32>, RegistryError> {
        self.registry.versions(subject).await
    }

    async fn kept(&self, subject: &str) -> Result<Vec<Kept>, RegistryError> {
        self.registry.kept(subject).await
    }

    async fn users(&self, id: SchemaId, subject: &str) -> Result<Vec<(String, u32)>, RegistryError> {
        self.registry.users(id, subject).await
    }

    async fn delete(&self, subject: &str, version: Option<u32>, permanent: bool) -> Result<Vec<u32>, RegistryError> {
        self.registry.delete(subject, version, permanent).await
    }

    async fn version(&self, subject: &str, version: VersionRef) -> Result<Registered, RegistryError> {
        self.registry.version(subject, version).await
    }

    async fn compatibility(&self, subject: Option<&str>) -> Result<Option<Level>, RegistryError> {
        self.registry.compatibility(subject).await
    }

    async fn set_compatibility(&self, subject: Option<&str>, level: Level) -> Result<(), RegistryError> {
        self.registry.set_compatibility(subject, level).await
    }

    async fn mode(&self, subject: Option<&str>) -> Result<Option<Mode>, RegistryError> {
        self.registry.mode(subject).await
    }

    async fn set_mode(&self, subject: Option<&str>, mode: Mode) -> Result<(), RegistryError> {
        self.registry.set_mode(subject, mode).await
    }
}

/// Keeps every event of `tracing` that this process says from now on.
pub fn listen(said: &'static Mutex<Vec<String>>) {
    tracing::subscriber::set_global_default(Listener(said)).unwrap();
}

struct Listener(&'static Mutex<Vec<String>>);

impl tracing::Subscriber for Listener {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() == tracing::Level::ERROR
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

struct Line(String);

impl tracing::field::Visit for Line {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0, "{field}={value:?} ");
    }
}
