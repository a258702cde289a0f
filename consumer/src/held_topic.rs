//! Holding records on a topic beside the one they came from: for handlers, which have no database of their own.

use std::sync::Arc;

use coursebus_transport::{AdminError, Header, Log, NewRecord, Record, TopicSpec, Writer, WriterSettings};

use crate::{Poison, ProcessError};

/// The name of the topic that holds a group's records of a topic.
#[must_use]
pub fn held_topic(group: &str, topic: &str) -> String {
    format!("{group}.held.{topic}")
}

/// Writes held records: key, value and headers untouched, on the partition they came from, with ours behind: `held_state`,
/// `held_code`, `held_reason`, `held_topic`, `held_partition`, `held_offset`.
pub(crate) struct HeldTopics {
    group: String,
    writer: Writer,
}

impl HeldTopics {
    pub(crate) async fn open(log: Arc<dyn Log>, group: &str, topics: &[String]) -> Result<Self, ProcessError> {
        let refuse = |what: String, source| ProcessError::Refused { what, source: Some(source) };
        for topic in topics {
            let info = log.topic(topic).await.map_err(|e| refuse(format!("find topic {topic}"), e.into()))?;
            let spec = TopicSpec::new(held_topic(group, topic), info.partitions);
            match log.create_topic(&spec).await {
                Ok(()) | Err(AdminError::TopicExists { .. }) => {}
                Err(error) => return Err(refuse(format!("make topic {}", spec.name), error.into())),
            }
        }
        let writer = log.writer(WriterSettings::default()).await;
        let writer = writer.map_err(|e| refuse("write held records".to_owned(), e.into()))?;
        Ok(Self { group: group.to_owned(), writer })
    }

    /// Holds a record as dead. Durable when this returns.
    pub(crate) async fn hold(&self, record: &Record, poison: &Poison) -> Result<(), ProcessError> {
        let copy = |bytes: &[u8]| bytes::Bytes::copy_from_slice(bytes);
        let original = record.headers();
        let mut headers: Vec<Header> = original
            .iter()
            .map(|(name, value)| Header { name: (*name).to_owned().into(), value: value.map(copy) })
            .collect();
        headers.extend([
            Header::new("held_state", "dead"),
            Header::new("held_code", poison.code.as_str()),
            Header::new("held_reason", poison.reason.clone()),
            Header::new("held_topic", record.topic().to_string()),
            Header::new("held_partition", record.partition().to_string()),
            Header::new("held_offset", record.offset().to_string()),
        ]);
        let held = NewRecord {
            topic: held_topic(&self.group, record.topic()).into(),
            partition: record.partition(),
            timestamp_ms: None,
            key: record.key().map(copy),
            value: record.value().map(copy),
            headers,
        };
        let receipt = self.writer.append(held).await;
        let held = receipt.await;
        held.map_err(|e| ProcessError::Unavailable { what: "hold a record".to_owned(), source: e.into() })?;
        tracing::warn!(error = %poison.clone().of(record), "held as dead");
        Ok(())
    }
}
