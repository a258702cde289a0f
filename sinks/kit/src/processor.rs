//! A sink as a processor of the group engine: batches in, one transaction each.

use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use crate::{
    Batch, Effects, HeldRecord, PartitionId, Position, Processed, SinkSpec, Store, StoreError, Tracer, Watch,
    clock::now_ms, effect::effect, gap, store::apply, trace,
};
use async_trait::async_trait;
use coursebus_consumer::{
    Backoff, Decoder, Input, OpenError, Poison, PoisonCode, ProcessError, Processor, Progress, open_patiently,
};
use coursebus_registry_tools::Registry;
use coursebus_transport::{Log, Offset, Record, Start, TopicPartition};

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
            accept_gap: false,
            watch: Watch::default(),
            tracer: None,
        }
    }
}

/// Applies the events of a sink's topics to its database, each exactly once.
pub struct SinkProcessor {
    spec: Arc<SinkSpec>,
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
        Ok(Self { spec, store, log, decoder: Decoder::new(registry), settings, epochs: RwLock::default() })
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
        let noted = self.store.accept_gap(&self.spec.group(), stored.epoch, &gap, now_ms()).await;
        noted.map_err(|error| match error {
            StoreError::Fenced { partition } => ProcessError::Fenced { partition },
            error => ProcessError::Unavailable { what: "note a gap".to_owned(), source: error.into() },
        })?;
        Ok(gap.resume)
    }

    /// Takes partitions over for someone who reads them outside a group.
    pub(crate) async fn claim(&self, partitions: &[TopicPartition]) -> Result<(), ProcessError> {
        self.take_over(partitions).await.map(drop)
    }

    /// How many records one transaction takes at most.
    pub(crate) fn batch_records_max(&self) -> usize {
        self.settings.batch_records_max.max(1)
    }

    /// Applies a batch, as [`Processor::run`] does with each.
    pub(crate) async fn process(
        &self,
        partition: &TopicPartition,
        records: &[Record],
        next: Offset,
    ) -> Result<(), ProcessError> {
        if let Some(first) = records.first() {
            self.settings.watch.begun(partition, first);
        }
        let (began, clock) = (trace::now(), Instant::now());
        self.apply(partition, records, next).await?;
        self.settings.watch.done(partition, next, records.len());
        if let Some(tracer) = &self.settings.tracer {
            let records = trace::traced(records);
            if !records.is_empty() {
                let (group, partition, took) = (self.spec.group(), partition.clone(), clock.elapsed());
                tracer.processed(Processed { group, partition, began, took, records });
            }
        }
        Ok(())
    }

    /// Applies records and moves the position to `next`. A batch with a value that the database refuses is divided until
    /// the record is found, which is then held.
    fn apply<'a>(
        &'a self,
        partition: &'a TopicPartition,
        records: &'a [Record],
        next: Offset,
    ) -> Pin<Box<dyn Future<Output = Result<(), ProcessError>> + Send + 'a>> {
        Box::pin(async move {
            let mut backoff = Backoff::new(self.settings.retry_budget);
            loop {
                let effects = self.effects(records).await?;
                match self.commit(partition, effects, next).await {
                    Ok(()) => return Ok(()),
                    Err(StoreError::Fenced { partition }) => return Err(ProcessError::Fenced { partition }),
                    Err(StoreError::Value { .. }) => break,
                    Err(error @ StoreError::Away { .. }) => {
                        tracing::warn!(sink = self.spec.name, %partition, %error, "trying again");
                        self.settings.watch.retried(partition);
                        if !backoff.wait().await {
                            let what = format!("write to the database of {}", self.spec.name);
                            return Err(ProcessError::Unavailable { what, source: error.into() });
                        }
                    }
                    Err(error) => {
                        let what = format!("the database of {} refuses a batch of {partition}", self.spec.name);
                        return Err(ProcessError::Refused { what, source: Some(error.into()) });
                    }
                }
            }
            match records {
                [] => Err(ProcessError::Refused { what: "the database refuses a position".to_owned(), source: None }),
                [record] => self.hold(partition, record, next).await,
                records => {
                    let (first, second) = records.split_at(records.len() / 2);
                    self.apply(partition, first, second[0].offset()).await?;
                    self.apply(partition, second, next).await
                }
            }
        })
    }

    /// Holds a record whose values the database refuses.
    async fn hold(&self, partition: &TopicPartition, record: &Record, next: Offset) -> Result<(), ProcessError> {
        let poison = Poison::new(PoisonCode::Refused, "the database refuses a value of this event");
        let held = vec![self.held(record, None, poison)];
        let stored = self.commit(partition, Effects { effects: Vec::new(), held }, next).await;
        stored.map_err(|error| match error {
            StoreError::Fenced { partition } => ProcessError::Fenced { partition },
            error => ProcessError::Unavailable { what: "hold a record".to_owned(), source: error.into() },
        })
    }

    async fn commit(&self, partition: &TopicPartition, effects: Effects, next: Offset) -> Result<(), StoreError> {
        let epoch = self.epochs.read().unwrap_or_else(PoisonError::into_inner).get(partition).copied();
        let batch = Batch {
            group: &self.spec.group(),
            partition,
            epoch: epoch.unwrap_or_default(),
            next,
            effects: effects.effects,
            held: effects.held,
            inbox: self.spec.inbox,
            audit: self.settings.audit,
        };
        apply(self.store.as_ref(), batch).await
    }

    /// What records do. Types that the sink does not read do nothing.
    async fn effects(&self, records: &[Record]) -> Result<Effects, ProcessError> {
        let mut effects = Effects::default();
        for record in records {
            let datum = match open_patiently(&self.decoder, record, self.settings.retry_budget).await {
                Ok(datum) => datum,
                Err(OpenError::Poison(poison)) => {
                    effects.held.push(self.held(record, None, poison));
                    continue;
                }
                Err(error) => {
                    let what = format!("read records of {}", record.topic_partition());
                    return Err(ProcessError::Unavailable { what, source: error.into() });
                }
            };
            match effect(&self.spec, &datum, record) {
                Ok(effect) => effects.effects.extend(effect),
                Err(poison) => effects.held.push(self.held(record, Some(datum.event_type.name), poison)),
            }
        }
        Ok(effects)
    }

    fn held(&self, record: &Record, event_type: Option<&str>, poison: Poison) -> HeldRecord {
        let held = HeldRecord::dead(record, event_type, &poison, now_ms());
        tracing::warn!(sink = self.spec.name, event_id = held.event_id, error = %poison.of(record), "held as dead");
        held
    }
}

