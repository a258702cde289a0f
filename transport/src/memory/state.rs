//! What a log in memory holds. Pure but for the clock that it is told.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use bytes::Bytes;

use super::group::Group;
use crate::{
    AdminError, AppendError, Appended, Cleanup, NewRecord, Offset, Range, ReadError, Record, TopicId, TopicInfo,
    TopicPartition, TopicSpec, embedded::batch,
};

/// Everything that is in the log.
#[derive(Default)]
pub(super) struct State {
    pub(super) topics: BTreeMap<Arc<str>, Topic>,
    pub(super) groups: BTreeMap<String, Group>,
    /// The epoch of each transactional id.
    pub(super) transactional: BTreeMap<String, i64>,
    ids: i64,
}

pub(super) struct Topic {
    info: TopicInfo,
    compacted: bool,
    retention_ms: Option<i64>,
    tombstones_ms: i64,
    record_bytes_max: usize,
    pub(super) partitions: Vec<Partition>,
}

pub(super) struct Partition {
    /// Another one for each partition that ever was.
    pub(super) id: i64,
    records: VecDeque<Stored>,
    first: i64,
    next: i64,
}

struct Stored {
    offset: i64,
    timestamp_ms: i64,
    key: Option<Bytes>,
    value: Option<Bytes>,
    headers: Bytes,
}

impl State {
    pub(super) fn new_id(&mut self) -> i64 {
        self.ids += 1;
        self.ids
    }

    pub(super) fn create(&mut self, spec: &TopicSpec) -> Result<(), AdminError> {
        crate::embedded::topics::check(spec)?;
        if self.topics.contains_key(spec.name.as_str()) {
            return Err(AdminError::TopicExists { topic: spec.name.clone() });
        }
        const DAY_MS: i64 = 24 * 60 * 60 * 1000;
        let tombstones_ms = spec.settings.get("delete.retention.ms").and_then(|ms| ms.parse().ok()).unwrap_or(DAY_MS);
        let retention_ms = spec.retention.map(|r| i64::try_from(r.as_millis()).unwrap_or(i64::MAX));
        let record_bytes_max = spec.record_bytes_max.unwrap_or(1 << 20);
        let compacted = spec.cleanup == Cleanup::Compact;
        let settings = BTreeMap::from([
            ("cleanup.policy".to_owned(), if compacted { "compact" } else { "delete" }.to_owned()),
            ("retention.ms".to_owned(), retention_ms.unwrap_or(-1).to_string()),
            ("max.message.bytes".to_owned(), record_bytes_max.to_string()),
        ]);
        let id = TopicId(format!("topic-{}", self.new_id()));
        let info = TopicInfo { name: spec.name.clone(), id, partitions: spec.partitions, replication: 1, settings };
        let partitions = (0..spec.partitions).map(|_| Partition::new(self.new_id())).collect();
        let topic = Topic { info, compacted, retention_ms, tombstones_ms, record_bytes_max, partitions };
        self.topics.insert(spec.name.as_str().into(), topic);
        Ok(())
    }

    pub(super) fn grow(&mut self, name: &str, partitions: i32) -> Result<(), AdminError> {
        let had = self.info(name)?.partitions;
        crate::embedded::topics::check_growth(name, had, partitions)?;
        let new: Vec<Partition> = (had..partitions).map(|_| Partition::new(self.new_id())).collect();
        if let Some(topic) = self.topics.get_mut(name) {
            topic.partitions.extend(new);
            topic.info.partitions = partitions;
        }
        Ok(())
    }

    pub(super) fn delete(&mut self, name: &str) -> Result<(), AdminError> {
        let unknown = || AdminError::UnknownTopic { topic: name.to_owned() };
        let topic = self.topics.remove(name).ok_or_else(unknown)?;
        for group in self.groups.values_mut() {
            topic.partitions.iter().for_each(|partition| group.forget(partition.id));
        }
        Ok(())
    }

    pub(super) fn info(&self, name: &str) -> Result<TopicInfo, AdminError> {
        let topic = self.topics.get(name).ok_or_else(|| AdminError::UnknownTopic { topic: name.to_owned() })?;
        Ok(topic.info.clone())
    }

    pub(super) fn infos(&self) -> Vec<TopicInfo> {
        self.topics.values().map(|topic| topic.info.clone()).collect()
    }

    pub(super) fn partition(&self, name: &TopicPartition) -> Option<&Partition> {
        self.topics.get(&name.topic)?.partitions.get(usize::try_from(name.partition).ok()?)
    }

    /// A partition after what is too old in it is gone.
    pub(super) fn kept(&mut self, name: &TopicPartition, now_ms: i64) -> Result<&Partition, AdminError> {
        let unknown = || AdminError::UnknownTopic { topic: name.topic.to_string() };
        let topic = self.topics.get_mut(&name.topic).ok_or_else(unknown)?;
        let (retention_ms, tombstones_ms) = (topic.retention_ms, topic.compacted.then_some(topic.tombstones_ms));
        let partition = usize::try_from(name.partition).ok().and_then(|number| topic.partitions.get_mut(number));
        let partition = partition.ok_or_else(|| AdminError::UnknownPartition { partition: name.clone() })?;
        partition.keep(now_ms, retention_ms, tombstones_ms);
        Ok(partition)
    }

