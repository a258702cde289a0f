//! The contract of a log. Every backend passes the suite in `conformance/`.
//!
//! Nothing above this crate knows which backend it runs on.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::{
    AdminError, AppendError, ClusterId, GroupInfo, GroupSettings, NewRecord, Offset, ReadError, Record, TopicInfo,
    TopicPartition, TopicSpec,
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

/// How a writer behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriterSettings {
    /// How many bytes may wait for their confirmation. At the bound [`Writer::append`] waits. Default 32 MiB.
    pub in_flight_bytes_max: usize,
    /// How long a record may wait for its confirmation before its receipt says `Unconfirmed`. Default 30 s.
    pub delivery_timeout: Duration,
    /// How long a batch waits for more records. Default 5 ms on Kafka; an embedded log never waits.
    pub linger: Duration,
}

impl Default for WriterSettings {
    fn default() -> Self {
        Self {
            in_flight_bytes_max: 32 << 20,
            delivery_timeout: Duration::from_secs(30),
            linger: Duration::from_millis(5),
        }
    }
}

/// Where a record came to lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The partition it was addressed to.
    pub partition: i32,
    /// Its offset.
    pub offset: Offset,
}

/// Appends records. Records that one task appends one after the other to one partition lie there in that order, also when
/// some fail in between.
///
/// **Durable** is what a confirmation means: on Kafka all in-sync replicas have it, on an embedded log it is synced to disk
/// (with `?sync=os` it is with the operating system). A confirmed record is never lost by this crate.
#[derive(Clone)]
pub struct Writer {
    backend: Arc<dyn Append>,
    budget: Arc<tokio::sync::Semaphore>,
    budget_bytes: usize,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("budget_bytes", &self.budget_bytes).finish_non_exhaustive()
    }
}

/// The part of a writer that differs between backends.
pub(crate) trait Append: Send + Sync {
    /// Takes the record, never blocks, and completes `ack` exactly once within the delivery time-out, from any thread.
    fn enqueue(&self, record: NewRecord, ack: Ack);
}

impl Writer {
    pub(crate) fn new(backend: Arc<dyn Append>, in_flight_bytes_max: usize) -> Self {
        let budget_bytes = in_flight_bytes_max.clamp(1, tokio::sync::Semaphore::MAX_PERMITS.min(u32::MAX as usize));
        Self { backend, budget: Arc::new(tokio::sync::Semaphore::new(budget_bytes)), budget_bytes }
    }

    /// Hands a record to the log. Waits only while the byte bound is reached; the receipt resolves when the record is
    /// durable. Cancel-safe: a call that was dropped has appended nothing.
    pub async fn append(&self, record: NewRecord) -> Receipt {
        // A record larger than the whole budget takes all of it: it goes alone.
        let cost = u32::try_from(record.size().min(self.budget_bytes)).unwrap_or(u32::MAX);
        let (done, receipt) = oneshot::channel();
        match self.budget.clone().acquire_many_owned(cost).await {
            Ok(permit) => self.backend.enqueue(record, Ack { done: Some(done), _permit: Some(permit) }),
            Err(_closed) => drop(done),
        }
        Receipt(receipt)
    }

    /// Waits until everything appended so far is confirmed or has failed (each receipt says which), or `deadline` has
    /// passed.
    ///
    /// # Errors
    /// [`Unflushed`] with the number of bytes whose fate is not known yet.
    pub async fn flush(&self, deadline: Duration) -> Result<(), Unflushed> {
        let all = u32::try_from(self.budget_bytes).unwrap_or(u32::MAX);
        match tokio::time::timeout(deadline, self.budget.acquire_many(all)).await {
            Ok(_all_back) => Ok(()),
            Err(_elapsed) => {
                Err(Unflushed { bytes: self.budget_bytes.saturating_sub(self.budget.available_permits()), deadline })
            }
        }
    }
}

/// A flush reached its deadline.
#[derive(Debug, thiserror::Error)]
#[error("{bytes} bytes of records were not confirmed within {deadline:?}")]
pub struct Unflushed {
    /// What is still in flight, in bytes.
    pub bytes: usize,
    /// How long was waited.
    pub deadline: Duration,
}

/// The producer's half of a receipt: completed once, it gives the record's bytes back to the budget.
pub(crate) struct Ack {
    done: Option<oneshot::Sender<Result<Appended, AppendError>>>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Ack {
    /// Says what became of the record.
    pub(crate) fn complete(mut self, outcome: Result<Appended, AppendError>) {
        if let Some(done) = self.done.take() {
            // Nobody waits for a receipt that was dropped.
            let _ = done.send(outcome);
        }
    }
}

/// Resolves when the record is durable, or has failed. Dropping it does not take the record back.
#[derive(Debug)]
#[must_use = "a receipt says whether the record is durable"]
pub struct Receipt(oneshot::Receiver<Result<Appended, AppendError>>);

impl Future for Receipt {
    type Output = Result<Appended, AppendError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|outcome| outcome.unwrap_or(Err(AppendError::Closed)))
    }
}

/// Writes several records so that a committed reader sees all of them or none.
///
/// Source: KIP-98. One transaction at a time; not for use from several tasks.
#[async_trait]
pub trait TxWriter: Send {
    /// Begins a transaction. An open one is aborted first.
    async fn begin(&mut self) -> Result<(), AppendError>;

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
