//! One partition of a sink: applies batches in their order, stands where it must, and wakes for what operators ask.

use std::time::{Duration, SystemTime};

use coursebus_consumer::{Backoff, Input, ProcessError, Progress, Taken};
use coursebus_transport::{Offset, Record, TopicPartition};
use tokio::time::{Instant, timeout};

use super::{
    SinkProcessor,
    plan::{Plan, Stop},
};
use crate::{Batch, Processed, StoreError, held::gate::Gate, store::apply, trace};

/// How often a lane looks whether an operator asks for held records, while it has any.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long at most a partition that is stopped at a record waits before it tries again: the schema may have been registered.
const STOPPED_MAX: Duration = Duration::from_secs(30);

/// A partition that this process owns.
pub(crate) struct Lane<'p> {
    pub(super) sink: &'p SinkProcessor,
    pub(super) partition: TopicPartition,
    pub(super) epoch: i64,
    /// The keys that are blocked.
    pub(super) gate: Gate,
    /// Whether anything is held that an operator may ask for.
    holds: bool,
    looked: Instant,
}

/// What became of a chunk of records.
enum Chunk {
    /// So many were taken; fewer than all at a stop.
    Taken(usize, Option<Stop>),
    /// The database refuses a value of one of them.
    Refused,
}

impl<'p> Lane<'p> {
    pub(super) fn new(sink: &'p SinkProcessor, partition: TopicPartition) -> Self {
        let epoch = sink.epoch(&partition);
        Self { sink, partition, epoch, gate: Gate::default(), holds: false, looked: Instant::now() }
    }

    /// Runs until the input ends.
    pub(super) async fn run(mut self, mut input: Input, progress: Progress) -> Result<(), ProcessError> {
        self.holds = self
            .sink
            .patiently("look for held records", || self.sink.store.holds(&self.sink.group, &self.partition))
            .await?;
        // What is parked, from whichever member; and what was left half done.
        self.bring_back().await?;
        while let Some(taken) = self.next(&mut input).await {
            if let Some(last) = taken.records.last() {
                let next = last.offset().next();
                let told = Told::begin(&self, &taken.records);
                if !self.finish(&mut input, &taken.records, next, &progress).await? {
                    return Ok(());
                }
                told.end(&self, &taken.records, next);
                progress.advance(next);
            }
            if taken.end.is_some() || self.looked.elapsed() >= LOOK_EVERY {
                self.look().await?;
            }
            if let Some(end) = taken.end {
                progress.caught_up(end);
                self.sink.settings.watch.ended(&self.partition, end);
            }
        }
        Ok(())
    }

    /// Applies a batch outside a group, where nobody waits for operators: a stop is an error.
    pub(crate) async fn process(&mut self, records: &[Record], next: Offset) -> Result<(), ProcessError> {
        let told = Told::begin(self, records);
        if let Some((_, stop)) = self.apply(records, next).await? {
            return Err(ProcessError::Stopped { partition: self.partition.clone(), what: stop.to_string() });
        }
        told.end(self, records, next);
        Ok(())
    }

    /// What waits. While something is held it does not wait for ever, but comes back with nothing.
    async fn next(&self, input: &mut Input) -> Option<Taken> {
        let settings = &self.sink.settings;
        let next = input.next(settings.batch_records_max, settings.batch_bytes_max);
        if !self.holds {
            return next.await;
        }
        timeout(LOOK_EVERY, next).await.unwrap_or(Some(Taken::default()))
    }

    /// Answers what operators have asked for, if anything.
    async fn look(&mut self) -> Result<(), ProcessError> {
        if !self.holds {
            return Ok(());
        }
        self.looked = Instant::now();
        let sink = self.sink;
        let asked = sink.patiently("look what is asked for", || sink.store.asked(&sink.group)).await?;
        if asked.iter().any(|place| place.partition == self.partition) {
            self.bring_back().await?;
        }
        Ok(())
    }

    /// Applies records, standing as long as it must; false when the partition is let go meanwhile.
    async fn finish(
        &mut self,
        input: &mut Input,
        records: &[Record],
        next: Offset,
        progress: &Progress,
    ) -> Result<bool, ProcessError> {
        let mut rest = records;
        let mut wait = LOOK_EVERY;
        while let Some((done, stop)) = self.apply(rest, next).await? {
            if done > 0 {
                wait = LOOK_EVERY;
            }
            rest = &rest[done..];
            if let Some(first) = rest.first() {
                progress.advance(first.offset());
            }
            if self.sink.settings.watch.stands(&self.partition, stop.to_string()) {
                tracing::error!(sink = self.sink.spec.name, partition = %self.partition, "takes no more: {stop}");
            }
            tokio::select! {
                biased;
                () = input.closed() => return Ok(false),
                () = tokio::time::sleep(wait) => {}
            }
            // Room comes only from what operators do, and that is looked for each second.
            wait = if matches!(stop, Stop::Poison(_)) { (wait * 2).min(STOPPED_MAX) } else { LOOK_EVERY };
            self.look().await?;
        }
        self.sink.settings.watch.goes_on(&self.partition);
        Ok(true)
    }

