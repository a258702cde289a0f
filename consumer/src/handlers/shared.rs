//! What the partitions of a member share: places for open calls, the byte bound, the circuit breaker, the row of poison.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use super::HandlersSettings;
use crate::{Breaker, KeyHash, Permission, Random};

pub(super) struct Shared {
    places: Arc<Semaphore>,
    bytes: AtomicUsize,
    guarded: Mutex<Guarded>,
    /// Whether the breaker has nothing on record: what each success looks at, without the lock.
    calm: AtomicBool,
    poison_in_a_row: AtomicU32,
    poison_in_a_row_max: u32,
}

struct Guarded {
    breaker: Breaker,
    random: Random,
}

impl Shared {
    pub(super) fn new(settings: &HandlersSettings) -> Self {
        let guarded = Guarded { breaker: Breaker::new(settings.breaker), random: Random::new(settings.seed) };
        Self {
            places: Arc::new(Semaphore::new(settings.concurrency.min(Semaphore::MAX_PERMITS))),
            bytes: AtomicUsize::new(0),
            guarded: Mutex::new(guarded),
            calm: AtomicBool::new(true),
            poison_in_a_row: AtomicU32::new(0),
            poison_in_a_row_max: settings.poison_in_a_row_max,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Guarded> {
        self.guarded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for an open call, if one is free.
    pub(super) fn place(&self) -> Option<OwnedSemaphorePermit> {
        self.places.clone().try_acquire_owned().ok()
    }

    /// The next place that is free, in the order of asking.
    pub(super) fn places(&self) -> Arc<Semaphore> {
        self.places.clone()
    }

    /// Exchanges what a partition had in hand for what it has now.
    pub(super) fn count_bytes(&self, before: usize, now: usize) {
        if now >= before {
            self.bytes.fetch_add(now - before, Ordering::Relaxed);
        } else {
            self.bytes.fetch_sub(before - now, Ordering::Relaxed);
        }
    }

    /// Counts up to `want` bytes as in hand, as far as the sum stays within `max`, and says how many those are.
    pub(super) fn reserve(&self, want: usize, max: usize) -> usize {
        let free = |bytes: usize| want.min(max.saturating_sub(bytes));
        let before = self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |bytes| Some(bytes + free(bytes)));
        before.map_or(0, free)
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Whether no call is held back, and no success needs to be told.
    pub(super) fn is_calm(&self) -> bool {
        self.calm.load(Ordering::Relaxed)
    }

    pub(super) fn ask(&self) -> Permission {
        if self.is_calm() { Permission::Go } else { self.lock().breaker.ask(Instant::now()) }
    }

    /// A call was answered with success.
    pub(super) fn succeeded(&self) {
        if self.poison_in_a_row.load(Ordering::Relaxed) != 0 {
            self.poison_in_a_row.store(0, Ordering::Relaxed);
        }
        self.answered();
    }

    /// A call was answered. A call that ends while others fail closes the breaker: what they depend on is there.
    fn answered(&self) {
        if !self.is_calm() {
            let mut guarded = self.lock();
            if guarded.breaker.answered() {
                tracing::info!("handlers are answered again: the dispatch goes on");
            }
            self.calm.store(guarded.breaker.is_calm(), Ordering::Relaxed);
        }
    }

    /// A record was poison to its handler. True when too many were, in a row.
    pub(super) fn refused(&self) -> bool {
        self.answered();
        self.unreadable()
    }

    /// A record could not be read. True when too many could not be used, in a row.
    pub(super) fn unreadable(&self) -> bool {
        self.poison_in_a_row.fetch_add(1, Ordering::Relaxed) + 1 >= self.poison_in_a_row_max
    }

    /// A call failed for now.
    pub(super) fn failed(&self, key: Option<KeyHash>, probe: bool) {
        let mut guarded = self.lock();
        let Guarded { breaker, random } = &mut *guarded;
        if breaker.failed(key, probe, Instant::now(), random) {
            tracing::error!("calls of several keys fail in a row: the dispatch pauses, and tries one record at a time");
        }
        self.calm.store(breaker.is_calm(), Ordering::Relaxed);
    }

    /// The call that was to find out ended without an answer.
    pub(super) fn abandoned(&self) {
        self.lock().breaker.abandoned(Instant::now());
    }

    /// Draws, with the chance that the member has.
    pub(super) fn draw<T>(&self, draw: impl FnOnce(&mut Random) -> T) -> T {
        draw(&mut self.lock().random)
    }
}
