//! What a lane does: with what it cannot read, at its bounds, where it is to stop; and that forgetting to hold is found.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use coursebus_consumer::{EngineSettings, Input, OnPoison, ProcessError, Processor, Progress};
use coursebus_producer::Producer;
use coursebus_registry_tools::{Mode, Registration, Registry, SchemaId};
use coursebus_schemas::{
    Event as _,
    learning::{CourseData, CourseEnrollmentChanged, CourseEnrollmentData, UserData, UserPersonalData},
};
use coursebus_sinks_kit::{
    HeldLimits, HeldPlace, HeldRecord, Mark, SinkProcessor, SinkSettings, SinkSpec, Store,
    audit::{Report, audit},
    held::desk,
};
use coursebus_tests::{matrix, until};
use coursebus_transport::{GroupSettings, NewRecord, Start, TopicPartition, WriterSettings};

use super::{
    super::bed::{Backend, Bed, Db, LIMIT, alone},
    SOUND,
};

/// A sink on a topic of enrollments, all in one partition.
struct Scene {
    bed: Bed,
    spec: Arc<SinkSpec>,
    store: Arc<dyn Store>,
    topic: String,
}

impl Scene {
    async fn new(db: &Db, partitions: i32, choose: impl FnOnce(SinkSpec) -> SinkSpec) -> Self {
        matrix("held", "embedded", db.name());
        let bed = Bed::new(Backend::Embedded).await.unwrap();
        let spec = alone(choose(coursebus_sinks::credentials::sink()));
        for topic in spec.topics(&bed.prefix) {
            bed.topic(&topic, partitions).await;
        }
        bed.register(CourseEnrollmentChanged::TYPE).await;
        let topic = CourseEnrollmentChanged::TYPE.topic.full_topic(&bed.prefix);
        let store = db.open(&spec).await;
        Self { bed, spec, store, topic }
    }

    async fn emit(&self, course: &str, learner: i64, mode: &str, created: &str) -> HeldPlace {
        emit(&self.bed.producer().await, course, learner, mode, created).await
    }

    /// Appends a record with the key and the headers of another, and this value.
    async fn append_like(&self, place: &HeldPlace, value: &[u8]) -> HeldPlace {
        let records = self.bed.records(&self.topic).await;
        let like =
            records.iter().find(|r| r.topic_partition() == place.partition && r.offset() == place.offset).unwrap();
        let header = |(name, value): (&str, Option<&[u8]>)| {
            coursebus_transport::Header::new(name.to_owned(), value.unwrap_or_default().to_vec())
        };
        let record = NewRecord {
            topic: self.topic.as_str().into(),
            partition: like.partition(),
            timestamp_ms: None,
            key: like.key().map(|key| key.to_vec().into()),
            value: Some(value.to_vec().into()),
            headers: like.headers().into_iter().map(header).collect(),
        };
        let writer = self.bed.log.writer(WriterSettings::default()).await.unwrap();
        let offset = writer.append(record).await.await.unwrap().offset;
        HeldPlace { offset, ..place.clone() }
    }

    async fn run(&self, settings: SinkSettings) {
        self.bed.sink(&self.spec, &self.store, settings).await.unwrap();
    }

    async fn held(&self) -> Vec<HeldRecord> {
        self.store.held(&self.spec.group()).await.unwrap()
    }

    async fn mark(&self, place: &HeldPlace, mark: Mark) {
        let group = self.spec.group();
        let marked = desk::mark(self.store.as_ref(), &group, std::slice::from_ref(place), &mark, "test", "").await;
        assert_eq!(marked.unwrap(), std::slice::from_ref(place));
    }

    /// The modes of the enrollments, by learner.
    async fn modes(&self) -> Vec<String> {
        use coursebus_sinks_kit::Value;
        let table = self.spec.tables.iter().find(|table| table.name == "enrollments").unwrap();
        let rows = self.store.rows(table, None, 1_000).await.unwrap();
        let text = |row: &Vec<Value>| if let Value::Text(mode) = &row[2] { mode.clone() } else { panic!("{row:?}") };
        rows.iter().map(text).collect()
    }

