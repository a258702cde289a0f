//! A piece of the line made of its own parts, for tests that look inside it or put in what no command would: a log on either
//! backend with topics of its own, a registry, databases.

use std::{sync::Arc, time::Duration};

use coursebus_consumer::{EngineError, EngineSettings, Outcome, Processor, Until};
use coursebus_producer::{PartitionCount, Producer, ProducerSettings};
use coursebus_registry_tools::{LogRegistry, Registration, Registry, SchemaId, StoreSettings};
use coursebus_schemas::EventType;
use coursebus_sinks_kit::{DbAddress, SinkProcessor, SinkSettings, SinkSpec, Store};
use coursebus_tests::{Database, MysqlDatabase, kafka_bootstrap, unique};
use coursebus_transport::{
    GroupSettings, Log, ReaderSettings, Record, Settings, Sync, TopicPartition, TopicSpec, embedded::EmbeddedLog,
    kafka::KafkaLog,
};
use tempfile::TempDir;

/// How long anything here may take; only a test that fails waits so long.
pub const LIMIT: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    Embedded,
    Kafka,
}

impl Backend {
    pub fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Kafka => "kafka",
        }
    }
}

/// A log, and a registry beside it.
pub struct Bed {
    pub log: Arc<dyn Log>,
    pub registry: Arc<LogRegistry>,
    /// What the registry stands on: an embedded log of its own, also where the events are on Kafka. The `_schemas` of a
    /// shared cluster is one for all tests, so that no test could say which ids it gives.
    pub schemas: Arc<dyn Log>,
    /// Stands before the names of its topics; no other test has it.
    pub prefix: String,
    backend: Backend,
    _dir: TempDir,
}

