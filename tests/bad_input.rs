//! What cannot be read or applied is held whole, under a code, and the line goes on: good events lie before, between and
//! behind each bad record, and all take effect.

mod cases;
mod command;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use coursebus_consumer::{
    Decoder, EngineError, HandlerError, Handlers, HandlersSettings, OnPoison, OpenError, Poison, ProcessError,
    Processor, held_event, held_topic,
};
use coursebus_producer::{EmitError, Producer, ProducerSettings};
use coursebus_registry_tools::{
    HttpRegistry, Kept, Level, Mode, Registered, Registration, Registry, RegistryError, SchemaId, VersionRef,
};
use coursebus_schemas::{Event, authoring::CourseRunCreated, decode, json::FitError};
use coursebus_sinks_kit::{HeldRecord, SinkSettings, SinkSpec, Value};
use coursebus_tests::{matrix, unique};
use coursebus_transport::{Class, Log, Record, Settings, TopicPartition, WriterSettings, kafka::KafkaLog};

use self::cases::{Case, Ids, cases, course_run};
use super::bed::{Backend, Bed, Db, alone};

/// A topic of one partition with all cases on it, good events between them.
struct Scene {
    bed: Bed,
    topic: String,
    cases: Vec<Case>,
    /// The titles of the good events, in order.
    good: Vec<String>,
}

impl Scene {
    async fn new(backend: Backend) -> Option<Self> {
        let bed = Bed::new(backend).await?;
        let ids = Ids::register(&bed).await;
        let topic = CourseRunCreated::TYPE.topic.full_topic(&bed.prefix);
        bed.topic(&topic, 1).await;
        let producer = bed.producer().await;
        let writer = bed.log.writer(WriterSettings::default()).await.unwrap();
        let mut good = Vec::new();
        let mut emit_good = async || {
            let event = course_run(&format!("good {}", good.len()));
            good.push(event.course_run.title.clone());
            producer.emit(&event).await.unwrap();
        };
        let mut cases = cases(&ids);
        for case in &mut cases {
            emit_good().await;
            case.offset = writer.append(case.raw.record(&topic)).await.await.unwrap().offset;
        }
        emit_good().await;
        Some(Self { bed, topic, cases, good })
    }

    /// The titles that take effect where some cases are held.
    fn titles(&self, is_held: impl Fn(&Case) -> bool) -> Vec<String> {
        let through = self.cases.iter().filter(|case| !is_held(case)).map(|case| case.title.clone());
        let mut titles: Vec<String> = self.good.iter().cloned().chain(through).collect();
        titles.sort();
        titles
    }
}

#[tokio::test]
async fn a_sink_on_sqlite_holds_what_it_cannot_apply() {
    on(Backend::Embedded, Db::sqlite()).await;
    on(Backend::Kafka, Db::sqlite()).await;
}

#[tokio::test]
async fn a_sink_on_postgres_holds_what_it_cannot_apply() {
    let Some(db) = Db::postgres() else { return };
    on(Backend::Embedded, db).await;
    let Some(db) = Db::postgres() else { return };
    on(Backend::Kafka, db).await;
}

#[tokio::test]
async fn a_sink_on_mysql_holds_what_it_cannot_apply() {
    let Some(db) = Db::mysql() else { return };
    on(Backend::Embedded, db).await;
}

