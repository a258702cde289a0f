//! What reader and member have in common: polling, the places of partitions, the byte bound, an absent broker.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    feed::{Feed, Item},
    native::{Code, Consumer, Fresh, List, NativeError, Origin, Polled},
};
use crate::{Fetched, GroupSettings, Offset, ReadError, Record, TopicPartition};

/// How many records are handed over together, at most.
const BATCH_RECORDS: usize = 2000;
/// After so many bytes a batch is handed over, or after a quarter of the bound.
const BATCH_BYTES: usize = 1 << 20;
/// How long a full queue is waited for before fetching is paused, which throws away what librdkafka has fetched ahead.
const PATIENCE: Duration = Duration::from_millis(200);
/// How long a question to a broker may hold up polling.
const QUESTION: Duration = Duration::from_secs(2);

/// The consumer, the queue that it fills, and where each partition stands. Used by one thread.
pub(super) struct Stream {
    pub(super) consumer: Arc<Consumer>,
    pub(super) feed: Arc<Feed>,
    places: Vec<Place>,
    by_partition: HashMap<TopicPartition, usize>,
    /// Of the record before: most records are of the same partition as the one before.
    last: usize,
    /// Fetching stopped at the byte bound.
    stopped: bool,
    /// What the caller paused.
    paused: HashSet<TopicPartition>,
    /// Of a member; none of a reader.
    member: Option<GroupSettings>,
    request_timeout: Duration,
    reported_down: Option<Instant>,
}

struct Place {
    partition: TopicPartition,
    origin: Arc<Origin>,
    /// The next offset to hand out. librdkafka may fetch records again after a pause; they are left out.
    next: i64,
    /// The end that was told last.
    end: Option<i64>,
}

impl Stream {
    pub(super) fn new(
        consumer: Arc<Consumer>,
        feed: Arc<Feed>,
        member: Option<GroupSettings>,
        request_timeout: Duration,
    ) -> Self {
        Self {
            consumer,
            feed,
            places: Vec::new(),
            by_partition: HashMap::new(),
            last: 0,
            stopped: false,
            paused: HashSet::new(),
            member,
            request_timeout,
            reported_down: None,
        }
    }

    /// Begins to hand out records of partitions. Call it before librdkafka is told to fetch, and
    /// [`Stream::hold_back`] after.
    pub(super) fn add(&mut self, partition: TopicPartition, from: i64) {
        self.remove(&HashSet::from([partition.clone()]));
        self.by_partition.insert(partition.clone(), self.places.len());
        let origin = self.consumer.origin(partition.topic.clone());
        self.places.push(Place { partition, origin, next: from.max(0), end: None });
    }

    /// Stops handing out records of partitions, at once.
    pub(super) fn remove(&mut self, partitions: &HashSet<TopicPartition>) {
        self.places.retain(|place| !partitions.contains(&place.partition));
        self.paused.retain(|partition| !partitions.contains(partition));
        self.by_partition = self.places.iter().enumerate().map(|(i, place)| (place.partition.clone(), i)).collect();
        self.last = 0;
    }

    /// Pauses partitions that were added while fetching is stopped.
    pub(super) fn hold_back(&self, added: &[TopicPartition]) {
        if self.stopped {
            self.consumer.pause(&list(added.iter()), true);
        }
    }

    /// What the caller asked for; unknown partitions are ignored.
    pub(super) fn pause(&mut self, partitions: Vec<TopicPartition>, paused: bool) {
        let known: Vec<_> = partitions.into_iter().filter(|p| self.by_partition.contains_key(p)).collect();
        if paused || !self.stopped {
            self.consumer.pause(&list(known.iter()), paused);
        }
        for partition in known {
            if paused {
                self.paused.insert(partition);
            } else {
                self.paused.remove(&partition);
            }
        }
    }

    /// Polls once and hands over what came. Stops and restarts fetching at the byte bound.
    pub(super) fn turn(&mut self, wait: Duration) {
        if !self.stopped && self.feed.is_full() && !self.feed.await_room(PATIENCE) {
            self.stopped = true;
            self.consumer.pause(&list(self.places.iter().map(|place| &place.partition)), true);
        } else if self.stopped && self.feed.has_room() {
            self.stopped = false;
            let running = self.places.iter().map(|place| &place.partition).filter(|p| !self.paused.contains(p));
            self.consumer.pause(&list(running), false);
        }
        let mut fetched = Fetched::default();
        let mut failed = None;
        self.collect(wait, &mut fetched, &mut failed);
        if !fetched.records.is_empty() || !fetched.ends.is_empty() {
            self.consumer.is_up();
            self.reported_down = None;
            self.feed.push(Item::Fetched(fetched));
        }
        if let Some(error) = failed {
            self.feed.push(Item::Failed(error));
        }
        self.notice_absence();
        self.notice_missing();
    }

    fn collect(&mut self, wait: Duration, fetched: &mut Fetched, failed: &mut Option<ReadError>) {
        let (mut wait, mut bytes) = (wait, 0);
        let bytes_max = BATCH_BYTES.min(self.feed.bytes_max() / 4);
        let consumer = self.consumer.clone();
        while fetched.records.len() < BATCH_RECORDS && bytes <= bytes_max {
            match consumer.poll(wait) {
                Polled::Nothing => break,
                Polled::Record(message) => {
                    if let Some(record) = self.record(message) {
                        bytes += record.size();
                        fetched.records.push(record);
                    }
                }
                Polled::End(message) => {
                    fetched.ends.extend(self.end(&message));
                    // Nothing after an end goes into the same answer: the end's position is the next to read.
                    break;
                }
                Polled::Failed(error, message) => {
                    *failed = self.failed(error, &message);
                    if failed.is_some() {
                        break;
                    }
                }
            }
            wait = Duration::ZERO;
        }
    }

