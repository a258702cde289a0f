//! A sink's database in memory, for simulations: one writer at a time, as on SQLite, and a transaction whose process stands
//! still is ended after a while, as on PostgreSQL.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use coursebus_transport::{Offset, TopicPartition, memory::Process};
use tokio::{sync::Notify, time::Instant};

use super::{
    AuditState, HeldCount, HeldLogEntry, HeldStore, HeldTx, Mark, Move, Moved, Note, Operate, PartitionId, Position,
    Settle, Settled, Store, StoreError, Tx,
    operate::{Consequences, aside},
};
use crate::{
    AppliedEvent, AuditRow, Table, Value,
    chain::RowName,
    fold::{Delete, Upsert},
    held::{HeldBrief, HeldPlace, HeldRecord, HeldState, OVERHEAD_BYTES, behind_reason},
    spec::key_text,
};

/// How long a transaction may stand still before it is ended, and how long others wait for it.
const IDLE_MAX: Duration = Duration::from_secs(5);
const WAIT_MAX: Duration = Duration::from_secs(6);

/// A value that the database refuses, as a constraint would.
pub type Refuses = fn(&Table, &[Value]) -> bool;

/// A database in memory, as one process sees it.
#[derive(Clone)]
pub struct MemoryStore {
    shared: Arc<Shared>,
    process: Process,
}

struct Shared {
    state: Mutex<State>,
    freed: Notify,
    refuses: Refuses,
}

#[derive(Default)]
struct State {
    data: Data,
    /// Whose transaction is open.
    writer: Option<Writer>,
    transactions: u64,
}

struct Writer {
    id: u64,
    process: Process,
    /// How each change is taken back, in the order in which they were made.
    undo: Vec<Undo>,
}

type Undo = Box<dyn FnOnce(&mut Data) + Send>;
type PartitionKey = (String, TopicPartition);

#[derive(Default)]
struct Data {
    positions: BTreeMap<PartitionKey, Position>,
    inbox: BTreeSet<(String, String, String)>,
    held: BTreeMap<(String, HeldPlace), HeldRecord>,
    held_log: Vec<(String, HeldLogEntry)>,
    audit: BTreeMap<(String, String), AuditRow>,
    rows: BTreeMap<(&'static str, String), Vec<Value>>,
    audit_mode: Option<bool>,
    gaps: Vec<PartitionKey>,
}

fn away(what: &str) -> StoreError {
    StoreError::Away { hint: what.to_owned(), source: "a fault was injected, or the wait was too long".into() }
}

impl MemoryStore {
    /// An empty database, seen by a process.
    #[must_use]
    pub fn new(process: Process, refuses: Refuses) -> Self {
        let shared = Shared { state: Mutex::default(), freed: Notify::new(), refuses };
        Self { shared: Arc::new(shared), process }
    }

    /// The same database, seen by another process.
    #[must_use]
    pub fn for_process(&self, process: Process) -> Self {
        Self { shared: self.shared.clone(), process }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn strikes(&self, fault: &'static str) -> Result<(), StoreError> {
        if self.process.strikes(fault) { Err(away(fault)) } else { Ok(()) }
    }

    /// Reads what is committed: waits, bounded, while a transaction is open.
    async fn read<T>(&self, read: impl FnOnce(&Data) -> T) -> Result<T, StoreError> {
        let tx = self.open().await?;
        let value = read(&self.lock().data);
        drop(tx);
        Ok(value)
    }

    /// Opens a transaction, when that of another process is over or has stood still for too long.
    async fn open(&self) -> Result<MemoryTx, StoreError> {
        self.process.step().await;
        self.strikes("the database is away")?;
        let deadline = Instant::now() + WAIT_MAX;
        loop {
            {
                let mut state = self.lock();
                state.end_idle();
                if state.writer.is_none() {
                    state.transactions += 1;
                    let id = state.transactions;
                    state.writer = Some(Writer { id, process: self.process.clone(), undo: Vec::new() });
                    return Ok(MemoryTx { store: self.clone(), id });
                }
            }
            if Instant::now() >= deadline {
                return Err(away("another transaction is in the way"));
            }
            // Whether it was freed or not, it is looked at again.
            let _ = tokio::time::timeout(Duration::from_millis(100), self.shared.freed.notified()).await;
            self.process.gate().await;
        }
    }
}

impl State {
    /// Ends the transaction of a process that is gone, or has stood still for too long.
    fn end_idle(&mut self) {
        let over = self.writer.as_ref().is_some_and(|writer| {
            writer.process.is_killed() || writer.process.silent_since().is_some_and(|since| since.elapsed() > IDLE_MAX)
        });
        if over {
            self.undo();
        }
    }

