//! What all simulations are played with: real events, encoded once, and the registry that knows their schemas.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
use coursebus_producer::{
    PartitionCount, Producer, ProducerSettings,
    adapters::lms::{self, Course, Enrollment, Learner},
};
use coursebus_registry_tools::{
    Kept, Level, LogRegistry, Mode, Registered, Registration, Registry, RegistryError, SchemaId, StoreSettings,
    VersionRef,
};
use coursebus_schemas::{
    Event, EventType,
    learning::{CourseEnrollmentChanged, CourseEnrollmentCreated, CourseEnrollmentData},
};
use coursebus_transport::{
    Header, Log, NewRecord, Offset, Reader, ReaderSettings, Record, TopicPartition, TopicSpec,
    memory::{MemoryLog, Process, World},
};
use time::macros::datetime;

/// Before the names of the topics.
pub const PREFIX: &str = "sim";
pub const PARTITIONS: i32 = 3;
const COURSES: usize = 5;
const LEARNERS: usize = 3;
/// Order keys: a learner in a course. Those of one course share a record key.
pub const KEYS: usize = COURSES * LEARNERS;
/// Events of each key.
pub const EVENTS: usize = 24;

/// The events, by order key, in their order.
pub struct Cast {
    pub registry: Arc<dyn Registry>,
    pub events: Vec<Vec<NewRecord>>,
    /// For each order key events whose value no sink can apply.
    pub refused: Vec<Vec<NewRecord>>,
}

/// The topic of the events.
pub fn topic() -> String {
    CourseEnrollmentCreated::TYPE.topic.full_topic(PREFIX)
}

/// Made once a process: encoding is not what is simulated.
pub fn cast() -> &'static Cast {
    static CAST: OnceLock<Cast> = OnceLock::new();
    CAST.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(make())
    })
}

async fn make() -> Cast {
    let log: Arc<dyn Log> = Arc::new(MemoryLog::new(Process::observer(&World::calm(0))));
    let registry = Arc::new(LogRegistry::open(log.clone(), StoreSettings::default()).await.unwrap());
    let mut schemas = HashMap::new();
    for event_type in [CourseEnrollmentCreated::TYPE, CourseEnrollmentChanged::TYPE] {
        register(&registry, event_type, &mut schemas).await;
    }
    log.create_topic(&TopicSpec::new(topic(), PARTITIONS)).await.unwrap();
    let (topic_prefix, partitions) = (PREFIX.to_owned(), PartitionCount::AsFound);
    let settings = ProducerSettings { topic_prefix, partitions, ..ProducerSettings::default() };
    let producer = Producer::new(log.clone(), registry, settings).await.unwrap();
    let mut reader = all_of(log.as_ref()).await;
    let (mut events, mut refused) = (Vec::new(), Vec::new());
    for key in 0..KEYS {
        let fact = fact(key);
        producer.emit(&lms::enrollment_created(&fact)).await.unwrap();
        for change in 1..EVENTS {
            let fact = Enrollment { mode: mode(change), ..fact.clone() };
            producer.emit(&lms::enrollment_changed(&fact, change % 2 == 0)).await.unwrap();
        }
        events.push(read(reader.as_mut(), EVENTS).await);
        let mut wrong = lms::enrollment_changed(&fact, true);
        wrong.enrollment.creation_date = "no time".to_owned();
        for _ in 0..EVENTS {
            producer.emit(&wrong).await.unwrap();
        }
        refused.push(read(reader.as_mut(), EVENTS).await);
    }
    Cast { registry: Arc::new(FixedRegistry(schemas)), events, refused }
}

fn fact(key: usize) -> Enrollment {
    let (course, learner) = (key / LEARNERS, key % LEARNERS);
    Enrollment {
        learner: Learner {
            id: learner as i64,
            username: String::new(),
            email: String::new(),
            name: String::new(),
            is_active: true,
        },
        course: Course {
            course_key: format!("course-v1:Sim+C{course}+1"),
            display_name: "a course".to_owned(),
            start: None,
            end: None,
        },
        mode: mode(0),
        created: datetime!(2025-01-01 0:00 UTC),
    }
}

/// By its mode an event says which of its key it is.
fn mode(number: usize) -> String {
    format!("m{number}")
}

