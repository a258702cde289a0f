//! What cases share: topics of their own, records, and ways to wait.

use std::{collections::HashSet, future::Future, sync::Arc, time::Duration};

use bytes::Bytes;

use super::{Backend, Profile};
use crate::{
    Appended, Fetched, GroupSettings, Header, Log, NewRecord, Offset, Reader, ReaderSettings, Record, TopicPartition,
    TopicSpec, Writer, WriterSettings,
};

/// What a case is given: an open log, and names that no other case has.
pub struct Fixture {
    backend: Arc<dyn Backend>,
    pub(super) log: Arc<dyn Log>,
    name: String,
    pub(super) profile: Profile,
}

impl Fixture {
    /// Opens the backend for a case.
    pub async fn new(backend: Arc<dyn Backend>, case: &str) -> Self {
        let log = backend.open().await;
        let profile = backend.profile();
        let run = uuid::Uuid::new_v4().simple().to_string();
        Self { backend, log, name: format!("conformance-{case}-{}", &run[..8]), profile }
    }

    pub(super) async fn reopen(&self) -> Arc<dyn Log> {
        self.backend.open().await
    }

    pub(super) fn address(&self) -> Option<String> {
        self.backend.address()
    }

    pub(super) async fn open_absent(&self) -> Option<Arc<dyn Log>> {
        self.backend.open_absent().await
    }

    /// A name that is not in use.
    pub(super) fn unique(&self, what: &str) -> String {
        format!("{}-{what}", self.name)
    }

    /// A new topic.
    pub(super) async fn topic(&self, partitions: i32) -> Arc<str> {
        self.topic_of(TopicSpec::new(self.unique("topic"), partitions)).await
    }

    pub(super) async fn topic_of(&self, spec: TopicSpec) -> Arc<str> {
        self.log.create_topic(&spec).await.expect("the topic is created");
        spec.name.into()
    }

    pub(super) async fn writer(&self) -> Writer {
        self.log.writer(WriterSettings::default()).await.expect("a writer")
    }

    /// Appends records one after the other and waits until all are confirmed.
    pub(super) async fn append(&self, records: Vec<NewRecord>) -> Vec<Appended> {
        append(&self.writer().await, records).await
    }

    /// Appends `count` records with the values `0`, `1`, … to each partition.
    pub(super) async fn fill(&self, topic: &Arc<str>, partitions: i32, count: usize) {
        let records = (0..partitions).flat_map(|p| (0..count).map(move |i| (p, i)));
        self.append(records.map(|(p, i)| valued(topic, p, &i.to_string())).collect()).await;
    }

    /// Settings of a group of this case's own, with the shortest time-outs of the backend.
    pub(super) fn group(&self, name: &str, topics: &[&Arc<str>]) -> GroupSettings {
        GroupSettings {
            session_timeout: self.profile.session_timeout,
            release_timeout: Duration::from_secs(10),
            ..GroupSettings::new(self.unique(name), topics.iter().map(|topic| topic.to_string()).collect())
        }
    }

    pub(super) async fn reader(&self, from: &[(TopicPartition, i64)]) -> Box<dyn Reader> {
        let from = from.iter().map(|(partition, offset)| (partition.clone(), Offset(*offset))).collect();
        self.log.reader(from, ReaderSettings::default()).await.expect("a reader")
    }

    /// Reads partitions from their beginning to their end, in the order of offsets within each.
    pub(super) async fn read_all(&self, topic: &Arc<str>, partitions: i32) -> Vec<Seen> {
        let mut from = Vec::new();
        for partition in partitions_of(topic, partitions) {
            let range = self.log.range(&partition).await.expect("a range");
            from.push((partition, range.earliest.0));
        }
        self.until_ends(&mut *self.reader(&from).await, from.len()).await
    }

    /// Reads until that many partitions have told an end.
    pub(super) async fn until_ends(&self, reader: &mut dyn Reader, ends: usize) -> Vec<Seen> {
        let (mut seen, mut ended) = (Vec::new(), HashSet::new());
        let reading = async {
            while ended.len() < ends {
                let Fetched { records, ends } = reader.next(Duration::from_secs(1)).await.expect("records");
                seen.extend(records.iter().map(Seen::from));
                ended.extend(ends.into_iter().map(|(partition, _)| partition));
            }
        };
        self.within("every partition tells its end", reading).await;
        seen
    }

    /// Waits until a record is stored though its transaction is open, where the backend can show that.
    pub(super) async fn until_stored(&self, partition: TopicPartition, value: &str) {
        if self.profile.shows_uncommitted {
            let settings = ReaderSettings { uncommitted: true, ..ReaderSettings::default() };
            let mut reader = self.log.reader(vec![(partition, Offset(0))], settings).await.expect("a reader");
            while !self.until_count(&mut *reader, 1).await.iter().any(|seen| seen.text() == value) {}
        }
    }