async fn on(backend: Backend, db: Db) {
    let Some(scene) = Scene::new(backend).await else { return };
    matrix("bad-input", backend.name(), db.name());
    let spec = alone(coursebus_sinks::discovery::sink());
    let store = db.open(&spec).await;
    let code = |case: &Case| if db.name() == "postgres" { case.codes.postgres } else { case.codes.sqlite };
    // Small batches and large ones: what the database refuses is found in both.
    let settings = SinkSettings { audit: true, batch_records_max: 1_000, ..SinkSettings::default() };
    scene.bed.sink(&spec, &store, settings).await.unwrap();

    let rows = store.rows(spec.tables[0], None, 10_000).await.unwrap();
    let title = |row: &Vec<Value>| if let Value::Text(title) = &row[4] { title.clone() } else { panic!("{row:?}") };
    let mut titles: Vec<String> = rows.iter().map(title).collect();
    titles.sort();
    assert_eq!(titles, scene.titles(|case| code(case).is_some()));

    let held = store.held(&spec.group()).await.unwrap();
    let expected: Vec<&Case> = scene.cases.iter().filter(|case| code(case).is_some()).collect();
    for case in &expected {
        let record = held.iter().find(|record| record.offset == case.offset).unwrap_or_else(|| panic!("{}", case.name));
        let HeldRecord { topic, partition, state, key, value, headers, reason, .. } = record;
        assert_eq!((&**topic, *partition, &**state), (&*scene.topic, 0, "parked"), "{}", case.name);
        assert_eq!(Some(&*record.code), code(case), "{}: {reason}", case.name);
        assert_eq!((key, value, headers), (&case.raw.key, &case.raw.value, &case.raw.headers), "{}", case.name);
        assert!(!reason.contains(&case.title), "{}: {reason}", case.name);
        assert!(record.emitted_ms > 0 && record.held_ms >= record.emitted_ms - 60_000, "{}", case.name);
    }
    assert_eq!(held.len(), expected.len());
    let positions = store.positions(&spec.group()).await.unwrap();
    let end = scene.bed.log.range(&TopicPartition::new(scene.topic.as_str(), 0)).await.unwrap().latest;
    assert_eq!(positions[0].next, Some(end), "the line went on to the end");

    // What is held is no loss to the auditor.
    let (log, registry) = (scene.bed.log.as_ref(), scene.bed.registry.as_ref());
    let report =
        coursebus_sinks_kit::audit::audit(log, registry, store.as_ref(), &spec, &scene.bed.prefix).await.unwrap();
    assert!(report.agrees(), "{report:?}");
    assert_eq!((report.held, report.applied), (held.len() as u64, titles.len() as u64), "{report:?}");
    drop(store);
    scene.bed.end().await;
}

#[tokio::test]
async fn handlers_hold_on_a_topic_what_they_cannot_read() {
    for backend in [Backend::Embedded, Backend::Kafka] {
        let Some(scene) = Scene::new(backend).await else { return };
        matrix("bad-input", backend.name(), "none");
        for with_metadata in [false, true] {
            handle(&scene, with_metadata).await;
        }
        scene.bed.end().await;
    }
}

