//! Reading topics from their first record to where they ended when asked.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use coursebus_schemas::wire::unframe;
use coursebus_transport::{AdminError, Cause, Log, Offset, ReaderSettings, Record, TopicInfo, TopicPartition};

use super::RetireError;
use crate::{
    RegistryError, SchemaId,
    record::{self, Entry, TOPIC},
    subject,
};

/// How long nothing may come while a topic has not ended. Then the log counts as away.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// How long one look for records takes.
const LOOK: Duration = Duration::from_secs(5);

/// Records of a topic that have an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stranded {
    /// The topic.
    pub topic: String,
    /// How many.
    pub records: u64,
    /// The partition of the first that was met.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
}

/// Counts the records that have one of the ids, in key or value; topics without any are left out.
pub(super) async fn users(
    log: &dyn Log,
    topics: &[TopicInfo],
    ids: &BTreeSet<SchemaId>,
) -> Result<Vec<Stranded>, RetireError> {
    let mut found: BTreeMap<String, Stranded> = BTreeMap::new();
    let has_id = |bytes: Option<&[u8]>| bytes.is_some_and(|b| unframe(b).is_ok_and(|(id, _)| ids.contains(&id)));
    let partitions = topics.iter().flat_map(|topic| (0..topic.partitions).map(|number| (topic.name.as_str(), number)));
    read(log, partitions, |record| {
        if has_id(record.key()) || has_id(record.value()) {
            let (partition, offset) = (record.partition(), record.offset().0);
            let topic = record.topic().to_string();
            let first = || Stranded { topic: topic.clone(), records: 0, partition, offset };
            found.entry(topic.clone()).or_insert_with(first).records += 1;
        }
    })
    .await?;
    Ok(found.into_values().collect())
}

/// When each version of a subject that is deleted softly was deleted, in milliseconds since 1970.
pub(super) async fn deleted_at(log: &dyn Log, name: &str) -> Result<HashMap<u32, i64>, RetireError> {
    let name = subject::normalize(name);
    let mut live: BTreeSet<u32> = BTreeSet::new();
    let mut deleted = HashMap::new();
    read(log, [(TOPIC, 0)], |record| {
        let at = record.timestamp_ms();
        match record.key().map(|key| record::read(key, record.value())) {
            Some(Ok(Entry::Schema { subject, version, value })) if subject == name => match value {
                Some(value) if value.deleted => {
                    live.remove(&version);
                    // A record that is written again does not make it younger: who wrote it first deleted it.
                    deleted.entry(version).or_insert(at);
                }
                Some(_) => {
                    live.insert(version);
                    deleted.remove(&version);
                }
                None => {
                    live.remove(&version);
                    deleted.remove(&version);
                }
            },
            Some(Ok(Entry::DeleteSubject { subject, version: last })) if subject == name => {
                for version in live.extract_if(..=last, |_| true) {
                    deleted.entry(version).or_insert(at);
                }
            }
            _ => {}
        }
    })
    .await?;
    Ok(deleted)
}

async fn read(
    log: &dyn Log,
    partitions: impl IntoIterator<Item = (&str, i32)>,
    mut each: impl FnMut(&Record),
) -> Result<(), RetireError> {
    let mut open: HashMap<TopicPartition, Offset> = HashMap::new();
    let mut from = Vec::new();
    for (topic, number) in partitions {
        let partition = TopicPartition::new(topic, number);
        match log.range(&partition).await {
            Ok(range) if range.earliest < range.latest => {
                from.push((partition.clone(), range.earliest));
                open.insert(partition, range.latest);
            }
            Ok(_) | Err(AdminError::UnknownTopic { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if open.is_empty() {
        return Ok(());
    }
    let mut reader = log.reader(from, ReaderSettings::default()).await?;
    let mut silent = Duration::ZERO;
    while !open.is_empty() {
        let fetched = reader.next(LOOK).await?;
        silent = if fetched.records.is_empty() && fetched.ends.is_empty() { silent + LOOK } else { Duration::ZERO };
        if silent >= SILENCE_MAX {
            return Err(silence().into());
        }
        for record in &fetched.records {
            each(record);
            let next = record.offset().next();
            if open.get(&record.topic_partition()).is_some_and(|end| next >= *end) {
                open.remove(&record.topic_partition());
            }
        }
        for (partition, _) in fetched.ends {
            open.remove(&partition);
        }
    }
    Ok(())
}

fn silence() -> RegistryError {
    let source: Cause = "nothing came for a minute".into();
    RegistryError::Unavailable { what: "read the topics to their ends".to_owned(), source }
}