    fn undo(&mut self) {
        if let Some(writer) = self.writer.take() {
            writer.undo.into_iter().rev().for_each(|undo| undo(&mut self.data));
        }
    }
}

/// Sets or removes an entry, and says how that is taken back.
macro_rules! put {
    ($tx:expr, $map:ident, $key:expr, $value:expr) => {{
        let key = $key;
        let value = $value;
        $tx.change(move |data| {
            let before = match value {
                Some(value) => data.$map.insert(key.clone(), value),
                None => data.$map.remove(&key),
            };
            Box::new(move |data: &mut Data| {
                match before {
                    Some(before) => data.$map.insert(key, before),
                    None => data.$map.remove(&key),
                };
            })
        })
    }};
}

struct MemoryTx {
    store: MemoryStore,
    id: u64,
}

impl MemoryTx {
    /// One statement: it takes its time, and fails when the transaction was ended meanwhile.
    async fn statement(&self) -> Result<(), StoreError> {
        self.store.process.step().await;
        self.alive()
    }

    fn alive(&self) -> Result<(), StoreError> {
        let state = self.store.lock();
        let mine = state.writer.as_ref().is_some_and(|writer| writer.id == self.id);
        if mine { Ok(()) } else { Err(away("the transaction was ended because it stood still")) }
    }

    fn change(&self, change: impl FnOnce(&mut Data) -> Undo) {
        let mut state = self.store.lock();
        let State { data, writer, .. } = &mut *state;
        if let Some(writer) = writer.as_mut().filter(|writer| writer.id == self.id) {
            writer.undo.push(change(data));
        }
    }

    fn look<T>(&self, look: impl FnOnce(&Data) -> T) -> T {
        look(&self.store.lock().data)
    }

