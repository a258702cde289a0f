//! Spans to an OpenTelemetry collector, as OTLP over HTTP with JSON.
//!
//! Two kinds of span, `send` and `process`, in one request a second: written by hand, because the SDK and its exporter would bring
//! forty crates for it.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use coursebus_producer::Emitted;
use coursebus_sinks_kit::{Processed, Traced, Tracer};
use serde_json::{Value, json};
use tokio::{sync::mpsc, task::JoinHandle};

use crate::failure::{Code, Failure};

/// Batches that wait to be sent. At the bound their spans are dropped, and that is said once: a trace is no event.
const WAITING_MAX: usize = 256;
/// Spans of one request; what is more waits for the next.
const SPANS_MAX: usize = 2_000;
const REQUEST_LIMIT: Duration = Duration::from_secs(10);
const EVERY: Duration = Duration::from_secs(1);

/// Where traces go on.
#[derive(clap::Args)]
pub struct TraceArgs {
    /// A collector that takes OTLP over HTTP: spans go on with the traces of events that carry one
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL", hide_env_values = true)]
    otlp: Option<String>,
}

/// The exporter of a process, where one was asked for.
pub struct Traces {
    exporter: Option<Arc<Exporter>>,
    task: Option<JoinHandle<()>>,
}

impl Traces {
    /// Starts it.
    pub fn start(args: &TraceArgs) -> Result<Self, Failure> {
        let Some(endpoint) = &args.otlp else { return Ok(Self { exporter: None, task: None }) };
        let (exporter, task) = Exporter::start(endpoint)?;
        Ok(Self { exporter: Some(Arc::new(exporter)), task: Some(task) })
    }

    /// Who is to be told.
    pub fn tracer(&self) -> Option<Arc<dyn Tracer>> {
        self.exporter.clone().map(|exporter| exporter as Arc<dyn Tracer>)
    }

    /// The span of an event that is about to be sent, which begins a trace; none where nobody is to be told.
    pub fn sending(&self) -> Option<Sending> {
        self.exporter.as_ref().map(|_| Sending::now())
    }

    /// The event is durable: its span ends.
    pub fn sent(&self, sending: &Sending, event_type: &'static str, emitted: &Emitted) {
        if let Some(exporter) = &self.exporter {
            exporter.tell(vec![sending.span(event_type, emitted)]);
        }
    }

    /// Sends what waits. Those who were told must be gone.
    pub async fn end(self) {
        drop(self.exporter);
        if let Some(task) = self.task {
            let _ = tokio::time::timeout(REQUEST_LIMIT, task).await;
        }
    }
}

/// An event on its way, as the beginning of a trace.
#[derive(Debug)]
pub struct Sending {
    trace_id: [u8; 16],
    span_id: [u8; 8],
    began: SystemTime,
    since: std::time::Instant,
}

impl Sending {
    #[expect(clippy::disallowed_methods, reason = "a span has a place in time; nothing decides by it")]
    fn now() -> Self {
        Self {
            trace_id: uuid::Uuid::new_v4().into_bytes(),
            span_id: new_span_id(),
            began: SystemTime::now(),
            since: std::time::Instant::now(),
        }
    }

    /// What the event carries, so that its readers go on with the trace. Source: W3C Trace Context, 3.2.
    pub fn traceparent(&self) -> String {
        format!("00-{}-{}-01", hex(&self.trace_id), hex(&self.span_id))
    }

    fn span(&self, event_type: &str, emitted: &Emitted) -> Value {
        const PRODUCER: u8 = 4;
        let began = self.began.duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut attributes = destination("send", &emitted.topic, emitted.partition, emitted.offset.0);
        attributes.push(text("messaging.message.id", emitted.id.as_str()));
        attributes.push(text("cloudevents.event_type", event_type));
        json!({
            "traceId": hex(&self.trace_id),
            "spanId": hex(&self.span_id),
            "name": format!("send {}", emitted.topic),
            "kind": PRODUCER,
            "startTimeUnixNano": began.as_nanos().to_string(),
            "endTimeUnixNano": (began + self.since.elapsed()).as_nanos().to_string(),
            "attributes": attributes,
        })
    }
}

/// Sends what it is told to a collector, on a task of its own.
struct Exporter {
    waiting: mpsc::Sender<Vec<Value>>,
}

impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exporter")
    }
}

impl Exporter {
    /// Starts the task; it ends, after a last request, when the exporter is dropped. `endpoint` is the collector's URL, to
    /// which `/v1/traces` is added.
    fn start(endpoint: &str) -> Result<(Self, JoinHandle<()>), Failure> {
        let wrong = |what: String| {
            let next = "give the URL of a collector that takes OTLP over HTTP, such as http://127.0.0.1:4318";
            Failure { exit: 2, ..Failure::new(Code::Usage, what, "--otlp", next) }
        };
        let url = reqwest::Url::parse(&format!("{}/v1/traces", endpoint.trim_end_matches('/')));
        let url = url.map_err(|e| wrong(e.to_string()))?;
        let client = reqwest::Client::builder().timeout(REQUEST_LIMIT).build().map_err(|e| wrong(e.to_string()))?;
        let (waiting, told) = mpsc::channel(WAITING_MAX);
        let task = tokio::spawn(export(client, url, told));
        Ok((Self { waiting }, task))
    }

    fn tell(&self, spans: Vec<Value>) {
        if self.waiting.try_send(spans).is_err() {
            tracing::warn!("the collector is too slow: spans are dropped");
        }
    }
}

impl Tracer for Exporter {
    fn processed(&self, batch: Processed) {
        self.tell(spans(&batch));
    }
}

