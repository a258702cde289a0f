//! The proof that each event took effect once, in order: reads the topics from the beginning with a decoder of its own, and
//! compares with the audit columns.
//!
//! It shares with the sink only the names of tables and fields ([`Touch`](crate::Touch)): not the typed decoder, not the
//! effect functions, not the position.

mod diagnosis;
mod walk;

use std::collections::{BTreeMap, HashMap, HashSet};

use coursebus_registry_tools::Registry;
use coursebus_transport::{AdminError, Log, TopicId};
use serde::Serialize;

use self::{
    diagnosis::{Finding, diagnose},
    walk::{Seen, walk},
};
use crate::{
    AppliedEvent, AuditRow, ChainLink, SinkSpec, Store, StoreError, dump::all_rows, spec::key_text, store::AuditState,
};

/// What an audit found. Counted per row that an event touches; an event of the first sinks touches one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The consumer group.
    pub group: String,
    /// Events that should have taken effect: those before the group's positions, without held ones.
    pub expected: u64,
    /// Events that did.
    pub applied: u64,
    /// Records that are held: counted apart, not lost.
    pub held: u64,
    /// Events that took no effect.
    pub lost: u64,
    /// Effects too many.
    pub duplicated: u64,
    /// Events that took effect in another order than the log's.
    pub out_of_order: u64,
    /// Events behind the group's positions, which are not due yet.
    #[serde(skip)]
    pub waiting: u64,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn agrees(&self) -> bool {
        (self.lost, self.duplicated, self.out_of_order) == (0, 0, 0)
    }
}

/// An audit could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// Some batches were applied without audit columns.
    #[error("{group} has not run in audit mode from its beginning")]
    NotAudited {
        /// The group.
        group: String,
    },
    /// The positions are of another log than the one that would be read: the counts would mean nothing.
    #[error("{group} was fed from another log: {what}")]
    OtherLog {
        /// The group.
        group: String,
        /// Which cluster or topic it is not.
        what: String,
    },
    /// The database cannot be read.
    #[error("the sink's database cannot be read")]
    Store(#[from] StoreError),
    /// The topics cannot be read.
    #[error("the topics of {group} cannot be read: {what}")]
    Log {
        /// The group.
        group: String,
        /// What was tried.
        what: String,
        /// What was said.
        source: coursebus_transport::Cause,
    },
}

