//! Topics and offsets: the questions, off the async threads, each within the request time-out.

use std::{
    collections::BTreeMap,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use super::{
    config::{Configs, TOPIC_WAIT},
    limits::TopicLimits,
    native::{AdminClient, Code, Described, List, NativeError, NewTopic, OffsetSpec, Position},
};
use crate::{AdminError, Cleanup, ClusterId, Offset, OpenError, Range, TopicId, TopicInfo, TopicPartition, TopicSpec};

/// How long to wait before asking again.
const BACKOFF: Duration = Duration::from_millis(50);
/// How many topics one request describes.
const TOPICS_PER_REQUEST: usize = 200;

/// Cheap to clone: one client is shared.
#[derive(Clone)]
pub(super) struct Admin {
    client: Arc<AdminClient>,
    request_timeout: Duration,
}

/// How a question can fail before it is known which error that is.
pub(super) enum Failure {
    Known(AdminError),
    Native(NativeError),
}

impl From<NativeError> for Failure {
    fn from(error: NativeError) -> Self {
        Self::Native(error)
    }
}

impl From<AdminError> for Failure {
    fn from(error: AdminError) -> Self {
        Self::Known(error)
    }
}

impl Admin {
    pub(super) fn new(configs: &Configs, request_timeout: Duration) -> Result<Self, OpenError> {
        let client = AdminClient::new(&configs.admin())
            .map_err(|error| OpenError::Client { bootstrap: configs.bootstrap().to_owned(), source: error.into() })?;
        Ok(Self { client: Arc::new(client), request_timeout })
    }

    pub(super) fn request_timeout(&self) -> Duration {
        self.request_timeout
    }

    pub(super) async fn cluster(&self) -> Result<ClusterId, AdminError> {
        self.ask("tell its cluster id".into(), |ask| ask.retry(AdminClient::cluster_id).map(ClusterId)).await
    }

    pub(super) async fn create_topic(&self, spec: &TopicSpec) -> Result<(), AdminError> {
        check_spec(spec)?;
        let spec = spec.clone();
        self.ask(format!("create topic {}", spec.name), move |ask| ask.create_topic(&spec)).await
    }

    pub(super) async fn grow_topic(&self, name: &str, partitions: i32) -> Result<(), AdminError> {
        check_exists(name)?;
        let name = name.to_owned();
        self.ask(format!("grow topic {name}"), move |ask| ask.grow_topic(&name, partitions)).await
    }

    pub(super) async fn delete_topic(&self, name: &str) -> Result<(), AdminError> {
        check_exists(name)?;
        let name = name.to_owned();
        self.ask(format!("delete topic {name}"), move |ask| ask.delete_topic(&name)).await
    }

    pub(super) async fn topics(&self) -> Result<Vec<TopicInfo>, AdminError> {
        self.ask("list topics".into(), |ask| ask.topics()).await
    }

    pub(super) async fn topic(&self, name: &str) -> Result<TopicInfo, AdminError> {
        check_exists(name)?;
        let name = name.to_owned();
        self.ask(format!("describe topic {name}"), move |ask| ask.topic(&name)).await
    }

    pub(super) async fn range(&self, partition: &TopicPartition) -> Result<Range, AdminError> {
        check_exists(&partition.topic)?;
        let partition = partition.clone();
        self.ask(format!("tell the offsets of {partition}"), move |ask| {
            ask.check_partition(&partition)?;
            let earliest = ask.offset(&partition, OffsetSpec::Earliest)?;
            let latest = ask.offset(&partition, OffsetSpec::Latest)?;
            Ok(Range { earliest: Offset(earliest), latest: Offset(latest) })
        })
        .await
    }

    pub(super) async fn offset_at(&self, partition: &TopicPartition, timestamp_ms: i64) -> Result<Offset, AdminError> {
        check_exists(&partition.topic)?;
        let partition = partition.clone();
        self.ask(format!("tell the offsets of {partition}"), move |ask| {
            ask.check_partition(&partition)?;
            match ask.offset(&partition, OffsetSpec::At(timestamp_ms))? {
                found @ 0.. => Ok(Offset(found)),
                _none => Ok(Offset(ask.offset(&partition, OffsetSpec::Latest)?)),
            }
        })
        .await
    }

    pub(super) async fn committed(
        &self,
        group: &str,
        partitions: &[TopicPartition],
    ) -> Result<Vec<Option<Offset>>, AdminError> {
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        let (group, partitions) = (group.to_owned(), partitions.to_vec());
        self.ask(format!("tell the positions of group {group}"), move |ask| ask.committed(&group, &partitions)).await
    }

    /// Waits until all the topics are there, for the time that a new one may take to appear, and tells their
    /// partitions.
    pub(super) async fn await_topics(&self, names: Vec<String>) -> Result<Vec<TopicPartitions>, AdminError> {
        for name in &names {
            check_exists(name)?;
        }
        self.ask("describe topics".into(), move |ask| ask.await_topics(&names)).await
    }

    /// What a writer must know of topics, each with an error of its own. Blocks, for some seconds at most.
    pub(super) fn limits(&self, names: &[String]) -> Result<Vec<LimitsOf>, NativeError> {
        let wait = self.request_timeout.min(Duration::from_secs(5));
        let described = self.client.describe_topics(names, wait)?;
        let found: Vec<_> = described.iter().flatten().map(|topic| topic.name.clone()).collect();
        let mut settings = match self.client.topic_settings(&found, wait) {
            Err(error) if error.code.is_transient() => return Err(error),
            // Without the right to ask, the broker decides record by record.
            settings => settings.unwrap_or_default(),
        };
        let limits = described.into_iter().map(|topic| match topic {
            Err((name, error)) => (name, Err(error)),
            Ok(topic) => {
                let settings = settings.remove(&topic.name).unwrap_or_default();
                (topic.name, Ok(TopicLimits::new(topic.partitions, &settings)))
            }
        });
        Ok(limits.collect())
    }

    /// Runs a question on a thread where it may block.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        what: String,
        question: impl FnOnce(&Ask) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, AdminError> {
        let admin = self.clone();
        let waited = self.request_timeout;
        let answer = tokio::task::spawn_blocking(move || {
            question(&Ask { client: admin.client, deadline: Instant::now() + admin.request_timeout })
        })
        .await;
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(Failure::Known(error))) => Err(error),
            Ok(Err(Failure::Native(error))) if error.code.is_transient() => {
                Err(AdminError::Unavailable { what, waited, source: error.into() })
            }
            Ok(Err(Failure::Native(error))) => Err(AdminError::Refused { what, source: error.into() }),
            // The runtime is shutting down.
            Err(join) => Err(AdminError::Unavailable { what, waited, source: join.into() }),
        }
    }
}

