//! One partition on its way through the engine: what waits for its processor, and how far that has come.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

use coursebus_transport::{Membership, Offset, Record};
use tokio::sync::Notify;

/// The records of one partition, in order, for its processor.
pub struct Input(Arc<Queue>);

/// What was taken from an input.
#[derive(Debug, Default)]
pub struct Taken {
    /// Records, in order; may be none.
    pub records: Vec<Record>,
    /// Nothing is behind these records for now: the end of the partition, as the next offset to read.
    pub end: Option<Offset>,
}

impl Input {
    /// Takes what waits, up to the bounds and at least one record. Waits for the first. `None` when the partition is to be
    /// let go: what was taken before is to be finished, and nothing else. Cancel-safe.
    pub async fn next(&mut self, records_max: usize, bytes_max: usize) -> Option<Taken> {
        self.next_within(|| Some((records_max, bytes_max))).await
    }

    /// The same with bounds (records, bytes) that are asked for when something is there to take. Without bounds nothing is
    /// taken. What the bounds set aside is answered for: nothing is awaited between asking and returning.
    pub(crate) async fn next_within(&mut self, mut bounds: impl FnMut() -> Option<(usize, usize)>) -> Option<Taken> {
        loop {
            {
                let mut state = self.0.lock();
                if state.closed {
                    return None;
                }
                if !state.records.is_empty() || state.end.is_some() {
                    let Some((records_max, bytes_max)) = bounds() else { return Some(Taken::default()) };
                    let taken = state.take(records_max, bytes_max);
                    if state.awaited.is_some_and(|low| state.bytes <= low) {
                        state.awaited = None;
                        self.0.drained.notify_one();
                    }
                    return Some(taken);
                }
            }
            self.0.filled.notified().await;
        }
    }

    /// Waits until the partition has begun to be fetched, takes nothing, and tells where: the first record, or the end where
    /// there is none. Whatever owners before have committed in transactions is settled then. `None` when the partition is to
    /// be let go. Cancel-safe.
    pub async fn begins(&mut self) -> Option<Offset> {
        loop {
            {
                let state = self.0.lock();
                if state.closed {
                    return None;
                }
                if let Some(begin) = state.records.front().map(Record::offset).or(state.end) {
                    return Some(begin);
                }
            }
            self.0.filled.notified().await;
        }
    }

    /// Resolves when the partition is to be let go: for a processor that stands at a record it has taken. Cancel-safe.
    pub async fn closed(&mut self) {
        while !self.0.lock().closed {
            self.0.filled.notified().await;
        }
    }
}

/// The engine's end of an input.
pub(crate) struct Queue {
    state: Mutex<State>,
    filled: Notify,
    /// Tells the engine that there is room again, where it waits for that.
    drained: Arc<Notify>,
}

#[derive(Default)]
struct State {
    records: VecDeque<Record>,
    bytes: usize,
    end: Option<Offset>,
    /// Nothing is behind what waits, for now.
    at_end: bool,
    /// The engine wants to know when no more bytes wait than these, or none.
    awaited: Option<usize>,
    closed: bool,
}

impl State {
    fn take(&mut self, records_max: usize, bytes_max: usize) -> Taken {
        let mut taken = Taken::default();
        let mut bytes = 0;
        while taken.records.len() < records_max.max(1)
            && let Some(record) = self.records.front()
        {
            bytes += record.size();
            if bytes > bytes_max && !taken.records.is_empty() {
                break;
            }
            self.bytes -= record.size();
            taken.records.extend(self.records.pop_front());
        }
        if self.records.is_empty() {
            taken.end = self.end.take();
        }
        taken
    }
}

