//! A consumer group as it is seen from outside.

use crate::{Offset, TopicPartition};

/// A group as of one moment. One that nobody has joined and that has committed nothing is empty, not an error: a group is
/// made by its first member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupInfo {
    /// Its name.
    pub name: String,
    /// Its members, by id. On Kafka one that was killed stays until its session time-out.
    pub members: Vec<GroupMember>,
    /// Whether partitions are moving between members just now.
    pub rebalancing: bool,
    /// What it has committed, by topic and partition, as the next offset to read.
    pub committed: Vec<(TopicPartition, Offset)>,
}

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMember {
    /// The name that the group gave it.
    pub id: String,
    /// Where it runs, as far as the backend tells: a host, or `pid N` of this machine.
    pub place: String,
    /// What it owns, by topic and partition.
    pub partitions: Vec<TopicPartition>,
}
