//! Turns records into rows: one row per partition and transaction, however many records it has.

use std::{collections::HashMap, sync::Arc};

use rusqlite::{Connection, OptionalExtension, params};

use super::batch::BatchBuilder;
use crate::{AppendError, Appended, NewRecord, Offset, TopicPartition, clock};

/// Batches are split at this size, so that a reader that wants little need not load much.
const BATCH_BYTES_MAX: usize = 256 << 10;
/// Bits of a batch's row id below the partition's id.
const OFFSET_BITS: u32 = 40;

/// The row id of the batch that starts at `offset`.
pub(crate) fn batch_id(partition: i64, offset: i64) -> i64 {
    (partition << OFFSET_BITS) | offset
}

/// The first offset of a batch, from its row id.
pub(crate) fn base_offset(batch: i64) -> i64 {
    batch & ((1 << OFFSET_BITS) - 1)
}

/// The offset after the last record that was ever appended.
pub(crate) fn next_offset(connection: &Connection, partition: i64) -> rusqlite::Result<i64> {
    let last = connection
        .prepare_cached("SELECT last_offset FROM batch WHERE id >= ?1 AND id < ?2 ORDER BY id DESC LIMIT 1")?
        .query_row([batch_id(partition, 0), batch_id(partition + 1, 0)], |row| row.get::<_, i64>(0))
        .optional()?;
    let floor: Option<i64> = connection
        .prepare_cached("SELECT next_offset_floor FROM partition WHERE id = ?1")?
        .query_row([partition], |row| row.get(0))
        .optional()?;
    Ok(last.map_or(0, |last| last + 1).max(floor.unwrap_or(0)))
}

/// What appending needs to know of a topic.
pub(crate) struct CachedTopic {
    partitions: Vec<i64>,
    compacted: bool,
    record_bytes_max: usize,
}

/// The topics as this thread last saw them; looked up again when any process has made or deleted one.
#[derive(Default)]
pub(crate) struct TopicCache {
    version: String,
    topics: HashMap<Arc<str>, Option<CachedTopic>>,
}

impl TopicCache {
    /// Forgets everything if topics have changed.
    pub(crate) fn refresh(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let version: String = connection
            .prepare_cached("SELECT value FROM meta WHERE name = 'topics_version'")?
            .query_row([], |row| row.get(0))?;
        if version != self.version {
            self.topics.clear();
            self.version = version;
        }
        Ok(())
    }

    pub(crate) fn forget(&mut self) {
        self.version.clear();
        self.topics.clear();
    }

    fn get(&mut self, connection: &Connection, name: &Arc<str>) -> rusqlite::Result<Option<&CachedTopic>> {
        // A name that does not exist is remembered too, which hostile names could grow without bound.
        const TOPICS_MAX: usize = 10_000;
        if !self.topics.contains_key(name) {
            if self.topics.len() >= TOPICS_MAX {
                self.topics.clear();
            }
            self.topics.insert(name.clone(), load(connection, name)?);
        }
        Ok(self.topics.get(name).and_then(Option::as_ref))
    }
}

fn load(connection: &Connection, name: &str) -> rusqlite::Result<Option<CachedTopic>> {
    let row = connection
        .prepare_cached("SELECT id, compacted, record_bytes_max FROM topic WHERE name = ?1")?
        .query_row([name], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((id, compacted, record_bytes_max)): Option<(i64, bool, i64)> = row else { return Ok(None) };
    let record_bytes_max = usize::try_from(record_bytes_max).unwrap_or(usize::MAX);
    let partitions = connection
        .prepare_cached("SELECT id FROM partition WHERE topic = ?1 ORDER BY number")?
        .query_map([id], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Some(CachedTopic { partitions, compacted, record_bytes_max }))
}

/// Rows being built for one partition.
struct Open {
    partition: i64,
    base: i64,
    next: i64,
    batch: BatchBuilder,
}

impl Open {
    fn write(&mut self, connection: &Connection, timestamp_ms: i64) -> rusqlite::Result<()> {
        let batch = std::mem::replace(&mut self.batch, BatchBuilder::new(timestamp_ms));
        if let Some(last) = batch.last_delta() {
            connection
                .prepare_cached("INSERT INTO batch (id, last_offset, max_timestamp_ms, body) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![
                    batch_id(self.partition, self.base),
                    self.base + last.cast_signed(),
                    batch.max_timestamp_ms(),
                    batch.finish()
                ])?;
        }
        self.base = self.next;
        Ok(())
    }
}

/// Appends records in their order. A record that is refused does not stop the others; the outer error undoes all.
pub(crate) fn append(
    connection: &Connection,
    topics: &mut TopicCache,
    records: Vec<NewRecord>,
) -> rusqlite::Result<Vec<Result<Appended, AppendError>>> {
    let now = clock::now_ms();
    let mut open: Vec<Open> = Vec::new();
    let mut at: HashMap<i64, usize> = HashMap::new();
    let mut outcomes = Vec::with_capacity(records.len());
    for record in records {
        let partition = match admit(topics.get(connection, &record.topic)?, &record) {
            Ok(partition) => partition,
            Err(refusal) => {
                outcomes.push(Err(refusal));
                continue;
            }
        };
        let timestamp = record.timestamp_ms.unwrap_or(now);
        let index = match at.get(&partition) {
            Some(index) => *index,
            None => {
                let next = next_offset(connection, partition)?;
                open.push(Open { partition, base: next, next, batch: BatchBuilder::new(timestamp) });
                at.insert(partition, open.len() - 1);
                open.len() - 1
            }
        };
        let rows = &mut open[index];
        if rows.batch.len() > BATCH_BYTES_MAX {
            rows.write(connection, timestamp)?;
        }
        rows.batch.push((rows.next - rows.base).cast_unsigned(), timestamp, &record);
        outcomes.push(Ok(Appended { partition: record.partition, offset: Offset(rows.next) }));
        rows.next += 1;
    }
    for rows in &mut open {
        rows.write(connection, now)?;
    }
    Ok(outcomes)
}

/// Whether the topic takes the record, and the id of its partition.
fn admit(topic: Option<&CachedTopic>, record: &NewRecord) -> Result<i64, AppendError> {
    let name = || record.topic.to_string();
    let topic = topic.ok_or_else(|| AppendError::UnknownTopic { topic: name() })?;
    let partition = usize::try_from(record.partition).ok().and_then(|number| topic.partitions.get(number));
    let partition = partition.ok_or_else(|| AppendError::UnknownPartition {
        partition: TopicPartition::new(record.topic.clone(), record.partition),
    })?;
    if topic.compacted && record.key.is_none() {
        return Err(AppendError::KeyRequired { topic: name() });
    }
    let bytes = record.size();
    if bytes > topic.record_bytes_max {
        return Err(AppendError::TooLarge { topic: name(), bytes, bytes_max: topic.record_bytes_max });
    }
    Ok(*partition)
}
