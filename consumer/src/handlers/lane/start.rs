//! Calls that had to wait are begun: for the records of their key before them, for a free place, for the end of a pause.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::{Batch, Item, Lane, Work};
use crate::{
    Attempts, Job, KeyHash, Permission, ProcessError,
    handlers::{
        caller::{Called, Gate},
        in_hand::{Open, Probe},
    },
    held::book::HoldKey,
};

/// How soon a parked record is looked at again whose key is busy.
const POSTPONED: Duration = Duration::from_millis(50);

impl Lane<'_> {
    /// Begins as many calls as there are places for.
    pub(super) async fn start_waiting(&mut self) -> Result<(), ProcessError> {
        while self.open && self.has_waiting() {
            if self.place.is_none() {
                self.place = self.handlers.shared.place();
            }
            if self.place.is_none() {
                let places = self.handlers.shared.places();
                self.acquiring.get_or_insert_with(|| Box::pin(places.acquire_owned()));
                return Ok(());
            }
            let probe = match self.handlers.shared.ask() {
                Permission::Go => None,
                Permission::Probe => Some(Probe::new(self.handlers.shared.clone())),
                Permission::Wait => break,
            };
            if let Some(batch) = self.batches.pop_front() {
                self.start_batch(batch, probe).await?;
            } else if let Some(key) = self.book.take_due(Instant::now()) {
                self.start_parked(key, probe).await?;
            } else if let Some(job) = self.dispatch.next() {
                self.start_one(job, probe).await?;
            }
        }
        // A place that is not used is one that others wait for.
        self.place = None;
        Ok(())
    }

    fn has_waiting(&self) -> bool {
        self.dispatch.has_ready()
            || !self.batches.is_empty()
            || self.book.next_due().is_some_and(|at| at <= Instant::now())
    }

    async fn start_one(&mut self, job: Job<Item>, probe: Option<Probe>) -> Result<(), ProcessError> {
        let handler = job.item.handler;
        let batch_max = self.callers[handler].batch_max();
        if batch_max > 1 {
            // It goes back to where it was, and comes out with those that follow it.
            self.dispatch.again(job);
            let jobs = self.dispatch.next_of(batch_max, |item| item.handler == handler);
            let batch = Batch { jobs, later: VecDeque::new(), attempts: Attempts::default() };
            return self.start_batch(batch, probe).await;
        }
        let mut is_held = false;
        let raw = Self::raw(self.schemas.get(job.item.known), &job.item.record);
        let book = &self.book;
        let called = self.callers[handler].call(raw, &mut self.key, &mut |key| {
            is_held =
                !book.is_empty() && book.hold_of(Some(key.as_bytes()), raw.record.key(), raw.record.offset()).is_some();
            if is_held { Gate::Keep } else { Gate::Go }
        });
        match called {
            Called::Ready(Ok(())) => {
                self.succeeded(probe);
                self.dispatch.finish(job.ticket);
                Ok(())
            }
            Called::Ready(Err(error)) => self.failed(job, error, Duration::ZERO, probe).await,
            Called::Open(call) => {
                let place = self.place.take().expect("a call is begun with a place");
                self.running
                    .push(Open::new(call, Work::One(job), self.handlers.settings.call_limit, place, probe).polled());
                Ok(())
            }
            Called::Kept => {
                let order_key = Some(self.key.as_bytes().into());
                self.park_job(job, order_key).await
            }
            Called::Unreadable(poison) => {
                let order_key = (!self.key.is_empty()).then(|| self.key.as_bytes().into());
                let Job { ticket, item } = job;
                self.poisoned(&item.record, order_key, ticket, poison).await
            }
        }
    }

    /// Begins a batch, without the records whose key was parked meanwhile. One without records goes on with its next part.
    pub(super) async fn start_batch(&mut self, mut batch: Batch, probe: Option<Probe>) -> Result<(), ProcessError> {
        if !self.book.is_empty() {
            let mut kept = Vec::with_capacity(batch.jobs.len());
            for job in std::mem::take(&mut batch.jobs) {
                let order_key = self.order_key(&job.item);
                if self.book.hold_of(order_key.as_deref(), job.item.record.key(), job.ticket.offset).is_some() {
                    self.park_job(job, order_key).await?;
                } else {
                    kept.push(job);
                }
            }
            batch.jobs = kept;
        }
        let Some(first) = batch.jobs.first() else {
            self.next_part(batch);
            return Ok(());
        };
        let raws: Vec<_> =
            batch.jobs.iter().map(|job| Self::raw(self.schemas.get(job.item.known), &job.item.record)).collect();
        let called = self.callers[first.item.handler].call_batch(&raws);
        drop(raws);
        match called {
            Called::Ready(outcome) => self.batch_ended(batch, outcome, Duration::ZERO, probe).await,
            Called::Open(call) => {
                let place = self.place.take().expect("a call is begun with a place");
                self.running.push(
                    Open::new(call, Work::Batch(batch), self.handlers.settings.call_limit, place, probe).polled(),
                );
                Ok(())
            }
            Called::Kept => unreachable!("a batch has no gate"),
            Called::Unreadable(poison) => self.batch_refused(batch, poison).await,
        }
    }

    /// Begins the first record of a hold.
    async fn start_parked(&mut self, key: HoldKey, probe: Option<Probe>) -> Result<(), ProcessError> {
        let Some(head) = self.book.head(&key) else { return Ok(()) };
        let index = match self.schemas.find(&head.record) {
            Some((index, _)) => index,
            None => {
                let record = head.record.detached();
                match self.learn(&record).await? {
                    Ok(index) => index,
                    Err(poison) => return self.parked_refused(&key, poison).await,
                }
            }
        };
        let Some(head) = self.book.head(&key) else { return Ok(()) };
        let known = self.schemas.get(index);
        let Some(handler) = known.handler else { return self.resolve(key).await };
        let raw = Self::raw(known, &head.record);
        let (book, dispatch, mut behind) = (&self.book, &self.dispatch, None);
        let called = self.callers[handler].call(raw, &mut self.key, &mut |order_key| {
            // What could not be decoded is of some order key after all, which may be held too.
            let order_hold = HoldKey::Order(order_key.as_bytes().into());
            behind = (order_hold != key && book.head(&order_hold).is_some()).then_some(order_hold);
            // And earlier records of it may still be on their way.
            let is_free = dispatch.is_free(Some(KeyHash::of(order_key.as_bytes())));
            if behind.is_some() || !is_free { Gate::Keep } else { Gate::Go }
        });
        match called {
            Called::Ready(outcome) => self.parked_ended(key, outcome, probe).await,
            Called::Open(call) => {
                let place = self.place.take().expect("a call is begun with a place");
                self.running
                    .push(Open::new(call, Work::Parked(key), self.handlers.settings.call_limit, place, probe).polled());
                Ok(())
            }
            Called::Kept => {
                match behind {
                    Some(behind) => self.book.move_head(&key, &behind, Instant::now()),
                    None => self.book.postpone(&key, Instant::now() + POSTPONED),
                }
                Ok(())
            }
            Called::Unreadable(poison) => self.parked_refused(&key, poison).await,
        }
    }
}
