//! A log in a folder of its own, a registry on it, events, and waiting with a deadline.
#![allow(dead_code, reason = "each test file uses its part")]

use std::{
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};

use coursebus_consumer::{
    EngineError, EngineSettings, HandFed, Handlers, HandlersSettings, Outcome, ProcessError, Processor, Until,
    held_event, held_topic, run,
};
use coursebus_producer::adapters::lms::{Course, Enrollment, Learner, enrollment_created};
use coursebus_registry_tools::{LogRegistry, Registration, Registry, StoreSettings};
use coursebus_schemas::{Event, SchemaId, encode, learning::CourseEnrollmentCreated, wire::frame};
use coursebus_transport::{
    GroupSettings, Log, NewRecord, Offset, ReaderSettings, Record, Settings, Sync, TopicPartition, TopicSpec, Writer,
    WriterSettings, embedded::EmbeddedLog,
};
use tokio::task::JoinHandle;

/// How long anything here may take; only a test that fails waits so long.
pub const LIMIT: Duration = Duration::from_secs(30);
pub const TOPIC: &str = "lifecycle";

pub struct Scene {
    pub log: Arc<dyn Log>,
    pub registry: Arc<dyn Registry>,
    pub value_id: SchemaId,
    writer: Writer,
    _dir: Option<tempfile::TempDir>,
}

impl Scene {
    pub async fn new(partitions: i32) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let opened = EmbeddedLog::open(&dir.path().join("bus"), Sync::Os, &Settings::default());
        Self::on(Arc::new(opened.expect("a log")), Some(dir), partitions).await
    }

    /// The same on another log.
    pub async fn on(log: Arc<dyn Log>, dir: Option<tempfile::TempDir>, partitions: i32) -> Self {
        let registry = Arc::new(LogRegistry::open(log.clone(), StoreSettings::default()).await.expect("a registry"));
        let subject = CourseEnrollmentCreated::TYPE.value_subject("test");
        let registration =
            Registration { subject: &subject, schema: CourseEnrollmentCreated::TYPE.schema, import: None };
        let value_id = registry.register(registration).await.expect("it is registered").id;
        log.create_topic(&TopicSpec::new(TOPIC, partitions)).await.expect("a topic");
        let writer = log.writer(WriterSettings::default()).await.expect("a writer");
        Self { log, registry, value_id, writer, _dir: dir }
    }

    /// Appends a record; its order key is `user` within `course`.
    pub async fn append(&self, partition: i32, course: &str, user: i64, name: &str) -> Offset {
        let mut value = Vec::new();
        frame(self.value_id, &mut value);
        encode::encode(&event(course, user, name), &mut value).expect("it is encoded");
        self.append_raw(partition, Some(course), Some(value)).await
    }

    /// The same on another topic.
    pub async fn append_on(&self, topic: &str, course: &str, user: i64, name: &str) -> Offset {
        let mut value = Vec::new();
        frame(self.value_id, &mut value);
        encode::encode(&event(course, user, name), &mut value).expect("it is encoded");
        self.append_record(topic, 0, Some(course), Some(value)).await
    }

    pub async fn append_raw(&self, partition: i32, key: Option<&str>, value: Option<Vec<u8>>) -> Offset {
        self.append_record(TOPIC, partition, key, value).await
    }

    async fn append_record(&self, topic: &str, partition: i32, key: Option<&str>, value: Option<Vec<u8>>) -> Offset {
        let record = NewRecord {
            topic: topic.into(),
            partition,
            timestamp_ms: None,
            key: key.map(|key| key.as_bytes().to_vec().into()),
            value: value.map(Into::into),
            headers: Vec::new(),
        };
        self.writer.append(record).await.await.expect("it is confirmed").offset
    }

    pub async fn handlers(&self, group: &str, settings: HandlersSettings) -> Handlers {
        let topics = [TOPIC.to_owned()];
        let made = Handlers::new(self.log.clone(), self.registry.clone(), group, &topics, settings).await;
        made.expect("handlers")
    }

    /// Runs a processor as the only member of a group until everything is processed.
    pub async fn until_caught_up(&self, group: &str, processor: Arc<dyn Processor>) -> Result<Outcome, EngineError> {
        let settings = EngineSettings { until: Until::CaughtUp, ..self.settings(group) };
        let running = run(self.log.clone(), settings, processor, std::future::pending());
        within("the engine ends", running).await
    }

    pub fn settings(&self, group: &str) -> EngineSettings {
        let mut group = GroupSettings::new(group, vec![TOPIC.to_owned()]);
        group.session_timeout = Duration::from_secs(5);
        EngineSettings { commit_every: Duration::from_millis(50), ..EngineSettings::new(group) }
    }

    /// Starts a member, to be stopped by what is returned.
    pub fn member(&self, group: &str, processor: Arc<dyn Processor>) -> Running {
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let running = run(self.log.clone(), self.settings(group), processor, async {
            let _ = stopped.await;
        });
        Running { stop, task: tokio::spawn(running) }
    }

    /// All records of a topic, in order.
    pub async fn records(&self, topic: &str) -> Vec<Record> {
        let mut open = Vec::new();
        for number in 0..self.log.topic(topic).await.expect("a topic").partitions {
            let partition = TopicPartition::new(topic, number);
            let start = self.log.range(&partition).await.expect("a range").earliest;
            open.push((partition, start));
        }
        let mut reader = self.log.reader(open.clone(), ReaderSettings::default()).await.expect("a reader");
        let mut records = Vec::new();
        while !open.is_empty() {
            let fetched = reader.next(LIMIT).await.expect("records");
            records.extend(fetched.records);
            open.retain(|(partition, _)| fetched.ends.iter().all(|(end, _)| end != partition));
        }
        records
    }

    /// State, code and offset of all events on the held topic.
    pub async fn held(&self, group: &str) -> Vec<(String, String, i64)> {
        let records = self.records(&held_topic(group, TOPIC)).await;
        let events = records.iter().map(|record| held_event(record).expect("ours"));
        events.map(|e| (e.state.as_str().to_owned(), e.code, e.record.offset().0)).collect()
    }

    pub async fn committed(&self, group: &str, partition: i32) -> Option<Offset> {
        let partition = [TopicPartition::new(TOPIC, partition)];
        self.log.committed(group, &partition).await.expect("an answer")[0]
    }

    /// Feeds all records of partition 0 to handlers, by hand. The records are all waiting at the beginning.
    pub async fn fed(&self, handlers: &Arc<Handlers>) -> Fed {
        let (fed, input, progress) = HandFed::new();
        let records = self.records(TOPIC).await;
        let end = records.last().map(|record| record.offset().next()).expect("records");
        fed.push(records);
        fed.end(end);
        let handlers = handlers.clone();
        let run = async move { handlers.run(TopicPartition::new(TOPIC, 0), input, progress).await };
        Fed { feed: fed, task: tokio::spawn(run) }
    }
}

