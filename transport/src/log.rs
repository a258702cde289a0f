//! The contract of a log. Every backend passes the suite in `conformance/`.
//!
//! Nothing above this crate knows which backend it runs on.

use std::{collections::HashSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::sync::oneshot;

use crate::{
    AdminError, AppendError, Appended, ClusterId, GroupInfo, GroupSettings, NewRecord, Offset, ReadError, Record,
    TopicInfo, TopicPartition, TopicSpec, Writer, WriterSettings,
};

/// A cluster of topics. All calls may be made from any task; each waits a bounded time ([`crate::Settings::request_timeout`])
/// and then fails with an `Unavailable`.
#[async_trait]
pub trait Log: Send + Sync + 'static {
    /// The identity of the cluster; it outlives every process and never changes.
    async fn cluster(&self) -> Result<ClusterId, AdminError>;

    /// Creates a topic. When this returns, the topic can be written to and read from.
    ///
    /// # Errors
    /// `TopicExists` when there is one of that name, whatever its settings; `Invalid` for a name, count or setting that is
    /// refused.
    async fn create_topic(&self, spec: &TopicSpec) -> Result<(), AdminError>;

    /// Gives a topic more partitions: `partitions` in all. When this returns, the new ones can be written to and read, and
    /// groups that read the topic are about to get them. Keys move to other partitions, so it is for topics without an order,
    /// or for one that nobody writes to and that every group has read to its end.
    ///
    /// # Errors
    /// `UnknownTopic`; `Invalid` where it has as many or more already.
    async fn grow_topic(&self, name: &str, partitions: i32) -> Result<(), AdminError>;

    /// Deletes a topic with all its records and the groups' positions on it. When this returns, [`Log::topic`] fails with
    /// `UnknownTopic`.
    async fn delete_topic(&self, name: &str) -> Result<(), AdminError>;

    /// All topics, by name, without the backend's own.
    async fn topics(&self) -> Result<Vec<TopicInfo>, AdminError>;

    /// One topic. Fails with `UnknownTopic` where it does not exist, and never creates it.
    async fn topic(&self, name: &str) -> Result<TopicInfo, AdminError>;

    /// The first offset that can be read, and the offset after the last record that a committed reader can see. The
    /// difference is an **upper bound** of what there is to read: transactions and compaction leave holes.
    async fn range(&self, partition: &TopicPartition) -> Result<Range, AdminError>;

    /// The first offset whose record was emitted at `timestamp_ms` or later; the end where there is none.
    async fn offset_at(&self, partition: &TopicPartition, timestamp_ms: i64) -> Result<Offset, AdminError>;

    /// The positions that a group has committed; `None` where it has none.
    async fn committed(&self, group: &str, partitions: &[TopicPartition]) -> Result<Vec<Option<Offset>>, AdminError>;

    /// The names of all groups that have members or positions, sorted.
    async fn groups(&self) -> Result<Vec<String>, AdminError>;

    /// The groups with members that speak a protocol of their own and not a consumer's, such as `sr`, by which registries of
    /// Confluent elect their leader. None on a log that only this project writes to.
    async fn groups_speaking(&self, _protocol: &str) -> Result<Vec<String>, AdminError> {
        Ok(Vec::new())
    }

    /// One group as of now. Not an error where nobody has joined it yet: it is empty then.
    async fn group(&self, name: &str) -> Result<GroupInfo, AdminError>;

    /// Sets the positions of a group from outside, all or none. Whoever joins next starts there, unless it says otherwise
    /// ([`Assignment::start`]).
    ///
    /// # Errors
    /// `GroupActive` while the group has members; `UnknownTopic`, `UnknownPartition`. Nothing is changed then.
    async fn set_positions(&self, group: &str, positions: &[(TopicPartition, Offset)]) -> Result<(), AdminError>;

    /// A writer. Cheap to use from many tasks; make one and share it.
    async fn writer(&self, settings: WriterSettings) -> Result<Writer, AppendError>;

    /// A writer of transactions. From when this returns, every earlier writer with the same `id` is fenced, in whichever
    /// process it runs: its next commit fails with `Fenced` and none of its open transaction becomes visible.
    async fn transactional(&self, id: &str) -> Result<Box<dyn TxWriter>, AppendError>;

    /// A reader outside any group, from the given positions on.
    ///
    /// # Errors
    /// `UnknownTopic`. A position out of range is reported by the first [`Reader::next`].
    async fn reader(
        &self,
        from: Vec<(TopicPartition, Offset)>,
        settings: ReaderSettings,
    ) -> Result<Box<dyn Reader>, ReadError>;

    /// Joins a consumer group. The first event of [`Member::next`] is an [`Event::Assigned`], once the group has agreed.
    ///
    /// # Errors
    /// `UnknownTopic` when one of the topics that are named in full does not exist; `Refused` for a pattern or a name of a
    /// member that cannot be one.
    async fn join(&self, settings: GroupSettings) -> Result<Box<dyn Member>, ReadError>;
}

