//! What becomes of a call: done, again later, held, or the end of the engine.

use std::time::Duration;

use coursebus_transport::Record;
use tokio::time::sleep;

use super::{Again, Batch, Item, Lane, Then, Work};
use crate::{
    Guarantee, Job, OnPoison, Poison, PoisonCode, ProcessError, Ticket,
    handlers::{
        caller::HandlerError,
        in_hand::{Open, Probe, Turn},
    },
    held::{HeldState, Note, new_event},
};

impl Lane<'_> {
    pub(super) async fn on_turn(&mut self, turn: Turn<Work>) -> Result<(), ProcessError> {
        match turn {
            Turn::Overdue(open) => self.overdue(open).await,
            Turn::Ended(mut open, outcome) => {
                let (took, probe) = (open.began.elapsed(), open.probe.take());
                match (open.work, outcome) {
                    (Work::One(job), Ok(())) => {
                        self.succeeded(probe);
                        self.dispatch.finish(job.ticket);
                        Ok(())
                    }
                    (Work::One(job), Err(error)) => self.failed(job, error, took, probe).await,
                    (Work::Batch(batch), outcome) => self.batch_ended(batch, outcome, took, probe).await,
                    (Work::Parked(key), outcome) => self.parked_ended(key, outcome, probe).await,
                }
            }
        }
    }

    pub(super) fn succeeded(&mut self, probe: Option<Probe>) {
        self.handlers.shared.succeeded();
        drop(probe);
    }

    /// A call of one event failed. Its key is still held by it.
    pub(super) async fn failed(
        &mut self,
        mut job: Job<Item>,
        error: HandlerError,
        took: Duration,
        probe: Option<Probe>,
    ) -> Result<(), ProcessError> {
        match error {
            HandlerError::Fatal(source) => Err(self.gave_up(&job.item.record, source)),
            HandlerError::Poison(reason) => {
                if self.handlers.shared.refused() {
                    return Err(self.too_much_poison());
                }
                let order_key = self.order_key(&job.item);
                let Job { ticket, item } = job;
                self.poisoned(&item.record, order_key, ticket, Poison::new(PoisonCode::Refused, reason)).await
            }
            HandlerError::Transient(source) => {
                let shared = &self.handlers.shared;
                let is_probe = probe.is_some();
                shared.failed(job.item.hash, is_probe);
                drop(probe);
                if self.handlers.settings.guarantee == Guarantee::AtMostOnce {
                    tracing::warn!(partition = %self.partition, offset = %job.ticket.offset, "the handler failed, and the event is not tried again");
                    self.dispatch.finish(job.ticket);
                    return Ok(());
                }
                if is_probe {
                    // Whatever it probes is down: that is not on its account. The breaker says when it is tried again.
                    self.dispatch.again(job);
                    return Ok(());
                }
                let retry = &self.handlers.settings.retry;
                match shared.draw(|random| retry.wait(&mut job.item.attempts, took, random)) {
                    Some(wait) => {
                        self.later(wait, Again::One(job));
                        Ok(())
                    }
                    None => self.exhausted(job, source).await,
                }
            }
        }
    }

    fn later(&mut self, wait: Duration, again: Again) {
        self.delayed.push(Box::pin(async move {
            sleep(wait).await;
            again
        }));
    }

    /// The budget is used up.
    async fn exhausted(&mut self, job: Job<Item>, source: coursebus_transport::Cause) -> Result<(), ProcessError> {
        if self.handlers.settings.on_poison != OnPoison::Park {
            let what = format!("handle {} offset {}", self.partition, job.ticket.offset);
            return Err(ProcessError::Unavailable { what, source });
        }
        let order_key = self.order_key(&job.item);
        self.park_failed(job, order_key).await
    }

    /// A record can never be processed, and holds its key where it was handed out. What becomes of it is the policy.
    pub(super) async fn poisoned(
        &mut self,
        record: &Record,
        order_key: Option<Box<[u8]>>,
        mut ticket: Ticket,
        poison: Poison,
    ) -> Result<(), ProcessError> {
        let error = poison.clone().of(record);
        match self.handlers.settings.on_poison {
            OnPoison::Stop => Err(ProcessError::Stopped { partition: self.partition.clone(), what: error.to_string() }),
            OnPoison::Skip => {
                tracing::warn!(%error, "held as dead");
                let note =
                    Note { code: poison.code.as_str().to_owned(), reason: poison.reason, order_key, behind: None };
                let event = new_event(&self.handlers.held.name(record.topic()), record, HeldState::Dead, &note);
                let receipt = self.hold(event).await;
                self.write(receipt, Then::Settle(ticket));
                Ok(())
            }
            OnPoison::Park => {
                tracing::warn!(%error, "parked, with the later records of its order key");
                let (code, reason) = (poison.code.as_str().to_owned(), poison.reason);
                let receipt = self.park(record, order_key, code, reason, None).await?;
                self.dispatch.release(&mut ticket);
                self.write(receipt, Then::Settle(ticket));
                Ok(())
            }
        }
    }

    pub(super) async fn batch_ended(
        &mut self,
        mut batch: Batch,
        outcome: Result<(), HandlerError>,
        took: Duration,
        probe: Option<Probe>,
    ) -> Result<(), ProcessError> {
        match outcome {
            Ok(()) => {
                self.succeeded(probe);
                std::mem::take(&mut batch.jobs).into_iter().for_each(|job| self.dispatch.finish(job.ticket));
                self.next_part(batch);
                Ok(())
            }
            Err(HandlerError::Fatal(source)) => {
                let first = batch.jobs.first().map(|job| &job.item.record);
                Err(match first {
                    Some(record) => self.gave_up(record, source),
                    None => self.refused("the handler gave up".to_owned(), Some(source)),
                })
            }
            Err(HandlerError::Poison(reason)) if self.handlers.settings.guarantee == Guarantee::AtMostOnce => {
                self.batch_given_up(batch, Poison::new(PoisonCode::Refused, reason)).await
            }
            Err(HandlerError::Poison(reason)) => {
                self.batch_refused(batch, Poison::new(PoisonCode::Refused, reason)).await
            }
            Err(HandlerError::Transient(source)) => self.batch_failed(batch, source, took, probe).await,
        }
    }

    /// The whole batch is tried again, and in the end each of its records goes its own way.
    async fn batch_failed(
        &mut self,
        mut batch: Batch,
        source: coursebus_transport::Cause,
        took: Duration,
        probe: Option<Probe>,
    ) -> Result<(), ProcessError> {
        let shared = &self.handlers.shared;
        let is_probe = probe.is_some();
        shared.failed(batch.jobs.first().and_then(|job| job.item.hash), is_probe);
        drop(probe);
        if self.handlers.settings.guarantee == Guarantee::AtMostOnce {
            tracing::warn!(partition = %self.partition, events = batch.jobs.len(), "the handler failed, and the events are not tried again");
            std::mem::take(&mut batch.jobs).into_iter().for_each(|job| self.dispatch.finish(job.ticket));
            self.next_part(batch);
            return Ok(());
        }
        if is_probe {
            self.batches.push_back(batch);
            return Ok(());
        }
        let retry = &self.handlers.settings.retry;
        if let Some(wait) = shared.draw(|random| retry.wait(&mut batch.attempts, took, random)) {
            self.later(wait, Again::Batch(batch));
            return Ok(());
        }
        let mut source = Some(source);
        for job in std::mem::take(&mut batch.jobs) {
            let source = source.take().unwrap_or_else(|| "its batch failed".into());
            let order_key = self.order_key(&job.item);
            match self.book.hold_of(order_key.as_deref(), job.item.record.key(), job.ticket.offset) {
                Some(_) => self.park_job(job, order_key).await?,
                None => self.exhausted(job, source).await?,
            }
        }
        self.next_part(batch);
        Ok(())
    }

    /// One of the batch's records is poison: it is divided until that one is found.
    pub(super) async fn batch_refused(&mut self, mut batch: Batch, poison: Poison) -> Result<(), ProcessError> {
        if batch.jobs.len() > 1 {
            let second = batch.jobs.split_off(batch.jobs.len() / 2);
            batch.later.push_front(second);
            batch.attempts = crate::Attempts::default();
            self.batches.push_back(batch);
            return Ok(());
        }
        if self.handlers.shared.refused() {
            return Err(self.too_much_poison());
        }
        if let Some(job) = batch.jobs.pop() {
            let order_key = self.order_key(&job.item);
            let Job { ticket, item } = job;
            self.poisoned(&item.record, order_key, ticket, poison).await?;
        }
        self.next_part(batch);
        Ok(())
    }

    /// A batch was refused that may not be called again, not in parts either: all of it is poison.
    async fn batch_given_up(&mut self, mut batch: Batch, poison: Poison) -> Result<(), ProcessError> {
        if self.handlers.shared.refused() {
            return Err(self.too_much_poison());
        }
        for job in std::mem::take(&mut batch.jobs) {
            let order_key = self.order_key(&job.item);
            let Job { ticket, item } = job;
            self.poisoned(&item.record, order_key, ticket, poison.clone()).await?;
        }
        self.next_part(batch);
        Ok(())
    }

    /// What was divided off has its turn.
    pub(super) fn next_part(&mut self, mut batch: Batch) {
        if let Some(jobs) = batch.later.pop_front() {
            batch.jobs = jobs;
            self.batches.push_back(batch);
        }
    }

    /// A call takes too long: that counts as a failure for now. The key stays held, because the old call may still have its
    /// effect; when the retry budget is used up as well, the record is parked while its call goes on.
    async fn overdue(&mut self, mut open: Open<Work>) -> Result<(), ProcessError> {
        let settings = &self.handlers.settings;
        let (hash, offset) = match &open.work {
            Work::One(job) => (job.item.hash, Some(job.ticket.offset)),
            Work::Batch(batch) => {
                let first = batch.jobs.first();
                (first.and_then(|job| job.item.hash), first.map(|job| job.ticket.offset))
            }
            Work::Parked(key) => (None, self.book.head(key).map(|head| head.record.offset())),
        };
        let offset = offset.unwrap_or_default();
        let parks = settings.on_poison == OnPoison::Park && settings.guarantee == Guarantee::AtLeastOnce;
        if open.overdue == 1 {
            tracing::warn!(partition = %self.partition, %offset, limit = ?settings.call_limit, "a call takes too long");
            self.handlers.shared.failed(hash, open.probe.is_some());
            drop(open.probe.take());
            let more = settings.retry.budget.saturating_sub(settings.call_limit.unwrap_or_default());
            let again = parks && matches!(open.work, Work::One(_));
            self.running.push(open.wait_on(again.then_some(more)));
            return Ok(());
        }
        if let Work::One(job) = open.work {
            tracing::warn!(partition = %self.partition, %offset, "parked, while its call goes on");
            let key = self.park_running(job).await?;
            open.work = Work::Parked(key);
        }
        self.running.push(open.wait_on(None));
        Ok(())
    }

    pub(super) fn gave_up(&self, record: &Record, source: coursebus_transport::Cause) -> ProcessError {
        self.refused(format!("the handler gave up at offset {}", record.offset()), Some(source))
    }

    pub(super) fn too_much_poison(&self) -> ProcessError {
        let max = self.handlers.settings.poison_in_a_row_max;
        self.refused(format!("{max} records in a row could not be processed: the fault is not theirs"), None)
    }
}
