//! Reading batches from a position on.

use std::sync::Arc;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension};

use super::{
    append::{base_offset, batch_id},
    batch, topics,
};
use crate::{Offset, ReadError, Record, TopicPartition};

/// A partition being read.
pub(super) struct Cursor {
    pub(super) name: TopicPartition,
    /// Its id in the store.
    pub(super) id: i64,
    /// The next offset to read.
    pub(super) next: i64,
    /// The end that was told last; told again when it has moved.
    pub(super) end_told: Option<i64>,
    pub(super) paused: bool,
}

impl Cursor {
    pub(super) fn new(name: TopicPartition, id: i64, next: Offset) -> Self {
        Self { name, id, next: next.0, end_told: None, paused: false }
    }

    /// Checks that the position is in the log.
    pub(super) fn check(&self, c: &Connection) -> Result<(), ReadError> {
        let range = topics::range(c, self.id).map_err(refused)?;
        let range = range.ok_or_else(|| ReadError::UnknownTopic { topic: self.name.topic.to_string() })?;
        if (range.earliest.0..=range.latest.0).contains(&self.next) {
            return Ok(());
        }
        let (partition, position) = (self.name.clone(), Offset(self.next));
        Err(ReadError::OutOfRange { partition, position, earliest: range.earliest, latest: range.latest })
    }

    /// Reads up to about `bytes_max`, at least one batch where there is one. Moves the cursor.
    pub(super) fn fetch(&mut self, c: &Connection, bytes_max: usize) -> Result<Vec<Record>, ReadError> {
        let mut records = Vec::new();
        let mut bytes = 0;
        let from = batch_holding(c, self.id, self.next).map_err(refused)?;
        let mut statement = c
            .prepare_cached("SELECT id, last_offset, body FROM batch WHERE id >= ?1 AND id < ?2 ORDER BY id")
            .map_err(refused)?;
        let mut rows = statement.query([from, batch_id(self.id + 1, 0)]).map_err(refused)?;
        while bytes < bytes_max
            && let Some(row) = rows.next().map_err(refused)?
        {
            let (id, last): (i64, i64) = (row.get(0).map_err(refused)?, row.get(1).map_err(refused)?);
            if last < self.next {
                continue;
            }
            let body = Bytes::from(row.get::<_, Vec<u8>>(2).map_err(refused)?);
            bytes += body.len();
            let base = base_offset(id);
            let stored = batch::read(body).map_err(|e| ReadError::Refused {
                what: format!("read the batch of {} at {base}", self.name),
                source: e.into(),
            })?;
            let topic: &Arc<str> = &self.name.topic;
            let wanted = stored.into_iter().filter(|s| base + s.delta.cast_signed() >= self.next);
            records.extend(wanted.map(|s| s.into_record(topic, self.name.partition, base)));
            self.next = last + 1;
        }
        Ok(records)
    }

    /// The end, if the cursor stands there and it was not told yet. Called only when a fetch found nothing.
    pub(super) fn end(&mut self, c: &Connection) -> Result<Option<Offset>, ReadError> {
        let range = topics::range(c, self.id).map_err(refused)?;
        let range = range.ok_or_else(|| ReadError::UnknownTopic { topic: self.name.topic.to_string() })?;
        if self.next < range.earliest.0 {
            self.check(c)?;
        }
        if batch_after(c, self.id, self.next).map_err(refused)? {
            return Ok(None);
        }
        // What retention or compaction took away at the end is a hole: the position is behind it.
        self.next = self.next.max(range.latest.0);
        if self.end_told == Some(self.next) {
            return Ok(None);
        }
        self.end_told = Some(self.next);
        Ok(Some(Offset(self.next)))
    }
}

/// The id of the batch that holds the offset, or of the first one after it.
fn batch_holding(c: &Connection, partition: i64, offset: i64) -> rusqlite::Result<i64> {
    let at = batch_id(partition, offset);
    let before = c
        .prepare_cached("SELECT id FROM batch WHERE id >= ?1 AND id <= ?2 ORDER BY id DESC LIMIT 1")?
        .query_row([batch_id(partition, 0), at], |row| row.get(0))
        .optional()?;
    Ok(before.unwrap_or(at))
}

fn batch_after(c: &Connection, partition: i64, offset: i64) -> rusqlite::Result<bool> {
    let found = c
        .prepare_cached("SELECT 1 FROM batch WHERE id >= ?1 AND id < ?2 LIMIT 1")?
        .query_row([batch_id(partition, offset), batch_id(partition + 1, 0)], |_| Ok(()))
        .optional()?;
    Ok(found.is_some())
}

/// The first record at or after a time; `None` where there is none.
pub(super) fn offset_at(c: &Connection, partition: i64, timestamp_ms: i64) -> rusqlite::Result<Option<Offset>> {
    let batch = c
        .prepare_cached(
            "SELECT id, body FROM batch WHERE id >= ?1 AND id < ?2 AND max_timestamp_ms >= ?3 ORDER BY id LIMIT 1",
        )?
        .query_row([batch_id(partition, 0), batch_id(partition + 1, 0), timestamp_ms], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))
        })
        .optional()?;
    let Some((id, body)) = batch else { return Ok(None) };
    // A broken batch answers with its first offset: whoever reads from there is told.
    let records = batch::read(Bytes::from(body)).unwrap_or_default();
    let delta = records.iter().find(|r| r.timestamp_ms >= timestamp_ms).map_or(0, |r| r.delta.cast_signed());
    Ok(Some(Offset(base_offset(id) + delta)))
}

pub(super) fn refused(error: rusqlite::Error) -> ReadError {
    ReadError::Refused { what: "read the embedded log".to_owned(), source: error.into() }
}