/// What was found of a topic of this name.
pub(super) type LimitsOf = (String, Result<TopicLimits, NativeError>);

/// A topic and how many partitions it has.
pub(super) struct TopicPartitions {
    pub(super) name: String,
    pub(super) partitions: i32,
}

/// One question with its deadline. Blocks.
pub(super) struct Ask {
    client: Arc<AdminClient>,
    deadline: Instant,
}

impl Ask {
    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
    }

    /// Asks again while brokers are moving things about.
    pub(super) fn retry<T>(
        &self,
        ask: impl Fn(&AdminClient, Duration) -> Result<T, NativeError>,
    ) -> Result<T, Failure> {
        loop {
            match ask(&self.client, self.left()) {
                Err(error) if error.code.is_transient() && Instant::now() + BACKOFF < self.deadline => {
                    thread::sleep(BACKOFF);
                }
                answer => return answer.map_err(Failure::Native),
            }
        }
    }

    fn create_topic(&self, spec: &TopicSpec) -> Result<(), Failure> {
        let replication = match spec.replication {
            Some(replication) => replication,
            None => count(self.retry(AdminClient::metadata)?.0.clamp(1, 3)),
        };
        let settings = settings(spec);
        let topic = NewTopic { name: &spec.name, partitions: spec.partitions, replication, settings: &settings };
        // Not repeated: after an answer that was lost, a second request would say that the topic exists.
        self.client.create_topic(&topic, self.left()).map_err(|error| creation_error(error, &spec.name))?;
        loop {
            let found = self.retry(|client, wait| client.describe_topics(std::slice::from_ref(&spec.name), wait))?;
            if found.iter().flatten().any(|topic| topic.led == topic.partitions && topic.partitions > 0) {
                return Ok(());
            }
            self.back_off(Code::LEADER_NOT_AVAILABLE)?;
        }
    }

    fn grow_topic(&self, name: &str, partitions: i32) -> Result<(), Failure> {
        let had = count(self.describe(name)?.partitions);
        crate::embedded::topics::check_growth(name, had, partitions).map_err(Failure::Known)?;
        let wanted = usize::try_from(partitions).unwrap_or_default();
        self.client.grow_topic(name, wanted, self.left()).map_err(|error| creation_error(error, name))?;
        loop {
            let found = self.describe(name)?;
            if found.partitions == wanted && found.led == wanted {
                return Ok(());
            }
            self.back_off(Code::LEADER_NOT_AVAILABLE)?;
        }
    }

    fn delete_topic(&self, name: &str) -> Result<(), Failure> {
        self.client.delete_topic(name, self.left()).map_err(|error| unknown_topic(error, name))?;
        while self.describe(name).is_ok() {
            self.back_off(Code::TIMED_OUT)?;
        }
        Ok(())
    }

    fn topics(&self) -> Result<Vec<TopicInfo>, Failure> {
        let (_, mut names) = self.retry(AdminClient::metadata)?;
        names.sort_unstable();
        let mut topics = Vec::with_capacity(names.len());
        for names in names.chunks(TOPICS_PER_REQUEST) {
            let found: Vec<_> = self.retry(|client, wait| client.describe_topics(names, wait))?;
            // What was deleted meanwhile is left out.
            let found: Vec<_> = found.into_iter().flatten().filter(|topic| !topic.internal).collect();
            let names: Vec<_> = found.iter().map(|topic| topic.name.clone()).collect();
            let mut settings = self.retry(|client, wait| client.topic_settings(&names, wait))?;
            topics.extend(found.into_iter().map(|topic| {
                let settings = settings.remove(&topic.name).unwrap_or_default();
                info(topic, settings)
            }));
        }
        topics.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(topics)
    }

    fn topic(&self, name: &str) -> Result<TopicInfo, Failure> {
        let topic = self.describe(name)?;
        let names = [topic.name.clone()];
        let mut settings = self.retry(|client, wait| client.topic_settings(&names, wait))?;
        Ok(info(topic, settings.remove(name).unwrap_or_default()))
    }

    fn describe(&self, name: &str) -> Result<Described, Failure> {
        let names = [name.to_owned()];
        let found = self.retry(|client, wait| client.describe_topics(&names, wait))?;
        match found.into_iter().next() {
            Some(Ok(topic)) => Ok(topic),
            Some(Err((_, error))) => Err(unknown_topic(error, name)),
            None => Err(AdminError::UnknownTopic { topic: name.to_owned() }.into()),
        }
    }

    fn await_topics(&self, names: &[String]) -> Result<Vec<TopicPartitions>, Failure> {
        let patience = Instant::now() + TOPIC_WAIT;
        loop {
            let found = self.retry(|client, wait| client.describe_topics(names, wait))?;
            let mut topics = Vec::with_capacity(found.len());
            let mut missing = None;
            for topic in found {
                match topic {
                    Ok(topic) => {
                        topics.push(TopicPartitions { name: topic.name, partitions: count(topic.partitions) });
                    }
                    Err((name, error)) => missing = Some(unknown_topic(error, &name)),
                }
            }
            match missing {
                None => return Ok(topics),
                Some(Failure::Known(AdminError::UnknownTopic { .. }))
                    if Instant::now() < patience.min(self.deadline) =>
                {
                    thread::sleep(BACKOFF);
                }
                Some(failure) => return Err(failure),
            }
        }
    }

    pub(super) fn check_partition(&self, partition: &TopicPartition) -> Result<(), Failure> {
        let topic = self.describe(&partition.topic)?;
        if (0..count(topic.partitions)).contains(&partition.partition) {
            Ok(())
        } else {
            Err(AdminError::UnknownPartition { partition: partition.clone() }.into())
        }
    }

    fn offset(&self, partition: &TopicPartition, spec: OffsetSpec) -> Result<i64, Failure> {
        let asked = [(&*partition.topic, partition.partition)];
        self.retry(|client, wait| {
            let found = client.offsets(&asked, spec, wait)?;
            let position = found.into_iter().next().ok_or_else(|| NativeError::new(Code::TIMED_OUT))?;
            checked(position).map(|position| position.offset)
        })
    }

    fn committed(&self, group: &str, partitions: &[TopicPartition]) -> Result<Vec<Option<Offset>>, Failure> {
        let asked: Vec<_> = partitions.iter().map(|p| (&*p.topic, p.partition)).collect();
        let found = self.retry(|client, wait| match client.group_offsets(group, Some(&asked), wait) {
            Err(error) if error.code == Code::GROUP_NOT_FOUND => Ok(Vec::new()),
            Err(error) => Err(error),
            Ok(positions) => positions.into_iter().filter(|p| !p.code.is_unknown_topic()).map(checked).collect(),
        })?;
        let committed = |p: &TopicPartition| {
            let position = found.iter().find(|found| found.partition == p.partition && *found.topic == *p.topic)?;
            (position.offset != List::NO_OFFSET && position.offset >= 0).then_some(Offset(position.offset))
        };
        Ok(partitions.iter().map(committed).collect())
    }

    /// Waits a little, or fails at the deadline.
    fn back_off(&self, code: Code) -> Result<(), Failure> {
        if Instant::now() + BACKOFF >= self.deadline {
            return Err(NativeError::new(code).into());
        }
        thread::sleep(BACKOFF);
        Ok(())
    }
}

