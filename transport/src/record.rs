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
        const OVERHEAD: usize = 64;
        let headers: usize =
            self.headers.iter().map(|h| h.name.len() + h.value.as_ref().map_or(0, Bytes::len) + 4).sum();
        OVERHEAD + self.key.as_ref().map_or(0, Bytes::len) + self.value.as_ref().map_or(0, Bytes::len) + headers
    }
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
