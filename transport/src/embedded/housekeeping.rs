//! Retention and compaction, done by one process at a time.

use std::{
    collections::HashMap,
    fs::File,
    sync::{Arc, Weak},
    time::Duration,
};

use bytes::Bytes;
use rusqlite::{Connection, params};

use super::{
    append::{base_offset, batch_id, next_offset},
    batch::{self, BatchBuilder},
    store::Store,
};
use crate::{Cause, clock};

/// How often a process looks.
const EVERY: Duration = Duration::from_secs(1);
/// How much of one partition is rewritten in one transaction, so that writers wait little.
const REWRITE_BYTES_MAX: usize = 1 << 20;
const JOB_TIMEOUT: Duration = Duration::from_secs(5);

/// Starts the thread; it ends with the store.
pub(super) fn start(store: &Arc<Store>) -> Result<(), Cause> {
    let weak: Weak<Store> = Arc::downgrade(store);
    let lock = File::options().create(true).truncate(false).write(true).open(store.dir().join("housekeeping.lock"))?;
    std::thread::Builder::new().name("coursebus-log-keep".to_owned()).spawn(move || {
        loop {
            std::thread::sleep(EVERY);
            let Some(store) = weak.upgrade() else { return };
            // Whoever has the lock keeps house; the others look again later.
            if lock.try_lock().is_ok() {
                if let Err(error) = keep(&store) {
                    tracing::warn!(%error, "the embedded log's old records could not be cleaned up");
                }
                let _ = lock.unlock();
            }
        }
    })?;
    Ok(())
}

struct Partition {
    id: i64,
    retention_ms: Option<i64>,
    compacted: bool,
    tombstones_ms: i64,
    dirty_ratio: f64,
    clean_offset: i64,
}

fn keep(store: &Arc<Store>) -> Result<(), Cause> {
    let partitions = store.read(|c| {
        c.prepare_cached(
            "SELECT p.id, t.retention_ms, t.compacted, t.tombstones_ms, t.dirty_ratio, p.clean_offset
             FROM partition p JOIN topic t ON t.id = p.topic WHERE t.compacted OR t.retention_ms IS NOT NULL",
        )?
        .query_map([], |row| {
            Ok(Partition {
                id: row.get(0)?,
                retention_ms: row.get(1)?,
                compacted: row.get(2)?,
                tombstones_ms: row.get(3)?,
                dirty_ratio: row.get(4)?,
                clean_offset: row.get(5)?,
            })
        })?
        .collect::<rusqlite::Result<Vec<_>>>()
    })?;
    for partition in partitions {
        match (partition.compacted, partition.retention_ms) {
            (true, _) => compact(store, &partition)?,
            (false, Some(retention_ms)) => retain(store, partition.id, retention_ms)?,
            (false, None) => {}
        }
    }
    Ok(())
}

/// Deletes batches from the front whose newest record is too old.
fn retain(store: &Arc<Store>, partition: i64, retention_ms: i64) -> Result<(), Cause> {
    let oldest_ms = clock::now_ms().saturating_sub(retention_ms);
    let bounds = [batch_id(partition, 0), batch_id(partition + 1, 0)];
    let (old_until, first_kept) = store.read(|c| {
        let kept = c
            .prepare_cached("SELECT min(id) FROM batch WHERE id >= ?1 AND id < ?2 AND max_timestamp_ms >= ?3")?
            .query_row([bounds[0], bounds[1], oldest_ms], |row| row.get::<_, Option<i64>>(0))?;
        let first = c
            .prepare_cached("SELECT min(id) FROM batch WHERE id >= ?1 AND id < ?2")?
            .query_row(bounds, |row| row.get::<_, Option<i64>>(0))?;
        // Nothing newer: all that there is now may go, but not what is appended meanwhile.
        let end = batch_id(partition, next_offset(c, partition)?);
        Ok((kept.unwrap_or(end), first))
    })?;
    if first_kept.is_none_or(|first| first >= old_until) {
        return Ok(());
    }
    let first_offset = base_offset(old_until);
    job(store, move |c| {
        let next = next_offset(c, partition)?;
        c.execute("DELETE FROM batch WHERE id >= ?1 AND id < ?2", [bounds[0], old_until])?;
        c.execute(
            "UPDATE partition SET first_offset = ?2, next_offset_floor = ?3 WHERE id = ?1",
            [partition, first_offset, next],
        )?;
        Ok(())
    })
}

