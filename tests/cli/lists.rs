//! What lists and single things look like with `-o json`.

use std::fs;

use coursebus_tests::{Cli, matrix};
use serde_json::{Value, json};
use sqlx::{Connection, SqliteConnection};

use super::{PLAN, emit, names, plan};

#[track_caller]
fn json(cli: &Cli, args: &[&str]) -> Value {
    let output = cli.run([args, &["-o", "json"]].concat()).ok();
    assert_eq!(output.stdout().lines().count(), 1, "one document: {output}");
    output.json()
}

/// The items of a list, each of which has these fields.
#[track_caller]
fn list(cli: &Cli, args: &[&str], fields: &[&str]) -> Vec<Value> {
    let Value::Array(items) = json(cli, args) else { panic!("{args:?} is no list") };
    items.iter().for_each(|item| assert_eq!(names(item), fields, "{args:?}"));
    items
}

#[test]
fn event_types() {
    matrix("cli", "none", "none");
    let cli = Cli::new();
    let fields = [
        "type",
        "owner",
        "topic",
        "version",
        "key",
        "order_by",
        "partitioner",
        "compatibility",
        "personal_data",
        "subject",
        "description",
    ];
    let types = list(&cli, &["event", "list"], &fields);
    assert!(types.len() > 20 && types.is_sorted_by_key(|t| t["type"].to_string()), "{types:?}");
    let plan = types.iter().find(|t| t["type"] == PLAN).unwrap();
    let mut shown = json(&cli, &["event", "show", PLAN]);
    assert_eq!(shown["schema"]["type"], "record");
    shown.as_object_mut().unwrap().remove("schema");
    assert_eq!(&shown, plan);
    let renamed = list(&cli, &["event", "list", "--topic-prefix", "prod"], &fields);
    assert!(renamed.iter().all(|t| t["topic"].as_str().unwrap().starts_with("prod-")));
    // Asking for what is known makes no bus.
    assert_eq!(fs::read_dir(cli.dir()).unwrap().count(), 0);
}

#[test]
fn topics() {
    matrix("cli", "embedded", "none");
    let cli = Cli::new();
    let applied = json(&cli, &["apply"]);
    assert_eq!(names(&applied), ["topics", "schemas", "levels"]);
    emit(&cli, PLAN, &[plan("p1")]);
    let topics = list(&cli, &["topic", "list"], &["topic", "partitions", "replication", "id"]);
    let plans = topics.iter().find(|t| t["topic"] == "dev-subscription-plan-lifecycle").unwrap();
    assert_eq!((&plans["partitions"], &plans["replication"]), (&json!(4), &json!(1)));
    let shown = json(&cli, &["topic", "describe", "dev-subscription-plan-lifecycle"]);
    assert_eq!(names(&shown), ["topic", "id", "replication", "settings", "partitions"]);
    assert_eq!(shown["id"], plans["id"]);
    let partitions = shown["partitions"].as_array().unwrap();
    partitions.iter().for_each(|partition| assert_eq!(names(partition), ["partition", "earliest", "latest"]));
    assert_eq!(partitions.iter().map(|partition| partition["latest"].as_i64().unwrap()).sum::<i64>(), 1);
}