impl Queue {
    pub(crate) fn new(drained: Arc<Notify>) -> (Arc<Self>, Input) {
        let queue = Arc::new(Self { state: Mutex::default(), filled: Notify::new(), drained });
        (queue.clone(), Input(queue))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds records behind the ones that wait; drops them once the partition is let go. Never waits: the engine pauses the
    /// partition past its bound.
    pub(crate) fn push(&self, records: impl IntoIterator<Item = Record>) {
        let mut state = self.lock();
        if state.closed {
            return records.into_iter().for_each(drop);
        }
        for record in records {
            state.bytes += record.size();
            state.records.push_back(record);
        }
        (state.end, state.at_end) = (None, false);
    }

    pub(crate) fn push_end(&self, end: Offset) {
        let mut state = self.lock();
        (state.end, state.at_end) = (Some(end), true);
    }

    /// Whether no more bytes wait than `low`. If not, `drained` is told once that is so.
    pub(crate) fn is_below(&self, low: usize) -> bool {
        let mut state = self.lock();
        let below = state.bytes <= low;
        state.awaited = (!below).then_some(low);
        below
    }

    /// Whether nothing waits although the partition has more.
    pub(crate) fn is_starved(&self) -> bool {
        let state = self.lock();
        state.records.is_empty() && !state.at_end
    }

    pub(crate) fn wake(&self) {
        self.filled.notify_one();
    }

    pub(crate) fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// Drops what waits and lets the processor finish.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.records.clear();
        state.bytes = 0;
        drop(state);
        self.filled.notify_one();
    }
}

/// How far a processor has come. Cheap to call for every record.
#[derive(Clone)]
pub struct Progress {
    reached: Arc<Reached>,
    membership: Option<Membership>,
}

pub(crate) struct Reached {
    next: AtomicI64,
    caught_up: AtomicBool,
    changed: Arc<Notify>,
    commit: Mutex<Commit>,
    told: Notify,
    /// Whose turn it is to commit the position: the engine's, or that of a transaction.
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// A commit that the processor waits for.
#[derive(Default)]
struct Commit {
    wanted: Option<Offset>,
    committed: Option<Offset>,
    /// Where the partition began: all before that was done by others.
    began: Option<Offset>,
    /// The partition is being let go: nobody commits for the processor until it has ended.
    closed: bool,
}

const NOWHERE: i64 = -1;

impl Progress {
    pub(crate) fn new(changed: Arc<Notify>, membership: Option<Membership>) -> (Self, Arc<Reached>) {
        let reached = Arc::new(Reached {
            next: AtomicI64::new(NOWHERE),
            caught_up: AtomicBool::new(false),
            changed,
            commit: Mutex::default(),
            told: Notify::new(),
            turn: Arc::default(),
        });
        (Self { reached: reached.clone(), membership }, reached)
    }

    /// Everything before `next` is done: the group may commit it.
    pub fn advance(&self, next: Offset) {
        self.reached.next.store(next.0, Ordering::Release);
    }

    /// Commits `next` to the group now, before anything of it is done. False when the partition is let go first: then it was
    /// not committed, and nothing of it may be done.
    pub async fn commit(&self, next: Offset) -> bool {
        let before = self.reached.next.swap(next.0, Ordering::AcqRel);
        self.reached.lock().wanted = Some(next);
        self.reached.changed.notify_one();
        loop {
            let told = self.reached.told.notified();
            {
                let mut commit = self.reached.lock();
                if commit.committed.is_some_and(|committed| committed >= next) {
                    return true;
                }
                if commit.closed {
                    commit.wanted = None;
                    self.reached.next.store(before, Ordering::Release);
                    return false;
                }
            }
            told.await;
        }
    }

    /// Everything before `next` is done, and a transaction has committed that to the group already.
    pub fn advance_committed(&self, next: Offset) {
        self.reached.committed(next);
        self.advance(next);
    }

    /// Where the partition began for this owner.
    pub(crate) fn begin(&self, at: Offset) {
        self.reached.lock().began = Some(at);
    }

    /// The position before which everything is done, as far as is known: what a transaction may commit. `None` before the
    /// partition has begun. While whole positions are committed first ([`Progress::commit`]) it is what was committed.
    pub(crate) fn done_before(&self) -> Option<Offset> {
        let commit = self.reached.lock();
        let done = if commit.wanted.is_some() { commit.committed } else { self.reached.next() };
        done.max(commit.began)
    }

