//! Held records over HTTP, beside the read API: `GET /held/<sink>`, `POST /held/<sink>/retry|discard`.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use coursebus_registry_tools::Registry;
use serde::Deserialize;
use serde_json::{Value as JsonValue, json};

use crate::{
    HeldPlace, Mark,
    held::{
        desk,
        select::{Filter, to_discard, to_retry},
        shown,
    },
    read_api::{Served, problem, unavailable},
};

struct Desk {
    sinks: Vec<Served>,
    registry: Arc<dyn Registry>,
}

/// The routes of some sinks.
pub fn routes(sinks: Vec<Served>, registry: Arc<dyn Registry>) -> Router {
    Router::new()
        .route("/held/{sink}", get(list))
        .route("/held/{sink}/retry", post(retry))
        .route("/held/{sink}/discard", post(discard))
        .with_state(Arc::new(Desk { sinks, registry }))
}

/// Which records, and what to note.
#[derive(Deserialize)]
struct Request {
    /// Which records; an empty one is refused.
    filter: Filter,
    /// Says what would be done.
    #[serde(default)]
    dry_run: bool,
    /// Who asks. Default: `http`.
    by: Option<String>,
    /// Why; needed to discard.
    reason: Option<String>,
}

/// All held records, one row each: `{"held": […]}`.
async fn list(State(desk): State<Arc<Desk>>, Path(sink): Path<String>) -> Response {
    let Some(served) = desk.find(&sink) else { return no_sink() };
    match desk::all(served.store.as_ref(), desk.registry.as_ref(), &served.spec).await {
        Ok(all) => Json(json!({ "held": shown::flat(&served.spec.group(), &all) })).into_response(),
        Err(error) => unavailable(&error),
    }
}

/// Asks for records: `{"asked": […]}`, the causes that the running sink will try.
async fn retry(State(desk): State<Arc<Desk>>, Path(sink): Path<String>, Json(request): Json<Request>) -> Response {
    desk.mark(&sink, request, Mark::Retry).await
}

/// Gives records up: `{"discarded": […]}`.
async fn discard(State(desk): State<Arc<Desk>>, Path(sink): Path<String>, Json(request): Json<Request>) -> Response {
    if request.reason.as_deref().is_none_or(str::is_empty) {
        return problem(StatusCode::BAD_REQUEST, "give a reason");
    }
    desk.mark(&sink, request, Mark::Discard).await
}

impl Desk {
    fn find(&self, sink: &str) -> Option<&Served> {
        self.sinks.iter().find(|served| served.spec.name == sink)
    }

    async fn mark(&self, sink: &str, request: Request, mark: Mark) -> Response {
        let Some(served) = self.find(sink) else { return no_sink() };
        if request.filter.is_empty() {
            return problem(StatusCode::BAD_REQUEST, "say which records: an empty filter chooses all");
        }
        let store = served.store.as_ref();
        let all = match desk::all(store, self.registry.as_ref(), &served.spec).await {
            Ok(all) => all,
            Err(error) => return unavailable(&error),
        };
        let (name, places): (_, Vec<HeldPlace>) = match mark {
            Mark::Discard => {
                ("discarded", to_discard(&all, &request.filter).iter().map(|shown| shown.record.place()).collect())
            }
            _ => ("asked", to_retry(&all, &request.filter).iter().map(|target| target.cause.record.place()).collect()),
        };
        if request.dry_run {
            return Json(json!({ name: rows(&places), "dry_run": true })).into_response();
        }
        let who = request.by.unwrap_or_else(|| "http".to_owned());
        let reason = request.reason.unwrap_or_default();
        match desk::mark(store, &served.spec.group(), &places, &mark, &who, &reason).await {
            Ok(marked) => (StatusCode::ACCEPTED, Json(json!({ name: rows(&marked) }))).into_response(),
            Err(error) => unavailable(&error),
        }
    }
}

fn rows(places: &[HeldPlace]) -> Vec<JsonValue> {
    let row = |place: &HeldPlace| {
        json!({
            "topic": &*place.partition.topic,
            "partition": place.partition.partition,
            "offset": place.offset.0,
        })
    };
    places.iter().map(row).collect()
}

fn no_sink() -> Response {
    problem(StatusCode::NOT_FOUND, "this node has no such sink")
}
