//! What a group of handlers or a pipe holds, read from outside: nothing is written, and no member is asked.

use std::{collections::BTreeMap, time::Duration};

use coursebus_transport::{AdminError, Log, Offset, ReadError, ReaderSettings, TopicPartition};

use super::{HeldEvent, HeldState, held_event, held_topic};

/// How long the log may say nothing while held records are read.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// Held records could not be listed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HeldListError {
    /// The topics could not be asked for.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// A topic could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Everything that a group holds on topics, by topic, partition and offset: of each record the last word, where that is not
/// that it was handled after all. `None` where the group has no such topic.
///
/// All of it is in memory at once; what is parked is bounded, what is dead or discarded is not.
pub async fn held_by_group(log: &dyn Log, group: &str) -> Result<Option<Vec<HeldEvent>>, HeldListError> {
    let prefix = held_topic(group, "");
    let topics = log.topics().await?.into_iter().filter(|topic| topic.name.starts_with(&prefix));
    let mut found: Option<BTreeMap<(TopicPartition, Offset), HeldEvent>> = None;
    for topic in topics {
        let found = found.get_or_insert_default();
        for number in 0..topic.partitions {
            read(log, TopicPartition::new(topic.name.as_str(), number), found).await?;
        }
    }
    Ok(found.map(|found| found.into_values().collect()))
}

async fn read(
    log: &dyn Log,
    partition: TopicPartition,
    found: &mut BTreeMap<(TopicPartition, Offset), HeldEvent>,
) -> Result<(), HeldListError> {
    let range = log.range(&partition).await?;
    if range.earliest == range.latest {
        return Ok(());
    }
    let mut reader = log.reader(vec![(partition.clone(), range.earliest)], ReaderSettings::default()).await?;
    loop {
        let fetched = reader.next(SILENCE_MAX).await?;
        if fetched.records.is_empty() && fetched.ends.is_empty() {
            let (what, source) = (format!("read {partition}"), "nothing came".into());
            return Err(ReadError::Unavailable { what, waited: SILENCE_MAX, source }.into());
        }
        for event in fetched.records.iter().filter_map(held_event) {
            let place = (event.record.topic_partition(), event.record.offset());
            if event.state == HeldState::Resolved {
                found.remove(&place);
            } else {
                found.insert(place, event);
            }
        }
        if !fetched.ends.is_empty() {
            return Ok(());
        }
    }
}