    fn commit(&self) -> Result<(), StoreError> {
        self.alive()?;
        self.store.lock().writer = None;
        self.store.shared.freed.notify_waiters();
        Ok(())
    }
}

impl Drop for MemoryTx {
    fn drop(&mut self) {
        if self.store.process.is_killed() {
            return;
        }
        let mut state = self.store.lock();
        if state.writer.as_ref().is_some_and(|writer| writer.id == self.id) {
            state.undo();
            drop(state);
            self.store.shared.freed.notify_waiters();
        }
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn take_over(&self, group: &str, partitions: &[PartitionId]) -> Result<Vec<Position>, StoreError> {
        let tx = self.open().await?;
        let mut positions = Vec::with_capacity(partitions.len());
        for id in partitions {
            tx.statement().await?;
            let key = (group.to_owned(), id.partition.clone());
            let position = match tx.look(|data| data.positions.get(&key).cloned()) {
                None => Position { id: id.clone(), epoch: 1, next: None },
                Some(known) => {
                    let id = if known.next.is_none() { id.clone() } else { known.id };
                    Position { id, epoch: known.epoch + 1, next: known.next }
                }
            };
            put!(tx, positions, key, Some(position.clone()));
            positions.push(position);
        }
        tx.statement().await?;
        tx.commit()?;
        self.process.gate().await;
        self.strikes("the answer to a take-over is lost")?;
        Ok(positions)
    }

    async fn begin(&self) -> Result<Box<dyn Tx>, StoreError> {
        Ok(Box::new(self.open().await?))
    }

    async fn positions(&self, group: &str) -> Result<Vec<Position>, StoreError> {
        let of_group = |data: &Data| {
            let mine = data.positions.iter().filter(|((of, _), _)| of == group);
            mine.map(|(_, position)| position.clone()).collect()
        };
        self.read(of_group).await
    }

    async fn rows(
        &self,
        table: &'static Table,
        after: Option<&[Value]>,
        limit: u32,
    ) -> Result<Vec<Vec<Value>>, StoreError> {
        let width = table.key.len();
        let mut rows: Vec<Vec<Value>> = self
            .read(|data| {
                data.rows.iter().filter(|((name, _), _)| *name == table.name).map(|(_, row)| row.clone()).collect()
            })
            .await?;
        rows.sort_by(|a, b| order(&a[..width], &b[..width]));
        let behind = |row: &Vec<Value>| after.is_none_or(|after| order(&row[..width], after) == Ordering::Greater);
        Ok(rows.into_iter().filter(behind).take(usize::try_from(limit).unwrap_or(usize::MAX)).collect())
    }

    async fn row(&self, table: &'static Table, key: &[Value]) -> Result<Option<Vec<Value>>, StoreError> {
        let name = (table.name, key_text(key));
        self.read(|data| data.rows.get(&name).cloned()).await
    }

    async fn audit_state(&self, group: &str) -> Result<AuditState, StoreError> {
        let state = |data: &Data| {
            let held = data.held.iter().filter(|((of, _), _)| of == group);
            let (applied, held): (Vec<_>, Vec<_>) =
                held.partition(|(_, record)| record.state == HeldState::Applied.as_str());
            AuditState {
                complete: data.audit_mode == Some(true),
                positions: data.positions.iter().filter(|((of, _), _)| of == group).map(|(_, p)| p.clone()).collect(),
                rows: data.audit.iter().map(|(name, row)| (name.clone(), row.clone())).collect(),
                held: held.into_iter().map(|((_, place), _)| place.clone()).collect(),
                edited: applied
                    .into_iter()
                    .filter_map(|((_, place), record)| Some((place.clone(), record.edited.clone()?)))
                    .collect(),
            }
        };
        self.read(state).await
    }

    async fn audit_mode(&self, on: bool) -> Result<bool, StoreError> {
        let tx = self.open().await?;
        let (known, moved) =
            tx.look(|data| (data.audit_mode, data.positions.values().any(|position| position.next.is_some())));
        let now = on && (known == Some(true) || !moved);
        tx.change(move |data| {
            let before = data.audit_mode.replace(now);
            Box::new(move |data: &mut Data| data.audit_mode = before)
        });
        tx.commit()?;
        Ok(now)
    }

    async fn held(&self, group: &str) -> Result<Vec<HeldRecord>, StoreError> {
        let of_group = |data: &Data| {
            data.held.iter().filter(|((of, _), _)| of == group).map(|(_, record)| record.clone()).collect()
        };
        self.read(of_group).await
    }
}

#[async_trait]
impl Tx for MemoryTx {
    async fn advance(
        &mut self,
        group: &str,
        partition: &TopicPartition,
        epoch: i64,
        next: Offset,
    ) -> Result<bool, StoreError> {
        self.statement().await?;
        let key = (group.to_owned(), partition.clone());
        let Some(position) = self.look(|data| data.positions.get(&key).cloned()) else { return Ok(false) };
        if position.epoch != epoch || position.next.is_some_and(|position| position >= next) {
            return Ok(false);
        }
        put!(self, positions, key, Some(Position { next: Some(next), ..position }));
        Ok(true)
    }

