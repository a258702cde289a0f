//! A log in memory, for simulations: no thread, no clock but tokio's, no chance but the world's.
//!
//! It passes the conformance suite, so what a simulation proves on it is proved of the contract. Each [`MemoryLog`] is the
//! log as one [`Process`] sees it; all made from one another by [`MemoryLog::for_process`] share what is in it. With a paused
//! clock and a current-thread runtime everything that happens follows from the [`World`]'s seed.

mod group;
mod state;
mod world;

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::{Notify, futures::Notified, mpsc};

use self::state::{Cursor, Found, State};
pub use self::world::{Process, World};
use crate::{
    Ack, AdminError, Append, AppendError, Appended, ClusterId, Fetched, GroupInfo, GroupSettings, Log, Member,
    Membership, NewRecord, Offset, Range, ReadError, Reader, ReaderSettings, Record, TopicInfo, TopicPartition,
    TopicSpec, TxWriter, Writer, WriterSettings, log::MemberOf,
};

/// A log in memory, as one process sees it.
#[derive(Clone)]
pub struct MemoryLog {
    shared: Arc<Shared>,
    process: Process,
}

struct Shared {
    state: Mutex<State>,
    /// Whoever waits looks again. (Not a `watch`, which wakes in an order that no seed decides.)
    changed: Notify,
}

/// A call that a fault has hit.
struct Failed;

/// How long a call that fails claims to have waited.
const WAITED: Duration = Duration::from_secs(15);

impl Failed {
    fn admin(self, what: &str) -> AdminError {
        AdminError::Unavailable { what: what.to_owned(), waited: WAITED, source: "a fault was injected".into() }
    }

    fn read(self, what: &str) -> ReadError {
        ReadError::Unavailable { what: what.to_owned(), waited: WAITED, source: "a fault was injected".into() }
    }

    fn append(self, topic: &str) -> AppendError {
        AppendError::Unconfirmed { topic: topic.to_owned(), waited: WAITED, source: "a fault was injected".into() }
    }
}

impl MemoryLog {
    /// An empty log, seen by a process.
    #[must_use]
    pub fn new(process: Process) -> Self {
        let shared = Shared { state: Mutex::default(), changed: Notify::new() };
        Self { shared: Arc::new(shared), process }
    }

    /// The same log, seen by another process.
    #[must_use]
    pub fn for_process(&self, process: Process) -> Self {
        Self { shared: self.shared.clone(), process }
    }

    /// The process that sees it.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// What a partition holds from an offset on, at this moment: for whoever checks what the others do. Takes no time, meets
    /// no fault and uses up no chance. Nothing where there is no such partition.
    #[must_use]
    pub fn peek(&self, partition: &TopicPartition, from: Offset) -> Vec<Record> {
        self.with(|state| state.partition(partition).map_or_else(Vec::new, |of| of.all_from(partition, from)))
    }

    /// The position that a group has committed at this moment; as [`MemoryLog::peek`].
    #[must_use]
    pub fn peek_committed(&self, group: &str, partition: &TopicPartition) -> Option<Offset> {
        self.with(|state| state.groups.get(group)?.committed(state.partition(partition)?.id))
    }

    fn now_ms(&self) -> i64 {
        self.process.world().now_ms()
    }

    /// How many records one fetch gives: few or many, as chance has it.
    fn records_at_once(&self) -> usize {
        let world = self.process.world();
        usize::try_from(if world.chance(0.5) { 1 + world.below(8) } else { 500 }).unwrap_or(1)
    }

    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.shared.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let value = self.with(change);
        self.rang();
        value
    }

    fn rang(&self) {
        self.shared.changed.notify_waiters();
    }

    /// Resolves at the next change after this call.
    fn changes(&self) -> Pin<Box<Notified<'_>>> {
        let mut changes = Box::pin(self.shared.changed.notified());
        changes.as_mut().enable();
        changes
    }

    fn fails(&self, fault: &'static str) -> Result<(), Failed> {
        if self.process.strikes(fault) { Err(Failed) } else { Ok(()) }
    }

    /// One question, which a fault may leave without an answer.
    async fn ask<T>(
        &self,
        what: &str,
        question: impl FnOnce(&mut State, i64) -> Result<T, AdminError> + Send,
    ) -> Result<T, AdminError> {
        self.process.step().await;
        self.fails("a question to the log fails").map_err(|failed| failed.admin(what))?;
        let now_ms = self.now_ms();
        self.change(|state| question(state, now_ms))
    }
}

#[async_trait]
impl Log for MemoryLog {
    async fn cluster(&self) -> Result<ClusterId, AdminError> {
        self.ask("tell its identity", |_, _| Ok(ClusterId("memory".to_owned()))).await
    }