async fn export(client: reqwest::Client, url: reqwest::Url, mut told: mpsc::Receiver<Vec<Value>>) {
    let mut reachable = true;
    while let Some(mut spans) = told.recv().await {
        let until = tokio::time::Instant::now() + EVERY;
        while spans.len() < SPANS_MAX {
            match tokio::time::timeout_at(until, told.recv()).await {
                Ok(Some(next)) => spans.extend(next),
                Ok(None) | Err(_) => break,
            }
        }
        let sent = client.post(url.clone()).json(&request(spans)).send().await.and_then(|r| r.error_for_status());
        match sent {
            Ok(_) => reachable = true,
            // Said once, until it answers again.
            Err(error) if reachable => {
                reachable = false;
                tracing::warn!(error = %error.without_url(), "the collector does not take spans: they are dropped");
            }
            Err(_) => {}
        }
    }
}

/// A request of the OTLP/HTTP protocol, JSON encoding. Source: opentelemetry-proto 1.x, `trace_service.proto`.
fn request(spans: Vec<Value>) -> Value {
    json!({
        "resourceSpans": [{
            "resource": { "attributes": [text("service.name", "coursebus")] },
            "scopeSpans": [{
                "scope": { "name": "coursebus", "version": env!("CARGO_PKG_VERSION") },
                "spans": spans,
            }],
        }],
    })
}

/// A span for each record: they were applied in one transaction, so they share its time.
fn spans(batch: &Processed) -> Vec<Value> {
    let began = batch.began.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (start, end) = (began.as_nanos().to_string(), (began + batch.took).as_nanos().to_string());
    batch.records.iter().map(|record| span(batch, record, &start, &end)).collect()
}

fn span(batch: &Processed, record: &Traced, start: &str, end: &str) -> Value {
    const CONSUMER: u8 = 5;
    let topic = &*batch.partition.topic;
    let mut attributes = destination("process", topic, batch.partition.partition, record.offset.0);
    attributes.push(text("messaging.consumer.group.name", &batch.group));
    attributes.extend(record.event_id.as_deref().map(|id| text("messaging.message.id", id)));
    attributes.extend(record.event_type.as_deref().map(|name| text("cloudevents.event_type", name)));
    json!({
        "traceId": hex(&record.parent.trace_id),
        "spanId": hex(&new_span_id()),
        "parentSpanId": hex(&record.parent.span_id),
        "name": format!("process {topic}"),
        "kind": CONSUMER,
        "startTimeUnixNano": start,
        "endTimeUnixNano": end,
        "attributes": attributes,
    })
}

/// What is done, and where. Source: OpenTelemetry's semantic conventions for messaging.
fn destination(operation: &str, topic: &str, partition: i32, offset: i64) -> Vec<Value> {
    vec![
        text("messaging.system", "kafka"),
        text("messaging.operation.name", operation),
        text("messaging.operation.type", operation),
        text("messaging.destination.name", topic),
        text("messaging.destination.partition.id", &partition.to_string()),
        json!({ "key": "messaging.kafka.offset", "value": { "intValue": offset.to_string() } }),
    ]
}

fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

/// Random, and not zero: the first half of a UUID has its version in it.
fn new_span_id() -> [u8; 8] {
    uuid::Uuid::new_v4().as_u64_pair().0.to_be_bytes()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use coursebus_sinks_kit::Parent;
    use coursebus_transport::{Offset, TopicPartition};

    use super::*;

    #[test]
    fn an_event_that_is_sent_begins_a_trace() {
        let sending = Sending { trace_id: [0xab; 16], span_id: [1; 8], ..Sending::now() };
        assert_eq!(sending.traceparent(), format!("00-{}-{}-01", "ab".repeat(16), "01".repeat(8)));
        let emitted = Emitted {
            topic: "dev-t".into(),
            partition: 2,
            offset: Offset(7),
            id: coursebus_schemas::EventId::new("id").expect("an id"),
        };
        let span = sending.span("a.type", &emitted);
        assert_eq!(
            (&span["name"], &span["kind"], &span["parentSpanId"]),
            (&json!("send dev-t"), &json!(4), &Value::Null)
        );
        let kept = Parent::parse(sending.traceparent().as_bytes()).expect("sinks go on with it");
        assert_eq!(json!(hex(&kept.span_id)), span["spanId"]);
    }

    #[test]
    fn a_span_goes_on_with_the_producer_s_trace() {
        let batch = Processed {
            group: "coursebus-x".to_owned(),
            partition: TopicPartition::new("dev-t", 3),
            began: UNIX_EPOCH + Duration::from_nanos(1_000),
            took: Duration::from_nanos(500),
            records: vec![Traced {
                offset: Offset(7),
                event_id: Some("id".to_owned()),
                event_type: None,
                parent: Parent { trace_id: [0xab; 16], span_id: [1; 8] },
            }],
        };
        let request = request(spans(&batch));
        let span = &request["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
        assert_eq!((&span["traceId"], &span["parentSpanId"]), (&json!("ab".repeat(16)), &json!("01".repeat(8))));
        assert_eq!((&span["startTimeUnixNano"], &span["endTimeUnixNano"]), (&json!("1000"), &json!("1500")));
        assert_eq!((&span["name"], &span["kind"]), (&json!("process dev-t"), &json!(5)));
        let id = span["spanId"].as_str().expect("an id");
        assert!(id.len() == 16 && id != "01".repeat(8));
        let offset =
            span["attributes"].as_array().expect("attributes").iter().find(|a| a["key"] == "messaging.kafka.offset");
        assert_eq!(offset.map(|a| &a["value"]["intValue"]), Some(&json!("7")));
    }
}