    async fn standing(
        &mut self,
        group: &str,
        partition: &TopicPartition,
    ) -> Result<Option<(i64, Option<Offset>)>, StoreError> {
        self.statement().await?;
        let key = (group.to_owned(), partition.clone());
        Ok(self.look(|data| data.positions.get(&key).map(|position| (position.epoch, position.next))))
    }

    async fn remember(&mut self, group: &str, events: &[AppliedEvent]) -> Result<Vec<bool>, StoreError> {
        self.statement().await?;
        let mut fresh = Vec::with_capacity(events.len());
        for event in events {
            let key = (group.to_owned(), event.source.clone(), event.id.clone());
            let is_new = !self.look(|data| data.inbox.contains(&key));
            if is_new {
                self.change(move |data| {
                    data.inbox.insert(key.clone());
                    Box::new(move |data: &mut Data| {
                        data.inbox.remove(&key);
                    })
                });
            }
            fresh.push(is_new);
        }
        Ok(fresh)
    }

    async fn audit_rows(&mut self, rows: &[RowName]) -> Result<HashMap<RowName, AuditRow>, StoreError> {
        self.statement().await?;
        let found = |data: &Data| {
            let row = |name: &RowName| {
                let known = data.audit.get(&(name.0.to_owned(), name.1.clone()))?;
                Some((name.clone(), known.clone()))
            };
            rows.iter().filter_map(row).collect()
        };
        Ok(self.look(found))
    }

    async fn write_audit(&mut self, rows: &HashMap<RowName, AuditRow>) -> Result<(), StoreError> {
        self.statement().await?;
        for (name, row) in rows {
            put!(self, audit, (name.0.to_owned(), name.1.clone()), Some(row.clone()));
        }
        Ok(())
    }

    async fn delete(&mut self, delete: &Delete) -> Result<(), StoreError> {
        self.statement().await?;
        for key in &delete.keys {
            put!(self, rows, (delete.table.name, key_text(key)), None);
        }
        Ok(())
    }

    async fn upsert(&mut self, upsert: &Upsert) -> Result<(), StoreError> {
        self.statement().await?;
        let table = upsert.table;
        for values in &upsert.rows {
            let name = (table.name, key_text(&values[..table.key.len()]));
            let known = self.look(|data| data.rows.get(&name).cloned());
            let mut row = known.unwrap_or_else(|| vec![Value::Null; table.all_columns().count()]);
            for (column, value) in upsert.columns.iter().zip(values) {
                if let Some(at) = table.all_columns().position(|c| c.name == column.name) {
                    row[at] = value.clone();
                }
            }
            if (self.store.shared.refuses)(table, &row) {
                return Err(StoreError::Value { source: "the simulation refuses the row".into() });
            }
            put!(self, rows, name, Some(row));
        }
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.statement().await?;
        self.store.strikes("a commit of the database fails")?;
        MemoryTx::commit(&self)?;
        self.store.process.gate().await;
        self.store.strikes("the answer to a commit of the database is lost")
    }
}

#[async_trait]
impl HeldStore for MemoryStore {
    async fn waiting(&self, group: &str, partition: &TopicPartition) -> Result<Vec<HeldBrief>, StoreError> {
        let waits = |record: &HeldRecord| record.state == HeldState::Parked.as_str() || record.asked_ms.is_some();
        self.read(|data| data.of_partition(group, partition).filter(|r| waits(r)).map(brief).collect()).await
    }

    async fn holds(&self, group: &str, partition: &TopicPartition) -> Result<bool, StoreError> {
        self.read(|data| data.of_partition(group, partition).any(is_open)).await
    }

    async fn asked(&self, group: &str) -> Result<Vec<HeldPlace>, StoreError> {
        let asked = |data: &Data| {
            let held = data.held.iter().filter(|((of, _), record)| of == group && record.asked_ms.is_some());
            held.map(|((_, place), _)| place.clone()).collect()
        };
        self.read(asked).await
    }

    async fn held_at(&self, group: &str, place: &HeldPlace) -> Result<Option<HeldRecord>, StoreError> {
        let key = (group.to_owned(), place.clone());
        self.read(|data| data.held.get(&key).cloned()).await
    }

