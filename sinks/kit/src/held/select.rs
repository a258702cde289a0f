//! Which held records a verb of an operator is about. Pure.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;

use super::{HeldPlace, HeldRecord, HeldState, shown::Shown};
use crate::value::parse_time;

/// Chooses held records: all that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Filter {
    /// The code under which it is held.
    pub code: Option<String>,
    /// Its order key or its record key, as it is shown.
    pub key: Option<Json>,
    /// Its event type.
    #[serde(rename = "type")]
    pub event_type: Option<String>,
    /// The event's id.
    pub id: Option<String>,
    /// Held at this time or later, in milliseconds since 1970, UTC; RFC 3339 in JSON.
    #[serde(deserialize_with = "moment")]
    pub from: Option<i64>,
    /// Held before this time, likewise.
    #[serde(deserialize_with = "moment")]
    pub to: Option<i64>,
    /// The full name of its topic.
    pub topic: Option<String>,
    /// Its partition.
    pub partition: Option<i32>,
    /// Its offset.
    pub offset: Option<i64>,
}

fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    let parse = |text: String| milliseconds(&text).ok_or_else(|| serde::de::Error::custom("not an RFC 3339 time"));
    text.map(parse).transpose()
}

/// An RFC 3339 time as milliseconds since 1970.
#[must_use]
pub fn milliseconds(text: &str) -> Option<i64> {
    i64::try_from(parse_time(text)?.unix_timestamp_nanos() / 1_000_000).ok()
}

impl Filter {
    /// Whether it chooses everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it names records, and not what they have in common.
    fn names(&self) -> bool {
        self.offset.is_some() || self.id.is_some()
    }

    /// Whether a record is among those that are chosen.
    #[must_use]
    pub fn matches(&self, shown: &Shown) -> bool {
        let record = &shown.record;
        let is = |wanted: &Option<String>, found: Option<&str>| wanted.is_none() || wanted.as_deref() == found;
        is(&self.code, Some(&record.code))
            && is(&self.event_type, record.event_type.as_deref())
            && is(&self.id, record.event_id.as_deref())
            && is(&self.topic, Some(&record.topic))
            && self.key.as_ref().is_none_or(|key| *key == shown.key || *key == shown.record_key)
            && self.partition.is_none_or(|partition| partition == record.partition)
            && self.offset.is_none_or(|offset| offset == record.offset.0)
            && self.from.is_none_or(|from| record.held_ms >= from)
            && self.to.is_none_or(|to| record.held_ms < to)
    }
}

/// A cause, and what waits behind it.
#[derive(Debug)]
pub struct Target<'s> {
    /// The cause; or a dead record, which nothing waits behind.
    pub cause: &'s Shown,
    /// What waits behind it, by offset.
    pub behind: Vec<&'s Shown>,
}

/// What a retry is of: the causes of the chosen records, each with what waits behind it. A record behind a cause comes back
/// when the cause does, and not before.
#[must_use]
pub fn to_retry<'s>(all: &'s [Shown], filter: &Filter) -> Vec<Target<'s>> {
    let causes = Causes::of(all);
    let mut targets: BTreeMap<HeldPlace, Target<'s>> = BTreeMap::new();
    for shown in all.iter().filter(|shown| shown.record.is_open() && filter.matches(shown)) {
        let cause = causes.cause(shown);
        targets.entry(cause.record.place()).or_insert(Target { cause, behind: Vec::new() });
    }
    for shown in all.iter().filter(|shown| is_behind(&shown.record)) {
        if let Some(target) = targets.get_mut(&causes.cause(shown).record.place())
            && target.cause.record.offset != shown.record.offset
        {
            target.behind.push(shown);
        }
    }
    targets.into_values().collect()
}