/// Which event this is: its order key, and its number among the events of that key.
pub fn event_of(enrollment: &CourseEnrollmentData) -> (usize, usize) {
    let course = enrollment.course.course_key.strip_prefix("course-v1:Sim+C").and_then(|rest| rest.strip_suffix("+1"));
    let course: usize = course.unwrap().parse().unwrap();
    (course * LEARNERS + enrollment.user.id as usize, enrollment.mode[1..].parse().unwrap())
}

/// `ce_id`, by which the simulation knows a record whatever is in it.
pub fn id_of(record: &NewRecord) -> String {
    let id = record.headers.iter().find(|header| header.name == "ce_id").and_then(|header| header.value.as_ref());
    String::from_utf8(id.unwrap().to_vec()).unwrap()
}

async fn register(registry: &LogRegistry, event_type: &EventType, schemas: &mut HashMap<SchemaId, Arc<str>>) {
    let subjects = [
        (event_type.value_subject(PREFIX), event_type.schema),
        (event_type.key_subject(PREFIX), event_type.key.schema),
    ];
    for (subject, schema) in subjects {
        let registered = registry.register(Registration { subject: &subject, schema, import: None }).await.unwrap();
        schemas.insert(registered.id, registry.schema(registered.id).await.unwrap());
    }
}

async fn all_of(log: &dyn Log) -> Box<dyn Reader> {
    let from = (0..PARTITIONS).map(|number| (TopicPartition::new(topic(), number), Offset(0))).collect();
    log.reader(from, ReaderSettings::default()).await.unwrap()
}

async fn read(reader: &mut dyn Reader, count: usize) -> Vec<NewRecord> {
    let mut records = Vec::new();
    while records.len() < count {
        let fetched = reader.next(std::time::Duration::from_secs(5)).await.unwrap();
        records.extend(fetched.records.iter().map(again));
    }
    records
}

/// The record as it is appended anew.
fn again(record: &Record) -> NewRecord {
    let copy = |bytes: &[u8]| bytes.to_vec().into();
    let header = |(name, value): (&str, Option<&[u8]>)| Header { name: name.to_owned().into(), value: value.map(copy) };
    NewRecord {
        topic: record.topic().clone(),
        partition: record.partition(),
        timestamp_ms: None,
        key: record.key().map(copy),
        value: record.value().map(copy),
        headers: record.headers().into_iter().map(header).collect(),
    }
}

/// Schemas by their ids; nothing else is asked for by who reads.
struct FixedRegistry(HashMap<SchemaId, Arc<str>>);

fn not_here<T>() -> Result<T, RegistryError> {
    Err(RegistryError::ReadOnly)
}

#[async_trait]
impl Registry for FixedRegistry {
    async fn schema(&self, id: SchemaId) -> Result<Arc<str>, RegistryError> {
        self.0.get(&id).cloned().ok_or(RegistryError::UnknownId { id })
    }

    async fn lookup(&self, _: &str, _: &str) -> Result<Registered, RegistryError> {
        not_here()
    }

    async fn register(&self, _: Registration<'_>) -> Result<Registered, RegistryError> {
        not_here()
    }

    async fn subjects(&self) -> Result<Vec<String>, RegistryError> {
        not_here()
    }

    async fn versions(&self, _: &str) -> Result<Vec<u32>, RegistryError> {
        not_here()
    }

    async fn kept(&self, _: &str) -> Result<Vec<Kept>, RegistryError> {
        not_here()
    }

    async fn users(&self, _: SchemaId, _: &str) -> Result<Vec<(String, u32)>, RegistryError> {
        not_here()
    }

    async fn delete(&self, _: &str, _: Option<u32>, _: bool) -> Result<Vec<u32>, RegistryError> {
        not_here()
    }

    async fn version(&self, _: &str, _: VersionRef) -> Result<Registered, RegistryError> {
        not_here()
    }

    async fn compatibility(&self, _: Option<&str>) -> Result<Option<Level>, RegistryError> {
        not_here()
    }

    async fn set_compatibility(&self, _: Option<&str>, _: Level) -> Result<(), RegistryError> {
        not_here()
    }

    async fn mode(&self, _: Option<&str>) -> Result<Option<Mode>, RegistryError> {
        not_here()
    }

    async fn set_mode(&self, _: Option<&str>, _: Mode) -> Result<(), RegistryError> {
        not_here()
    }
}
