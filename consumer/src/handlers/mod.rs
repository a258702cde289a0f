//! Typed handlers, called in the order of each event's key.
//!
//! [`Handlers`] is the processor; one `lane` a partition does the work, over the pure [`crate::Dispatch`].

pub(crate) mod caller;
mod in_hand;
mod lane;
pub(crate) mod schemas;
mod settings;
mod shared;

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use coursebus_registry_tools::Registry;
use coursebus_schemas::{Event, Metadata};
use coursebus_transport::{Log, Start, TopicPartition};
use tokio::sync::{mpsc, oneshot};

pub use self::{
    caller::{EventName, HandlerError},
    settings::HandlersSettings,
};
use self::{
    caller::{Handler, Several, Single},
    lane::Lane,
    shared::Shared,
};
use crate::{
    Decoder, HeldFilter, HeldInfo, Input, ProcessError, Processor, Progress,
    held::{HeldTopics, HeldWriter, Request, Verb},
};

/// Questions that wait for a partition; at the bound whoever asks waits.
const REQUESTS: usize = 16;

/// A processor made of functions, one an event type.
///
/// Events of one order key are handled one after the other, in the order of the log; those of different keys beside each
/// other, in all partitions of the member up to [`HandlersSettings::concurrency`]. Types without a handler cost a look at
/// five bytes. A call runs on the task of its partition: what blocks belongs on a thread of its own.
pub struct Handlers {
    decoder: Decoder,
    held: HeldTopics,
    writer: HeldWriter,
    settings: HandlersSettings,
    handlers: Vec<Box<dyn Handler>>,
    by_type: HashMap<&'static str, usize>,
    shared: Arc<Shared>,
    lanes: Mutex<HashMap<TopicPartition, mpsc::Sender<Request>>>,
}

impl Handlers {
    /// No handlers yet, for a group and its topics. Makes the topics that hold the group's records.
    ///
    /// # Errors
    /// `Refused` for settings that cannot be together.
    pub async fn new(
        log: Arc<dyn Log>,
        registry: Arc<dyn Registry>,
        group: &str,
        topics: &[String],
        settings: HandlersSettings,
    ) -> Result<Self, ProcessError> {
        settings.check()?;
        let held = HeldTopics::open(log.clone(), group, topics).await?;
        let writer = HeldWriter::start(log, group);
        let shared = Arc::new(Shared::new(&settings));
        let (handlers, by_type, lanes) = (Vec::new(), HashMap::new(), Mutex::default());
        Ok(Self { decoder: Decoder::new(registry), held, writer, settings, handlers, by_type, shared, lanes })
    }

