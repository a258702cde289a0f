//! What a topic takes, known before a record goes to librdkafka.
//!
//! A broker refuses a whole batch for one record that is too large or has no key, and librdkafka then fails all records
//! of it. So the writer looks first.

use std::collections::BTreeMap;

use super::config::RECORD_BYTES_MAX;
use crate::{AppendError, Outgoing, TopicPartition};

/// What a writer must know of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TopicLimits {
    pub(super) partitions: i32,
    /// The largest batch, `max.message.bytes`.
    pub(super) batch_bytes_max: usize,
    /// A compacted topic takes no record without a key.
    pub(super) key_required: bool,
}

impl TopicLimits {
    /// Where the settings are not told, the broker decides.
    pub(super) fn new(partitions: usize, settings: &BTreeMap<String, String>) -> Self {
        let bytes_max = settings.get("max.message.bytes").and_then(|max| max.parse().ok());
        Self {
            partitions: i32::try_from(partitions).unwrap_or(i32::MAX),
            batch_bytes_max: bytes_max.unwrap_or(RECORD_BYTES_MAX).min(RECORD_BYTES_MAX),
            key_required: settings.get("cleanup.policy").is_some_and(|policy| policy.contains("compact")),
        }
    }

    /// Whether the topic takes the record; the size of a batch of it alone.
    pub(super) fn check(&self, record: &impl Outgoing) -> Result<usize, AppendError> {
        if !(0..self.partitions).contains(&record.partition()) {
            let partition = TopicPartition::new(record.topic().clone(), record.partition());
            return Err(AppendError::UnknownPartition { partition });
        }
        if self.key_required && record.key().is_none() {
            return Err(AppendError::KeyRequired { topic: record.topic().to_string() });
        }
        let bytes = batch_bytes(record);
        if bytes > self.batch_bytes_max {
            let topic = record.topic().to_string();
            return Err(AppendError::TooLarge { topic, bytes, bytes_max: self.batch_bytes_max });
        }
        Ok(bytes)
    }
}

/// The size of a batch of this record alone, not compressed: what a broker compares with the topic's limit.
///
/// Source: the record batch format, version 2, in Kafka's documentation of its message format.
pub(super) fn batch_bytes(record: &impl Outgoing) -> usize {
    const BATCH_HEADER: usize = 61;
    const ATTRIBUTES_AND_DELTAS: usize = 3;
    let field = |bytes: Option<&[u8]>| bytes.map_or(1, |bytes| varint_bytes(bytes.len()) + bytes.len());
    let headers: usize = record.headers().map(|(name, value)| field(Some(name)) + field(value)).sum();
    let body = ATTRIBUTES_AND_DELTAS
        + field(record.key())
        + field(record.value())
        + varint_bytes(record.headers().len())
        + headers;
    BATCH_HEADER + varint_bytes(body) + body
}

/// How long a length is as a zigzag varint.
fn varint_bytes(length: usize) -> usize {
    let bits = usize::BITS - (length << 1).leading_zeros();
    (bits.max(1) as usize).div_ceil(7)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Header, NewRecord};

    fn record(key: Option<&'static str>, value: usize) -> NewRecord {
        NewRecord {
            topic: "t".into(),
            partition: 0,
            timestamp_ms: None,
            key: key.map(Into::into),
            value: Some(vec![0; value].into()),
            headers: Vec::new(),
        }
    }

    #[test]
    fn reads_the_settings_of_a_topic() {
        let settings = [("max.message.bytes", "5000"), ("cleanup.policy", "compact,delete")];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let expected = TopicLimits { partitions: 2, batch_bytes_max: 5000, key_required: true };
        assert_eq!(TopicLimits::new(2, &settings), expected);
        let unknown = TopicLimits { partitions: 2, batch_bytes_max: RECORD_BYTES_MAX, key_required: false };
        assert_eq!(TopicLimits::new(2, &BTreeMap::new()), unknown);
    }

    #[test]
    fn knows_the_length_of_lengths() {
        for (length, expected) in [(0, 1), (63, 1), (64, 2), (8191, 2), (8192, 3), (1 << 20, 4)] {
            assert_eq!(varint_bytes(length), expected, "{length}");
        }
    }

    #[test]
    fn counts_every_byte_of_a_batch() {
        // Header, then length, attributes, two deltas, null key, value of 10 with its length, no headers.
        assert_eq!(batch_bytes(&record(None, 10)), 61 + 1 + 3 + 1 + 11 + 1);
        let mut with_headers = record(Some("abc"), 0);
        with_headers.headers = vec![Header::new("n", "v"), Header { name: "m".into(), value: None }];
        assert_eq!(batch_bytes(&with_headers), 61 + 1 + 3 + 4 + 1 + 1 + 4 + 3);
    }

    #[test]
    fn refuses_what_a_broker_would_refuse() {
        let limits = TopicLimits { partitions: 1, batch_bytes_max: 1000, key_required: true };
        assert!(limits.check(&record(Some("k"), 900)).is_ok());
        assert!(matches!(limits.check(&record(Some("k"), 1000)), Err(AppendError::TooLarge { bytes_max: 1000, .. })));
        assert!(matches!(limits.check(&record(None, 1)), Err(AppendError::KeyRequired { .. })));
        for partition in [-1, 1] {
            let elsewhere = NewRecord { partition, ..record(Some("k"), 1) };
            assert!(matches!(limits.check(&elsewhere), Err(AppendError::UnknownPartition { .. })));
        }
    }
}