async fn handle(scene: &Scene, with_metadata: bool) {
    let group = format!("{}-handlers-{with_metadata}", scene.bed.prefix);
    let topics = vec![scene.topic.clone()];
    let (log, registry) = (scene.bed.log.clone(), scene.bed.registry.clone());
    // Every case is looked at for itself: none waits behind another of its key.
    let settings = HandlersSettings { on_poison: OnPoison::Skip, ..HandlersSettings::default() };
    let handlers = Handlers::new(log.clone(), registry, &group, &topics, settings).await.unwrap();
    let handled = Arc::new(Mutex::new(Vec::new()));
    let handle = {
        let handled = handled.clone();
        move |event: CourseRunCreated| {
            let title = event.course_run.title;
            let refuses = title.starts_with("refuse");
            handled.lock().unwrap().push(title);
            let outcome = if refuses { Err(HandlerError::Poison("it is not wanted".to_owned())) } else { Ok(()) };
            std::future::ready(outcome)
        }
    };
    let handlers = match with_metadata {
        false => handlers.on(handle),
        true => handlers.on_with_metadata(move |event, _| handle(event)),
    };
    scene.bed.run(log, &group, topics, Arc::new(handlers)).await.unwrap();

    let code = |case: &Case| if with_metadata { case.codes.metadata } else { case.codes.plain };
    let mut titles = handled.lock().unwrap().clone();
    titles.sort();
    // A handler sees what it refuses; everything else that is held never came to it.
    assert_eq!(titles, scene.titles(|case| code(case).is_some() && !case.title.starts_with("refuse")));

    let held = scene.bed.records(&held_topic(&group, &scene.topic)).await;
    let expected: Vec<&Case> = scene.cases.iter().filter(|case| code(case).is_some()).collect();
    for case in &expected {
        let offset = case.offset.to_string();
        let record = held.iter().find(|record| text(record, "held_offset") == offset);
        let record = record.unwrap_or_else(|| panic!("{} with metadata: {with_metadata}", case.name));
        assert_eq!(Some(&*text(record, "held_code")), code(case), "{}: {}", case.name, text(record, "held_reason"));
        assert_eq!(text(record, "held_state"), "dead");
        assert_eq!((text(record, "held_topic"), text(record, "held_partition")), (scene.topic.clone(), "0".into()));
        assert!(!text(record, "held_reason").contains(&case.title), "{}", case.name);
        let identity = format!("{}/0/{offset}", scene.topic);
        assert_eq!(record.key(), Some(identity.as_bytes()), "{}", case.name);
        assert!(record.value().is_some(), "{}: compaction would take it away", case.name);
        let original = held_event(record).expect("it can be read back").record;
        assert_eq!(
            (original.key(), original.value()),
            (case.raw.key.as_deref(), case.raw.value.as_deref()),
            "{}",
            case.name
        );
        assert_eq!((original.topic(), original.offset()), (&scene.topic.as_str().into(), case.offset), "{}", case.name);
        let case_headers: Vec<_> = case.raw.headers.iter().map(|(name, value)| (&**name, value.as_deref())).collect();
        assert_eq!(original.headers(), case_headers, "{}", case.name);
        let headers = record.headers();
        let (untouched, ours) = headers.split_at(case_headers.len());
        assert_eq!(untouched, case_headers, "{}", case.name);
        assert!(ours.iter().all(|(name, _)| name.starts_with("held_")));
    }
    assert_eq!(held.len(), expected.len(), "with metadata: {with_metadata}");
    let partition = TopicPartition::new(scene.topic.as_str(), 0);
    let end = scene.bed.log.range(&partition).await.unwrap().latest;
    assert_eq!(scene.bed.log.committed(&group, &[partition]).await.unwrap(), [Some(end)]);
}

/// The value of our own header; the record's own headers may have one of the same name before it.
fn text(record: &Record, name: &str) -> String {
    let headers = record.headers();
    let value = headers.iter().rev().find(|(found, _)| *found == name).and_then(|(_, value)| *value);
    String::from_utf8(value.unwrap_or_else(|| panic!("{name}")).to_vec()).unwrap()
}

#[tokio::test]
async fn an_error_names_topic_partition_offset_and_code() {
    let scene = Scene::new(Backend::Embedded).await.unwrap();
    matrix("bad-input", "embedded", "none");
    let decoder = Decoder::new(scene.bed.registry.clone());
    let records = scene.bed.records(&scene.topic).await;
    let mut seen = 0;
    for case in &scene.cases {
        let record = records.iter().find(|record| record.offset() == case.offset).unwrap();
        let poison: Poison = match decoder.open(record).await {
            Err(OpenError::Poison(poison)) => poison,
            Err(error) => panic!("{error}"),
            Ok(datum) => match decode::decode::<CourseRunCreated>(&datum.writer, datum.bytes) {
                Err(error) => error.into(),
                Ok(_) => continue,
            },
        };
        let error = poison.of(record);
        assert_eq!((&*error.topic, error.partition, error.offset), (&*scene.topic, 0, case.offset));
        assert_eq!(Some(error.code.as_str()), case.codes.plain, "{}", case.name);
        let start = format!("{}/0 offset {}: {}: ", scene.topic, case.offset, error.code);
        assert!(error.to_string().starts_with(&start), "{error}");
        seen += 1;
    }
    assert!(seen > 10);
}

