//! Commits, only of partitions that the member owns.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;

use super::native::{Code, Consumer, GroupMetadata, List, NativeError, Position};
use crate::{Committer, MemberOf, Membership, Offset, ReadError, TopicPartition};

/// How long to wait before a commit is sent again.
const BACKOFF: Duration = Duration::from_millis(50);

/// The partitions that the member owns. A broker takes a commit of any partition from any member of a group, so whether
/// it is the owner's is decided here.
#[derive(Default)]
pub(super) struct Owned(Mutex<HashSet<TopicPartition>>);

impl Owned {
    /// Holding it keeps the partitions: librdkafka works off what is sent meanwhile before it lets them go.
    pub(super) fn lock(&self) -> MutexGuard<'_, HashSet<TopicPartition>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) struct KafkaCommitter {
    pub(super) group: String,
    pub(super) consumer: Arc<Consumer>,
    pub(super) owned: Arc<Owned>,
    pub(super) request_timeout: Duration,
}

/// A member, as a transaction sees it.
pub(crate) struct KafkaMembership {
    group: String,
    consumer: Arc<Consumer>,
    owned: Arc<Owned>,
}

impl KafkaMembership {
    pub(crate) fn group(&self) -> &str {
        &self.group
    }

    pub(crate) fn is_of_same_member(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.consumer, &other.consumer)
    }

    /// The first of the partitions that the member does not own.
    pub(super) fn not_owned(&self, positions: &[(TopicPartition, Offset)]) -> Option<TopicPartition> {
        let owned = self.owned.lock();
        positions.iter().map(|(partition, _)| partition).find(|partition| !owned.contains(*partition)).cloned()
    }

    /// What a broker checks a transaction with; none after the member has left.
    pub(super) fn metadata(&self) -> Option<GroupMetadata> {
        self.consumer.group_metadata()
    }
}

#[async_trait]
impl Committer for KafkaCommitter {
    fn membership(&self) -> Membership {
        let (group, consumer, owned) = (self.group.clone(), self.consumer.clone(), self.owned.clone());
        Membership(MemberOf::Kafka(Arc::new(KafkaMembership { group, consumer, owned })))
    }

    async fn commit(&self, positions: &[(TopicPartition, Offset)]) -> Result<(), ReadError> {
        let Some((first, _)) = positions.first() else { return Ok(()) };
        let until = Instant::now() + self.request_timeout;
        loop {
            let answer = self.commit_once(positions, until).await?;
            let Err(error) = answer else { return Ok(()) };
            match error.code {
                Code::UNKNOWN_MEMBER | Code::FENCED_INSTANCE | Code::ASSIGNMENT_LOST => return Err(self.fenced(first)),
                Code::FATAL if self.consumer.fatal_error().is_some_and(|e| e.code == Code::FENCED_INSTANCE) => {
                    return Err(self.fenced(first));
                }
                // The group has agreed on something new, and this member has not heard of it yet. It keeps what it has
                // until it has: either it commits as before then, or it owns nothing any more.
                Code::ILLEGAL_GENERATION if Instant::now() + BACKOFF < until => tokio::time::sleep(BACKOFF).await,
                Code::ILLEGAL_GENERATION => return Err(self.fenced(first)),
                code if code.is_unknown_topic() => {
                    return Err(ReadError::UnknownTopic { topic: first.topic.to_string() });
                }
                // The group agrees on something new just now; afterwards it takes the commit, or not.
                code if code.is_transient() && Instant::now() + BACKOFF < until => tokio::time::sleep(BACKOFF).await,
                code if code.is_transient() => return Err(self.unavailable(error.into())),
                _ => return Err(ReadError::Refused { what: self.what(), source: error.into() }),
            }
        }
    }
}

impl KafkaCommitter {
    /// The outer error is that of a commit which was not sent.
    async fn commit_once(
        &self,
        positions: &[(TopicPartition, Offset)],
        until: Instant,
    ) -> Result<Result<(), NativeError>, ReadError> {
        let list = List::new(positions.iter().map(|(p, offset)| (&*p.topic, p.partition, offset.0)));
        let sent = {
            let owned = self.owned.lock();
            if let Some((lost, _)) = positions.iter().find(|(partition, _)| !owned.contains(partition)) {
                return Err(self.fenced(lost));
            }
            self.consumer.commit(&list)
        };
        let pending = match sent {
            Ok(pending) => pending,
            Err(error) => return Ok(Err(error)),
        };
        let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        let answer = tokio::task::spawn_blocking(move || pending.wait(left)).await;
        match answer {
            Ok(answer) => Ok(answer.and_then(first_error)),
            // The runtime is shutting down.
            Err(join) => Err(self.unavailable(join.into())),
        }
    }

    fn what(&self) -> String {
        format!("commit positions of group {}", self.group)
    }

    fn fenced(&self, partition: &TopicPartition) -> ReadError {
        ReadError::Fenced { partition: partition.clone(), group: self.group.clone() }
    }

    fn unavailable(&self, source: crate::Cause) -> ReadError {
        ReadError::Unavailable { what: self.what(), waited: self.request_timeout, source }
    }
}

fn first_error(positions: Vec<Position>) -> Result<(), NativeError> {
    match positions.into_iter().find(|position| position.code != Code::NONE) {
        Some(position) => Err(NativeError::new(position.code)),
        None => Ok(()),
    }
}
