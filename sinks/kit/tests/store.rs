//! The contract of a sink's database, on SQLite and on the PostgreSQL that `DATABASE_URL` names: the same tests for both.

#[path = "store/held.rs"]
mod holding;

use std::{
    collections::{BTreeMap, HashSet},
    io::Write,
    time::{Duration, Instant},
};

use coursebus_sinks_kit::{
    AppliedEvent, Batch, Change, Column, DbAddress, Effect, HeldRecord, Kind, PartitionId, SinkSpec, Store, StoreError,
    Table, Value, apply, dump::dump, open,
};
use coursebus_transport::{Offset, TopicPartition};
use proptest::prelude::*;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use tempfile::TempDir;
use time::macros::datetime;

const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name, kind }
}

/// A column of each kind, and a key of two.
static THINGS: Table = Table {
    name: "things",
    key: &[column("place", Kind::Text), column("number", Kind::Int)],
    columns: &[
        column("flag", Kind::Bool),
        column("count", Kind::Int),
        column("ratio", Kind::Float),
        column("label", Kind::Text),
        column("at", Kind::Time),
    ],
};
/// Refuses a label, so that a batch can fail on every database alike.
const MIGRATION: &str = "CREATE TABLE things (place TEXT NOT NULL, number BIGINT NOT NULL, flag BOOLEAN, count BIGINT,
    ratio DOUBLE PRECISION, label TEXT CHECK (label <> 'refused'), at TIMESTAMPTZ, PRIMARY KEY (place, number))";
static TABLES: [&Table; 1] = [&THINGS];

fn spec() -> SinkSpec {
    SinkSpec::new("kit_test", "a sink for tests of its database", &TABLES).migrations(&[(100, "things", MIGRATION)])
}

const GROUP: &str = "coursebus-kit_test";

/// A database of a test's own.
struct Fixture {
    place: Place,
    spec: SinkSpec,
}

enum Place {
    Sqlite(TempDir),
    Postgres { server: String, name: String },
}

impl Fixture {
    fn sqlite() -> Self {
        say("MATRIX suite=sink-store backend=none database=sqlite");
        Self { place: Place::Sqlite(tempfile::tempdir().expect("a temporary folder")), spec: spec() }
    }

    /// `None`, loudly, when there is no server.
    async fn postgres() -> Option<Self> {
        let server = server_url()?;
        say("MATRIX suite=sink-store backend=none database=postgres");
        let name = format!("kit_{}", uuid::Uuid::new_v4().simple());
        let mut connection = PgConnection::connect(&server).await.expect("the server answers");
        let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::raw_sql(create).execute(&mut connection).await.expect("the test user may create databases");
        Some(Self { place: Place::Postgres { server, name }, spec: spec() })
    }

    fn address(&self) -> DbAddress {
        match &self.place {
            Place::Sqlite(dir) => DbAddress::Sqlite { dir: dir.path().to_path_buf() },
            Place::Postgres { server, name } => {
                let (start, _) = server.rsplit_once('/').expect("a URL of a database");
                DbAddress::Postgres { url: format!("{start}/{name}") }
            }
        }
    }

    async fn open(&self) -> Box<dyn Store> {
        open(&self.address(), &self.spec).await.expect("the database opens")
    }

    async fn end(self) {
        if let Place::Postgres { server, name } = self.place {
            let mut connection = PgConnection::connect(&server).await.expect("the server answers");
            let drop = AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"));
            sqlx::raw_sql(drop).execute(&mut connection).await.expect("the database goes");
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "tests are told by variables where their services are")]
fn server_url() -> Option<String> {
    let url = std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty());
    if url.is_none() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "DATABASE_URL is not set, and CI allows no skip");
        say("SKIPPED the store's contract on PostgreSQL: DATABASE_URL is not set");
    }
    url
}

/// In one write to the stream itself: the test harness captures only what the print macros print.
fn say(line: &str) {
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
}

/// Each test twice: on SQLite and on PostgreSQL.
macro_rules! contract {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                let fixture = super::Fixture::sqlite();
                super::$test(&fixture).await;
                fixture.end().await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                let Some(fixture) = super::Fixture::postgres().await else { return };
                super::$test(&fixture).await;
                fixture.end().await;
            })+
        }
    };
}

contract!(
    a_take_over_raises_the_epoch_and_fences_the_one_before,
    take_overs_answer_in_the_order_asked_for,
    positions_only_rise_with_batches,
    a_batch_that_comes_again_is_applied_once,
    a_recreated_topic_keeps_the_old_identity_once_a_position_has_moved,
    a_batch_that_is_refused_leaves_nothing,
    an_event_counts_once_within_a_batch_and_across_batches,
    without_an_inbox_each_record_counts,
    an_upsert_leaves_other_columns_alone,
    a_removal_and_what_follows_it_come_in_their_order,
    rows_come_in_the_order_of_their_key_and_in_pages,
    audit_mode_is_all_or_nothing,
    a_record_is_held_once_and_whole,
    values_come_back_as_they_went,
    many_rows_of_many_shapes_go_in_one_batch,
    two_open_at_once,
    a_stopped_transaction_is_in_the_way_for_a_bounded_time_only,
    operators_mark_what_is_parked_or_dead,
    the_sink_settles_only_what_is_as_it_was,
);
use holding::{operators_mark_what_is_parked_or_dead, the_sink_settles_only_what_is_as_it_was};

