//! Applies a bounded range of the log to a fresh set of tables, and ends by itself.
//!
//! It joins no group: the group that keeps the sink's own tables is not disturbed and not needed.

use std::{collections::HashMap, sync::Arc, time::Duration};

use coursebus_consumer::ProcessError;
use coursebus_registry_tools::Registry;
use coursebus_transport::{AdminError, Log, Offset, ReadError, ReaderSettings, Record, TopicPartition};

use crate::{SinkProcessor, SinkSettings, SinkSpec, Store, StoreError, processor::Lane};

/// How long nothing at all may come before the replay gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Which records are replayed, by when they were emitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// From the first record of each partition that was emitted then or later.
    pub from_ms: i64,
    /// Up to the first that was emitted then or later, without it.
    pub to_ms: i64,
}

/// What a replay did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Records in the window.
    pub records: u64,
    /// How many of them are held instead of applied.
    pub held: u64,
    /// Partitions that had records in the window.
    pub partitions: usize,
}

/// A replay did not end well. What it had applied is in the target, which is of no use then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// Something was written to the target before: a replay among other rows would prove nothing.
    #[error("the target is not empty")]
    NotEmpty,
    /// The log's topics cannot be asked.
    #[error("the topics of the replay cannot be found")]
    Admin(#[from] AdminError),
    /// The log cannot be read.
    #[error("the topics of the replay cannot be read")]
    Read(#[from] ReadError),
    /// The target's database refuses.
    #[error("the target cannot be written to")]
    Store(#[from] StoreError),
    /// Records cannot be processed.
    #[error("the replay cannot go on")]
    Process(#[from] ProcessError),
    /// The end of the window did not come.
    #[error("nothing came for {waited:?} before the end of the window")]
    Stalled {
        /// How long was waited.
        waited: Duration,
    },
}

/// Replays a window of a sink's topics into an empty database. `tell` hears how many records are done, now and then.
pub async fn replay(
    log: Arc<dyn Log>,
    registry: Arc<dyn Registry>,
    target: Arc<dyn Store>,
    spec: Arc<SinkSpec>,
    topic_prefix: &str,
    window: Window,
    mut tell: impl FnMut(u64),
) -> Result<Replayed, ReplayError> {
    if !target.is_untouched(&spec).await? {
        return Err(ReplayError::NotEmpty);
    }
    let ranges = ranges(log.as_ref(), &spec.topics(topic_prefix), window).await?;
    let group = spec.group();
    let settings = SinkSettings::default();
    let processor = SinkProcessor::new(spec, target.clone(), log.clone(), registry, settings).await?;
    let all: Vec<TopicPartition> = ranges.iter().map(|(partition, _)| partition.clone()).collect();
    let mut lanes = processor.claim(&all).await?;
    let mut open: HashMap<TopicPartition, Offset> = ranges
        .iter()
        .filter(|(_, (from, to))| from < to)
        .map(|(partition, (_, to))| (partition.clone(), *to))
        .collect();
    let mut replayed = Replayed { partitions: open.len(), ..Replayed::default() };
    let starts = ranges.into_iter().filter(|(p, _)| open.contains_key(p)).map(|(p, (from, _))| (p, from)).collect();
    let mut reader = log.reader(starts, ReaderSettings::default()).await?;
    while !open.is_empty() {
        let fetched = reader.next(PATIENCE).await?;
        if fetched.records.is_empty() && fetched.ends.is_empty() {
            return Err(ReplayError::Stalled { waited: PATIENCE });
        }
        for (partition, records) in by_partition(fetched.records) {
            let Some(to) = open.get(&partition).copied() else { continue };
            let Some(lane) = lanes.get_mut(&partition) else { continue };
            replayed.records += apply(lane, processor.batch_records_max(), &records, to).await?;
            if records.last().is_some_and(|last| last.offset().next() >= to) {
                open.remove(&partition);
            }
            tell(replayed.records);
        }
        for (end, _) in fetched.ends {
            open.remove(&end);
        }
    }
    replayed.held = target.held_counts(&group).await?.iter().map(|held| held.count).sum();
    Ok(replayed)
}

type Place = (TopicPartition, (Offset, Offset));

/// What of each partition is in the window.
async fn ranges(log: &dyn Log, topics: &[String], window: Window) -> Result<Vec<Place>, AdminError> {
    let mut ranges = Vec::new();
    for topic in topics {
        for number in 0..log.topic(topic).await?.partitions {
            let partition = TopicPartition::new(topic.as_str(), number);
            let from = log.offset_at(&partition, window.from_ms).await?;
            let to = log.offset_at(&partition, window.to_ms).await?;
            ranges.push((partition, (from, to)));
        }
    }
    Ok(ranges)
}

/// Records by partition, each in its order.
fn by_partition(records: Vec<Record>) -> Vec<(TopicPartition, Vec<Record>)> {
    let mut found: Vec<(TopicPartition, Vec<Record>)> = Vec::new();
    let mut index: HashMap<TopicPartition, usize> = HashMap::new();
    for record in records {
        let partition = record.topic_partition();
        let at = *index.entry(partition.clone()).or_insert_with(|| {
            found.push((partition, Vec::new()));
            found.len() - 1
        });
        found[at].1.push(record);
    }
    found
}

/// Applies what of these records is in the window; says how many that were.
async fn apply(lane: &mut Lane<'_>, at_once: usize, records: &[Record], to: Offset) -> Result<u64, ProcessError> {
    let inside = records.iter().take_while(|record| record.offset() < to).count();
    for batch in records[..inside].chunks(at_once) {
        if let Some(last) = batch.last() {
            lane.process(batch, last.offset().next()).await?;
        }
    }
    Ok(inside as u64)
}