#[async_trait]
impl Processor for SinkProcessor {
    async fn take_over(&self, partitions: &[TopicPartition]) -> Result<Vec<(TopicPartition, Start)>, ProcessError> {
        self.settings.watch.taking(partitions);
        let ids = self.identify(partitions).await?;
        let mut backoff = Backoff::new(self.settings.retry_budget);
        let positions = loop {
            match self.store.take_over(&self.spec.group(), &ids).await {
                Ok(positions) => break positions,
                Err(error @ StoreError::Away { .. }) => {
                    tracing::warn!(sink = self.spec.name, %error, "trying again");
                    if !backoff.wait().await {
                        let what = format!("take partitions over in the database of {}", self.spec.name);
                        return Err(ProcessError::Unavailable { what, source: error.into() });
                    }
                }
                Err(error) => {
                    let what = format!("the database of {} cannot be used", self.spec.name);
                    return Err(ProcessError::Refused { what, source: Some(error.into()) });
                }
            }
        };
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

    async fn run(&self, partition: TopicPartition, mut input: Input, progress: Progress) -> Result<(), ProcessError> {
        let (records_max, bytes_max) = (self.settings.batch_records_max, self.settings.batch_bytes_max);
        let _owned = self.settings.watch.until_dropped(&partition);
        while let Some(taken) = input.next(records_max, bytes_max).await {
            if let Some(last) = taken.records.last() {
                let next = last.offset().next();
                self.process(&partition, &taken.records, next).await?;
                progress.advance(next);
            }
            if let Some(end) = taken.end {
                progress.caught_up(end);
                self.settings.watch.ended(&partition, end);
            }
        }
        Ok(())
    }
}
