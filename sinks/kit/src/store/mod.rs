//! The database of a sink, as the kit needs it. SQLite, PostgreSQL, MySQL and the one in memory pass the same tests.

mod error;
mod held;
#[cfg(feature = "memory")]
pub(crate) mod memory;
mod mysql;
mod operate;
mod postgres;
mod shared;
mod sql;
mod sqlite;

use std::collections::HashMap;

use async_trait::async_trait;
use coursebus_transport::{Offset, TopicPartition};
pub use error::StoreError;
pub use held::{HeldLogEntry, HeldStore, HeldTx, Mark, Note, Settle, Settled};
pub use operate::{HeldCount, Move, Moved, Operate};

use crate::{
    AppliedEvent, AuditRow, DbAddress, Effect, HeldPlace, HeldRecord, SinkSpec, Table, Value,
    chain::{self, RowName},
    fold::{Delete, Upsert, fold},
    held::Edited,
};

/// Opens the database of a sink, makes what is missing in it, and returns it.
pub async fn open(address: &DbAddress, spec: &SinkSpec) -> Result<Box<dyn Store>, StoreError> {
    match address {
        DbAddress::Sqlite { dir } => Ok(Box::new(sqlite::SqliteStore::open(dir, spec).await?)),
        DbAddress::Postgres { url } => Ok(Box::new(postgres::PostgresStore::open(url, spec).await?)),
        DbAddress::Mysql { url } => Ok(Box::new(mysql::MysqlStore::open(url, spec).await?)),
    }
}

/// A partition of a recognisable topic: a topic deleted and made again under its name is another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionId {
    /// Topic and partition.
    pub partition: TopicPartition,
    /// The cluster's identity.
    pub cluster: String,
    /// The topic's identity.
    pub topic_id: String,
}

/// Up to where a partition is applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Which partition the position is of.
    pub id: PartitionId,
    /// Whoever holds this epoch may move the position.
    pub epoch: i64,
    /// The next offset to apply; `None` before the first.
    pub next: Option<Offset>,
}

/// What one transaction applies.
#[derive(Debug)]
pub struct Batch<'a> {
    /// The consumer group.
    pub group: &'a str,
    /// The partition.
    pub partition: &'a TopicPartition,
    /// The epoch under which it was taken over.
    pub epoch: i64,
    /// The position afterwards.
    pub next: Offset,
    /// Effects, in the order of their offsets.
    pub effects: Vec<Effect>,
    /// Records that are held instead.
    pub held: Vec<HeldRecord>,
    /// Whether events that were applied before are left out, by the inbox.
    pub inbox: bool,
    /// Whether the audit columns are kept.
    pub audit: bool,
}

/// A sink's database.
#[async_trait]
pub trait Store: HeldStore + Operate + 'static {
    /// Raises the epoch of partitions, so that whoever had them can write nothing more, and answers where they stand; in the
    /// order asked for. Waits for a transaction of the one before, a bounded time (5 s).
    async fn take_over(&self, group: &str, partitions: &[PartitionId]) -> Result<Vec<Position>, StoreError>;

    /// Begins a transaction.
    async fn begin(&self) -> Result<Box<dyn Tx>, StoreError>;

    /// The positions of a group.
    async fn positions(&self, group: &str) -> Result<Vec<Position>, StoreError>;

    /// Rows of a table in the order of their key's columns, after a key, at most `limit`.
    async fn rows(
        &self,
        table: &'static Table,
        after: Option<&[Value]>,
        limit: u32,
    ) -> Result<Vec<Vec<Value>>, StoreError>;

    /// One row.
    async fn row(&self, table: &'static Table, key: &[Value]) -> Result<Option<Vec<Value>>, StoreError>;

    /// Audit columns and positions as of one moment.
    async fn audit_state(&self, group: &str) -> Result<AuditState, StoreError>;

    /// Notes whether batches are applied in audit mode from now on; answers whether all were so far.
    async fn audit_mode(&self, on: bool) -> Result<bool, StoreError>;

    /// Held records of a group, in the order of topic, partition, offset.
    async fn held(&self, group: &str) -> Result<Vec<HeldRecord>, StoreError>;
}

/// What the auditor compares with.
#[derive(Debug, Default)]
pub struct AuditState {
    /// Whether every batch was applied in audit mode.
    pub complete: bool,
    /// The positions.
    pub positions: Vec<Position>,
    /// Audit columns by table and key text.
    pub rows: HashMap<(String, String), AuditRow>,
    /// Held records: parked, dead, discarded.
    pub held: Vec<HeldPlace>,
    /// What was applied in place of the record on the topic.
    pub edited: Vec<(HeldPlace, Edited)>,
}

