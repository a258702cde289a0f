//! Appending: the writer that all backends share, with its bound in bytes, and how an outcome comes back.

use std::{
    fmt,
    future::Future,
    mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::sync::Semaphore;

use crate::{AppendError, NewRecord, Offset, RecordRef};

/// How a writer behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriterSettings {
    /// How many bytes may wait for their confirmation. At the bound [`Writer::append`] waits. Default 32 MiB.
    pub in_flight_bytes_max: usize,
    /// How long a record may wait for its confirmation before its receipt says `Unconfirmed`, or `NotSent` where it is
    /// certain that the log does not have it. Default 30 s.
    pub delivery_timeout: Duration,
    /// How long a batch waits for more records. Default 5 ms on Kafka, which costs a lone record so long and saves a
    /// busy writer a fifth of its processor time (docs/figures.md, compression and linger); an embedded log never waits.
    pub linger: Duration,
}

impl Default for WriterSettings {
    fn default() -> Self {
        Self {
            in_flight_bytes_max: 32 << 20,
            delivery_timeout: Duration::from_secs(30),
            linger: Duration::from_millis(5),
        }
    }
}

/// Where a record came to lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The partition it was addressed to.
    pub partition: i32,
    /// Its offset.
    pub offset: Offset,
}

/// Appends records. Records that one task appends one after the other to one partition lie there in that order, also when
/// some fail in between.
///
/// **Durable** is what a confirmation means: on Kafka all in-sync replicas have it, on an embedded log it is synced to disk
/// (with `?sync=os` it is with the operating system). A confirmed record is never lost by this crate.
#[derive(Clone)]
pub struct Writer {
    backend: Arc<dyn Append>,
    budget: Arc<Semaphore>,
    budget_bytes: usize,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("budget_bytes", &self.budget_bytes).finish_non_exhaustive()
    }
}

/// The part of a writer that differs between backends.
pub(crate) trait Append: Send + Sync {
    /// Takes the record, never blocks, and completes `ack` exactly once within the delivery time-out, from any thread.
    fn enqueue(&self, record: NewRecord, ack: Ack);

    /// Whether [`Append::offer`] may take anything.
    fn takes_lent(&self) -> bool {
        false
    }

    /// As [`Append::enqueue`], where that costs no copy but the one that the client makes anyway. Gives `ack` back where
    /// the record cannot go at once; nothing has happened then.
    fn offer(&self, _record: &RecordRef<'_>, ack: Ack) -> Result<(), Ack> {
        Err(ack)
    }

    /// Completes everything that waits soon, as failed where it is not confirmed.
    fn give_up(&self) {}
}

impl Writer {
    pub(crate) fn new(backend: Arc<dyn Append>, in_flight_bytes_max: usize) -> Self {
        let budget_bytes = in_flight_bytes_max.clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize));
        Self { backend, budget: Arc::new(Semaphore::new(budget_bytes)), budget_bytes }
    }

    /// Hands a record to the log. Waits only while the byte bound is reached; the receipt resolves when the record is
    /// durable. Cancel-safe: a call that was dropped has appended nothing.
    pub async fn append(&self, record: NewRecord) -> Receipt {
        let receipt = Arc::new(OutcomeCell::default());
        self.append_to(record, receipt.clone()).await;
        Receipt(receipt)
    }

    /// As [`Writer::append`], with an outcome that goes to `to`. Cancel-safe in the same way: `to` is then told nothing.
    pub async fn append_to(&self, record: NewRecord, to: Arc<dyn Confirm>) {
        let cost = self.cost(record.size());
        // The semaphore is never closed.
        if let Ok(permit) = self.budget.acquire_many(cost).await {
            permit.forget();
            self.backend.enqueue(record, Ack { to: Some(to), cost, budget: self.budget.clone() });
        }
    }

    /// Hands a record to the log where that takes neither a wait nor a copy of the record: nothing is allocated for it
    /// here. Gives `to` back, told nothing, where the record has to go by [`Writer::append_to`]: the bound is reached, the
    /// topic has to be looked at first, or the log keeps what it is given.
    ///
    /// Order is kept between the two: a record that is offered never passes one that the same task appended before.
    pub fn offer(&self, record: &RecordRef<'_>, to: Arc<dyn Confirm>) -> Result<(), Arc<dyn Confirm>> {
        if !self.backend.takes_lent() {
            return Err(to);
        }
        let cost = self.cost(record.size());
        match self.budget.try_acquire_many(cost) {
            Ok(permit) => permit.forget(),
            Err(_full) => return Err(to),
        }
        let ack = Ack { to: Some(to), cost, budget: self.budget.clone() };
        self.backend.offer(record, ack).map_err(Ack::take_back)
    }

    /// Waits until everything appended so far is confirmed or has failed (each receipt says which), or `deadline` has
    /// passed.
    ///
    /// # Errors
    /// [`Unflushed`] with the number of bytes whose fate is not known yet.
    pub async fn flush(&self, deadline: Duration) -> Result<(), Unflushed> {
        let all = u32::try_from(self.budget_bytes).unwrap_or(u32::MAX);
        match tokio::time::timeout(deadline, self.budget.acquire_many(all)).await {
            Ok(_all_back) => Ok(()),
            Err(_elapsed) => Err(Unflushed { bytes: self.in_flight_bytes(), deadline }),
        }
    }

    /// How many bytes wait for their confirmation now.
    #[must_use]
    pub fn in_flight_bytes(&self) -> usize {
        self.budget_bytes.saturating_sub(self.budget.available_permits())
    }

    /// Stops trying to deliver what is not confirmed: each record of this writer that waits has its outcome soon
    /// afterwards, `NotSent` where it was never sent. For the end of a process; the writer is of no use afterwards.
    pub fn give_up(&self) {
        self.backend.give_up();
    }

    /// A record larger than the whole budget takes all of it: it goes alone.
    fn cost(&self, bytes: usize) -> u32 {
        u32::try_from(bytes.min(self.budget_bytes)).unwrap_or(u32::MAX)
    }
}