    /// Whether the topic takes the record.
    fn admit(&mut self, record: &NewRecord) -> Result<(&mut Partition, bool), AppendError> {
        let name = || record.topic.to_string();
        let topic = self.topics.get_mut(&record.topic).ok_or_else(|| AppendError::UnknownTopic { topic: name() })?;
        let bytes = record.size();
        let partition = usize::try_from(record.partition).ok().and_then(|number| topic.partitions.get_mut(number));
        let partition = partition.ok_or_else(|| AppendError::UnknownPartition {
            partition: TopicPartition::new(record.topic.clone(), record.partition),
        })?;
        if topic.compacted && record.key.is_none() {
            return Err(AppendError::KeyRequired { topic: name() });
        }
        if bytes > topic.record_bytes_max {
            return Err(AppendError::TooLarge { topic: name(), bytes, bytes_max: topic.record_bytes_max });
        }
        Ok((partition, topic.compacted))
    }

    pub(super) fn append(&mut self, record: &NewRecord, now_ms: i64) -> Result<Appended, AppendError> {
        let (partition, compacted) = self.admit(record)?;
        let offset = partition.append(record, now_ms, compacted);
        Ok(Appended { partition: record.partition, offset })
    }

    /// Whether all records are taken.
    pub(super) fn admit_all(&mut self, records: &[NewRecord]) -> Result<(), AppendError> {
        records.iter().try_for_each(|record| self.admit(record).map(drop))
    }
}

impl Partition {
    fn new(id: i64) -> Self {
        Self { id, records: VecDeque::new(), first: 0, next: 0 }
    }

    pub(super) fn range(&self) -> Range {
        Range { earliest: Offset(self.first), latest: Offset(self.next) }
    }

    pub(super) fn offset_at(&self, timestamp_ms: i64) -> Offset {
        let found = self.records.iter().find(|record| record.timestamp_ms >= timestamp_ms);
        Offset(found.map_or(self.next, |record| record.offset))
    }

    fn append(&mut self, record: &NewRecord, now_ms: i64, compacted: bool) -> Offset {
        if compacted {
            // At once, which is within what compaction may do: the last of each key stays.
            self.records.retain(|stored| stored.key != record.key);
        }
        let offset = self.next;
        let timestamp_ms = record.timestamp_ms.unwrap_or(now_ms);
        let headers = headers(record);
        let (key, value) = (record.key.clone(), record.value.clone());
        self.records.push_back(Stored { offset, timestamp_ms, key, value, headers });
        self.next += 1;
        Offset(offset)
    }

    fn keep(&mut self, now_ms: i64, retention_ms: Option<i64>, tombstones_ms: Option<i64>) {
        if let Some(retention_ms) = retention_ms {
            while self.records.front().is_some_and(|record| record.timestamp_ms < now_ms - retention_ms) {
                self.records.pop_front();
                self.first = self.records.front().map_or(self.next, |record| record.offset);
            }
        }
        if let Some(tombstones_ms) = tombstones_ms {
            self.records.retain(|record| record.value.is_some() || record.timestamp_ms >= now_ms - tombstones_ms);
        }
    }

    /// All records from an offset on.
    pub(super) fn all_from(&self, name: &TopicPartition, from: Offset) -> Vec<Record> {
        self.read(name, from.0, usize::MAX, usize::MAX)
    }

    /// Up to `count` records from an offset on, of about `bytes_max`, at least one where there is one.
    fn read(&self, name: &TopicPartition, from: i64, count: usize, bytes_max: usize) -> Vec<Record> {
        let begin = self.records.partition_point(|record| record.offset < from);
        let mut bytes = 0;
        let mut records = Vec::new();
        for stored in self.records.range(begin..).take(count) {
            let (key, value, headers) = (stored.key.clone(), stored.value.clone(), stored.headers.clone());
            let (topic, at) = (name.topic.clone(), Offset(stored.offset));
            let record = Record::shared(topic, name.partition, at, stored.timestamp_ms, key, value, headers);
            bytes += record.size();
            if bytes > bytes_max && !records.is_empty() {
                break;
            }
            records.push(record);
        }
        records
    }
}

/// A record's headers as the embedded log stores them, which is how [`Record`] reads them.
fn headers(record: &NewRecord) -> Bytes {
    let headers: Vec<_> = record.headers.iter().map(|h| (h.name.as_ref(), h.value.as_deref())).collect();
    batch::header_block(&headers)
}

/// A partition being read.
pub(super) struct Cursor {
    pub(super) name: TopicPartition,
    pub(super) id: i64,
    next: i64,
    /// The end that was told last; told again when it has moved.
    end_told: Option<i64>,
}

/// What a cursor found.
pub(super) enum Found {
    Records(Vec<Record>),
    End(Offset),
    Nothing,
}

impl Cursor {
    pub(super) fn new(name: TopicPartition, id: i64, next: Offset) -> Self {
        Self { name, id, next: next.0, end_told: None }
    }

    /// Reads on. Fails when the position is not in the log, or the topic is not.
    pub(super) fn read(
        &mut self,
        state: &mut State,
        now_ms: i64,
        count: usize,
        bytes_max: usize,
    ) -> Result<Found, ReadError> {
        let unknown = || ReadError::UnknownTopic { topic: self.name.topic.to_string() };
        let partition = state.kept(&self.name, now_ms).map_err(|_| unknown())?;
        if partition.id != self.id {
            return Err(unknown());
        }
        let Range { earliest, latest } = partition.range();
        if self.next < earliest.0 || self.next > latest.0 {
            let (partition, position) = (self.name.clone(), Offset(self.next));
            return Err(ReadError::OutOfRange { partition, position, earliest, latest });
        }
        let records = partition.read(&self.name, self.next, count, bytes_max);
        if let Some(last) = records.last() {
            self.next = last.offset().next().0;
            return Ok(Found::Records(records));
        }
        // What compaction took away at the end is a hole: the position is behind it.
        self.next = latest.0;
        if self.end_told == Some(self.next) {
            return Ok(Found::Nothing);
        }
        self.end_told = Some(self.next);
        Ok(Found::End(latest))
    }
}