/// A transaction. Dropping it undoes it.
#[async_trait]
pub trait Tx: HeldTx {
    /// Moves the position, if the epoch is still the given one and the position is before `next`; says whether it did.
    async fn advance(
        &mut self,
        group: &str,
        partition: &TopicPartition,
        epoch: i64,
        next: Offset,
    ) -> Result<bool, StoreError>;

    /// Where a partition stands, as epoch and position.
    async fn standing(
        &mut self,
        group: &str,
        partition: &TopicPartition,
    ) -> Result<Option<(i64, Option<Offset>)>, StoreError>;

    /// Puts events into the inbox; says of each whether it is new. The second of two equal ones is not.
    async fn remember(&mut self, group: &str, events: &[AppliedEvent]) -> Result<Vec<bool>, StoreError>;

    /// The audit columns of rows that have some.
    async fn audit_rows(&mut self, rows: &[RowName]) -> Result<HashMap<RowName, AuditRow>, StoreError>;

    /// Writes audit columns.
    async fn write_audit(&mut self, rows: &HashMap<RowName, AuditRow>) -> Result<(), StoreError>;

    /// Removes rows.
    async fn delete(&mut self, delete: &Delete) -> Result<(), StoreError>;

    /// Writes rows.
    async fn upsert(&mut self, upsert: &Upsert) -> Result<(), StoreError>;

    /// Makes it last.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
}

/// Applies a batch: position, inbox, rows, audit columns and held records in one transaction. A batch whose position is
/// reached already was applied before by whoever has the epoch, and is left alone.
///
/// # Errors
/// `Fenced` when the partition was taken over; nothing was changed then, nor after any other error, but for a commit that
/// was not confirmed: repeating the batch is safe, because the position says whether it took.
pub async fn apply(store: &dyn Store, batch: Batch<'_>) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    // First, because it also locks the position against a take-over until the end.
    if !tx.advance(batch.group, batch.partition, batch.epoch, batch.next).await? {
        let standing = tx.standing(batch.group, batch.partition).await?;
        return match standing {
            Some((epoch, Some(position))) if epoch == batch.epoch && position >= batch.next => Ok(()),
            _ => Err(StoreError::Fenced { partition: batch.partition.clone() }),
        };
    }
    let Batch { group, partition, inbox, audit, .. } = batch;
    write(tx.as_mut(), Writing { group, partition, inbox, audit }, batch.effects).await?;
    tx.hold(group, &batch.held).await?;
    tx.commit().await
}

/// Under which name effects are written, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Writing<'a> {
    pub(crate) group: &'a str,
    pub(crate) partition: &'a TopicPartition,
    pub(crate) inbox: bool,
    pub(crate) audit: bool,
}

/// Writes effects of one partition, in their order: inbox, audit columns, rows.
async fn write(tx: &mut dyn Tx, how: Writing<'_>, mut effects: Vec<Effect>) -> Result<(), StoreError> {
    if how.inbox {
        let events: Vec<AppliedEvent> = effects.iter().map(|e| e.event.clone()).collect();
        let mut fresh = tx.remember(how.group, &events).await?.into_iter();
        effects.retain(|_| fresh.next().unwrap_or(true));
    }
    if how.audit {
        let mut rows = tx.audit_rows(&chain::touched(&effects)).await?;
        chain::extend(&mut rows, &how.partition.to_string(), &effects);
        tx.write_audit(&rows).await?;
    }
    let writes = fold(effects);
    for delete in &writes.deletes {
        tx.delete(delete).await?;
    }
    for upsert in &writes.upserts {
        tx.upsert(upsert).await?;
    }
    Ok(())
}

/// Applies held records that come back: their effects and what became of each, in one transaction of whoever owns the
/// partition. The position stays. False, and nothing has changed, when an operator has changed one of them since it was read.
///
/// # Errors
/// As [`apply`]; repeating is safe once the records were read again.
pub(crate) async fn bring_back(
    store: &dyn Store,
    how: Writing<'_>,
    epoch: i64,
    effects: Vec<Effect>,
    settles: &[Settle],
    at_ms: i64,
) -> Result<bool, StoreError> {
    let mut tx = store.begin().await?;
    if !tx.own(how.group, how.partition, epoch).await? {
        return Err(StoreError::Fenced { partition: how.partition.clone() });
    }
    // The inbox, asked for nothing, would be asked with an empty statement.
    if !effects.is_empty() {
        write(tx.as_mut(), how, effects).await?;
    }
    if !tx.settle(how.group, how.partition, settles, at_ms).await? {
        return Ok(false);
    }
    tx.commit().await?;
    Ok(true)
}