/// Keeps the last record of each key.
fn compact(store: &Arc<Store>, partition: &Partition) -> Result<(), Cause> {
    let end = store.read(|c| next_offset(c, partition.id))?;
    let dirty = end - partition.clean_offset;
    let tombstones_due = partition.tombstones_ms < i64::try_from(EVERY.as_millis()).unwrap_or(i64::MAX);
    if (dirty == 0 && !tombstones_due) || (dirty as f64) < partition.dirty_ratio * end as f64 {
        return Ok(());
    }
    let last = last_of_each_key(store, partition.id, end)?;
    let tombstones_before = clock::now_ms().saturating_sub(partition.tombstones_ms);
    let mut from = batch_id(partition.id, 0);
    let until = batch_id(partition.id, end);
    while let Some(page) = read_page(store, from, until)? {
        from = page.last_id + 1;
        let mut changes = Vec::new();
        for (id, body) in page.batches {
            let base = base_offset(id);
            let records = batch::read(body)?;
            let count = records.len();
            let kept: Vec<_> = records
                .into_iter()
                .filter(|r| {
                    let newest =
                        r.key.as_ref().is_none_or(|key| last.get(key) == Some(&(base + r.delta.cast_signed())));
                    newest && (r.value.is_some() || r.timestamp_ms >= tombstones_before)
                })
                .collect();
            if kept.len() < count {
                let mut builder = BatchBuilder::new(kept.first().map_or(0, |r| r.timestamp_ms));
                kept.iter().for_each(|r| builder.keep(r.delta, r));
                changes.push((id, (!kept.is_empty()).then(|| builder.finish())));
            }
        }
        if !changes.is_empty() {
            let (partition, end) = (partition.id, end);
            job(store, move |c| rewrite(c, partition, end, changes))?;
        }
    }
    let partition = partition.id;
    job(store, move |c| {
        c.execute("UPDATE partition SET clean_offset = ?2 WHERE id = ?1", [partition, end])?;
        Ok(())
    })
}

/// The offset of each key's last record before `end`. Holds every key of the partition in memory: a compacted topic has
/// one record a key in the end, so this is at most what it is made for.
fn last_of_each_key(store: &Arc<Store>, partition: i64, end: i64) -> Result<HashMap<Bytes, i64>, Cause> {
    let mut last = HashMap::new();
    let mut from = batch_id(partition, 0);
    while let Some(page) = read_page(store, from, batch_id(partition, end))? {
        from = page.last_id + 1;
        for (id, body) in page.batches {
            for record in batch::read(body)? {
                if let Some(key) = record.key {
                    last.insert(Bytes::copy_from_slice(&key), base_offset(id) + record.delta.cast_signed());
                }
            }
        }
    }
    Ok(last)
}

struct Page {
    batches: Vec<(i64, Bytes)>,
    last_id: i64,
}

fn read_page(store: &Arc<Store>, from: i64, until: i64) -> Result<Option<Page>, Cause> {
    let batches = store.read(|c| {
        let mut batches = Vec::new();
        let mut bytes = 0;
        let mut statement = c.prepare_cached("SELECT id, body FROM batch WHERE id >= ?1 AND id < ?2 ORDER BY id")?;
        let mut rows = statement.query([from, until])?;
        while bytes < REWRITE_BYTES_MAX
            && let Some(row) = rows.next()?
        {
            let body = Bytes::from(row.get::<_, Vec<u8>>(1)?);
            bytes += body.len();
            batches.push((row.get(0)?, body));
        }
        Ok(batches)
    })?;
    Ok(batches.last().map(|(id, _)| *id).map(|last_id| Page { batches, last_id }))
}

fn rewrite(c: &Connection, partition: i64, end: i64, changes: Vec<(i64, Option<Vec<u8>>)>) -> rusqlite::Result<()> {
    c.execute("UPDATE partition SET next_offset_floor = max(next_offset_floor, ?2) WHERE id = ?1", [partition, end])?;
    for (id, body) in changes {
        match body {
            // `last_offset` stays: the batch still covers the same range of offsets.
            Some(body) => c.execute("UPDATE batch SET body = ?2 WHERE id = ?1", params![id, body])?,
            None => c.execute("DELETE FROM batch WHERE id = ?1", [id])?,
        };
    }
    Ok(())
}

fn job(
    store: &Arc<Store>,
    job: impl FnOnce(&Connection) -> rusqlite::Result<()> + Send + 'static,
) -> Result<(), Cause> {
    match store.submit(JOB_TIMEOUT, move |c, _| job(c)).blocking_recv() {
        Ok(Ok(())) => Ok(()),
        Ok(Err(super::store::JobError::Job(error))) => Err(error.into()),
        Ok(Err(super::store::JobError::Commit(error))) => Err(error),
        Err(_expired) => Err(store.holder()),
    }
}
