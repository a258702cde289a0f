//! A full disk, by a limit of file sizes: the command says what is full and what to do, nothing that was confirmed is lost,
//! and it goes on when there is room.

use std::{collections::HashSet, fmt::Write, time::Duration};

use coursebus_tests::{Background, Line, matrix, wait_until};
use serde_json::Value;
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};

const LIMIT: Duration = Duration::from_secs(60);
const TYPE: &str = "coursebus.subscription.plan.created.v1";
/// Rows of the sink: more than there is room for.
const KEYS: usize = 2_000;

/// Writes a file of events, so many of each key, and makes the bus.
fn line_with(events: usize) -> Line {
    let line = Line::embedded();
    line.cli().run(["apply"]).ok();
    let mut text = String::new();
    for number in 0..events {
        let key = number % KEYS;
        writeln!(
            text,
            r#"{{"id":"{number}","data":{{"plan":{{"plan_uuid":"{key}","title":"{number}","starts":"2026-01-01T00:00:00Z","expires":"2027-01-01T00:00:00Z"}}}}}}"#
        )
        .unwrap();
    }
    std::fs::write(line.cli().dir().join("events.jsonl"), text).unwrap();
    line
}

const EMIT: [&str; 5] = ["event", "emit", TYPE, "--file", "events.jsonl"];
const RUN: [&str; 7] = ["sink", "run", "license_manager", "--audit", "--session-timeout", "6s", "--db"];
const DB: &str = "sqlite:tables";

/// Everything is applied once and in order, and there is as much as there should be.
fn check_audit(line: &Line, expected: usize) {
    line.cli().run([&RUN[..], &[DB, "--until-caught-up", "--timeout", "60s"]].concat()).ok();
    let report = line.cli().run(["sink", "audit", "license_manager", "--db", DB, "-o", "json"]).ok().json();
    let report = &report[0];
    assert!(report["expected"].as_u64().unwrap() >= expected as u64, "{report}");
    for wrong in ["lost", "duplicated", "out_of_order", "held"] {
        assert_eq!(report[wrong], 0, "{report}");
    }
}

/// Where an event was told to lie, and its id.
fn places(lines: &[Value]) -> HashSet<String> {
    lines.iter().map(|l| format!("{}/{} {} {}", l["topic"], l["partition"], l["offset"], l["id"])).collect()
}

/// Moves what is in the write-ahead log of the bus into its file, so that a limit of file sizes is far for who writes next.
fn empty_write_ahead_log(line: &Line) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let bus = SqliteConnectOptions::new().filename(line.cli().dir().join("bus/bus.db"));
        let mut bus = SqliteConnection::connect_with(&bus).await.unwrap();
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut bus).await.unwrap();
        bus.close().await.unwrap();
    });
}

#[test]
fn full_disk_of_the_bus() {
    matrix("full disk", "embedded", "sqlite");
    const EVENTS: usize = 20_000;
    let line = line_with(EVENTS);
    let full = line.cli().start_with_file_size(4 << 20, EMIT).end_within(LIMIT).code(1);
    let said = full.stderr();
    for part in ["error[disk-full]", "bus.db cannot grow", "do: make room"] {
        assert!(said.contains(part), "no '{part}' in {said}");
    }
    let confirmed = places(&full.json_lines());
    assert!(!confirmed.is_empty() && confirmed.len() < EVENTS, "{} are confirmed", confirmed.len());

    // There is room again.
    line.cli().run(EMIT).ok();
    let tail = line.cli().run(["event", "tail", "--from", "earliest", "--until-end"]).ok();
    let there = places(&tail.json_lines());
    let missing = confirmed.difference(&there).count();
    assert_eq!(missing, 0, "{missing} of {} that were confirmed are not there", confirmed.len());
    check_audit(&line, EVENTS);
}

#[test]
fn full_disk_of_a_sinks_database() {
    matrix("full disk", "embedded", "sqlite");
    const EVENTS: usize = 4_000;
    const MEMBERS: usize = 2;
    let line = line_with(EVENTS);
    line.cli().run(EMIT).ok();
    empty_write_ahead_log(&line);
    // Room for the tables and for what members write on the bus, and not for the rows.
    let start = |_| line.cli().start_with_file_size(400_000, [&RUN[..], &[DB]].concat());
    let members: Vec<Background> = (0..MEMBERS).map(start).collect();
    // The file is one for all; whose turn it is says so.
    let said = |member: &Background| {
        let text = member.stderr();
        text.contains("the sink's SQLite file cannot grow") && text.contains("make room, and the sink goes on")
    };
    wait_until("word of the full disk", LIMIT, || members.iter().any(said).then_some(()));
    members.iter().for_each(|member| member.limit_file_size(None));
    // An audit beside members at work may see a row and not its position.
    wait_until("everything to be applied", LIMIT, || {
        let audit = line.cli().run(["sink", "audit", "license_manager", "--db", DB, "-o", "json"]);
        let report = audit.json_lines().first()?[0].clone();
        (report["applied"].as_u64() >= Some(EVENTS as u64) && report["duplicated"] == 0).then_some(())
    });
    for mut member in members {
        assert!(member.is_running(), "it did not go on: {}", member.stderr());
        member.interrupt();
        member.end_within(LIMIT).ok();
    }
    check_audit(&line, EVENTS);
}

#[tokio::test]
async fn full_disk_of_the_registrys_topic() {
    matrix("full disk", "embedded", "none");
    let line = Line::embedded();
    let mut server = line.cli().start_with_file_size(2 << 20, ["registry", "serve", "--listen", "127.0.0.1:0"]);
    let url = server.ready()["registry"].as_str().unwrap().to_owned();
    let client = reqwest::Client::new();
    let register = async |number: usize| {
        let doc = "x".repeat(100_000);
        let schema = serde_json::json!({"type": "record", "name": format!("R{number}"), "doc": doc, "fields": []});
        let body = serde_json::json!({ "schema": schema.to_string() }).to_string();
        let sent = client.post(format!("{url}/subjects/s{number}/versions")).body(body).send().await.unwrap();
        (sent.status().as_u16(), sent.json::<Value>().await.unwrap())
    };
    let mut registered = 0;
    let said = loop {
        let (status, reply) = register(registered).await;
        if status != 200 {
            assert_eq!(status, 500, "{reply}");
            break reply;
        }
        registered += 1;
        assert!(registered < 100, "there is no end of the room");
    };
    assert_eq!(said["error_code"], 50001, "{said}");
    assert!(said["message"].as_str().unwrap().contains("no space"), "{said}");
    // Reading goes on, and knows what was confirmed and nothing else.
    let subjects: Vec<String> = client.get(format!("{url}/subjects")).send().await.unwrap().json().await.unwrap();
    assert_eq!(subjects.len(), registered);
    server.limit_file_size(None);
    let (status, reply) = register(registered).await;
    assert_eq!(status, 200, "{reply}");
    assert_eq!(reply["id"], registered + 1, "no id was lost or given twice: {reply}");
    server.interrupt();
    server.end_within(LIMIT).ok();
}