    /// Applies records and moves the position to `next`, or as far as it can: then how many were taken, and why no more. A
    /// batch with a value that the database refuses is divided until the record is found.
    async fn apply(&mut self, records: &[Record], next: Offset) -> Result<Option<(usize, Stop)>, ProcessError> {
        let mut at = 0;
        let mut size = records.len();
        while at < records.len() {
            let chunk = &records[at..(at + size).min(records.len())];
            let behind = records.get(at + chunk.len()).map_or(next, Record::offset);
            match self.apply_chunk(chunk, behind, false).await? {
                Chunk::Taken(count, Some(stop)) => return Ok(Some((at + count, stop))),
                Chunk::Taken(count, None) => {
                    at += count;
                    size = records.len() - at;
                }
                Chunk::Refused if chunk.len() > 1 => size = chunk.len() / 2,
                Chunk::Refused => match self.apply_chunk(chunk, behind, true).await? {
                    Chunk::Taken(count, None) => {
                        at += count;
                        size = records.len() - at;
                    }
                    Chunk::Taken(count, Some(stop)) => return Ok(Some((at + count, stop))),
                    Chunk::Refused => {
                        let what = "the database refuses to hold a record".to_owned();
                        return Err(ProcessError::Refused { what, source: None });
                    }
                },
            }
        }
        Ok(None)
    }

    /// One transaction. `refused`: the chunk is one record, whose values the database refuses.
    async fn apply_chunk(&mut self, chunk: &[Record], next: Offset, refused: bool) -> Result<Chunk, ProcessError> {
        let mut backoff = Backoff::new(self.sink.settings.retry_budget);
        loop {
            let plan = if refused { self.plan_refused(&chunk[0]).await? } else { self.plan(chunk).await? };
            let (taken, stop) = (plan.taken, plan.stop.clone());
            if taken == 0 && stop.is_some() {
                return Ok(Chunk::Taken(0, stop));
            }
            let next = chunk.get(taken).map_or(next, Record::offset);
            match self.commit(plan, next).await {
                Ok(()) => return Ok(Chunk::Taken(taken, stop)),
                Err(StoreError::Value { .. }) => return Ok(Chunk::Refused),
                Err(error) => {
                    self.sink.settings.watch.retried(&self.partition);
                    self.sink
                        .wait_or_fail(&format!("apply a batch of {}", self.partition), error, &mut backoff)
                        .await?;
                }
            }
        }
    }

    async fn commit(&mut self, plan: Plan, next: Offset) -> Result<(), StoreError> {
        let Plan { effects, held, gate, .. } = plan;
        let holds = !held.is_empty();
        let (sink, partition) = (self.sink, &self.partition);
        let (inbox, audit) = (sink.spec.inbox, sink.settings.audit);
        let batch = Batch { group: &sink.group, partition, epoch: self.epoch, next, effects, held, inbox, audit };
        apply(sink.store.as_ref(), batch).await?;
        self.holds |= holds;
        self.gate.merge(gate);
        Ok(())
    }
}

/// What the watch and the tracer are told of a batch.
struct Told {
    began: SystemTime,
    clock: std::time::Instant,
}

impl Told {
    fn begin(lane: &Lane<'_>, records: &[Record]) -> Self {
        if let Some(first) = records.first() {
            lane.sink.settings.watch.begun(&lane.partition, first);
        }
        Self { began: trace::now(), clock: std::time::Instant::now() }
    }

    fn end(self, lane: &Lane<'_>, records: &[Record], next: Offset) {
        lane.sink.settings.watch.done(&lane.partition, next, records.len());
        let Some(tracer) = &lane.sink.settings.tracer else { return };
        let records = trace::traced(records);
        if !records.is_empty() {
            let (group, partition, took) = (lane.sink.group.clone(), lane.partition.clone(), self.clock.elapsed());
            tracer.processed(Processed { group, partition, began: self.began, took, records });
        }
    }
}
