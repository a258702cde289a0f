//! A queue from a thread to a task, bounded in bytes.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

/// Makes a queue that holds up to `bytes_max`; one item larger than that goes through alone.
pub(crate) fn handoff<T>(bytes_max: usize) -> (Giver<T>, Taker<T>) {
    let shared = Arc::new(Shared {
        state: Mutex::new(State { items: VecDeque::new(), bytes: 0, bytes_max, giver_gone: false, taker_gone: false }),
        room: Condvar::new(),
        filled: Notify::new(),
    });
    (Giver(shared.clone()), Taker(shared))
}

struct Shared<T> {
    state: Mutex<State<T>>,
    room: Condvar,
    filled: Notify,
}

struct State<T> {
    items: VecDeque<(T, usize)>,
    bytes: usize,
    bytes_max: usize,
    giver_gone: bool,
    taker_gone: bool,
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread's end.
pub(crate) struct Giver<T>(Arc<Shared<T>>);

/// Why an item came back.
pub(crate) enum NotGiven<T> {
    /// The bound was reached for the whole wait; the item is handed back.
    Full(T),
    /// Nobody takes any more.
    Closed,
}

impl<T> Giver<T> {
    /// Adds an item, waiting up to `wait` for room.
    pub(crate) fn give(&self, item: T, bytes: usize, wait: Duration) -> Result<(), NotGiven<T>> {
        let state = self.0.lock();
        let full = |s: &mut State<T>| !s.taker_gone && !s.items.is_empty() && s.bytes + bytes > s.bytes_max;
        let (mut state, _) = self.0.room.wait_timeout_while(state, wait, full).unwrap_or_else(PoisonError::into_inner);
        if state.taker_gone {
            return Err(NotGiven::Closed);
        }
        if full(&mut state) {
            return Err(NotGiven::Full(item));
        }
        state.items.push_back((item, bytes));
        state.bytes += bytes;
        drop(state);
        self.0.filled.notify_one();
        Ok(())
    }

    /// Adds an item past the bound: for the few that must not wait behind records.
    pub(crate) fn give_now(&self, item: T) {
        self.0.lock().items.push_back((item, 0));
        self.0.filled.notify_one();
    }

    /// Adds an item past the bound and before all waiting items that `may_pass` allows, counted from the back.
    pub(crate) fn give_ahead(&self, item: T, may_pass: impl Fn(&T) -> bool) {
        let mut state = self.0.lock();
        let at = state.items.iter().rposition(|(waiting, _)| !may_pass(waiting)).map_or(0, |last| last + 1);
        state.items.insert(at, (item, 0));
        drop(state);
        self.0.filled.notify_one();
    }

    /// Changes or drops items that nobody has taken yet.
    pub(crate) fn revise(&self, mut keep: impl FnMut(&mut T) -> bool) {
        let mut state = self.0.lock();
        let mut freed = 0;
        state.items.retain_mut(|(item, bytes)| {
            let keep = keep(item);
            if !keep {
                freed += *bytes;
            }
            keep
        });
        state.bytes -= freed;
        drop(state);
        self.0.room.notify_all();
    }

    /// Whether nobody takes any more.
    pub(crate) fn closed(&self) -> bool {
        self.0.lock().taker_gone
    }
}

impl<T> Drop for Giver<T> {
    fn drop(&mut self) {
        self.0.lock().giver_gone = true;
        self.0.filled.notify_one();
    }
}

/// The task's end. Only one task takes at a time.
pub(crate) struct Taker<T>(Arc<Shared<T>>);

impl<T> Taker<T> {
    /// The next item; `None` when the thread is gone and all is taken. Cancel-safe.
    pub(crate) async fn take(&mut self) -> Option<T> {
        loop {
            {
                let mut state = self.0.lock();
                if let Some((item, bytes)) = state.items.pop_front() {
                    state.bytes -= bytes;
                    drop(state);
                    self.0.room.notify_one();
                    return Some(item);
                }
                if state.giver_gone {
                    return None;
                }
            }
            self.0.filled.notified().await;
        }
    }
}

impl<T> Drop for Taker<T> {
    fn drop(&mut self) {
        self.0.lock().taker_gone = true;
        self.0.room.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn holds_items_up_to_its_bound_and_one_larger_than_it() {
        let (giver, mut taker) = handoff(10);
        assert!(giver.give("a", 100, Duration::ZERO).is_ok(), "alone it passes");
        assert!(matches!(giver.give("b", 1, Duration::ZERO), Err(NotGiven::Full("b"))));
        assert_eq!(taker.take().await, Some("a"));
        assert!(giver.give("b", 5, Duration::ZERO).is_ok());
        assert!(giver.give("c", 5, Duration::ZERO).is_ok());
        assert!(matches!(giver.give("d", 1, Duration::ZERO), Err(NotGiven::Full("d"))));
        giver.revise(|item| *item != "b");
        assert!(giver.give("d", 1, Duration::ZERO).is_ok());
        giver.give_ahead("e", |item| *item == "d");
        drop(giver);
        let mut left = Vec::new();
        while let Some(item) = taker.take().await {
            left.push(item);
        }
        assert_eq!(left, ["c", "e", "d"]);
    }

    #[test]
    fn says_when_nobody_takes() {
        let (giver, taker) = handoff(10);
        drop(taker);
        assert!(matches!(giver.give(1, 1, Duration::from_secs(5)), Err(NotGiven::Closed)));
        assert!(giver.closed());
    }
}
