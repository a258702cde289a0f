//! The topics that hold a group's records: made, written, read.

use std::{sync::Arc, time::Duration};

use coursebus_transport::{
    AdminError, Log, NewRecord, ReaderSettings, Receipt, TopicInfo, TopicPartition, TopicSpec, Writer, WriterSettings,
};

use super::{HeldEvent, held_event};
use crate::ProcessError;

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
    writer: Writer,
}

impl HeldTopics {
    /// Makes the topics that are not there.
    pub(crate) async fn open(log: Arc<dyn Log>, group: &str, topics: &[String]) -> Result<Self, ProcessError> {
        for topic in topics {
            let info = log.topic(topic).await.map_err(|e| refuse(format!("find topic {topic}"), e.into()))?;
            make(log.as_ref(), &held_topic(group, topic), &info).await?;
        }
        let writer = log.writer(WriterSettings::default()).await;
        let writer = writer.map_err(|e| refuse("write held records".to_owned(), e.into()))?;
        Ok(Self { log, group: group.to_owned(), writer })
    }

    /// The topic that holds records of a topic.
    pub(crate) fn name(&self, topic: &str) -> String {
        held_topic(&self.group, topic)
    }

    /// Writes an event; it is durable when the receipt says so. Waits only at the writer's byte bound.
    pub(crate) async fn append(&self, event: NewRecord) -> Receipt {
        self.writer.append(event).await
    }

    /// Reads all that was held of a source partition, to the end, in order.
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

async fn make(log: &dyn Log, name: &str, source: &TopicInfo) -> Result<(), ProcessError> {
    let limit = source.settings.get("max.message.bytes").and_then(|text| text.parse().ok()).unwrap_or(RECORD_BYTES);
    let mut spec = TopicSpec::new(name, source.partitions).compacted();
    spec.record_bytes_max = Some(limit + ROOM_FOR_OURS);
    match log.create_topic(&spec).await {
        Ok(()) => return Ok(()),
        Err(AdminError::TopicExists { .. }) => {}
        Err(error) => return Err(refuse(format!("make topic {name}"), error.into())),
    }
    let found = log.topic(name).await.map_err(|e| refuse(format!("find topic {name}"), e.into()))?;
    if found.partitions == source.partitions {
        return Ok(());
    }
    let what = format!(
        "topic {name} has {} partitions and {} has {}: give it as many, then start again",
        found.partitions, source.name, source.partitions
    );
    Err(ProcessError::Refused { what, source: None })
}

fn refuse(what: String, source: coursebus_transport::Cause) -> ProcessError {
    ProcessError::Refused { what, source: Some(source) }
}
