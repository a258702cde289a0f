//! Rows that cannot be published: each is held with its order key, or alone where that cannot be told, and the relay goes on.

use coursebus_schemas::{catalog, encode::encode, subscription::PlanCreated};

use super::*;

/// Its name is no legal namespace of Avro.
const ILLEGAL: &str = "org.openedx.enterprise.subsidy.redemption-reversed.v1";

/// Id, type, payload, further columns; and the code that it is held under.
type BadRow = (&'static str, &'static str, String, Vec<(&'static str, &'static str)>, &'static str);

/// Rows that cannot be published.
fn bad_rows() -> Vec<BadRow> {
    let good = json("bad", 1);
    let padded = format!(r#"{{"license":{{"license_uuid":"{}"}}}}"#, "x".repeat(2 << 20));
    let large = json(&"y".repeat(2 << 20), 1);
    vec![
        ("type", "no.such.type.v1", good.clone(), vec![], "unknown-event-type"),
        ("json", RENEWED, "{nonsense".to_owned(), vec![], "event-does-not-fit"),
        ("fit", RENEWED, r#"{"license":{"license_uuid":"fit"}}"#.to_owned(), vec![], "event-does-not-fit"),
        ("padded", RENEWED, padded, vec![], "event-does-not-fit"),
        ("large", RENEWED, large, vec![], "record-too-large"),
        ("null", RENEWED, json("null", 1).replace(r#""null""#, "null"), vec![], "event-does-not-fit"),
        ("format", RENEWED, json("format", 1), vec![("payload_format", "'xml'")], "outbox-row"),
        ("minor", RENEWED, json("minor", 1), vec![("minor_version", "99")], "outbox-row"),
        ("half", RENEWED, json("half", 1), vec![("payload_format", "'avro'")], "outbox-row"),
        ("datum", RENEWED, good, vec![("payload_format", "'avro'"), ("minor_version", "0")], "malformed-datum"),
        ("time", RENEWED, json("time", 1), vec![("occurred_at", "'yesterday'")], "outbox-row"),
        ("key", RENEWED, json("key", 1), vec![("record_key", "KEY")], "record-key"),
        (
            "topic",
            "coursebus.subscription.plan.created.v1",
            r#"{"plan":{"plan_uuid":"p","title":"t","starts":"s","expires":"e"}}"#.to_owned(),
            vec![],
            "unknown-topic",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_cannot_be_published_are_held_with_their_key_and_stop_nothing() {
    for db in OutboxDb::each() {
        let Some(scene) = Scene::new(Backend::Embedded, db).await else { continue };
        scene.bed.register(PlanCreated::TYPE).await;
        let mut connection = scene.db.connect().await;
        let mut expected = Vec::new();
        for (id, event_type, payload, more, code) in bad_rows() {
            let key = if matches!(scene.db, OutboxDb::Postgres(_)) { r"'\x0231'" } else { "X'0231'" };
            let more: Vec<_> = more.into_iter().map(|(c, v)| (c, if v == "KEY" { key } else { v })).collect();
            connection.insert(id, event_type, &payload, &more).await.unwrap();
            expected.push((id.to_owned(), code.to_owned(), false));
        }
        // Behind one of them, and of other keys.
        connection.insert("behind", RENEWED, &json("time", 2), &[]).await.unwrap();
        connection.insert("other", RENEWED, &json("other", 1), &[]).await.unwrap();
        expected.push(("behind".to_owned(), "outbox-row".to_owned(), true));
        let done = scene.relay().await;
        assert_eq!(scene.held().await, expected, "{}", scene.db.name());
        assert_eq!(done, RelaySummary { published: 1, recovered: 0, held: expected.len() as u64 });
        assert_eq!(scene.ids().await, of(&[("other", &["other"])]));
        // Later rows of a held key follow it.
        connection.insert("later", RENEWED, &json("time", 3), &[]).await.unwrap();
        assert_eq!(scene.relay().await.published, 0);
        assert_eq!(scene.held().await.last().unwrap(), &("later".to_owned(), "outbox-row".to_owned(), true));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_type_with_an_illegal_namespace_is_held_alone_like_any_other() {
    for db in OutboxDb::each() {
        let Some(scene) = Scene::new(Backend::Embedded, db).await else { continue };
        let mut connection = scene.db.connect().await;
        connection.insert("illegal", ILLEGAL, "{}", &[]).await.unwrap();
        connection.insert("other", RENEWED, &json("other", 1), &[]).await.unwrap();
        assert_eq!(scene.relay().await.published, 1);
        // Empty data fit no type.
        let code = if catalog().by_name(ILLEGAL).is_some() { "event-does-not-fit" } else { "unknown-event-type" };
        assert_eq!(scene.held().await, [("illegal".to_owned(), code.to_owned(), false)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_written_by_hand_with_half_its_columns_is_refused_by_the_database() {
    for db in OutboxDb::each() {
        let Some(scene) = Scene::new(Backend::Embedded, db).await else { continue };
        let mut connection = scene.db.connect().await;
        for columns in ["event_id, event_type", "event_id, source", "event_type, source"] {
            let half = format!("INSERT INTO coursebus_outbox ({columns}) VALUES ('1', '2')");
            connection.execute(&half).await.unwrap_err();
        }
        // The same id with other content, while the first row is there.
        connection.insert("1", RENEWED, &json("a", 1), &[]).await.unwrap();
        connection.insert("1", RENEWED, &json("b", 2), &[]).await.unwrap_err();
        connection.insert("", RENEWED, &json("c", 1), &[]).await.unwrap();
        assert_eq!(scene.relay().await, RelaySummary { published: 1, recovered: 0, held: 1 }, "{}", scene.db.name());
        assert_eq!(scene.ids().await, of(&[("a", &["1"])]));
        assert_eq!(scene.held().await, [(String::new(), "outbox-row".to_owned(), false)]);
    }
}

/// A license's datum, and that of its record key.
fn datum(license_uuid: &str) -> (Vec<u8>, Vec<u8>) {
    let mut datum = Vec::new();
    encode(&license(license_uuid, 1), &mut datum).unwrap();
    let mut key = vec![u8::try_from(license_uuid.len() * 2).unwrap()];
    key.extend_from_slice(license_uuid.as_bytes());
    (datum, key)
}

/// Writes a row of Avro, as another language would.
async fn insert_avro(
    scene: &Scene,
    connection: &mut OutboxConnection,
    id: &str,
    (payload, key): (&[u8], Option<&[u8]>),
) {
    let literal = |bytes: &[u8]| match scene.db {
        OutboxDb::Postgres(_) => format!(r"'\x{}'::bytea", hex::encode(bytes)),
        _ => format!("X'{}'", hex::encode(bytes)),
    };
    let (payload, key) = (literal(payload), key.map_or_else(|| "NULL".to_owned(), literal));
    let sql = format!(
        "INSERT INTO coursebus_outbox (event_id, event_type, source, payload_format, minor_version, payload, record_key)
        VALUES ('{id}', '{RENEWED}', 'test', 'avro', 0, {payload}, {key})"
    );
    connection.execute(&sql).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_datum_that_cannot_be_published_holds_its_key_only() {
    for db in OutboxDb::each() {
        let Some(scene) = Scene::new(Backend::Embedded, db).await else { continue };
        let mut connection = scene.db.connect().await;
        let (good, good_key) = datum("good");
        insert_avro(&scene, &mut connection, "good", (&good, Some(&good_key))).await;
        let (mut rest, rest_key) = datum("rest");
        rest.push(0);
        insert_avro(&scene, &mut connection, "rest", (&rest, Some(&rest_key))).await;
        let (mut cut, cut_key) = datum("cut");
        cut.pop();
        insert_avro(&scene, &mut connection, "cut", (&cut, Some(&cut_key))).await;
        let (keyless, _) = datum("keyless");
        insert_avro(&scene, &mut connection, "keyless", (&keyless, None)).await;
        let (foreign, _) = datum("foreign");
        insert_avro(&scene, &mut connection, "foreign", (&foreign, Some(&good_key))).await;
        let mut expected = vec![
            ("rest", "trailing-bytes", false),
            ("cut", "malformed-datum", false),
            ("keyless", "record-key", false),
            ("foreign", "record-key", false),
        ];
        // Each has a later row of its key, which waits behind it with its code.
        for (key, code, _) in expected.clone() {
            connection.insert(&format!("{key}-later"), RENEWED, &json(key, 2), &[]).await.unwrap();
            let id = ["rest-later", "cut-later", "keyless-later", "foreign-later"];
            expected.push((id.into_iter().find(|id| id.starts_with(key)).unwrap(), code, true));
        }
        connection.insert("good-later", RENEWED, &json("good", 2), &[]).await.unwrap();
        assert_eq!(scene.relay().await, RelaySummary { published: 2, recovered: 0, held: 8 }, "{}", scene.db.name());
        assert_eq!(scene.ids().await, of(&[("good", &["good", "good-later"])]));
        let held: Vec<_> = expected.into_iter().map(|(id, code, behind)| (id.into(), code.into(), behind)).collect();
        assert_eq!(scene.held().await, held, "{}", scene.db.name());
    }
}
