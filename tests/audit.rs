//! The auditor finds what went wrong, and nothing else: for each kind of fault one is planted on the way from the log to the
//! sink, where the real sink then applies it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use coursebus_schemas::{
    Event as _, Metadata,
    learning::{
        CertificateCreated, CourseData, CourseEnrollmentChanged, CourseEnrollmentCreated, CourseEnrollmentData,
        CoursePersistentGradeSummaryChanged, UserData, UserPersonalData,
    },
};
use coursebus_sinks_kit::{
    SinkSettings, SinkSpec, Store,
    audit::{AuditError, Report, audit},
};
use coursebus_tests::{Cli, matrix};
use coursebus_transport::{
    AdminError, AppendError, ClusterId, Committer, Event, GroupInfo, GroupSettings, Log, Member, NewRecord, Offset,
    Range, ReadError, Reader, ReaderSettings, Record, TopicInfo, TopicPartition, TopicSpec, TxWriter, Writer,
    WriterSettings,
};
use sqlx::{Connection, Executor, SqliteConnection};

use super::bed::{Backend, Bed, Db, alone};

/// What goes wrong between the log and the sink. The places are records of one order key.
#[derive(Debug, Clone)]
enum Fault {
    None,
    /// This record never comes.
    Drop(Place),
    /// This record comes twice.
    Twice(Place),
    /// These two come in each other's place.
    Swap(Place, Place),
}

type Place = (TopicPartition, Offset);

/// A log whose groups get records as the fault has it; all else is as it is. The auditor reads the log below it.
struct Faulty {
    log: Arc<dyn Log>,
    fault: Fault,
    planted: Arc<AtomicBool>,
}

struct FaultyMember {
    member: Box<dyn Member>,
    log: Arc<dyn Log>,
    fault: Fault,
    /// The first of two that are swapped, until the second has come.
    kept: Option<Record>,
    planted: Arc<AtomicBool>,
    /// A second copy of the record that the fault is about.
    spare: Option<Record>,
}

impl FaultyMember {
    fn tamper(&mut self, records: Vec<Record>) -> Vec<Record> {
        let mut tampered = Vec::with_capacity(records.len() + 1);
        for record in records {
            let is = |(partition, offset): &Place| record.topic_partition() == *partition && record.offset() == *offset;
            match &self.fault {
                Fault::Drop(place) if is(place) => self.planted.store(true, Ordering::SeqCst),
                Fault::Twice(place) if is(place) => {
                    tampered.push(record);
                    tampered.extend(self.spare.take());
                    self.planted.store(true, Ordering::SeqCst);
                }
                Fault::Swap(first, _) if is(first) => self.kept = Some(record),
                Fault::Swap(_, second) if is(second) => {
                    tampered.push(record);
                    tampered.extend(self.kept.take().or_else(|| self.spare.take()));
                    self.planted.store(true, Ordering::SeqCst);
                }
                _ => tampered.push(record),
            }
        }
        tampered
    }
}

/// A second copy of a record.
async fn copy(log: &dyn Log, (partition, offset): &Place) -> Record {
    let mut reader = log.reader(vec![(partition.clone(), *offset)], ReaderSettings::default()).await.unwrap();
    loop {
        let fetched = reader.next(Duration::from_secs(10)).await.unwrap();
        if let Some(record) = fetched.records.into_iter().next() {
            return record;
        }
    }
}

#[async_trait]
impl Member for FaultyMember {
    async fn next(&mut self) -> Result<Event, ReadError> {
        // Read before anything is taken: a call that is dropped here has lost nothing.
        if let (None, Fault::Twice(place) | Fault::Swap(place, _)) = (&self.spare, &self.fault) {
            self.spare = Some(copy(self.log.as_ref(), place).await);
        }
        let mut event = self.member.next().await?;
        if let Event::Fetched(fetched) = &mut event {
            let records = std::mem::take(&mut fetched.records);
            fetched.records = self.tamper(records);
        }
        Ok(event)
    }

    fn committer(&self) -> Arc<dyn Committer> {
        self.member.committer()
    }

    fn pause(&self, partitions: &[TopicPartition], paused: bool) {
        self.member.pause(partitions, paused);
    }

    async fn leave(self: Box<Self>, deadline: Duration) {
        self.member.leave(deadline).await;
    }
}

#[async_trait]
impl Log for Faulty {
    async fn cluster(&self) -> Result<ClusterId, AdminError> {
        self.log.cluster().await
    }

    async fn create_topic(&self, spec: &TopicSpec) -> Result<(), AdminError> {
        self.log.create_topic(spec).await
    }

    async fn grow_topic(&self, name: &str, partitions: i32) -> Result<(), AdminError> {
        self.log.grow_topic(name, partitions).await
    }

    async fn delete_topic(&self, name: &str) -> Result<(), AdminError> {
        self.log.delete_topic(name).await
    }