impl Bed {
    /// `None`, loudly, where there is no Kafka.
    pub async fn new(backend: Backend) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings::default();
        let log: Arc<dyn Log> = match backend {
            Backend::Embedded => Arc::new(EmbeddedLog::open(&dir.path().join("bus"), Sync::Os, &settings).unwrap()),
            Backend::Kafka => Arc::new(KafkaLog::open(&kafka_bootstrap()?, &settings).unwrap()),
        };
        let schemas: Arc<dyn Log> =
            Arc::new(EmbeddedLog::open(&dir.path().join("schemas"), Sync::Os, &settings).unwrap());
        let registry = Arc::new(LogRegistry::open(schemas.clone(), StoreSettings::default()).await.unwrap());
        let prefix = unique("bed").replace('_', "-");
        Some(Self { log, registry, schemas, prefix, backend, _dir: dir })
    }

    /// Makes a topic.
    pub async fn topic(&self, name: &str, partitions: i32) {
        self.log.create_topic(&TopicSpec::new(name, partitions)).await.unwrap();
    }

    /// Registers the schemas of an event type; the ids of its value and its key.
    pub async fn register(&self, event_type: &EventType) -> (SchemaId, SchemaId) {
        let value = self.schema(&event_type.value_subject(&self.prefix), event_type.schema).await;
        (value, self.schema(&event_type.key_subject(&self.prefix), event_type.key.schema).await)
    }

    /// Registers a schema.
    pub async fn schema(&self, subject: &str, schema: &str) -> SchemaId {
        self.registry.register(Registration { subject, schema, import: None }).await.unwrap().id
    }

    pub async fn producer(&self) -> Producer {
        // A test makes its topics with as many partitions as it can look into.
        let partitions = PartitionCount::AsFound;
        let settings =
            ProducerSettings { topic_prefix: self.prefix.clone(), partitions, ..ProducerSettings::default() };
        Producer::new(self.log.clone(), self.registry.clone(), settings).await.unwrap()
    }

    /// All records of a topic, by partition and offset.
    pub async fn records(&self, topic: &str) -> Vec<Record> {
        let mut open = Vec::new();
        for number in 0..self.log.topic(topic).await.unwrap().partitions {
            let partition = TopicPartition::new(topic, number);
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

    /// Runs a processor as the only member of a group until everything is processed.
    pub async fn run(
        &self,
        log: Arc<dyn Log>,
        group: &str,
        topics: Vec<String>,
        processor: Arc<dyn Processor>,
    ) -> Result<Outcome, EngineError> {
        let mut group = GroupSettings::new(group, topics);
        group.session_timeout = Duration::from_secs(10);
        let settings = EngineSettings { until: Until::CaughtUp, ..EngineSettings::new(group) };
        let run = coursebus_consumer::run(log, settings, processor, std::future::pending());
        tokio::time::timeout(LIMIT, run).await.expect("the engine ends")
    }

    /// Runs a sink until everything is applied.
    pub async fn sink(
        &self,
        spec: &Arc<SinkSpec>,
        store: &Arc<dyn Store>,
        settings: SinkSettings,
    ) -> Result<Outcome, EngineError> {
        self.sink_on(self.log.clone(), self.registry.clone(), spec, store, settings).await
    }

    /// As [`Bed::sink`], reading through another log and asking another registry.
    pub async fn sink_on(
        &self,
        log: Arc<dyn Log>,
        registry: Arc<dyn Registry>,
        spec: &Arc<SinkSpec>,
        store: &Arc<dyn Store>,
        settings: SinkSettings,
    ) -> Result<Outcome, EngineError> {
        let processor = SinkProcessor::new(spec.clone(), store.clone(), log.clone(), registry, settings).await.unwrap();
        self.run(log, &spec.group(), spec.topics(&self.prefix), Arc::new(processor)).await
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

/// The database of a sink.
pub enum Db {
    Sqlite(TempDir),
    Postgres(Database),
    Mysql(MysqlDatabase),
}

impl Db {
    pub fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    /// `None`, loudly, where there is no PostgreSQL.
    pub fn postgres() -> Option<Self> {
        Database::fresh().map(Self::Postgres)
    }

    /// `None`, loudly, where there is no MariaDB or MySQL.
    pub fn mysql() -> Option<Self> {
        MysqlDatabase::fresh().map(Self::Mysql)
    }

    /// One of each kind that there is.
    pub fn each() -> Vec<Self> {
        [Some(Self::sqlite()), Self::postgres(), Self::mysql()].into_iter().flatten().collect()
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Postgres(_) => "postgres",
            Self::Mysql(_) => "mysql",
        }
    }

    pub async fn open(&self, spec: &SinkSpec) -> Arc<dyn Store> {
        coursebus_sinks_kit::open(&self.address(), spec).await.unwrap().into()
    }

    fn address(&self) -> DbAddress {
        match self {
            Self::Sqlite(dir) => DbAddress::Sqlite { dir: dir.path().to_path_buf() },
            Self::Postgres(database) => DbAddress::Postgres { url: database.url() },
            Self::Mysql(database) => DbAddress::Mysql { url: database.url() },
        }
    }

    /// Runs one statement on a sink's tables by hand; says how many rows it changed.
    pub async fn by_hand(&self, spec: &SinkSpec, sql: &str) -> u64 {
        use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection, PgConnection, SqliteConnection};
        match self {
            Self::Sqlite(dir) => {
                let url = format!("sqlite://{}/{}.db", dir.path().display(), spec.name);
                let mut connection = SqliteConnection::connect(&url).await.unwrap();
                connection.execute(AssertSqlSafe(sql.to_owned())).await.unwrap().rows_affected()
            }
            Self::Postgres(database) => {
                let mut connection = PgConnection::connect(&database.url()).await.unwrap();
                let place = format!("SET search_path = {}", spec.name);
                connection.execute(AssertSqlSafe(place)).await.unwrap();
                connection.execute(AssertSqlSafe(sql.to_owned())).await.unwrap().rows_affected()
            }
            Self::Mysql(database) => {
                let mut connection = MySqlConnection::connect(&database.url_of(spec.name)).await.unwrap();
                // A moment has no zone there.
                let sql = sql.replace("T00:00:00Z", " 00:00:00");
                connection.execute(AssertSqlSafe(sql)).await.unwrap().rows_affected()
            }
        }
    }
}

/// A sink under a name that no other test has: its group and its tables are its own, also on shared services.
pub fn alone(mut sink: SinkSpec) -> Arc<SinkSpec> {
    sink.name = unique(sink.name).leak();
    Arc::new(sink)
}
