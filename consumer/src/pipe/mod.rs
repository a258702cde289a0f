//! From topic to topic, exactly once: what functions make of events is written with the positions, in one transaction of
//! the log.

mod lane;

use std::{
    collections::HashMap,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use coursebus_registry_tools::Registry;
use coursebus_schemas::{Event, Metadata};
use coursebus_transport::{AppendError, Log, NewRecord, Start, TopicPartition, TxWriter};

use self::lane::PipeLane;
use crate::{
    Decoder, HandlerError, Input, OnPoison, Poison, ProcessError, Processor, Progress, RetryPolicy,
    handlers::caller::Raw, held::HeldTopics,
};

/// How a pipe works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipeSettings {
    /// What becomes of a poison record. Default skip: it is held as dead, in the transaction of its batch. Park is refused:
    /// a pipe keeps no order keys.
    pub on_poison: OnPoison,
    /// How a transient failure is tried again, with all that is behind it in its partition. At the end of its budget the
    /// engine stops with an error.
    pub retry: RetryPolicy,
    /// How many records one transaction takes at most. Default 5,000.
    pub batch_records_max: usize,
    /// How many bytes of records one transaction takes at most, beyond its first record. Default 4 MiB.
    pub batch_bytes_max: usize,
    /// Makes the drawn waits repeatable. Default none.
    pub seed: Option<u64>,
}

impl Default for PipeSettings {
    fn default() -> Self {
        Self {
            on_poison: OnPoison::Skip,
            retry: RetryPolicy::default(),
            batch_records_max: 5_000,
            batch_bytes_max: 4 << 20,
            seed: None,
        }
    }
}

/// A processor that makes records of events. Readers of committed records see what was made of each event once.
///
/// Events of a partition are handled one after the other. A function may be called again for an event whose transaction was
/// not committed: it should do nothing but make records. Each partition has a transactional writer named
/// `<group>.<topic>.<partition>`: whoever takes a partition over fences the owner before, also inside a transaction. A stale
/// owner may do that too, once; whose transactions are taken is decided by the group, so the owner goes on.
///
/// Source: KIP-98, KIP-447.
pub struct Pipe {
    log: Arc<dyn Log>,
    decoder: Decoder,
    group: String,
    held: HeldTopics,
    settings: PipeSettings,
    makers: Vec<Box<dyn Maker>>,
    by_type: HashMap<&'static str, usize>,
    /// Writers of partitions that were taken over and do not run yet.
    writers: Mutex<HashMap<TopicPartition, Box<dyn TxWriter>>>,
}

type Making<'a> = Pin<Box<dyn Future<Output = Result<Vec<NewRecord>, HandlerError>> + Send + 'a>>;

/// Makes records of the events of one type.
trait Maker: Send + Sync {
    fn make<'a>(&'a self, raw: Raw<'_>) -> Result<Making<'a>, Poison>;
}

struct Function<E, M, F> {
    make: F,
    read: fn(&Raw<'_>) -> Result<M, Poison>,
    event: PhantomData<fn(E)>,
}

impl<E, M, F, Fut> Maker for Function<E, M, F>
where
    E: Event,
    M: Send + 'static,
    F: Fn(E, M) -> Fut + Send + Sync,
    Fut: Future<Output = Result<Vec<NewRecord>, HandlerError>> + Send + 'static,
{
    fn make<'a>(&'a self, raw: Raw<'_>) -> Result<Making<'a>, Poison> {
        let event = raw.decode::<E>()?;
        let metadata = (self.read)(&raw)?;
        Ok(Box::pin((self.make)(event, metadata)))
    }
}

impl Pipe {
    /// Nothing is made yet, for a group and its topics. Makes the topics that hold the group's records.
    ///
    /// # Errors
    /// `Refused` for [`OnPoison::Park`].
    pub async fn new(
        log: Arc<dyn Log>,
        registry: Arc<dyn Registry>,
        group: &str,
        topics: &[String],
        settings: PipeSettings,
    ) -> Result<Self, ProcessError> {
        if settings.on_poison == OnPoison::Park {
            let what = "a pipe cannot park: it keeps no order keys; choose skip or stop".to_owned();
            return Err(ProcessError::Refused { what, source: None });
        }
        let held = HeldTopics::open(log.clone(), group, topics).await?;
        Ok(Self {
            log,
            decoder: Decoder::new(registry),
            group: group.to_owned(),
            held,
            settings,
            makers: Vec::new(),
            by_type: HashMap::new(),
            writers: Mutex::default(),
        })
    }

    /// Writes the records that `make` makes of each event of type `E`. Headers are not looked at.
    #[must_use]
    pub fn on<E, F, Fut>(self, make: F) -> Self
    where
        E: Event,
        F: Fn(E) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Vec<NewRecord>, HandlerError>> + Send + 'static,
    {
        let make = move |event: E, ()| make(event);
        self.insert::<E>(Function { make, read: |_| Ok(()), event: PhantomData::<fn(E)> })
    }

    /// The same, with what the event's headers say; headers that cannot be read make a record poison.
    #[must_use]
    pub fn on_with_metadata<E, F, Fut>(self, make: F) -> Self
    where
        E: Event,
        F: Fn(E, Metadata) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Vec<NewRecord>, HandlerError>> + Send + 'static,
    {
        self.insert::<E>(Function { make, read: |raw| raw.metadata(), event: PhantomData::<fn(E)> })
    }

    fn insert<E: Event>(mut self, maker: impl Maker + 'static) -> Self {
        self.by_type.insert(E::TYPE.name, self.makers.len());
        self.makers.push(Box::new(maker));
        self
    }

    /// Fences whoever wrote for the partition before.
    async fn writer(&self, partition: &TopicPartition) -> Result<Box<dyn TxWriter>, AppendError> {
        let id = format!("{}.{}.{}", self.group, partition.topic, partition.partition);
        self.log.transactional(&id).await
    }

    fn writers(&self) -> std::sync::MutexGuard<'_, HashMap<TopicPartition, Box<dyn TxWriter>>> {
        self.writers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Processor for Pipe {
    /// After this the owner before can commit nothing, so the group's positions are final.
    async fn take_over(&self, partitions: &[TopicPartition]) -> Result<Vec<(TopicPartition, Start)>, ProcessError> {
        self.held.cover(partitions).await?;
        let opening = partitions.iter().map(|partition| async move { (partition, self.writer(partition).await) });
        for (partition, writer) in futures::future::join_all(opening).await {
            let away = |source: AppendError| {
                let what = format!("take the transactions of {partition} over");
                ProcessError::Unavailable { what, source: source.into() }
            };
            self.writers().insert(partition.clone(), writer.map_err(away)?);
        }
        Ok(Vec::new())
    }

    async fn run(&self, partition: TopicPartition, input: Input, progress: Progress) -> Result<(), ProcessError> {
        let writer = self.writers().remove(&partition);
        let refuse = |what: &str| ProcessError::Refused { what: format!("{partition}: {what}"), source: None };
        let writer = writer.ok_or_else(|| refuse("it was not taken over"))?;
        let member = progress.membership().cloned().ok_or_else(|| refuse("a pipe needs a group"))?;
        PipeLane::new(self, partition, writer, member).run(input, progress).await
    }
}
