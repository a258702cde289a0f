//! The tables of sinks over HTTP: `/<sink>/<table>` pages, `/<sink>/<table>/<key>/…` one row.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use serde_json::{Value as JsonValue, json};

use crate::{Column, Kind, SinkSpec, Store, Table, Value, dump::row_json, spec::key_text, value::parse_time};

const LIMIT: u32 = 100;
const LIMIT_MAX: u32 = 1_000;

/// A sink and its opened database.
#[derive(Clone)]
pub struct Served {
    /// The sink.
    pub spec: Arc<SinkSpec>,
    /// Its database.
    pub store: Arc<dyn Store>,
}

/// The routes of some sinks.
pub fn routes(sinks: Vec<Served>) -> Router {
    Router::new()
        .route("/{sink}/{table}", get(page))
        .route("/{sink}/{table}/{*key}", get(row))
        .with_state(Arc::new(sinks))
}

#[derive(Deserialize)]
struct PageQuery {
    limit: Option<u32>,
    /// The key of the last row of the page before, as JSON array.
    after: Option<String>,
}

type Sinks = State<Arc<Vec<Served>>>;

/// Rows by key: `{"rows": […], "next": "…"}`; `next` is the `after` of the next page, absent on the last.
async fn page(
    State(sinks): Sinks,
    Path((sink, table)): Path<(String, String)>,
    Query(query): Query<PageQuery>,
) -> Response {
    let Some((served, table)) = find(&sinks, &sink, &table) else { return no_table(&sink, &table) };
    let limit = query.limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX);
    let after = match query.after.as_deref().map(|text| parse_key_json(table, text)) {
        Some(None) => return problem(StatusCode::BAD_REQUEST, "after is not a key of this table, as a JSON array"),
        after => after.flatten(),
    };
    match served.store.rows(table, after.as_deref(), limit).await {
        Err(error) => unavailable(&error),
        Ok(rows) => {
            let full = rows.len() == limit as usize;
            let next = rows.last().filter(|_| full).map(|row| key_text(&row[..table.key.len()]));
            let rows: Vec<JsonValue> = rows.iter().map(|row| row_json(table, row)).collect();
            Json(next.map_or_else(|| json!({ "rows": rows }), |next| json!({ "rows": rows, "next": next })))
                .into_response()
        }
    }
}

/// One row, by the parts of its key, each percent-encoded.
async fn row(
    State(sinks): Sinks,
    Path((sink, table, _)): Path<(String, String, String)>,
    uri: axum::http::Uri,
) -> Response {
    let Some((served, table)) = find(&sinks, &sink, &table) else { return no_table(&sink, &table) };
    // From the path as it was sent: a part may hold an encoded slash.
    let parts = uri.path().split('/').skip(3).map(|p| percent_encoding::percent_decode_str(p).decode_utf8());
    let parts: Result<Vec<_>, _> = parts.collect();
    let key = parts.ok().filter(|parts| parts.len() == table.key.len()).and_then(|parts| {
        table.key.iter().zip(&parts).map(|(column, text)| parse_part(column, text)).collect::<Option<Vec<Value>>>()
    });
    let Some(key) = key else {
        let names: Vec<&str> = table.key.iter().map(|c| c.name).collect();
        return problem(StatusCode::NOT_FOUND, &format!("the key of this table is {}", names.join("/")));
    };
    match served.store.row(table, &key).await {
        Err(error) => unavailable(&error),
        Ok(None) => problem(StatusCode::NOT_FOUND, "there is no such row"),
        Ok(Some(row)) => Json(row_json(table, &row)).into_response(),
    }
}

fn find<'a>(sinks: &'a [Served], sink: &str, table: &str) -> Option<(&'a Served, &'static Table)> {
    let served = sinks.iter().find(|s| s.spec.name == sink)?;
    let table = served.spec.tables.iter().find(|t| t.name == table)?;
    Some((served, table))
}

fn parse_part(column: &Column, text: &str) -> Option<Value> {
    match column.kind {
        Kind::Text => Some(text.into()),
        Kind::Int => text.parse::<i64>().ok().map(Into::into),
        Kind::Float => text.parse::<f64>().ok().map(Into::into),
        Kind::Bool => text.parse::<bool>().ok().map(Into::into),
        Kind::Time => parse_time(text).map(Into::into),
    }
}

fn parse_key_json(table: &Table, text: &str) -> Option<Vec<Value>> {
    let parts: Vec<JsonValue> = serde_json::from_str(text).ok()?;
    if parts.len() != table.key.len() {
        return None;
    }
    let part = |(column, part): (&Column, &JsonValue)| match part {
        JsonValue::String(text) => parse_part(column, text),
        JsonValue::Number(_) | JsonValue::Bool(_) => parse_part(column, &part.to_string()),
        _ => None,
    };
    table.key.iter().zip(&parts).map(part).collect()
}

fn no_table(sink: &str, table: &str) -> Response {
    let cut = |text: &str| text.chars().take(80).collect::<String>();
    problem(StatusCode::NOT_FOUND, &format!("this node serves no table {}.{}", cut(sink), cut(table)))
}

pub(crate) fn unavailable(error: &crate::StoreError) -> Response {
    tracing::error!(error = error as &dyn std::error::Error, "a read failed");
    problem(StatusCode::SERVICE_UNAVAILABLE, "the database is away: try again")
}

/// RFC 9457.
pub(crate) fn problem(status: StatusCode, detail: &str) -> Response {
    let body = json!({ "status": status.as_u16(), "title": status.canonical_reason(), "detail": detail });
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}
