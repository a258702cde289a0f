//! What can go wrong with a log, one enum per operation, each with the class that says what a program should do.

use std::{path::PathBuf, time::Duration};

use crate::{Offset, TopicPartition};

/// What a program does about an error. Matched exhaustively; never read from the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// The same call may succeed later: try again, within a budget.
    Transient,
    /// This record can never succeed: hold it and go on.
    Poison,
    /// Neither waiting nor skipping helps: stop, and let a person look.
    Fatal,
}

/// The cause below an error of this crate, kept for the chain that a person reads.
pub type Cause = Box<dyn std::error::Error + Send + Sync + 'static>;

/// A log could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The address names neither backend.
    #[error("the bus address '{address}' is neither embedded:DIR nor kafka://host:port")]
    Address {
        /// What was given.
        address: String,
    },
    /// The folder of an embedded log cannot be used.
    #[error("the embedded log in {path} cannot be opened")]
    Embedded {
        /// The folder, absolute.
        path: PathBuf,
        /// What the file system or SQLite said.
        source: Cause,
    },
    /// The log was written by a version whose files this one does not read.
    #[error("the embedded log in {path} has format {found}, this program reads {supported}")]
    Format {
        /// The folder, absolute.
        path: PathBuf,
        /// The format number in the file.
        found: i64,
        /// The format number this build reads.
        supported: i64,
    },
    /// A settings file is missing, unreadable or has a wrong line.
    #[error("the Kafka settings in {path} cannot be used: {reason}")]
    Settings {
        /// The file that `COURSEBUS_KAFKA_CONFIG` names.
        path: PathBuf,
        /// Which line, and why; never a value, which may be a secret.
        reason: String,
    },
    /// librdkafka refused to make a client.
    #[error("no Kafka client for {bootstrap}")]
    Client {
        /// The brokers' addresses.
        bootstrap: String,
        /// What librdkafka said.
        source: Cause,
    },
}

/// A question about topics, offsets or groups, or a change of them, failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// No such topic. `coursebus apply` creates the catalogue's.
    #[error("topic {topic} does not exist")]
    UnknownTopic {
        /// The full name, prefix included.
        topic: String,
    },
    /// A topic of that name is there already; nothing was changed.
    #[error("topic {topic} exists already")]
    TopicExists {
        /// The full name, prefix included.
        topic: String,
    },
    /// The topic has no such partition.
    #[error("topic {} has no partition {}", partition.topic, partition.partition)]
    UnknownPartition {
        /// The topic and the partition asked for.
        partition: TopicPartition,
    },
    /// The name, a partition count or a setting is not one that the log takes.
    #[error("topic {topic} is refused: {reason}")]
    Invalid {
        /// The full name, prefix included.
        topic: String,
        /// Why.
        reason: String,
    },
    /// The group has members, which would go on from their own positions. Nothing was changed.
    #[error("group {group} has {members} active member(s)")]
    GroupActive {
        /// The group.
        group: String,
        /// How many members it has.
        members: usize,
    },
    /// The log did not answer in time, or is not there.
    #[error("the log did not {what} within {waited:?}")]
    Unavailable {
        /// The verb that failed: `list topics`, `create topic x`.
        what: String,
        /// How long was waited.
        waited: Duration,
        /// What the backend said last.
        source: Cause,
    },
    /// The log refused for a reason that waiting does not change: access rights, a broken file.
    #[error("the log refused to {what}")]
    Refused {
        /// The verb that failed.
        what: String,
        /// What the backend said.
        source: Cause,
    },
}

impl AdminError {
    /// What a program should do about it.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Unavailable { .. } => Class::Transient,
            Self::UnknownTopic { .. }
            | Self::TopicExists { .. }
            | Self::UnknownPartition { .. }
            | Self::Invalid { .. }
            | Self::GroupActive { .. }
            | Self::Refused { .. } => Class::Fatal,
        }
    }
}

