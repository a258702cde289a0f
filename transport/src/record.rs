//! Records, as they go into a log and as they come out of it.

use std::{borrow::Cow, fmt, sync::Arc};

use bytes::Bytes;

/// One partition of one topic. Cloning is cheap: the name is shared.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    /// The full name of the topic, prefix included.
    pub topic: Arc<str>,
    /// Counted from 0.
    pub partition: i32,
}

impl TopicPartition {
    /// Names a partition.
    pub fn new(topic: impl Into<Arc<str>>, partition: i32) -> Self {
        Self { topic: topic.into(), partition }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.topic, self.partition)
    }
}

/// A place in a partition. As a position it always means **the next record to read**.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Offset(pub i64);

impl Offset {
    /// The place after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One header of a record to be appended. Names need not be unique; the order is kept; a value may be null.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// UTF-8, not empty.
    pub name: Cow<'static, str>,
    /// Any bytes, or null.
    pub value: Option<Bytes>,
}

impl Header {
    /// A header with a value.
    pub fn new(name: impl Into<Cow<'static, str>>, value: impl Into<Bytes>) -> Self {
        Self { name: name.into(), value: Some(value.into()) }
    }
}

/// A record to be appended, its partition already chosen: the log never partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecord {
    /// The full name of the topic, prefix included.
    pub topic: Arc<str>,
    /// Counted from 0.
    pub partition: i32,
    /// Milliseconds since 1970, UTC; the moment of appending when it is `None`.
    pub timestamp_ms: Option<i64>,
    /// Null for a record that has no order.
    pub key: Option<Bytes>,
    /// Null is a tombstone.
    pub value: Option<Bytes>,
    /// In the order in which they are stored.
    pub headers: Vec<Header>,
}

impl NewRecord {
    /// What the record counts against byte bounds: key, value, headers and a fixed overhead.
    #[must_use]
    pub fn size(&self) -> usize {
        budget_size(self)
    }
}

/// A record to be appended that stays its maker's: a log that takes it has copied it when the call returns.
#[derive(Debug, Clone, Copy)]
pub struct RecordRef<'a> {
    /// The full name of the topic, prefix included.
    pub topic: &'a Arc<str>,
    /// Counted from 0.
    pub partition: i32,
    /// Milliseconds since 1970, UTC; the moment of appending when it is `None`.
    pub timestamp_ms: Option<i64>,
    /// Null for a record that has no order.
    pub key: Option<&'a [u8]>,
    /// Null is a tombstone.
    pub value: Option<&'a [u8]>,
    /// Names and values, in the order in which they are stored.
    pub headers: &'a [(&'static str, &'a [u8])],
}

impl RecordRef<'_> {
    /// What the record counts against byte bounds, as [`NewRecord::size`].
    #[must_use]
    pub fn size(&self) -> usize {
        budget_size(self)
    }

    /// A copy that stands by itself: one allocation for all its bytes, and one for the list of headers.
    #[must_use]
    pub fn to_record(self) -> NewRecord {
        let parts = || self.key.into_iter().chain(self.value).chain(self.headers.iter().map(|(_, value)| *value));
        let mut bytes = Vec::with_capacity(parts().map(<[u8]>::len).sum());
        parts().for_each(|part| bytes.extend_from_slice(part));
        let mut rest = Bytes::from(bytes);
        let mut take = |part: &[u8]| rest.split_to(part.len());
        NewRecord {
            topic: self.topic.clone(),
            partition: self.partition,
            timestamp_ms: self.timestamp_ms,
            key: self.key.map(&mut take),
            value: self.value.map(&mut take),
            headers: self.headers.iter().map(|(name, value)| Header::new(*name, take(value))).collect(),
        }
    }
}

/// What the parts of a backend that only look at a record need of it, whoever owns it.
pub(crate) trait Outgoing {
    fn topic(&self) -> &Arc<str>;
    fn partition(&self) -> i32;
    fn timestamp_ms(&self) -> Option<i64>;
    fn key(&self) -> Option<&[u8]>;
    fn value(&self) -> Option<&[u8]>;
    /// Names and values.
    fn headers(&self) -> impl ExactSizeIterator<Item = (&[u8], Option<&[u8]>)>;
}

impl Outgoing for NewRecord {
    fn topic(&self) -> &Arc<str> {
        &self.topic
    }

    fn partition(&self) -> i32 {
        self.partition
    }

    fn timestamp_ms(&self) -> Option<i64> {
        self.timestamp_ms
    }

    fn key(&self) -> Option<&[u8]> {
        self.key.as_deref()
    }

    fn value(&self) -> Option<&[u8]> {
        self.value.as_deref()
    }

    fn headers(&self) -> impl ExactSizeIterator<Item = (&[u8], Option<&[u8]>)> {
        self.headers.iter().map(|header| (header.name.as_bytes(), header.value.as_deref()))
    }
}

impl Outgoing for RecordRef<'_> {
    fn topic(&self) -> &Arc<str> {
        self.topic
    }

    fn partition(&self) -> i32 {
        self.partition
    }

    fn timestamp_ms(&self) -> Option<i64> {
        self.timestamp_ms
    }

    fn key(&self) -> Option<&[u8]> {
        self.key
    }

    fn value(&self) -> Option<&[u8]> {
        self.value
    }

    fn headers(&self) -> impl ExactSizeIterator<Item = (&[u8], Option<&[u8]>)> {
        self.headers.iter().map(|(name, value)| (name.as_bytes(), Some(*value)))
    }
}

fn budget_size(record: &impl Outgoing) -> usize {
    const OVERHEAD: usize = 64;
    let length = |part: Option<&[u8]>| part.map_or(0, <[u8]>::len);
    let headers: usize = record.headers().map(|(name, value)| name.len() + length(value) + 4).sum();
    OVERHEAD + length(record.key()) + length(record.value()) + headers
}

