//! `/readyz` and `/metrics` of a node.

use std::{collections::HashMap, time::Duration};

use coursebus_tests::{Background, Cli, matrix, until};
use reqwest::{Client, StatusCode};
use serde_json::Value;
use sqlx::{Connection, SqliteConnection};

use super::{PLAN, RUN, emit, plan, run};

const LIMIT: Duration = Duration::from_secs(60);

/// Starts a node that calls a partition stuck after a second.
fn start(cli: &Cli, args: &[&str]) -> (Background, String) {
    let mut node = cli.start([args, &["--listen", "127.0.0.1:0", "--stuck-after", "1s"]].concat());
    let url = node.ready()["node"].as_str().unwrap().to_owned();
    (node, url)
}

async fn ready(node: &str) -> (StatusCode, Value) {
    let answer = Client::new().get(format!("{node}/readyz")).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

/// The values of a metric by topic, added up over partitions.
async fn metric(node: &str, name: &str) -> HashMap<String, f64> {
    let answer = Client::new().get(format!("{node}/metrics")).send().await.unwrap().error_for_status().unwrap();
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
    let text = answer.text().await.unwrap();
    assert!(text.ends_with("# EOF\n"));
    let mut sums = HashMap::new();
    for line in text.lines().filter(|line| line.starts_with(&format!("{name}{{"))) {
        let (labels, value) = line.rsplit_once(' ').unwrap();
        let topic = labels.split("messaging_destination_name=\"").nth(1).unwrap().split('"').next().unwrap();
        *sums.entry(topic.to_owned()).or_default() += value.parse::<f64>().unwrap();
    }
    sums
}

#[tokio::test]
async fn one_stuck_partition_makes_the_node_unready_and_is_named_though_others_are_fine() {
    matrix("readiness", "embedded", "sqlite");
    let cli = Cli::new();
    cli.run(["apply"]).ok();
    let (up, node) = start(&cli, &["up", "--registry-listen", "127.0.0.1:0"]);
    let emitted = emit(&cli, PLAN, &[plan("p1")]).remove(0);
    until("the first plan", LIMIT, async || {
        let row = Client::new().get(format!("{node}/license_manager/plans/p1")).send().await.unwrap();
        (row.status() == StatusCode::OK).then_some(())
    })
    .await;
    assert_eq!(ready(&node).await.0, StatusCode::OK);

    // Someone holds the write lock of one sink's database.
    let file = cli.dir().join(".coursebus/db/license_manager.db");
    let mut holder = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    let locked = holder.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let stuck_id = emit(&cli, PLAN, &[plan("p1")]).remove(0);
    emit(&cli, RUN, &[run("course-v1:OU+C+1")]);
    let said = until("503", LIMIT, async || {
        let (status, said) = ready(&node).await;
        (status == StatusCode::SERVICE_UNAVAILABLE).then_some(said)
    })
    .await;
    let stuck = said["stuck"].as_array().unwrap();
    assert_eq!((stuck.len(), &said["ready"]), (1, &Value::Bool(false)), "{said}");
    assert_eq!(stuck[0]["group"], "coursebus-license_manager");
    assert_eq!((&stuck[0]["topic"], &stuck[0]["partition"]), (&stuck_id["topic"], &stuck_id["partition"]));
    assert_eq!(stuck[0]["position"], emitted["offset"].as_i64().unwrap() + 1);
    let topic = emitted["topic"].as_str().unwrap();
    assert_eq!(metric(&node, "coursebus_partition_stuck").await[topic], 1.0);
    assert!(metric(&node, "coursebus_lag_seconds").await[topic] >= 1.0);
    // The other sink goes on, and its process is well.
    until("the run", LIMIT, async || {
        let row =
            Client::new().get(format!("{node}/discovery/course_runs/course-v1%3AOU%2BC%2B1")).send().await.unwrap();
        (row.status() == StatusCode::OK).then_some(())
    })
    .await;
    assert_eq!(Client::new().get(format!("{node}/healthz")).send().await.unwrap().status(), StatusCode::OK);

    until("a try again", LIMIT, async || (metric(&node, "coursebus_retries_total").await[topic] >= 1.0).then_some(()))
        .await;
    drop(locked);
    holder.close().await.unwrap();
    until("200", LIMIT, async || (ready(&node).await.0 == StatusCode::OK).then_some(())).await;
    up.interrupt();
    up.end_within(Duration::from_secs(20)).ok();
}

#[tokio::test]
async fn metrics_count_what_was_applied_and_held() {
    matrix("readiness", "embedded", "sqlite");
    let cli = Cli::new();
    cli.run(["apply"]).ok();
    let (sink, node) = start(&cli, &["sink", "run", "discovery"]);
    let wrong = run("course-v1:OU+C+wrong").replace("2026-02-01T00:00:00Z", "soon");
    let emitted = emit(&cli, RUN, &[run("course-v1:OU+C+1"), run("course-v1:OU+C+2"), wrong]);
    let topic = emitted[0]["topic"].as_str().unwrap();
    let is = async |name: &str, expected: f64| {
        until(name, LIMIT, async || {
            let found = metric(&node, name).await.get(topic).copied();
            (found == Some(expected)).then_some(())
        })
        .await;
    };
    is("messaging_client_consumed_messages_total", 3.0).await;
    is("coursebus_held_records", 1.0).await;
    is("coursebus_lag_offsets_bound", 0.0).await;
    is("coursebus_lag_seconds", 0.0).await;
    is("coursebus_partition_stuck", 0.0).await;
    assert!(metric(&node, "messaging_process_duration_seconds_count").await[topic] >= 1.0);
    assert!(metric(&node, "messaging_process_duration_seconds_bucket").await[topic] >= 1.0);
    assert_eq!(ready(&node).await.1["stuck"], serde_json::json!([]));
    sink.interrupt();
    sink.end_within(Duration::from_secs(20)).ok();
}
