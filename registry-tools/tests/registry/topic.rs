//! The topic that the registry stands on: several writers, and what other registries wrote.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use coursebus_registry_tools::{Level, LogRegistry, Registered, Registry, RegistryError, SchemaId, VersionRef};
use coursebus_transport::TopicSpec;
use serde_json::{Value, json};

use crate::support::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_register_at_once_never_give_one_id_to_two_schemas() {
    const EACH: usize = 100;
    matrix();
    let dir = tempfile::tempdir().expect("a temporary folder");
    // As two processes: a log of its own each, on one folder.
    let both = [registry(log(&dir)).await, registry(log(&dir)).await].map(Arc::new);
    both[0].set_compatibility(None, Level::None).await.expect("a level is stored");
    let mut tasks = tokio::task::JoinSet::new();
    for (name, registry) in both.iter().enumerate() {
        for half in 0..2 {
            let registry = registry.clone();
            tasks.spawn(async move {
                let mut given = Vec::new();
                // Even numbers are registered by both, under one subject; odd ones by one of them.
                for i in (half * EACH / 2)..((half + 1) * EACH / 2) {
                    let number = if i % 2 == 0 { i } else { i + (name + 1) * 10_000 };
                    let (subject, schema) = (format!("s{}", number % 7), numbered(number));
                    let registered =
                        registry.register(registration(&subject, &schema)).await.expect("it is registered");
                    given.push((number, registered));
                }
                given
            });
        }
    }
    let given: Vec<(usize, Registered)> = tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(given.len(), 2 * EACH);
    let mut by_number: BTreeMap<usize, Registered> = BTreeMap::new();
    for (number, registered) in given {
        let first = by_number.entry(number).or_insert_with(|| registered.clone());
        assert_eq!(*first, registered, "one schema has one id and one version, whoever was asked");
    }
    let mut numbers: HashMap<SchemaId, usize> = HashMap::new();
    let mut versions: HashMap<(&str, u32), usize> = HashMap::new();
    for (number, registered) in &by_number {
        assert_eq!(numbers.insert(registered.id, *number), None, "id {} stands for two schemas", registered.id);
        assert_eq!(versions.insert((&registered.subject, registered.version), *number), None);
    }
    assert_eq!(by_number.len(), EACH / 2 * 3);

    let reopened = registry(log(&dir)).await;
    for registry in both.iter().map(AsRef::as_ref).chain([&reopened]) {
        for (number, registered) in &by_number {
            let text = registry.schema(registered.id).await.expect("the id is known");
            assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON")["name"], format!("R{number}"));
            let found = registry.lookup(&registered.subject, &numbered(*number)).await.expect("it is found");
            assert_eq!(found, *registered);
        }
    }
}