    fn record(&mut self, message: Fresh<'_>) -> Option<Record> {
        let (partition, offset) = (message.partition(), message.offset());
        let place = self.place(message.topic()?, partition)?;
        if offset < place.next {
            return None;
        }
        place.next = offset + 1;
        let timestamp_ms = message.timestamp_ms();
        Some(Record::kafka(partition, Offset(offset), timestamp_ms, message.keep(&place.origin)?))
    }

    fn end(&mut self, message: &Fresh<'_>) -> Option<(TopicPartition, Offset)> {
        let offset = message.offset();
        let place = self.place(message.topic()?, message.partition())?;
        if offset < place.next || place.end == Some(offset) {
            return None;
        }
        place.next = offset;
        place.end = Some(offset);
        Some((place.partition.clone(), Offset(offset)))
    }

    fn place(&mut self, topic: &str, partition: i32) -> Option<&mut Place> {
        let is_here = |place: &Place| place.partition.partition == partition && *place.partition.topic == *topic;
        if !self.places.get(self.last).is_some_and(is_here) {
            self.last = self.places.iter().position(is_here)?;
        }
        self.places.get_mut(self.last)
    }

    /// What the caller must know of an error; librdkafka goes on trying after the others.
    fn failed(&mut self, error: NativeError, message: &Fresh<'_>) -> Option<ReadError> {
        let topic = message.topic().unwrap_or_default().to_owned();
        match error.code {
            Code::AUTO_OFFSET_RESET => {
                let partition = self.place(&topic, message.partition())?.partition.clone();
                Some(self.out_of_range(partition, message.offset()))
            }
            code if code.is_unknown_topic() => Some(ReadError::UnknownTopic { topic }),
            // A reader needs no rights on a group: it commits nothing.
            Code::GROUP_UNAUTHORIZED if self.member.is_none() => None,
            code if self.is_replaced(code) => self.replaced(),
            // The group goes on without this member for a moment; a rebalance tells what it lost.
            Code::MAX_POLL_EXCEEDED | Code::ILLEGAL_GENERATION | Code::UNKNOWN_MEMBER => {
                tracing::warn!(%error, "the member lost its place in the group");
                None
            }
            code if code.is_transient() && !error.fatal => {
                tracing::debug!(%error, "reading goes on");
                None
            }
            _ => {
                Some(ReadError::Refused { what: format!("read {topic}/{}", message.partition()), source: error.into() })
            }
        }
    }

    /// Whether a newer member has this one's name. librdkafka gives up for good then.
    fn is_replaced(&self, code: Code) -> bool {
        let fatal = || self.consumer.fatal_error().is_some_and(|error| error.code == Code::FENCED_INSTANCE);
        code == Code::FENCED_INSTANCE || (code == Code::FATAL && fatal())
    }

    fn replaced(&self) -> Option<ReadError> {
        let GroupSettings { group, instance, .. } = self.member.clone()?;
        Some(ReadError::Replaced { group, instance: instance.unwrap_or_default() })
    }

    /// Says what is there instead of `position`. Blocks for a moment.
    pub(super) fn out_of_range(&self, partition: TopicPartition, position: i64) -> ReadError {
        let (earliest, latest) =
            self.consumer.watermarks(&partition.topic, partition.partition, QUESTION).unwrap_or((-1, -1));
        let (earliest, latest) = (Offset(earliest), Offset(latest));
        ReadError::OutOfRange { partition, position: Offset(position), earliest, latest }
    }

    /// Tells once per request time-out that no broker can be reached. An idle topic gives no sign of life when brokers
    /// are back, so they are asked before.
    fn notice_absence(&mut self) {
        let Some(down) = self.consumer.down_since() else { return };
        let since = self.reported_down.map_or(down, |reported| reported.max(down));
        if since.elapsed() < self.request_timeout {
            return;
        }
        let topic = self.places.first().map(|place| place.partition.topic.clone());
        match self.consumer.probe(topic.as_deref().unwrap_or("coursebus"), QUESTION) {
            Err(error) if error.code.is_transient() => {
                self.reported_down = Some(Instant::now());
                let source = error.after(self.consumer.last_failure()).into();
                let (what, waited) = ("answer a reader".to_owned(), self.request_timeout);
                self.feed.push(Item::Failed(ReadError::Unavailable { what, waited, source }));
            }
            // Also a refusal is an answer.
            _ => {
                self.consumer.is_up();
                self.reported_down = None;
            }
        }
    }

    /// Tells when a topic that is read was deleted: librdkafka reports it, without saying which in a way to rely on.
    fn notice_missing(&mut self) {
        if !self.consumer.take_topic_missing() {
            return;
        }
        let mut topics: Vec<_> = self.places.iter().map(|place| place.partition.topic.clone()).collect();
        topics.sort_unstable();
        topics.dedup();
        for topic in topics {
            if self.consumer.probe(&topic, QUESTION).is_err_and(|error| error.code.is_unknown_topic()) {
                self.feed.push(Item::Failed(ReadError::UnknownTopic { topic: topic.to_string() }));
                let gone = self.places.iter().map(|place| &place.partition).filter(|p| p.topic == topic);
                self.remove(&gone.cloned().collect());
            }
        }
    }
}

/// Partitions for librdkafka, without offsets.
pub(super) fn list<'a>(partitions: impl Iterator<Item = &'a TopicPartition>) -> List {
    List::new(partitions.map(|partition| (&*partition.topic, partition.partition, List::NO_OFFSET)))
}