    async fn audit(&self) -> Report {
        let (log, registry) = (self.bed.log.as_ref(), self.bed.registry.as_ref());
        audit(log, registry, self.store.as_ref(), &self.spec, &self.bed.prefix).await.unwrap()
    }
}

async fn emit(producer: &Producer, course: &str, learner: i64, mode: &str, created: &str) -> HeldPlace {
    let pii = UserPersonalData { username: "u".into(), email: "e".into(), name: "n".into() };
    let enrollment = CourseEnrollmentData {
        user: UserData { id: learner, is_active: true, pii },
        course: CourseData { course_key: course.into(), display_name: "Held".into(), start: None, end: None },
        mode: mode.into(),
        is_active: true,
        creation_date: created.into(),
        created_by: None,
    };
    let emitted = producer.emit(&CourseEnrollmentChanged { enrollment }).await.unwrap();
    HeldPlace { partition: TopicPartition::new(emitted.topic, emitted.partition), offset: emitted.offset }
}

fn audited(batch_records_max: usize) -> SinkSettings {
    SinkSettings { audit: true, batch_records_max, ..SinkSettings::default() }
}

const A: &str = "course-v1:edX+A+2026";
const B: &str = "course-v1:edX+B+2026";

/// A value that cannot be read blocks its record key, whoever the learner is.
#[tokio::test]
async fn the_record_key_stands_in_for_an_order_key_that_cannot_be_read() {
    for db in Db::each() {
        for batch in [1, 5_000] {
            let scene = Scene::new(&db, 1, |spec| spec).await;
            let first = scene.emit(A, 1, "first", SOUND).await;
            let junk = scene.append_like(&first, b"junk").await;
            let behind = scene.emit(A, 2, "behind", SOUND).await;
            scene.emit(B, 3, "other key", SOUND).await;
            // A type that the sink does not read would do nothing here; poison of the same key is a cause of its own.
            let more_junk = scene.append_like(&first, b"more junk").await;
            let last = scene.emit(A, 1, "last", SOUND).await;
            scene.run(audited(batch)).await;
            let held = scene.held().await;
            let found: Vec<_> = held.iter().map(|r| (r.place(), r.behind, r.code.as_str(), r.state.as_str())).collect();
            let code = "malformed-frame";
            assert_eq!(
                found,
                [
                    (junk.clone(), None, code, "parked"),
                    (behind.clone(), Some(junk.offset), code, "parked"),
                    (more_junk.clone(), None, code, "parked"),
                    (last.clone(), Some(junk.offset), code, "parked"),
                ]
            );
            assert_eq!(scene.modes().await, ["first", "other key"]);

            // The second cause cannot be tried before the first has gone.
            scene.mark(&more_junk, Mark::Retry).await;
            scene.run(audited(batch)).await;
            assert_eq!(scene.held().await.len(), 4);
            assert_eq!(scene.store.asked(&scene.spec.group()).await.unwrap(), [], "it is answered all the same");
            scene.mark(&junk, Mark::Discard).await;
            scene.run(audited(batch)).await;
            assert_eq!(scene.modes().await, ["first", "behind", "other key"]);
            let held = scene.held().await;
            assert_eq!(held.last().map(|record| record.behind), Some(Some(more_junk.offset)), "behind the next cause");
            assert!(held.last().unwrap().reason.contains(&more_junk.offset.to_string()));
            scene.mark(&more_junk, Mark::Discard).await;
            scene.run(audited(batch)).await;
            assert_eq!(scene.modes().await, ["last", "behind", "other key"]);
            let report = scene.audit().await;
            assert!(report.agrees() && report.held == 2 && report.applied == 4, "{report:?}");
        }
    }
}