    /// Calls `handle` for each event of type `E`. Headers are not looked at.
    #[must_use]
    pub fn on<E, F, Fut>(self, handle: F) -> Self
    where
        E: Event,
        F: Fn(E) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), HandlerError>> + Send + 'static,
    {
        self.insert::<E>(Single::<E, (), _>::plain(move |event: E, ()| handle(event)))
    }

    /// Calls `handle` for each event of type `E` with its source and id: cheaper than all of its metadata. Headers that do not
    /// name an event of this type make a record poison; others are not looked at.
    #[must_use]
    pub fn on_with_name<E, F, Fut>(self, handle: F) -> Self
    where
        E: Event,
        F: Fn(E, EventName) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), HandlerError>> + Send + 'static,
    {
        self.insert::<E>(Single::<E, EventName, _>::with_name(handle))
    }

    /// Calls `handle` for each event of type `E` with what its headers say; headers that cannot be read make a record
    /// poison.
    #[must_use]
    pub fn on_with_metadata<E, F, Fut>(self, handle: F) -> Self
    where
        E: Event,
        F: Fn(E, Metadata) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), HandlerError>> + Send + 'static,
    {
        self.insert::<E>(Single::<E, Metadata, _>::with_metadata(handle))
    }

    /// Calls `handle` with up to `max` events of type `E` of one partition, in the order of the log. What is there is taken:
    /// a call never waits for more events. The call is the unit of retry; one with a poison event is divided until that
    /// event is alone; at most once it is not called again, and all of it counts as poison. Order keys keep their order, also with the handlers of other types.
    #[must_use]
    pub fn on_batch<E, F, Fut>(self, max: usize, handle: F) -> Self
    where
        E: Event,
        F: Fn(Vec<E>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), HandlerError>> + Send + 'static,
    {
        self.insert::<E>(Several::<E, F>::new(max, handle))
    }

    fn insert<E: Event>(mut self, handler: impl Handler + 'static) -> Self {
        // A second handler of a type takes the place of the first.
        self.by_type.insert(E::TYPE.name, self.handlers.len());
        self.handlers.push(Box::new(handler));
        self
    }

    /// The event types that have a handler.
    pub fn event_types(&self) -> impl Iterator<Item = &'static str> {
        self.by_type.keys().copied()
    }

    /// What is parked in the partitions that this member has.
    pub async fn parked(&self, filter: &HeldFilter) -> Vec<HeldInfo> {
        self.ask(&Verb::List, filter).await
    }

    /// Tries order keys again whose first parked record is meant, now, in the partitions that this member has. Answers with
    /// those records before their calls end.
    pub async fn retry(&self, filter: &HeldFilter) -> Vec<HeldInfo> {
        self.ask(&Verb::Retry, filter).await
    }

    /// Gives parked records up that are meant and not being handled, in the partitions that this member has. The reason is
    /// stored with each. Answers when that is durable; the later records of their keys then come back.
    pub async fn discard(&self, filter: &HeldFilter, reason: &str) -> Vec<HeldInfo> {
        self.ask(&Verb::Discard { reason: reason.to_owned() }, filter).await
    }

    async fn ask(&self, verb: &Verb, filter: &HeldFilter) -> Vec<HeldInfo> {
        let is_meant = |partition: &TopicPartition| filter.partition.as_ref().is_none_or(|meant| meant == partition);
        let lanes: Vec<_> =
            self.lanes().iter().filter(|(p, _)| is_meant(p)).map(|(_, requests)| requests.clone()).collect();
        let mut found = Vec::new();
        for lane in lanes {
            let (answer, answered) = oneshot::channel();
            // A partition that is let go meanwhile has no answer.
            if lane.send(Request { verb: verb.clone(), filter: filter.clone(), answer }).await.is_ok() {
                found.extend(answered.await.unwrap_or_default());
            }
        }
        found
    }

    fn lanes(&self) -> MutexGuard<'_, HashMap<TopicPartition, mpsc::Sender<Request>>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Processor for Handlers {
    async fn take_over(&self, partitions: &[TopicPartition]) -> Result<Vec<(TopicPartition, Start)>, ProcessError> {
        self.held.cover(partitions).await?;
        Ok(Vec::new())
    }

    async fn run(&self, partition: TopicPartition, mut input: Input, progress: Progress) -> Result<(), ProcessError> {
        let (requests, asked) = mpsc::channel(REQUESTS);
        self.lanes().insert(partition.clone(), requests.clone());
        let _registered = Registered { handlers: self, partition: partition.clone(), requests };
        // What is held is read when the partition has begun: then no transaction of an owner before is open any more.
        let Some(begin) = input.begins().await else { return Ok(()) };
        progress.begin(begin);
        Lane::open(self, partition, progress.clone()).await?.run(input, progress, asked).await
    }
}

/// A partition that can be asked, until it is let go.
struct Registered<'a> {
    handlers: &'a Handlers,
    partition: TopicPartition,
    requests: mpsc::Sender<Request>,
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        let mut lanes = self.handlers.lanes();
        // It may be back already.
        if lanes.get(&self.partition).is_some_and(|lane| lane.same_channel(&self.requests)) {
            lanes.remove(&self.partition);
        }
    }
}