    async fn topics(&self) -> Result<Vec<TopicInfo>, AdminError> {
        self.log.topics().await
    }

    async fn topic(&self, name: &str) -> Result<TopicInfo, AdminError> {
        self.log.topic(name).await
    }

    async fn range(&self, partition: &TopicPartition) -> Result<Range, AdminError> {
        self.log.range(partition).await
    }

    async fn offset_at(&self, partition: &TopicPartition, timestamp_ms: i64) -> Result<Offset, AdminError> {
        self.log.offset_at(partition, timestamp_ms).await
    }

    async fn committed(&self, group: &str, partitions: &[TopicPartition]) -> Result<Vec<Option<Offset>>, AdminError> {
        self.log.committed(group, partitions).await
    }

    async fn groups(&self) -> Result<Vec<String>, AdminError> {
        self.log.groups().await
    }

    async fn group(&self, name: &str) -> Result<GroupInfo, AdminError> {
        self.log.group(name).await
    }

    async fn set_positions(&self, group: &str, positions: &[Place]) -> Result<(), AdminError> {
        self.log.set_positions(group, positions).await
    }

    async fn writer(&self, settings: WriterSettings) -> Result<Writer, AppendError> {
        self.log.writer(settings).await
    }

    async fn transactional(&self, id: &str) -> Result<Box<dyn TxWriter>, AppendError> {
        self.log.transactional(id).await
    }

    async fn reader(&self, from: Vec<Place>, settings: ReaderSettings) -> Result<Box<dyn Reader>, ReadError> {
        self.log.reader(from, settings).await
    }

    async fn join(&self, settings: GroupSettings) -> Result<Box<dyn Member>, ReadError> {
        let member = self.log.join(settings).await?;
        let (log, fault, planted) = (self.log.clone(), self.fault.clone(), self.planted.clone());
        Ok(Box::new(FaultyMember { member, log, fault, kept: None, spare: None, planted }))
    }
}

/// Learners, and events of each.
const LEARNERS: i64 = 5;
const EVENTS: usize = 6;
const EXPECTED: u64 = 30;

/// A platform's enrollments on a bus: where each event of learner 2 lies, in order.
async fn enrollments(bed: &Bed, spec: &SinkSpec) -> Vec<Place> {
    for topic in spec.topics(&bed.prefix) {
        bed.topic(&topic, 2).await;
    }
    for event_type in [
        CourseEnrollmentCreated::TYPE,
        CourseEnrollmentChanged::TYPE,
        CoursePersistentGradeSummaryChanged::TYPE,
        CertificateCreated::TYPE,
    ] {
        bed.register(event_type).await;
    }
    let producer = bed.producer().await;
    let mut places = Vec::new();
    for number in 0..EVENTS {
        for learner in 0..LEARNERS {
            let enrollment = enrollment(learner, number);
            let emitted = match number {
                0 => producer.emit(&CourseEnrollmentCreated { enrollment }).await,
                _ => producer.emit(&CourseEnrollmentChanged { enrollment }).await,
            };
            let emitted = emitted.unwrap();
            if learner == 2 {
                places.push((TopicPartition::new(emitted.topic, emitted.partition), emitted.offset));
            }
        }
    }
    places
}

fn enrollment(learner: i64, number: usize) -> CourseEnrollmentData {
    let pii = UserPersonalData { username: "u".into(), email: "e".into(), name: "n".into() };
    let course_key = format!("course-v1:edX+Audit+{}", learner % 2);
    CourseEnrollmentData {
        user: UserData { id: learner, is_active: true, pii },
        course: CourseData { course_key, display_name: "Audit".into(), start: None, end: None },
        mode: format!("mode-{number}"),
        is_active: number.is_multiple_of(2),
        creation_date: "2026-01-01T00:00:00+00:00".into(),
        created_by: None,
    }
}

fn sink() -> Arc<SinkSpec> {
    alone(coursebus_sinks::credentials::sink())
}

fn audited(batch_records_max: usize) -> SinkSettings {
    SinkSettings { audit: true, batch_records_max, ..SinkSettings::default() }
}

async fn report(bed: &Bed, store: &dyn Store, spec: &SinkSpec) -> Report {
    audit(bed.log.as_ref(), bed.registry.as_ref(), store, spec, &bed.prefix).await.unwrap()
}

/// Lost, duplicated, out of order.
fn findings(report: &Report) -> (u64, u64, u64) {
    (report.lost, report.duplicated, report.out_of_order)
}

