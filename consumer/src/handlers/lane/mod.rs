//! One partition of a subscription with handlers: what is taken in is dispatched by order key, calls are polled, what is done
//! is reported.
//!
//! [`Lane::run`] is the loop; [`intake`] begins calls as records come, [`start`] begins those that had to wait, [`outcome`]
//! says what becomes of calls, [`parked`] keeps the held keys.

mod intake;
mod outcome;
mod parked;
mod start;

use std::{
    collections::{BTreeSet, VecDeque},
    future::Future,
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use coursebus_schemas::OrderKey;
use coursebus_transport::{NewRecord, Offset, Record, TopicPartition};
use futures::{FutureExt, StreamExt, future::OptionFuture, stream::FuturesUnordered};
use tokio::{
    sync::{AcquireError, OwnedSemaphorePermit, mpsc, oneshot},
    time::{Instant, sleep, sleep_until},
};

use super::{Handlers, caller::Caller, in_hand::InHand, schemas::Schemas};
use crate::{
    Attempts, Bounds, Dispatch, Guarantee, Input, Job, KeyHash, ProcessError, Progress, Taken, Ticket,
    held::{
        HeldError, HeldInfo, HeldReceipt, Request,
        book::{Book, HoldKey},
    },
};

/// What is taken from the input at once, or as much as the largest batch of a handler.
const TAKE_RECORDS: usize = 1000;
const TAKE_BYTES: usize = 1 << 20;
/// How soon it is asked again whether a pause is over.
const PAUSED: Duration = Duration::from_millis(20);

/// An event that waits for the ones of its key before it, or is being handled.
pub(super) struct Item {
    record: Record,
    /// Its schema, in [`Schemas`].
    known: usize,
    handler: usize,
    hash: Option<KeyHash>,
    attempts: Attempts,
}

/// Events that are handled by one call, in order. What was divided off waits behind.
pub(super) struct Batch {
    jobs: Vec<Job<Item>>,
    later: VecDeque<Vec<Job<Item>>>,
    attempts: Attempts,
}

/// What an open call is about.
pub(super) enum Work {
    One(Job<Item>),
    Batch(Batch),
    /// The first record of a hold.
    Parked(HoldKey),
}

/// What waits to be tried again.
enum Again {
    One(Job<Item>),
    Batch(Batch),
}

/// What is to be done when an event of a held topic is durable.
enum Then {
    /// The record counts as done.
    Settle(Ticket),
    /// The first record of the hold is done.
    Resolve(HoldKey),
    /// Nothing: a change of reason.
    Nothing,
    /// The record of a hold is given up; one less to wait for.
    Discard(HoldKey, Offset, Arc<Answer>),
}

/// Sent when the last that shares it is gone.
struct Answer(Option<(oneshot::Sender<Vec<HeldInfo>>, Vec<HeldInfo>)>);

impl Drop for Answer {
    fn drop(&mut self) {
        if let Some((answer, found)) = self.0.take() {
            // Whoever asked may have stopped waiting.
            let _ = answer.send(found);
        }
    }
}

/// An event of a held topic on its way.
struct Write {
    receipt: HeldReceipt,
    then: Option<Then>,
}

impl Future for Write {
    type Output = (Then, Result<(), HeldError>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> std::task::Poll<Self::Output> {
        self.receipt.poll_unpin(cx).map(|outcome| (self.then.take().unwrap_or(Then::Nothing), outcome))
    }
}

type Acquiring = Pin<Box<dyn Future<Output = Result<OwnedSemaphorePermit, AcquireError>> + Send>>;
type Delayed = Pin<Box<dyn Future<Output = Again> + Send>>;

pub(super) struct Lane<'a> {
    handlers: &'a Handlers,
    partition: TopicPartition,
    /// For the positions that go with what is held.
    progress: Progress,
    callers: Vec<Box<dyn Caller>>,
    take_records: usize,
    schemas: Schemas,
    dispatch: Dispatch<Item>,
    /// Batches that wait for a free place.
    batches: VecDeque<Batch>,
    book: Book,
    /// Records that the last owners have held: delivered again, they are passed over. Those before the position are forgotten
    /// with the first records that come.
    settled: BTreeSet<Offset>,
    running: FuturesUnordered<InHand<Work>>,
    writes: FuturesUnordered<Write>,
    delayed: FuturesUnordered<Delayed>,
    /// A free place, for the next call that stays open.
    place: Option<OwnedSemaphorePermit>,
    acquiring: Option<Acquiring>,
    /// The end that was told while events were still in hand.
    end: Option<Offset>,
    /// What of this lane is in the member's sum of bytes.
    counted: usize,
    open: bool,
    /// Memory for order keys.
    key: OrderKey,
}

impl<'a> Lane<'a> {
    /// Reads what is held of the partition.
    pub(super) async fn open(
        handlers: &'a Handlers,
        partition: TopicPartition,
        progress: Progress,
    ) -> Result<Self, ProcessError> {
        let settings = &handlers.settings;
        let bounds = Bounds { records_max: settings.in_flight_max, bytes_max: settings.in_flight_bytes_max };
        let (book, settled) = parked::read(handlers, &partition).await?;
        let callers: Vec<_> = handlers.handlers.iter().map(|handler| handler.caller()).collect();
        Ok(Self {
            take_records: callers.iter().map(|caller| caller.batch_max()).fold(TAKE_RECORDS, usize::max),
            callers,
            handlers,
            partition,
            progress,
            schemas: Schemas::default(),
            dispatch: Dispatch::new(bounds),
            batches: VecDeque::new(),
            book,
            settled,
            running: FuturesUnordered::new(),
            writes: FuturesUnordered::new(),
            delayed: FuturesUnordered::new(),
            place: None,
            acquiring: None,
            end: None,
            counted: 0,
            open: true,
            key: OrderKey::new(),
        })
    }

    pub(super) async fn run(
        mut self,
        mut input: Input,
        progress: Progress,
        mut requests: mpsc::Receiver<Request>,
    ) -> Result<(), ProcessError> {
        let outcome = self.work(&mut input, &progress, &mut requests).await;
        // Also of a lane that fails: what it has done is done.
        self.report(&progress);
        outcome
    }

    async fn work(
        &mut self,
        input: &mut Input,
        progress: &Progress,
        requests: &mut mpsc::Receiver<Request>,
    ) -> Result<(), ProcessError> {
        while self.open || !self.running.is_empty() || !self.writes.is_empty() {
            self.start_waiting().await?;
            self.report(progress);
            let room = self.room();
            tokio::select! {
                biased;
                Some(turn) = self.running.next(), if !self.running.is_empty() => {
                    self.on_turn(turn).await?;
                    while let Some(Some(turn)) = self.running.next().now_or_never() {
                        self.on_turn(turn).await?;
                    }
                }
                Some((then, outcome)) = self.writes.next(), if !self.writes.is_empty() => self.on_written(then, outcome)?,
                Some(again) = self.delayed.next(), if self.open && !self.delayed.is_empty() => self.on_again(again),
                Some(place) = OptionFuture::from(self.acquiring.as_mut()) => {
                    self.acquiring = None;
                    self.place = place.ok();
                }
                Some(request) = requests.recv(), if self.open => self.on_request(request).await?,
                () = until(self.book.next_due()), if self.open && self.acquiring.is_none() && !self.is_held_back() => {}
                () = sleep(PAUSED), if self.open && self.is_held_back() => {}
                taken = take(input, self.handlers, room), if self.open => {
                    match taken {
                        Some((taken, reserved)) => {
                            self.counted += reserved;
                            self.take_in(taken, progress).await?;
                            // The other partitions of the member are to know what of its bytes is left.
                            self.report(progress);
                            // A lane whose handlers are always ready leaves room for others now and then.
                            tokio::task::yield_now().await;
                        }
                        None => self.close(),
                    }
                }
            }
        }
        Ok(())
    }

    /// Let go: what is in hand is finished, what waits is another owner's.
    fn close(&mut self) {
        self.open = false;
        self.end = None;
        self.dispatch.forget_waiting();
        self.batches.clear();
        self.delayed.clear();
        self.acquiring = None;
    }

    /// Whether something waits for the end of a pause.
    fn is_held_back(&self) -> bool {
        !self.handlers.shared.is_calm()
            && (self.dispatch.has_ready()
                || !self.batches.is_empty()
                || self.book.next_due().is_some_and(|at| at <= Instant::now()))
    }

    /// What may be taken in: within the bounds of this partition and of the member.
    fn room(&self) -> Room {
        let (records, bytes) = self.dispatch.room();
        let is_idle = self.dispatch.is_empty();
        let is_full = !is_idle && self.handlers.shared.bytes() >= self.handlers.settings.in_flight_bytes_max;
        let records = if is_full { 0 } else { records.min(self.take_records) };
        Room { records, bytes: bytes.min(TAKE_BYTES), is_idle }
    }

    fn report(&mut self, progress: &Progress) {
        let bytes = self.dispatch.bytes();
        self.handlers.shared.count_bytes(self.counted, bytes);
        self.counted = bytes;
        if self.handlers.settings.guarantee != Guarantee::AtMostOnce
            && let Some(next) = self.dispatch.low_water()
        {
            progress.advance(next);
        }
        if self.dispatch.is_empty()
            && let Some(end) = self.end.take()
        {
            progress.caught_up(end);
        }
    }

    fn on_again(&mut self, again: Again) {
        match again {
            Again::One(job) => self.dispatch.again(job),
            Again::Batch(batch) => self.batches.push_back(batch),
        }
    }

    fn on_written(&mut self, then: Then, outcome: Result<(), HeldError>) -> Result<(), ProcessError> {
        outcome?;
        match then {
            Then::Settle(ticket) => self.dispatch.finish(ticket),
            Then::Resolve(key) => self.book.resolved(&key, Instant::now()),
            Then::Nothing => {}
            Then::Discard(key, offset, answer) => {
                self.book.discarded(&key, offset, Instant::now());
                drop(answer);
            }
        }
        Ok(())
    }

    /// Hands an event of the held topic over. Waits only at the bound of what waits to be written.
    #[expect(clippy::async_yields_async, reason = "waiting for room and waiting for durability are two things")]
    fn hold(&self, event: NewRecord) -> impl Future<Output = HeldReceipt> + Send + use<'a> {
        let (writer, partition, progress) = (&self.handlers.writer, self.partition.clone(), self.progress.clone());
        async move { writer.append(&partition, event, &progress).await }
    }

    fn write(&mut self, receipt: HeldReceipt, then: Then) {
        self.writes.push(Write { receipt, then: Some(then) });
    }

    fn refused(&self, what: String, source: Option<coursebus_transport::Cause>) -> ProcessError {
        ProcessError::Refused { what: format!("{}: {what}", self.partition), source }
    }
}

impl Drop for Lane<'_> {
    fn drop(&mut self) {
        self.handlers.shared.count_bytes(self.counted, 0);
    }
}

/// What a lane may take in of its partition.
#[derive(Clone, Copy)]
struct Room {
    records: usize,
    bytes: usize,
    /// It has nothing in hand, and may take one record whatever the other partitions of the member have.
    is_idle: bool,
}

/// Takes what there is room for, and says how many bytes of the member's bound were reserved for it: other partitions take at
/// the same time. Without room it only waits for the end of the input. Cancel-safe.
async fn take(input: &mut Input, handlers: &Handlers, room: Room) -> Option<(Taken, usize)> {
    if room.records == 0 {
        input.closed().await;
        return None;
    }
    let mut reserved = 0;
    let bounds = || {
        reserved = handlers.shared.reserve(room.bytes, handlers.settings.in_flight_bytes_max);
        (reserved > 0 || room.is_idle).then_some((room.records, reserved))
    };
    let taken = input.next_within(bounds).await?;
    Some((taken, reserved))
}

/// Never, without a time.
async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}