    async fn mark(&self, group: &str, places: &[HeldPlace], mark: &Mark, note: &Note) -> Result<Vec<bool>, StoreError> {
        let tx = self.open().await?;
        let mut marked = Vec::with_capacity(places.len());
        for place in places {
            let key = (group.to_owned(), place.clone());
            let known = tx.look(|data| data.held.get(&key).filter(|record| is_open(record)).cloned());
            marked.push(known.is_some());
            let Some(mut record) = known else { continue };
            record.version += 1;
            match mark {
                Mark::Retry => record.asked_ms = Some(note.at_ms),
                Mark::Discard => {
                    record.asked_ms = (record.state == HeldState::Parked.as_str()).then_some(note.at_ms);
                    HeldState::Discarded.as_str().clone_into(&mut record.state);
                }
                Mark::Edit(edited) => record.edited = Some(edited.clone()),
            }
            put!(tx, held, key, Some(record));
            tx.note(group, place, mark.verb(), note.clone());
        }
        tx.statement().await?;
        tx.commit()?;
        Ok(marked)
    }

    async fn held_log(&self, group: &str, limit: u32) -> Result<Vec<HeldLogEntry>, StoreError> {
        let mut log: Vec<HeldLogEntry> = self
            .read(|data| data.held_log.iter().filter(|(of, _)| of == group).map(|(_, entry)| entry.clone()).collect())
            .await?;
        let from = log.len().saturating_sub(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(log.split_off(from))
    }
}

#[async_trait]
impl Operate for MemoryStore {
    async fn move_positions(&self, group: &str, moves: &[Move]) -> Result<Moved, StoreError> {
        let tx = self.open().await?;
        let mut moved = Moved::default();
        let (mut changes, mut goes_back) = (false, false);
        for position in moves {
            let key = (group.to_owned(), position.id.partition.clone());
            let before = tx.look(|data| data.positions.get(&key).cloned());
            let before = before.unwrap_or(Position { id: position.id.clone(), epoch: 0, next: None });
            let then = Consequences::new(&before, position);
            changes |= then.changes;
            goes_back |= then.goes_back;
            let after = Position { id: position.id.clone(), epoch: before.epoch + 1, next: Some(position.to) };
            put!(tx, positions, key, Some(after));
            moved.held += tx.forget_held(group, &before.id, (!then.of_another).then_some(position.to));
        }
        if goes_back {
            let forgotten: Vec<_> = tx.look(|data| data.inbox.iter().filter(|key| key.0 == group).cloned().collect());
            moved.inbox = forgotten.len() as u64;
            for key in forgotten {
                tx.change(move |data| {
                    data.inbox.remove(&key);
                    Box::new(move |data: &mut Data| {
                        data.inbox.insert(key);
                    })
                });
            }
        }
        if changes {
            moved.audit = tx.end_audit();
        }
        tx.commit()?;
        Ok(moved)
    }

    async fn accept_gap(&self, group: &str, epoch: i64, gap: &crate::Gap, _: i64) -> Result<(), StoreError> {
        let tx = self.open().await?;
        let key = (group.to_owned(), gap.id.partition.clone());
        if tx.look(|data| data.positions.get(&key).map(|position| position.epoch)) != Some(epoch) {
            return Err(StoreError::Fenced { partition: gap.id.partition.clone() });
        }
        put!(tx, positions, key, Some(Position { id: gap.id.clone(), epoch, next: Some(gap.resume) }));
        if gap.stored != gap.id {
            tx.forget_held(group, &gap.stored, None);
        }
        tx.end_audit();
        let entry = (group.to_owned(), gap.id.partition.clone());
        tx.change(move |data| {
            data.gaps.push(entry);
            Box::new(|data: &mut Data| drop(data.gaps.pop()))
        });
        tx.commit()
    }