pub struct Running {
    stop: tokio::sync::oneshot::Sender<()>,
    task: JoinHandle<Result<Outcome, EngineError>>,
}

impl Running {
    pub async fn stop(self) -> Result<Outcome, EngineError> {
        let _ = self.stop.send(());
        within("the member ends", self.task).await.expect("no panic")
    }

    pub async fn ended(self) -> Result<Outcome, EngineError> {
        within("the member ends by itself", self.task).await.expect("no panic")
    }
}

pub struct Fed {
    pub feed: HandFed,
    pub task: JoinHandle<Result<(), ProcessError>>,
}

impl Fed {
    pub async fn caught_up(&self) {
        within("everything is done", self.feed.caught_up()).await;
    }

    pub async fn close(self) {
        self.feed.close();
        within("the partition is let go", self.task).await.expect("no panic").expect("no error");
    }

    pub async fn error(self) -> ProcessError {
        within("the partition fails", self.task).await.expect("no panic").expect_err("an error")
    }
}

pub fn event(course: &str, user: i64, name: &str) -> CourseEnrollmentCreated {
    let start = time::macros::datetime!(2026-02-01 0:00 UTC);
    enrollment_created(&Enrollment {
        learner: Learner {
            id: user,
            is_active: true,
            username: name.to_owned(),
            email: String::new(),
            name: String::new(),
        },
        course: Course { course_key: course.to_owned(), display_name: String::new(), start: None, end: None },
        mode: "audit".to_owned(),
        created: start,
    })
}

/// The name that an event was made with.
pub fn name(event: &CourseEnrollmentCreated) -> String {
    event.enrollment.user.pii.username.clone()
}

/// What handlers saw, in order.
#[derive(Clone, Default)]
pub struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    pub fn note(&self, what: impl Into<String>) {
        self.0.lock().expect("no panic while it was held").push(what.into());
    }

    pub fn all(&self) -> Vec<String> {
        self.0.lock().expect("no panic while it was held").clone()
    }

    pub fn count(&self, what: &str) -> usize {
        self.all().iter().filter(|seen| *seen == what).count()
    }

    pub async fn until(&self, what: &str, mut is: impl FnMut(&[String]) -> bool) {
        until(what, || is(&self.all())).await;
    }
}

/// Waits for a condition.
pub async fn until(what: &str, mut is: impl FnMut() -> bool) {
    let asking = async {
        while !is() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    within(what, asking).await;
}

pub async fn within<T>(what: &str, wait: impl Future<Output = T>) -> T {
    match tokio::time::timeout(LIMIT, wait).await {
        Ok(value) => value,
        Err(_) => panic!("after {LIMIT:?} still waiting until {what}"),
    }
}
