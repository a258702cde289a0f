//! Groups seen and moved from outside. Each function is one read, or one job of the writing thread.

use std::path::Path;

use rusqlite::{Connection, params};

use super::{membership, sign_of_life::has_ended, topics, topics::TopicError};
use crate::{AdminError, GroupInfo, GroupMember, Offset, TopicPartition};

/// All groups, by name.
pub(super) fn names(c: &Connection) -> rusqlite::Result<Vec<String>> {
    c.prepare_cached("SELECT name FROM consumer_group UNION SELECT consumer_group FROM committed ORDER BY 1")?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// One group. Members whose process has ended are left out: the others are about to remove them.
pub(super) fn describe(c: &Connection, dir: &Path, group: &str) -> rusqlite::Result<GroupInfo> {
    let mut members = Vec::new();
    for (id, pid) in members_of(c, group)? {
        if !has_ended(dir, &id) {
            let partitions = owned(c, group, &id)?;
            members.push(GroupMember { id, place: format!("pid {pid}"), partitions });
        }
    }
    let rebalancing: bool = c
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM ownership WHERE consumer_group = ?1 AND wanted IS NOT NULL AND owner IS NOT wanted)",
        )?
        .query_row([group], |row| row.get(0))?;
    let rebalancing = rebalancing && !members.is_empty();
    Ok(GroupInfo { name: group.to_owned(), members, rebalancing, committed: committed(c, group)? })
}

/// Stores positions of a group without members; those whose process has ended are removed first.
pub(super) fn set_positions(
    c: &Connection,
    dir: &Path,
    group: &str,
    positions: &[(TopicPartition, Offset)],
) -> Result<(), TopicError> {
    let (ended, alive): (Vec<_>, Vec<_>) = members_of(c, group)?.into_iter().partition(|(id, _)| has_ended(dir, id));
    if !alive.is_empty() {
        let error = AdminError::GroupActive { group: group.to_owned(), members: alive.len() };
        return Err(TopicError::Admin(error));
    }
    let ended: Vec<String> = ended.into_iter().map(|(id, _)| id).collect();
    if !ended.is_empty() {
        membership::remove(c, group, &ended)?;
    }
    for (partition, next) in positions {
        let id = topics::partition_id(c, partition)?.ok_or_else(|| missing(c, partition))?;
        c.prepare_cached(
            "INSERT INTO committed (consumer_group, partition, next_offset) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET next_offset = excluded.next_offset",
        )?
        .execute(params![group, id, next.0])?;
    }
    Ok(())
}

fn missing(c: &Connection, partition: &TopicPartition) -> TopicError {
    match topics::one(c, &partition.topic) {
        Ok(Some(_)) => TopicError::Admin(AdminError::UnknownPartition { partition: partition.clone() }),
        Ok(None) => TopicError::Admin(AdminError::UnknownTopic { topic: partition.topic.to_string() }),
        Err(error) => error.into(),
    }
}

fn members_of(c: &Connection, group: &str) -> rusqlite::Result<Vec<(String, i64)>> {
    c.prepare_cached("SELECT id, pid FROM member WHERE consumer_group = ?1 ORDER BY id")?
        .query_map([group], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

fn owned(c: &Connection, group: &str, member: &str) -> rusqlite::Result<Vec<TopicPartition>> {
    c.prepare_cached(
        "SELECT t.name, p.number FROM ownership o JOIN partition p ON p.id = o.partition JOIN topic t ON t.id = p.topic
         WHERE o.consumer_group = ?1 AND o.owner = ?2 ORDER BY t.name, p.number",
    )?
    .query_map([group, member], |row| Ok(TopicPartition::new(row.get::<_, String>(0)?, row.get(1)?)))?
    .collect()
}

fn committed(c: &Connection, group: &str) -> rusqlite::Result<Vec<(TopicPartition, Offset)>> {
    c.prepare_cached(
        "SELECT t.name, p.number, c.next_offset FROM committed c JOIN partition p ON p.id = c.partition
         JOIN topic t ON t.id = p.topic WHERE c.consumer_group = ?1 ORDER BY t.name, p.number",
    )?
    .query_map([group], |row| Ok((TopicPartition::new(row.get::<_, String>(0)?, row.get(1)?), Offset(row.get(2)?))))?
    .collect()
}
