//! The other side: rdkafka by itself, used in the fastest way it has.

use std::{
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use coursebus_transport::Record;
use rdkafka::{
    ClientConfig, ClientContext, Message, Statistics,
    consumer::{BaseConsumer, Consumer},
    message::{DeliveryResult, Header, Headers, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, Producer, ProducerContext},
};

/// Records on their way; at the bound sending waits.
const IN_FLIGHT_MAX: usize = 20_000;
/// How often outcomes are collected while sending.
const POLL_EVERY: usize = 256;
/// How long nothing may come before the bench gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A record to be sent as it is.
pub(crate) struct Template {
    partition: i32,
    key: Vec<u8>,
    value: Vec<u8>,
    headers: Vec<(String, Vec<u8>)>,
}

impl Template {
    /// Copies a record that was read.
    pub(crate) fn of(record: &Record) -> Result<Self> {
        let headers = record.headers().into_iter();
        let headers = headers.map(|(name, value)| (name.to_owned(), value.unwrap_or_default().to_vec()));
        Ok(Self {
            partition: record.partition(),
            key: record.key().context("a record has a key")?.to_vec(),
            value: record.value().context("a record has a value")?.to_vec(),
            headers: headers.collect(),
        })
    }

    /// How many headers it has.
    pub(crate) fn header_count(&self) -> usize {
        self.headers.len()
    }

    /// Made anew for each record: librdkafka takes them over.
    fn headers(&self) -> OwnedHeaders {
        self.headers.iter().fold(OwnedHeaders::new_with_capacity(self.headers.len()), |headers, (key, value)| {
            headers.insert(Header { key, value: Some(value) })
        })
    }
}

/// Counts outcomes.
#[derive(Default)]
struct Outcomes {
    confirmed: AtomicUsize,
    failed: AtomicUsize,
    /// Bytes to brokers so far, as of the last statistics.
    sent_bytes: AtomicUsize,
    statistics: AtomicUsize,
}

#[derive(Clone, Default)]
struct Counting(Arc<Outcomes>);

impl ClientContext for Counting {
    fn stats(&self, statistics: Statistics) {
        self.0.sent_bytes.store(usize::try_from(statistics.tx_bytes).unwrap_or_default(), Ordering::Relaxed);
        self.0.statistics.fetch_add(1, Ordering::Relaxed);
    }
}

impl ProducerContext for Counting {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let counter = if result.is_ok() { &self.0.confirmed } else { &self.0.failed };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// A producer with the settings of ours.
pub(crate) struct RawProducer {
    producer: BaseProducer<Counting>,
    outcomes: Arc<Outcomes>,
    topic: String,
}

impl RawProducer {
    pub(crate) fn new(bootstrap: &str, topic: &str) -> Result<Self> {
        Self::with(bootstrap, topic, &[])
    }

    /// With settings that differ.
    pub(crate) fn with(bootstrap: &str, topic: &str, settings: &[(&str, &str)]) -> Result<Self> {
        let counting = Counting::default();
        let outcomes = counting.0.clone();
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", bootstrap)
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("compression.type", "lz4")
            .set("linger.ms", "5")
            .set("batch.size", "1000000")
            .set("queue.buffering.max.messages", "0")
            .set("queue.buffering.max.kbytes", "2147483647")
            .set("socket.keepalive.enable", "true");
        for (name, value) in settings {
            config.set(*name, *value);
        }
        let producer = config.create_with_context(counting)?;
        Ok(Self { producer, outcomes, topic: topic.to_owned() })
    }

    /// Sends the templates by turns and waits until all are confirmed.
    pub(crate) fn send(&self, templates: &[Template], count: usize, with_headers: bool) -> Result<()> {
        let before = self.outcomes.confirmed.load(Ordering::Relaxed);
        for (sent, template) in templates.iter().cycle().take(count).enumerate() {
            if sent % POLL_EVERY == 0 {
                self.producer.poll(Duration::ZERO);
                while before + sent - self.outcomes.confirmed.load(Ordering::Relaxed) >= IN_FLIGHT_MAX {
                    self.check()?;
                    self.producer.poll(Duration::from_millis(10));
                }
            }
            let record = BaseRecord::to(&self.topic).partition(template.partition);
            let mut record = record.key(&template.key).payload(&template.value);
            if with_headers {
                record = record.headers(template.headers());
            }
            self.producer.send(record).map_err(|(error, _)| error)?;
        }
        self.producer.flush(PATIENCE)?;
        self.check()?;
        let confirmed = self.outcomes.confirmed.load(Ordering::Relaxed) - before;
        ensure!(confirmed == count, "{confirmed} of {count} records were confirmed");
        Ok(())
    }

    /// How many bytes this producer has sent to brokers, all its requests together. It needs `statistics.interval.ms`.
    pub(crate) fn sent_bytes(&self) -> Result<usize> {
        let outcomes = &self.outcomes;
        // The next statistics may have been made before the last request: wait for two.
        let (until, enough) = (Instant::now() + PATIENCE, outcomes.statistics.load(Ordering::Relaxed) + 2);
        while outcomes.statistics.load(Ordering::Relaxed) < enough {
            ensure!(Instant::now() < until, "librdkafka tells no statistics");
            self.producer.poll(Duration::from_millis(100));
        }
        Ok(outcomes.sent_bytes.load(Ordering::Relaxed))
    }

    fn check(&self) -> Result<()> {
        let failed = self.outcomes.failed.load(Ordering::Relaxed);
        ensure!(failed == 0, "{failed} records were not confirmed");
        Ok(())
    }
}

/// What is looked at in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// Its value.
    Value,
    /// Its value, and one header by its name, for which librdkafka parses them all.
    ValueAndId,
}

/// Reads so many records of a topic as a member of a group of its own. The time is from the first record to the last.
pub(crate) fn consume(bootstrap: &str, group: &str, topic: &str, count: usize, look: Look) -> Result<Duration> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", group)
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("isolation.level", "read_committed")
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("queued.max.messages.kbytes", "8192")
        .set("queued.min.messages", "1000000")
        .set("fetch.max.bytes", "8388608")
        .set("fetch.message.max.bytes", "1048576")
        .set("fetch.queue.backoff.ms", "10")
        .create()?;
    consumer.subscribe(&[topic])?;
    let (mut first, mut read, mut idle_since) = (None, 0, Instant::now());
    while read < count {
        // Nothing is also the answer when the group had something to do.
        let Some(message) = consumer.poll(Duration::from_secs(1)) else {
            ensure!(idle_since.elapsed() < PATIENCE, "only {read} of {count} records came");
            continue;
        };
        let message = message?;
        if read % 1024 == 0 {
            idle_since = Instant::now();
        }
        first.get_or_insert(idle_since);
        read += 1;
        black_box(message.payload());
        if look == Look::ValueAndId {
            let headers = message.headers().context("a record has headers")?;
            let id = headers.iter().find(|header| header.key == "ce_id");
            black_box(id.and_then(|header| header.value).context("a record has an id")?);
        }
    }
    Ok(first.map(|first| first.elapsed()).unwrap_or_default())
}
