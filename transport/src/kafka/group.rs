//! A member of a consumer group, as the caller sees it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::oneshot;

use super::{
    committer::{KafkaCommitter, Owned},
    config::Configs,
    feed::{Feed, Item},
    native::{Code, Consumer, NativeError},
    rebalance::MemberThread,
    stream::Stream,
};
use crate::{Committer, Event, GroupSettings, Member, ReadError, TopicPartition, pattern};

/// How long a member that is dropped without [`Member::leave`] may take to leave, in the background.
const LEAVE: Duration = Duration::from_secs(5);

pub(super) struct KafkaMember {
    consumer: Arc<Consumer>,
    feed: Arc<Feed>,
    owned: Arc<Owned>,
    orders: Arc<Orders>,
    settings: GroupSettings,
    request_timeout: Duration,
    gone: Option<oneshot::Receiver<()>>,
}

/// What the caller tells the thread.
#[derive(Default)]
pub(super) struct Orders {
    pub(super) leave: Mutex<Option<Duration>>,
    /// Partitions to pause (true) or not, in order.
    pub(super) pause: Mutex<Vec<(Vec<TopicPartition>, bool)>>,
}

impl KafkaMember {
    /// Subscribes and starts the member's thread. The topics exist already.
    pub(super) fn start(
        configs: &Configs,
        settings: &GroupSettings,
        request_timeout: Duration,
    ) -> Result<Self, ReadError> {
        let refused = |error: NativeError| ReadError::Refused {
            what: format!("join group {}", settings.group),
            source: error.into(),
        };
        let consumer = Arc::new(Consumer::new(&configs.member(settings)).map_err(refused)?);
        let topics: Vec<_> = settings.topics.iter().map(|entry| pattern::subscription(entry)).collect();
        consumer.subscribe(&topics).map_err(refused)?;
        // The other half of the bound is librdkafka's own queue.
        let feed = Arc::new(Feed::new(settings.ahead_bytes_max / 2));
        let (owned, orders) = (Arc::<Owned>::default(), Arc::<Orders>::default());
        let stream = Stream::new(consumer.clone(), feed.clone(), Some(settings.clone()), request_timeout);
        let member = MemberThread::new(stream, owned.clone(), orders.clone(), settings.clone());
        let (going, gone) = oneshot::channel();
        thread::Builder::new()
            .name("kafka-member".into())
            .spawn(move || {
                member.run();
                let _ = going.send(());
            })
            .map_err(|error| refused(NativeError::with_text(Code::FATAL, error.to_string())))?;
        Ok(Self { consumer, feed, owned, orders, settings: settings.clone(), request_timeout, gone: Some(gone) })
    }

    fn tell_to_leave(&self, deadline: Duration) {
        let mut leave = self.orders.leave.lock().unwrap_or_else(PoisonError::into_inner);
        leave.get_or_insert(deadline);
        drop(leave);
        self.consumer.wake();
    }
}

#[async_trait]
impl Member for KafkaMember {
    async fn next(&mut self) -> Result<Event, ReadError> {
        let (item, made_room) = self.feed.take().await;
        if made_room {
            self.consumer.wake();
        }
        match item {
            Item::Fetched(fetched) => Ok(Event::Fetched(fetched)),
            Item::Assigned(assignment) => Ok(Event::Assigned(assignment)),
            Item::Revoked(revocation) => Ok(Event::Revoked(revocation)),
            Item::Failed(error) => Err(error),
        }
    }

    fn committer(&self) -> Arc<dyn Committer> {
        Arc::new(KafkaCommitter {
            group: self.settings.group.clone(),
            consumer: self.consumer.clone(),
            owned: self.owned.clone(),
            request_timeout: self.request_timeout,
        })
    }

    fn pause(&self, partitions: &[TopicPartition], paused: bool) {
        let mut pause = self.orders.pause.lock().unwrap_or_else(PoisonError::into_inner);
        pause.push((partitions.to_vec(), paused));
        drop(pause);
        self.consumer.wake();
    }

    async fn leave(mut self: Box<Self>, deadline: Duration) {
        self.tell_to_leave(deadline);
        if let Some(gone) = self.gone.take() {
            let _ = tokio::time::timeout(deadline, gone).await;
        }
    }
}

impl Drop for KafkaMember {
    fn drop(&mut self) {
        self.tell_to_leave(LEAVE);
    }
}