    async fn gaps(&self, group: &str) -> Result<Vec<(String, i32, u64)>, StoreError> {
        let count = |data: &Data| {
            let mut counts: BTreeMap<(String, i32), u64> = BTreeMap::new();
            for (_, partition) in data.gaps.iter().filter(|(of, _)| of == group) {
                *counts.entry((partition.topic.to_string(), partition.partition)).or_default() += 1;
            }
            counts.into_iter().map(|((topic, partition), count)| (topic, partition, count)).collect()
        };
        self.read(count).await
    }

    async fn held_counts(&self, group: &str) -> Result<Vec<HeldCount>, StoreError> {
        let count = |data: &Data| {
            let mut counts: BTreeMap<(String, i32, String, String), u64> = BTreeMap::new();
            for (_, record) in data.held.iter().filter(|((of, _), _)| of == group) {
                let cause = (record.topic.clone(), record.partition, record.state.clone(), record.code.clone());
                *counts.entry(cause).or_default() += 1;
            }
            let count = |((topic, partition, state, code), count)| HeldCount { topic, partition, state, code, count };
            counts.into_iter().map(count).collect()
        };
        self.read(count).await
    }

    async fn held_from(&self, group: &str, position: &Move) -> Result<u64, StoreError> {
        let (partition, to) = (&position.id.partition, position.to);
        self.read(|data| data.of_partition(group, partition).filter(|record| record.offset >= to).count() as u64).await
    }

    async fn is_untouched(&self, _: &crate::SinkSpec) -> Result<bool, StoreError> {
        let untouched = |data: &Data| {
            data.rows.is_empty() && data.held.is_empty() && data.positions.values().all(|p| p.next.is_none())
        };
        self.read(untouched).await
    }
}

impl MemoryTx {
    /// Removes what is held from an offset on and says how much that was; without one, sets all of it aside under the name
    /// of the topic that is gone.
    fn forget_held(&self, group: &str, id: &PartitionId, from: Option<Offset>) -> u64 {
        let mine = |data: &Data| -> Vec<HeldRecord> {
            let held = data.of_partition(group, &id.partition);
            held.filter(|record| from.is_none_or(|from| record.offset >= from)).cloned().collect()
        };
        let held = self.look(mine);
        let count = held.len() as u64;
        for mut record in held {
            let place = HeldPlace { partition: id.partition.clone(), offset: record.offset };
            put!(self, held, (group.to_owned(), place.clone()), None);
            if from.is_none() {
                record.topic = aside(id);
                let partition = TopicPartition::new(record.topic.as_str(), record.partition);
                put!(self, held, (group.to_owned(), HeldPlace { partition, ..place }), Some(record));
            }
        }
        if from.is_some() { count } else { 0 }
    }

    /// Audit columns go, and auditing ends; says whether it was on.
    fn end_audit(&self) -> bool {
        let was_on = self.look(|data| data.audit_mode == Some(true));
        self.change(|data| {
            let (mode, rows) = (data.audit_mode, std::mem::take(&mut data.audit));
            data.audit_mode = mode.map(|_| false);
            Box::new(move |data: &mut Data| (data.audit_mode, data.audit) = (mode, rows))
        });
        was_on
    }
}

#[async_trait]
impl HeldTx for MemoryTx {
    async fn own(&mut self, group: &str, partition: &TopicPartition, epoch: i64) -> Result<bool, StoreError> {
        self.statement().await?;
        let key = (group.to_owned(), partition.clone());
        Ok(self.look(|data| data.positions.get(&key).is_some_and(|position| position.epoch == epoch)))
    }

    async fn hold(&mut self, group: &str, held: &[HeldRecord]) -> Result<(), StoreError> {
        for record in held {
            self.statement().await?;
            let partition = TopicPartition::new(record.topic.as_str(), record.partition);
            let key = (group.to_owned(), HeldPlace { partition, offset: record.offset });
            if !self.look(|data| data.held.contains_key(&key)) {
                put!(self, held, key, Some(record.clone()));
            }
        }
        Ok(())
    }

