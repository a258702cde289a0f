//! The outbox and its relay on the three databases and both logs: what is committed is published once, in order, and what
//! cannot be published is held with its key.

mod plain;
mod refused;

use std::{collections::BTreeMap, time::Duration};

use coursebus_producer::{
    outbox::{self, EnqueueError},
    relay::{self, HeldMark, Outbox, RelaySettings, RelaySummary},
};
use coursebus_schemas::{
    Event, EventId, Metadata, decode,
    subscription::{LicenseData, LicenseRenewed},
    wire::unframe,
};
use coursebus_tests::{OutboxConnection, OutboxDb, matrix, until};
use coursebus_transport::Record;
use sqlx::Connection;
use tokio::task::JoinHandle;

use crate::bed::{Backend, Bed, LIMIT};

const RENEWED: &str = "coursebus.subscription.license.renewed.v1";

fn license(key: &str, user: i64) -> LicenseRenewed {
    LicenseRenewed {
        license: LicenseData {
            license_uuid: key.into(),
            plan_uuid: "p".into(),
            user_id: Some(user),
            status: "activated".into(),
            expires: "2027-01-01T00:00:00Z".into(),
        },
    }
}

/// The payload of a row.
fn json(key: &str, user: i64) -> String {
    let rest = r#""status":"activated","expires":"2027-01-01T00:00:00Z""#;
    format!(r#"{{"license":{{"license_uuid":"{key}","plan_uuid":"p","user_id":{user},{rest}}}}}"#)
}

struct Scene {
    bed: Bed,
    db: OutboxDb,
    outbox: Outbox,
}

impl Scene {
    /// A topic for licenses, and an outbox.
    async fn new(backend: Backend, db: OutboxDb) -> Option<Self> {
        let bed = Bed::new(backend).await?;
        matrix("outbox", backend.name(), db.name());
        bed.topic(&Self::topic_of(&bed), 4).await;
        bed.register(LicenseRenewed::TYPE).await;
        drop(db.connect().await);
        let outbox = Outbox::install(&db.url().parse().unwrap()).await.unwrap();
        Some(Self { bed, db, outbox })
    }

    fn topic_of(bed: &Bed) -> String {
        LicenseRenewed::TYPE.topic.full_topic(&bed.prefix)
    }

    fn settings(&self) -> RelaySettings {
        RelaySettings {
            topic_prefix: self.bed.prefix.clone(),
            lease: Duration::from_secs(1),
            ..RelaySettings::default()
        }
    }

    /// A relay until nothing is left.
    async fn relay(&self) -> RelaySummary {
        self.relay_as(RelaySettings { until_empty: true, ..self.settings() }).await
    }

    async fn relay_as(&self, settings: RelaySettings) -> RelaySummary {
        let (log, registry) = (self.bed.log.clone(), self.bed.registry.clone());
        let relay = relay::run(&self.outbox, log, registry, settings, std::future::pending());
        tokio::time::timeout(LIMIT, relay).await.expect("the relay ends").unwrap()
    }

    /// A relay that goes on until it is aborted, which is its crash.
    fn start(&self) -> JoinHandle<()> {
        self.start_as(self.settings())
    }

    fn start_as(&self, settings: RelaySettings) -> JoinHandle<()> {
        let (log, registry) = (self.bed.log.clone(), self.bed.registry.clone());
        let outbox = self.outbox.clone();
        tokio::spawn(async move {
            relay::run(&outbox, log, registry, settings, std::future::pending()).await.unwrap();
        })
    }

    /// From here on nobody deletes a row.
    async fn hold_deletes(&self, connection: &mut OutboxConnection) {
        let hold = match &self.db {
            OutboxDb::Sqlite(_) => {
                "CREATE TRIGGER keep BEFORE DELETE ON coursebus_outbox BEGIN SELECT RAISE(ABORT, 'kept'); END"
            }
            _ => "BEGIN; SELECT id FROM coursebus_outbox FOR UPDATE",
        };
        connection.execute(hold).await.unwrap();
    }

    async fn free_deletes(&self, connection: &mut OutboxConnection) {
        let free = if matches!(self.db, OutboxDb::Sqlite(_)) { "DROP TRIGGER keep" } else { "ROLLBACK" };
        connection.execute(free).await.unwrap();
    }

    async fn records(&self) -> Vec<Record> {
        self.bed.records(&Self::topic_of(&self.bed)).await
    }

    /// The ids on the topic by license, in their order.
    async fn ids(&self) -> BTreeMap<String, Vec<String>> {
        let mut ids = BTreeMap::<String, Vec<String>>::new();
        for record in self.records().await {
            let (_, datum) = unframe(record.value().unwrap()).unwrap();
            let event: LicenseRenewed = decode::decode(LicenseRenewed::TYPE.writer_schema(), datum).unwrap();
            ids.entry(event.license.license_uuid).or_default().push(header(&record, "ce_id"));
        }
        ids
    }

    async fn held(&self) -> Vec<(String, String, bool)> {
        let rows = self.outbox.held().await.unwrap();
        let parked = rows.into_iter().filter(|row| row.state == "parked");
        parked.map(|row| (row.event_id, row.code, row.behind.is_some())).collect()
    }
}

fn header(record: &Record, name: &str) -> String {
    let headers = record.headers();
    let (_, value) = headers.iter().find(|(found, _)| *found == name).unwrap();
    String::from_utf8(value.unwrap().to_vec()).unwrap()
}

fn metadata(id: &str) -> Metadata {
    let time = time::macros::datetime!(2026-04-05 06:07:08 UTC);
    let mut metadata = Metadata::new(LicenseRenewed::TYPE, EventId::new(id).unwrap(), "test", time);
    metadata.subject = Some("s".into());
    metadata
}

/// Writes events in one transaction.
async fn enqueue(
    connection: &mut OutboxConnection,
    events: &[(&str, LicenseRenewed)],
    commit: bool,
) -> Result<(), EnqueueError> {
    macro_rules! on {
        ($connection:expr) => {{
            let mut tx = $connection.begin().await.unwrap();
            for (id, event) in events {
                if let Err(error) = outbox::enqueue_with(&mut tx, event, metadata(id)).await {
                    // Not left to the drop: MySQL keeps a lock on the row that was in the way.
                    tx.rollback().await.unwrap();
                    return Err(error);
                }
            }
            if commit { tx.commit().await.unwrap() } else { tx.rollback().await.unwrap() }
        }};
    }
    match connection {
        OutboxConnection::Sqlite(connection) => on!(connection),
        OutboxConnection::Postgres(connection) => on!(connection),
        OutboxConnection::MySql(connection) => on!(connection),
    }
    Ok(())
}

fn of(pairs: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    pairs.iter().map(|(key, ids)| ((*key).to_owned(), owned(ids))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_committed_is_published_once_and_what_is_not_never() {
    for backend in [Backend::Embedded, Backend::Kafka] {
        for db in OutboxDb::each() {
            let Some(scene) = Scene::new(backend, db).await else { continue };
            let mut connection = scene.db.connect().await;
            enqueue(&mut connection, &[("1", license("a", 1)), ("2", license("a", 2))], true).await.unwrap();
            enqueue(&mut connection, &[("lost", license("a", 3))], false).await.unwrap();
            connection.insert("3", RENEWED, &json("b", 4), &[]).await.unwrap();
            let again = enqueue(&mut connection, &[("1", license("a", 9))], true).await.unwrap_err();
            assert_eq!(again.code(), "event-id-used", "{}", scene.db.name());
            let done = scene.relay().await;
            assert_eq!(done, RelaySummary { published: 3, recovered: 0, held: 0 }, "{}", scene.db.name());
            assert_eq!(scene.ids().await, of(&[("a", &["1", "2"]), ("b", &["3"])]));
            let records = scene.records().await;
            let first = records.iter().find(|record| header(record, "ce_id") == "1").unwrap();
            assert_eq!(header(first, "ce_time"), "2026-04-05T06:07:08+00:00");
            assert_eq!((header(first, "ce_source"), header(first, "ce_subject")), ("test".into(), "s".into()));
            // The same event, emitted: the same key, value and partition.
            let emitted = scene.bed.producer().await.emit(&license("a", 1)).await.unwrap();
            let emitted =
                scene.records().await.into_iter().find(|r| header(r, "ce_id") == emitted.id.as_str()).unwrap();
            assert_eq!(emitted.partition(), first.partition());
            assert_eq!((emitted.key(), emitted.value()), (first.key(), first.value()));
            assert_eq!(
                scene.relay().await.published,
                0,
                "an id may be used again when its row is gone, and nothing is left"
            );
            scene.bed.end().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_dies_between_publishing_and_deleting_publishes_nothing_twice() {
    for backend in [Backend::Embedded, Backend::Kafka] {
        for db in OutboxDb::each() {
            let Some(scene) = Scene::new(backend, db).await else { continue };
            let mut connection = scene.db.connect().await;
            for number in 0..20 {
                let id = number.to_string();
                connection.insert(&id, RENEWED, &json("a", number), &[]).await.unwrap();
            }
            scene.hold_deletes(&mut connection).await;
            let relay = scene.start();
            until("the batch is published", LIMIT, async || (scene.records().await.len() == 20).then_some(())).await;
            relay.abort();
            let _ = relay.await;
            scene.free_deletes(&mut connection).await;
            let status = scene.outbox.status().await.unwrap();
            assert_eq!(status.waiting, 20, "{}: the rows are still there", scene.db.name());
            connection.insert("later", RENEWED, &json("a", 20), &[]).await.unwrap();
            let done = scene.relay().await;
            assert_eq!(done, RelaySummary { published: 1, recovered: 20, held: 0 }, "{}", scene.db.name());
            let expected: Vec<String> = (0..20).map(|n| n.to_string()).chain(["later".to_owned()]).collect();
            assert_eq!(scene.ids().await["a"], expected);
            scene.bed.end().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_comes_back_with_another_event_is_published() {
    for db in OutboxDb::each() {
        let Some(scene) = Scene::new(Backend::Embedded, db).await else { continue };
        let mut connection = scene.db.connect().await;
        connection.insert("1", RENEWED, &json("a", 1), &[("id", "7")]).await.unwrap();
        assert_eq!(scene.relay().await.published, 1);
        // As after a restored backup.
        connection.insert("2", RENEWED, &json("a", 2), &[("id", "7")]).await.unwrap();
        assert_eq!(scene.relay().await, RelaySummary { published: 1, recovered: 0, held: 0 });
        assert_eq!(scene.ids().await, of(&[("a", &["1", "2"])]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_commits_late_is_found() {
    for db in OutboxDb::each() {
        if matches!(db, OutboxDb::Sqlite(_)) {
            // One transaction writes at a time there.
            continue;
        }
        let Some(scene) = Scene::new(Backend::Embedded, db).await else { continue };
        let (mut late, mut soon) = (scene.db.connect().await, scene.db.connect().await);
        late.begin().await.unwrap();
        late.insert("late", RENEWED, &json("a", 1), &[]).await.unwrap();
        soon.insert("soon", RENEWED, &json("b", 1), &[]).await.unwrap();
        // So many that a delete of them would rather walk over the table, and into the row that is not committed.
        for from in [0, 500, 1_000] {
            soon.begin().await.unwrap();
            for number in from..from + 500 {
                soon.insert(&format!("c{number}"), RENEWED, &json("c", number), &[]).await.unwrap();
            }
            soon.execute("COMMIT").await.unwrap();
        }
        assert_eq!(scene.relay().await.published, 1_501, "{}", scene.db.name());
        late.execute("COMMIT").await.unwrap();
        assert_eq!(scene.relay().await.published, 1);
        let mut ids = scene.ids().await;
        assert_eq!(ids.remove("c").unwrap().len(), 1_500);
        assert_eq!(ids, of(&[("a", &["late"]), ("b", &["soon"])]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_relay_takes_over_when_the_lease_of_the_first_has_expired() {
    for db in OutboxDb::each() {
        let Some(scene) = Scene::new(Backend::Embedded, db).await else { continue };
        let mut connection = scene.db.connect().await;
        let (first, second) = (scene.start(), scene.start());
        connection.insert("1", RENEWED, &json("a", 1), &[]).await.unwrap();
        until("it is published", LIMIT, async || (scene.records().await.len() == 1).then_some(())).await;
        // Whichever is active: one goes at a time.
        first.abort();
        let _ = first.await;
        connection.insert("2", RENEWED, &json("a", 2), &[]).await.unwrap();
        until("the next is published", LIMIT, async || (scene.records().await.len() == 2).then_some(())).await;
        second.abort();
        let _ = second.await;
        assert_eq!(scene.ids().await, of(&[("a", &["1", "2"])]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn held_rows_come_back_in_their_order() {
    for db in OutboxDb::each() {
        let Some(scene) = Scene::new(Backend::Embedded, db).await else { continue };
        let mut connection = scene.db.connect().await;
        let bad = json("a", 1).replace(r#""status":"activated","#, "");
        connection.insert("1", RENEWED, &bad, &[]).await.unwrap();
        for (id, user) in [("2", 2), ("3", 3)] {
            connection.insert(id, RENEWED, &json("a", user), &[]).await.unwrap();
        }
        connection.insert("other", RENEWED, &json("b", 1), &[]).await.unwrap();
        assert_eq!(scene.relay().await.published, 1);
        let cause = scene.outbox.held().await.unwrap()[0].id;
        let mark = async |mark: HeldMark| scene.outbox.mark(&[cause], &mark, "me", "").await.unwrap();
        // As it is it fails again; mended it goes, and those behind it follow.
        assert_eq!(mark(HeldMark::Retry).await, [true]);
        connection.insert("4", RENEWED, &json("a", 4), &[]).await.unwrap();
        assert_eq!(scene.relay().await.published, 0);
        assert_eq!(scene.outbox.held().await.unwrap()[0].tries, 1);
        mark(HeldMark::Edit(json("a", 1).into_bytes())).await;
        mark(HeldMark::Retry).await;
        // Two at a time: the others wait for their turn, and what comes meanwhile stands behind them.
        connection.insert("5", RENEWED, &json("a", 5), &[]).await.unwrap();
        let relay = scene.relay_as(RelaySettings { batch_rows_max: 2, until_empty: true, ..scene.settings() }).await;
        assert!(relay.published >= 2, "{relay:?}");
        let again = scene.start();
        let all = ["1", "2", "3", "4", "5"];
        until("all are published", LIMIT, async || (scene.ids().await["a"].len() == all.len()).then_some(())).await;
        again.abort();
        let _ = again.await;
        // It may have been killed before it noted the last ones; the next one does, when the lease has expired.
        until("all are noted", LIMIT, async || {
            assert_eq!(scene.relay().await.published, 0);
            scene.held().await.is_empty().then_some(())
        })
        .await;
        assert_eq!(scene.ids().await, of(&[("a", &all), ("b", &["other"])]), "{}", scene.db.name());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discarded_row_lets_those_behind_it_go() {
    for db in OutboxDb::each() {
        let Some(scene) = Scene::new(Backend::Embedded, db).await else { continue };
        let mut connection = scene.db.connect().await;
        connection.insert("1", RENEWED, &json("a", 1), &[("occurred_at", "'never'")]).await.unwrap();
        connection.insert("2", RENEWED, &json("a", 2), &[]).await.unwrap();
        assert_eq!(scene.relay().await.held, 2);
        let cause = scene.outbox.held().await.unwrap()[0].id;
        assert_eq!(scene.outbox.mark(&[cause], &HeldMark::Discard, "me", "why").await.unwrap(), [true]);
        connection.insert("3", RENEWED, &json("a", 3), &[]).await.unwrap();
        assert_eq!(scene.relay().await.published, 2);
        assert_eq!(scene.ids().await, of(&[("a", &["2", "3"])]));
        let log = scene.outbox.held_log(10).await.unwrap();
        let verbs: Vec<&str> = log.iter().map(|note| note.verb.as_str()).collect();
        assert_eq!(verbs, ["discard", "applied"]);
    }
}
