//! `event emit` and `event tail`.

use std::time::Duration;

use coursebus_tests::{Cli, matrix};
use serde_json::{Value, json};

use super::{PLAN, RUN, emit, names, plan, run, tail};

const PLANS: &str = "dev-subscription-plan-lifecycle";

#[test]
fn an_event_is_printed_when_it_is_durable_and_read_as_it_was_emitted() {
    matrix("cli", "embedded", "none");
    let cli = Cli::new();
    let first = cli.run_with(["event", "emit", PLAN], &plan("p1")).ok();
    assert!(first.stderr().starts_with("new empty bus in /"), "{first}");
    let place = first.json();
    assert_eq!(names(&place), ["topic", "partition", "offset", "id"]);
    assert_eq!((&place["topic"], &place["offset"]), (&json!(PLANS), &json!(0)));

    let found = tail(&cli, &["--from", "earliest"]);
    let [event] = &found[..] else { panic!("{found:?}") };
    let fields = [
        "topic",
        "partition",
        "offset",
        "timestamp",
        "type",
        "id",
        "source",
        "time",
        "minorversion",
        "schema_id",
        "key",
        "headers",
        "data",
    ];
    assert_eq!(names(event), fields);
    for name in names(&place) {
        assert_eq!(event[name], place[name]);
    }
    assert_eq!((&event["type"], &event["minorversion"], &event["key"]), (&json!(PLAN), &json!(1), &json!("p1")));
    // What was left out has its default.
    let mut data: Value = serde_json::from_str(&plan("p1")).unwrap();
    data["plan"]["enterprise_customer_uuid"] = Value::Null;
    data["plan"]["auto_applies_licenses"] = false.into();
    assert_eq!(event["data"], data);
    let headers: Vec<(&str, &str)> =
        event["headers"].as_array().unwrap().iter().map(|h| (h[0].as_str().unwrap(), h[1].as_str().unwrap())).collect();
    for (name, field) in [("ce_type", "type"), ("ce_id", "id"), ("ce_source", "source"), ("ce_time", "time")] {
        assert!(headers.contains(&(name, event[field].as_str().unwrap())), "{name}: {headers:?}");
    }
    assert!(headers.contains(&("content-type", "application/avro")), "{headers:?}");
}

#[test]
fn an_envelope_sets_the_metadata_that_it_names() {
    matrix("cli", "embedded", "none");
    let cli = Cli::new();
    let data: Value = serde_json::from_str(&plan("p2")).unwrap();
    let whole =
        json!({"type": PLAN, "id": "e-1", "source": "test/cli", "time": "2025-03-01T12:00:00+01:00", "data": data});
    let bare = json!({ "data": data });
    let places = emit(&cli, PLAN, &[whole.to_string(), String::new(), bare.to_string()]);
    assert_eq!(places.len(), 2, "an empty line is none");
    assert_eq!(places[0]["id"], "e-1");
    let events = tail(&cli, &["--from", "earliest"]);
    assert_eq!((&events[0]["id"], &events[0]["source"]), (&json!("e-1"), &json!("test/cli")));
    assert_eq!(events[0]["time"], "2025-03-01T11:00:00+00:00");
    assert_eq!(events[0]["data"], events[1]["data"]);
    assert_ne!(events[1]["id"], events[0]["id"]);
    assert_eq!(events[1]["source"], "coursebus/license_manager");
}

#[test]
fn a_tail_is_of_topics_from_a_point_to_a_number_or_the_end() {
    matrix("cli", "embedded", "none");
    let cli = Cli::new();
    emit(&cli, PLAN, &[plan("p1"), plan("p2"), plan("p3")]);
    emit(&cli, RUN, &[run("course-v1:OU+C+R")]);
    let all = tail(&cli, &["--from", "earliest"]);
    assert_eq!(all.len(), 4);
    assert_eq!(tail(&cli, &["--from", "earliest", "--max", "3"]).len(), 3);
    assert_eq!(tail(&cli, &["--from", "earliest", "--max", "0"]).len(), 0);
    for topic in [PLANS, "subscription-plan-lifecycle"] {
        assert_eq!(tail(&cli, &[topic, "--from", "earliest"]).len(), 3, "{topic}");
    }
    assert_eq!(tail(&cli, &[PLANS, "course-run-lifecycle", "--from", "earliest"]).len(), 4);
    assert_eq!(tail(&cli, &[]).len(), 0, "what is emitted from now on");

    // The time at which it was emitted, not that at which it happened.
    let last = all.iter().find(|event| event["type"] == RUN).unwrap();
    let since = tail(&cli, &["--from", last["timestamp"].as_str().unwrap()]);
    assert_eq!(since, std::slice::from_ref(last));
    assert_eq!(tail(&cli, &["--from", "2100-01-01T00:00:00Z"]).len(), 0);
    assert_eq!(tail(&cli, &["--from", "2001-01-01T00:00:00Z"]).len(), 4);
    // Other topics under another prefix.
    assert_eq!(tail(&cli, &["--from", "earliest", "--topic-prefix", "other"]).len(), 0);
}

#[test]
fn a_tail_follows_what_another_process_emits_and_ends_on_interrupt() {
    matrix("cli", "embedded", "none");
    let cli = Cli::new();
    emit(&cli, PLAN, &[plan("before")]);
    let mut following = cli.start(["event", "tail"]);
    let seen = following.wait_for("event that is emitted while it follows", Duration::from_secs(60), |following| {
        // It may not have begun to follow yet.
        emit(&cli, PLAN, &[plan("after")]);
        following.stdout().lines().next().map(|line| serde_json::from_str::<Value>(line).unwrap())
    });
    assert_eq!(seen["key"], "after");
    following.interrupt();
    assert_eq!(following.end_within(Duration::from_secs(20)).ok().stderr(), "");
}
