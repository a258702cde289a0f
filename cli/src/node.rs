//! What a node says of itself over HTTP: `/healthz`, `/readyz`, `/metrics`.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use coursebus_sinks_kit::{PartitionView, Watch};
use serde_json::{Value, json};

use crate::{metrics, when};

/// A sink that runs in this process.
#[derive(Debug, Clone)]
pub struct Watched {
    /// Its consumer group.
    pub group: String,
    /// What it is doing.
    pub watch: Watch,
}

struct Node {
    sinks: Vec<Watched>,
    stuck_after: Duration,
}

/// The routes. A partition is stuck when records wait in it and nothing has moved for `stuck_after`.
pub fn routes(sinks: Vec<Watched>, stuck_after: Duration) -> Router {
    Router::new()
        .route("/healthz", get(async || StatusCode::OK))
        .route("/readyz", get(ready))
        .route("/metrics", get(scrape))
        .with_state(Arc::new(Node { sinks, stuck_after }))
}

/// 200, or 503 with the partitions that are stuck: one is enough, however well the others do.
async fn ready(State(node): State<Arc<Node>>) -> Response {
    let mut stuck = Vec::new();
    for sink in &node.sinks {
        let views = sink.watch.view(when::now_ms());
        stuck.extend(views.iter().filter(|v| v.is_stuck(node.stuck_after)).map(|view| row(&sink.group, view)));
    }
    let status = if stuck.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": stuck.is_empty(), "stuck": stuck }))).into_response()
}

fn row(group: &str, view: &PartitionView) -> Value {
    json!({
        "group": group,
        "topic": &*view.partition.topic,
        "partition": view.partition.partition,
        "position": view.next.map(|next| next.0),
        "waiting_seconds": view.waiting.map(|waiting| waiting.as_secs()),
        "why": view.stopped.as_deref().unwrap_or("records wait and nothing moves: the log of this process says what it tries"),
    })
}

async fn scrape(State(node): State<Arc<Node>>) -> Response {
    match metrics::text(node.sinks.clone(), node.stuck_after) {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        // Only a formatter can fail, and a string takes everything.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