/// A record that was read.
///
/// Key and value are borrowed from what the backend fetched; headers are parsed only when they are asked for, because on
/// Kafka that costs more than all the rest of a small record.
pub struct Record {
    partition: i32,
    offset: Offset,
    timestamp_ms: i64,
    body: Body,
}

enum Body {
    Shared { topic: Arc<str>, key: Option<Bytes>, value: Option<Bytes>, headers: Bytes },
    Kafka(crate::kafka::native::Message),
}

impl Record {
    /// A record in memory of its own: what was held, as it was read at first; or what no log has, in tests and simulations.
    #[must_use]
    pub fn of_parts(
        partition: &TopicPartition,
        offset: Offset,
        timestamp_ms: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(&str, Option<&[u8]>)],
    ) -> Self {
        let copy = |bytes: Option<&[u8]>| bytes.map(Bytes::copy_from_slice);
        let headers = crate::embedded::batch::header_block(headers);
        Self::shared(
            partition.topic.clone(),
            partition.partition,
            offset,
            timestamp_ms,
            copy(key),
            copy(value),
            headers,
        )
    }

    /// A copy that keeps nothing else in memory: a record that was read shares what was fetched with it.
    #[must_use]
    pub fn detached(&self) -> Self {
        let partition = self.topic_partition();
        Self::of_parts(&partition, self.offset, self.timestamp_ms, self.key(), self.value(), &self.headers())
    }

    /// The full name of the topic, prefix included.
    #[must_use]
    pub fn topic(&self) -> &Arc<str> {
        match &self.body {
            Body::Shared { topic, .. } => topic,
            Body::Kafka(message) => message.topic(),
        }
    }

    /// Counted from 0.
    #[must_use]
    pub fn partition(&self) -> i32 {
        self.partition
    }

    /// Topic and partition together.
    #[must_use]
    pub fn topic_partition(&self) -> TopicPartition {
        TopicPartition { topic: self.topic().clone(), partition: self.partition }
    }

    /// The record's own place; the next one to read is `offset().next()` or, after a hole, larger.
    #[must_use]
    pub fn offset(&self) -> Offset {
        self.offset
    }

    /// When it was emitted: milliseconds since 1970, UTC.
    #[must_use]
    pub fn timestamp_ms(&self) -> i64 {
        self.timestamp_ms
    }

    /// The key's bytes as they stand in the log.
    #[must_use]
    pub fn key(&self) -> Option<&[u8]> {
        match &self.body {
            Body::Shared { key, .. } => key.as_deref(),
            Body::Kafka(message) => message.key(),
        }
    }

    /// The value's bytes as they stand in the log; `None` is a tombstone.
    #[must_use]
    pub fn value(&self) -> Option<&[u8]> {
        match &self.body {
            Body::Shared { value, .. } => value.as_deref(),
            Body::Kafka(message) => message.value(),
        }
    }

    /// All headers in their order, parsed anew at each call. A name that is not UTF-8 becomes the replacement character.
    #[must_use]
    pub fn headers(&self) -> Vec<(&str, Option<&[u8]>)> {
        let mut headers = Vec::with_capacity(12);
        let text = |name| std::str::from_utf8(name).unwrap_or("\u{FFFD}");
        headers.extend(self.header_iter().map(|(name, value)| (text(name), value)));
        headers
    }

    /// The same, one after the other and with names as bytes, for who needs few of them.
    pub fn header_iter(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        let (shared, kafka) = match &self.body {
            Body::Shared { headers, .. } => (Some(crate::embedded::batch::Headers::of(headers)), None),
            Body::Kafka(message) => (None, Some(message.headers())),
        };
        shared.into_iter().flatten().chain(kafka.into_iter().flatten())
    }

    /// What the record counts against byte bounds: key, value and a fixed overhead (headers are not looked at).
    #[must_use]
    pub fn size(&self) -> usize {
        const OVERHEAD: usize = 128;
        OVERHEAD + self.key().map_or(0, <[u8]>::len) + self.value().map_or(0, <[u8]>::len)
    }

    pub(crate) fn shared(
        topic: Arc<str>,
        partition: i32,
        offset: Offset,
        timestamp_ms: i64,
        key: Option<Bytes>,
        value: Option<Bytes>,
        headers: Bytes,
    ) -> Self {
        Self { partition, offset, timestamp_ms, body: Body::Shared { topic, key, value, headers } }
    }

    pub(crate) fn kafka(
        partition: i32,
        offset: Offset,
        timestamp_ms: i64,
        message: crate::kafka::native::Message,
    ) -> Self {
        Self { partition, offset, timestamp_ms, body: Body::Kafka(message) }
    }
}

/// Names the record and says nothing of its contents, which may be personal.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Record({}/{} @ {})", self.topic(), self.partition, self.offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lent_record_and_its_copy_are_the_same() {
        let topic = "t".into();
        let lent = RecordRef {
            topic: &topic,
            partition: 3,
            timestamp_ms: Some(5),
            key: None,
            value: Some(b"value"),
            headers: &[("a", b"1"), ("b", b""), ("a", b"22")],
        };
        let copy = lent.to_record();
        let expected = NewRecord {
            topic: "t".into(),
            partition: 3,
            timestamp_ms: Some(5),
            key: None,
            value: Some("value".into()),
            headers: vec![Header::new("a", "1"), Header::new("b", ""), Header::new("a", "22")],
        };
        assert_eq!(copy, expected);
        assert_eq!(copy.size(), lent.size());
        assert!(lent.headers().eq(copy.headers()));
    }
}
