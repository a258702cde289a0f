//! A sink as a processor of the group engine: batches in, one transaction each.
//!
//! Each partition has a lane (`processor/lane.rs`), which applies batches in their order. `processor/plan.rs` says what the
//! records of a batch do; `processor/back.rs` brings held records back, between batches.

mod back;
mod lane;
mod plan;

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use async_trait::async_trait;
use coursebus_consumer::{Backoff, Decoder, Input, ProcessError, Processor, Progress};
use coursebus_registry_tools::Registry;
use coursebus_transport::{Log, NoSpace, Offset, Start, TopicPartition};

pub(crate) use self::lane::Lane;
use crate::{HeldLimits, PartitionId, Position, SinkSpec, Store, StoreError, Tracer, Watch, clock::now_ms, gap};

/// How a sink runs.
#[derive(Debug, Clone)]
pub struct SinkSettings {
    /// Keeps the audit columns. Default false.
    pub audit: bool,
    /// How many records one transaction takes at most. Default 5,000.
    pub batch_records_max: usize,
    /// How many bytes of records one transaction takes at most, beyond its first record. Default 4 MiB.
    pub batch_bytes_max: usize,
    /// How long the database or the registry may stay away before the sink gives up. Default 60 s.
    pub retry_budget: Duration,
    /// How much of one partition may be held.
    pub held: HeldLimits,
    /// Goes on behind a part of the log that is gone (retention, a recreated topic), and notes the gap in the database.
    /// Default false: such a gap is fatal.
    pub accept_gap: bool,
    /// Is told what the sink is doing.
    pub watch: Watch,
    /// Is told of processed records that belong to a trace. Default none: no header is parsed for it then.
    pub tracer: Option<Arc<dyn Tracer>>,
}

impl Default for SinkSettings {
    fn default() -> Self {
        Self {
            audit: false,
            batch_records_max: 5_000,
            batch_bytes_max: 4 << 20,
            retry_budget: Duration::from_secs(60),
            held: HeldLimits::default(),
            accept_gap: false,
            watch: Watch::default(),
            tracer: None,
        }
    }
}

/// Applies the events of a sink's topics to its database, each exactly once.
pub struct SinkProcessor {
    spec: Arc<SinkSpec>,
    group: String,
    store: Arc<dyn Store>,
    log: Arc<dyn Log>,
    decoder: Decoder,
    settings: SinkSettings,
    epochs: RwLock<HashMap<TopicPartition, i64>>,
}

impl SinkProcessor {
    /// A processor for a sink and its opened database. Notes in the database whether the audit columns are kept.
    pub async fn new(
        spec: Arc<SinkSpec>,
        store: Arc<dyn Store>,
        log: Arc<dyn Log>,
        registry: Arc<dyn Registry>,
        settings: SinkSettings,
    ) -> Result<Self, StoreError> {
        let audited = store.audit_mode(settings.audit).await?;
        if settings.audit && !audited {
            tracing::warn!(sink = spec.name, "some events were applied without audit columns: an audit will refuse");
        }
        let (group, decoder, epochs) = (spec.group(), Decoder::new(registry), RwLock::default());
        Ok(Self { spec, group, store, log, decoder, settings, epochs })
    }

    /// The partitions of this process that take no records for now, and why: they stand at a poison record
    /// ([`OnPoison::Stop`](coursebus_consumer::OnPoison::Stop)), or more is held than the bounds allow.
    #[must_use]
    pub fn stuck(&self) -> Vec<(TopicPartition, String)> {
        self.settings.watch.stopped()
    }

    fn epoch(&self, partition: &TopicPartition) -> i64 {
        let epochs = self.epochs.read().unwrap_or_else(PoisonError::into_inner);
        epochs.get(partition).copied().unwrap_or_default()
    }

    async fn identify(&self, partitions: &[TopicPartition]) -> Result<Vec<PartitionId>, ProcessError> {
        let away = |what: String| {
            move |e: coursebus_transport::AdminError| ProcessError::Unavailable { what, source: e.into() }
        };
        let cluster = self.log.cluster().await.map_err(away("find the log's identity".to_owned()))?.0;
        let mut topics: HashMap<&str, String> = HashMap::new();
        let mut ids = Vec::with_capacity(partitions.len());
        for partition in partitions {
            if !topics.contains_key(&*partition.topic) {
                let info =
                    self.log.topic(&partition.topic).await.map_err(away(format!("find topic {}", partition.topic)))?;
                topics.insert(&partition.topic, info.id.0);
            }
            let topic_id = topics.get(&*partition.topic).cloned().unwrap_or_default();
            ids.push(PartitionId { partition: partition.clone(), cluster: cluster.clone(), topic_id });
        }
        Ok(ids)
    }