/// What a partition holds, as a pair of positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first record that can be read (the next one, where it is a hole).
    pub earliest: Offset,
    /// The offset after the last one.
    pub latest: Offset,
}

/// The partitions that records go to, each once: what [`TxWriter::sweep`] wants to know.
pub fn partitions_of<'a>(records: impl IntoIterator<Item = &'a NewRecord>) -> Vec<TopicPartition> {
    let places: HashSet<(&Arc<str>, i32)> = records.into_iter().map(|r| (&r.topic, r.partition)).collect();
    places.into_iter().map(|(topic, partition)| TopicPartition::new(topic.clone(), partition)).collect()
}

/// Writes several records so that a committed reader sees all of them or none.
///
/// Source: KIP-98. One transaction at a time; not for use from several tasks.
#[async_trait]
pub trait TxWriter: Send {
    /// Begins a transaction. An open one is aborted first.
    async fn begin(&mut self) -> Result<(), AppendError>;

    /// Makes sure that no commit of this writer completes what an earlier transaction of its id left open on these partitions.
    /// To be called before [`TxWriter::begin`] with the partitions that the transaction will write to; what was swept once is
    /// not swept again.
    ///
    /// A backend does nothing where a new writer of the id already settles that. On Kafka the broker should, and does not
    /// always (ADR 0020): there it is an aborted transaction with a record a partition, which no committed reader sees.
    ///
    /// # Errors
    /// Those of [`TxWriter::append`] and [`TxWriter::commit`]; it may be tried again.
    async fn sweep(&mut self, partitions: &[TopicPartition]) -> Result<(), AppendError> {
        let _ = partitions;
        Ok(())
    }

    /// Adds a record. It is refused here or by [`TxWriter::commit`].
    async fn append(&mut self, record: NewRecord) -> Result<(), AppendError>;

    /// Commits positions of a group with the transaction: they and the records are there together, or neither is.
    ///
    /// Source: KIP-98, KIP-447.
    ///
    /// # Errors
    /// `NotOwner`, here or by [`TxWriter::commit`], when the member does not own one of the partitions any more: nothing of
    /// the transaction becomes visible. `Rebalancing` when the group is just being divided anew: abort, and begin again.
    async fn positions(
        &mut self,
        member: &Membership,
        positions: &[(TopicPartition, Offset)],
    ) -> Result<(), AppendError>;

    /// Makes the records visible, together, and says where they lie, in the order in which they were added.
    ///
    /// # Errors
    /// `Fenced`: nothing became visible, and this writer is of no more use. `Unconfirmed`: the outcome is not known, and
    /// this writer may say `Closed` from now on; a new one of the same id settles it.
    async fn commit(&mut self) -> Result<Vec<Appended>, AppendError>;

    /// Gives the transaction up; nothing of it becomes visible to a committed reader.
    async fn abort(&mut self) -> Result<(), AppendError>;
}

/// How a reader behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderSettings {
    /// How many bytes may be fetched ahead. At the bound fetching stops until the records are taken. Default 16 MiB.
    pub ahead_bytes_max: usize,
    /// Whether records of open and aborted transactions are read too. Default false. (An embedded log has none to show.)
    pub uncommitted: bool,
}

impl Default for ReaderSettings {
    fn default() -> Self {
        Self { ahead_bytes_max: 16 << 20, uncommitted: false }
    }
}

/// Reads partitions from given positions. Belongs to no group and commits nothing.
#[async_trait]
pub trait Reader: Send {
    /// The next records, in the order of their partition, and the ends that were reached. Waits up to `wait` for the first
    /// of either; may return nothing. Cancel-safe.
    ///
    /// # Errors
    /// `OutOfRange` when a position is not in the log; `Refused` when it cannot be read. After an error that is not
    /// transient the reader is of no more use.
    async fn next(&mut self, wait: Duration) -> Result<Fetched, ReadError>;
}

/// What a reader or a member got.
#[derive(Debug, Default)]
pub struct Fetched {
    /// Records, ordered within each partition; partitions may be mixed.
    pub records: Vec<Record>,
    /// Partitions whose end was reached, once per end: all records that were there have been handed out, in this or an
    /// earlier answer, and the position is the next to read. Holes are behind it.
    pub ends: Vec<(TopicPartition, Offset)>,
}

