//! The same, as an operator sees it: through the command.

use std::time::{Duration, Instant};

use coursebus_registry_tools::{LogRegistry, Registry, StoreSettings};
use coursebus_schemas::{Event, authoring::CourseRunCreated};
use coursebus_tests::{Cli, kafka_bootstrap, matrix, unique};
use coursebus_transport::{Header, Log, NewRecord, Settings, Sync, WriterSettings, embedded::EmbeddedLog};
use serde_json::{Value, json};

use super::cases::course_run;

const TYPE: &str = CourseRunCreated::TYPE.name;
const TOPIC: &str = "dev-course-run-lifecycle";

fn line(title: &str) -> String {
    serde_json::to_string(&course_run(title)).unwrap()
}

/// Bad records among good ones on the bus of a command line.
async fn append(cli: &Cli, partition: i32, key: &'static [u8], value: &[u8], headers: &[(&'static str, &[u8])]) -> i64 {
    let log = EmbeddedLog::open(&cli.dir().join(".coursebus"), Sync::Disk, &Settings::default()).unwrap();
    let record = NewRecord {
        topic: TOPIC.into(),
        partition,
        timestamp_ms: None,
        key: Some(key.into()),
        value: Some(value.to_vec().into()),
        headers: headers.iter().map(|(name, value)| Header::new(*name, value.to_vec())).collect(),
    };
    let writer = log.writer(WriterSettings::default()).await.unwrap();
    writer.append(record).await.await.unwrap().offset.0
}