    /// Where a partition starts: at its stored position, if the log still has it.
    async fn start(&self, id: &PartitionId, stored: &Position) -> Result<Offset, ProcessError> {
        let partition = &id.partition;
        let range = self.log.range(partition).await;
        let range = range.map_err(|e| ProcessError::Unavailable {
            what: format!("find the ends of {partition}"),
            source: e.into(),
        })?;
        let Some(gap) = gap::find(id, stored, range) else {
            return Ok(stored.next.unwrap_or(range.earliest));
        };
        if !self.settings.accept_gap {
            return Err(ProcessError::Gap { partition: partition.clone(), what: gap.to_string() });
        }
        tracing::warn!(sink = self.spec.name, %gap, resume = %gap.resume, "going on behind a gap");
        let epoch = stored.epoch;
        self.patiently("note a gap", || self.store.accept_gap(&self.group, epoch, &gap, now_ms())).await?;
        Ok(gap.resume)
    }

    /// Takes partitions over for someone who reads them outside a group, and gives a lane to each.
    pub(crate) async fn claim(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<HashMap<TopicPartition, Lane<'_>>, ProcessError> {
        self.take_over(partitions).await?;
        Ok(partitions.iter().map(|partition| (partition.clone(), Lane::new(self, partition.clone()))).collect())
    }

    /// How many records one transaction takes at most.
    pub(crate) fn batch_records_max(&self) -> usize {
        self.settings.batch_records_max.max(1)
    }

    /// Calls the database, again while it is away, until the budget is used up.
    async fn patiently<T, F>(&self, what: &str, mut call: impl FnMut() -> F) -> Result<T, ProcessError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut backoff = Backoff::new(self.settings.retry_budget);
        loop {
            match call().await {
                Ok(done) => return Ok(done),
                Err(error) => self.wait_or_fail(what, error, &mut backoff).await?,
            }
        }
    }

    /// Waits when the database is away, as long as the budget lasts; everything else is an error.
    async fn wait_or_fail(&self, what: &str, error: StoreError, backoff: &mut Backoff) -> Result<(), ProcessError> {
        let sink = self.spec.name;
        match error {
            StoreError::Fenced { partition } => Err(ProcessError::Fenced { partition }),
            error @ StoreError::Away { .. } => {
                match NoSpace::among(&error) {
                    Some(full) => tracing::warn!(sink, what, error = %full, "make room, and the sink goes on"),
                    None => tracing::warn!(sink, what, %error, "trying again"),
                }
                if backoff.wait().await {
                    return Ok(());
                }
                Err(ProcessError::Unavailable {
                    what: format!("{what} in the database of {sink}"),
                    source: error.into(),
                })
            }
            error => {
                let what = format!("the database of {sink} refuses to {what}");
                Err(ProcessError::Refused { what, source: Some(error.into()) })
            }
        }
    }
}

#[async_trait]
impl Processor for SinkProcessor {
    async fn take_over(&self, partitions: &[TopicPartition]) -> Result<Vec<(TopicPartition, Start)>, ProcessError> {
        self.settings.watch.taking(partitions);
        let ids = self.identify(partitions).await?;
        let positions = self.patiently("take partitions over", || self.store.take_over(&self.group, &ids)).await?;
        let mut starts = Vec::with_capacity(ids.len());
        for (id, stored) in ids.iter().zip(&positions) {
            let start = self.start(id, stored).await?;
            self.settings.watch.owned(&id.partition, start);
            starts.push((id.partition.clone(), Start::At(start)));
            let mut epochs = self.epochs.write().unwrap_or_else(PoisonError::into_inner);
            epochs.insert(id.partition.clone(), stored.epoch);
        }
        Ok(starts)
    }

    async fn run(&self, partition: TopicPartition, input: Input, progress: Progress) -> Result<(), ProcessError> {
        let _owned = self.settings.watch.until_dropped(&partition);
        Lane::new(self, partition).run(input, progress).await
    }
}
