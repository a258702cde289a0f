//! What a topic is by contract: its partitions, what is kept, and which partitioner its writers share.

use std::time::Duration;

/// A topic of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Topic {
    /// The name without the prefix.
    pub name: &'static str,
    /// How many partitions it is created with.
    pub partitions: i32,
    /// How many brokers hold each record; `None`: the smaller of 3 and the number of brokers.
    pub replication: Option<i32>,
    /// What happens to old records.
    pub cleanup: Cleanup,
    /// How long records are kept; `None`: for ever, so that a new group can start from the beginning.
    pub retention: Option<Duration>,
    /// How a record key becomes a partition.
    pub partitioner: Partitioner,
    /// One sentence for people.
    pub description: &'static str,
}

/// What the log does with old records (Kafka's `cleanup.policy`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cleanup {
    /// Records go when their retention has passed.
    Delete,
    /// The last record of each key stays. Only where the record key is the order key.
    Compact,
}

/// How all writers of a topic turn a record key into a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Partitioner {
    /// CRC-32 of the framed key, as librdkafka and so the Python services do.
    Crc32,
    /// murmur2 of the framed key, as Java clients do.
    Murmur2,
}

impl Topic {
    /// The name on the cluster: `<prefix>-<topic>`.
    pub fn full_topic(&self, prefix: &str) -> String {
        format!("{prefix}-{}", self.name)
    }
}

impl Cleanup {
    /// Kafka's name for it: `delete` or `compact`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Compact => "compact",
        }
    }
}

impl Partitioner {
    /// The name in the catalogue: `crc32` or `murmur2`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Crc32 => "crc32",
            Self::Murmur2 => "murmur2",
        }
    }
}
