//! The writer: records go to librdkafka in the order in which they come, once their topic is known.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, PoisonError, RwLock, RwLockWriteGuard, Weak, mpsc},
    thread,
    time::{Duration, Instant},
};

use super::{
    admin::{Admin, is_topic_name},
    config::{BATCH_BYTES_MAX, Configs, RECORD_BYTES_MAX, TOPIC_WAIT},
    delivery::Sent,
    limits::TopicLimits,
    native::{Code, Deliver, NativeError, Topic},
    pump::Pump,
};
use crate::{Ack, Append, AppendError, Appended, NewRecord, Offset, Outgoing, RecordRef, WriterSettings};

/// A refusal on knowledge older than this is checked with the broker first: partitions and limits can grow.
const FRESH: Duration = Duration::from_secs(1);
/// How long to wait before asking again for a topic that is not there.
const BACKOFF: Duration = Duration::from_millis(50);
/// How long a producer may take to learn of a topic.
const REFRESH: Duration = Duration::from_secs(2);

/// Appends to Kafka: idempotent, all in-sync replicas.
///
/// The first record of a topic waits until the topic's limits are known, so that a record which the topic does not take
/// is refused here and never takes the rest of its batch with it. When the writer is dropped, what was appended is
/// still delivered, within the delivery time-out.
pub(super) struct KafkaWriter {
    topics: Arc<Topics>,
    /// Wakes the thread that looks topics up; it ends when this is dropped. One call waits at most: it looks at all
    /// topics.
    wanted: mpsc::SyncSender<()>,
}

struct Topics {
    known: RwLock<HashMap<Arc<str>, Entry>>,
    delivery_timeout: Duration,
}

enum Entry {
    Known(Known),
    /// In order; looked up by the other thread.
    Waiting(VecDeque<Waiting>),
}

#[derive(Clone)]
struct Known {
    limits: TopicLimits,
    learnt: Instant,
    lane: Arc<Pump<Delivery>>,
    /// The lane's own handle of the topic.
    handle: Arc<Topic>,
    destination: Arc<Destination>,
}

/// What the records of one topic have in common, for those that fail.
struct Destination {
    topic: Arc<str>,
    delivery_timeout: Duration,
    topics: Weak<Topics>,
    lane: Weak<Pump<Delivery>>,
}

struct Waiting {
    record: NewRecord,
    ack: Ack,
    since: Instant,
}

/// What librdkafka carries with a record.
struct Delivery {
    ack: Ack,
    partition: i32,
    bytes: usize,
    keyless: bool,
    destination: Arc<Destination>,
}

impl KafkaWriter {
    /// Starts the writer's threads; no broker is asked yet.
    pub(super) fn start(configs: Configs, admin: Admin, settings: WriterSettings) -> Result<Self, NativeError> {
        let topics = Arc::new(Topics { known: RwLock::default(), delivery_timeout: settings.delivery_timeout });
        // Made now, so that a bad configuration is an error of the writer and not of its first record.
        let lanes = HashMap::from([(BATCH_BYTES_MAX, start_lane(&configs, &settings, BATCH_BYTES_MAX)?)]);
        let (wanted, asked) = mpsc::sync_channel(1);
        let lookup = Lookup {
            topics: topics.clone(),
            configs,
            admin,
            settings,
            lanes,
            last_lanes: HashMap::new(),
            missing_since: HashMap::new(),
        };
        thread::Builder::new()
            .name("kafka-topics".into())
            .spawn(move || lookup.run(&asked))
            .map_err(|error| NativeError::with_text(Code::FATAL, error.to_string()))?;
        Ok(Self { topics, wanted })
    }
}

impl Append for KafkaWriter {
    fn enqueue(&self, record: NewRecord, ack: Ack) {
        let waiting = {
            let known = self.topics.known.read().unwrap_or_else(PoisonError::into_inner);
            match known.get(&record.topic) {
                Some(Entry::Known(known)) => self.topics.offer(known, record, ack),
                _ => Some((record, ack)),
            }
        };
        if let Some((record, ack)) = waiting {
            if !is_topic_name(&record.topic) {
                return ack.complete(Err(AppendError::UnknownTopic { topic: record.topic.to_string() }));
            }
            self.topics.wait(record, ack);
            let _ = self.wanted.try_send(());
        }
    }

