//! What the registry's tests share.

use std::{io::Write, sync::Arc};

use axum::Router;
use coursebus_registry_tools::{LogRegistry, Registration, StoreSettings, record, server};
use coursebus_transport::{Log, NewRecord, Settings, Sync, TopicSpec, WriterSettings, embedded::EmbeddedLog};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};

pub const STRING: &str = r#""string""#;
pub const LONG: &str = r#""long""#;
/// As openedx-events writes the key of a topic.
pub const COURSE_KEY: &str = r#"{"name": "course_key", "type": "string"}"#;

pub fn matrix() {
    // In one write to the stream itself: the test harness captures only what the print macros print.
    let _ = std::io::stderr().write_all(b"MATRIX suite=registry-http backend=embedded database=none\n");
}

/// Routes on a free port of this machine, gone with the value.
pub struct Served {
    pub url: String,
    task: JoinHandle<()>,
}

impl Served {
    pub async fn new(routes: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound listener has an address"));
        let task = tokio::spawn(async move { axum::serve(listener, routes).await.expect("it serves") });
        Self { url, task }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A registry on a log of its own, behind HTTP.
pub struct Fixture {
    pub dir: TempDir,
    pub registry: Arc<LogRegistry>,
    pub served: Served,
}

impl Fixture {
    pub async fn new() -> Self {
        matrix();
        let dir = tempfile::tempdir().expect("a temporary folder");
        Self::on(dir).await
    }

    pub async fn on(dir: TempDir) -> Self {
        let registry = Arc::new(registry(log(&dir)).await);
        let served = Served::new(server::routes(registry.clone())).await;
        Self { dir, registry, served }
    }

    /// Sends a request as it stands: the path is not encoded here.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = reqwest::Client::new().request(method, format!("{}{path}", self.served.url));
        if let Some(body) = body {
            request = request.header("content-type", "application/vnd.schemaregistry.v1+json").body(body.to_string());
        }
        let response = request.send().await.expect("the server answers");
        let status = response.status().as_u16();
        let text = response.text().await.expect("a body");
        (status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status} {path}: not JSON: {text}")))
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.call(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::POST, path, Some(body)).await
    }
}

pub fn log(dir: &TempDir) -> Arc<dyn Log> {
    Arc::new(EmbeddedLog::open(dir.path(), Sync::Os, &Settings::default()).expect("the log opens"))
}

pub async fn registry(log: Arc<dyn Log>) -> LogRegistry {
    LogRegistry::open(log, StoreSettings::default()).await.expect("the registry opens")
}

pub fn registration<'a>(subject: &'a str, schema: &'a str) -> Registration<'a> {
    Registration { subject, schema, import: None }
}

/// A record schema that differs from those of other numbers.
pub fn numbered(number: usize) -> String {
    json!({"type": "record", "name": format!("R{number}"), "fields": [{"name": "f", "type": "string"}]}).to_string()
}

/// Writes records of `_schemas` as someone else's registry did.
pub async fn write_records(dir: &TempDir, records: &[(&str, Option<&str>)]) {
    let bytes = |text: &str| text.as_bytes().to_vec();
    write_bytes(dir, records.iter().map(|(key, value)| (bytes(key), value.map(bytes))).collect()).await;
}

/// The same with records that may be no text.
pub async fn write_bytes(dir: &TempDir, records: Vec<(Vec<u8>, Option<Vec<u8>>)>) {
    let log = log(dir);
    log.create_topic(&TopicSpec::new(record::TOPIC, 1).compacted()).await.expect("the topic is made");
    let writer = log.writer(WriterSettings::default()).await.expect("a writer");
    for (key, value) in records {
        let record = NewRecord {
            topic: record::TOPIC.into(),
            partition: 0,
            timestamp_ms: None,
            key: Some(key.into()),
            value: value.map(Into::into),
            headers: Vec::new(),
        };
        writer.append(record).await.await.expect("it is appended");
    }
}