#[path = "store/operate.rs"]
mod operate;

fn partition(number: i32) -> PartitionId {
    let partition = TopicPartition::new("dev-things", number);
    PartitionId { partition, cluster: "cluster".into(), topic_id: "topic-1".into() }
}

fn event(id: &str) -> AppliedEvent {
    AppliedEvent { source: "test".into(), id: id.into() }
}

fn effect(offset: i64, id: &str, changes: impl IntoIterator<Item = Change>) -> Effect {
    Effect { offset: Offset(offset), event: event(id), changes: changes.into_iter().collect() }
}

fn label(number: i64, label: &str) -> Change {
    THINGS.upsert(["here".into(), number.into()], [("label", label.into())])
}

fn count(number: i64, count: i64) -> Change {
    THINGS.upsert(["here".into(), number.into()], [("count", count.into())])
}

fn removal(number: i64) -> Change {
    THINGS.delete(["here".into(), number.into()])
}

fn held(offset: i64, reason: &str) -> HeldRecord {
    HeldRecord {
        topic: "dev-things".into(),
        partition: 0,
        offset: Offset(offset),
        state: "dead".into(),
        code: "malformed-frame".into(),
        reason: reason.into(),
        event_type: None,
        event_id: Some("id".into()),
        key: Some(vec![0, 255]),
        value: None,
        headers: vec![("ce_id".into(), Some(vec![0xff, 0])), ("x".into(), None), ("x".into(), Some(vec![]))],
        emitted_ms: 1_700_000_000_123,
        held_ms: offset,
        behind: None,
        order_key: None,
        asked_ms: None,
        tries: 0,
        version: 0,
        edited: None,
    }
}

/// One transaction on partition 0.
struct Step {
    epoch: i64,
    next: i64,
    effects: Vec<Effect>,
    held: Vec<HeldRecord>,
    inbox: bool,
    audit: bool,
}

impl Step {
    fn new(epoch: i64, next: i64, effects: Vec<Effect>) -> Self {
        Self { epoch, next, effects, held: Vec::new(), inbox: false, audit: false }
    }

    fn inbox(self) -> Self {
        Self { inbox: true, ..self }
    }

    fn audit(self) -> Self {
        Self { audit: true, ..self }
    }

    fn holding(self, held: Vec<HeldRecord>) -> Self {
        Self { held, ..self }
    }

    async fn apply(self, store: &dyn Store) -> Result<(), StoreError> {
        let Self { epoch, next, effects, held, inbox, audit } = self;
        let partition = &partition(0).partition;
        apply(store, Batch { group: GROUP, partition, epoch, next: Offset(next), effects, held, inbox, audit }).await
    }

    async fn ok(self, store: &dyn Store) {
        self.apply(store).await.expect("the batch is applied");
    }
}

async fn take_over(store: &dyn Store) -> (i64, Option<i64>) {
    let positions = store.take_over(GROUP, &[partition(0)]).await.expect("the partition is taken over");
    (positions[0].epoch, positions[0].next.map(|Offset(next)| next))
}

async fn position(store: &dyn Store) -> Option<i64> {
    let positions = store.positions(GROUP).await.expect("positions are there");
    positions.iter().find(|p| p.id == partition(0)).and_then(|p| p.next).map(|Offset(next)| next)
}

async fn all_rows(store: &dyn Store) -> Vec<Vec<Value>> {
    store.rows(&THINGS, None, 10_000).await.expect("rows are there")
}

/// Number, label and count of each row.
async fn labels_and_counts(store: &dyn Store) -> Vec<(i64, Option<String>, Option<i64>)> {
    let of = |row: Vec<Value>| match (&row[1], &row[5], &row[3]) {
        (Value::Int(number), label, count) => {
            let label = if let Value::Text(label) = label { Some(label.clone()) } else { None };
            let count = if let Value::Int(count) = count { Some(*count) } else { None };
            (*number, label, count)
        }
        _ => panic!("the key has a number"),
    };
    all_rows(store).await.into_iter().map(of).collect()
}

/// Applied and deleted of each row, by key.
async fn audited(store: &dyn Store) -> BTreeMap<String, (i64, bool)> {
    let state = store.audit_state(GROUP).await.expect("audit columns are there");
    state.rows.into_iter().map(|((_, key), row)| (key, (row.applied, row.deleted))).collect()
}

