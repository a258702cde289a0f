//! Held records as people and programs see them.

use std::collections::BTreeMap;

use coursebus_registry_tools::Registry;
use coursebus_schemas::{OrderKey, WriterSchema, json::to_json, wire::unframe};
use serde_json::{Value as Json, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{HeldRecord, HeldState, select::Causes};
use crate::HeldLogEntry;

/// A held record with its keys in JSON.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The record.
    pub record: HeldRecord,
    /// Its order key where that is known, else its record key.
    pub key: Json,
    /// Its record key: the value, or the bytes in hexadecimal.
    pub record_key: Json,
}

impl Shown {
    /// Reads the keys of a held record.
    pub async fn new(registry: &dyn Registry, record: HeldRecord) -> Self {
        let record_key = match &record.key {
            None => Json::Null,
            Some(bytes) => match decode(registry, Some(bytes)).await {
                Json::Null => hex::encode(bytes).into(),
                value => value,
            },
        };
        let order = record.order_key.clone().and_then(|bytes| OrderKey::from_bytes(bytes).ok());
        let order = order.and_then(|key| serde_json::from_str(&key.to_string()).ok());
        Self { key: order.unwrap_or_else(|| record_key.clone()), record_key, record }
    }
}

/// What framed bytes say, where they can be read; null where not.
pub async fn decode(registry: &dyn Registry, bytes: Option<&[u8]>) -> Json {
    let Some(Ok((id, datum))) = bytes.map(unframe) else { return Json::Null };
    let Ok(text) = registry.schema(id).await else { return Json::Null };
    let Ok(schema) = WriterSchema::parse(&text) else { return Json::Null };
    to_json(&schema, datum).unwrap_or_default()
}

/// One row a record.
#[must_use]
pub fn flat(group: &str, records: &[Shown]) -> Vec<Json> {
    let visible = records.iter().filter(|shown| is_visible(shown));
    visible.map(|shown| row(group, shown, &[shown])).collect()
}

/// One row a cause: its topic, state, code and type, with the records behind it; the example is its first record.
#[must_use]
pub fn by_cause(group: &str, records: &[Shown]) -> Vec<Json> {
    let index = Causes::of(records);
    let mut causes: BTreeMap<_, Vec<&Shown>> = BTreeMap::new();
    for shown in records.iter().filter(|shown| is_visible(shown)) {
        let cause = &index.cause(shown).record;
        let name = (&shown.record.topic, &shown.record.state, &cause.code, &cause.event_type);
        causes.entry(name).or_default().push(shown);
    }
    causes.values().filter_map(|all| Some(row(group, example(all)?, all))).collect()
}

/// The first cause; where what is shown is a part of all, the first record.
fn example<'s>(all: &[&'s Shown]) -> Option<&'s Shown> {
    all.iter().find(|shown| shown.record.behind.is_none()).or(all.first()).copied()
}

/// What has come back is not held any more.
fn is_visible(shown: &Shown) -> bool {
    shown.record.state != HeldState::Applied.as_str()
}

fn row(group: &str, example: &Shown, all: &[&Shown]) -> Json {
    let times = || all.iter().map(|shown| shown.record.held_ms);
    let identity =
        |record: &HeldRecord| json!({"topic": record.topic, "partition": record.partition, "offset": record.offset.0});
    let identities: Vec<Json> = all.iter().map(|shown| identity(&shown.record)).collect();
    let record = &example.record;
    let mut row = json!({
        "group": group,
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset.0,
        "state": record.state,
        "code": record.code,
        "reason": record.reason,
        "key": example.key,
        "type": record.event_type,
        "id": record.event_id,
        "behind": record.behind.map(|offset| offset.0),
        "edited": record.edited.is_some(),
        "first": times().min().map(timestamp),
        "last": times().max().map(timestamp),
        "count": all.len(),
        "records": identities,
    });
    row["waiting"] = all.iter().filter(|shown| shown.record.behind.is_some()).count().into();
    row
}

/// A held record, whole.
pub async fn whole(registry: &dyn Registry, group: &str, shown: &Shown) -> Json {
    let record = &shown.record;
    let text = |value: &Option<Vec<u8>>| value.as_ref().map(|v| String::from_utf8_lossy(v).into_owned());
    let headers = |headers: &super::Headers| headers.iter().map(|(name, value)| json!([name, text(value)])).collect();
    let mut whole = row(group, shown, &[shown]);
    if let Some(fields) = whole.as_object_mut() {
        for name in ["first", "last", "count", "records", "waiting"] {
            fields.remove(name);
        }
    }
    whole["timestamp"] = json!(timestamp(record.emitted_ms));
    whole["held"] = json!(timestamp(record.held_ms));
    whole["asked"] = json!(record.asked_ms.map(timestamp));
    whole["tries"] = json!(record.tries);
    whole["record_key"] = shown.record_key.clone();
    whole["headers"] = Json::Array(headers(&record.headers));
    whole["data"] = decode(registry, record.value.as_deref()).await;
    whole["key_hex"] = json!(record.key.as_ref().map(hex::encode));
    whole["value_hex"] = json!(record.value.as_ref().map(hex::encode));
    if let Some(edited) = &record.edited {
        whole["edited_headers"] = Json::Array(headers(&edited.headers));
        whole["edited_data"] = decode(registry, Some(&edited.value)).await;
    }
    whole
}

/// A line of what was done.
#[must_use]
pub fn entry(group: &str, entry: &HeldLogEntry) -> Json {
    json!({
        "time": timestamp(entry.note.at_ms),
        "verb": entry.verb,
        "by": entry.note.who,
        "group": group,
        "topic": &*entry.place.partition.topic,
        "partition": entry.place.partition.partition,
        "offset": entry.place.offset.0,
        "detail": entry.note.detail,
    })
}

/// Milliseconds since 1970 as RFC 3339.
#[must_use]
pub fn timestamp(ms: i64) -> Option<String> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).ok()?.format(&Rfc3339).ok()
}