    async fn create_topic(&self, spec: &TopicSpec) -> Result<(), AdminError> {
        self.ask(&format!("create topic {}", spec.name), |state, _| {
            state.create(spec)?;
            group::topic_came(state, &spec.name);
            Ok(())
        })
        .await
    }

    async fn grow_topic(&self, name: &str, partitions: i32) -> Result<(), AdminError> {
        self.ask(&format!("grow topic {name}"), |state, _| {
            state.grow(name, partitions)?;
            group::topic_grew(state, name);
            Ok(())
        })
        .await
    }

    async fn delete_topic(&self, name: &str) -> Result<(), AdminError> {
        self.ask(&format!("delete topic {name}"), |state, _| state.delete(name)).await
    }

    async fn topics(&self) -> Result<Vec<TopicInfo>, AdminError> {
        self.ask("list topics", |state, _| Ok(state.infos())).await
    }

    async fn topic(&self, name: &str) -> Result<TopicInfo, AdminError> {
        self.ask("describe a topic", |state, _| state.info(name)).await
    }

    async fn range(&self, partition: &TopicPartition) -> Result<Range, AdminError> {
        self.ask("tell a range", |state, now_ms| Ok(state.kept(partition, now_ms)?.range())).await
    }

    async fn offset_at(&self, partition: &TopicPartition, timestamp_ms: i64) -> Result<Offset, AdminError> {
        self.ask("find a time", |state, now_ms| Ok(state.kept(partition, now_ms)?.offset_at(timestamp_ms))).await
    }

    async fn committed(&self, group: &str, partitions: &[TopicPartition]) -> Result<Vec<Option<Offset>>, AdminError> {
        let committed = |state: &mut State, _| {
            let position = |name: &TopicPartition| {
                let id = state.partition(name)?.id;
                state.groups.get(group)?.committed(id)
            };
            Ok(partitions.iter().map(position).collect())
        };
        self.ask("tell committed positions", committed).await
    }

    async fn groups(&self) -> Result<Vec<String>, AdminError> {
        self.ask("list groups", |state, _| Ok(state.groups.keys().cloned().collect())).await
    }

    async fn group(&self, name: &str) -> Result<GroupInfo, AdminError> {
        self.ask("describe a group", |state, _| Ok(group::describe(state, name))).await
    }

    async fn set_positions(&self, group: &str, positions: &[(TopicPartition, Offset)]) -> Result<(), AdminError> {
        self.ask("set positions", |state, _| group::set_positions(state, group, positions)).await
    }

    #[expect(clippy::disallowed_methods, reason = "the writer's byte budget bounds what is in the queue")]
    async fn writer(&self, settings: WriterSettings) -> Result<Writer, AppendError> {
        let (queue, waiting) = mpsc::unbounded_channel();
        tokio::spawn(write(self.clone(), waiting));
        Ok(Writer::new(Arc::new(MemoryWriter { queue }), settings.in_flight_bytes_max))
    }

    async fn transactional(&self, id: &str) -> Result<Box<dyn TxWriter>, AppendError> {
        self.process.step().await;
        self.fails("a question to the log fails").map_err(|failed| failed.append(""))?;
        let epoch = self.change(|state| {
            let epoch = state.transactional.entry(id.to_owned()).or_default();
            *epoch += 1;
            *epoch
        });
        Ok(Box::new(MemoryTxWriter {
            log: self.clone(),
            id: id.to_owned(),
            epoch,
            records: Vec::new(),
            positions: Vec::new(),
        }))
    }

    async fn reader(
        &self,
        from: Vec<(TopicPartition, Offset)>,
        settings: ReaderSettings,
    ) -> Result<Box<dyn Reader>, ReadError> {
        self.process.step().await;
        let cursor = |(name, position): (TopicPartition, Offset)| {
            let id = self.with(|state| state.partition(&name).map(|partition| partition.id));
            let id = id.ok_or_else(|| ReadError::UnknownTopic { topic: name.topic.to_string() })?;
            Ok(Cursor::new(name, id, position))
        };
        let cursors = from.into_iter().map(cursor).collect::<Result<_, ReadError>>()?;
        Ok(Box::new(MemoryReader { log: self.clone(), cursors, bytes_max: settings.ahead_bytes_max, turn: 0 }))
    }

    async fn join(&self, settings: GroupSettings) -> Result<Box<dyn Member>, ReadError> {
        self.process.step().await;
        self.fails("a question to the log fails").map_err(|failed| failed.read("join a group"))?;
        Ok(Box::new(group::join(self, settings)?))
    }
}

struct MemoryWriter {
    queue: mpsc::UnboundedSender<(NewRecord, Ack)>,
}

impl Append for MemoryWriter {
    fn enqueue(&self, record: NewRecord, ack: Ack) {
        // The task ends only with the runtime; a receipt whose ack is dropped says that the writer was closed.
        let _ = self.queue.send((record, ack));
    }
}

