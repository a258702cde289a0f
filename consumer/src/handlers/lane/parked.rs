//! The held keys of a partition: parked, tried again, resolved, discarded.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use coursebus_transport::{Offset, Record, TopicPartition};
use tokio::time::Instant;

use super::{Answer, Item, Lane, Then};
use crate::{
    Job, Poison, PoisonCode, ProcessError, Ticket,
    handlers::{Handlers, caller::HandlerError, in_hand::Probe},
    held::{
        HeldReceipt, HeldState, Note, Request, Verb,
        book::{Book, Failed, Fold, HeldBounds, HoldKey, Parked},
        new_event, resolved_event,
    },
};

/// The code of what failed for now until its budget was used up; it has a page in docs/errors/.
const UNAVAILABLE: &str = "dependency-unavailable";

/// Reads what the last owner of a partition held, and which records are settled by that.
pub(super) async fn read(
    handlers: &Handlers,
    partition: &TopicPartition,
) -> Result<(Book, BTreeSet<Offset>), ProcessError> {
    let settings = &handlers.settings;
    let bounds = HeldBounds { keys_max: settings.parked_keys_max, bytes_max: settings.parked_bytes_max };
    let mut fold = Fold::default();
    handlers.held.read(partition, |event| fold.add(event)).await?;
    let settled = fold.settled();
    let book = fold.into_book(bounds, Instant::now(), |code| code == UNAVAILABLE);
    if !book.is_empty() {
        tracing::warn!(%partition, keys = book.keys(), "order keys are held");
    }
    Ok((book, settled))
}

