//! Every type of Open edX is readable by any consumer: by the schemas of the registry, not by the catalogue.
//!
//! `schemas/tests/openedx-types.jsonl` has each type of openedx-events 11.2.0 with its schema and two records, one with every
//! field, one with the least that each may be. The Python tests compare the schemas with the library's own. Of two types the
//! library makes no schema (an image as a file): theirs here is ours, with the image as bytes.

use std::{fs, path::PathBuf, sync::Arc};

use coursebus_registry_tools::{LogRegistry, Registration, Registry, SchemaId, StoreSettings};
use coursebus_schemas::{EventId, EventType, Metadata, WriterSchema, catalog, json::from_json, wire};
use coursebus_tests::{Cli, matrix};
use coursebus_transport::{Header, Log, NewRecord, Settings, Sync, TopicSpec, WriterSettings, embedded::EmbeddedLog};
use serde_json::{Value, json};
use time::OffsetDateTime;

/// No topic of the catalogue.
const TOPIC: &str = "dev-somebody-elses";
/// What Python's bus takes and Avro's grammar does not.
const ILLEGAL: &str = "org.openedx.enterprise.subsidy.redemption-reversed.v1";

struct Type {
    name: String,
    schema: Value,
    records: Vec<Value>,
}

fn types() -> Vec<Type> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../schemas/tests/openedx-types.jsonl");
    let text = fs::read_to_string(file).unwrap();
    let line = |line: &str| {
        let mut json: Value = serde_json::from_str(line).unwrap();
        let name = json["type"].as_str().unwrap().to_owned();
        let records = json["records"].as_array().unwrap().clone();
        Type { name, schema: json["schema"].take(), records }
    };
    text.lines().map(line).collect()
}

/// What stands on the topic: the type and its data, in order.
async fn put(cli: &Cli, types: &[Type]) -> Vec<(String, Value)> {
    let log: Arc<dyn Log> =
        Arc::new(EmbeddedLog::open(&cli.dir().join(".coursebus"), Sync::Os, &Settings::default()).unwrap());
    log.create_topic(&TopicSpec::new(TOPIC, 1)).await.unwrap();
    let registry = LogRegistry::open(log.clone(), StoreSettings::default()).await.unwrap();
    let writer = log.writer(WriterSettings::default()).await.unwrap();
    let (mut expected, mut receipts) = (Vec::new(), Vec::new());
    for one in types {
        let schema = one.schema.to_string();
        let subject = format!("{TOPIC}-{}.CloudEvent", one.name);
        let registration = Registration { subject: &subject, schema: &schema, import: None };
        let id = registry.register(registration).await.unwrap().id;
        for data in &one.records {
            receipts.push(writer.append(record(&one.name, id, &schema, data)).await);
            expected.push((one.name.clone(), data.clone()));
        }
    }
    for receipt in receipts {
        receipt.await.unwrap();
    }
    expected
}

fn record(name: &str, id: SchemaId, schema: &str, data: &Value) -> NewRecord {
    let mut value = Vec::new();
    wire::frame(id, &mut value);
    from_json(&WriterSchema::parse(schema).unwrap(), data, &mut value)
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    // Any type's headers, with another name.
    let any: &EventType = catalog().events()[0];
    let metadata = Metadata::new(any, EventId::new("1").unwrap(), "openedx/lms/web", OffsetDateTime::UNIX_EPOCH);
    let headers = metadata.headers(any).into_iter().map(|(header, text)| {
        let text = if header == "ce_type" { name.to_owned() } else { text.into_owned() };
        Header { name: header.into(), value: Some(text.into_bytes().into()) }
    });
    NewRecord {
        topic: TOPIC.into(),
        partition: 0,
        timestamp_ms: None,
        key: None,
        value: Some(value.into()),
        headers: headers.collect(),
    }
}

#[tokio::test]
async fn a_tail_shows_each_as_it_was_written() {
    matrix("openedx-types", "embedded", "none");
    let cli = Cli::new();
    let types = types();
    assert_eq!(types.len(), 75);
    assert!(types.iter().any(|one| one.name == ILLEGAL));
    let expected = put(&cli, &types).await;

    let shown = cli.run(["event", "tail", TOPIC, "--from", "earliest", "--until-end"]).ok().json_lines();
    assert_eq!(shown.len(), expected.len());
    for (event, (name, data)) in shown.iter().zip(&expected) {
        assert_eq!((&event["type"], &event["data"]), (&json!(name), data));
        assert_eq!(event.get("error"), None, "{name}");
    }

    // What the catalogue does not have is listed and shown when it is asked for.
    let listed = cli.run(["event", "list", "--registered", "-o", "json"]).ok().json();
    let names: Vec<&str> = listed.as_array().unwrap().iter().map(|row| row["type"].as_str().unwrap()).collect();
    assert!(names.is_sorted() && types.iter().all(|one| names.contains(&one.name.as_str())), "{names:?}");
    let more = names.len() - catalog().events().len();
    let foreign = types.iter().filter(|one| catalog().by_name(&one.name).is_none()).count();
    assert_eq!(more, foreign, "each once");
    let illegal = cli.run(["event", "show", ILLEGAL, "-o", "json"]).ok().json();
    let schema = &types.iter().find(|one| one.name == ILLEGAL).unwrap().schema;
    assert_eq!((&illegal["schema"], &illegal["topic"], &illegal["owner"]), (schema, &json!(TOPIC), &Value::Null));
    let refused = cli.run(["event", "show", "org.openedx.nothing.v1"]).code(1);
    assert!(refused.stderr().contains("error[unknown-event-type]"), "{refused}");
}

/// Those in the catalogue are Open edX's, field for field.
#[test]
fn the_catalogue_has_their_schemas() {
    matrix("openedx-types", "none", "none");
    let types = types();
    for event_type in catalog().events().iter().filter(|event_type| event_type.name.starts_with("org.openedx.")) {
        let theirs = types.iter().find(|one| one.name == event_type.name).unwrap_or_else(|| panic!("{event_type:?}"));
        assert_eq!(serde_json::from_str::<Value>(event_type.schema).unwrap(), theirs.schema, "{event_type:?}");
    }
}