    fn takes_lent(&self) -> bool {
        true
    }

    fn offer(&self, record: &RecordRef<'_>, ack: Ack) -> Result<(), Ack> {
        let known = self.topics.known.read().unwrap_or_else(PoisonError::into_inner);
        let Some(Entry::Known(known)) = known.get(record.topic) else { return Err(ack) };
        // Whatever is wrong with it is said by the way of owned records.
        let Ok(bytes) = known.limits.check(record) else { return Err(ack) };
        known.send(record, bytes, ack).map_err(|(_error, ack)| ack)
    }

    fn give_up(&self) {
        self.topics.purge();
    }
}

impl Known {
    fn send(&self, record: &impl Outgoing, bytes: usize, ack: Ack) -> Result<(), (NativeError, Ack)> {
        let (partition, keyless) = (record.partition(), record.key().is_none());
        let delivery = Delivery { ack, partition, bytes, keyless, destination: self.destination.clone() };
        let produced = self.lane.producer().produce_to(&self.handle, record, delivery);
        produced.map_err(|(error, delivery)| (error, delivery.ack))
    }
}

impl Topics {
    fn write(&self) -> RwLockWriteGuard<'_, HashMap<Arc<str>, Entry>> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends or refuses the record; gives it back when the topic must be looked up first.
    fn offer(&self, known: &Known, record: NewRecord, ack: Ack) -> Option<(NewRecord, Ack)> {
        let bytes = match known.limits.check(&record) {
            Ok(bytes) => bytes,
            Err(error) if known.learnt.elapsed() < FRESH => {
                ack.complete(Err(error));
                return None;
            }
            Err(_perhaps_outdated) => return Some((record, ack)),
        };
        match known.send(&record, bytes, ack) {
            Ok(()) => None,
            // The topic is gone (perhaps another one has its name), or the producer is of no more use.
            Err((error, ack)) if is_outdated(error.code) => Some((record, ack)),
            Err((error, ack)) => {
                self.refuse(known, &record, error, ack);
                None
            }
        }
    }

    fn refuse(&self, known: &Known, record: &NewRecord, error: NativeError, ack: Ack) {
        ack.complete(Err(Sent::new(record).error(error, self.delivery_timeout, known.limits.batch_bytes_max)));
    }

    fn wait(&self, record: NewRecord, ack: Ack) {
        let mut known = self.write();
        let (record, ack) = match known.get(&record.topic) {
            // It became known between the two locks.
            Some(Entry::Known(found)) => match self.offer(found, record, ack) {
                Some(waiting) => waiting,
                None => return,
            },
            _ => (record, ack),
        };
        let entry = known.entry(record.topic.clone()).or_insert_with(|| Entry::Waiting(VecDeque::new()));
        if matches!(entry, Entry::Known(_)) {
            *entry = Entry::Waiting(VecDeque::new());
        }
        if let Entry::Waiting(waiting) = entry {
            waiting.push_back(Waiting { record, ack, since: Instant::now() });
        }
    }

    /// Sends what waits for the topic, in order.
    fn learn(&self, topic: &str, found: &Known) {
        let mut known = self.write();
        let Some(entry) = known.get_mut(topic) else { return };
        if let Entry::Waiting(waiting) = std::mem::replace(entry, Entry::Known(found.clone())) {
            for Waiting { record, ack, .. } in waiting {
                match found.limits.check(&record) {
                    Err(error) => ack.complete(Err(error)),
                    Ok(bytes) => {
                        if let Err((error, ack)) = found.send(&record, bytes, ack) {
                            self.refuse(found, &record, error, ack);
                        }
                    }
                }
            }
        }
    }

    /// Fails what waits for the topic.
    fn give_up(&self, topic: &str, error: impl Fn() -> AppendError) {
        let mut known = self.write();
        if let Some(Entry::Waiting(_)) = known.get(topic)
            && let Some(Entry::Waiting(waiting)) = known.remove(topic)
        {
            waiting.into_iter().for_each(|waiting| waiting.ack.complete(Err(error())));
        }
    }

