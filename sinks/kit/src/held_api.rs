//! Held records over HTTP, beside the read API: `GET /held/<sink>`, `POST /held/<sink>/retry|discard`, `GET` and `PUT
//! /held/<sink>/<topic>/<partition>/<offset>`, `GET /held/<sink>/log`.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use coursebus_registry_tools::Registry;
use coursebus_transport::{Offset, TopicPartition};
use serde::Deserialize;
use serde_json::{Value as JsonValue, json};

use crate::{
    HeldPlace, Mark,
    held::{
        desk,
        edit::{EditError, Form},
        select::{Filter, to_discard, to_retry},
        shown::{self, Shown},
    },
    read_api::{Served, problem, unavailable},
};

/// How many entries of the log are answered where the request does not say, and at most.
const LOG: u32 = 100;
const LOG_MAX: u32 = 10_000;

struct Desk {
    sinks: Vec<Served>,
    registry: Arc<dyn Registry>,
    topic_prefix: String,
}

/// The routes of some sinks. `topic_prefix` stands before every topic.
pub fn routes(sinks: Vec<Served>, registry: Arc<dyn Registry>, topic_prefix: String) -> Router {
    Router::new()
        .route("/held/{sink}", get(list))
        .route("/held/{sink}/log", get(log))
        .route("/held/{sink}/{topic}/{partition}/{offset}", get(show).put(edit))
        .route("/held/{sink}/retry", post(retry))
        .route("/held/{sink}/discard", post(discard))
        .with_state(Arc::new(Desk { sinks, registry, topic_prefix }))
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

/// An operator's version of an event.
#[derive(Deserialize)]
struct Edit {
    /// The event itself, or `{"source"?, "id"?, "data"}` where the headers are wrong.
    event: JsonValue,
    /// Its type, where the record does not tell it.
    #[serde(rename = "type")]
    event_type: Option<String>,
    /// Who edits. Default: `http`.
    by: Option<String>,
}

#[derive(Deserialize)]
struct Last {
    last: Option<u32>,
}

type At = Path<(String, String, i32, i64)>;

/// All held records, one row each: `{"held": […]}`.
async fn list(State(desk): State<Arc<Desk>>, Path(sink): Path<String>) -> Response {
    let Some(served) = desk.find(&sink) else { return no_sink() };
    match desk::all(served.store.as_ref(), desk.registry.as_ref(), &served.spec).await {
        Ok(all) => Json(json!({ "held": shown::flat(&served.spec.group(), &all) })).into_response(),
        Err(error) => unavailable(&error),
    }
}

/// One held record, whole, with its payload and headers.
async fn show(State(desk): State<Arc<Desk>>, Path((sink, topic, partition, offset)): At) -> Response {
    let Some(served) = desk.find(&sink) else { return no_sink() };
    desk.whole(served, &place(&topic, partition, offset)).await
}

/// Puts an edit beside the original, and answers the record. `retry` applies it.
async fn edit(
    State(desk): State<Arc<Desk>>,
    Path((sink, topic, partition, offset)): At,
    Json(edit): Json<Edit>,
) -> Response {
    let Some(served) = desk.find(&sink) else { return no_sink() };
    let (group, place) = (served.spec.group(), place(&topic, partition, offset));
    let record = match served.store.held_at(&group, &place).await {
        Ok(Some(record)) => record,
        Ok(None) => return not_held(),
        Err(error) => return unavailable(&error),
    };
    let form = Form::of(desk.registry.as_ref(), &record, edit.event_type.as_deref(), &desk.topic_prefix).await;
    let edited = match form.and_then(|form| form.fill(&served.spec, &record, edit.event)) {
        Ok(edited) => edited,
        Err(error) => return not_kept(&error),
    };
    let who = edit.by.as_deref().unwrap_or("http");
    let places = std::slice::from_ref(&place);
    match desk::mark(served.store.as_ref(), &group, places, &Mark::Edit(edited), who, "").await {
        Ok(marked) if marked.is_empty() => not_held(),
        Ok(_) => desk.whole(served, &place).await,
        Err(error) => unavailable(&error),
    }
}

/// Who did what to held records: `{"log": […]}`, the last `?last=N`, oldest first.
async fn log(State(desk): State<Arc<Desk>>, Path(sink): Path<String>, Query(Last { last }): Query<Last>) -> Response {
    let Some(served) = desk.find(&sink) else { return no_sink() };
    let group = served.spec.group();
    match served.store.held_log(&group, last.unwrap_or(LOG).min(LOG_MAX)).await {
        Ok(entries) => {
            let log: Vec<JsonValue> = entries.iter().map(|entry| shown::entry(&group, entry)).collect();
            Json(json!({ "log": log })).into_response()
        }
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

    async fn whole(&self, served: &Served, place: &HeldPlace) -> Response {
        let group = served.spec.group();
        match served.store.held_at(&group, place).await {
            Ok(Some(record)) => {
                let shown = Shown::new(self.registry.as_ref(), record).await;
                Json(shown::whole(self.registry.as_ref(), &group, &shown).await).into_response()
            }
            Ok(None) => not_held(),
            Err(error) => unavailable(&error),
        }
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

fn place(topic: &str, partition: i32, offset: i64) -> HeldPlace {
    HeldPlace { partition: TopicPartition::new(topic, partition), offset: Offset(offset) }
}

fn not_held() -> Response {
    problem(StatusCode::NOT_FOUND, "no record at this place is held")
}

/// The error names fields, never what is in them.
fn not_kept(error: &EditError) -> Response {
    match error {
        EditError::Registry(_) => problem(StatusCode::SERVICE_UNAVAILABLE, "the registry is away: try again"),
        error => problem(StatusCode::UNPROCESSABLE_ENTITY, &error.to_string()),
    }
}

fn no_sink() -> Response {
    problem(StatusCode::NOT_FOUND, "this node has no such sink")
}
