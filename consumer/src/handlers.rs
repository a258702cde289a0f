//! Typed handlers, called at least once for each event, in the order of its key.

use std::{
    collections::{HashMap, VecDeque},
    future::Future,
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use coursebus_registry_tools::Registry;
use coursebus_schemas::{Event, Metadata, OrderKey, decode};
use coursebus_transport::{Cause, Log, Offset, Record, Start, TopicPartition};
use futures::{StreamExt, stream::FuturesUnordered};

use crate::{
    Backoff, Datum, Decoder, Input, OpenError, Poison, PoisonCode, ProcessError, Processor, Progress, Taken, Tracker,
    held_topic::HeldTopics, open_patiently,
};

/// A handler could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum HandlerError {
    /// It may work later: tried again, in place, with growing waits.
    #[error("the handler failed for now")]
    Transient(#[source] Cause),
    /// It never will: the record is held as dead. The sentence must hold nothing of the event's contents.
    #[error("the handler refused the event: {0}")]
    Poison(String),
    /// Nothing will: the engine stops.
    #[error("the handler cannot go on")]
    Fatal(#[source] Cause),
}

/// How handlers are called.
#[derive(Debug, Clone)]
pub struct HandlersSettings {
    /// How many events of one partition are handled at once, each of another order key. Default 64.
    pub concurrency: usize,
    /// How many records of one partition may be handed out and not finished, or finished above the first that is not: what a
    /// crash delivers again at most. At the bound no more are taken. Default 10,000.
    pub in_flight_max: usize,
    /// How long a transient failure of one event is tried again before the engine stops. Default 60 s.
    pub retry_budget: Duration,
}

impl Default for HandlersSettings {
    fn default() -> Self {
        Self { concurrency: 64, in_flight_max: 10_000, retry_budget: Duration::from_secs(60) }
    }
}

type Call = Pin<Box<dyn Future<Output = Result<(), HandlerError>> + Send>>;
/// Decodes and prepares the call; the order key is written to the last argument.
type Prepare = Box<
    dyn Fn(&Datum<'_>, &Record, &mut OrderKey) -> Result<Box<dyn Fn() -> Call + Send + Sync>, Poison> + Send + Sync,
>;

/// A processor made of functions, one an event type. Types without one are passed over; what cannot be read is held.
pub struct Handlers {
    decoder: Decoder,
    held: HeldTopics,
    settings: HandlersSettings,
    prepare: HashMap<&'static str, Prepare>,
}

impl Handlers {
    /// No handlers yet, for a group and its topics. Makes the topics that hold the group's records.
    pub async fn new(
        log: Arc<dyn Log>,
        registry: Arc<dyn Registry>,
        group: &str,
        topics: &[String],
        settings: HandlersSettings,
    ) -> Result<Self, ProcessError> {
        let held = HeldTopics::open(log, group, topics).await?;
        Ok(Self { decoder: Decoder::new(registry), held, settings, prepare: HashMap::new() })
    }

    /// Calls `handle` for each event of type `E`. Headers are not looked at.
    #[must_use]
    pub fn on<E, F, Fut>(self, handle: F) -> Self
    where
        E: Event + Clone,
        F: Fn(E) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), HandlerError>> + Send + 'static,
    {
        self.insert(|_, _| Ok(()), move |event: E, ()| handle(event))
    }

    /// Calls `handle` for each event of type `E` with what its headers say; headers that cannot be read make a record
    /// poison.
    #[must_use]
    pub fn on_with_metadata<E, F, Fut>(self, handle: F) -> Self
    where
        E: Event + Clone,
        F: Fn(E, Metadata) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), HandlerError>> + Send + 'static,
    {
        self.insert(|datum, record| datum.metadata(record), handle)
    }

    fn insert<E, M, Fut>(
        mut self,
        read: impl Fn(&Datum<'_>, &Record) -> Result<M, Poison> + Send + Sync + 'static,
        handle: impl Fn(E, M) -> Fut + Send + Sync + 'static,
    ) -> Self
    where
        E: Event + Clone,
        M: Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<(), HandlerError>> + Send + 'static,
    {
        let handle = Arc::new(handle);
        let prepare: Prepare = Box::new(move |datum, record, order_key| {
            let event: E = decode::decode(&datum.writer, datum.bytes)?;
            let metadata = read(datum, record)?;
            event.order_key(order_key);
            let handle = handle.clone();
            Ok(Box::new(move || -> Call { Box::pin(handle(event.clone(), metadata.clone())) }))
        });
        self.prepare.insert(E::TYPE.name, prepare);
        self
    }

    /// The event types that have a handler.
    pub fn event_types(&self) -> impl Iterator<Item = &'static str> {
        self.prepare.keys().copied()
    }
}

#[async_trait]
impl Processor for Handlers {
    async fn take_over(&self, _: &[TopicPartition]) -> Result<Vec<(TopicPartition, Start)>, ProcessError> {
        Ok(Vec::new())
    }

    async fn run(&self, partition: TopicPartition, input: Input, progress: Progress) -> Result<(), ProcessError> {
        KeyedLane::new(self, partition).run(input, progress).await
    }
}

/// An event that waits for the ones of its key before it.
struct Waiting {
    record: Record,
    call: Box<dyn Fn() -> Call + Send + Sync>,
}

/// One partition, its keys beside each other.
struct KeyedLane<'a> {
    handlers: &'a Handlers,
    partition: TopicPartition,
    tracker: Tracker,
    /// Keys that have an event in hand, and what waits behind it.
    busy: HashMap<OrderKey, VecDeque<Waiting>>,
    /// Keys whose first event waits for a free place.
    ready: VecDeque<(OrderKey, Waiting)>,
    /// The end that was told while events were still in hand.
    end: Option<Offset>,
}

