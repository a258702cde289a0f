//! Held records: what was not applied, kept whole.

use std::fmt;

use coursebus_consumer::Poison;
use coursebus_schemas::Identity;
use coursebus_transport::{Offset, Record};

/// What is to become of a held record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HeldState {
    /// It can never be applied as it is; later records of its key went on.
    Dead,
}

impl fmt::Display for HeldState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dead => "dead",
        })
    }
}

/// A record that was not applied. Its identity is group, topic, partition and offset; key, value and headers are the
/// record's own bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRecord {
    /// The full name of the topic.
    pub topic: String,
    /// Counted from 0.
    pub partition: i32,
    /// The record's offset.
    pub offset: Offset,
    /// What is to become of it.
    pub state: String,
    /// Why, as a code with a page in docs/errors/.
    pub code: String,
    /// Why, as a sentence.
    pub reason: String,
    /// The event type, where headers or schema tell it.
    pub event_type: Option<String>,
    /// The event's id, where the headers tell it.
    pub event_id: Option<String>,
    /// The record's key.
    pub key: Option<Vec<u8>>,
    /// The record's value.
    pub value: Option<Vec<u8>>,
    /// The record's headers, in order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// When the record was emitted, in milliseconds since 1970, UTC.
    pub emitted_ms: i64,
    /// When it was held, likewise.
    pub held_ms: i64,
}

impl HeldRecord {
    /// Holds a record as dead. What is read from it for people to see loses its NUL characters, which PostgreSQL's text does
    /// not take: a record must not be able to refuse to be held.
    pub(crate) fn dead(record: &Record, event_type: Option<&str>, poison: &Poison, held_ms: i64) -> Self {
        let headers = record.headers();
        let identity = Identity::read(headers.iter().copied()).ok();
        let text = |text: &str| text.to_owned();
        let shown = |text: &str| text.replace('\0', "\u{fffd}");
        Self {
            topic: record.topic().to_string(),
            partition: record.partition(),
            offset: record.offset(),
            state: HeldState::Dead.to_string(),
            code: poison.code.as_str().to_owned(),
            reason: shown(&poison.reason),
            event_type: event_type.map(text).or_else(|| identity.map(|i| shown(i.event_type))),
            event_id: identity.map(|i| shown(i.id)),
            key: record.key().map(<[u8]>::to_vec),
            value: record.value().map(<[u8]>::to_vec),
            headers: headers.iter().map(|(name, value)| (text(name), value.map(<[u8]>::to_vec))).collect(),
            emitted_ms: record.timestamp_ms(),
            held_ms,
        }
    }

    /// The headers as they are stored: a JSON array of `[name, hexadecimal or null]`.
    #[must_use]
    pub fn headers_text(&self) -> String {
        let pairs = self.headers.iter().map(|(name, value)| serde_json::json!([name, value.as_ref().map(hex::encode)]));
        serde_json::Value::Array(pairs.collect()).to_string()
    }

    /// Reads the headers back.
    pub(crate) fn parse_headers(text: &str) -> Vec<(String, Option<Vec<u8>>)> {
        let pairs: Vec<(String, Option<String>)> = serde_json::from_str(text).unwrap_or_default();
        pairs.into_iter().map(|(name, value)| (name, value.and_then(|v| hex::decode(v).ok()))).collect()
    }
}
