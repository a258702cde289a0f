//! A sink's database in memory, for simulations: one writer at a time, as on SQLite, and a transaction whose process stands
//! still is ended after a while, as on PostgreSQL.

mod held;
mod operate;

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use coursebus_transport::{Offset, TopicPartition, memory::Process};
use tokio::{sync::Notify, time::Instant};

use super::{AuditState, HeldLogEntry, PartitionId, Position, Store, StoreError, Tx};
use crate::{
    AppliedEvent, AuditRow, Table, Value,
    chain::RowName,
    fold::{Delete, Upsert},
    held::{HeldPlace, HeldRecord, HeldState},
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

use put;

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