/// A member of a consumer group: the group's partitions are divided among its members, each partition has one owner at a
/// time, and when members come and go only the partitions that move are interrupted (cooperative, sticky).
///
/// The member keeps itself alive on a thread of its own: a caller that is slow to call [`Member::next`] loses nothing but
/// time. It stops fetching at its byte bound, and goes on fetching when records are taken.
#[async_trait]
pub trait Member: Send {
    /// What happened next. Cancel-safe.
    ///
    /// # Errors
    /// `OutOfRange` when a given position is not in the log; `Replaced` when a newer member has this one's name;
    /// `Unavailable` after the log was away for long (the member goes
    /// on trying: call again); others end the membership.
    async fn next(&mut self) -> Result<Event, ReadError>;

    /// Commits positions of the group, from any task.
    fn committer(&self) -> Arc<dyn Committer>;

    /// Stops and restarts fetching of partitions that the member owns. Records fetched before are still handed out.
    /// Unknown partitions are ignored; one that is assigned anew is not paused.
    fn pause(&self, partitions: &[TopicPartition], paused: bool);

    /// Leaves the group, so that others take over at once (after the session, where it has a name of its own): no revocation is handed out, the caller has drained and
    /// committed already. Waits no longer than `deadline`; then the thread is left behind and ends by itself.
    async fn leave(self: Box<Self>, deadline: Duration);
}

/// Commits positions of a group.
#[async_trait]
pub trait Committer: Send + Sync {
    /// Commits the next offsets to read, all or none per partition.
    ///
    /// # Errors
    /// `Fenced` when the member does not own one of them any more.
    async fn commit(&self, positions: &[(TopicPartition, Offset)]) -> Result<(), ReadError>;

    /// What a transaction needs to know of the member, to commit its positions.
    fn membership(&self) -> Membership;
}

/// Which member of which group: fences the transactions of one that is not any more. Cheap to clone.
#[derive(Clone)]
pub struct Membership(pub(crate) MemberOf);

#[derive(Clone)]
pub(crate) enum MemberOf {
    Embedded {
        group: String,
        member: String,
    },
    Kafka(Arc<crate::kafka::KafkaMembership>),
    #[cfg(feature = "memory")]
    Memory {
        group: String,
        member: String,
    },
}

impl Membership {
    /// The group's name.
    #[must_use]
    pub fn group(&self) -> &str {
        match &self.0 {
            MemberOf::Embedded { group, .. } => group,
            #[cfg(feature = "memory")]
            MemberOf::Memory { group, .. } => group,
            MemberOf::Kafka(member) => member.group(),
        }
    }
}

impl Membership {
    /// Whether both are of one member, not only of one group.
    #[must_use]
    pub fn is_of_same_member(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (MemberOf::Embedded { group, member }, MemberOf::Embedded { group: of, member: other }) => {
                (group, member) == (of, other)
            }
            (MemberOf::Kafka(one), MemberOf::Kafka(other)) => one.is_of_same_member(other),
            #[cfg(feature = "memory")]
            (MemberOf::Memory { group, member }, MemberOf::Memory { group: of, member: other }) => {
                (group, member) == (of, other)
            }
            _ => false,
        }
    }
}

impl std::fmt::Debug for Membership {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Membership({})", self.group())
    }
}

/// What happened to a member of a group.
#[derive(Debug)]
pub enum Event {
    /// Records and ends of partitions that the member owns.
    Fetched(Fetched),
    /// Partitions that the member owns from now on. Nothing of them is fetched before [`Assignment::start`].
    Assigned(Assignment),
    /// Partitions that the member is to let go. Records of them that were fetched are not handed out any more. Others get
    /// them after [`Revocation::release`].
    Revoked(Revocation),
}

/// Where a partition starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At what the group has committed; at the first record where it has committed nothing.
    Committed,
    /// At this position.
    At(Offset),
}

/// New partitions, waiting for their start.
#[derive(Debug)]
pub struct Assignment {
    /// Which ones; may be none (then there are more members than partitions, for now).
    pub partitions: Vec<TopicPartition>,
    pub(crate) start: Option<oneshot::Sender<Vec<(TopicPartition, Start)>>>,
}

impl Assignment {
    /// Begins fetching. Partitions that `positions` does not name start at [`Start::Committed`].
    pub fn start(mut self, positions: Vec<(TopicPartition, Start)>) {
        if let Some(start) = self.start.take() {
            let _ = start.send(positions);
        }
    }
}

/// Partitions to let go. Dropping it releases them.
#[derive(Debug)]
pub struct Revocation {
    /// Which ones.
    pub partitions: Vec<TopicPartition>,
    /// They belong to someone else already (the session ended): there is nothing to commit.
    pub lost: bool,
    pub(crate) _released: oneshot::Sender<()>,
}

impl Revocation {
    /// Lets go, after what was in flight is finished and committed.
    pub fn release(self) {
        drop(self);
    }
}