/// Karapace's: other white space, other orders of fields, nulls, kinds of its own. Records as in its test data.
#[tokio::test]
async fn comes_up_on_a_topic_that_another_registry_wrote() {
    matrix();
    let dir = tempfile::tempdir().expect("a temporary folder");
    let foo = r#"{\"type\": \"record\", \"name\": \"foo\", \"namespace\": \"awesomity\", \"fields\": [{\"name\": \"coffee\", \"type\": \"string\"}]}"#;
    let schema = |subject: &str, version: u32, id: u32, schema: &str, deleted: bool| {
        format!(
            r#"{{"deleted": {deleted}, "id": {id}, "schema": "{schema}", "subject": "{subject}", "version": {version}}}"#
        )
    };
    let string = r#"\"string\""#;
    let values = [
        schema("wow.first.subject", 1, 3, foo, false),
        schema("subject-1", 1, 1, string, false),
        schema("subject-1", 2, 2, string, false),
        schema("gone", 1, 5, r#"\"int\""#, false),
        schema("gone", 1, 5, r#"\"int\""#, true),
        schema("for-good", 1, 6, r#"\"float\""#, false),
        schema("whole-subject", 1, 7, r#"\"double\""#, false),
        schema("proto", 1, 8, r#"syntax = \\\"proto3\\\";"#, false)
            .replace("{\"deleted", r#"{"schemaType": "PROTOBUF", "deleted"#),
    ];
    write_records(&dir, &[
        (r#"{"keytype":"CONFIG","subject":null,"magic":0}"#, Some(r#"{"compatibilityLevel":"NONE"}"#)),
        (r#"{"keytype":"NOOP","magic":0}"#, None),
        (r#"{"keytype":"SCHEMA","subject":"wow.first.subject","version":1,"magic":1}"#, Some(&values[0])),
        (r#"{"subject": "subject-1", "version": 1, "magic": 1, "keytype": "SCHEMA"}"#, Some(&values[1])),
        ("{\n    \"subject\": \"subject-1\",\n    \"magic\": 1,\n    \"keytype\": \"SCHEMA\",\n    \"version\": 2\n}", Some(&values[2])),
        (r#"{"keytype":"SCHEMA","subject":"gone","version":1,"magic":1}"#, Some(&values[3])),
        (r#"{"keytype":"SCHEMA","subject":"gone","version":1,"magic":1}"#, Some(&values[4])),
        (r#"{"keytype":"SCHEMA","subject":"for-good","version":1,"magic":1}"#, Some(&values[5])),
        (r#"{"magic":1,"keytype":"SCHEMA","version":1,"subject":"for-good"}"#, Some("null")),
        (r#"{"keytype":"SCHEMA","subject":"whole-subject","version":1,"magic":1}"#, Some(&values[6])),
        (r#"{"keytype":"DELETE_SUBJECT","subject":"whole-subject","magic":0}"#, Some(r#"{"subject":"whole-subject","version":1}"#)),
        (r#"{"keytype":"SCHEMA","subject":"proto","version":1,"magic":1}"#, Some(&values[7])),
        (r#"{"keytype":"CONFIG","subject":"subject-1","magic":0}"#, Some(r#"{"compatibilityLevel": "FULL"}"#)),
        (r#"{"keytype":"SOMETHING","magic":9}"#, Some("{}")),
    ])
    .await;
    let fixture = Fixture::on(dir).await;
    assert_eq!(fixture.get("/config").await.1["compatibilityLevel"], "NONE");
    assert_eq!(fixture.get("/config/subject-1").await.1["compatibilityLevel"], "FULL");
    assert_eq!(fixture.get("/subjects").await, (200, json!(["proto", "subject-1", "wow.first.subject"])));
    let (_, found) = fixture.get("/subjects/wow.first.subject/versions/latest").await;
    assert_eq!((&found["id"], &found["version"]), (&json!(3), &json!(1)));
    // One schema under two ids, as that registry once gave them: both are answered.
    assert_eq!(fixture.get("/subjects/subject-1/versions/1").await.1["id"], 1);
    assert_eq!(fixture.get("/subjects/subject-1/versions/2").await.1["id"], 2);
    for (id, text) in [(1, STRING), (2, STRING), (5, r#""int""#), (7, r#""double""#)] {
        let (status, reply) = fixture.get(&format!("/schemas/ids/{id}")).await;
        assert_eq!((status, &reply["schema"]), (200, &json!(text)), "{id}");
    }
    for (subject, code) in [("gone", 40401), ("for-good", 40401), ("whole-subject", 40401)] {
        assert_eq!(fixture.get(&format!("/subjects/{subject}/versions")).await.1["error_code"], code, "{subject}");
    }
    // A known schema keeps its smallest id, a new one gets an id that nobody has had.
    let id = async |subject: &str, schema: &str| {
        fixture.post(&format!("/subjects/{subject}/versions"), json!({"schema": schema})).await.1["id"].clone()
    };
    assert_eq!(id("new", COURSE_KEY).await, 1);
    assert_eq!(id("new", LONG).await, 9);
    assert_eq!(id("gone", r#""bytes""#).await, 10);
    assert_eq!(fixture.get("/subjects/gone/versions").await, (200, json!([2])), "numbers go on after a soft delete");
}

/// Records as Karapace's test data has them; `golden/README.md` tells the forms.
fn golden(name: &str) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    let file = format!("{}/tests/registry/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&file).expect("a golden");
    let value = |bytes: Vec<u8>| Some(bytes).filter(|bytes| !bytes.is_empty());
    if text.starts_with('[') {
        let pairs: Vec<(Value, Value)> = serde_json::from_str(&text).expect("pairs");
        return pairs
            .into_iter()
            .map(|(k, v)| (k.to_string().into_bytes(), value(v.to_string().into_bytes())))
            .collect();
    }
    let hex = |text: &str| -> Vec<u8> {
        (0..text.len() / 2).map(|i| u8::from_str_radix(&text[i * 2..i * 2 + 2], 16).expect("hexadecimal")).collect()
    };
    let is_hex = text.starts_with("/V2");
    let pair = |line: &str| {
        let mut parts = line.split('\t');
        let (key, of) = (parts.next().expect("a key"), parts.next().unwrap_or(""));
        if is_hex { (hex(key), value(hex(of))) } else { (key.as_bytes().to_vec(), value(of.as_bytes().to_vec())) }
    };
    text.lines().filter(|line| !line.starts_with("/V2") && !line.is_empty()).map(pair).collect()
}

async fn golden_registry(name: &str) -> LogRegistry {
    matrix();
    let dir = tempfile::tempdir().expect("a temporary folder");
    write_bytes(&dir, golden(name)).await;
    registry(log(&dir)).await
}

#[tokio::test]
async fn comes_up_on_goldens() {
    for name in ["test_restore_v1.log", "test_restore_v2.log"] {
        let registry = golden_registry(name).await;
        assert_eq!(registry.trouble(), None, "{name}");
        let first = registry.version("subject-1", VersionRef::Number(1)).await.expect(name);
        assert_eq!((first.id, &*first.schema), (SchemaId(1), STRING), "{name}");
        // Deleted for good at the end of the second, by a null in place of a value.
        let versions = if name.contains("v2") { vec![1] } else { vec![1, 2] };
        assert_eq!(registry.versions("subject-1").await.expect(name), versions, "{name}");
        let next = registry.register(registration("new", LONG)).await.expect("it can be written to");
        assert_eq!(next.id, SchemaId(3), "{name}: ids that were given are not given again");
    }
    for name in [
        "test_restore_compatibility_config_remove_v2.log",
        "test_restore_complete_schema_delete_v2.log",
        "test_restore_delete_nonexistent_schema_v2.log",
    ] {
        let registry = golden_registry(name).await;
        assert_eq!(registry.trouble(), None, "{name}");
        assert_eq!(registry.register(registration("new", LONG)).await.expect(name).id, SchemaId(1), "{name}");
    }
}

async fn refuses_to_write(registry: &LogRegistry, because: &str) {
    let refused = registry.register(registration("new", LONG)).await.expect_err("it only reads");
    assert!(matches!(&refused, RegistryError::TopicUnsafe { reason } if reason.contains(because)), "{refused}");
    assert_eq!(refused.code(), 42205);
}

#[tokio::test]
async fn on_a_record_that_cannot_be_read_it_only_reads_and_names_it() {
    // Its schemas are cut off, on purpose.
    let registry = golden_registry("schemas.log").await;
    let level = registry.compatibility(None).await.expect("it reads");
    assert_eq!(level.map(|level| level.to_string()).as_deref(), Some("NONE"));
    refuses_to_write(&registry, "record 1 of _schemas").await;
}

#[tokio::test]
async fn on_a_topic_that_is_not_safe_it_only_reads() {
    matrix();
    for (spec, because) in [
        (TopicSpec::new("_schemas", 2).compacted(), "2 partitions"),
        (TopicSpec::new("_schemas", 1), "cleanup.policy=delete"),
    ] {
        let dir = tempfile::tempdir().expect("a temporary folder");
        log(&dir).create_topic(&spec).await.expect("the topic is made");
        refuses_to_write(&registry(log(&dir)).await, because).await;
    }
}

#[tokio::test]
async fn what_is_deleted_for_good_stays_so_whatever_bytes_its_key_had() {
    matrix();
    let dir = tempfile::tempdir().expect("a temporary folder");
    write_bytes(&dir, golden("test_restore_v1.log")).await;
    let fixture = Fixture::on(dir).await;
    for path in ["/subjects/subject-1", "/subjects/subject-1?permanent=true"] {
        assert_eq!(fixture.call(reqwest::Method::DELETE, path, None).await, (200, json!([1, 2])), "{path}");
    }
    let reopened = registry(log(&fixture.dir)).await;
    assert!(matches!(reopened.versions("subject-1").await, Err(RegistryError::UnknownSubject { .. })));
    let next = reopened.register(registration("new", LONG)).await.expect("it is new");
    assert_eq!(next.id, SchemaId(3), "ids do not come back");
}

/// Many at once are decided one after the other and written together.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn registrations_at_once_share_transactions_and_keep_their_order() {
    matrix();
    let dir = tempfile::tempdir().expect("a temporary folder");
    let registry = Arc::new(registry(log(&dir)).await);
    registry.set_compatibility(None, Level::None).await.expect("a level");
    let before =
        log(&dir).range(&coursebus_transport::TopicPartition::new("_schemas", 0)).await.expect("a range").latest;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..200 {
        let registry = registry.clone();
        // Each schema twice: whoever comes second finds the first.
        tasks.spawn(
            async move { registry.register(registration("s", &numbered(number / 2))).await.expect("registered") },
        );
    }
    let mut all = tasks.join_all().await;
    all.sort_by_key(|registered| registered.version);
    all.dedup();
    let versions: Vec<u32> = all.iter().map(|registered| registered.version).collect();
    assert_eq!(versions, (1..=100).collect::<Vec<_>>());
    assert!(all.iter().all(|registered| registered.id.0 == registered.version));
    let after =
        log(&dir).range(&coursebus_transport::TopicPartition::new("_schemas", 0)).await.expect("a range").latest;
    assert_eq!(after.0 - before.0, 100, "nothing was written twice");
}
