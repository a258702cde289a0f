//! Held records: what was not applied, kept whole, until it comes back or is given up.

pub mod desk;
pub mod edit;
pub(crate) mod gate;
pub mod select;
pub mod shown;

use std::{fmt, str::FromStr};

use coursebus_consumer::Poison;
use coursebus_schemas::{Identity, OrderKey};
use coursebus_transport::{Offset, Record, TopicPartition};

use self::gate::{Cause, Keys};
pub(crate) use crate::clock::now_ms;

/// What is to become of a held record. The words are stored and shown: they stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum HeldState {
    /// It and the later records of its key wait; they come back in their order.
    Parked,
    /// Its key went on without it.
    Dead,
    /// An operator has given it up.
    Discarded,
    /// It was edited and has taken effect; kept, because the topic says something else.
    Applied,
}

impl HeldState {
    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Parked => "parked",
            Self::Dead => "dead",
            Self::Discarded => "discarded",
            Self::Applied => "applied",
        }
    }
}

impl fmt::Display for HeldState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is no state: written by a newer version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a state of a held record")]
pub struct UnknownState;

impl FromStr for HeldState {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        let all = [Self::Parked, Self::Dead, Self::Discarded, Self::Applied];
        all.into_iter().find(|state| state.as_str() == text).ok_or(UnknownState)
    }
}

/// Where a held record is in the log: its identity within a group.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HeldPlace {
    /// Topic and partition.
    pub partition: TopicPartition,
    /// The record's offset.
    pub offset: Offset,
}

impl fmt::Display for HeldPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} offset {}", self.partition, self.offset)
    }
}

/// Headers in their order; names may repeat, values may be null.
pub type Headers = Vec<(String, Option<Vec<u8>>)>;

/// What an operator has put in the place of a record's value and headers. The original stays beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The value: frame and datum.
    pub value: Vec<u8>,
    /// All headers.
    pub headers: Headers,
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
    pub headers: Headers,
    /// When the record was emitted, in milliseconds since 1970, UTC.
    pub emitted_ms: i64,
    /// When it was held, likewise.
    pub held_ms: i64,
    /// The cause that it waits behind; `None` for a cause.
    pub behind: Option<Offset>,
    /// The bytes of its order key; `None` where the value cannot be read, and the record key stands in.
    pub order_key: Option<Vec<u8>>,
    /// Since when someone asks for it to be tried.
    pub asked_ms: Option<i64>,
    /// How often it was tried and failed again.
    pub tries: i32,
    /// Raised by each change.
    pub version: i32,
    /// What is applied in its place.
    pub edited: Option<Edited>,
}

/// What the sink keeps in mind of a record that is parked or asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldBrief {
    /// The record's offset.
    pub offset: Offset,
    /// What is to become of it.
    pub state: String,
    /// Why it is held.
    pub code: String,
    /// The cause that it waits behind; `None` for a cause.
    pub behind: Option<Offset>,
    /// Its record key.
    pub key: Option<Vec<u8>>,
    /// The bytes of its order key, where it is known.
    pub order_key: Option<Vec<u8>>,
    /// Whether someone asks for it to be tried, or has discarded it and that is not noted yet.
    pub asked: bool,
    /// How often it was tried and failed again.
    pub tries: i32,
    /// Raised by each change.
    pub version: i32,
    /// About what it counts against the bound in bytes.
    pub bytes: i64,
}

impl HeldBrief {
    /// Its order key, where it is known.
    pub(crate) fn order(&self) -> Option<OrderKey> {
        self.order_key.clone().and_then(|bytes| OrderKey::from_bytes(bytes).ok())
    }

    /// What it counts against the bound in bytes.
    pub(crate) fn size(&self) -> usize {
        usize::try_from(self.bytes).unwrap_or_default()
    }

    pub(crate) fn cause(&self) -> Cause {
        Cause { offset: self.offset, code: self.code.as_str().into() }
    }
}

/// A fixed part of what a held record counts.
pub(crate) const OVERHEAD_BYTES: i64 = 128;

