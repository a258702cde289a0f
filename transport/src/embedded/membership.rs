//! A group's tables: joining, leaving, and who has which partition. Each function is one job of the writing thread.
//!
//! `wanted` says who is to have a partition, `owner` who has it. An owner that is not wanted lets go (owner becomes null);
//! whoever is wanted takes a partition that has no owner. So a partition never has two.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension, params};

use super::assignor::{Candidate, assign};
use crate::{Offset, TopicPartition, pattern};

/// The id of a new member. One with a name of its own has it in its id.
pub(super) fn new_id(instance: Option<&str>) -> String {
    let id = uuid::Uuid::new_v4();
    instance.map_or_else(|| id.to_string(), |name| format!("{NAMED}{name}.{id}"))
}

const NAMED: &str = "named.";

/// The name of its own that a member with this id has.
pub(super) fn instance_of(member: &str) -> Option<&str> {
    Some(member.strip_prefix(NAMED)?.rsplit_once('.')?.0)
}

/// Adds a member and divides anew. Fails with the name of a topic that does not exist. A member with a name of its own takes
/// the place of the one that has the name, if there is one; that one is told.
pub(super) fn join(c: &Connection, group: &str, member: &str, topics: &[String]) -> Result<Option<String>, JoinError> {
    for topic in topics.iter().filter(|topic| !pattern::is_pattern(topic)) {
        if super::topics::one(c, topic)?.is_none() {
            return Err(JoinError::UnknownTopic(topic.clone()));
        }
    }
    c.execute("INSERT OR IGNORE INTO consumer_group VALUES (?1, 0)", [group])?;
    // Names of topics have no line feed in them.
    c.execute(
        "INSERT OR REPLACE INTO member (consumer_group, id, pid, topics) VALUES (?1, ?2, ?3, ?4)",
        params![group, member, std::process::id(), topics.join("\n")],
    )?;
    let named = instance_of(member);
    let before = others(c, group, member)?.into_iter().find(|other| named.is_some() && instance_of(other) == named);
    if let Some(before) = &before {
        replace(c, group, before, member)?;
    }
    divide(c, group)?;
    Ok(before)
}

/// A member takes the place of another: what that one was to have is free for it, and stays where it is for all others.
fn replace(c: &Connection, group: &str, before: &str, member: &str) -> rusqlite::Result<()> {
    c.execute("DELETE FROM member WHERE consumer_group = ?1 AND id = ?2", [group, before])?;
    c.execute("UPDATE ownership SET owner = NULL WHERE consumer_group = ?1 AND owner = ?2", [group, before])?;
    c.execute(
        "UPDATE ownership SET wanted = ?3 WHERE consumer_group = ?1 AND wanted = ?2",
        params![group, before, member],
    )?;
    Ok(())
}

/// Gives a new topic to the groups with a pattern that it matches.
pub(super) fn topic_came(c: &Connection, topic: &str) -> rusqlite::Result<()> {
    divide_where(c, |entry| pattern::is_pattern(entry) && pattern::matches(entry, topic))
}

/// Gives new partitions to the groups that read the topic.
pub(super) fn topic_grew(c: &Connection, topic: &str) -> rusqlite::Result<()> {
    divide_where(c, |entry| pattern::matches(entry, topic))
}

/// Divides the groups anew that have a member with such an entry in its subscription.
fn divide_where(c: &Connection, is_meant: impl Fn(&str) -> bool) -> rusqlite::Result<()> {
    let mut groups = BTreeSet::new();
    let mut statement = c.prepare_cached("SELECT consumer_group, topics FROM member")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (group, topics): (String, String) = (row.get(0)?, row.get(1)?);
        if topics.split('\n').any(&is_meant) {
            groups.insert(group);
        }
    }
    groups.iter().try_for_each(|group| divide(c, group))
}

