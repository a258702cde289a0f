//! From librdkafka's outcome of a record to what its receipt says.

use std::{sync::Arc, time::Duration};

use super::native::{Code, NativeError};
use crate::{AppendError, Outgoing, TopicPartition, kafka::limits};

/// What must be remembered of a record to say what became of it.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) partition: TopicPartition,
    bytes: usize,
    keyless: bool,
}

impl Sent {
    pub(super) fn new(record: &impl Outgoing) -> Self {
        let bytes = limits::batch_bytes(record);
        Self::of_parts(record.topic(), record.partition(), bytes, record.key().is_none())
    }

    pub(super) fn of_parts(topic: &Arc<str>, partition: i32, bytes: usize, keyless: bool) -> Self {
        Self { partition: TopicPartition::new(topic.clone(), partition), bytes, keyless }
    }

    /// Says why the record is not known to be in the log. `bytes_max` is the limit as far as it is known.
    pub(super) fn error(&self, error: NativeError, waited: Duration, bytes_max: usize) -> AppendError {
        let topic = self.partition.topic.to_string();
        match error.code {
            code if code.is_unknown_topic() => AppendError::UnknownTopic { topic },
            // That the topic has the partition was checked before: it has none any more. The second is what a record gets
            // that reached librdkafka's partition while that was taken down.
            Code::LOCAL_UNKNOWN_PARTITION | Code::DESTROYED => AppendError::UnknownTopic { topic },
            Code::TOO_LARGE | Code::BATCH_TOO_LARGE => AppendError::TooLarge { topic, bytes: self.bytes, bytes_max },
            Code::INVALID_RECORD if self.keyless => AppendError::KeyRequired { topic },
            Code::PURGED_QUEUE | Code::MESSAGE_TIMED_OUT if error.not_sent => {
                AppendError::NotSent { topic, source: error.into() }
            }
            Code::PURGED_QUEUE | Code::PURGED_IN_FLIGHT => AppendError::Closed,
            // Another record of the batch was refused: this one may be tried again.
            Code::INVALID_DIFFERENT_RECORD | Code::MESSAGE_TIMED_OUT => {
                AppendError::Unconfirmed { topic, waited, source: error.into() }
            }
            code if code.is_transient() => AppendError::Unconfirmed { topic, waited, source: error.into() },
            _ => AppendError::Refused { topic, source: error.into() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Class, NewRecord};

    #[test]
    fn sorts_outcomes() {
        let record = NewRecord {
            topic: "t".into(),
            partition: 3,
            timestamp_ms: None,
            key: None,
            value: None,
            headers: Vec::new(),
        };
        let sent = Sent::new(&record);
        let class = |code| sent.error(NativeError::new(code), Duration::ZERO, 1).class();
        for (code, expected) in [
            (Code::MESSAGE_TIMED_OUT, Class::Transient),
            (Code::TRANSPORT, Class::Transient),
            (Code::NOT_ENOUGH_REPLICAS, Class::Transient),
            (Code::TOO_LARGE, Class::Poison),
            (Code::INVALID_RECORD, Class::Poison),
            (Code::UNKNOWN_TOPIC_OR_PARTITION, Class::Fatal),
            (Code::PURGED_IN_FLIGHT, Class::Fatal),
            (Code::FATAL, Class::Fatal),
        ] {
            assert_eq!(class(code), expected, "{code:?}");
        }
        for (not_sent, in_doubt) in [(true, false), (false, true)] {
            let error = NativeError::new(Code::MESSAGE_TIMED_OUT).of_record(not_sent);
            assert_eq!(sent.error(error, Duration::ZERO, 1).is_in_doubt(), in_doubt);
        }
        for code in [Code::LOCAL_UNKNOWN_PARTITION, Code::DESTROYED] {
            let unknown = sent.error(NativeError::new(code), Duration::ZERO, 1);
            assert_eq!(unknown.to_string(), "topic t does not exist", "{code:?}");
        }
    }
}
