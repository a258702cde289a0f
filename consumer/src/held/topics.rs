//! The topics that hold a group's records: made and read.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use coursebus_transport::{
    AdminError, Cause, Class, Log, ReaderSettings, TopicInfo, TopicPartition, TopicSpec, pattern::is_pattern,
};

use super::{HeldEvent, held_event};
use crate::{Backoff, ProcessError};

/// The name of the topic that holds a group's records of a topic.
#[must_use]
pub fn held_topic(group: &str, topic: &str) -> String {
    format!("{group}.held.{topic}")
}

/// What a held record may be larger than the record itself.
const ROOM_FOR_OURS: usize = 64 << 10;
/// The largest record of a topic that says nothing else.
const RECORD_BYTES: usize = 1 << 20;
/// How long the log may say nothing while held records are read; then the partition cannot be taken over.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// One topic a source topic, with as many partitions; only the owner of a source partition writes to its held one.
pub(crate) struct HeldTopics {
    log: Arc<dyn Log>,
    group: String,
    /// How many partitions of each source topic are known to have a place.
    covered: Mutex<HashMap<Arc<str>, i32>>,
}

impl HeldTopics {
    /// Makes the topics that are not there, for the topics that are named in full.
    pub(crate) async fn open(log: Arc<dyn Log>, group: &str, topics: &[String]) -> Result<Self, ProcessError> {
        let held = Self { log, group: group.to_owned(), covered: Mutex::default() };
        for topic in topics.iter().filter(|topic| !is_pattern(topic)) {
            held.make(topic).await.map_err(|(what, e)| ProcessError::Refused { what, source: Some(e.into()) })?;
        }
        Ok(held)
    }

    /// Sees to it that records of these partitions can be held: of topics that came later, and that have grown.
    pub(crate) async fn cover(&self, partitions: &[TopicPartition]) -> Result<(), ProcessError> {
        let mut backoff = Backoff::new(SILENCE_MAX);
        for partition in partitions {
            while self.covered().get(&partition.topic).is_none_or(|count| *count <= partition.partition) {
                let Err((what, source)) = self.make(&partition.topic).await else { break };
                let source: Cause = match source.class() {
                    Class::Transient if backoff.wait().await => continue,
                    Class::Transient => return Err(ProcessError::Unavailable { what, source: source.into() }),
                    _ => source.into(),
                };
                return Err(ProcessError::Refused { what: format!("could not {what}"), source: Some(source) });
            }
        }
        Ok(())
    }

    fn covered(&self) -> MutexGuard<'_, HashMap<Arc<str>, i32>> {
        self.covered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the topic of a source topic, or gives it the partitions that it lacks: which record is on which of them is said
    /// where it is written, so nothing moves.
    async fn make(&self, topic: &str) -> Result<(), (String, AdminError)> {
        let source = self.log.topic(topic).await.map_err(|e| (format!("find topic {topic}"), e))?;
        let name = self.name(topic);
        let made = make(self.log.as_ref(), &name, &source).await;
        made.map_err(|e| (format!("make topic {name}"), e))?;
        self.covered().insert(topic.into(), source.partitions);
        Ok(())
    }

    /// The topic that holds records of a topic.
    pub(crate) fn name(&self, topic: &str) -> String {
        held_topic(&self.group, topic)
    }

    /// Reads all that was held of a source partition, to the end, in order. Nothing that an owner before has written is
    /// missed, where the partition has begun ([`crate::Input::begins`]).
    pub(crate) async fn read(
        &self,
        source: &TopicPartition,
        mut each: impl FnMut(HeldEvent),
    ) -> Result<(), ProcessError> {
        let partition = TopicPartition::new(self.name(&source.topic), source.partition);
        let away = |source| ProcessError::Unavailable { what: format!("read what is held on {partition}"), source };
        let range = self.log.range(&partition).await.map_err(|e| away(e.into()))?;
        if range.earliest == range.latest {
            return Ok(());
        }
        let from = vec![(partition.clone(), range.earliest)];
        let mut reader = self.log.reader(from, ReaderSettings::default()).await.map_err(|e| away(e.into()))?;
        loop {
            let fetched = reader.next(SILENCE_MAX).await.map_err(|e| away(e.into()))?;
            if fetched.records.is_empty() && fetched.ends.is_empty() {
                return Err(away(format!("nothing came for {SILENCE_MAX:?}").into()));
            }
            for record in &fetched.records {
                match held_event(record) {
                    Some(event) => each(event),
                    None => {
                        tracing::warn!(%partition, offset = %record.offset(), "a record of another writer is passed over")
                    }
                }
            }
            if !fetched.ends.is_empty() {
                return Ok(());
            }
        }
    }
}

async fn make(log: &dyn Log, name: &str, source: &TopicInfo) -> Result<(), AdminError> {
    let limit = source.settings.get("max.message.bytes").and_then(|text| text.parse().ok()).unwrap_or(RECORD_BYTES);
    let mut spec = TopicSpec::new(name, source.partitions).compacted();
    spec.record_bytes_max = Some(limit + ROOM_FOR_OURS);
    match log.create_topic(&spec).await {
        Err(AdminError::TopicExists { .. }) => {}
        outcome => return outcome,
    }
    if log.topic(name).await?.partitions >= source.partitions {
        return Ok(());
    }
    match log.grow_topic(name, source.partitions).await {
        // Another member did it first.
        Err(AdminError::Invalid { .. }) if log.topic(name).await?.partitions >= source.partitions => Ok(()),
        outcome => outcome,
    }
}