/// More than one transaction takes. The last has a value that PostgreSQL refuses, which is found when it is tried; in the middle
/// it would have been folded into what follows.
#[tokio::test]
async fn many_records_behind_one_come_back_in_several_transactions() {
    const MANY: usize = 2_300;
    for db in Db::each() {
        let scene = Scene::new(&db, 1, |spec| spec).await;
        let cause = scene.emit(A, 1, "poison", "tomorrow").await;
        let producer = scene.bed.producer().await;
        for number in 0..MANY {
            emit(&producer, A, 1, &number.to_string(), SOUND).await;
        }
        let last = emit(&producer, A, 1, "a\0b", SOUND).await;
        scene.run(audited(5_000)).await;
        assert_eq!(scene.held().await.len(), MANY + 2);
        scene.mark(&cause, Mark::Discard).await;
        scene.run(audited(5_000)).await;
        let is_refused = db.name() == "postgres";
        let held: Vec<_> = scene.held().await.into_iter().filter(|record| record.state == "parked").collect();
        let found: Vec<_> = held.iter().map(|r| (r.place(), r.behind, r.code.as_str(), r.tries)).collect();
        assert_eq!(found, if is_refused { vec![(last, None, "refused", 1)] } else { vec![] });
        let mode = if is_refused { (MANY - 1).to_string() } else { "a\0b".to_owned() };
        assert_eq!(scene.modes().await, [mode]);
        let report = scene.audit().await;
        let applied = MANY as u64 + u64::from(!is_refused);
        assert!(
            report.agrees() && (report.applied, report.held) == (applied, 2 - u64::from(!is_refused)),
            "{report:?}"
        );
    }
}

/// A process that died between two transactions of a walk leaves records behind a cause that is gone.
#[tokio::test]
async fn what_was_left_half_done_is_finished_by_the_next_member() {
    for db in Db::each() {
        let scene = Scene::new(&db, 1, |spec| spec).await;
        scene.emit(A, 1, "poison", "tomorrow").await;
        scene.emit(A, 1, "behind", SOUND).await;
        scene.emit(A, 1, "last", SOUND).await;
        scene.run(audited(5_000)).await;
        assert_eq!(scene.held().await.len(), 3);
        assert_eq!(db.by_hand(&scene.spec, "DELETE FROM bus_held WHERE behind IS NULL").await, 1);
        scene.run(audited(5_000)).await;
        assert_eq!((scene.modes().await, scene.held().await), (vec!["last".to_owned()], vec![]));
    }
}

/// Planted: the later records of the key are not held (as with `skip`), and the dead one comes back. The auditor says so.
#[tokio::test]
async fn forgetting_to_hold_the_later_records_is_found_by_the_auditor() {
    for (on_poison, expected) in [(OnPoison::Park, (0, 0, 0)), (OnPoison::Skip, (0, 0, 1))] {
        let db = Db::sqlite();
        let scene = Scene::new(&db, 1, |spec| spec.on_poison(on_poison)).await;
        scene.emit(A, 1, "0", SOUND).await;
        let poison = scene.append_like(&scene.emit(A, 1, "1", SOUND).await, &framed(MISSING, &[])).await;
        scene.emit(A, 1, "2", SOUND).await;
        scene.run(audited(5_000)).await;
        let state = if on_poison == OnPoison::Park { "parked" } else { "dead" };
        let held = scene.held().await;
        assert_eq!((held[0].place(), held[0].state.as_str()), (poison.clone(), state));
        // What it should have been, put in its place.
        let good = scene.bed.records(&scene.topic).await.into_iter().next().unwrap();
        let id = Some(b"mended".to_vec());
        let header = |(name, value): (&str, Option<&[u8]>)| {
            (name.to_owned(), if name == "ce_id" { id.clone() } else { value.map(<[u8]>::to_vec) })
        };
        let headers = good.headers().into_iter().map(header).collect();
        let edited = coursebus_sinks_kit::Edited { value: good.value().unwrap().to_vec(), headers };
        scene.mark(&poison, Mark::Edit(edited)).await;
        scene.mark(&poison, Mark::Retry).await;
        scene.run(audited(5_000)).await;
        let report = scene.audit().await;
        assert_eq!((report.lost, report.duplicated, report.out_of_order), expected, "{on_poison}: {report:?}");
        assert_eq!((report.held, report.applied), (0, 4), "{on_poison}: {report:?}");
    }
}

