//! What someone asks of held records, while their partition is being handled.

use coursebus_transport::{Offset, TopicPartition};
use tokio::sync::oneshot;

/// Which held records are meant: those to which everything that is given applies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeldFilter {
    /// Of this partition.
    pub partition: Option<TopicPartition>,
    /// Held for this reason: a code with a page in docs/errors/.
    pub code: Option<String>,
    /// Of this order key: its bytes.
    pub order_key: Option<Vec<u8>>,
    /// From this offset on.
    pub from: Option<Offset>,
    /// Before this offset.
    pub until: Option<Offset>,
}

impl HeldFilter {
    /// All of them.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Whether a held record is meant.
    #[must_use]
    pub fn matches(&self, held: &HeldInfo) -> bool {
        self.partition.as_ref().is_none_or(|partition| *partition == held.partition)
            && self.code.as_ref().is_none_or(|code| *code == held.code)
            && self.order_key.as_ref().is_none_or(|key| held.order_key.as_deref() == Some(key))
            && self.from.is_none_or(|from| held.offset >= from)
            && self.until.is_none_or(|until| held.offset < until)
    }
}

/// A parked record, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldInfo {
    /// Topic and partition.
    pub partition: TopicPartition,
    /// Its place.
    pub offset: Offset,
    /// A code with a page in docs/errors/.
    pub code: String,
    /// A sentence without any of the record's contents.
    pub reason: String,
    /// The order key's bytes; none where the value cannot be decoded.
    pub order_key: Option<Box<[u8]>>,
    /// The first held record of its key, where it is not this one.
    pub behind: Option<Offset>,
    /// Whether it is tried again without being asked for.
    pub automatic: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum Verb {
    List,
    Retry,
    Discard { reason: String },
}

/// A question to the owner of a partition.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) verb: Verb,
    pub(crate) filter: HeldFilter,
    /// The records that were meant. Answered when what was asked for is durable.
    pub(crate) answer: oneshot::Sender<Vec<HeldInfo>>,
}
