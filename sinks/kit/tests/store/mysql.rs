//! What is asked of MySQL and MariaDB alone.

use std::time::Duration;

use coursebus_sinks_kit::{Store, StoreError, Tx};
use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection, Row};

use crate::{
    fixture::{Fixture, GROUP, Place},
    steps::{Step, all_rows, effect, event, label, partition, take_over},
};

/// A session of someone else on the same server.
async fn hand(fixture: &Fixture) -> MySqlConnection {
    let Place::Mysql { server, .. } = &fixture.place else { unreachable!("one on MySQL") };
    MySqlConnection::connect(server).await.expect("the server answers")
}

/// A transaction of the owner of a partition.
async fn open_at(store: &dyn Store, number: i32, epoch: i64) -> Box<dyn Tx> {
    let mut tx = store.begin().await.expect("a transaction");
    let owns = tx.own(GROUP, &partition(number).partition, epoch).await;
    assert!(owns.expect("an answer"), "it has just been taken over");
    tx
}

/// An event that comes on two partitions at once: the second waits for the first, and then knows the event, or not.
#[tokio::test]
async fn an_event_in_two_transactions_at_once_counts_once() {
    let Some(fixture) = Fixture::mysql().await else { return };
    let store = fixture.open().await;
    for (commits, is_new_to_the_second) in [(true, false), (false, true)] {
        let taken = store.take_over(GROUP, &[partition(0), partition(1)]).await.expect("they are free");
        let (mut one, mut two) =
            (open_at(store.as_ref(), 0, taken[0].epoch).await, open_at(store.as_ref(), 1, taken[1].epoch).await);
        let events = [event(&format!("both {commits}")), event(&format!("single {commits}"))];
        assert_eq!(one.remember(GROUP, &events[..1]).await.expect("it is remembered"), [true]);
        let end = async {
            // Until the other waits for it. Whoever waits is seen by the server's own list of sessions.
            let mut hand = hand(&fixture).await;
            let waiting = "SELECT count(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'
                AND trx_query LIKE 'INSERT INTO bus_inbox%'";
            let deadline = tokio::time::Instant::now() + Duration::from_secs(4);
            while hand.fetch_one(waiting).await.expect("a count").get::<i64, _>(0) == 0 {
                assert!(tokio::time::Instant::now() < deadline, "the second does not wait");
                tokio::task::yield_now().await;
            }
            if commits {
                one.commit().await.expect("it is committed");
            } else {
                drop(one);
            }
        };
        let (second, ()) = tokio::join!(two.remember(GROUP, &events), end);
        assert_eq!(second.expect("it is remembered"), [is_new_to_the_second, true]);
    }
    fixture.end().await;
}

/// A process was killed while it made tables: each statement is a transaction there.
#[tokio::test]
async fn an_unfinished_migration_is_run_again() {
    let Some(fixture) = Fixture::mysql().await else { return };
    let store = fixture.open().await;
    let (epoch, _) = take_over(store.as_ref()).await;
    Step::new(epoch, 1, vec![effect(0, "a", [label(1, "kept")])]).ok(store.as_ref()).await;
    let database = fixture.mysql_database();
    let unfinished = format!(
        "UPDATE {database}._sqlx_migrations SET success = FALSE; DROP TABLE {database}.bus_gaps, {database}.bus_meta"
    );
    sqlx::raw_sql(AssertSqlSafe(unfinished)).execute(&mut hand(&fixture).await).await.expect("SQL");
    let store = fixture.open().await;
    assert_eq!(all_rows(store.as_ref()).await.len(), 1, "what was there stays");
    assert_eq!(store.gaps(GROUP).await.expect("the table is there"), []);
    fixture.end().await;
}

/// Someone made the database beforehand, with that server's own idea of text; and the process may make none.
#[tokio::test]
async fn a_database_that_is_there_is_used() {
    let Some(fixture) = Fixture::mysql().await else { return };
    let database = fixture.mysql_database();
    let make = format!("CREATE DATABASE {database} CHARACTER SET latin1 COLLATE latin1_swedish_ci");
    sqlx::raw_sql(AssertSqlSafe(make)).execute(&mut hand(&fixture).await).await.expect("SQL");
    let store = fixture.open().await;
    let (epoch, _) = take_over(store.as_ref()).await;
    let labels = [label(1, "ß 🎓"), label(2, "ss")];
    Step::new(epoch, 1, vec![effect(0, "a", labels)]).ok(store.as_ref()).await;
    assert_eq!(all_rows(store.as_ref()).await[0][5], "ß 🎓".into());
    fixture.end().await;
}

/// A key that is longer than an index holds is refused, not cut off: cut off it would be another row's.
#[tokio::test]
async fn a_key_that_is_too_long_is_refused() {
    let Some(fixture) = Fixture::mysql().await else { return };
    let store = fixture.open().await;
    let (epoch, _) = take_over(store.as_ref()).await;
    let change = crate::fixture::THINGS.upsert(["x".repeat(5_000).into(), 1.into()], []);
    let refused = Step::new(epoch, 1, vec![effect(0, "a", [change])]).apply(store.as_ref()).await;
    assert!(matches!(refused, Err(StoreError::Value { .. })), "{refused:?}");
    assert!(all_rows(store.as_ref()).await.is_empty());
    fixture.end().await;
}

/// What the kit relies on where the server is MySQL, which knows no time-out of idle transactions. It is held on whichever
/// server there is: both end an idle session, and with it its transaction.
#[tokio::test]
async fn an_idle_session_ends_with_its_transaction() {
    let Some(fixture) = Fixture::mysql().await else { return };
    let _store = fixture.open().await;
    let database = fixture.mysql_database();
    let (mut stopped, mut next) = (hand(&fixture).await, hand(&fixture).await);
    let meta = format!("INSERT INTO {database}.bus_meta VALUES ('x', 'y')");
    stopped.execute("SET SESSION wait_timeout = 1").await.expect("SQL");
    stopped.execute("BEGIN").await.expect("SQL");
    stopped.execute(AssertSqlSafe(meta.clone())).await.expect("SQL");
    next.execute("SET SESSION innodb_lock_wait_timeout = 5").await.expect("SQL");
    next.execute(AssertSqlSafe(meta)).await.expect("the row is free after a second");
    assert!(stopped.execute("COMMIT").await.is_err(), "its session is gone");
    fixture.end().await;
}