/// A flush reached its deadline.
#[derive(Debug, thiserror::Error)]
#[error("{bytes} bytes of records were not confirmed within {deadline:?}")]
pub struct Unflushed {
    /// What is still in flight, in bytes.
    pub bytes: usize,
    /// How long was waited.
    pub deadline: Duration,
}

/// Is told what became of a record.
pub trait Confirm: Send + Sync + 'static {
    /// Called once, from a thread that must not be blocked. An error says whether the record may be in the log all the
    /// same ([`AppendError::is_in_doubt`]).
    fn confirm(&self, outcome: Result<Appended, AppendError>);
}

/// The producer's half of a receipt: completed once, it gives the record's bytes back to the budget. One that is dropped
/// says that the writer was closed.
pub(crate) struct Ack {
    to: Option<Arc<dyn Confirm>>,
    cost: u32,
    budget: Arc<Semaphore>,
}

impl Ack {
    /// Says what became of the record.
    pub(crate) fn complete(mut self, outcome: Result<Appended, AppendError>) {
        if let Some(to) = self.to.take() {
            to.confirm(outcome);
        }
    }

    /// Undoes it: nobody is told anything.
    fn take_back(mut self) -> Arc<dyn Confirm> {
        self.to.take().expect("an ack has somebody to tell until it is completed, which takes it")
    }
}

impl Drop for Ack {
    fn drop(&mut self) {
        if let Some(to) = self.to.take() {
            to.confirm(Err(AppendError::Closed));
        }
        self.budget.add_permits(self.cost as usize);
    }
}

/// Resolves when the record is durable, or has failed. Dropping it does not take the record back.
#[derive(Debug)]
#[must_use = "a receipt says whether the record is durable"]
pub struct Receipt(Arc<OutcomeCell>);

impl Future for Receipt {
    type Output = Result<Appended, AppendError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx)
    }
}

/// A place for one outcome, which one task waits for.
#[derive(Debug, Default)]
pub struct OutcomeCell(Mutex<State>);

#[derive(Debug, Default)]
enum State {
    /// Nobody waits yet.
    #[default]
    Open,
    Awaited(Waker),
    Told(Result<Appended, AppendError>),
    Taken,
}

impl OutcomeCell {
    /// The outcome, once: after that it says `Closed`.
    pub fn poll(&self, cx: &Context<'_>) -> Poll<Result<Appended, AppendError>> {
        let mut state = self.lock();
        match mem::replace(&mut *state, State::Taken) {
            State::Told(outcome) => Poll::Ready(outcome),
            State::Taken => Poll::Ready(Err(AppendError::Closed)),
            State::Open => {
                *state = State::Awaited(cx.waker().clone());
                Poll::Pending
            }
            State::Awaited(waker) => {
                let same = waker.will_wake(cx.waker());
                *state = State::Awaited(if same { waker } else { cx.waker().clone() });
                Poll::Pending
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Confirm for OutcomeCell {
    fn confirm(&self, outcome: Result<Appended, AppendError>) {
        let before = mem::replace(&mut *self.lock(), State::Told(outcome));
        if let State::Awaited(waker) = before {
            waker.wake();
        }
    }
}