fn checked(position: Position) -> Result<Position, NativeError> {
    if position.code == Code::NONE { Ok(position) } else { Err(NativeError::new(position.code)) }
}

fn unknown_topic(error: NativeError, topic: &str) -> Failure {
    if error.code.is_unknown_topic() || error.code == Code::INVALID_TOPIC {
        AdminError::UnknownTopic { topic: topic.to_owned() }.into()
    } else {
        error.into()
    }
}

fn creation_error(error: NativeError, topic: &str) -> Failure {
    let topic = topic.to_owned();
    match error.code {
        Code::TOPIC_EXISTS => AdminError::TopicExists { topic }.into(),
        Code::INVALID_TOPIC
        | Code::INVALID_PARTITIONS
        | Code::INVALID_REPLICATION
        | Code::INVALID_CONFIG
        | Code::INVALID_REQUEST
        | Code::INVALID_ARGUMENT
        | Code::POLICY_VIOLATION => AdminError::Invalid { topic, reason: error.to_string() }.into(),
        _ => error.into(),
    }
}

fn info(topic: Described, settings: BTreeMap<String, String>) -> TopicInfo {
    TopicInfo {
        name: topic.name,
        id: TopicId(topic.id),
        partitions: count(topic.partitions),
        replication: count(topic.replication),
        settings,
    }
}

