//! The typed side of the benches on Kafka: topics of their own, and the events on them.

use std::{str::FromStr, sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use coursebus_producer::{Pending, Producer, ProducerSettings};
use coursebus_registry_tools::{LogRegistry, Registry, StoreSettings, apply::apply};
use coursebus_schemas::{Event, catalog, learning::CourseEnrollmentCreated};
use coursebus_transport::{
    BusAddress, Log, ReaderSettings, Record, Settings, TopicPartition, WriterSettings, kafka::KafkaSettings, open,
};

use super::event::enrollments;

/// Different events; then they repeat. Their ids and times never do.
const DIFFERENT: usize = 4096;
/// Events on their way; at the bound the older half is waited for.
const PENDING_MAX: usize = 20_000;

/// Kafka with the catalogue's topics under a prefix that nobody else has.
pub(crate) struct TypedBus {
    pub(crate) log: Arc<dyn Log>,
    pub(crate) registry: Arc<dyn Registry>,
    /// The full name of the topic of enrollments.
    pub(crate) topic: String,
    prefix: String,
    producer: Producer,
    events: Vec<CourseEnrollmentCreated>,
}

impl TypedBus {
    pub(crate) async fn open(bootstrap: &str) -> Result<Self> {
        Self::open_with(bootstrap, KafkaSettings::default(), WriterSettings::default()).await
    }

    /// With a client that is told otherwise than by default.
    pub(crate) async fn open_with(bootstrap: &str, kafka: KafkaSettings, writer: WriterSettings) -> Result<Self> {
        let address = BusAddress::from_str(&format!("kafka://{bootstrap}"))?;
        let log = open(&address, &Settings { kafka, ..Settings::default() })?;
        let registry: Arc<dyn Registry> = Arc::new(LogRegistry::open(log.clone(), StoreSettings::default()).await?);
        let prefix = unique_prefix();
        apply(log.as_ref(), registry.as_ref(), catalog(), &prefix).await?;
        let settings = ProducerSettings {
            topic_prefix: prefix.clone(),
            source_host: "lms-worker-7f9c4d5b6-x2x9k".to_owned(),
            writer,
            ..ProducerSettings::default()
        };
        let producer = Producer::new(log.clone(), registry.clone(), settings).await?;
        let topic = CourseEnrollmentCreated::TYPE.topic.full_topic(&prefix);
        let bus = Self { log, registry, topic, prefix, producer, events: enrollments(DIFFERENT) };
        // Whoever emits first waits for connections and for what is looked up once a type.
        bus.emit(1).await?;
        Ok(bus)
    }

    /// Emits so many events as a service does: pipelined, each with an id and a time of its own, and each confirmed.
    pub(crate) async fn emit(&self, count: usize) -> Result<()> {
        let mut pending: Vec<Pending> = Vec::with_capacity(PENDING_MAX);
        for event in self.events.iter().cycle().take(count) {
            if pending.len() == PENDING_MAX {
                for older in pending.drain(..PENDING_MAX / 2) {
                    older.await?;
                }
            }
            pending.push(self.producer.send(event, None).await?);
        }
        for last in pending {
            last.await?;
        }
        Ok(())
    }

    /// Emits so many events, evenly over the time that they have, and returns how long each took to be durable.
    pub(crate) async fn latencies(&self, count: usize, per_second: u32) -> Result<Vec<Duration>> {
        let mut due = tokio::time::interval(Duration::from_secs(1) / per_second);
        let mut waiting = tokio::task::JoinSet::new();
        for event in self.events.iter().cycle().take(count) {
            due.tick().await;
            let began = std::time::Instant::now();
            let pending = self.producer.send(event, None).await?;
            waiting.spawn(async move { pending.await.map(|_| began.elapsed()) });
        }
        let mut took = Vec::with_capacity(count);
        while let Some(ended) = waiting.join_next().await {
            took.push(ended??);
        }
        took.sort_unstable();
        Ok(took)
    }

    /// How many records the topic has.
    pub(crate) async fn count(&self) -> Result<usize> {
        let mut count = 0;
        for partition in self.partitions().await? {
            let range = self.log.range(&partition).await?;
            count += range.latest.0 - range.earliest.0;
        }
        Ok(usize::try_from(count)?)
    }

    /// Records from the beginning of the topic, at most so many.
    pub(crate) async fn records(&self, at_most: usize) -> Result<Vec<Record>> {
        let mut from = Vec::new();
        for partition in self.partitions().await? {
            let range = self.log.range(&partition).await?;
            from.push((partition, range.earliest));
        }
        let mut reader = self.log.reader(from, ReaderSettings::default()).await?;
        let (mut records, at_most) = (Vec::new(), at_most.min(self.count().await?));
        while records.len() < at_most {
            let fetched = reader.next(Duration::from_secs(10)).await?;
            ensure!(!fetched.records.is_empty() || !fetched.ends.is_empty(), "the reader got nothing");
            records.extend(fetched.records);
        }
        Ok(records)
    }

    async fn partitions(&self) -> Result<Vec<TopicPartition>> {
        let topic = self.log.topic(&self.topic).await?;
        Ok((0..topic.partitions).map(|number| TopicPartition::new(self.topic.as_str(), number)).collect())
    }

    /// Deletes everything that the bench made.
    pub(crate) async fn remove(self) -> Result<()> {
        delete_topics(self.log.as_ref(), &self.prefix).await
    }
}

/// A prefix of topics, or a name, that nobody else has.
pub(crate) fn unique_prefix() -> String {
    format!("bench-{}", uuid::Uuid::new_v4().simple())
}

/// Deletes the topics that have `part` in their name.
pub(crate) async fn delete_topics(log: &dyn Log, part: &str) -> Result<()> {
    for topic in log.topics().await? {
        if topic.name.contains(part) {
            log.delete_topic(&topic.name).await.with_context(|| topic.name.clone())?;
        }
    }
    Ok(())
}