    /// Fails what has waited for the whole delivery time-out.
    fn expire(&self, why: &NativeError) {
        let mut known = self.write();
        known.retain(|topic, entry| {
            let Entry::Waiting(waiting) = entry else { return true };
            while waiting.front().is_some_and(|first| first.since.elapsed() >= self.delivery_timeout) {
                if let Some(first) = waiting.pop_front() {
                    let (topic, source) = (topic.to_string(), why.clone().into());
                    first.ack.complete(Err(AppendError::NotSent { topic, source }));
                }
            }
            !waiting.is_empty()
        });
    }

    fn waiting(&self) -> Vec<String> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let waits = |(topic, entry): (&Arc<str>, &Entry)| matches!(entry, Entry::Waiting(_)).then(|| topic.to_string());
        known.iter().filter_map(waits).collect()
    }

    /// Fails what waits, here and in the lanes.
    fn purge(&self) {
        for topic in self.waiting() {
            let closed = || AppendError::NotSent { topic: topic.clone(), source: "the writer was closed".into() };
            self.give_up(&topic, closed);
        }
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        for entry in known.values() {
            if let Entry::Known(known) = entry {
                known.lane.producer().purge();
            }
        }
    }

    /// Has the topic looked up before its next record.
    fn forget(&self, topic: &str) {
        let mut known = self.write();
        if matches!(known.get(topic), Some(Entry::Known(_))) {
            known.remove(topic);
        }
    }
}

impl Deliver for Delivery {
    fn deliver(self, outcome: Result<i64, NativeError>) {
        let outcome = match outcome {
            Ok(offset @ 0..) => Ok(Appended { partition: self.partition, offset: Offset(offset) }),
            // Stored, but a repeated request could not tell where.
            Ok(_unknown) => Err(NativeError::with_text(Code::MESSAGE_TIMED_OUT, "the offset was not told")),
            Err(error) => Err(error),
        };
        let outcome = outcome.map_err(|error| self.failed(error));
        self.ack.complete(outcome);
    }
}

impl Delivery {
    fn failed(&self, error: NativeError) -> AppendError {
        let lane = self.destination.lane.upgrade();
        let topics = self.destination.topics.upgrade();
        let delivery_timeout = self.destination.delivery_timeout;
        let fatal = lane.as_ref().and_then(|lane| lane.producer().fatal_error());
        let is_dead = fatal.is_some();
        let error = match lane {
            // It was never sent, because the producer as a whole was refused: no right to write, for example.
            Some(_) if error.code == Code::PURGED_QUEUE && is_dead => fatal.unwrap_or(error),
            Some(lane) if error.code == Code::MESSAGE_TIMED_OUT => error.after(lane.producer().last_failure()),
            _ => error,
        };
        let sent = Sent::of_parts(&self.destination.topic, self.partition, self.bytes, self.keyless);
        let error = sent.error(error, delivery_timeout, RECORD_BYTES_MAX);
        let contradicts = matches!(
            error,
            AppendError::UnknownTopic { .. } | AppendError::TooLarge { .. } | AppendError::KeyRequired { .. }
        );
        if let Some(topics) = topics
            && (is_dead || contradicts)
        {
            topics.forget(&self.destination.topic);
        }
        error
    }
}

/// Whether what is known of the topic, or the producer itself, must be made anew.
fn is_outdated(code: Code) -> bool {
    code.is_unknown_topic() || code == Code::LOCAL_UNKNOWN_PARTITION || code == Code::FATAL
}

/// The thread that looks topics up.
struct Lookup {
    topics: Arc<Topics>,
    configs: Configs,
    admin: Admin,
    settings: WriterSettings,
    /// One producer per size of batches: a topic with a small limit needs small batches.
    lanes: HashMap<usize, Arc<Pump<Delivery>>>,
    /// Where a topic's records went last: it changes over only when all of those are delivered, to keep their order.
    last_lanes: HashMap<String, Arc<Pump<Delivery>>>,
    missing_since: HashMap<String, Instant>,
}

