//! What a topic is asked to be, and what it is.

use std::{collections::BTreeMap, time::Duration};

/// What happens to old records of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Cleanup {
    /// Records go when they are older than the topic's retention.
    #[default]
    Delete,
    /// Of each key the last record stays; a null value removes the key after `delete.retention.ms` (default one day).
    Compact,
}

/// What a new topic is asked to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    /// The full name, prefix included: letters, digits, `.`, `_`, `-`; 249 characters at most.
    pub name: String,
    /// 1 to 10,000.
    pub partitions: i32,
    /// How many brokers hold each partition. `None`: the smaller of 3 and the number of brokers. An embedded log ignores it.
    pub replication: Option<i32>,
    /// What happens to old records.
    pub cleanup: Cleanup,
    /// How long records stay under [`Cleanup::Delete`]. `None` keeps them for ever.
    pub retention: Option<Duration>,
    /// The largest record, in bytes. `None`: 1 MiB.
    pub record_bytes_max: Option<usize>,
    /// Settings of the backend by their Kafka names, for what this struct has no field for. An embedded log knows
    /// `delete.retention.ms`, `segment.ms` and `min.cleanable.dirty.ratio`, and ignores others.
    pub settings: BTreeMap<String, String>,
}

impl TopicSpec {
    /// A topic with defaults: records are kept for ever, up to 1 MiB each.
    pub fn new(name: impl Into<String>, partitions: i32) -> Self {
        Self {
            name: name.into(),
            partitions,
            replication: None,
            cleanup: Cleanup::Delete,
            retention: None,
            record_bytes_max: None,
            settings: BTreeMap::new(),
        }
    }

    /// The same topic, compacted.
    #[must_use]
    pub fn compacted(mut self) -> Self {
        self.cleanup = Cleanup::Compact;
        self
    }
}

/// A topic that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicInfo {
    /// The full name, prefix included.
    pub name: String,
    /// Differs from that of an earlier topic of the same name: a recreated topic is another topic.
    pub id: TopicId,
    /// How many partitions it has.
    pub partitions: i32,
    /// On how many brokers; 1 on an embedded log.
    pub replication: i32,
    /// Its settings by their Kafka names, as far as the backend tells them.
    pub settings: BTreeMap<String, String>,
}

/// The identity of a topic, as text. Two topics of one name that existed one after the other have different ones.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicId(pub String);

/// The identity of a cluster (or of one embedded log), as text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClusterId(pub String);
