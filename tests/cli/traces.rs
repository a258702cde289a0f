//! Traces that begin at a producer go on in a sink, and arrive at a collector.

use std::{sync::Arc, time::Duration};

use coursebus_producer::{Producer, ProducerSettings};
use coursebus_registry_tools::{LogRegistry, StoreSettings};
use coursebus_schemas::{Event, subscription::PlanCreated};
use coursebus_tests::{Cli, matrix};
use coursebus_transport::{Log, Settings, Sync, embedded::EmbeddedLog};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::{PLAN, emit, plan};

const LIMIT: Duration = Duration::from_secs(60);
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

/// Takes one request, and answers with what was posted.
async fn collect(listener: TcpListener) -> (String, Value) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut read = Vec::new();
    loop {
        let mut some = [0; 4096];
        let count = stream.read(&mut some).await.unwrap();
        read.extend_from_slice(&some[..count]);
        let text = String::from_utf8_lossy(&read);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
        if body.len() >= length.unwrap().parse().unwrap() {
            let answer = (head.lines().next().unwrap().to_owned(), serde_json::from_str(body).unwrap());
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await.unwrap();
            return answer;
        }
    }
}

/// Emits a plan that belongs to a trace; its id.
async fn emit_traced(cli: &Cli) -> String {
    let log: Arc<dyn Log> =
        Arc::new(EmbeddedLog::open(&cli.dir().join(".coursebus"), Sync::Disk, &Settings::default()).unwrap());
    let registry = Arc::new(LogRegistry::open(log.clone(), StoreSettings::default()).await.unwrap());
    let settings = ProducerSettings { topic_prefix: "dev".to_owned(), ..ProducerSettings::default() };
    let producer = Producer::new(log, registry, settings).await.unwrap();
    let mut metadata = producer.metadata(PlanCreated::TYPE);
    metadata.traceparent = Some(format!("00-{TRACE}-{SPAN}-01"));
    let id = metadata.id.as_str().to_owned();
    let event: Value = serde_json::from_str(&plan("traced")).unwrap();
    let pending = producer.send_json(PlanCreated::TYPE, &event, metadata).await.unwrap();
    pending.await.unwrap();
    id
}

#[tokio::test]
async fn a_sink_goes_on_with_the_trace_of_an_event() {
    matrix("traces", "embedded", "sqlite");
    let cli = Cli::new();
    emit(&cli, PLAN, &[plan("untraced")]);
    let id = emit_traced(&cli).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let collector = format!("http://{}", listener.local_addr().unwrap());
    let sink = cli.start(["sink", "run", "license_manager", "--until-caught-up", "--otlp", &collector]);
    let (request, posted) = tokio::time::timeout(LIMIT, collect(listener)).await.expect("spans are posted");
    assert_eq!(request, "POST /v1/traces HTTP/1.1");
    let spans = posted["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
    assert_eq!(spans.len(), 1, "an event without a trace makes no span: {posted}");
    let span = &spans[0];
    assert_eq!((&span["traceId"], &span["parentSpanId"]), (&json!(TRACE), &json!(SPAN)));
    let topic = "dev-subscription-plan-lifecycle";
    assert_eq!(span["name"], format!("process {topic}"));
    let attributes = span["attributes"].as_array().unwrap();
    let attribute = |key: &str| &attributes.iter().find(|a| a["key"] == key).unwrap()["value"]["stringValue"];
    assert_eq!(attribute("messaging.message.id"), &json!(id));
    assert_eq!(attribute("messaging.destination.name"), topic);
    assert_eq!(attribute("messaging.consumer.group.name"), "coursebus-license_manager");
    sink.end_within(LIMIT).ok();
    assert_eq!(cli.run(["sink", "dump", "license_manager"]).ok().json_lines().len(), 2);
}

#[tokio::test]
async fn an_event_that_is_emitted_begins_a_trace() {
    matrix("traces", "embedded", "sqlite");
    let cli = Cli::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let collector = format!("http://{}", listener.local_addr().unwrap());
    std::fs::write(cli.dir().join("plans.jsonl"), plan("traced")).unwrap();
    let emitting = cli.start(["event", "emit", PLAN, "--file", "plans.jsonl", "--otlp", &collector]);
    let (_, posted) = tokio::time::timeout(LIMIT, collect(listener)).await.expect("spans are posted");
    let span = &posted["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    assert_eq!((&span["name"], &span["kind"]), (&json!("send dev-subscription-plan-lifecycle"), &json!(4)));
    let printed = emitting.end_within(LIMIT).ok().json_lines();
    let attributes = span["attributes"].as_array().unwrap();
    let id = attributes.iter().find(|a| a["key"] == "messaging.message.id").unwrap();
    assert_eq!(id["value"]["stringValue"], printed[0]["id"]);
    let read = cli.run(["event", "tail", "--from", "earliest", "--until-end"]).ok().json_lines();
    let headers = read[0]["headers"].as_array().unwrap();
    let parent = &headers.iter().find(|header| header[0] == "traceparent").unwrap()[1];
    let (trace, of) = (span["traceId"].as_str().unwrap(), span["spanId"].as_str().unwrap());
    assert_eq!(parent, &json!(format!("00-{trace}-{of}-01")), "whoever reads it goes on there");
}

#[test]
fn a_collector_that_is_away_stops_no_sink() {
    matrix("traces", "embedded", "sqlite");
    let cli = Cli::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    cli.run(["apply"]).ok();
    runtime.block_on(emit_traced(&cli));
    let args = ["sink", "run", "license_manager", "--until-caught-up", "--otlp", "http://127.0.0.1:1"];
    let ended = cli.run(args).ok();
    assert!(ended.stderr().contains("the collector does not take spans"), "{ended}");
    assert_eq!(cli.run(["sink", "dump", "license_manager"]).ok().json_lines().len(), 1);
}