#[tokio::test]
async fn held_records_are_listed_and_shown() {
    matrix("bad-input-command", "embedded", "sqlite");
    let cli = Cli::new();
    let emitted = cli.run_with(["event", "emit", TYPE], &line("first")).ok().json_lines();
    let partition = i32::try_from(emitted[0]["partition"].as_i64().unwrap()).unwrap();
    let junk = append(&cli, partition, b"key", b"s3cret junk", &[("ce_id", b"1"), ("x", b"\xff"), ("x", b"")]).await;
    let also_junk = append(&cli, partition, b"key", b"more s3cret junk", &[]).await;
    let log = EmbeddedLog::open(&cli.dir().join(".coursebus"), Sync::Disk, &Settings::default()).unwrap();
    let registry = LogRegistry::open(std::sync::Arc::new(log), StoreSettings::default()).await.unwrap();
    let id =
        registry.lookup(&CourseRunCreated::TYPE.value_subject("dev"), CourseRunCreated::TYPE.schema).await.unwrap().id;
    let mut value = Vec::new();
    coursebus_schemas::wire::frame(id, &mut value);
    coursebus_schemas::encode::encode(&course_run("s3cret title"), &mut value).unwrap();
    let identity: [(&str, &[u8]); 3] = [("ce_type", b"other"), ("ce_source", b"cms"), ("ce_id", b"2")];
    let mismatch = append(&cli, partition, b"another key", &value, &identity).await;
    cli.run_with(["event", "emit", TYPE], &line("last")).ok();

    // It goes on, and names each record that it holds without its contents.
    let run = cli.run(["sink", "run", "discovery", "--until-caught-up", "--timeout", "60s"]).ok();
    for (offset, code) in [(junk, "malformed-frame"), (also_junk, "malformed-frame"), (mismatch, "type-mismatch")] {
        let named = format!("{TOPIC}/{partition} offset {offset}: {code}: ");
        assert!(run.stderr().contains(&named), "{named} in {run}");
    }
    assert!(!run.stderr().contains("s3cret"), "{run}");
    let rows = cli.run(["sink", "dump", "discovery"]).ok().json_lines();
    let titles: Vec<&str> = rows.iter().map(|row| row["row"]["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["first", "last"]);

    let place = |offset: i64| json!({"topic": TOPIC, "partition": partition, "offset": offset});
    let causes = cli.run(["held", "list", "-o", "json"]).ok().json();
    let causes = causes.as_array().unwrap();
    assert_eq!(causes.len(), 2, "{causes:?}");
    let frame = &causes[0];
    let names: Vec<&String> = frame.as_object().unwrap().keys().collect();
    for name in [
        "group",
        "topic",
        "partition",
        "offset",
        "state",
        "code",
        "key",
        "type",
        "id",
        "first",
        "last",
        "count",
        "records",
    ] {
        assert!(names.iter().any(|found| *found == name), "{name} in {frame}");
    }
    assert_eq!(
        (&frame["code"], &frame["state"], &frame["count"]),
        (&json!("malformed-frame"), &json!("parked"), &json!(2))
    );
    assert_eq!((&frame["group"], &frame["offset"]), (&json!("coursebus-discovery"), &json!(junk)));
    assert_eq!(frame["records"], json!([place(junk), place(also_junk)]));
    // A key that cannot be read is shown by its bytes.
    assert_eq!((&frame["key"], &frame["type"], &frame["id"]), (&json!("6b6579"), &Value::Null, &Value::Null));
    assert_eq!((&causes[1]["code"], &causes[1]["type"]), (&json!("type-mismatch"), &json!(TYPE)));
    assert_eq!((&causes[1]["id"], &causes[1]["records"]), (&json!("2"), &json!([place(mismatch)])));

    let flat = cli.run(["held", "list", "discovery", "--flat", "-o", "json"]).ok().json();
    let offsets: Vec<i64> = flat.as_array().unwrap().iter().map(|row| row["offset"].as_i64().unwrap()).collect();
    assert_eq!(offsets, [junk, also_junk, mismatch]);
    assert!(flat.as_array().unwrap().iter().all(|row| row["count"] == 1));
    assert_eq!(cli.run(["held", "list", "credentials", "-o", "json"]).ok().json(), json!([]));

    let show = |offset: i64| {
        let place = format!("{TOPIC}/{partition}");
        cli.run(["held", "show", "discovery", &place, &offset.to_string(), "-o", "json"])
    };
    let shown = show(mismatch).ok().json();
    assert_eq!(shown["data"]["course_run"]["title"], "s3cret title");
    assert_eq!(shown["headers"], json!([["ce_type", "other"], ["ce_source", "cms"], ["ce_id", "2"]]));
    assert_eq!(
        (&shown["value_hex"], &shown["key_hex"]),
        (&json!(hex::encode(&value)), &json!(hex::encode("another key")))
    );
    let shown = show(junk).ok().json();
    assert_eq!((&shown["data"], &shown["value_hex"]), (&Value::Null, &json!(hex::encode("s3cret junk"))));
    assert_eq!(
        (&shown["code"], &shown["partition"], &shown["offset"]),
        (&json!("malformed-frame"), &json!(partition), &json!(junk))
    );
    assert!(show(9_999).code(1).stderr().contains("held list"));
}

#[tokio::test]
async fn an_event_that_does_not_fit_is_refused_by_line_and_path() {
    matrix("bad-input-command", "embedded", "none");
    let cli = Cli::new();
    let without_title = line("x").replace(r#""title":"x","#, "");
    let wrong = |value: &str| line("x").replace(r#""title":"x""#, &format!(r#""title":{value}"#));
    let extra = line("x").replace(r#""title":"x""#, r#""title":"x","s3":"s3cret""#);
    let envelope = |fields: &str| format!(r#"{{{fields},"data":{}}}"#, line("x"));
    let refused = [
        (wrong(r#"["s3cret"]"#), "course_run.title"),
        (wrong("123454321"), "course_run.title"),
        (wrong("null"), "course_run.title"),
        (without_title, "course_run.title"),
        (extra, "course_run.s3"),
        (r#"{"course_run":"s3cret"}"#.to_owned(), "course_run"),
        (r#"{"s3cret"#.to_owned(), "JSON"),
        (r#"["s3cret"]"#.to_owned(), "object"),
        (envelope(r#""type":"s3cret""#), "type"),
        (envelope(r#""id":"""#), "id"),
        (envelope(r#""source":"""#), "source"),
        (envelope(r#""time":"s3cret""#), "time"),
    ];
    let count = refused.len();
    for (bad, named) in refused {
        let input = format!("{}\n\n{bad}\n{}\n", line("before"), line("behind"));
        let output = cli.run_with(["event", "emit", TYPE], &input).code(1);
        assert_eq!(output.json_lines().len(), 1, "those before it are emitted and told: {output}");
        assert!(output.stderr().contains(named) && output.stderr().contains("line 3"), "{named}: {output}");
        assert!(!output.stderr().contains("s3cret") && !output.stderr().contains("123454321"), "{output}");
        let lines = output.stderr().lines().filter(|line| !line.starts_with("new empty bus"));
        assert_eq!(lines.count(), 3, "what happened, to what, what to do: {output}");
    }
    let tailed = cli.run(["event", "tail", "--from", "earliest", "--until-end"]).ok().json_lines();
    assert_eq!(tailed.len(), count);
    assert!(tailed.iter().all(|event| event["data"]["course_run"]["title"] == "before"), "{tailed:?}");
}

#[test]
fn what_event_emit_refuses_has_a_code_with_a_page() {
    matrix("bad-input-command", "embedded", "none");
    let cli = Cli::new();
    let mut keyless = serde_json::to_value(course_run("s3cret")).unwrap();
    keyless["course_run"]["course_key"] = Value::Null;
    let refused = [
        ("no.such.type.v1", line("x"), "unknown-event-type"),
        (TYPE, keyless.to_string(), "event-does-not-fit"),
        (TYPE, line(&"s3cret".repeat(500_000)), "record-too-large"),
    ];
    for (event_type, input, code) in refused {
        let output = cli.run_with(["event", "emit", event_type], &input).code(1);
        assert!(output.stderr().contains(&format!("error[{code}]")) && output.stderr().contains("do: "), "{output}");
        assert!(output.stdout().is_empty() && !output.stderr().contains("s3cret"), "{output}");
    }
}

/// A line that only the log refuses: those behind it were sent already, and what is on the log is printed.
#[test]
fn what_is_on_the_log_is_printed_also_after_a_line_that_failed() {
    matrix("bad-input-command", "embedded", "none");
    let cli = Cli::new();
    let input = format!("{}\n{}\n{}\n", line("before"), line(&"s3cret".repeat(500_000)), line("behind"));
    let output = cli.run_with(["event", "emit", TYPE], &input).code(1);
    assert!(output.stderr().contains("error[record-too-large]") && output.stderr().contains("line 2"), "{output}");
    let tailed = cli.run(["event", "tail", "--from", "earliest", "--until-end"]).ok().json_lines();
    let ids = |lines: &[Value]| lines.iter().map(|line| line["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&output.json_lines()), ids(&tailed));
    assert!(!tailed.is_empty());
}

#[tokio::test]
async fn a_topic_that_has_grown_is_refused_before_the_first_line() {
    matrix("bad-input-command", "embedded", "none");
    let cli = Cli::new();
    cli.run_with(["event", "emit", TYPE], &line("first")).ok();
    {
        let log = EmbeddedLog::open(&cli.dir().join(".coursebus"), Sync::Disk, &Settings::default()).unwrap();
        log.grow_topic(TOPIC, CourseRunCreated::TYPE.topic.partitions + 1).await.unwrap();
    }
    let output = cli.run_with(["event", "emit", TYPE], &line("s3cret")).code(1);
    assert!(output.stderr().contains("error[partition-count]") && output.stderr().contains(TOPIC), "{output}");
    assert!(output.stdout().is_empty() && output.stderr().contains("do: "), "{output}");
}

/// Runs a command that depends on something that is away, and holds how it ends.
#[track_caller]
fn gives_up(cli: &Cli, args: &[&str], input: &str, names: &str) {
    let began = Instant::now();
    let output = cli.run_with(args.iter().copied(), input).code(1);
    assert!(output.stderr().contains(names) && output.stderr().contains("do: "), "{names}: {output}");
    assert!(!output.stderr().contains("s3cret"), "{output}");
    assert!(output.stdout().is_empty(), "{output}");
    assert!(began.elapsed() < Duration::from_secs(50), "{:?}: {output}", began.elapsed());
}

#[test]
fn without_a_registry_commands_wait_a_bounded_time() {
    matrix("bad-input-command", "embedded", "none");
    let cli = Cli::new().env("COURSEBUS_REGISTRY", "http://user:s3cret@127.0.0.1:1");
    gives_up(&cli, &["schema", "list"], "", "the registry");
    gives_up(&cli, &["event", "emit", TYPE], &line("x"), "the registry");
    gives_up(&cli, &["sink", "run", "discovery", "--until-caught-up"], "", "the registry");
}

#[test]
fn without_a_broker_commands_wait_a_bounded_time() {
    matrix("bad-input-command", "none", "none");
    let cli = Cli::new().env("COURSEBUS_BUS", "kafka://127.0.0.1:1");
    let registry = ["--registry", "http://127.0.0.1:1"];
    // Beside each other: each waits.
    std::thread::scope(|scope| {
        scope.spawn(|| gives_up(&cli, &["topic", "list"], "", "the log did not"));
        scope.spawn(|| gives_up(&cli, &["event", "emit", TYPE], &line("x"), "the log did not"));
        scope.spawn(|| gives_up(&cli, &["event", "tail", "--until-end"], "", "the log did not"));
        scope.spawn(|| gives_up(&cli, &["sink", "run", "discovery", registry[0], registry[1]], "", "the log did not"));
    });
}

#[test]
fn without_a_database_commands_wait_a_bounded_time() {
    matrix("bad-input-command", "embedded", "none");
    let cli = Cli::new().env("COURSEBUS_DB", "postgres://user:s3cret@127.0.0.1:1/nothing");
    gives_up(&cli, &["sink", "run", "discovery", "--until-caught-up"], "", "database");
}

#[test]
fn a_missing_topic_names_apply() {
    matrix("bad-input-command", "embedded", "none");
    let cli = Cli::new();
    for args in [["topic", "describe", "dev-nothing"].as_slice(), &["event", "tail", "dev-nothing", "--until-end"]] {
        let output = cli.run(args.iter().copied()).code(1);
        assert!(output.stderr().contains("dev-nothing") && output.stderr().contains("coursebus apply"), "{output}");
    }
    let Some(bootstrap) = kafka_bootstrap() else { return };
    matrix("bad-input-command", "kafka", "sqlite");
    let prefix = unique("absent").replace('_', "-");
    let cli = Cli::new().env("COURSEBUS_BUS", format!("kafka://{bootstrap}")).env("COURSEBUS_TOPIC_PREFIX", &prefix);
    for args in [["sink", "run", "discovery", "--until-caught-up"].as_slice(), &["event", "emit", TYPE]] {
        let output = cli.run_with(args.iter().copied(), &line("x")).code(1);
        let topic = format!("{prefix}-course-run-lifecycle");
        assert!(output.stderr().contains(&topic) && output.stderr().contains("coursebus apply"), "{output}");
    }
}

#[test]
fn usage_is_2_and_says_what_to_give() {
    matrix("bad-input-command", "embedded", "none");
    let cli = Cli::new();
    let all: [(&[&str], &str); 10] = [
        (&["no-such-command"], "no-such-command"),
        (&["event", "emit"], "TYPE"),
        (&["sink", "run"], "NAMES"),
        (&["sink", "run", "nobody"], "discovery"),
        (&["sink", "run", "discovery", "--timeout", "soon"], "--timeout"),
        (&["topic", "list", "--bus", "nats://x"], "embedded:DIR"),
        (&["topic", "list", "--bus", "kafka://"], "kafka://host:port"),
        (&["sink", "dump", "discovery", "--db", "mongodb://x"], "sqlite:DIR"),
        (&["event", "tail", "--from", "yesterday"], "earliest"),
        // No broker is asked: what is missing is known before.
        (&["apply", "--bus", "kafka://127.0.0.1:1"], "registry serve"),
    ];
    for (args, named) in all {
        let output = cli.run(args.iter().copied()).code(2);
        assert!(output.stderr().contains(named), "{named}: {output}");
        assert!(output.stdout().is_empty(), "{output}");
    }
}
