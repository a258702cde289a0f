//! Topics: made, deleted, described.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    append::{TopicCache, batch_id, next_offset},
    membership,
};
use crate::{AdminError, Cleanup, Offset, Range, TopicId, TopicInfo, TopicPartition, TopicSpec};

const PARTITIONS_MAX: i32 = 10_000;
const RECORD_BYTES_MAX: usize = 1 << 20;
const TOMBSTONES_MS: i64 = 24 * 60 * 60 * 1000;
const DIRTY_RATIO: f64 = 0.5;

/// What a job of this file says when it fails.
pub(super) enum TopicError {
    Admin(AdminError),
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for TopicError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

/// Whether Kafka would take the name, so that what runs here runs there.
pub(crate) fn check(spec: &TopicSpec) -> Result<(), AdminError> {
    let refuse = |reason: &str| AdminError::Invalid { topic: spec.name.clone(), reason: reason.to_owned() };
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if spec.name.is_empty() || spec.name.len() > 249 || spec.name == "." || spec.name == ".." {
        return Err(refuse("a name has 1 to 249 characters and is not '.' or '..'"));
    }
    if !spec.name.chars().all(good) {
        return Err(refuse("a name has letters, digits, '.', '_' and '-' only"));
    }
    if !(1..=PARTITIONS_MAX).contains(&spec.partitions) {
        return Err(refuse("a topic has 1 to 10000 partitions"));
    }
    Ok(())
}

pub(super) fn create(c: &Connection, cache: &mut TopicCache, spec: &TopicSpec) -> Result<(), TopicError> {
    check(spec).map_err(TopicError::Admin)?;
    let number = |name: &str| spec.settings.get(name).map(|value| value.parse::<f64>());
    let setting = |name: &str, default: f64| match number(name) {
        None => Ok(default),
        Some(Ok(value)) if value >= 0.0 => Ok(value),
        Some(_) => Err(TopicError::Admin(AdminError::Invalid {
            topic: spec.name.clone(),
            reason: format!("{name} is not a number of 0 or more"),
        })),
    };
    let tombstones_ms = setting("delete.retention.ms", TOMBSTONES_MS as f64)? as i64;
    let dirty_ratio = setting("min.cleanable.dirty.ratio", DIRTY_RATIO)?;
    let exists = c.query_row("SELECT 1 FROM topic WHERE name = ?1", [&spec.name], |_| Ok(())).optional()?;
    if exists.is_some() {
        return Err(TopicError::Admin(AdminError::TopicExists { topic: spec.name.clone() }));
    }
    c.execute(
        "INSERT INTO topic (name, uuid, partitions, compacted, retention_ms, record_bytes_max, tombstones_ms, dirty_ratio)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            spec.name,
            uuid::Uuid::new_v4().to_string(),
            spec.partitions,
            spec.cleanup == Cleanup::Compact,
            spec.retention.map(|r| i64::try_from(r.as_millis()).unwrap_or(i64::MAX)),
            i64::try_from(spec.record_bytes_max.unwrap_or(RECORD_BYTES_MAX)).unwrap_or(i64::MAX),
            tombstones_ms,
            dirty_ratio,
        ],
    )?;
    let topic = c.last_insert_rowid();
    for partition in 0..spec.partitions {
        c.execute("INSERT INTO partition (topic, number) VALUES (?1, ?2)", [topic, i64::from(partition)])?;
    }
    topics_changed(c, cache)?;
    membership::topic_came(c, &spec.name)?;
    Ok(())
}

/// Whether a topic may have so many partitions instead.
pub(crate) fn check_growth(topic: &str, had: i32, partitions: i32) -> Result<(), AdminError> {
    let refuse = |reason: String| Err(AdminError::Invalid { topic: topic.to_owned(), reason });
    if partitions <= had {
        return refuse(format!("it has {had} partitions, and can only be given more"));
    }
    if partitions > PARTITIONS_MAX {
        return refuse(format!("a topic has 1 to {PARTITIONS_MAX} partitions"));
    }
    Ok(())
}