    /// Waits until nobody else commits the position, and keeps others from it.
    pub(crate) async fn turn(&self) -> tokio::sync::OwnedMutexGuard<()> {
        self.reached.turn.clone().lock_owned().await
    }

    /// A transaction has committed this position to the group, in its turn.
    pub(crate) fn is_committed(&self, next: Offset) {
        self.reached.committed(next);
        // What the engine passed over in that turn is looked at again.
        self.reached.changed.notify_one();
    }

    /// Whether the positions of both are committed by one member.
    pub(crate) fn is_of_same_member(&self, other: &Self) -> bool {
        match (&self.membership, &other.membership) {
            (None, None) => true,
            (Some(one), Some(other)) => one.is_of_same_member(other),
            _ => false,
        }
    }

    /// The member that has the partition, for transactions that move the group's positions; none without a group.
    #[must_use]
    pub fn membership(&self) -> Option<&Membership> {
        self.membership.as_ref()
    }

    /// Everything up to the end of the partition is done.
    pub fn caught_up(&self, end: Offset) {
        self.advance(end);
        if !self.reached.caught_up.swap(true, Ordering::AcqRel) {
            self.reached.changed.notify_one();
        }
    }
}

impl Reached {
    fn lock(&self) -> MutexGuard<'_, Commit> {
        self.commit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn next(&self) -> Option<Offset> {
        match self.next.load(Ordering::Acquire) {
            NOWHERE => None,
            next => Some(Offset(next)),
        }
    }

    /// Whether the end was ever reached.
    pub(crate) fn caught_up(&self) -> bool {
        self.caught_up.load(Ordering::Acquire)
    }

    /// The turn to commit the position, if nobody else has it now.
    pub(crate) fn try_turn(&self) -> Option<tokio::sync::OwnedMutexGuard<()>> {
        self.turn.clone().try_lock_owned().ok()
    }

    /// The turn to commit the position, when whoever has it is done.
    pub(crate) async fn turn(&self) -> tokio::sync::OwnedMutexGuard<()> {
        self.turn.clone().lock_owned().await
    }

    /// Whether the processor waits for a commit.
    pub(crate) fn wants_commit(&self) -> bool {
        let commit = self.lock();
        commit.wanted.is_some_and(|wanted| commit.committed.is_none_or(|committed| committed < wanted))
    }

    /// Whether the group has this position already.
    pub(crate) fn is_committed(&self, next: Offset) -> bool {
        self.lock().committed == Some(next)
    }

    pub(crate) fn committed(&self, next: Offset) {
        self.lock().committed = Some(next);
        self.told.notify_waiters();
    }

    /// Nobody commits for the processor any more.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.told.notify_waiters();
    }
}

/// A processor's partition without an engine: for tests, simulations and benches.
pub struct HandFed {
    queue: Arc<Queue>,
    reached: Arc<Reached>,
    changed: Arc<Notify>,
}

impl HandFed {
    /// A partition, and what its processor is given.
    #[must_use]
    pub fn new() -> (Self, Input, Progress) {
        let changed = Arc::new(Notify::new());
        let (queue, input) = Queue::new(changed.clone());
        let (progress, reached) = Progress::new(changed.clone(), None);
        (Self { queue, reached, changed }, input, progress)
    }

    /// Records come. Never waits: look at [`HandFed::waiting_bytes`].
    pub fn push(&self, records: impl IntoIterator<Item = Record>) {
        self.queue.push(records);
        self.queue.wake();
    }

    /// The end of the partition is reached.
    pub fn end(&self, end: Offset) {
        self.queue.push_end(end);
        self.queue.wake();
    }

    /// The partition is let go.
    pub fn close(&self) {
        self.queue.close();
        self.reached.close();
    }

    /// Bytes that the processor has not taken.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.queue.bytes()
    }

    /// Everything before this is done.
    #[must_use]
    pub fn next(&self) -> Option<Offset> {
        self.reached.next()
    }

    /// Waits until everything up to an end was done once.
    pub async fn caught_up(&self) {
        while !self.reached.caught_up() {
            self.changed.notified().await;
        }
    }
}
