//! Held records: what operators mark, what the sink settles, and that neither overwrites the other.

use std::collections::HashSet;

use coursebus_sinks_kit::{Edited, HeldPlace, HeldRecord, Mark, Note, Settle, Settled, Store, StoreError, Tx};
use coursebus_transport::Offset;
use sqlx::{
    Connection, SqliteConnection,
    migrate::{Migration, MigrationType, Migrator},
};

use crate::{
    fixture::{Fixture, GROUP, MIGRATION, Place},
    steps::{Step, held, partition, take_over},
};

contract!(
    a_record_is_held_once_and_whole,
    operators_mark_what_is_parked_or_dead,
    the_sink_settles_only_what_is_as_it_was,
);

fn place(offset: i64) -> HeldPlace {
    HeldPlace { partition: partition(0).partition, offset: Offset(offset) }
}

fn parked(offset: i64, behind: Option<i64>) -> HeldRecord {
    HeldRecord {
        state: "parked".into(),
        behind: behind.map(Offset),
        order_key: Some(vec![6, 0]),
        ..held(offset, "reason")
    }
}

fn note(detail: &str) -> Note {
    Note { at_ms: 42, who: "someone".into(), detail: detail.into() }
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

/// A cause, a record behind it, a dead one.
async fn some_held(store: &dyn Store) -> i64 {
    let (epoch, _) = take_over(store).await;
    let all = vec![parked(1, None), parked(2, Some(1)), held(3, "dead")];
    Step::new(epoch, 4, Vec::new()).holding(all).ok(store).await;
    epoch
}

async fn waiting(store: &dyn Store) -> Vec<(i64, bool, i32)> {
    let briefs = store.waiting(GROUP, &partition(0).partition).await.expect("briefs");
    briefs.into_iter().map(|brief| (brief.offset.0, brief.asked, brief.version)).collect()
}

async fn mark(store: &dyn Store, offset: i64, mark: &Mark) -> bool {
    store.mark(GROUP, &[place(offset)], mark, &note("why")).await.expect("it is marked")[0]
}

fn edited() -> Edited {
    Edited { value: vec![0, 1, 2], headers: vec![("x".into(), None), ("ce_id".into(), Some(b"new".to_vec()))] }
}

async fn operators_mark_what_is_parked_or_dead(fixture: &Fixture) {
    let store = fixture.open().await;
    let store = store.as_ref();
    assert!(!store.holds(GROUP, &partition(0).partition).await.expect("an answer"));
    some_held(store).await;
    assert!(store.holds(GROUP, &partition(0).partition).await.expect("an answer"));
    assert!(!store.holds(GROUP, &partition(1).partition).await.expect("an answer"));
    assert_eq!(waiting(store).await, [(1, false, 0), (2, false, 0)], "a dead record waits for nothing");
    let brief = &store.waiting(GROUP, &partition(0).partition).await.expect("briefs")[1];
    assert_eq!((brief.behind, &brief.key, &brief.order_key), (Some(Offset(1)), &Some(vec![0, 255]), &Some(vec![6, 0])));
    assert!(brief.bytes > 128, "{brief:?}");

    assert!(mark(store, 1, &Mark::Retry).await && mark(store, 3, &Mark::Retry).await);
    assert_eq!(waiting(store).await, [(1, true, 1), (2, false, 0), (3, true, 1)], "a dead one that is asked for does");
    assert_eq!(store.asked(GROUP).await.expect("places"), [place(1), place(3)]);
    assert_eq!(store.asked("another group").await.expect("places"), []);

    assert!(mark(store, 1, &Mark::Edit(edited())).await);
    let found = store.held_at(GROUP, &place(1)).await.expect("an answer").expect("it is there");
    assert_eq!((&found.value, &found.headers, &found.edited), (&None, &held(1, "").headers, &Some(edited())));
    assert_eq!(found.effective_value(), Some(&edited().value[..]));

    assert!(mark(store, 1, &Mark::Discard).await && mark(store, 3, &Mark::Discard).await);
    assert_eq!(waiting(store).await, [(1, true, 3), (2, false, 0)], "those behind a discarded one are to be tried");
    for verb in [Mark::Retry, Mark::Discard, Mark::Edit(edited())] {
        assert!(!mark(store, 1, &verb).await && !mark(store, 99, &verb).await, "{verb:?}");
    }
    let log = store.held_log(GROUP, 3).await.expect("a log");
    let lines: Vec<_> = log.iter().map(|e| (e.place.offset.0, e.verb.as_str(), e.note == note("why"))).collect();
    assert_eq!(lines.len(), 3, "the last three of five: what did nothing is not noted");
    assert!(lines.iter().all(|(_, _, is)| *is), "{log:?}");
}

async fn begin(store: &dyn Store, epoch: i64) -> Box<dyn Tx> {
    let mut tx = store.begin().await.expect("a transaction");
    assert!(tx.own(GROUP, &partition(0).partition, epoch).await.expect("an answer"));
    tx
}

async fn settle(store: &dyn Store, epoch: i64, offset: i64, version: i32, to: Settled) -> bool {
    let mut tx = begin(store, epoch).await;
    let settle = Settle { offset: Offset(offset), version, to };
    let is_as_it_was = tx.settle(GROUP, &partition(0).partition, &[settle], 7).await.expect("an answer");
    if is_as_it_was {
        tx.commit().await.expect("it is committed");
    }
    is_as_it_was
}

async fn the_sink_settles_only_what_is_as_it_was(fixture: &Fixture) {
    let store = fixture.open().await;
    let store = store.as_ref();
    let epoch = some_held(store).await;
    let failed = || Settled::Failed { code: "refused".into(), reason: "again".into(), order_key: None };
    assert!(mark(store, 1, &Mark::Retry).await);
    assert!(!settle(store, epoch, 1, 0, failed()).await, "it was marked since");
    assert!(settle(store, epoch, 1, 1, failed()).await);
    let found = store.held_at(GROUP, &place(1)).await.expect("an answer").expect("it is there");
    assert_eq!((found.code.as_str(), found.tries, found.version, found.asked_ms), ("refused", 1, 2, None));
    assert_eq!((found.behind, &found.order_key), (None, &None));

    assert!(settle(store, epoch, 2, 0, Settled::Behind { cause: Offset(9), code: "other".into() }).await);
    let found = store.held_at(GROUP, &place(2)).await.expect("an answer").expect("it is there");
    assert_eq!((found.behind, found.code.as_str()), (Some(Offset(9)), "other"));
    assert!(found.reason.contains("offset 9"), "{}", found.reason);

    // What was edited stays, as applied, for the auditor; what was not goes.
    assert!(mark(store, 1, &Mark::Edit(edited())).await);
    assert!(settle(store, epoch, 1, 3, Settled::Applied { edited: true }).await);
    assert!(settle(store, epoch, 2, 1, Settled::Applied { edited: false }).await);
    assert!(!settle(store, epoch, 2, 1, Settled::Applied { edited: false }).await, "it is gone");
    assert_eq!(store.held_at(GROUP, &place(2)).await.expect("an answer"), None);
    let state = store.audit_state(GROUP).await.expect("a state");
    assert_eq!((state.held, state.edited), (vec![place(3)], vec![(place(1), edited())]));
    let verbs: Vec<String> = store.held_log(GROUP, 10).await.expect("a log").into_iter().map(|e| e.verb).collect();
    assert_eq!(verbs.iter().filter(|verb| *verb == "applied").count(), 2, "{verbs:?}");

    // Whoever was deposed owns nothing, and a transaction that is not committed leaves nothing.
    let (now, _) = take_over(store).await;
    let mut tx = store.begin().await.expect("a transaction");
    assert!(!tx.own(GROUP, &partition(0).partition, epoch).await.expect("an answer"));
    drop(tx);
    assert!(settle(store, now, 3, 0, Settled::Answered).await);
    let late = Step::new(epoch, 9, Vec::new()).holding(vec![parked(8, None)]).apply(store).await;
    assert!(matches!(late, Err(StoreError::Fenced { .. })), "{late:?}");
}

/// A database of the version before is brought up to date, and what it holds is there; and the version before goes on writing.
#[tokio::test]
async fn the_version_before_can_start_again() {
    let fixture = Fixture::sqlite();
    let Place::Sqlite(dir) = &fixture.place else { unreachable!("made above") };
    let url = format!("sqlite://{}?mode=rwc", dir.path().join("kit_test.db").display());
    let mut connection = SqliteConnection::connect(&url).await.expect("a file");
    let before = || {
        use sqlx::SqlSafeStr;
        let sql = |number, name: &'static str, sql: &'static str| {
            Migration::new(number, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
        };
        let kit = include_str!("../../migrations/0001_kit.sql");
        let mut migrator = Migrator::with_migrations(vec![sql(1, "kit", kit), sql(100, "things", MIGRATION)]);
        migrator.set_ignore_missing(true);
        migrator
    };
    before().run(&mut connection).await.expect("the version before");
    let insert = |offset: i64| {
        sqlx::query(
            "INSERT INTO bus_held (consumer_group, topic, partition, record_offset, state, code, reason, event_type,
                event_id, record_key, record_value, headers, emitted_ms, held_ms)
             VALUES ('coursebus-kit_test', 'dev-things', 0, $1, 'dead', 'refused', 'r', NULL, NULL, NULL, NULL, '[]', 1, 2)",
        )
        .bind(offset)
    };
    insert(5).execute(&mut connection).await.expect("it holds");
    let store = fixture.open().await;
    let found = store.held(GROUP).await.expect("held records");
    assert_eq!(found.iter().map(|r| (r.offset.0, r.tries, r.behind)).collect::<Vec<_>>(), [(5, 0, None)]);
    drop(store);
    before().run(&mut connection).await.expect("the version before starts again");
    insert(6).execute(&mut connection).await.expect("it holds");
    assert_eq!(fixture.open().await.held(GROUP).await.expect("held records").len(), 2);
}
