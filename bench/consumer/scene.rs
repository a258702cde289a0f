//! A log with a registry, and events of which the order key and the size are chosen.

use std::{str::FromStr, sync::Arc};

use anyhow::{Context, Result, ensure};
use coursebus_consumer::{Handlers, HandlersSettings};
use coursebus_registry_tools::{LogRegistry, Registration, Registry, StoreSettings};
use coursebus_schemas::{Event, SchemaId, encode, learning::CourseEnrollmentCreated, wire::frame};
use coursebus_transport::{
    BusAddress, Log, NewRecord, Offset, Record, Settings, Sync, TopicPartition, TopicSpec, WriterSettings,
    embedded::EmbeddedLog, open,
};
use tempfile::TempDir;

use crate::line::{
    Bench,
    event::enrollments,
    kafka::{delete_topics, unique_prefix},
};

/// The topic of a scene on an embedded log.
pub(super) const TOPIC: &str = "bench-enrollments";
/// Key and value of a record.
pub(super) const RECORD_BYTES: usize = 300;

pub(super) struct Scene {
    pub(super) log: Arc<dyn Log>,
    pub(super) registry: Arc<dyn Registry>,
    pub(super) topic: String,
    value_id: SchemaId,
    _dir: Option<TempDir>,
}

/// Key and value of a record.
pub(super) type Encoded = (Vec<u8>, Vec<u8>);

impl Scene {
    pub(super) async fn new(bench: &Bench, partitions: i32) -> Result<Self> {
        let dir = bench.folder()?;
        let log: Arc<dyn Log> = Arc::new(EmbeddedLog::open(dir.path(), Sync::Os, &Settings::default())?);
        Self::on(log, TOPIC.to_owned(), partitions, Some(dir)).await
    }

    /// On Kafka, with a topic that nobody else has. Call [`Scene::remove`] in the end.
    pub(super) async fn on_kafka(bootstrap: &str, partitions: i32) -> Result<Self> {
        let log = open(&BusAddress::from_str(&format!("kafka://{bootstrap}"))?, &Settings::default())?;
        Self::on(log, unique_prefix(), partitions, None).await
    }

    async fn on(log: Arc<dyn Log>, topic: String, partitions: i32, dir: Option<TempDir>) -> Result<Self> {
        let registry = Arc::new(LogRegistry::open(log.clone(), StoreSettings::default()).await?);
        let event_type = CourseEnrollmentCreated::TYPE;
        let subject = event_type.value_subject("bench");
        let registration = Registration { subject: &subject, schema: event_type.schema, import: None };
        let value_id = registry.register(registration).await?.id;
        log.create_topic(&TopicSpec::new(&topic, partitions)).await?;
        Ok(Self { log, registry, topic, value_id, _dir: dir })
    }

    /// Deletes the topic and what groups made of it.
    pub(super) async fn remove(&self) -> Result<()> {
        delete_topics(self.log.as_ref(), &self.topic).await
    }

    pub(super) async fn handlers(&self, group: &str, settings: HandlersSettings) -> Result<Handlers> {
        let topics = [self.topic.clone()];
        Ok(Handlers::new(self.log.clone(), self.registry.clone(), group, &topics, settings).await?)
    }

    /// One record of each of so many order keys, each 300 bytes.
    pub(super) fn encoded(&self, keys: usize) -> Result<Vec<Encoded>> {
        enrollments(keys).into_iter().map(|event| self.encode(event)).collect()
    }

    fn encode(&self, mut event: CourseEnrollmentCreated) -> Result<Encoded> {
        let mut key = Vec::new();
        frame(SchemaId(1), &mut key);
        event.key().encode(&mut key);
        let value = |event: &CourseEnrollmentCreated| -> Result<Vec<u8>> {
            let mut value = Vec::with_capacity(RECORD_BYTES);
            frame(self.value_id, &mut value);
            encode::encode(event, &mut value)?;
            Ok(value)
        };
        // The name takes what is missing.
        let missing = RECORD_BYTES.checked_sub(key.len() + value(&event)?.len()).context("the event is too large")?;
        event.enrollment.user.pii.name.push_str(&"x".repeat(missing));
        let value = value(&event)?;
        ensure!((key.len() + value.len()).abs_diff(RECORD_BYTES) <= 1, "a record has another size");
        Ok((key, value))
    }

    /// So many records of one partition in memory, of the keys by turns.
    pub(super) fn records(encoded: &[Encoded], count: usize) -> Vec<Record> {
        let partition = TopicPartition::new(TOPIC, 0);
        let records = encoded.iter().cycle().take(count).zip(0..);
        records
            .map(|((key, value), offset)| Record::of_parts(&partition, Offset(offset), 0, Some(key), Some(value), &[]))
            .collect()
    }

    /// Appends records, each with its partition.
    pub(super) async fn append(&self, records: impl Iterator<Item = (i32, &Encoded)>) -> Result<()> {
        let writer = self.log.writer(WriterSettings::default()).await?;
        let topic: Arc<str> = self.topic.as_str().into();
        let mut last = None;
        for (partition, (key, value)) in records {
            let record = NewRecord {
                topic: topic.clone(),
                partition,
                timestamp_ms: None,
                key: Some(key.clone().into()),
                value: Some(value.clone().into()),
                headers: Vec::new(),
            };
            last = Some(writer.append(record).await);
        }
        if let Some(last) = last {
            last.await?;
        }
        Ok(writer.flush(std::time::Duration::from_secs(60)).await?)
    }
}
