//! A held record as it stands on its topic. Pure.
//!
//! Each is an event about one record of the source topic, and carries it whole: the value untouched, the headers untouched,
//! and behind them ours, always the same [`OURS`]. The key is the record's identity, `topic/partition/offset`, so that the
//! topic can be compacted: of each held record the last state stays, and none of one that was resolved. The record's own key
//! is in a header.

use std::str::FromStr;

use bytes::Bytes;
use coursebus_transport::{Header, NewRecord, Offset, Record, TopicPartition};

/// Our headers, in their order, behind the record's own. The names are stored: they stay.
const OURS: [&str; 11] = [
    "held_state",
    "held_code",
    "held_reason",
    "held_topic",
    "held_partition",
    "held_offset",
    "held_timestamp",
    "held_key",
    "held_value",
    "held_order_key",
    "held_behind",
];

/// What became of a held record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HeldState {
    /// It waits to be tried again, and the later ones of its order key wait with it.
    Parked,
    /// It was held, and its order key went on without it.
    Dead,
    /// It was handled after all.
    Resolved,
    /// Someone gave it up, and said why.
    Discarded,
}

impl HeldState {
    /// The name under which it is stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Parked => "parked",
            Self::Dead => "dead",
            Self::Resolved => "resolved",
            Self::Discarded => "discarded",
        }
    }
}

impl FromStr for HeldState {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Parked, Self::Dead, Self::Resolved, Self::Discarded].into_iter().find(|s| s.as_str() == text).ok_or(())
    }
}

/// Why a record is held, and with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    /// A code with a page in docs/errors/.
    pub(crate) code: String,
    /// A sentence without any of the record's contents.
    pub(crate) reason: String,
    /// The order key's bytes; none where the value cannot be decoded.
    pub(crate) order_key: Option<Box<[u8]>>,
    /// The first of its key that is held, where it is not this one.
    pub(crate) behind: Option<Offset>,
}

/// An event of a held topic, read.
#[derive(Debug)]
pub struct HeldEvent {
    /// What became of the record.
    pub state: HeldState,
    /// A code with a page in docs/errors/.
    pub code: String,
    /// Why it is held: a sentence without any of the record's contents.
    pub reason: String,
    /// The order key's bytes; none where the value cannot be decoded.
    pub order_key: Option<Box<[u8]>>,
    /// The first held record of its key, where it is not this one.
    pub behind: Option<Offset>,
    /// When this state was written, in milliseconds since 1970.
    pub at_ms: i64,
    /// The record as it was read from its topic. Without key, value and headers in an event that says it is resolved.
    pub record: Record,
}

/// The event that holds a record, for the topic `held`.
pub(crate) fn new_event(held: &str, record: &Record, state: HeldState, note: &Note) -> NewRecord {
    let copy = Bytes::copy_from_slice;
    let original = record.headers();
    let headers =
        original.iter().map(|(name, value)| Header { name: (*name).to_owned().into(), value: value.map(copy) });
    let mut headers: Vec<Header> = headers.collect();
    headers.extend(ours(record, state, note));
    // A null value would remove the event when the topic is compacted.
    let value = Some(record.value().map_or_else(Bytes::new, copy));
    event(held, record, value, headers)
}

/// The event that says a record was handled after all.
pub(crate) fn resolved_event(held: &str, record: &Record) -> NewRecord {
    let note = Note { code: String::new(), reason: String::new(), order_key: None, behind: None };
    event(held, record, None, ours(record, HeldState::Resolved, &note).into())
}

fn event(held: &str, record: &Record, value: Option<Bytes>, headers: Vec<Header>) -> NewRecord {
    let identity = format!("{}/{}/{}", record.topic(), record.partition(), record.offset());
    NewRecord {
        topic: held.into(),
        partition: record.partition(),
        timestamp_ms: None,
        key: Some(identity.into()),
        value,
        headers,
    }
}