#[tokio::test]
async fn an_event_that_does_not_fit_is_refused_with_its_path() {
    for backend in [Backend::Embedded, Backend::Kafka] {
        let Some(bed) = Bed::new(backend).await else { return };
        matrix("bad-input", backend.name(), "none");
        Ids::register(&bed).await;
        let topic = CourseRunCreated::TYPE.topic.full_topic(&bed.prefix);
        bed.topic(&topic, 1).await;
        let producer = bed.producer().await;
        let good = serde_json::to_value(course_run("s3cret")).unwrap();
        let changed = |change: &dyn Fn(&mut serde_json::Value)| {
            let mut event = good.clone();
            change(&mut event);
            event
        };
        let unfit = [
            ("course_run.title", changed(&|e| e["course_run"]["title"] = 5.into())),
            ("course_run.title", changed(&|e| drop(e["course_run"].as_object_mut().unwrap().remove("title")))),
            ("course_run.invitation_only", changed(&|e| e["course_run"]["invitation_only"] = "s3cret".into())),
            ("course_run.end", changed(&|e| e["course_run"]["end"] = serde_json::json!(["s3cret"]))),
            ("course_run.course_key", changed(&|e| e["course_run"]["course_key"] = serde_json::Value::Null)),
            ("course_run.s3", changed(&|e| e["course_run"]["s3"] = 1.into())),
            ("course_run", serde_json::json!({"course_run": "s3cret"})),
        ];
        for (path, event) in unfit {
            let refused =
                producer.send_json(CourseRunCreated::TYPE, &event, producer.metadata(CourseRunCreated::TYPE)).await;
            let error = refused.map(drop).expect_err(path);
            assert_eq!((error.class(), error.code()), (Class::Poison, "event-does-not-fit"), "{error}");
            let EmitError::Unfit { source, .. } = &error else { panic!("{error:?}") };
            let source: &FitError = source;
            let text = format!("{error}: {source}");
            assert!(text.contains(path) && !text.contains("s3cret"), "{path}: {text}");
        }
        // Nor does an event that no consumer could tell from others.
        let mut nobody = producer.metadata(CourseRunCreated::TYPE);
        nobody.source.clear();
        let refused = producer.emit_with(&course_run("x"), nobody.clone()).await.expect_err("it has no source");
        assert_eq!(refused.class(), Class::Poison, "{refused}");
        assert!(producer.send_json(CourseRunCreated::TYPE, &good, nobody).await.is_err());
        assert!(bed.records(&topic).await.is_empty(), "nothing of it is on the topic");
        bed.end().await;
    }
}

#[tokio::test]
async fn what_a_producer_needs_and_does_not_find_is_named() {
    for backend in [Backend::Embedded, Backend::Kafka] {
        let Some(bed) = Bed::new(backend).await else { return };
        matrix("bad-input", backend.name(), "none");
        let producer = bed.producer().await;
        let error = producer.emit(&course_run("x")).await.expect_err("there is no topic");
        assert_eq!((error.class(), error.code()), (Class::Fatal, "unknown-topic"), "{error}");
        let topic = CourseRunCreated::TYPE.topic.full_topic(&bed.prefix);
        bed.topic(&topic, 1).await;
        let error = producer.emit(&course_run("x")).await.expect_err("there is no schema");
        assert_eq!((error.class(), error.code()), (Class::Fatal, "schema-not-registered"), "{error}");
        assert!(error.to_string().contains(&CourseRunCreated::TYPE.value_subject(&bed.prefix)), "{error}");
        Ids::register(&bed).await;
        producer.emit(&course_run("x")).await.expect("now it goes: nothing of it was remembered");
        bed.end().await;
    }
    // Nobody answers: an error within the bound, that can be tried again.
    let settings = Settings { request_timeout: std::time::Duration::from_secs(1), ..Settings::default() };
    let bed = Bed::new(Backend::Embedded).await.unwrap();
    let away: Arc<dyn Log> = Arc::new(KafkaLog::open("127.0.0.1:1", &settings).unwrap());
    let settings = ProducerSettings { topic_prefix: bed.prefix.clone(), ..ProducerSettings::default() };
    let producer = Producer::new(away, bed.registry.clone(), settings).await.unwrap();
    let error = producer.emit(&course_run("x")).await.expect_err("there is no broker");
    assert_eq!((error.class(), error.code(), error.is_in_doubt()), (Class::Transient, "not-sent", false), "{error}");
}