/// An id that the registry gives to no schema, until it is imported.
const MISSING: SchemaId = SchemaId(7_777);

fn framed(id: SchemaId, datum: &[u8]) -> Vec<u8> {
    let mut value = Vec::new();
    coursebus_schemas::wire::frame(id, &mut value);
    value.extend_from_slice(datum);
    value
}

/// Runs the sink in the background.
struct Running {
    processor: Arc<SinkProcessor>,
    stop: tokio::sync::oneshot::Sender<()>,
    engine: tokio::task::JoinHandle<()>,
}

impl Running {
    async fn start(scene: &Scene, settings: SinkSettings) -> Self {
        let (bed, spec) = (&scene.bed, &scene.spec);
        let processor =
            SinkProcessor::new(spec.clone(), scene.store.clone(), bed.log.clone(), bed.registry.clone(), settings);
        let processor = Arc::new(processor.await.unwrap());
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let settings = EngineSettings::new(GroupSettings::new(spec.group(), spec.topics(&bed.prefix)));
        let run = coursebus_consumer::run(bed.log.clone(), settings, processor.clone(), async { drop(stopped.await) });
        let engine = tokio::spawn(async move {
            let _outcome = run.await.unwrap();
        });
        Self { processor, stop, engine }
    }

    async fn end(self) {
        self.stop.send(()).unwrap();
        let began = tokio::time::Instant::now();
        tokio::time::timeout(LIMIT, self.engine).await.unwrap().unwrap();
        assert!(began.elapsed() < Duration::from_secs(15), "a partition that stands is let go at once");
    }
}