/// A record was not appended, or not known to be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// No such topic, after the bounded wait in which a new one may appear. Nothing was written.
    #[error("topic {topic} does not exist")]
    UnknownTopic {
        /// The full name, prefix included.
        topic: String,
    },
    /// The topic has no such partition. Nothing was written.
    #[error("topic {} has no partition {}", partition.topic, partition.partition)]
    UnknownPartition {
        /// The topic and the partition asked for.
        partition: TopicPartition,
    },
    /// The record is larger than the topic takes. Nothing was written.
    #[error("a record of {bytes} bytes is over the limit of {bytes_max} of topic {topic}")]
    TooLarge {
        /// The full name, prefix included.
        topic: String,
        /// Key, value and headers, in bytes.
        bytes: usize,
        /// The topic's limit, in bytes.
        bytes_max: usize,
    },
    /// The topic is compacted, which takes a record only with a key. Nothing was written.
    #[error("topic {topic} is compacted and the record has no key")]
    KeyRequired {
        /// The full name, prefix included.
        topic: String,
    },
    /// A newer writer with the same transactional id took over. Nothing of this transaction is visible.
    #[error("the transactional writer {id} was fenced by a newer one")]
    Fenced {
        /// The transactional id.
        id: String,
    },
    /// Positions were to be committed of a partition that another member has now. Nothing of this transaction is visible.
    #[error("{partition} belongs to another member of group {group}")]
    NotOwner {
        /// Topic and partition.
        partition: TopicPartition,
        /// The group.
        group: String,
    },
    /// Positions could not be committed while the group is divided anew. Nothing of this transaction is visible.
    #[error("group {group} is being divided anew")]
    Rebalancing {
        /// The group.
        group: String,
        /// What the backend said.
        source: Cause,
    },
    /// The record was not sent before its time was up, or before the writer was closed. Nothing was written: it can be
    /// appended again without a duplicate.
    #[error("a record for topic {topic} was not sent in time")]
    NotSent {
        /// The full name, prefix included.
        topic: String,
        /// What the backend said last; for an embedded log the process that holds its lock.
        source: Cause,
    },
    /// The log did not confirm in time. **The record may or may not be in the log.**
    #[error("topic {topic} did not confirm a record within {waited:?}")]
    Unconfirmed {
        /// The full name, prefix included.
        topic: String,
        /// How long was waited.
        waited: Duration,
        /// What the backend said last; for an embedded log the process that holds its lock.
        source: Cause,
    },
    /// The writer was closed before the record was confirmed. **The record may or may not be in the log.**
    #[error("the writer was closed before the record was confirmed")]
    Closed,
    /// The log refused for a reason that waiting does not change. Nothing was written.
    #[error("the log refused a record for topic {topic}")]
    Refused {
        /// The full name, prefix included.
        topic: String,
        /// What the backend said.
        source: Cause,
    },
}

impl AppendError {
    /// What a program should do about it.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::NotSent { .. } | Self::Unconfirmed { .. } | Self::Rebalancing { .. } => Class::Transient,
            Self::TooLarge { .. } | Self::KeyRequired { .. } => Class::Poison,
            Self::UnknownTopic { .. }
            | Self::UnknownPartition { .. }
            | Self::Fenced { .. }
            | Self::NotOwner { .. }
            | Self::Closed
            | Self::Refused { .. } => Class::Fatal,
        }
    }

    /// Whether the record may be in the log all the same, so that appending it again may make a duplicate.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        match self {
            Self::Unconfirmed { .. } | Self::Closed => true,
            Self::UnknownTopic { .. }
            | Self::UnknownPartition { .. }
            | Self::TooLarge { .. }
            | Self::KeyRequired { .. }
            | Self::Fenced { .. }
            | Self::NotOwner { .. }
            | Self::Rebalancing { .. }
            | Self::NotSent { .. }
            | Self::Refused { .. } => false,
        }
    }
}

/// Records could not be read, or a group member lost its place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// No such topic, after a bounded wait.
    #[error("topic {topic} does not exist")]
    UnknownTopic {
        /// The full name, prefix included.
        topic: String,
    },
    /// The position is not in the log any more (retention) or not yet (the topic was recreated).
    #[error("offset {position} of {partition} is outside the log, which has {earliest} to {latest}")]
    OutOfRange {
        /// Topic and partition.
        partition: TopicPartition,
        /// The next offset that was to be read.
        position: Offset,
        /// The first offset that is there.
        earliest: Offset,
        /// The offset after the last one.
        latest: Offset,
    },
    /// Another member owns the partition now; what was to be committed was not.
    #[error("{partition} belongs to another member of group {group}")]
    Fenced {
        /// Topic and partition.
        partition: TopicPartition,
        /// The group.
        group: String,
    },
    /// A newer member of the group has the name that this one was given: this one is out, and commits nothing more.
    #[error("another member of group {group} with the name {instance} has taken this one's place")]
    Replaced {
        /// The group.
        group: String,
        /// The name that both were given.
        instance: String,
    },
    /// The log did not answer in time, or is not there.
    #[error("the log did not {what} within {waited:?}")]
    Unavailable {
        /// The verb that failed.
        what: String,
        /// How long was waited.
        waited: Duration,
        /// What the backend said last.
        source: Cause,
    },
    /// Stored records cannot be read: a broken file, access rights, a client that gave up for good.
    #[error("the log refused to {what}")]
    Refused {
        /// The verb that failed.
        what: String,
        /// What the backend said.
        source: Cause,
    },
    /// The reader was closed.
    #[error("the reader was closed")]
    Closed,
}

impl ReadError {
    /// What a program should do about it.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Unavailable { .. } => Class::Transient,
            Self::UnknownTopic { .. }
            | Self::OutOfRange { .. }
            | Self::Fenced { .. }
            | Self::Replaced { .. }
            | Self::Refused { .. }
            | Self::Closed => Class::Fatal,
        }
    }
}