/// A registry that is away is no reason to hold anything: the sink waits, gives up within its budget, and goes on later.
#[tokio::test]
async fn a_sink_without_its_registry_waits_and_loses_nothing() {
    let scene = Scene::new(Backend::Embedded).await.unwrap();
    let db = Db::sqlite();
    matrix("bad-input", "embedded", db.name());
    let spec: Arc<SinkSpec> = alone(coursebus_sinks::discovery::sink());
    let store = db.open(&spec).await;
    let settings = SinkSettings { retry_budget: std::time::Duration::from_secs(1), ..SinkSettings::default() };
    let away = Arc::new(HttpRegistry::new("http://127.0.0.1:1").unwrap());
    let ended = scene.bed.sink_on(scene.bed.log.clone(), away, &spec, &store, settings.clone()).await;
    let error = ended.expect_err("it cannot read");
    assert!(matches!(&error, EngineError::Process { source: ProcessError::Unavailable { .. }, .. }), "{error:?}");
    assert_eq!(error.class(), Class::Transient);
    assert!(store.held(&spec.group()).await.unwrap().is_empty());
    assert_eq!(store.positions(&spec.group()).await.unwrap()[0].next, None);

    // One that comes back within the budget is not noticed at all.
    let back = Arc::new(Flaky { registry: scene.bed.registry.clone(), away: Mutex::new(2) });
    scene.bed.sink_on(scene.bed.log.clone(), back, &spec, &store, settings).await.unwrap();
    let rows = store.rows(spec.tables[0], None, 10_000).await.unwrap();
    assert_eq!(rows.len(), scene.titles(|case| case.codes.sqlite.is_some()).len());
}

/// A registry that is away so many calls, and then answers.
struct Flaky {
    registry: Arc<dyn Registry>,
    away: Mutex<u32>,
}

#[async_trait]
impl Registry for Flaky {
    async fn schema(&self, id: SchemaId) -> Result<Arc<str>, RegistryError> {
        let is_away = {
            let mut away = self.away.lock().unwrap();
            *away = away.saturating_sub(1);
            *away > 0
        };
        if is_away {
            return Err(RegistryError::Unavailable { what: "answer".to_owned(), source: "it is away".into() });
        }
        self.registry.schema(id).await
    }

    async fn lookup(&self, subject: &str, schema: &str) -> Result<Registered, RegistryError> {
        self.registry.lookup(subject, schema).await
    }

    async fn register(&self, registration: Registration<'_>) -> Result<Registered, RegistryError> {
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

/// A bug in a handler ends the engine with an error. It must not hang, and not commit past the event.
#[tokio::test]
async fn a_handler_that_panics_ends_the_engine() {
    let scene = Scene::new(Backend::Embedded).await.unwrap();
    matrix("bad-input", "embedded", "none");
    let (log, registry) = (scene.bed.log.clone(), scene.bed.registry.clone());
    let (group, topics) = (unique("panics"), vec![scene.topic.clone()]);
    let handlers = Handlers::new(log.clone(), registry, &group, &topics, HandlersSettings::default()).await.unwrap();
    let processor: Arc<dyn Processor> = Arc::new(handlers.on(async |event: CourseRunCreated| {
        assert_ne!(event.course_run.title, "good 0", "a bug");
        Ok(())
    }));
    let error = scene.bed.run(log, &group, topics, processor).await.expect_err("it panicked");
    assert_eq!(error.class(), Class::Fatal);
    assert!(error.to_string().contains(&scene.topic), "{error}");
    let partition = TopicPartition::new(scene.topic.as_str(), 0);
    assert_eq!(scene.bed.log.committed(&group, &[partition]).await.unwrap(), [None]);
}