type Done = (OrderKey, Offset, Result<(), ProcessError>);

impl<'a> KeyedLane<'a> {
    fn new(handlers: &'a Handlers, partition: TopicPartition) -> Self {
        let (busy, ready) = (HashMap::new(), VecDeque::new());
        Self { handlers, partition, tracker: Tracker::default(), busy, ready, end: None }
    }

    async fn run(mut self, mut input: Input, progress: Progress) -> Result<(), ProcessError> {
        const TAKE_BYTES: usize = 1 << 20;
        let settings = &self.handlers.settings;
        let mut running: FuturesUnordered<Pin<Box<dyn Future<Output = Done> + Send + 'a>>> = FuturesUnordered::new();
        let mut open = true;
        while open || !running.is_empty() {
            while running.len() < settings.concurrency
                && let Some((key, waiting)) = self.ready.pop_front()
            {
                running.push(Box::pin(call(self.handlers, key, waiting)));
            }
            let room = settings.in_flight_max.saturating_sub(self.tracker.len());
            tokio::select! {
                taken = input.next(room.min(1000), TAKE_BYTES), if open && room > 0 => match taken {
                    Some(taken) => self.dispatch(taken).await?,
                    // Let go: what is in hand is finished, what waits is another owner's.
                    None => {
                        open = false;
                        self.ready.clear();
                        self.busy.values_mut().for_each(VecDeque::clear);
                    }
                },
                Some((key, offset, outcome)) = running.next() => {
                    outcome?;
                    self.tracker.done(offset);
                    self.next_of(key);
                }
            }
            if let Some(next) = self.tracker.low_water() {
                progress.advance(next);
            }
            if self.tracker.is_empty()
                && let Some(end) = self.end.take()
            {
                progress.caught_up(end);
            }
        }
        Ok(())
    }

    /// Decodes what was taken and queues it by order key.
    async fn dispatch(&mut self, taken: Taken) -> Result<(), ProcessError> {
        for record in taken.records {
            let offset = record.offset();
            self.tracker.start(offset);
            match self.prepare(&record).await? {
                Ok(Some((key, call))) => self.queue(key, Waiting { record, call }),
                Ok(None) => self.tracker.done(offset),
                Err(poison) => {
                    self.handlers.held.hold(&record, &poison).await?;
                    self.tracker.done(offset);
                }
            }
        }
        self.end = taken.end;
        Ok(())
    }

    fn queue(&mut self, key: OrderKey, waiting: Waiting) {
        match self.busy.get_mut(&key) {
            Some(queue) => queue.push_back(waiting),
            None => {
                self.busy.insert(key.clone(), VecDeque::new());
                self.ready.push_back((key, waiting));
            }
        }
    }

    fn next_of(&mut self, key: OrderKey) {
        match self.busy.get_mut(&key).and_then(VecDeque::pop_front) {
            Some(waiting) => self.ready.push_back((key, waiting)),
            None => drop(self.busy.remove(&key)),
        }
    }

    async fn prepare(
        &self,
        record: &Record,
    ) -> Result<Result<Option<(OrderKey, Box<dyn Fn() -> Call + Send + Sync>)>, Poison>, ProcessError> {
        let datum = match open_patiently(&self.handlers.decoder, record, self.handlers.settings.retry_budget).await {
            Ok(datum) => datum,
            Err(OpenError::Poison(poison)) => return Ok(Err(poison)),
            Err(error) => {
                let what = format!("read records of {}", self.partition);
                return Err(ProcessError::Unavailable { what, source: error.into() });
            }
        };
        let Some(prepare) = self.handlers.prepare.get(datum.event_type.name) else { return Ok(Ok(None)) };
        let mut key = OrderKey::new();
        Ok(prepare(&datum, record, &mut key).map(|call| Some((key, call))))
    }
}

/// Calls a handler until it succeeds, its event is held, or its budget is used up.
async fn call(handlers: &Handlers, key: OrderKey, waiting: Waiting) -> Done {
    let offset = waiting.record.offset();
    let mut backoff = Backoff::new(handlers.settings.retry_budget);
    let outcome = loop {
        match (waiting.call)().await {
            Ok(()) => break Ok(()),
            Err(HandlerError::Poison(reason)) => {
                let poison = Poison::new(PoisonCode::Refused, reason);
                break handlers.held.hold(&waiting.record, &poison).await;
            }
            Err(HandlerError::Transient(source)) => {
                if !backoff.wait().await {
                    let what = format!("handle {} offset {offset}", waiting.record.topic_partition());
                    break Err(ProcessError::Unavailable { what, source });
                }
            }
            Err(HandlerError::Fatal(source)) => {
                let what = format!("the handler of {} offset {offset} gave up", waiting.record.topic_partition());
                break Err(ProcessError::Refused { what, source: Some(source) });
            }
        }
    };
    (key, offset, outcome)
}