/// Appends what waits, in its order, as long as the process lives.
async fn write(log: MemoryLog, mut waiting: mpsc::UnboundedReceiver<(NewRecord, Ack)>) {
    const AT_ONCE: usize = 100;
    let mut batch = Vec::new();
    while waiting.recv_many(&mut batch, AT_ONCE).await > 0 {
        log.process.step().await;
        let now_ms = log.now_ms();
        let append = |(record, ack)| (log.change(|state| state.append(&record, now_ms)), ack);
        let outcomes: Vec<_> = batch.drain(..).map(append).collect();
        log.process.gate().await;
        for (outcome, ack) in outcomes {
            ack.complete(outcome);
        }
    }
}

struct MemoryTxWriter {
    log: MemoryLog,
    id: String,
    epoch: i64,
    records: Vec<NewRecord>,
    /// The positions that go with the records.
    positions: Vec<Positions>,
}

/// Positions that a member of a group commits with a transaction.
struct Positions {
    group: String,
    member: String,
    next: Vec<(TopicPartition, Offset)>,
}

#[async_trait]
impl TxWriter for MemoryTxWriter {
    async fn begin(&mut self) -> Result<(), AppendError> {
        self.abort().await
    }

    async fn append(&mut self, record: NewRecord) -> Result<(), AppendError> {
        self.records.push(record);
        Ok(())
    }

    async fn positions(
        &mut self,
        member: &Membership,
        positions: &[(TopicPartition, Offset)],
    ) -> Result<(), AppendError> {
        let MemberOf::Memory { group, member } = &member.0 else {
            let topic = format!("of transaction {}", self.id);
            return Err(AppendError::Refused { topic, source: "the member is of another log".into() });
        };
        self.positions.push(Positions { group: group.clone(), member: member.clone(), next: positions.to_vec() });
        Ok(())
    }

    async fn commit(&mut self) -> Result<Vec<Appended>, AppendError> {
        let (records, positions) = (std::mem::take(&mut self.records), std::mem::take(&mut self.positions));
        let topic = records.first().map_or("", |record| &*record.topic);
        self.log.process.step().await;
        self.log.fails("a transaction fails").map_err(|failed| failed.append(topic))?;
        let now_ms = self.log.now_ms();
        let appended = self.log.change(|state| {
            if state.transactional.get(&self.id) != Some(&self.epoch) {
                return Err(AppendError::Fenced { id: self.id.clone() });
            }
            state.admit_all(&records)?;
            for Positions { group, member, next } in &positions {
                let committed = group::commit(state, group, member, next);
                committed.map_err(|partition| AppendError::NotOwner { partition, group: group.clone() })?;
            }
            records.iter().map(|record| state.append(record, now_ms)).collect()
        })?;
        self.log.process.gate().await;
        self.log.fails("the outcome of a transaction is lost").map_err(|failed| failed.append(topic))?;
        Ok(appended)
    }

    async fn abort(&mut self) -> Result<(), AppendError> {
        self.records.clear();
        self.positions.clear();
        Ok(())
    }
}

struct MemoryReader {
    log: MemoryLog,
    cursors: Vec<Cursor>,
    bytes_max: usize,
    turn: usize,
}

impl MemoryReader {
    /// Records or ends of the next partition that has some.
    fn look(&mut self, state: &mut State) -> Result<Option<Fetched>, ReadError> {
        let count = self.log.records_at_once();
        for i in 0..self.cursors.len() {
            let at = (self.turn + i) % self.cursors.len();
            let cursor = &mut self.cursors[at];
            let fetched = match cursor.read(state, self.log.now_ms(), count, self.bytes_max)? {
                Found::Records(records) => Fetched { records, ends: Vec::new() },
                Found::End(end) => Fetched { records: Vec::new(), ends: vec![(cursor.name.clone(), end)] },
                Found::Nothing => continue,
            };
            self.turn = at + 1;
            return Ok(Some(fetched));
        }
        Ok(None)
    }
}

#[async_trait]
impl Reader for MemoryReader {
    async fn next(&mut self, wait: Duration) -> Result<Fetched, ReadError> {
        let log = self.log.clone();
        let deadline = tokio::time::Instant::now() + wait;
        loop {
            log.process.gate().await;
            let changed = log.changes();
            if let Some(fetched) = log.with(|state| self.look(state))? {
                return Ok(fetched);
            }
            if tokio::time::timeout_at(deadline, changed).await.is_err() {
                return Ok(Fetched::default());
            }
        }
    }
}

/// How often each fault struck, for people.
#[must_use]
pub fn tell(hits: &BTreeMap<&'static str, u64>) -> String {
    hits.iter().map(|(fault, count)| format!("{count} × {fault}")).collect::<Vec<_>>().join(", ")
}
