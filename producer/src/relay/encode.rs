//! From a row to a record, or to the reason why there is none. Pure.

use coursebus_schemas::{
    EventId, EventType, Key, Metadata, OrderKey, catalog,
    decode::DecodeError,
    json::{from_json, key_of_json, order_key_of_json, to_json},
    metadata::parse_time,
    wire::frame,
};
use coursebus_transport::NewRecord;
use serde_json::Value;

use super::{
    routes::{RelayRoute, RouteTable, version},
    row::{Block, Row, print},
};
use crate::{headers::Constant, partition::partition};

/// Why a row is not published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The name under which docs/errors/ explains it.
    pub(crate) code: &'static str,
    /// A sentence, without anything of the payload.
    pub(crate) reason: String,
}

impl Refusal {
    pub(crate) fn new(code: &'static str, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }
}

/// By what a row is ordered, as far as that can be told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Keys {
    /// The topic's name without its prefix.
    pub(crate) topic: Option<&'static str>,
    pub(crate) order_key: Option<OrderKey>,
    /// The bare datum.
    pub(crate) record_key: Option<Vec<u8>>,
}

impl Keys {
    /// What holds the row back if it is held: its order key, and its record key for rows whose order key is not known.
    pub(crate) fn blocks(&self) -> [Option<Block>; 2] {
        let topic = self.topic.unwrap_or_default();
        let order = self.order_key.as_ref().map(|key| Block::of_order_key(topic, key.as_bytes()));
        [order, self.record_key.as_ref().map(|key| Block::of_record_key(topic, key))]
    }

    /// What the row holds back if it is refused: its order key; where that cannot be told, its record key; else nothing.
    pub(crate) fn own(&self) -> Option<Block> {
        let [order, record] = self.blocks();
        order.or(record)
    }
}

/// A row, looked at.
#[derive(Debug)]
pub(crate) struct Encoded {
    pub(crate) id: i64,
    pub(crate) seq: Option<i64>,
    pub(crate) print: u64,
    pub(crate) keys: Keys,
    pub(crate) outcome: Result<NewRecord, Refusal>,
}

/// What is the same for all records of a relay.
#[derive(Debug, Clone)]
pub(crate) struct Stamp {
    pub(crate) constant: Constant,
    pub(crate) host: String,
    pub(crate) lib: String,
}

/// Looks at a row.
pub(crate) fn encode(row: &Row, routes: &RouteTable, stamp: &Stamp) -> Encoded {
    let mut keys = Keys::default();
    let outcome = record(row, routes, stamp, &mut keys);
    let print = print(row.source.as_bytes(), row.event_id.as_bytes());
    Encoded { id: row.id, seq: row.seq, print, keys, outcome }
}

/// The keys come first, so that also a row that is refused holds its order key.
fn record(row: &Row, routes: &RouteTable, stamp: &Stamp, keys: &mut Keys) -> Result<NewRecord, Refusal> {
    let event_type = catalog().by_name(&row.event_type).ok_or_else(|| {
        let name: String = row.event_type.chars().take(200).collect();
        Refusal::new("unknown-event-type", format!("event type '{name}' is not in the catalogue"))
    })?;
    keys.topic = Some(event_type.topic.name);
    keys.record_key.clone_from(&row.record_key);
    let wrong = |what: &str| Refusal::new("outbox-row", what);
    let is_avro = match row.format.as_str() {
        "avro" => true,
        "json" => false,
        _ => return Err(wrong("its payload_format is neither json nor avro")),
    };
    if is_avro && row.minor_version.is_none() {
        return Err(wrong("its payload is avro and its minor_version is null"));
    }
    let version = version(event_type, row.minor_version);
    let version = version.ok_or_else(|| wrong("the catalogue has no such minor version of its type"))?;
    let payload = row.payload.as_deref();
    let payload = payload.ok_or_else(|| Refusal::new("record-too-large", "its payload is larger than 16 MiB"))?;
    let route = routes.get(&(event_type.name, version));
    let route = route.ok_or_else(|| Refusal::new("internal", "its type was not looked up"))?;
    let schema = route.schema();
    let event = if is_avro {
        to_json(schema, payload).map_err(no_datum)?
    } else {
        // Without the text, which may be personal data.
        let error =
            |e: serde_json::Error| format!("its payload is no JSON: {:?} at column {}", e.classify(), e.column());
        serde_json::from_slice(payload).map_err(|e| Refusal::new("event-does-not-fit", error(e)))?
    };
    take_keys(event_type, &event, row, is_avro, keys)?;
    let route = route.usable()?;
    let mut value = Vec::with_capacity(payload.len() + 64);
    frame(route.value_id, &mut value);
    if is_avro {
        value.extend_from_slice(payload);
    } else {
        let unfit = |error: coursebus_schemas::json::FitError| Refusal::new("event-does-not-fit", error.to_string());
        from_json(schema, &event, &mut value).map_err(unfit)?;
    }
    let metadata = metadata(event_type, version, row, stamp)?;
    let key = keys.record_key.as_deref().unwrap_or_default();
    sized(assemble(event_type, route, key, value, stamp.constant.headers(event_type, metadata)), route)
}

