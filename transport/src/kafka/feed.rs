//! From the thread that polls to the task that takes: a queue bounded by bytes.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

use crate::{Assignment, Fetched, ReadError, Record, Revocation, TopicPartition};

/// What the thread hands over.
pub(super) enum Item {
    Fetched(Fetched),
    Assigned(Assignment),
    Revoked(Revocation),
    Failed(ReadError),
}

/// One thread pushes, one task takes. Order is kept. The bound is the pusher's to respect (see [`Feed::await_room`]): a
/// push always succeeds, so that what was fetched already is never lost, and the bound is passed by one batch at most.
pub(super) struct Feed {
    state: Mutex<State>,
    filled: Notify,
    drained: Condvar,
    bytes_max: usize,
}

#[derive(Default)]
struct State {
    /// Each with its size in bytes.
    items: VecDeque<(Item, usize)>,
    bytes: usize,
    closed: bool,
}

impl Feed {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { state: Mutex::default(), filled: Notify::new(), drained: Condvar::new(), bytes_max: bytes_max.max(1) }
    }

    /// A failure right behind another one is left out, so that failures nobody takes do not pile up.
    pub(super) fn push(&self, item: Item) {
        let bytes = size(&item);
        let mut state = self.lock();
        if matches!((&item, state.items.back()), (Item::Failed(_), Some((Item::Failed(_), _)))) {
            return;
        }
        state.bytes += bytes;
        state.items.push_back((item, bytes));
        drop(state);
        self.filled.notify_one();
    }

    /// Hands over an event of the group. It passes records that wait, so that a slow taker learns of it in time.
    pub(super) fn push_ahead(&self, item: Item) {
        let mut state = self.lock();
        let is_fetched = |item: &Item| matches!(item, Item::Fetched(_));
        let at = state.items.iter().rposition(|(waiting, _)| !is_fetched(waiting)).map_or(0, |last| last + 1);
        state.items.insert(at, (item, 0));
        drop(state);
        self.filled.notify_one();
    }

    /// After what is queued, [`Feed::take`] says that the reader is closed.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_one();
    }

    /// The next item, in order. Cancel-safe: an item leaves the queue only when it is returned. The flag is true when
    /// this made room after the bound had been reached.
    pub(super) async fn take(&self) -> (Item, bool) {
        loop {
            let filled = self.filled.notified();
            if let Some(taken) = self.try_take() {
                return taken;
            }
            filled.await;
        }
    }

    fn try_take(&self) -> Option<(Item, bool)> {
        let mut state = self.lock();
        let Some((item, bytes)) = state.items.pop_front() else {
            return state.closed.then_some((Item::Failed(ReadError::Closed), false));
        };
        let was_low = self.is_low(&state);
        state.bytes -= bytes;
        let made_room = !was_low && self.is_low(&state);
        drop(state);
        if made_room {
            self.drained.notify_one();
        }
        Some((item, made_room))
    }

    pub(super) fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    /// Whether the bound is reached.
    pub(super) fn is_full(&self) -> bool {
        self.lock().bytes >= self.bytes_max
    }

    /// Whether half of what the bound allows is free again.
    pub(super) fn has_room(&self) -> bool {
        self.is_low(&self.lock())
    }

    /// Waits until there is room again, at most `wait`.
    pub(super) fn await_room(&self, wait: Duration) -> bool {
        let state = self.lock();
        let (state, _) = self
            .drained
            .wait_timeout_while(state, wait, |state| !self.is_low(state))
            .unwrap_or_else(PoisonError::into_inner);
        self.is_low(&state)
    }

    /// Takes the records and ends of these partitions out of the queue.
    pub(super) fn discard(&self, partitions: &HashSet<TopicPartition>) {
        let mut state = self.lock();
        let gone = |topic: &std::sync::Arc<str>, partition| {
            partitions.contains(&TopicPartition { topic: topic.clone(), partition })
        };
        for (item, bytes) in &mut state.items {
            if let Item::Fetched(fetched) = item {
                fetched.records.retain(|record| !gone(record.topic(), record.partition()));
                fetched.ends.retain(|(end, _)| !gone(&end.topic, end.partition));
                *bytes = size(item);
            }
        }
        state.items.retain(|(item, _)| !matches!(item, Item::Fetched(f) if f.records.is_empty() && f.ends.is_empty()));
        state.bytes = state.items.iter().map(|(_, bytes)| bytes).sum();
    }

    fn is_low(&self, state: &State) -> bool {
        state.bytes <= self.bytes_max / 2
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn size(item: &Item) -> usize {
    match item {
        Item::Fetched(fetched) => fetched.records.iter().map(Record::size).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Offset;

    fn fetched(partition: i32, offset: i64, bytes: usize) -> Item {
        let value = Some(vec![0; bytes].into());
        let record = Record::shared("t".into(), partition, Offset(offset), 0, None, value, bytes::Bytes::new());
        Item::Fetched(Fetched { records: vec![record], ends: Vec::new() })
    }

    fn offset(item: &Item) -> i64 {
        match item {
            Item::Fetched(fetched) => fetched.records[0].offset().0,
            _ => -1,
        }
    }

    #[tokio::test]
    async fn keeps_the_order_and_says_when_there_is_room() {
        let feed = Feed::new(1000);
        for at in 0..3 {
            feed.push(fetched(0, at, 300));
        }
        assert!(feed.is_full() && !feed.has_room());
        let taken = [feed.take().await, feed.take().await, feed.take().await];
        assert_eq!(
            taken.each_ref().map(|(item, made_room)| (offset(item), *made_room)),
            [(0, false), (1, true), (2, false)]
        );
        assert!(feed.has_room());
    }

    #[tokio::test]
    async fn a_take_that_is_dropped_loses_nothing() {
        let feed = Feed::new(1000);
        assert!(tokio::time::timeout(Duration::from_millis(1), feed.take()).await.is_err());
        feed.push(fetched(0, 7, 1));
        assert_eq!(offset(&feed.take().await.0), 7);
    }

    #[tokio::test]
    async fn discards_only_what_was_revoked() {
        let feed = Feed::new(1000);
        feed.push(fetched(0, 1, 600));
        feed.push(fetched(1, 2, 600));
        feed.discard(&HashSet::from([TopicPartition::new("t", 0)]));
        assert!(!feed.is_full());
        assert_eq!(offset(&feed.take().await.0), 2);
        feed.close();
        assert!(matches!(feed.take().await.0, Item::Failed(ReadError::Closed)));
    }

    #[tokio::test]
    async fn an_event_passes_records_and_nothing_else() {
        let feed = Feed::new(1000);
        let assigned =
            |topic: &str| Item::Assigned(Assignment { partitions: vec![TopicPartition::new(topic, 0)], start: None });
        feed.push(fetched(0, 1, 1));
        feed.push_ahead(assigned("a"));
        feed.push(fetched(0, 2, 1));
        feed.push_ahead(assigned("b"));
        let mut taken = Vec::new();
        for _ in 0..4 {
            taken.push(match feed.take().await.0 {
                Item::Assigned(assignment) => assignment.partitions[0].topic.to_string(),
                item => offset(&item).to_string(),
            });
        }
        assert_eq!(taken, ["a", "b", "1", "2"]);
    }

    #[tokio::test]
    async fn failures_do_not_pile_up() {
        let feed = Feed::new(1000);
        for _ in 0..3 {
            feed.push(Item::Failed(ReadError::Closed));
        }
        feed.push(fetched(0, 1, 1));
        assert!(matches!(feed.take().await.0, Item::Failed(ReadError::Closed)));
        assert_eq!(offset(&feed.take().await.0), 1);
    }

    #[test]
    fn waits_for_room_only_so_long() {
        let feed = Feed::new(10);
        assert!(feed.await_room(Duration::ZERO));
        feed.push(fetched(0, 1, 100));
        assert!(!feed.await_room(Duration::from_millis(1)));
    }
}