impl Lookup {
    fn run(mut self, asked: &mpsc::Receiver<()>) {
        loop {
            let wanted = self.topics.waiting();
            let next = if wanted.is_empty() {
                asked.recv().map_err(|_| mpsc::RecvTimeoutError::Disconnected)
            } else {
                self.look_up(&wanted);
                if self.topics.waiting().is_empty() { Ok(()) } else { asked.recv_timeout(BACKOFF) }
            };
            if next == Err(mpsc::RecvTimeoutError::Disconnected) {
                break;
            }
        }
        for topic in self.topics.waiting() {
            self.topics.give_up(&topic, || AppendError::Closed);
        }
    }

    fn look_up(&mut self, wanted: &[String]) {
        let found = match self.admin.limits(wanted) {
            Ok(found) => found,
            Err(error) if error.code.is_transient() => return self.topics.expire(&error),
            Err(error) => {
                return wanted.iter().for_each(|topic| {
                    self.topics
                        .give_up(topic, || AppendError::Refused { topic: topic.clone(), source: error.clone().into() });
                });
            }
        };
        for (topic, limits) in found {
            let outcome = limits.and_then(|limits| self.known(&topic, limits));
            match outcome {
                Ok(known) => {
                    self.missing_since.remove(&topic);
                    self.topics.learn(&topic, &known);
                }
                Err(error) if error.code.is_unknown_topic() => self.missing(topic),
                Err(error) if error.code.is_transient() => self.topics.expire(&error),
                Err(error) => self
                    .topics
                    .give_up(&topic, || AppendError::Refused { topic: topic.clone(), source: error.clone().into() }),
            }
        }
        self.missing_since.retain(|topic, _| wanted.contains(topic));
    }

    fn missing(&mut self, topic: String) {
        let patience = TOPIC_WAIT.min(self.settings.delivery_timeout);
        let since = *self.missing_since.entry(topic.clone()).or_insert_with(Instant::now);
        if since.elapsed() >= patience {
            self.missing_since.remove(&topic);
            self.topics.give_up(&topic, || AppendError::UnknownTopic { topic: topic.clone() });
        }
    }

    fn known(&mut self, topic: &str, limits: TopicLimits) -> Result<Known, NativeError> {
        let batch_bytes_max = limits.batch_bytes_max.min(BATCH_BYTES_MAX);
        let lane = match self.lanes.get(&batch_bytes_max) {
            Some(lane) if lane.producer().fatal_error().is_none() => lane.clone(),
            _ => start_lane(&self.configs, &self.settings, batch_bytes_max)?,
        };
        if let Some(last) = self.last_lanes.get(topic)
            && !Arc::ptr_eq(last, &lane)
            && last.producer().outstanding() > 0
        {
            return Err(NativeError::new(Code::IN_PROGRESS));
        }
        self.lanes.insert(batch_bytes_max, lane.clone());
        self.last_lanes.insert(topic.to_owned(), lane.clone());
        // Without this the producer might refuse partitions that were added. Where it fails, the records wait inside.
        let topic: Arc<str> = topic.into();
        let _ = lane.producer().refresh(&topic, REFRESH);
        let handle = Arc::new(lane.producer().topic(&topic)?);
        let destination = Arc::new(Destination {
            topic,
            delivery_timeout: self.settings.delivery_timeout,
            topics: Arc::downgrade(&self.topics),
            lane: Arc::downgrade(&lane),
        });
        Ok(Known { limits, learnt: Instant::now(), lane, handle, destination })
    }
}

fn start_lane(
    configs: &Configs,
    settings: &WriterSettings,
    batch_bytes_max: usize,
) -> Result<Arc<Pump<Delivery>>, NativeError> {
    // Each record has an outcome within the delivery time-out; the second is for delivering it.
    let linger_on = settings.delivery_timeout + Duration::from_secs(1);
    Ok(Arc::new(Pump::start(&configs.writer(settings, batch_bytes_max), linger_on)?))
}
