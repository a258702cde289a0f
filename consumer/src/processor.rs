//! What happens to the records of a partition.

use async_trait::async_trait;
use coursebus_transport::{Cause, Class, Start, TopicPartition};

use crate::lane::{Input, Progress};

/// Processes partitions. One a consumer group and process; its partitions run beside each other.
#[async_trait]
pub trait Processor: Send + Sync + 'static {
    /// Takes partitions over, before anything of them is fetched, and answers where each starts; those it leaves out start
    /// at the group's committed position. Whoever had them before must be unable to write from when this returns.
    async fn take_over(&self, partitions: &[TopicPartition]) -> Result<Vec<(TopicPartition, Start)>, ProcessError>;

    /// Processes one partition until its input ends, and reports how far it is. When the input ends, what was taken is
    /// finished and reported; the engine waits for that up to its drain time-out and then drops the future.
    ///
    /// # Errors
    /// `Fenced` when someone else has taken the partition over; `Stopped` when only this partition cannot go on; anything else
    /// ends the engine.
    async fn run(&self, partition: TopicPartition, input: Input, progress: Progress) -> Result<(), ProcessError>;
}

/// A partition cannot be processed further.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProcessError {
    /// Someone else has taken the partition over; nothing more was written.
    #[error("{partition} was taken over by another process")]
    Fenced {
        /// Topic and partition.
        partition: TopicPartition,
    },
    /// A record of the partition is poison and the policy is to stop, or no more may be held. The other partitions go on,
    /// unless the engine is to end by itself.
    #[error("{partition} is stopped: {what}")]
    Stopped {
        /// Topic and partition.
        partition: TopicPartition,
        /// Why, without any of the record's contents.
        what: String,
    },
    /// The position is of a part of the log that is gone: going on would skip events in silence.
    #[error("{what}")]
    Gap {
        /// Topic and partition.
        partition: TopicPartition,
        /// Which records are missing, and why.
        what: String,
    },
    /// What the processor depends on stayed away for the whole of its budget.
    #[error("could not {what}")]
    Unavailable {
        /// The verb that failed.
        what: String,
        /// What was said last.
        source: Cause,
    },
    /// A broken database, access rights, a bug.
    #[error("{what}")]
    Refused {
        /// What is wrong.
        what: String,
        /// Why, where something said so.
        source: Option<Cause>,
    },
}

impl ProcessError {
    /// What a program should do about it.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Unavailable { .. } => Class::Transient,
            Self::Fenced { .. } | Self::Stopped { .. } | Self::Gap { .. } | Self::Refused { .. } => Class::Fatal,
        }
    }
}