async fn a_take_over_raises_the_epoch_and_fences_the_one_before(fixture: &Fixture) {
    let (first, second) = (fixture.open().await, fixture.open().await);
    let (old, next) = take_over(first.as_ref()).await;
    assert_eq!(next, None);
    let before = Step::new(old, 5, vec![effect(4, "a", [label(1, "old")])]).inbox().audit();
    before.ok(first.as_ref()).await;

    let (new, next) = take_over(second.as_ref()).await;
    assert!(new > old);
    assert_eq!(next, Some(5), "the new owner goes on where the old one was");
    let late = Step::new(old, 9, vec![effect(8, "b", [label(1, "late"), label(2, "late")])]);
    let late = late.inbox().audit().holding(vec![held(7, "late")]);
    match late.apply(first.as_ref()).await {
        Err(StoreError::Fenced { partition: fenced }) => assert_eq!(fenced, partition(0).partition),
        other => panic!("{other:?}"),
    }
    assert_eq!(position(second.as_ref()).await, Some(5));
    assert_eq!(labels_and_counts(second.as_ref()).await, [(1, Some("old".into()), None)]);
    assert_eq!(second.held(GROUP).await.expect("held records"), []);
    assert_eq!(audited(second.as_ref()).await, [(r#"["here",1]"#.to_owned(), (1, false))].into());
    // Its inbox has nothing of it either: the event is new to the new owner.
    Step::new(new, 9, vec![effect(8, "b", [label(2, "new")])]).inbox().ok(second.as_ref()).await;
    assert_eq!(labels_and_counts(second.as_ref()).await.len(), 2);
    // Another partition was not touched by any of this.
    let other = first.take_over(GROUP, &[partition(1)]).await.expect("it is free");
    assert_eq!((other[0].epoch, other[0].next), (1, None));
}

async fn take_overs_answer_in_the_order_asked_for(fixture: &Fixture) {
    let store = fixture.open().await;
    let asked = [3, 0, 2, 1].map(partition);
    for epoch in 1..=2 {
        let positions = store.take_over(GROUP, &asked).await.expect("they are taken over");
        assert_eq!(positions.iter().map(|p| &p.id).collect::<Vec<_>>(), asked.iter().collect::<Vec<_>>());
        assert!(positions.iter().all(|p| p.epoch == epoch));
    }
    assert_eq!(store.take_over(GROUP, &[]).await.expect("nothing to take"), []);
    // Two at once, in opposite orders, do not wait for each other in a circle.
    let other = fixture.open().await;
    let reversed = [1, 2, 0, 3].map(partition);
    let (one, two) = tokio::join!(store.take_over(GROUP, &asked), other.take_over(GROUP, &reversed));
    let epochs: HashSet<i64> =
        one.expect("taken over").iter().chain(&two.expect("taken over")).map(|p| p.epoch).collect();
    assert_eq!(epochs, [3, 4].into());
}

async fn positions_only_rise_with_batches(fixture: &Fixture) {
    let store = fixture.open().await;
    let (epoch, mut last) = take_over(store.as_ref()).await;
    assert_eq!(position(store.as_ref()).await, None, "taking over moves nothing");
    for next in [1, 2, 7, 5_000_000_000] {
        Step::new(epoch, next, Vec::new()).ok(store.as_ref()).await;
        let now = position(store.as_ref()).await;
        assert!(now > last && now == Some(next));
        last = now;
        let refused = Step::new(epoch, next + 1, vec![effect(next, "x", [label(1, "refused")])]);
        assert!(refused.apply(store.as_ref()).await.is_err());
        assert_eq!(position(store.as_ref()).await, last, "a batch that is refused moves nothing");
    }
    drop(store);
    let store = fixture.open().await;
    assert_eq!(take_over(store.as_ref()).await, (epoch + 1, last));
}

/// A commit whose answer was lost is tried again: what it did is there, and is not done twice.
async fn a_batch_that_comes_again_is_applied_once(fixture: &Fixture) {
    let store = fixture.open().await;
    let (epoch, _) = take_over(store.as_ref()).await;
    let batch = || Step::new(epoch, 2, vec![effect(1, "a", [label(1, "x")])]).audit();
    store.audit_mode(true).await.expect("the audit mode is noted");
    for _ in 0..3 {
        batch().ok(store.as_ref()).await;
    }
    assert_eq!(audited(store.as_ref()).await.into_values().collect::<Vec<_>>(), [(1, false)]);
    assert_eq!(position(store.as_ref()).await, Some(2));
    take_over(store.as_ref()).await;
    let late = batch().apply(store.as_ref()).await;
    assert!(matches!(late, Err(StoreError::Fenced { .. })), "another has the partition: {late:?}");
}

async fn a_recreated_topic_keeps_the_old_identity_once_a_position_has_moved(fixture: &Fixture) {
    let store = fixture.open().await;
    let again = |topic_id: &str| PartitionId { topic_id: topic_id.into(), ..partition(0) };
    let taken = async |id: &str| {
        let positions = store.take_over(GROUP, &[again(id)]).await.expect("it is taken over");
        (positions[0].epoch, positions[0].id.topic_id.clone())
    };
    assert_eq!(taken("topic-1").await, (1, "topic-1".into()));
    assert_eq!(taken("topic-2").await, (2, "topic-2".into()), "nothing was applied: nothing is lost");
    Step::new(2, 1, Vec::new()).ok(store.as_ref()).await;
    assert_eq!(taken("topic-3").await, (3, "topic-2".into()), "the sink sees that its position is of another topic");
}

async fn a_batch_that_is_refused_leaves_nothing(fixture: &Fixture) {
    let store = fixture.open().await;
    let (epoch, _) = take_over(store.as_ref()).await;
    Step::new(epoch, 1, vec![effect(0, "a", [label(1, "before")])]).inbox().audit().ok(store.as_ref()).await;
    let effects = || {
        vec![
            effect(1, "b", [label(1, "half"), removal(3)]),
            effect(2, "c", [label(2, "refused")]),
            effect(3, "d", [label(3, "half")]),
        ]
    };
    let refused = Step::new(epoch, 9, effects()).inbox().audit().holding(vec![held(8, "half")]);
    match refused.apply(store.as_ref()).await {
        Err(error @ StoreError::Value { .. }) => assert!(!error.to_string().contains("refused'"), "{error}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(position(store.as_ref()).await, Some(1));
    assert_eq!(labels_and_counts(store.as_ref()).await, [(1, Some("before".into()), None)]);
    assert_eq!(store.held(GROUP).await.expect("held records"), []);
    assert_eq!(audited(store.as_ref()).await, [(r#"["here",1]"#.to_owned(), (1, false))].into());
    // Nor does the inbox remember it: without its bad record the rest goes through.
    let rest = effects().into_iter().filter(|e| e.event.id != "c").collect();
    Step::new(epoch, 9, rest).inbox().audit().ok(store.as_ref()).await;
    assert_eq!(
        labels_and_counts(store.as_ref()).await,
        [(1, Some("half".into()), None), (3, Some("half".into()), None)]
    );
}

/// The count of applied events is the effect here: other than an upsert it shows an event that was applied twice.
async fn an_event_counts_once_within_a_batch_and_across_batches(fixture: &Fixture) {
    let store = fixture.open().await;
    let (epoch, _) = take_over(store.as_ref()).await;
    let same = |offset| effect(offset, "a", [count(1, offset)]);
    Step::new(epoch, 3, vec![same(0), effect(1, "b", [count(1, 1)]), same(2)]).inbox().audit().ok(store.as_ref()).await;
    assert_eq!(audited(store.as_ref()).await, [(r#"["here",1]"#.to_owned(), (2, false))].into());
    assert_eq!(labels_and_counts(store.as_ref()).await, [(1, None, Some(1))], "the repetition changed nothing");

    Step::new(epoch, 4, vec![same(3)]).inbox().audit().ok(store.as_ref()).await;
    let (epoch, _) = take_over(store.as_ref()).await;
    Step::new(epoch, 6, vec![same(4), effect(5, "c", [count(1, 5)])]).inbox().audit().ok(store.as_ref()).await;
    assert_eq!(audited(store.as_ref()).await, [(r#"["here",1]"#.to_owned(), (3, false))].into());
    assert_eq!(labels_and_counts(store.as_ref()).await, [(1, None, Some(5))]);

    // An event is named by source and id together.
    let mut elsewhere = same(6);
    elsewhere.event.source = "elsewhere".into();
    Step::new(epoch, 7, vec![elsewhere]).inbox().audit().ok(store.as_ref()).await;
    assert_eq!(audited(store.as_ref()).await[r#"["here",1]"#], (4, false));
}

async fn without_an_inbox_each_record_counts(fixture: &Fixture) {
    let store = fixture.open().await;
    let (epoch, _) = take_over(store.as_ref()).await;
    let same = |offset| effect(offset, "a", [count(1, offset), label(1, "x")]);
    Step::new(epoch, 2, vec![same(0), same(1)]).audit().ok(store.as_ref()).await;
    // An event that changes a row twice touches it once.
    assert_eq!(audited(store.as_ref()).await[r#"["here",1]"#], (2, false));
}

async fn an_upsert_leaves_other_columns_alone(fixture: &Fixture) {
    let store = fixture.open().await;
    let (epoch, _) = take_over(store.as_ref()).await;
    Step::new(epoch, 1, vec![effect(0, "a", [label(1, "kept")])]).ok(store.as_ref()).await;
    Step::new(epoch, 2, vec![effect(1, "b", [count(1, 7)])]).ok(store.as_ref()).await;
    assert_eq!(labels_and_counts(store.as_ref()).await, [(1, Some("kept".into()), Some(7))]);
    // In one batch, and beside a row of another shape.
    let mixed = vec![effect(2, "c", [label(2, "a")]), effect(3, "d", [count(1, 8), count(2, 9)])];
    Step::new(epoch, 4, mixed).ok(store.as_ref()).await;
    assert_eq!(
        labels_and_counts(store.as_ref()).await,
        [(1, Some("kept".into()), Some(8)), (2, Some("a".into()), Some(9))]
    );
    // A null is a value, and a change of nothing makes the row.
    let nothing = THINGS.upsert(["here".into(), 3.into()], []);
    let clear = THINGS.upsert(["here".into(), 1.into()], [("count", Value::Null)]);
    Step::new(epoch, 5, vec![effect(4, "e", [nothing.clone(), clear])]).ok(store.as_ref()).await;
    Step::new(epoch, 6, vec![effect(5, "f", [nothing])]).ok(store.as_ref()).await;
    assert_eq!(
        labels_and_counts(store.as_ref()).await,
        [(1, Some("kept".into()), None), (2, Some("a".into()), Some(9)), (3, None, None)]
    );
}

async fn a_removal_and_what_follows_it_come_in_their_order(fixture: &Fixture) {
    let store = fixture.open().await;
    let (epoch, _) = take_over(store.as_ref()).await;
    let both = |number| THINGS.upsert(["here".into(), number], [("label", "a".into()), ("count", 1.into())]);
    let first = vec![effect(0, "a", [both(1.into()), both(2.into()), both(3.into())])];
    Step::new(epoch, 1, first).audit().ok(store.as_ref()).await;
    // Removed and made again in one batch: nothing of the old row is left. Made and removed: gone.
    let second = vec![
        effect(1, "b", [removal(1)]),
        effect(2, "c", [label(1, "again"), label(4, "short")]),
        effect(3, "d", [removal(4), removal(2), removal(99)]),
    ];
    Step::new(epoch, 4, second).audit().ok(store.as_ref()).await;
    assert_eq!(
        labels_and_counts(store.as_ref()).await,
        [(1, Some("again".into()), None), (3, Some("a".into()), Some(1))]
    );
    let marks = audited(store.as_ref()).await;
    let of = |number: i64| marks[&format!(r#"["here",{number}]"#)];
    assert_eq!([of(1), of(2), of(3), of(4), of(99)], [(3, false), (2, true), (1, false), (2, true), (1, true)]);
    // A removed row that comes back goes on counting.
    Step::new(epoch, 5, vec![effect(4, "e", [label(2, "back")])]).audit().ok(store.as_ref()).await;
    assert_eq!(audited(store.as_ref()).await[r#"["here",2]"#], (3, false));
}

async fn rows_come_in_the_order_of_their_key_and_in_pages(fixture: &Fixture) {
    let store = fixture.open().await;
    let (epoch, _) = take_over(store.as_ref()).await;
    let keys: Vec<(&str, i64)> = ["a", "b", "c"].into_iter().flat_map(|p| [-5, 0, 3, 20].map(|n| (p, n))).collect();
    let change =
        |(place, number): &(&str, i64)| THINGS.upsert([(*place).into(), (*number).into()], [("count", 1.into())]);
    Step::new(epoch, 1, vec![effect(0, "a", keys.iter().rev().map(change))]).ok(store.as_ref()).await;
    let key = |row: &Vec<Value>| row[..2].to_vec();
    let expected: Vec<Vec<Value>> =
        keys.iter().map(|(place, number)| vec![(*place).into(), (*number).into()]).collect();
    assert_eq!(all_rows(store.as_ref()).await.iter().map(key).collect::<Vec<_>>(), expected);

    let mut paged: Vec<Vec<Value>> = Vec::new();
    loop {
        let after = paged.last().cloned();
        let page = store.rows(&THINGS, after.as_deref(), 5).await.expect("a page");
        assert!(page.len() <= 5);
        if page.is_empty() {
            break;
        }
        paged.extend(page.iter().map(key));
        assert!(paged.len() <= expected.len(), "a page begins behind the one before: {paged:?}");
    }
    assert_eq!(paged, expected);
    let row = store.row(&THINGS, &["b".into(), 3.into()]).await.expect("a row").expect("it is there");
    assert_eq!((key(&row), &row[3]), (vec!["b".into(), 3.into()], &Value::Int(1)));
    assert_eq!(store.row(&THINGS, &["b".into(), 4.into()]).await.expect("no row"), None);
}

async fn audit_mode_is_all_or_nothing(fixture: &Fixture) {
    let store = fixture.open().await;
    let mode = async |on| store.audit_mode(on).await.expect("the mode is noted");
    assert!(!mode(false).await);
    assert!(mode(true).await, "nothing was applied yet: it can still be turned on");
    let (epoch, _) = take_over(store.as_ref()).await;
    assert!(mode(true).await, "taking over applies nothing");
    Step::new(epoch, 1, vec![effect(0, "a", [label(1, "x")])]).audit().ok(store.as_ref()).await;
    assert!(mode(true).await, "from the beginning on");
    assert!(store.audit_state(GROUP).await.expect("a state").complete);
    assert!(!mode(false).await);
    assert!(!mode(true).await, "some rows may have no audit columns now, for ever");
    assert!(!store.audit_state(GROUP).await.expect("a state").complete);
    let reopened = fixture.open().await;
    assert!(!reopened.audit_mode(true).await.expect("the mode is noted"));
}

async fn a_record_is_held_once_and_whole(fixture: &Fixture) {
    let store = fixture.open().await;
    let (epoch, _) = take_over(store.as_ref()).await;
    let empty = HeldRecord { key: None, value: Some(Vec::new()), headers: Vec::new(), ..held(3, "empty") };
    let binary = HeldRecord { value: Some((0..=255).collect()), ..held(300, "binary") };
    let other = HeldRecord { partition: 1, ..held(2, "other partition") };
    let all = vec![binary.clone(), other.clone(), empty.clone()];
    Step::new(epoch, 4, Vec::new()).holding(all).ok(store.as_ref()).await;
    Step::new(epoch, 5, Vec::new()).holding(vec![held(3, "a second reason")]).ok(store.as_ref()).await;
    assert_eq!(store.held(GROUP).await.expect("held records"), [empty, binary, other]);
    assert_eq!(store.held("another group").await.expect("none"), []);
    let state = store.audit_state(GROUP).await.expect("a state");
    let places: Vec<(i32, i64)> = state.held.iter().map(|place| (place.partition.partition, place.offset.0)).collect();
    assert_eq!(HashSet::<_>::from_iter(places), [(0, 3), (0, 300), (1, 2)].into());
}

/// A value of each kind and each corner, and what becomes of it.
fn corners() -> Vec<(i64, Vec<(&'static str, Value)>)> {
    let moment = |time| vec![("at", Value::Time(time))];
    let sets: Vec<Vec<(&str, Value)>> = vec![
        ["flag", "count", "ratio", "label", "at"].map(|name| (name, Value::Null)).into(),
        vec![("flag", true.into())],
        vec![("flag", false.into())],
        vec![("count", i64::MIN.into())],
        vec![("count", i64::MAX.into())],
        vec![("count", ((1_i64 << 53) + 1).into())],
        vec![("ratio", (0.1 + 0.2).into())],
        vec![("ratio", 100.0.into())],
        vec![("ratio", (-0.0).into())],
        vec![("ratio", f64::MAX.into())],
        vec![("ratio", 5e-324.into())],
        vec![("label", "".into())],
        vec![("label", "Zoë 🎓 'single' \"double\" \\ back; -- $1 ?\n\t\u{1}\u{7f}\u{200d}\u{10ffff}".into())],
        vec![("label", "2026-01-01T00:00:00Z".into())],
        vec![("label", "0012".into())],
        moment(datetime!(2013-10-01 00:00:00 UTC)),
        moment(datetime!(2026-04-05 06:07:08.000009 UTC)),
        moment(datetime!(1969-12-31 23:59:59.999999 UTC)),
        moment(datetime!(1999-12-31 23:59:59.5 UTC)),
        moment(datetime!(0000-01-01 00:00:00 UTC)),
        moment(datetime!(9999-12-31 23:59:59.999999 UTC)),
        moment(datetime!(2026-04-05 08:07:08 +2)),
    ];
    (0..).zip(sets).collect()
}

fn corner_effects() -> Vec<Effect> {
    let change = |(number, set): (i64, Vec<(&'static str, Value)>)| Change {
        table: &THINGS,
        key: vec!["🎓'\"".into(), number.into()],
        set: Some(set),
    };
    corners().into_iter().map(|corner| effect(corner.0, "corner", [change(corner)])).collect()
}

async fn values_come_back_as_they_went(fixture: &Fixture) {
    let store = fixture.open().await;
    let (epoch, _) = take_over(store.as_ref()).await;
    Step::new(epoch, 1, corner_effects()).ok(store.as_ref()).await;
    for (number, set) in corners() {
        let row = store.row(&THINGS, &["🎓'\"".into(), number.into()]).await.expect("a row").expect("it is there");
        for (column, found) in THINGS.columns.iter().zip(&row[2..]) {
            let expected = set.iter().find(|(name, _)| *name == column.name).map_or(&Value::Null, |(_, value)| value);
            match (found, expected) {
                // Bit for bit: 0.0 and -0.0 are equal as numbers.
                (Value::Float(found), Value::Float(expected)) => assert_eq!(found.to_bits(), expected.to_bits()),
                _ => assert_eq!(found, expected, "row {number}, column {}", column.name),
            }
        }
    }
}

/// More rows than one statement of any database takes, each third of another shape.
async fn many_rows_of_many_shapes_go_in_one_batch(fixture: &Fixture) {
    const ROWS: i64 = 3_001;
    let store = fixture.open().await;
    let (epoch, _) = take_over(store.as_ref()).await;
    let change = |n: i64| match n % 3 {
        0 => label(n, &n.to_string()),
        1 => count(n, n),
        _ => THINGS.upsert(["here".into(), n.into()], [("label", n.to_string().into()), ("count", n.into())]),
    };
    let all = (0..ROWS).map(|n| effect(n, &n.to_string(), [change(n)])).collect();
    Step::new(epoch, ROWS, all).inbox().audit().ok(store.as_ref()).await;
    let expected = |n: i64| (n, (n % 3 != 1).then(|| n.to_string()), (n % 3 != 0).then_some(n));
    assert_eq!(labels_and_counts(store.as_ref()).await, (0..ROWS).map(expected).collect::<Vec<_>>());
    let gone = (0..ROWS).filter(|n| n % 2 == 0).map(|n| effect(ROWS + n, &format!("-{n}"), [removal(n)])).collect();
    Step::new(epoch, 2 * ROWS, gone).inbox().audit().ok(store.as_ref()).await;
    let odd: Vec<_> = (0..ROWS).filter(|n| n % 2 == 1).map(expected).collect();
    assert_eq!(labels_and_counts(store.as_ref()).await, odd);
    let marks = audited(store.as_ref()).await;
    assert_eq!(marks.len(), usize::try_from(ROWS).expect("few"));
    assert_eq!(marks.values().filter(|mark| **mark == (2, true)).count(), odd.len() + 1);
}

async fn two_open_at_once(fixture: &Fixture) {
    let address = &fixture.address();
    let all = futures_of(6, async || open(address, &fixture.spec).await.map_err(|e| format!("{e}: {e:?}"))).await;
    for store in all {
        let store = store.expect("each of them opens");
        take_over(store.as_ref()).await;
    }
}

/// Runs the same several times beside each other.
async fn futures_of<T>(count: usize, make: impl AsyncFn() -> T) -> Vec<T> {
    let mut made = Vec::new();
    for _ in 0..count / 2 {
        let (one, other) = tokio::join!(make(), make());
        made.extend([one, other]);
    }
    made
}

/// A process that was stopped in the middle of a transaction holds its locks.
async fn a_stopped_transaction_is_in_the_way_for_a_bounded_time_only(fixture: &Fixture) {
    let (stopped, next) = (fixture.open().await, fixture.open().await);
    let (epoch, _) = take_over(stopped.as_ref()).await;
    let mut tx = stopped.begin().await.expect("a transaction");
    let partition_0 = partition(0).partition;
    assert!(tx.advance(GROUP, &partition_0, epoch, Offset(7)).await.expect("it owns the partition"));

    let began = Instant::now();
    let first = next.take_over(GROUP, &[partition(0)]).await;
    assert!(began.elapsed() < Duration::from_secs(8), "waited {:?}", began.elapsed());
    match fixture.place {
        // A file cannot evict a writer: the error names who is in the way, and goes when it has gone.
        Place::Sqlite(_) => {
            let error = first.expect_err("the writer is still there");
            assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
            drop(tx);
        }
        // A server ends the session of whoever does nothing inside a transaction.
        Place::Postgres { .. } => {
            if let Err(error) = first {
                assert!(matches!(error, StoreError::Away { .. }), "{error:?}");
                take_over(next.as_ref()).await;
            }
            assert!(tx.advance(GROUP, &partition_0, epoch, Offset(9)).await.is_err(), "its session is gone");
        }
    }
    let (now, position) = take_over(next.as_ref()).await;
    assert!(now > epoch);
    assert_eq!(position, None, "nothing of the transaction is left");
    let late = Step::new(epoch, 8, Vec::new()).apply(stopped.as_ref()).await;
    assert!(matches!(late, Err(StoreError::Fenced { .. })), "{late:?}");
}

#[tokio::test]
async fn a_dump_is_the_same_text_on_both_databases() {
    let Some(postgres) = Fixture::postgres().await else { return };
    let sqlite = Fixture::sqlite();
    let mut texts = Vec::new();
    for fixture in [&sqlite, &postgres] {
        let store = fixture.open().await;
        let (epoch, _) = take_over(store.as_ref()).await;
        Step::new(epoch, 100, corner_effects()).audit().ok(store.as_ref()).await;
        let mixed = vec![
            effect(100, "a", [label(10, "x"), label(9, "y"), label(-1, "z")]),
            effect(101, "b", [removal(9), THINGS.upsert(["Here".into(), 1.into()], [])]),
        ];
        Step::new(epoch, 102, mixed).audit().ok(store.as_ref()).await;
        for audit in [false, true] {
            let rows = dump(store.as_ref(), &fixture.spec, audit).await.expect("a dump");
            let lines = rows.iter().map(|row| serde_json::to_string(row).expect("JSON"));
            texts.push(lines.collect::<Vec<_>>().join("\n"));
        }
    }
    assert_eq!(texts[0], texts[2]);
    assert_eq!(texts[1], texts[3]);
    // Sorted by the bytes of the key's JSON, not by number.
    let at = |key: &str| texts[1].find(key).unwrap_or_else(|| panic!("{key} in {}", texts[1]));
    assert!(at(r#"["Here",1]"#) < at(r#"["here",-1]"#) && at(r#"["here",10]"#) < at(r#"["here",9]"#));
    assert!(texts[1].contains(r#""key":["here",9],"row":null,"applied":2"#), "{}", texts[1]);
    assert!(texts[0].contains("0.30000000000000004") && texts[0].contains("9999-12-31T23:59:59.999999Z"));
    postgres.end().await;
}

/// Rows that a hand has changed are told by no one but the file itself: the tables are plain tables.
#[tokio::test]
async fn a_file_is_a_plain_database() {
    let fixture = Fixture::sqlite();
    let store = fixture.open().await;
    let (epoch, _) = take_over(store.as_ref()).await;
    Step::new(epoch, 1, vec![effect(0, "a", [label(1, "x")])]).ok(store.as_ref()).await;
    let Place::Sqlite(dir) = &fixture.place else { unreachable!("made above") };
    let url = format!("sqlite://{}", dir.path().join("kit_test.db").display());
    let mut connection = SqliteConnection::connect(&url).await.expect("any tool opens it");
    let (labels,): (String,) =
        sqlx::query_as("SELECT group_concat(label) FROM things").fetch_one(&mut connection).await.expect("SQL");
    assert_eq!(labels, "x");
}

/// A change of a few rows and columns, so that changes meet.
fn any_change() -> impl Strategy<Value = Change> {
    let key = (prop_oneof!["a", "b"], 0..3_i64);
    let set = (prop::option::of(0..3_i64), prop::option::of("[xy]"), prop::option::of(any::<bool>()));
    (key, prop::option::weighted(0.8, set)).prop_map(|((place, number), set)| {
        let set = set.map(|(count, label, flag)| {
            let count = count.map(|value| ("count", value.into()));
            let label = label.map(|value| ("label", value.into()));
            let flag = flag.map(|value| ("flag", value.into()));
            [count, label, flag].into_iter().flatten().collect()
        });
        Change { table: &THINGS, key: vec![place.into(), number.into()], set }
    })
}

/// What the table should be: each change by itself, one after the other.
#[derive(Default)]
struct Model {
    rows: BTreeMap<String, Vec<Value>>,
    applied: BTreeMap<String, (i64, bool)>,
}

impl Model {
    fn apply(&mut self, changes: &[Change]) {
        let mut touched: BTreeMap<String, bool> = BTreeMap::new();
        for change in changes {
            let key = change.key_text();
            touched.insert(key.clone(), change.set.is_none());
            let Some(set) = &change.set else {
                self.rows.remove(&key);
                continue;
            };
            let empty = || change.key.iter().cloned().chain(vec![Value::Null; THINGS.columns.len()]).collect();
            let row = self.rows.entry(key).or_insert_with(empty);
            for (name, value) in set {
                let index = THINGS.all_columns().position(|c| c.name == *name).expect("a column");
                row[index] = value.clone();
            }
        }
        for (key, deleted) in touched {
            let mark = self.applied.entry(key).or_default();
            *mark = (mark.0 + 1, deleted);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// However events are divided into batches, the rows are those of one change at a time.
    #[test]
    fn batches_are_one_change_at_a_time(
        batches in prop::collection::vec(prop::collection::vec(prop::collection::vec(any_change(), 0..4), 0..6), 1..6),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let fixture = Fixture { place: Place::Sqlite(tempfile::tempdir().expect("a temporary folder")), spec: spec() };
            let store = fixture.open().await;
            let (epoch, _) = take_over(store.as_ref()).await;
            let mut model = Model::default();
            let mut offset = 0;
            for batch in batches {
                let mut effects = Vec::new();
                for changes in batch {
                    model.apply(&changes);
                    effects.push(effect(offset, &offset.to_string(), changes));
                    offset += 1;
                }
                Step::new(epoch, offset, effects).inbox().audit().ok(store.as_ref()).await;
            }
            prop_assert_eq!(all_rows(store.as_ref()).await, model.rows.into_values().collect::<Vec<_>>());
            prop_assert_eq!(audited(store.as_ref()).await, model.applied);
            Ok(())
        })?;
    }
}
