//! Apache Kafka, through librdkafka.
//!
//! Each reader, member and writer has a client and a thread of its own that polls it; tasks talk to the thread through
//! a queue. Questions about topics and offsets share one client and run where they may block. What librdkafka logs goes
//! to
//! `tracing`, target `librdkafka`.

mod admin;
mod committer;
mod config;
mod delivery;
mod feed;
mod group;
mod groups;
mod limits;
pub(crate) mod native;
mod pump;
mod reader;
mod rebalance;
mod settings;
mod stream;
mod transaction;
mod writer;

use std::sync::Arc;

use async_trait::async_trait;

pub(crate) use committer::KafkaMembership;
pub use settings::KafkaSettings;

use crate::{
    AdminError, AppendError, ClusterId, GroupInfo, GroupSettings, Log, Member, Offset, OpenError, Range, ReadError,
    Reader, ReaderSettings, Settings, TopicInfo, TopicPartition, TopicSpec, TxWriter, Writer, WriterSettings,
};

/// A Kafka cluster as a [`Log`].
///
/// Writers are idempotent and wait for all in-sync replicas; readers and members read committed records; members divide
/// partitions with Kafka's cooperative sticky assignor. A topic is never created by being named. Compacted topics, size
/// limits and transactions are Kafka's own.
///
/// Source: librdkafka's CONFIGURATION.md; what differs from its defaults stands in `config.rs`.
pub struct KafkaLog {
    configs: config::Configs,
    admin: admin::Admin,
    settings: Settings,
}

impl KafkaLog {
    /// Makes a client for the brokers at `bootstrap` (`host:port`, several with commas between). It connects in the
    /// background: whether brokers answer shows at the first call.
    ///
    /// # Errors
    /// [`OpenError::Client`] when librdkafka does not take the settings together.
    pub fn open(bootstrap: &str, settings: &Settings) -> Result<Self, OpenError> {
        let configs = config::Configs::new(bootstrap, &settings.kafka);
        let admin = admin::Admin::new(&configs, settings.request_timeout)?;
        Ok(Self { configs, admin, settings: settings.clone() })
    }

    async fn partitions_of(&self, topics: Vec<String>) -> Result<Vec<admin::TopicPartitions>, ReadError> {
        self.admin.await_topics(topics).await.map_err(|error| match error {
            AdminError::UnknownTopic { topic } => ReadError::UnknownTopic { topic },
            AdminError::Unavailable { what, waited, source } => ReadError::Unavailable { what, waited, source },
            other => ReadError::Refused { what: "describe topics".into(), source: other.into() },
        })
    }
}

impl std::fmt::Debug for KafkaLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KafkaLog").field("configs", &self.configs).finish_non_exhaustive()
    }
}

#[async_trait]
impl Log for KafkaLog {
    async fn cluster(&self) -> Result<ClusterId, AdminError> {
        self.admin.cluster().await
    }

    async fn create_topic(&self, spec: &TopicSpec) -> Result<(), AdminError> {
        self.admin.create_topic(spec).await
    }

    async fn grow_topic(&self, name: &str, partitions: i32) -> Result<(), AdminError> {
        self.admin.grow_topic(name, partitions).await
    }

    async fn delete_topic(&self, name: &str) -> Result<(), AdminError> {
        self.admin.delete_topic(name).await
    }

    async fn topics(&self) -> Result<Vec<TopicInfo>, AdminError> {
        self.admin.topics().await
    }

    async fn topic(&self, name: &str) -> Result<TopicInfo, AdminError> {
        self.admin.topic(name).await
    }

    async fn range(&self, partition: &TopicPartition) -> Result<Range, AdminError> {
        self.admin.range(partition).await
    }

    async fn offset_at(&self, partition: &TopicPartition, timestamp_ms: i64) -> Result<Offset, AdminError> {
        self.admin.offset_at(partition, timestamp_ms).await
    }

    async fn committed(&self, group: &str, partitions: &[TopicPartition]) -> Result<Vec<Option<Offset>>, AdminError> {
        self.admin.committed(group, partitions).await
    }

    async fn groups(&self) -> Result<Vec<String>, AdminError> {
        self.admin.groups().await
    }

    async fn group(&self, name: &str) -> Result<GroupInfo, AdminError> {
        self.admin.group(name).await
    }

    async fn groups_speaking(&self, protocol: &str) -> Result<Vec<String>, AdminError> {
        groups::speaking(&self.configs, protocol, self.settings.request_timeout).await
    }

    async fn set_positions(&self, group: &str, positions: &[(TopicPartition, Offset)]) -> Result<(), AdminError> {
        self.admin.set_positions(group, positions).await
    }

    async fn writer(&self, settings: WriterSettings) -> Result<Writer, AppendError> {
        let in_flight_bytes_max = settings.in_flight_bytes_max;
        let writer = writer::KafkaWriter::start(self.configs.clone(), self.admin.clone(), settings)
            .map_err(|error| AppendError::Refused { topic: "of a new writer".into(), source: error.into() })?;
        Ok(Writer::new(Arc::new(writer), in_flight_bytes_max))
    }

    async fn transactional(&self, id: &str) -> Result<Box<dyn TxWriter>, AppendError> {
        Ok(Box::new(transaction::KafkaTxWriter::start(&self.configs, self.admin.clone(), id).await?))
    }

    async fn reader(
        &self,
        from: Vec<(TopicPartition, Offset)>,
        settings: ReaderSettings,
    ) -> Result<Box<dyn Reader>, ReadError> {
        let mut names: Vec<_> = from.iter().map(|(partition, _)| partition.topic.to_string()).collect();
        names.sort_unstable();
        names.dedup();
        let topics = self.partitions_of(names).await?;
        for (partition, _) in &from {
            let count = topics.iter().find(|topic| *topic.name == *partition.topic).map_or(0, |topic| topic.partitions);
            if !(0..count).contains(&partition.partition) {
                let missing = AdminError::UnknownPartition { partition: partition.clone() };
                return Err(ReadError::Refused { what: format!("read {partition}"), source: missing.into() });
            }
        }
        Ok(Box::new(reader::KafkaReader::start(&self.configs, from, &settings, self.settings.request_timeout)?))
    }

    async fn join(&self, settings: GroupSettings) -> Result<Box<dyn Member>, ReadError> {
        settings.check()?;
        self.partitions_of(settings.named_topics().cloned().collect()).await?;
        Ok(Box::new(group::KafkaMember::start(&self.configs, &settings, self.settings.request_timeout)?))
    }
}