pub(super) enum JoinError {
    UnknownTopic(String),
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for JoinError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

/// Removes members, whose partitions are free at once, and divides anew.
pub(super) fn remove(c: &Connection, group: &str, members: &[String]) -> rusqlite::Result<()> {
    for member in members {
        c.execute("DELETE FROM member WHERE consumer_group = ?1 AND id = ?2", params![group, member])?;
        c.execute(
            "UPDATE ownership SET owner = NULL WHERE consumer_group = ?1 AND owner = ?2",
            params![group, member],
        )?;
    }
    divide(c, group)
}

/// Lets go of partitions; those who want them are told by the new generation.
pub(super) fn release(c: &Connection, group: &str, member: &str, partitions: &[i64]) -> rusqlite::Result<()> {
    for partition in partitions {
        c.execute(
            "UPDATE ownership SET owner = NULL WHERE consumer_group = ?1 AND partition = ?2 AND owner = ?3",
            params![group, partition, member],
        )?;
    }
    next_generation(c, group)
}

/// Takes the partitions that the member is to have and nobody has.
pub(super) fn acquire(c: &Connection, group: &str, member: &str) -> rusqlite::Result<Vec<(i64, TopicPartition)>> {
    let free = "SELECT o.partition, t.name, p.number FROM ownership o
        JOIN partition p ON p.id = o.partition JOIN topic t ON t.id = p.topic
        WHERE o.consumer_group = ?1 AND o.wanted = ?2 AND o.owner IS NULL ORDER BY t.name, p.number";
    let taken: Vec<(i64, TopicPartition)> = c
        .prepare_cached(free)?
        .query_map([group, member], |row| {
            Ok((row.get(0)?, TopicPartition::new(row.get::<_, String>(1)?, row.get(2)?)))
        })?
        .collect::<rusqlite::Result<_>>()?;
    for (partition, _) in &taken {
        c.execute(
            "UPDATE ownership SET owner = ?3 WHERE consumer_group = ?1 AND partition = ?2",
            params![group, partition, member],
        )?;
    }
    Ok(taken)
}

/// Stores positions. Answers with the first partition that the member does not own; then nothing is stored.
pub(super) fn commit(
    c: &Connection,
    group: &str,
    member: &str,
    positions: &[(TopicPartition, Offset)],
) -> Result<(), CommitError> {
    for (partition, next) in positions {
        let id = super::topics::partition_id(c, partition)?;
        let owner: Option<String> = match id {
            None => None,
            Some(id) => c
                .prepare_cached("SELECT owner FROM ownership WHERE consumer_group = ?1 AND partition = ?2")?
                .query_row(params![group, id], |row| row.get(0))
                .optional()?
                .flatten(),
        };
        if owner.as_deref() != Some(member) {
            return Err(CommitError::Fenced(partition.clone()));
        }
        c.prepare_cached(
            "INSERT INTO committed (consumer_group, partition, next_offset) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET next_offset = excluded.next_offset",
        )?
        .execute(params![group, id, next.0])?;
    }
    Ok(())
}

pub(super) enum CommitError {
    Fenced(TopicPartition),
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for CommitError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

/// What a member sees of its group.
pub(super) struct View {
    /// Whether the member is still in the group.
    pub(super) member: bool,
    /// Whether another one has its name and its place.
    pub(super) replaced: bool,
    /// Partitions it has and is not to have.
    pub(super) unwanted: Vec<i64>,
    /// Whether there are partitions for it to take.
    pub(super) free: bool,
}

pub(super) fn generation(c: &Connection, group: &str) -> rusqlite::Result<i64> {
    let generation = c
        .prepare_cached("SELECT generation FROM consumer_group WHERE name = ?1")?
        .query_row([group], |row| row.get(0))
        .optional()?;
    Ok(generation.unwrap_or(0))
}

pub(super) fn view(c: &Connection, group: &str, member: &str) -> rusqlite::Result<View> {
    let is_member = c
        .prepare_cached("SELECT 1 FROM member WHERE consumer_group = ?1 AND id = ?2")?
        .query_row([group, member], |_| Ok(()))
        .optional()?
        .is_some();
    let unwanted = c
        .prepare_cached(
            "SELECT partition FROM ownership WHERE consumer_group = ?1 AND owner = ?2 AND wanted IS NOT ?2",
        )?
        .query_map([group, member], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let free = c
        .prepare_cached("SELECT 1 FROM ownership WHERE consumer_group = ?1 AND wanted = ?2 AND owner IS NULL LIMIT 1")?
        .query_row([group, member], |_| Ok(()))
        .optional()?
        .is_some();
    let named = instance_of(member);
    let replaced =
        !is_member && named.is_some() && others(c, group, member)?.iter().any(|other| instance_of(other) == named);
    Ok(View { member: is_member, replaced, unwanted, free })
}

/// The group's members, without `except`.
pub(super) fn others(c: &Connection, group: &str, except: &str) -> rusqlite::Result<Vec<String>> {
    c.prepare_cached("SELECT id FROM member WHERE consumer_group = ?1 AND id <> ?2")?
        .query_map([group, except], |row| row.get(0))?
        .collect()
}

/// The positions that a group has committed.
pub(super) fn committed(c: &Connection, group: &str, partition: i64) -> rusqlite::Result<Option<Offset>> {
    c.prepare_cached("SELECT next_offset FROM committed WHERE consumer_group = ?1 AND partition = ?2")?
        .query_row(params![group, partition], |row| row.get(0).map(Offset))
        .optional()
}

fn divide(c: &Connection, group: &str) -> rusqlite::Result<()> {
    let mut members = Vec::new();
    let mut statement = c.prepare_cached("SELECT id, topics FROM member WHERE consumer_group = ?1 ORDER BY id")?;
    let mut rows = statement.query([group])?;
    while let Some(row) = rows.next()? {
        let (id, topics): (String, String) = (row.get(0)?, row.get(1)?);
        let mut eligible = BTreeSet::new();
        for entry in topics.split('\n') {
            for topic in topics_of(c, entry)? {
                let ids = "SELECT p.id FROM partition p JOIN topic t ON t.id = p.topic WHERE t.name = ?1";
                for partition in c.prepare_cached(ids)?.query_map([topic], |row| row.get::<_, i64>(0))? {
                    eligible.insert(partition?);
                }
            }
        }
        members.push(Candidate { id, eligible });
    }
    let current: BTreeMap<i64, String> = c
        .prepare_cached("SELECT partition, wanted FROM ownership WHERE consumer_group = ?1 AND wanted IS NOT NULL")?
        .query_map([group], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    c.execute("UPDATE ownership SET wanted = NULL WHERE consumer_group = ?1", [group])?;
    for (partition, member) in assign(&members, &current) {
        c.prepare_cached(
            "INSERT INTO ownership (consumer_group, partition, wanted) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET wanted = excluded.wanted",
        )?
        .execute(params![group, partition, member])?;
    }
    next_generation(c, group)
}

/// The topics that an entry of a subscription means.
fn topics_of(c: &Connection, entry: &str) -> rusqlite::Result<Vec<String>> {
    if !pattern::is_pattern(entry) {
        return Ok(vec![entry.to_owned()]);
    }
    let names: Vec<String> = c
        .prepare_cached("SELECT name FROM topic")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(names.into_iter().filter(|name| pattern::matches(entry, name)).collect())
}

fn next_generation(c: &Connection, group: &str) -> rusqlite::Result<()> {
    c.execute("UPDATE consumer_group SET generation = generation + 1 WHERE name = ?1", [group])?;
    Ok(())
}