/// Runs the sink over a faulty way and holds what the audit says.
async fn check(backend: Backend, db: Db, batch: usize, fault: impl Fn(&[Place]) -> Fault, expected: (u64, u64, u64)) {
    let Some(bed) = Bed::new(backend).await else { return };
    matrix("audit", backend.name(), db.name());
    let spec = sink();
    let store = db.open(&spec).await;
    let places = enrollments(&bed, &spec).await;
    let planted = Arc::new(AtomicBool::new(false));
    let fault = fault(&places);
    let faulty = Arc::new(Faulty { log: bed.log.clone(), fault: fault.clone(), planted: planted.clone() });
    bed.sink_on(faulty, bed.registry.clone(), &spec, &store, audited(batch)).await.unwrap();
    assert_eq!(planted.load(Ordering::SeqCst), !matches!(fault, Fault::None), "the fault was on the way");

    let report = report(&bed, store.as_ref(), &spec).await;
    let what = format!("{fault:?} on {} and {}, batches of {batch}: {report:?}", backend.name(), db.name());
    assert_eq!(findings(&report), expected, "{what}");
    assert_eq!(report.agrees(), expected == (0, 0, 0), "{what}");
    let (lost, duplicated, _) = expected;
    assert_eq!((report.expected, report.applied), (EXPECTED, EXPECTED - lost + duplicated), "{what}");
    assert_eq!((report.held, report.waiting), (0, 0), "{what}");
    drop(store);
    bed.end().await;
}

/// All events of a batch in one transaction, and one transaction each.
const BATCHES: [usize; 2] = [5_000, 1];

/// `expected` of a batch of many, then of batches of one.
async fn everywhere(fault: impl Fn(&[Place]) -> Fault, expected: [(u64, u64, u64); 2]) {
    for (batch, expected) in BATCHES.into_iter().zip(expected) {
        check(Backend::Embedded, Db::sqlite(), batch, &fault, expected).await;
        for db in [Db::postgres(), Db::mysql()].into_iter().flatten() {
            check(Backend::Embedded, db, batch, &fault, expected).await;
        }
    }
    check(Backend::Kafka, Db::sqlite(), BATCHES[0], &fault, expected[0]).await;
}

#[tokio::test]
async fn without_a_fault_nothing_is_found() {
    everywhere(|_| Fault::None, [(0, 0, 0); 2]).await;
}

#[tokio::test]
async fn an_effect_that_was_dropped_is_found() {
    everywhere(|places| Fault::Drop(places[2].clone()), [(1, 0, 0); 2]).await;
}

#[tokio::test]
async fn an_effect_that_was_applied_twice_is_found() {
    // A record that comes again in a later batch is behind the position, and is left alone.
    everywhere(|places| Fault::Twice(places[2].clone()), [(0, 1, 0), (0, 0, 0)]).await;
}

#[tokio::test]
async fn two_effects_of_a_key_in_the_wrong_order_are_found() {
    // One that comes in a later batch than it should is behind the position: its effect is lost.
    everywhere(|places| Fault::Swap(places[1].clone(), places[3].clone()), [(0, 0, 1), (1, 0, 0)]).await;
}

/// An embedded log and a sink that has applied everything, in audit mode.
async fn applied(db: &Db) -> (Bed, Arc<SinkSpec>, Arc<dyn Store>) {
    let bed = Bed::new(Backend::Embedded).await.unwrap();
    matrix("audit", "embedded", db.name());
    let spec = sink();
    let store = db.open(&spec).await;
    enrollments(&bed, &spec).await;
    bed.sink(&spec, &store, audited(7)).await.unwrap();
    assert_eq!(findings(&report(&bed, store.as_ref(), &spec).await), (0, 0, 0));
    (bed, spec, store)
}

#[tokio::test]
async fn what_hands_have_done_to_the_tables_is_found() {
    for db in Db::each() {
        let (bed, spec, store) = applied(&db).await;
        let report = async || report(&bed, store.as_ref(), &spec).await;
        assert_eq!(db.by_hand(&spec, "DELETE FROM enrollments WHERE user_id = 3").await, 1);
        assert_eq!(findings(&report().await), (EVENTS as u64, 0, 0), "a row that is gone is all its events lost");
        let row = "INSERT INTO enrollments VALUES ('course-v1:edX+Audit+1', 77, 'm', true, '2026-01-01T00:00:00Z')";
        assert_eq!(db.by_hand(&spec, row).await, 1);
        assert_eq!(findings(&report().await), (EVENTS as u64, 1, 0), "a row that no event made");
        // Audit columns that were changed or removed do not hide anything either.
        assert_eq!(db.by_hand(&spec, "UPDATE bus_audit SET chain = '{}' WHERE row_key LIKE '%,1]'").await, 1);
        assert_eq!(findings(&report().await), (2 * EVENTS as u64, 1, 0));
        assert_eq!(db.by_hand(&spec, "UPDATE bus_audit SET applied = applied + 1 WHERE row_key LIKE '%,0]'").await, 1);
        assert_eq!(findings(&report().await), (2 * EVENTS as u64, 2, 0));
    }
}