fn no_datum(error: DecodeError) -> Refusal {
    let code = if matches!(error, DecodeError::Trailing { .. }) { "trailing-bytes" } else { "malformed-datum" };
    Refusal::new(code, error.to_string())
}

/// The order key and the record key of an event, and whether the row's own record key agrees.
fn take_keys(
    event_type: &'static EventType,
    event: &Value,
    row: &Row,
    is_avro: bool,
    keys: &mut Keys,
) -> Result<(), Refusal> {
    let unfit = |error: coursebus_schemas::json::FitError| Refusal::new("event-does-not-fit", error.to_string());
    let key = key_of_json(event_type, event).map_err(unfit)?;
    let mut found = Vec::with_capacity(48);
    key.encode(&mut found);
    if key == Key::Null {
        return Err(Refusal::new("record-key", "the field that is the record key is null"));
    }
    keys.record_key = Some(found);
    let mut order = OrderKey::new();
    order_key_of_json(event_type, event, &mut order).map_err(unfit)?;
    keys.order_key = Some(order);
    match &row.record_key {
        None if is_avro => Err(Refusal::new("record-key", "its payload is avro and its record_key is null")),
        given if given.is_some() && *given != keys.record_key => {
            Err(Refusal::new("record-key", "its record_key is not the record key of its payload"))
        }
        _ => Ok(()),
    }
}

fn metadata(event_type: &'static EventType, minor: u32, row: &Row, stamp: &Stamp) -> Result<Metadata, Refusal> {
    let wrong = |what: &str| Refusal::new("outbox-row", what);
    if row.garbled {
        return Err(wrong("a text of it is not UTF-8"));
    }
    if row.source.is_empty() {
        return Err(wrong("its source is empty"));
    }
    let id = EventId::new(row.event_id.clone()).ok_or_else(|| wrong("its event_id is empty"))?;
    let time = parse_time(&row.occurred_at).ok_or_else(|| wrong("its occurred_at is no RFC 3339 time"))?;
    let mut metadata = Metadata::new(event_type, id, row.source.clone(), time);
    metadata.minor = minor;
    metadata.source_host.clone_from(&stamp.host);
    metadata.source_lib.clone_from(&stamp.lib);
    metadata.subject.clone_from(&row.subject);
    metadata.causation_id.clone_from(&row.causation_id);
    metadata.traceparent.clone_from(&row.traceparent);
    Ok(metadata)
}

fn assemble(
    event_type: &'static EventType,
    route: &RelayRoute,
    key: &[u8],
    value: Vec<u8>,
    headers: Vec<coursebus_transport::Header>,
) -> NewRecord {
    let mut framed = Vec::with_capacity(key.len() + 5);
    frame(route.key_id, &mut framed);
    framed.extend_from_slice(key);
    NewRecord {
        topic: route.topic.clone(),
        partition: partition(event_type.topic.partitioner, &framed, route.partitions),
        timestamp_ms: None,
        key: Some(framed.into()),
        value: Some(value.into()),
        headers,
    }
}

/// What is clearly too large is refused here; on the border the log decides.
fn sized(record: NewRecord, route: &RelayRoute) -> Result<NewRecord, Refusal> {
    let bytes = record.size();
    match route.record_bytes_max {
        Some(max) if bytes > max => {
            let reason = format!("it has {bytes} bytes, topic {} takes {max}", route.topic);
            Err(Refusal::new("record-too-large", reason))
        }
        _ => Ok(record),
    }
}
