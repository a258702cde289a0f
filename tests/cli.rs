//! The command as people and scripts meet it: help, errors, exit codes, what is printed.

mod contracts;
mod errors;
mod events;
mod groups;
mod help;
mod lists;
mod outbox;
mod readiness;
mod traces;
mod up;

use coursebus_tests::Cli;
use serde_json::Value;

const PLAN: &str = "coursebus.subscription.plan.created.v1";
const RUN: &str = "coursebus.authoring.course_run.created.v1";

/// A subscription plan as plain JSON.
fn plan(uuid: &str) -> String {
    format!(
        r#"{{"plan":{{"plan_uuid":"{uuid}","title":"T","starts":"2026-01-01T00:00:00Z","expires":"2027-01-01T00:00:00Z"}}}}"#
    )
}

/// A course run as plain JSON.
fn run(key: &str) -> String {
    let fields = r#""org":"OU","course":"C","run":"R","title":"A run","start":"2026-02-01T00:00:00Z","pacing":"self""#;
    format!(r#"{{"course_run":{{"course_key":"{key}",{fields}}}}}"#)
}

/// Emits events of a type, one a line, and answers with what was printed for each.
#[track_caller]
fn emit(cli: &Cli, event_type: &str, lines: &[String]) -> Vec<Value> {
    cli.run_with(["event", "emit", event_type], &lines.join("\n")).ok().json_lines()
}

/// Everything on the bus.
#[track_caller]
fn tail(cli: &Cli, args: &[&str]) -> Vec<Value> {
    cli.run([&["event", "tail", "--until-end"], args].concat()).ok().json_lines()
}

/// The names in a JSON object, in their order.
#[track_caller]
fn names(object: &Value) -> Vec<&str> {
    object.as_object().unwrap_or_else(|| panic!("{object}")).keys().map(String::as_str).collect()
}