impl HeldRecord {
    /// Holds a record. What is read from it for people to see loses its NUL characters, which PostgreSQL's text does not take:
    /// a record must not be able to refuse to be held.
    pub(crate) fn new(
        record: &Record,
        event_type: Option<&str>,
        order: Option<&OrderKey>,
        poison: &Poison,
        state: HeldState,
    ) -> Self {
        let headers = record.headers();
        let identity = Identity::read(headers.iter().copied()).ok();
        let text = |text: &str| text.to_owned();
        let shown = |text: &str| text.replace('\0', "\u{fffd}");
        Self {
            topic: record.topic().to_string(),
            partition: record.partition(),
            offset: record.offset(),
            state: state.to_string(),
            code: poison.code.as_str().to_owned(),
            reason: shown(&poison.reason),
            event_type: event_type.map(text).or_else(|| identity.map(|i| shown(i.event_type))),
            event_id: identity.map(|i| shown(i.id)),
            key: record.key().map(<[u8]>::to_vec),
            value: record.value().map(<[u8]>::to_vec),
            headers: headers.iter().map(|(name, value)| (text(name), value.map(<[u8]>::to_vec))).collect(),
            emitted_ms: record.timestamp_ms(),
            held_ms: now_ms(),
            behind: None,
            order_key: order.map(|key| key.as_bytes().to_vec()),
            asked_ms: None,
            tries: 0,
            version: 0,
            edited: None,
        }
    }

    /// Holds it behind a cause: under the cause's code.
    pub(crate) fn behind(mut self, cause: &Cause) -> Self {
        self.code = cause.code.to_string();
        self.reason = behind_reason(cause.offset);
        self.behind = Some(cause.offset);
        self
    }

    /// Whether it still waits for an operator: parked or dead.
    #[must_use]
    pub fn is_open(&self) -> bool {
        [HeldState::Parked, HeldState::Dead].iter().any(|state| state.as_str() == self.state)
    }

    /// Its identity within the group.
    #[must_use]
    pub fn place(&self) -> HeldPlace {
        let partition = TopicPartition::new(self.topic.as_str(), self.partition);
        HeldPlace { partition, offset: self.offset }
    }

    /// Its order key, where it is known.
    pub(crate) fn order(&self) -> Option<OrderKey> {
        self.order_key.clone().and_then(|bytes| OrderKey::from_bytes(bytes).ok())
    }

    pub(crate) fn cause(&self) -> Cause {
        Cause { offset: self.offset, code: self.code.as_str().into() }
    }

    /// By what it is ordered.
    pub(crate) fn keys<'a>(&'a self, order: Option<&'a OrderKey>) -> Keys<'a> {
        Keys { record: self.key.as_deref(), order }
    }

    /// What it counts against the bound in bytes.
    pub(crate) fn size(&self) -> usize {
        let fixed = usize::try_from(OVERHEAD_BYTES).unwrap_or_default();
        let len = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        fixed + len(&self.key) + len(&self.value) + self.headers_text().len()
    }

    /// The value that is applied: the edited one, else the original.
    #[must_use]
    pub fn effective_value(&self) -> Option<&[u8]> {
        self.edited.as_ref().map(|edited| edited.value.as_slice()).or(self.value.as_deref())
    }

    /// The headers that are read: the edited ones, else the original.
    #[must_use]
    pub fn effective_headers(&self) -> Vec<(&str, Option<&[u8]>)> {
        let headers = self.edited.as_ref().map_or(&self.headers, |edited| &edited.headers);
        headers.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect()
    }

    /// The headers as they are stored: a JSON array of `[name, hexadecimal or null]`.
    #[must_use]
    pub fn headers_text(&self) -> String {
        headers_text(&self.headers)
    }
}

/// Why a record behind a cause is held.
pub(crate) fn behind_reason(cause: Offset) -> String {
    format!("it waits behind offset {cause} of its key")
}

/// Headers as they are stored: a JSON array of `[name, hexadecimal or null]`.
pub(crate) fn headers_text(headers: &Headers) -> String {
    let pairs = headers.iter().map(|(name, value)| serde_json::json!([name, value.as_ref().map(hex::encode)]));
    serde_json::Value::Array(pairs.collect()).to_string()
}

/// Reads stored headers back.
pub(crate) fn parse_headers(text: &str) -> Headers {
    let pairs: Vec<(String, Option<String>)> = serde_json::from_str(text).unwrap_or_default();
    pairs.into_iter().map(|(name, value)| (name, value.and_then(|v| hex::decode(v).ok()))).collect()
}