fn count(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// The topic's settings by Kafka's names. What the caller gives by name goes before the fields.
fn settings(spec: &TopicSpec) -> BTreeMap<String, String> {
    let mut settings = BTreeMap::new();
    match spec.cleanup {
        Cleanup::Compact => {
            settings.insert("cleanup.policy".to_owned(), "compact".to_owned());
        }
        Cleanup::Delete => {
            let retention =
                spec.retention.map_or_else(|| "-1".to_owned(), |retention| retention.as_millis().to_string());
            settings.insert("cleanup.policy".to_owned(), "delete".to_owned());
            settings.insert("retention.ms".to_owned(), retention);
        }
    }
    let bytes_max = spec.record_bytes_max.unwrap_or(1 << 20);
    settings.insert("max.message.bytes".to_owned(), bytes_max.to_string());
    settings.extend(spec.settings.clone());
    settings
}

fn check_spec(spec: &TopicSpec) -> Result<(), AdminError> {
    let invalid = |reason: &str| Err(AdminError::Invalid { topic: spec.name.clone(), reason: reason.to_owned() });
    if !is_topic_name(&spec.name) {
        return invalid("a name has 1 to 249 letters, digits, '.', '_' or '-', and is not '.' or '..'");
    }
    if !(1..=10_000).contains(&spec.partitions) {
        return invalid("a topic has 1 to 10,000 partitions");
    }
    if spec.replication.is_some_and(|replication| replication < 1) {
        return invalid("each partition is on one broker at least");
    }
    Ok(())
}

/// A name that no topic can have is that of a topic that does not exist.
fn check_exists(name: &str) -> Result<(), AdminError> {
    if is_topic_name(name) { Ok(()) } else { Err(AdminError::UnknownTopic { topic: name.to_owned() }) }
}

/// Whether Kafka takes it as the name of a topic.
pub(super) fn is_topic_name(name: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (1..=249).contains(&name.len()) && name.chars().all(legal) && name != "." && name != ".."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_topic_names() {
        for name in ["a", "dev-course.run_1", &"x".repeat(249)] {
            assert!(is_topic_name(name), "{name}");
        }
        for name in ["", ".", "..", "a b", "ä", "a\0", &"x".repeat(250)] {
            assert!(!is_topic_name(name), "{name}");
        }
    }

    #[test]
    fn translates_a_spec() {
        let mut spec = TopicSpec::new("t", 1);
        spec.retention = Some(Duration::from_secs(1));
        spec.settings.insert("segment.ms".into(), "5".into());
        let text = |spec: &TopicSpec| format!("{:?}", settings(spec));
        assert_eq!(
            text(&spec),
            r#"{"cleanup.policy": "delete", "max.message.bytes": "1048576", "retention.ms": "1000", "segment.ms": "5"}"#
        );
        let spec = TopicSpec::new("t", 1).compacted();
        assert_eq!(text(&spec), r#"{"cleanup.policy": "compact", "max.message.bytes": "1048576"}"#);
    }
}