#[test]
fn schemas() {
    matrix("cli", "embedded", "none");
    let cli = Cli::new();
    fs::write(cli.dir().join("one.avsc"), r#"{"type":"record","name":"R","fields":[{"name":"a","type":"string"}]}"#)
        .unwrap();
    let two =
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":"string"},{"name":"b","type":"int","default":0}]}"#;

    let first = json(&cli, &["schema", "register", "s", "one.avsc"]);
    assert_eq!(names(&first), ["subject", "version", "id"]);
    assert_eq!((&first["subject"], &first["version"]), (&json!("s"), &json!(1)));
    assert_eq!(json(&cli, &["schema", "register", "s", "--file", "one.avsc"]), first, "it is there already");
    let second = cli.run_with(["schema", "register", "s", "-", "-o", "json"], two).ok().json();
    assert_eq!(second["version"], 2);

    let subjects = list(&cli, &["schema", "list"], &["subject", "versions", "id", "compatibility"]);
    let s = subjects.iter().find(|row| row["subject"] == "s").unwrap();
    assert_eq!((&s["versions"], &s["id"]), (&json!([1, 2]), &second["id"]));
    let of_plans = subjects.iter().find(|row| row["subject"].as_str().unwrap().contains(PLAN)).unwrap();
    assert_eq!((&of_plans["versions"], &of_plans["compatibility"]), (&json!([1, 2]), &json!("FULL_TRANSITIVE")));

    let shown = json(&cli, &["schema", "show", "s", "--version", "1"]);
    assert_eq!(names(&shown), ["subject", "version", "id", "schema"]);
    assert_eq!(shown["id"], first["id"]);
    assert_eq!(json(&cli, &["schema", "show", "s"])["id"], second["id"], "the latest");
    let by_id = json(&cli, &["schema", "show", &first["id"].to_string()]);
    assert_eq!((names(&by_id), &by_id["schema"]), (vec!["id", "schema"], &shown["schema"]));
}

#[test]
fn sinks() {
    matrix("cli", "embedded", "sqlite");
    let cli = Cli::new();
    let sinks = list(&cli, &["sink", "list"], &["sink", "group", "tables", "topics", "types", "description"]);
    let found: Vec<_> = sinks.iter().map(|s| s["sink"].as_str().unwrap()).collect();
    assert_eq!(found, ["credentials", "discovery", "license_manager"]);
    assert_eq!(sinks[1]["group"], "coursebus-discovery");
    assert_eq!(sinks[1]["tables"], json!(["discovery.course_runs"]));

    emit(&cli, PLAN, &[plan("p1"), plan("p2")]);
    let fields = ["sink", "topic", "partition", "position", "end", "lag_bound"];
    let sum = |rows: &[Value], field: &str| rows.iter().filter_map(|row| row[field].as_i64()).sum::<i64>();
    let before = list(&cli, &["sink", "status", "license_manager"], &fields);
    assert!(before.iter().all(|row| row["position"].is_null()), "{before:?}");
    assert_eq!((sum(&before, "end"), sum(&before, "lag_bound")), (2, 2));
    cli.run(["sink", "run", "license_manager", "--until-caught-up", "--audit", "--timeout", "50s"]).ok();
    let after = list(&cli, &["sink", "status", "license_manager"], &fields);
    assert_eq!((sum(&after, "position"), sum(&after, "lag_bound")), (2, 0));

    let rows = cli.run(["sink", "dump", "license_manager"]).ok().json_lines();
    assert_eq!((rows.len(), names(&rows[0])), (2, vec!["table", "key", "row"]));
    assert_eq!((&rows[0]["table"], &rows[0]["key"]), (&json!("license_manager.plans"), &json!(["p1"])));
    let audited = cli.run(["sink", "dump", "license_manager", "--audit"]).ok().json_lines();
    assert_eq!(names(&audited[0]), ["table", "key", "row", "applied", "chain"]);
    assert_eq!((&audited[0]["applied"], &audited[0]["row"]), (&json!(1), &rows[0]["row"]));
    let (partition, chain) = audited[0]["chain"].as_object().unwrap().iter().next().unwrap();
    assert!(partition.starts_with("dev-subscription-plan-lifecycle/"), "{partition}");
    assert!(chain.as_str().unwrap().len() == 64, "{chain}");

    let fields = ["group", "expected", "applied", "held", "lost", "duplicated", "out_of_order"];
    let reports = list(&cli, &["sink", "audit", "license_manager"], &fields);
    assert_eq!((reports.len(), &reports[0]["applied"]), (1, &json!(2)));
    assert_eq!(json(&cli, &["held", "list"]), json!([]));
    let checks = list(&cli, &["doctor"], &["check", "ok", "found", "do"]);
    assert!(checks.iter().all(|check| check["ok"] == true), "{checks:?}");
}

#[tokio::test]
async fn an_audit_that_finds_something_ends_with_3() {
    matrix("cli", "embedded", "sqlite");
    let cli = Cli::new();
    emit(&cli, PLAN, &[plan("p1")]);
    cli.run(["sink", "run", "license_manager", "--until-caught-up", "--audit", "--timeout", "50s"]).ok();
    emit(&cli, PLAN, &[plan("p1")]);
    let reports = cli.run(["sink", "audit", "license_manager", "-o", "json"]).ok().json();
    assert_eq!(
        (&reports[0]["expected"], &reports[0]["applied"]),
        (&json!(1), &json!(1)),
        "what is not due is not lost"
    );
    // Someone removes a row by hand.
    let file = cli.dir().join(".coursebus/db/license_manager.db");
    let mut database = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    assert_eq!(sqlx::query("DELETE FROM plans").execute(&mut database).await.unwrap().rows_affected(), 1);
    database.close().await.unwrap();
    let found = cli.run(["sink", "audit", "license_manager", "-o", "json"]).code(3).json();
    let wrong = ["lost", "duplicated", "out_of_order"].map(|name| found[0][name].as_u64().unwrap());
    assert_eq!(wrong, [1, 0, 0], "{found}");
}