    /// Reads until `count` records are there.
    pub(super) async fn until_count(&self, reader: &mut dyn Reader, count: usize) -> Vec<Seen> {
        let mut seen = Vec::new();
        let reading = async {
            while seen.len() < count {
                let fetched = reader.next(Duration::from_secs(1)).await.expect("records");
                seen.extend(fetched.records.iter().map(Seen::from));
            }
        };
        self.within("the records are read", reading).await;
        seen
    }

    /// Fails the case when it takes longer than the profile allows.
    pub(super) async fn within<T>(&self, what: &str, wait: impl Future<Output = T>) -> T {
        match tokio::time::timeout(self.profile.patience, wait).await {
            Ok(value) => value,
            Err(_) => panic!("after {:?} still waiting until {what}", self.profile.patience),
        }
    }

    /// Asks again and again until the answer is yes.
    pub(super) async fn eventually<F: Future<Output = bool>>(&self, what: &str, ask: impl FnMut() -> F) {
        until(self.profile.patience, what, ask).await;
    }
}

/// Asks again and again until the answer is yes, at most `patience` long.
pub(super) async fn until<F: Future<Output = bool>>(patience: Duration, what: &str, mut ask: impl FnMut() -> F) {
    let asking = async {
        while !ask().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    if tokio::time::timeout(patience, asking).await.is_err() {
        panic!("after {patience:?} still waiting until {what}");
    }
}

/// Appends records one after the other and waits until all are confirmed.
pub(super) async fn append(writer: &Writer, records: Vec<NewRecord>) -> Vec<Appended> {
    let mut receipts = Vec::with_capacity(records.len());
    for record in records {
        receipts.push(writer.append(record).await);
    }
    let mut appended = Vec::with_capacity(receipts.len());
    for receipt in receipts {
        appended.push(receipt.await.expect("the record is confirmed"));
    }
    appended
}

pub(super) fn record(topic: &Arc<str>, partition: i32, key: Option<&str>, value: Option<&str>) -> NewRecord {
    let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    NewRecord {
        topic: topic.clone(),
        partition,
        timestamp_ms: None,
        key: key.map(bytes),
        value: value.map(bytes),
        headers: Vec::new(),
    }
}

/// A record with a value only.
pub(super) fn valued(topic: &Arc<str>, partition: i32, value: &str) -> NewRecord {
    record(topic, partition, None, Some(value))
}

pub(super) fn partition(topic: &Arc<str>, partition: i32) -> TopicPartition {
    TopicPartition { topic: topic.clone(), partition }
}

pub(super) fn partitions_of(topic: &Arc<str>, count: i32) -> Vec<TopicPartition> {
    (0..count).map(|p| partition(topic, p)).collect()
}

/// Bytes that do not compress, the same at each call.
pub(super) fn noise(length: usize) -> Bytes {
    noise_of(0, length)
}

/// The same, different for each seed: together they do not compress either.
pub(super) fn noise_of(seed: usize, length: usize) -> Bytes {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(2 * seed as u64 + 1);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

/// A record that was read, copied so that it can be compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seen {
    pub(super) topic: String,
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) timestamp_ms: i64,
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Option<Vec<u8>>,
    pub(super) headers: Vec<(String, Option<Vec<u8>>)>,
}

impl From<&Record> for Seen {
    fn from(record: &Record) -> Self {
        let headers = record.headers().into_iter();
        Self {
            topic: record.topic().to_string(),
            partition: record.partition(),
            offset: record.offset().0,
            timestamp_ms: record.timestamp_ms(),
            key: record.key().map(<[u8]>::to_vec),
            value: record.value().map(<[u8]>::to_vec),
            headers: headers.map(|(name, value)| (name.to_owned(), value.map(<[u8]>::to_vec))).collect(),
        }
    }
}

impl Seen {
    /// The value as text; `-` for null.
    pub(super) fn text(&self) -> String {
        self.value.as_ref().map_or_else(|| "-".to_owned(), |value| String::from_utf8_lossy(value).into_owned())
    }
}

/// The values of one partition, in the order in which they were read.
pub(super) fn texts(seen: &[Seen], partition: i32) -> Vec<String> {
    seen.iter().filter(|seen| seen.partition == partition).map(Seen::text).collect()
}

/// `from..to` as values.
pub(super) fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|i| i.to_string()).collect()
}

/// A header as it is compared.
pub(super) fn header(name: &'static str, value: Option<&'static str>) -> Header {
    Header { name: name.into(), value: value.map(Bytes::from) }
}