fn ours(record: &Record, state: HeldState, note: &Note) -> [Header; OURS.len()] {
    let copy = |bytes: &[u8]| Bytes::copy_from_slice(bytes);
    let text = |text: String| Some(Bytes::from(text));
    let values = [
        text(state.as_str().to_owned()),
        text(note.code.clone()),
        text(note.reason.clone()),
        text(record.topic().to_string()),
        text(record.partition().to_string()),
        text(record.offset().to_string()),
        text(record.timestamp_ms().to_string()),
        record.key().map(copy),
        text(if record.value().is_some() { "bytes" } else { "null" }.to_owned()),
        note.order_key.as_deref().map(copy),
        note.behind.map(|offset| offset.to_string().into()),
    ];
    let mut values = values.into_iter();
    OURS.map(|name| Header { name: name.into(), value: values.next().flatten() })
}

/// Reads an event of a held topic; `None` for what someone else wrote there.
#[must_use]
pub fn held_event(record: &Record) -> Option<HeldEvent> {
    let headers = record.headers();
    let (original, ours) = headers.split_at(headers.len().checked_sub(OURS.len())?);
    if ours.iter().zip(OURS).any(|((found, _), name)| *found != name) {
        return None;
    }
    let bytes = |index: usize| ours[index].1;
    let text = |index: usize| std::str::from_utf8(bytes(index)?).ok();
    let partition = TopicPartition::new(text(3)?, text(4)?.parse().ok()?);
    let offset = Offset(text(5)?.parse().ok()?);
    let value = if text(8)? == "null" { None } else { record.value() };
    let copy = Record::of_parts(&partition, offset, text(6)?.parse().ok()?, bytes(7), value, original);
    Some(HeldEvent {
        state: text(0)?.parse().ok()?,
        code: text(1)?.to_owned(),
        reason: text(2)?.to_owned(),
        order_key: bytes(9).map(Into::into),
        behind: text(10).and_then(|text| text.parse().ok()).map(Offset),
        at_ms: record.timestamp_ms(),
        record: copy,
    })
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, option, prelude::*};

    use super::*;

    /// As the log would give it back.
    fn appended(new: &NewRecord) -> Record {
        let headers: Vec<_> = new.headers.iter().map(|h| (&*h.name, h.value.as_deref())).collect();
        let partition = TopicPartition::new(new.topic.clone(), new.partition);
        Record::of_parts(&partition, Offset(9), 77, new.key.as_deref(), new.value.as_deref(), &headers)
    }

    proptest! {
        #[test]
        fn a_held_record_comes_back_as_it_was(
            key in option::of(vec(any::<u8>(), 0..9)),
            value in option::of(vec(any::<u8>(), 0..9)),
            names in vec(("(held_state|held_key|ce_id)", option::of(vec(any::<u8>(), 0..5))), 0..5),
            order_key in option::of(vec(any::<u8>(), 0..9)),
            behind in option::of(0..99i64),
        ) {
            let headers: Vec<_> = names.iter().map(|(name, value)| (&**name, value.as_deref())).collect();
            let partition = TopicPartition::new("a/b", 3);
            let record = Record::of_parts(&partition, Offset(42), 5, key.as_deref(), value.as_deref(), &headers);
            let note = Note {
                code: "refused".to_owned(),
                reason: "no".to_owned(),
                order_key: order_key.map(Into::into),
                behind: behind.map(Offset),
            };
            for state in [HeldState::Parked, HeldState::Dead, HeldState::Discarded] {
                let new = new_event("g.held.a", &record, state, &note);
                prop_assert!(new.value.is_some(), "compaction would take it away");
                prop_assert_eq!(new.key.as_deref(), Some(&b"a/b/3/42"[..]));
                let event = held_event(&appended(&new)).expect("it is ours");
                let back = &event.record;
                prop_assert_eq!(back.topic_partition(), partition.clone());
                prop_assert_eq!((back.offset(), back.timestamp_ms(), event.at_ms), (Offset(42), 5, 77));
                prop_assert_eq!((back.key(), back.value()), (key.as_deref(), value.as_deref()));
                prop_assert_eq!(back.headers(), &*headers);
                let found = Note { code: event.code, reason: event.reason, order_key: event.order_key, behind: event.behind };
                prop_assert_eq!(&found, &note);
                prop_assert_eq!(event.state, state);
            }
            let resolved = resolved_event("g.held.a", &record);
            prop_assert!(resolved.value.is_none());
            let event = held_event(&appended(&resolved)).expect("it is ours");
            prop_assert_eq!((event.state, event.record.offset()), (HeldState::Resolved, Offset(42)));
        }
    }
}