impl Lane<'_> {
    /// Parks a record behind what is held of its key, or as the first of it. It is in the book from now on, and on the topic
    /// when the receipt says so.
    pub(super) async fn park(
        &mut self,
        record: &Record,
        order_key: Option<Box<[u8]>>,
        code: String,
        reason: String,
        first: Option<Instant>,
    ) -> Result<HeldReceipt, ProcessError> {
        let key = self.book.hold_of(order_key.as_deref(), record.key(), record.offset());
        let key = key.unwrap_or_else(|| Book::new_hold(record, order_key.as_deref()));
        let (receipt, parked) = self.write_parked(&key, record, order_key, code, reason).await;
        self.book.park(&key, parked, first);
        self.check_bounds()?;
        Ok(receipt)
    }

    async fn write_parked(
        &mut self,
        key: &HoldKey,
        record: &Record,
        order_key: Option<Box<[u8]>>,
        code: String,
        reason: String,
    ) -> (HeldReceipt, Parked) {
        let behind = self.book.head(key).map(|head| head.record.offset());
        let note = Note { code, reason, order_key, behind };
        let held = &self.handlers.held;
        let event = new_event(&held.name(record.topic()), record, HeldState::Parked, &note);
        (self.hold(event).await, Parked::new(record, note))
    }

    fn check_bounds(&self) -> Result<(), ProcessError> {
        if !self.book.is_over() {
            return Ok(());
        }
        let what = format!(
            "{} order keys are parked, and with them as much as may be: retry or discard them",
            self.book.keys()
        );
        Err(ProcessError::Stopped { partition: self.partition.clone(), what })
    }

    /// Parks a record because its key is held already.
    pub(super) async fn park_behind(
        &mut self,
        record: &Record,
        order_key: Option<Box<[u8]>>,
        mut ticket: Ticket,
    ) -> Result<(), ProcessError> {
        let key = self.book.hold_of(order_key.as_deref(), record.key(), record.offset());
        if key.as_ref().is_some_and(|key| self.book.has(key, record.offset())) {
            self.dispatch.finish(ticket);
            return Ok(());
        }
        let head = key.and_then(|key| self.book.head(&key));
        let code = head.map_or_else(String::new, |head| head.note.code.clone());
        let reason = "an earlier record of its order key is held".to_owned();
        let receipt = self.park(record, order_key, code, reason, Some(Instant::now())).await?;
        self.dispatch.release(&mut ticket);
        self.write(receipt, Then::Settle(ticket));
        Ok(())
    }

    /// The same for a record that was handed out.
    pub(super) async fn park_job(&mut self, job: Job<Item>, order_key: Option<Box<[u8]>>) -> Result<(), ProcessError> {
        let Job { ticket, item } = job;
        self.park_behind(&item.record, order_key, ticket).await
    }

    /// Parks a record whose budget is used up: it is tried again by itself.
    pub(super) async fn park_failed(
        &mut self,
        job: Job<Item>,
        order_key: Option<Box<[u8]>>,
    ) -> Result<(), ProcessError> {
        let Job { mut ticket, item } = job;
        let reason = failed_for_now(item.attempts.count);
        tracing::warn!(partition = %self.partition, offset = %ticket.offset, %reason, "parked, with the later records of its order key");
        let first = Some(Instant::now() + self.handlers.settings.parked_first);
        let receipt = self.park(&item.record, order_key, UNAVAILABLE.to_owned(), reason, first).await?;
        self.dispatch.release(&mut ticket);
        self.write(receipt, Then::Settle(ticket));
        Ok(())
    }

    /// Parks a record whose call goes on.
    pub(super) async fn park_running(&mut self, job: Job<Item>) -> Result<HoldKey, ProcessError> {
        let order_key = self.order_key(&job.item);
        let Job { mut ticket, item } = job;
        let key = Book::new_hold(&item.record, order_key.as_deref());
        let reason = "the call of its handler does not end".to_owned();
        let (receipt, parked) = self.write_parked(&key, &item.record, order_key, UNAVAILABLE.to_owned(), reason).await;
        self.book.park_in_hand(&key, parked);
        self.check_bounds()?;
        self.dispatch.release(&mut ticket);
        self.write(receipt, Then::Settle(ticket));
        Ok(key)
    }

    /// A call of a parked record ended.
    pub(super) async fn parked_ended(
        &mut self,
        key: HoldKey,
        outcome: Result<(), HandlerError>,
        probe: Option<Probe>,
    ) -> Result<(), ProcessError> {
        match outcome {
            Ok(()) => {
                self.succeeded(probe);
                self.resolve(key).await
            }
            Err(HandlerError::Transient(_)) => {
                self.handlers.shared.failed(None, probe.is_some());
                drop(probe);
                let (first, max) = (self.handlers.settings.parked_first, self.handlers.settings.parked_max);
                let wait = grown(self.book.waited(&key), first, max);
                let failed = Failed::Transient { wait };
                self.parked_failed(&key, &failed, UNAVAILABLE, failed_for_now(1)).await
            }
            Err(HandlerError::Poison(reason)) => {
                self.succeeded(probe);
                self.parked_refused(&key, Poison::new(PoisonCode::Refused, reason)).await
            }
            Err(HandlerError::Fatal(source)) => {
                let head = self.book.head(&key).map(|head| &head.record);
                Err(match head {
                    Some(record) => self.gave_up(record, source),
                    None => self.refused("the handler gave up".to_owned(), Some(source)),
                })
            }
        }
    }

    pub(super) async fn parked_refused(&mut self, key: &HoldKey, poison: Poison) -> Result<(), ProcessError> {
        self.parked_failed(key, &Failed::Poison, poison.code.as_str(), poison.reason).await
    }

    /// The reason is written where it is another than before: the next owner is to know whether to try again by itself.
    async fn parked_failed(
        &mut self,
        key: &HoldKey,
        how: &Failed,
        code: &str,
        reason: String,
    ) -> Result<(), ProcessError> {
        let Some(head) = self.book.head(key) else { return Ok(()) };
        tracing::warn!(partition = %self.partition, offset = %head.record.offset(), code, "a parked record failed again");
        if head.note.code != code || head.note.behind.is_some() {
            let order_key = head.note.order_key.clone();
            let note = Note { code: code.to_owned(), reason: reason.clone(), order_key, behind: None };
            let held = &self.handlers.held;
            let event = new_event(&held.name(head.record.topic()), &head.record, HeldState::Parked, &note);
            let receipt = self.hold(event).await;
            self.write(receipt, Then::Nothing);
        }
        self.book.failed(key, how, code.to_owned(), reason, Instant::now());
        Ok(())
    }

    /// The first record of a hold is done: its successor has its turn when that is durable.
    pub(super) async fn resolve(&mut self, key: HoldKey) -> Result<(), ProcessError> {
        let Some(head) = self.book.head(&key) else { return Ok(()) };
        tracing::info!(partition = %self.partition, offset = %head.record.offset(), "a parked record is resolved");
        let held = &self.handlers.held;
        let receipt = self.hold(resolved_event(&held.name(head.record.topic()), &head.record)).await;
        self.write(receipt, Then::Resolve(key));
        Ok(())
    }

    /// Does what someone asks of held records.
    pub(super) async fn on_request(&mut self, request: Request) -> Result<(), ProcessError> {
        let Request { verb, filter, answer } = request;
        let now = Instant::now();
        match verb {
            Verb::List => drop(Answer(Some((answer, self.book.list(&filter))))),
            Verb::Retry => drop(Answer(Some((answer, self.book.retry(&filter, now))))),
            Verb::Discard { reason } => {
                let chosen = self.book.discard(&filter);
                let mut found: Vec<_> = chosen.iter().map(|(_, held)| held.clone()).collect();
                found.sort_unstable_by_key(|held| held.offset);
                let answer = Arc::new(Answer(Some((answer, found))));
                for (key, held) in chosen {
                    self.write_discarded(key, held.offset, &reason, answer.clone()).await;
                }
            }
        }
        Ok(())
    }

    /// What is behind it has its turn when that is durable: were it to come back after a crash, it would come too late.
    async fn write_discarded(&mut self, key: HoldKey, offset: Offset, reason: &str, answer: Arc<Answer>) {
        let Some(parked) = self.book.get(&key, offset) else { return };
        tracing::warn!(partition = %self.partition, offset = %parked.record.offset(), reason, "a parked record is discarded");
        let note = Note { reason: reason.to_owned(), ..parked.note.clone() };
        let held = &self.handlers.held;
        let event = new_event(&held.name(parked.record.topic()), &parked.record, HeldState::Discarded, &note);
        let receipt = self.hold(event).await;
        self.write(receipt, Then::Discard(key, offset, answer));
    }
}

fn failed_for_now(times: u32) -> String {
    format!("the handler failed for now, {times} times until its budget was used up")
}

/// Twice as long as before, within the bounds.
fn grown(waited: Duration, first: Duration, max: Duration) -> Duration {
    waited.saturating_mul(2).max(first).min(max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_of_parked_records_grow_up_to_a_bound() {
        let (first, max) = (Duration::from_secs(1), Duration::from_secs(300));
        let mut waited = Duration::ZERO;
        let mut row = Vec::new();
        for _ in 0..11 {
            waited = grown(waited, first, max);
            row.push(waited.as_secs());
        }
        assert_eq!(row, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    }
}
