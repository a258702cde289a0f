//! The whole generator on a small catalogue, and what it refuses.

use std::fs;
use std::path::Path;

const CATALOG: &str = r#"
[topics.plans]
partitioner = "murmur2"
description = "Plans."

[[flows]]
number = 3
name = "Plans"
way = "shop → all"

[[events]]
name = "coursebus.shop.plan.created.v1"
owner = "shop"
topic = "plans"
key = "plan.id"
personal_data = ["plan.owner"]
flows = [3]
description = "A plan was created."
"#;

const OLD: &str = r#"{"type":"record","name":"CloudEvent","namespace":"coursebus.shop.plan.created.v1","doc":"A.","fields":[
    {"name":"plan","doc":"P.","type":{"type":"record","name":"Plan","doc":"P.","fields":[
        {"name":"id","type":"string","doc":"I."},
        {"name":"owner","type":"string","doc":"O."}]}}]}"#;

const NEW: &str = r#"{"type":"record","name":"CloudEvent","namespace":"coursebus.shop.plan.created.v1","doc":"A.","fields":[
    {"name":"plan","doc":"P.","type":{"type":"record","name":"Plan","doc":"P.","fields":[
        {"name":"id","type":"string","doc":"I."},
        {"name":"owner","type":"string","doc":"O."},
        {"name":"seats","type":"long","default":5,"doc":"S."},
        {"name":"type","type":["null","string"],"default":null,"doc":"T."}]}}]}"#;

/// A folder with the catalogue and two minor versions, each as `change` leaves it.
fn folder(change: impl Fn(&str) -> String) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |path: &str, text: &str| {
        let path = folder.path().join("schemas").join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, change(text)).expect("it is written");
    };
    write("catalog.toml", CATALOG);
    write("avro/shop/plan.created/1.0.avsc", OLD);
    write("avro/shop/plan.created/1.1.avsc", NEW);
    folder
}

fn generated(root: &Path, file: &str) -> String {
    fs::read_to_string(root.join("schemas/src/generated").join(file)).expect(file)
}

#[test]
fn writes_once_and_then_agrees() {
    let folder = folder(str::to_owned);
    let root = folder.path();
    assert!(super::run(root, true).is_err(), "nothing is written yet");
    super::run(root, false).expect("it writes");
    super::run(root, true).expect("it agrees");

    let newest = generated(root, "shop.rs");
    for part in [
        "pub r#type: Option<String>,",
        "#[serde(default = \"default_plan_seats\")]\n    pub seats: i64,",
        "fn default_plan_seats() -> i64 {\n    5\n}",
        "field(\"owner\", &format_args!(\"<personal>\"))",
        "personal_data: &[\"plan.owner\"]",
    ] {
        assert!(newest.contains(part), "{part} is not in\n{newest}");
    }
    assert!(!generated(root, "shop/v1_0.rs").contains("seats"));

    let page = root.join("docs/catalogue.md");
    let text = fs::read_to_string(&page).expect("the page");
    assert!(text.contains("| 3 | Plans | shop → all | `coursebus.shop.plan.created.v1` |"), "{text}");
    fs::write(&page, text + "And more.").expect("it is written");
    let refused = super::run(root, true).expect_err("the page says something else").to_string();
    assert!(refused.contains("docs/catalogue.md"), "{refused}");
    super::run(root, false).expect("it writes");

    fs::write(root.join("schemas/src/generated/left_over.rs"), "").expect("it is written");
    let refused = super::run(root, true).expect_err("a file is left over").to_string();
    assert!(refused.contains("schemas/src/generated/left_over.rs"), "{refused}");
    super::run(root, false).expect("it writes");
    super::run(root, true).expect("it agrees");
}

#[test]
fn refuses_what_does_not_hold_together() {
    let check = |from: &str, to: &str, expected: &str| {
        let folder = folder(|text| text.replace(from, to));
        let error = super::run(folder.path(), false).expect_err(expected);
        assert!(format!("{error:#}").contains(expected), "{error:#}\nshould say\n{expected}");
    };
    check("topic = \"plans\"", "topic = \"other\"", "no topic other");
    check("key = \"plan.id\"", "key = \"plan.other\"", "no field plan.other");
    check("key = \"plan.id\"", "key = \"plan\"", "the key plan is a record Plan");
    check("key = \"plan.id\"", "key = \"plan.id\"\norder_by = [\"plan.owner\"]", "order_by does not hold the key");
    check("key = \"plan.id\"", "key = \"plan.id\"\ncolour = 1", "unknown field `colour`");
    check("[\"plan.owner\"]", "[\"plan.other\"]", "personal_data names plan.other");
    check("coursebus.shop.plan.created.v1\"", "coursebus.shop.plan.created\"", "does not end with .v<major>");
    check("coursebus.shop.plan.created.v1\",\"doc\"", "x\",\"doc\"", "the namespace is not the event type");
    check("\"default\":5,", "", "Plan.seats has no default");
    check("\"default\":5,", "\"default\":\"5\",", "the default of seats is not one of its type");
    check(
        "\"name\":\"owner\",\"type\":\"string\",\"doc\":\"O.\"}]",
        "\"name\":\"owner\",\"type\":\"long\",\"doc\":\"O.\"}]",
        "the type changed",
    );
    check(
        "\"name\":\"owner\",\"type\":\"string\",\"doc\":\"O.\"}]",
        "\"name\":\"gone\",\"type\":\"string\",\"doc\":\"O.\"}]",
        "Plan.gone is gone",
    );
    check(",\"doc\":\"I.\"", "", "Plan.id has no doc");
    check(
        "[topics.plans]",
        "[topics.b]\npartitioner = \"crc32\"\ndescription = \"\"\n[topics.plans]",
        "topic b: no event type is on it",
    );
    check("flows = [3]", "flows = [3, 4]", "no flow 4");
    check("flows = [3]\n", "", "flow 3: no event type is for it");
    check("\"name\":\"Plan\"", "\"name\":\"PlanCreated\"", "PlanCreated is an event and a record");
}