pub(super) fn grow(c: &Connection, cache: &mut TopicCache, name: &str, partitions: i32) -> Result<(), TopicError> {
    let found = c
        .query_row("SELECT id, partitions FROM topic WHERE name = ?1", [name], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (topic, had): (i64, i32) =
        found.ok_or_else(|| TopicError::Admin(AdminError::UnknownTopic { topic: name.to_owned() }))?;
    check_growth(name, had, partitions).map_err(TopicError::Admin)?;
    c.execute("UPDATE topic SET partitions = ?2 WHERE id = ?1", [topic, i64::from(partitions)])?;
    for partition in had..partitions {
        c.execute("INSERT INTO partition (topic, number) VALUES (?1, ?2)", [topic, i64::from(partition)])?;
    }
    topics_changed(c, cache)?;
    membership::topic_grew(c, name)?;
    Ok(())
}

pub(super) fn delete(c: &Connection, cache: &mut TopicCache, name: &str) -> Result<(), TopicError> {
    let topic: Option<i64> =
        c.query_row("SELECT id FROM topic WHERE name = ?1", [name], |row| row.get(0)).optional()?;
    let topic = topic.ok_or_else(|| TopicError::Admin(AdminError::UnknownTopic { topic: name.to_owned() }))?;
    for partition in partition_ids(c, topic)? {
        c.execute(
            "DELETE FROM batch WHERE id >= ?1 AND id < ?2",
            [batch_id(partition, 0), batch_id(partition + 1, 0)],
        )?;
        c.execute("DELETE FROM committed WHERE partition = ?1", [partition])?;
        c.execute("DELETE FROM ownership WHERE partition = ?1", [partition])?;
    }
    c.execute("DELETE FROM partition WHERE topic = ?1", [topic])?;
    c.execute("DELETE FROM topic WHERE id = ?1", [topic])?;
    topics_changed(c, cache)?;
    Ok(())
}

/// Tells the caches of all processes to look again.
fn topics_changed(c: &Connection, cache: &mut TopicCache) -> rusqlite::Result<()> {
    cache.forget();
    c.execute("UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE name = 'topics_version'", [])?;
    Ok(())
}

fn partition_ids(c: &Connection, topic: i64) -> rusqlite::Result<Vec<i64>> {
    c.prepare_cached("SELECT id FROM partition WHERE topic = ?1 ORDER BY number")?
        .query_map([topic], |row| row.get(0))?
        .collect()
}

const COLUMNS: &str = "name, uuid, partitions, compacted, retention_ms, record_bytes_max";

fn info(row: &Row<'_>) -> rusqlite::Result<TopicInfo> {
    let compacted: bool = row.get(3)?;
    let retention: Option<i64> = row.get(4)?;
    let settings = BTreeMap::from([
        ("cleanup.policy".to_owned(), if compacted { "compact" } else { "delete" }.to_owned()),
        ("retention.ms".to_owned(), retention.unwrap_or(-1).to_string()),
        ("max.message.bytes".to_owned(), row.get::<_, i64>(5)?.to_string()),
    ]);
    Ok(TopicInfo { name: row.get(0)?, id: TopicId(row.get(1)?), partitions: row.get(2)?, replication: 1, settings })
}

pub(super) fn all(c: &Connection) -> rusqlite::Result<Vec<TopicInfo>> {
    c.prepare_cached(&format!("SELECT {COLUMNS} FROM topic ORDER BY name"))?.query_map([], info)?.collect()
}

pub(super) fn one(c: &Connection, name: &str) -> rusqlite::Result<Option<TopicInfo>> {
    c.prepare_cached(&format!("SELECT {COLUMNS} FROM topic WHERE name = ?1"))?.query_row([name], info).optional()
}

/// The id of a partition's rows; `None` where there is no such topic or partition.
pub(super) fn partition_id(c: &Connection, partition: &TopicPartition) -> rusqlite::Result<Option<i64>> {
    c.prepare_cached("SELECT p.id FROM partition p JOIN topic t ON t.id = p.topic WHERE t.name = ?1 AND p.number = ?2")?
        .query_row(params![partition.topic, partition.partition], |row| row.get(0))
        .optional()
}

/// First and next offset of a partition; `None` where it was deleted.
pub(super) fn range(c: &Connection, partition: i64) -> rusqlite::Result<Option<Range>> {
    let first = c
        .prepare_cached("SELECT first_offset FROM partition WHERE id = ?1")?
        .query_row([partition], |row| row.get(0))
        .optional()?;
    let Some(first) = first else { return Ok(None) };
    Ok(Some(Range { earliest: Offset(first), latest: Offset(next_offset(c, partition)?) }))
}