#[tokio::test]
async fn a_sink_that_did_not_keep_audit_columns_is_refused() {
    let bed = Bed::new(Backend::Embedded).await.unwrap();
    let db = Db::sqlite();
    matrix("audit", "embedded", db.name());
    let spec = sink();
    let store = db.open(&spec).await;
    enrollments(&bed, &spec).await;
    let empty = report(&bed, store.as_ref(), &spec).await;
    assert_eq!((empty.expected, empty.applied, empty.waiting), (0, 0, EXPECTED), "nothing was applied, nothing is due");
    bed.sink(&spec, &store, SinkSettings::default()).await.unwrap();
    // Turned on afterwards it proves nothing.
    for _ in 0..2 {
        let refused = audit(bed.log.as_ref(), bed.registry.as_ref(), store.as_ref(), &spec, &bed.prefix).await;
        assert!(matches!(&refused, Err(AuditError::NotAudited { group }) if *group == spec.group()), "{refused:?}");
        bed.sink(&spec, &store, audited(5_000)).await.unwrap();
    }
}

#[tokio::test]
async fn held_records_are_counted_apart_and_an_inbox_expects_an_event_once() {
    for inbox in [false, true] {
        let bed = Bed::new(Backend::Embedded).await.unwrap();
        let db = Db::sqlite();
        matrix("audit", "embedded", db.name());
        let mut spec = coursebus_sinks::credentials::sink();
        spec.inbox = inbox;
        let spec = alone(spec);
        let store = db.open(&spec).await;
        let places = enrollments(&bed, &spec).await;
        let producer = bed.producer().await;
        let (partition, _) = &places[0];
        let writer = bed.log.writer(WriterSettings::default()).await.unwrap();
        let junk = NewRecord {
            topic: partition.topic.clone(),
            partition: partition.partition,
            timestamp_ms: None,
            key: None,
            value: Some(b"junk".as_slice().into()),
            headers: Vec::new(),
        };
        writer.append(junk).await.await.unwrap();
        // One event on the log twice, as a relay leaves it that was killed before it noted its success.
        let event = CourseEnrollmentChanged { enrollment: enrollment(2, 9) };
        let metadata: Metadata = producer.metadata(CourseEnrollmentChanged::TYPE);
        for _ in 0..2 {
            producer.emit_with(&event, metadata.clone()).await.unwrap();
        }
        bed.sink(&spec, &store, audited(4)).await.unwrap();
        let report = report(&bed, store.as_ref(), &spec).await;
        let expected = EXPECTED + if inbox { 1 } else { 2 };
        assert_eq!((report.held, findings(&report)), (1, (0, 0, 0)), "inbox {inbox}");
        assert_eq!((report.expected, report.applied), (expected, expected), "inbox {inbox}");
    }
}

#[tokio::test]
async fn the_command_exits_with_3_when_it_finds_something() {
    matrix("audit", "embedded", "sqlite");
    let cli = Cli::new();
    let plan = |number: u32| {
        format!(
            r#"{{"plan":{{"plan_uuid":"plan-{number}","title":"Plan","starts":"2026-01-01T00:00:00Z","expires":"2027-01-01T00:00:00Z"}}}}"#
        )
    };
    let plans = [plan(1), plan(2), plan(1)].join("\n");
    cli.run_with(["event", "emit", "coursebus.subscription.plan.created.v1"], &plans).ok();
    cli.run(["sink", "run", "license_manager", "--audit", "--until-caught-up", "--timeout", "60s"]).ok();
    let counts = |lost: u64| {
        serde_json::json!([{"group": "coursebus-license_manager", "expected": 3, "applied": 3, "held": 0, "lost": lost,
            "duplicated": 0, "out_of_order": 0}])
    };
    assert_eq!(cli.run(["sink", "audit", "license_manager", "-o", "json"]).ok().json(), counts(0));

    let url = format!("sqlite://{}/.coursebus/db/license_manager.db", cli.dir().display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    connection.execute("DELETE FROM plans WHERE uuid = 'plan-1'").await.unwrap();
    assert_eq!(cli.run(["sink", "audit", "license_manager", "-o", "json"]).code(3).json(), counts(2));
    let table = cli.run(["sink", "audit", "license_manager"]).code(3);
    assert!(table.stdout().contains("out of order"), "{table}");

    // Not run in audit mode: no verdict, which is a failure and not a finding.
    let plain = Cli::new();
    plain.run_with(["event", "emit", "coursebus.subscription.plan.created.v1"], &plan(1)).ok();
    plain.run(["sink", "run", "license_manager", "--until-caught-up", "--timeout", "60s"]).ok();
    let refused = plain.run(["sink", "audit", "license_manager"]).code(1);
    assert!(refused.stderr().contains("--audit"), "{refused}");
}