/// A row and one of the partitions that its events came from.
type Strand = (&'static str, String, String);

/// What the topics say of a strand.
#[derive(Default)]
struct Expected {
    count: u64,
    link: ChainLink,
}

/// Audits a sink.
pub async fn audit(
    log: &dyn Log,
    registry: &dyn Registry,
    store: &dyn Store,
    spec: &SinkSpec,
    topic_prefix: &str,
) -> Result<Report, AuditError> {
    let group = spec.group();
    let state = store.audit_state(&group).await?;
    let started = state.positions.iter().any(|p| p.next.is_some());
    if started && !state.complete {
        return Err(AuditError::NotAudited { group });
    }
    check_log(log, &group, &state).await?;
    let mut report = Report { group, ..Report::default() };
    let mut strands: HashMap<Strand, Expected> = HashMap::new();
    let topics = spec.topics(topic_prefix);
    walk(log, registry, spec, &topics, &state, |seen| match seen {
        Seen::Held => report.held += 1,
        Seen::Waiting => report.waiting += 1,
        Seen::Unreadable => {
            report.expected += 1;
            report.lost += 1;
        }
        Seen::Touched { row, partition, event } => {
            report.expected += 1;
            let strand = strands.entry((row.0, row.1, partition)).or_default();
            strand.count += 1;
            strand.link = strand.link.next(&event.source, &event.id);
        }
    })
    .await?;
    let wrong = compare(&strands, &state, &mut report);
    if !wrong.is_empty() {
        explain(log, registry, spec, &topics, &state, &wrong, &mut report).await?;
    }
    compare_tables(store, spec, &state, &mut report).await?;
    Ok(report)
}

/// Whether the sink was fed from this log: from this cluster, and from these topics, not others of their names.
async fn check_log(log: &dyn Log, group: &str, state: &AuditState) -> Result<(), AuditError> {
    let refuse = |what: String| Err(AuditError::OtherLog { group: group.to_owned(), what });
    let failed = |what: String| {
        move |source: AdminError| AuditError::Log { group: group.to_owned(), what, source: source.into() }
    };
    let cluster = log.cluster().await.map_err(failed("find the log's identity".to_owned()))?;
    let mut topics: HashMap<&str, Option<TopicId>> = HashMap::new();
    for position in state.positions.iter().filter(|p| p.next.is_some()) {
        let topic = &*position.id.partition.topic;
        if position.id.cluster != cluster.0 {
            return refuse(format!("its positions are of cluster {}, this is {}", position.id.cluster, cluster.0));
        }
        if !topics.contains_key(topic) {
            let found = match log.topic(topic).await {
                Ok(info) => Some(info.id),
                Err(AdminError::UnknownTopic { .. }) => None,
                Err(error) => return Err(failed(format!("find topic {topic}"))(error)),
            };
            topics.insert(topic, found);
        }
        if topics.get(topic).is_none_or(|found| found.as_ref().is_none_or(|id| id.0 != position.id.topic_id)) {
            return refuse(format!("topic {topic} was deleted, or made again, since"));
        }
    }
    Ok(())
}

/// Counts what agrees, and names the strands that do not.
fn compare(strands: &HashMap<Strand, Expected>, state: &AuditState, report: &mut Report) -> HashSet<Strand> {
    let mut wrong = HashSet::new();
    let mut by_row: HashMap<(&str, &str), u64> = HashMap::new();
    for (strand, expected) in strands {
        let (table, key, partition) = strand;
        *by_row.entry((table, key)).or_default() += expected.count;
        let stored = state.rows.get(&((*table).to_owned(), key.clone()));
        if stored.and_then(|row| row.chain.get(partition)) != Some(&expected.link) {
            wrong.insert(strand.clone());
        }
    }
    for ((table, key), row) in &state.rows {
        let applied = u64::try_from(row.applied).unwrap_or_default();
        report.applied += applied;
        let expected = by_row.get(&(table.as_str(), key.as_str())).copied().unwrap_or_default();
        let is_wrong = wrong.iter().any(|(t, k, _)| t == table && k == key);
        // A chain that no event explains, or a count that differs from sound chains.
        if expected == 0 {
            report.duplicated += applied;
        } else if !is_wrong {
            report.duplicated += applied.saturating_sub(expected);
            report.lost += expected.saturating_sub(applied);
        }
    }
    wrong
}

/// Reads the events of wrong strands once more, and finds for each what explains its chain.
async fn explain(
    log: &dyn Log,
    registry: &dyn Registry,
    spec: &SinkSpec,
    topics: &[String],
    state: &AuditState,
    wrong: &HashSet<Strand>,
    report: &mut Report,
) -> Result<(), AuditError> {
    let mut events: BTreeMap<Strand, Vec<AppliedEvent>> = BTreeMap::new();
    walk(log, registry, spec, topics, state, |seen| {
        if let Seen::Touched { row, partition, event } = seen {
            let strand = (row.0, row.1, partition);
            if wrong.contains(&strand) {
                events.entry(strand).or_default().push(event);
            }
        }
    })
    .await?;
    for ((table, key, partition), events) in events {
        let empty = AuditRow::default();
        let row = state.rows.get(&(table.to_owned(), key.clone())).unwrap_or(&empty);
        let stored = row.chain.get(&partition).copied();
        // The row's count is of all its partitions; with one partition it is this chain's.
        let applied = if row.chain.len() <= 1 { u64::try_from(row.applied).ok() } else { None };
        let Finding { lost, duplicated, out_of_order } = diagnose(&events, stored, applied);
        report.lost += lost;
        report.duplicated += duplicated;
        report.out_of_order += out_of_order;
    }
    Ok(())
}

/// Every audited row is in its table, unless it was removed, and no other.
async fn compare_tables(
    store: &dyn Store,
    spec: &SinkSpec,
    state: &AuditState,
    report: &mut Report,
) -> Result<(), AuditError> {
    for table in spec.tables {
        let keys: HashSet<String> =
            all_rows(store, table).await?.iter().map(|row| key_text(&row[..table.key.len()])).collect();
        let audited = state.rows.iter().filter(|((name, _), row)| name == table.name && !row.deleted);
        let mut there = 0;
        for ((_, key), row) in audited {
            if keys.contains(key) {
                there += 1;
            } else {
                report.lost += u64::try_from(row.applied).unwrap_or_default();
            }
        }
        report.duplicated += (keys.len() - there) as u64;
    }
    Ok(())
}