/// What a discard is of: the chosen causes and dead records; a record behind a cause only where it is named, by id or offset.
#[must_use]
pub fn to_discard<'s>(all: &'s [Shown], filter: &Filter) -> Vec<&'s Shown> {
    let may = |record: &HeldRecord| record.is_open() && (record.behind.is_none() || filter.names());
    all.iter().filter(|shown| may(&shown.record) && filter.matches(shown)).collect()
}

fn is_behind(record: &HeldRecord) -> bool {
    record.behind.is_some() && record.state == HeldState::Parked.as_str()
}

/// The records of a list that others may wait behind.
pub(crate) struct Causes<'s>(HashMap<HeldPlace, &'s Shown>);

impl<'s> Causes<'s> {
    pub(crate) fn of(all: &'s [Shown]) -> Self {
        Self(all.iter().filter(|shown| shown.record.is_open()).map(|shown| (shown.record.place(), shown)).collect())
    }

    /// The cause that a record waits behind, or the record itself.
    pub(crate) fn cause(&self, shown: &'s Shown) -> &'s Shown {
        let offset = if is_behind(&shown.record) { shown.record.behind } else { None };
        let cause = offset.and_then(|offset| self.0.get(&HeldPlace { offset, ..shown.record.place() }));
        cause.copied().unwrap_or(shown)
    }
}

#[cfg(test)]
mod tests {
    use coursebus_transport::Offset;
    use serde_json::json;

    use super::*;

    fn held(offset: i64, state: &str, behind: Option<i64>) -> Shown {
        let record = HeldRecord {
            topic: "t".into(),
            partition: 0,
            offset: Offset(offset),
            state: state.into(),
            code: "refused".into(),
            reason: String::new(),
            event_type: Some("a".into()),
            event_id: Some(offset.to_string()),
            key: None,
            value: None,
            headers: Vec::new(),
            emitted_ms: 0,
            held_ms: 1_000 * offset,
            behind: behind.map(Offset),
            order_key: None,
            asked_ms: None,
            tries: 0,
            version: 0,
            edited: None,
        };
        Shown { record, key: json!(["k", offset % 2]), record_key: json!("k") }
    }

    fn check(filter: Json, retry: &[(i64, usize)], discard: &[i64]) {
        let all = [
            held(1, "parked", None),
            held(3, "parked", Some(1)),
            held(4, "dead", None),
            held(5, "parked", Some(1)),
            held(6, "discarded", None),
            held(8, "applied", None),
        ];
        let filter: Filter = serde_json::from_value(filter).expect("a filter");
        let targets = to_retry(&all, &filter).into_iter().map(|t| (t.cause.record.offset.0, t.behind.len()));
        assert_eq!(targets.collect::<Vec<_>>(), retry, "{filter:?}");
        let discarded = to_discard(&all, &filter).into_iter().map(|shown| shown.record.offset.0);
        assert_eq!(discarded.collect::<Vec<_>>(), discard, "{filter:?}");
    }

    #[test]
    fn a_record_behind_a_cause_comes_back_with_it() {
        check(json!({}), &[(1, 2), (4, 0)], &[1, 4]);
        check(json!({"offset": 3}), &[(1, 2)], &[3]);
        check(json!({"id": "5"}), &[(1, 2)], &[5]);
        check(json!({"key": ["k", 0]}), &[(4, 0)], &[4]);
        check(json!({"key": "k", "code": "refused", "type": "a"}), &[(1, 2), (4, 0)], &[1, 4]);
        check(json!({"from": "1970-01-01T00:00:02Z", "to": "1970-01-01T00:00:04Z"}), &[(1, 2)], &[]);
        check(json!({"topic": "other"}), &[], &[]);
        check(json!({"offset": 6}), &[], &[]);
    }

    #[test]
    fn a_filter_has_no_other_fields() {
        assert!(serde_json::from_value::<Filter>(json!({"cod": "refused"})).is_err());
        assert!(serde_json::from_value::<Filter>(json!({"from": "yesterday"})).is_err());
        assert!(Filter::default().is_empty());
    }
}