    async fn settle(
        &mut self,
        group: &str,
        partition: &TopicPartition,
        settles: &[Settle],
        at_ms: i64,
    ) -> Result<bool, StoreError> {
        for settle in settles {
            self.statement().await?;
            let place = HeldPlace { partition: partition.clone(), offset: settle.offset };
            let key = (group.to_owned(), place.clone());
            let known = self.look(|data| data.held.get(&key).filter(|r| r.version == settle.version).cloned());
            let Some(record) = known else { return Ok(false) };
            put!(self, held, key, settled(record, &settle.to));
            let (verb, detail) = match &settle.to {
                Settled::Applied { edited: false } => ("applied", ""),
                Settled::Applied { edited: true } => ("applied", "as edited"),
                Settled::Failed { code, .. } => ("failed", code.as_str()),
                Settled::Behind { .. } | Settled::Answered => continue,
            };
            let note = Note { at_ms, who: "the sink".to_owned(), detail: detail.to_owned() };
            self.note(group, &place, verb, note);
        }
        Ok(true)
    }
}

impl MemoryTx {
    fn note(&self, group: &str, place: &HeldPlace, verb: &str, note: Note) {
        let entry = (group.to_owned(), HeldLogEntry { place: place.clone(), verb: verb.to_owned(), note });
        self.change(move |data| {
            data.held_log.push(entry);
            Box::new(|data: &mut Data| drop(data.held_log.pop()))
        });
    }
}

/// A held record after what became of it; `None` when it is gone.
fn settled(mut record: HeldRecord, to: &Settled) -> Option<HeldRecord> {
    record.version += 1;
    record.asked_ms = None;
    match to {
        Settled::Applied { edited: false } => return None,
        Settled::Applied { edited: true } => {
            record.behind = None;
            HeldState::Applied.as_str().clone_into(&mut record.state);
        }
        Settled::Failed { code, reason, order_key } => {
            record.behind = None;
            record.tries += 1;
            (record.code, record.reason, record.order_key) = (code.clone(), reason.clone(), order_key.clone());
        }
        Settled::Behind { cause, code } => {
            (record.behind, record.code, record.reason) = (Some(*cause), code.clone(), behind_reason(*cause));
        }
        Settled::Answered => {}
    }
    Some(record)
}

impl Data {
    fn of_partition<'a>(
        &'a self,
        group: &'a str,
        partition: &'a TopicPartition,
    ) -> impl Iterator<Item = &'a HeldRecord> {
        let mine = move |(of, place): &(String, HeldPlace)| of == group && place.partition == *partition;
        self.held.iter().filter(move |(key, _)| mine(key)).map(|(_, record)| record)
    }
}

fn is_open(record: &HeldRecord) -> bool {
    [HeldState::Parked, HeldState::Dead].iter().any(|state| record.state == state.as_str())
}

fn brief(record: &HeldRecord) -> HeldBrief {
    let length = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
    let bytes = length(&record.key) + length(&record.value) + record.headers_text().len();
    HeldBrief {
        offset: record.offset,
        state: record.state.clone(),
        code: record.code.clone(),
        behind: record.behind,
        key: record.key.clone(),
        order_key: record.order_key.clone(),
        asked: record.asked_ms.is_some(),
        tries: record.tries,
        version: record.version,
        bytes: i64::try_from(bytes).unwrap_or(i64::MAX) + OVERHEAD_BYTES,
    }
}

/// The order of key columns, as a database sorts them.
fn order(a: &[Value], b: &[Value]) -> Ordering {
    let one = |(a, b): (&Value, &Value)| match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Float(a), Value::Float(b)) => a.total_cmp(b),
        (Value::Time(a), Value::Time(b)) => a.cmp(b),
        _ => Ordering::Equal,
    };
    a.iter().zip(b).map(one).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}
