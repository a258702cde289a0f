//! The relay without transactions: at least once, and in order where each event is first seen.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_relay_that_dies_before_deleting_publishes_again_and_in_order() {
    for (backend, db) in [(Backend::Embedded, Some(OutboxDb::sqlite())), (Backend::Kafka, OutboxDb::postgres())] {
        let Some(db) = db else { continue };
        let Some(scene) = Scene::new(backend, db).await else { continue };
        let plain = || RelaySettings { plain: true, ..scene.settings() };
        let mut connection = scene.db.connect().await;
        for number in 0..20 {
            connection.insert(&number.to_string(), RENEWED, &json("a", number), &[]).await.unwrap();
        }
        scene.hold_deletes(&mut connection).await;
        let relay = scene.start_as(plain());
        until("the batch is published", LIMIT, async || (scene.records().await.len() == 20).then_some(())).await;
        relay.abort();
        let _ = relay.await;
        scene.free_deletes(&mut connection).await;
        connection.insert("later", RENEWED, &json("a", 20), &[]).await.unwrap();
        let done = scene.relay_as(RelaySettings { until_empty: true, ..plain() }).await;
        assert_eq!(done, RelaySummary { published: 21, recovered: 0, held: 0 }, "{}", scene.db.name());
        let once: Vec<String> = (0..20).map(|n| n.to_string()).collect();
        let twice: Vec<String> = once.iter().chain(&once).cloned().chain(["later".to_owned()]).collect();
        assert_eq!(scene.ids().await["a"], twice);
        scene.bed.end().await;
    }
}