#[tokio::test]
async fn a_partition_stops_visibly_and_goes_on_when_the_schema_is_there() {
    for db in Db::each() {
        let scene = Scene::new(&db, 4, |spec| spec.on_poison(OnPoison::Stop)).await;
        let first = scene.emit(A, 1, "first", SOUND).await;
        let good = scene.bed.records(&scene.topic).await.into_iter().next().unwrap();
        let datum = &good.value().unwrap()[5..];
        let poison = scene.append_like(&first, &framed(MISSING, datum)).await;
        scene.emit(A, 1, "behind", SOUND).await;
        let running = Running::start(&scene, audited(5_000)).await;
        let stuck = until("a stuck partition", LIMIT, async || running.processor.stuck().into_iter().next()).await;
        assert_eq!(stuck.0, poison.partition);
        assert!(stuck.1.contains("unknown-schema") && stuck.1.contains(&poison.offset.to_string()), "{}", stuck.1);
        assert_eq!(scene.held().await, []);
        // Courses until one lies in another partition: that goes on.
        for number in 0.. {
            let place = scene.emit(&format!("course-v1:edX+{number}+2026"), 9, "elsewhere", SOUND).await;
            if place.partition != poison.partition {
                break;
            }
        }
        until("the other partition", LIMIT, async || {
            scene.modes().await.contains(&"elsewhere".to_owned()).then_some(())
        })
        .await;
        assert!(!scene.modes().await.contains(&"behind".to_owned()));

        // The schema with a remark, so that it is another one.
        let (registry, subject) = (&scene.bed.registry, "imported");
        registry.set_mode(Some(subject), Mode::Import).await.unwrap();
        let schema = CourseEnrollmentChanged::TYPE.schema.replacen('{', r#"{"doc":"late","#, 1);
        let import = Some((MISSING, None));
        registry.register(Registration { subject, schema: &schema, import }).await.unwrap();
        until("the record behind", LIMIT, async || scene.modes().await.contains(&"behind".to_owned()).then_some(()))
            .await;
        // The row is there when the database has it; the sink hears of it a moment later.
        until("a partition that is not stuck", LIMIT, async || running.processor.stuck().is_empty().then_some(()))
            .await;
        running.end().await;
        assert!(scene.audit().await.agrees());
    }
}

#[tokio::test]
async fn at_a_bound_a_partition_stands_and_goes_on_when_there_is_room() {
    for db in Db::each() {
        let scene = Scene::new(&db, 1, |spec| spec).await;
        let one = scene.emit(A, 1, "poison", "tomorrow").await;
        let behind = scene.emit(A, 1, "behind", SOUND).await;
        scene.emit(A, 2, "flows", SOUND).await;
        let two = scene.emit(B, 3, "poison", "tomorrow").await;
        scene.emit(A, 4, "last", SOUND).await;
        let limits = HeldLimits { keys_max: 1, ..HeldLimits::default() };
        let running = Running::start(&scene, SinkSettings { held: limits, ..audited(5_000) }).await;
        let stuck = until("a stuck partition", LIMIT, async || running.processor.stuck().into_iter().next()).await;
        assert!(stuck.1.contains("1 keys are held"), "{}", stuck.1);
        let places: Vec<HeldPlace> = scene.held().await.iter().map(HeldRecord::place).collect();
        assert_eq!(places, [one.clone(), behind], "the second key does not fit");
        assert_eq!(scene.modes().await, ["flows"], "what came before is applied, what comes behind waits");
        scene.mark(&one, Mark::Discard).await;
        until("room", LIMIT, async || scene.modes().await.contains(&"last".to_owned()).then_some(())).await;
        assert_eq!(scene.modes().await, ["behind", "flows", "last"]);
        assert_eq!(scene.held().await.last().map(HeldRecord::place), Some(two));
        until("the status", LIMIT, async || running.processor.stuck().is_empty().then_some(())).await;
        running.end().await;
        assert!(scene.audit().await.agrees());
    }
}

/// Tells when the sink finds that its partition was taken over.
struct Spy {
    sink: SinkProcessor,
    fenced: AtomicBool,
}

#[async_trait]
impl Processor for Spy {
    async fn take_over(&self, partitions: &[TopicPartition]) -> Result<Vec<(TopicPartition, Start)>, ProcessError> {
        self.sink.take_over(partitions).await
    }

    async fn run(&self, partition: TopicPartition, input: Input, progress: Progress) -> Result<(), ProcessError> {
        let outcome = self.sink.run(partition, input, progress).await;
        self.fenced.fetch_or(matches!(outcome, Err(ProcessError::Fenced { .. })), Ordering::SeqCst);
        outcome
    }
}

/// A member that has lost its partition, and does not know it yet, brings nothing back.
#[tokio::test]
async fn what_a_deposed_member_would_bring_back_is_not_written() {
    for db in Db::each() {
        let scene = Scene::new(&db, 1, |spec| spec).await;
        let cause = scene.emit(A, 1, "poison", "tomorrow").await;
        scene.emit(A, 1, "behind", SOUND).await;
        let (log, registry) = (scene.bed.log.clone(), scene.bed.registry.clone());
        let sink = SinkProcessor::new(scene.spec.clone(), scene.store.clone(), log, registry, audited(5_000)).await;
        let spy = Arc::new(Spy { sink: sink.unwrap(), fenced: AtomicBool::new(false) });
        let group = scene.spec.group();
        let settings = EngineSettings::new(GroupSettings::new(group.clone(), scene.spec.topics(&scene.bed.prefix)));
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let stopped = async { drop(stopped.await) };
        let engine = tokio::spawn(coursebus_consumer::run(scene.bed.log.clone(), settings, spy.clone(), stopped));
        until("two held", LIMIT, async || (scene.held().await.len() == 2).then_some(())).await;

        // Someone else takes it over in the database; the group has not said so yet.
        let ids: Vec<_> = scene.store.positions(&group).await.unwrap().into_iter().map(|p| p.id).collect();
        scene.store.take_over(&group, &ids).await.unwrap();
        scene.mark(&cause, Mark::Discard).await;
        until("a fenced lane", LIMIT, async || spy.fenced.load(Ordering::SeqCst).then_some(())).await;
        assert_eq!((scene.modes().await, scene.held().await.len()), (vec![], 2));
        stop.send(()).unwrap();
        tokio::time::timeout(LIMIT, engine).await.unwrap().unwrap().unwrap();
        scene.run(audited(5_000)).await;
        assert_eq!((scene.modes().await, scene.held().await.len()), (vec!["behind".to_owned()], 1));
    }
}
