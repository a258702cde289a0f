//! What a running sink is doing right now, for metrics and readiness. Written a few times a batch, never a record.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use coursebus_transport::{Offset, Record, TopicPartition};

use crate::HeldCount;

/// Upper bounds of the histogram of batch durations, in seconds.
pub const SECONDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The partitions that a sink owns in this process. Cheap to clone: all clones are one.
#[derive(Debug, Clone, Default)]
pub struct Watch(Arc<Mutex<Watched>>);

#[derive(Debug, Default)]
struct Watched {
    lanes: HashMap<TopicPartition, Lane>,
    totals: HashMap<TopicPartition, Totals>,
    held: Vec<HeldCount>,
}

/// Counts since the process started; they outlive a partition's stay.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Totals {
    /// Records that were processed: applied, held, or of a type that the sink does not read.
    pub records: u64,
    /// Transactions that were tried again.
    pub retries: u64,
    /// Batches that were done.
    pub batches: u64,
    /// How long all batches took together.
    pub seconds: f64,
    /// How many batches took at most so long, by [`SECONDS`]; longer ones are in none.
    pub within: [u64; SECONDS.len()],
}

#[derive(Debug)]
struct Lane {
    next: Option<Offset>,
    busy: Option<Busy>,
    /// The largest end that was seen in the log.
    latest: Option<Offset>,
    /// Nothing is to be read before this: the end that was told last, and what was the log's end then.
    caught_up: Option<Offset>,
    /// Since when the log is known to have more, while nothing is in flight.
    behind_since: Option<Instant>,
    retention: Option<Duration>,
    stopped: Option<String>,
}

#[derive(Debug)]
struct Busy {
    since: Instant,
    /// When the first of the batch was emitted; none while the partition is being taken over.
    oldest_ms: Option<i64>,
}

/// A partition as of one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct PartitionView {
    /// Topic and partition.
    pub partition: TopicPartition,
    /// The next offset to apply, once known.
    pub next: Option<Offset>,
    /// How many records wait at most: a difference of offsets, which counts holes. None before the log was asked.
    pub lag_bound: Option<i64>,
    /// How long ago the first record that is not applied was emitted; zero where none waits. While records wait that were
    /// not fetched yet, how long they have been known to.
    pub lag: Duration,
    /// How long the batch that is being applied has been so.
    pub in_flight: Option<Duration>,
    /// How long records have been waiting without any progress.
    pub waiting: Option<Duration>,
    /// How long the topic keeps records.
    pub retention: Option<Duration>,
    /// Why the partition goes no further until someone acts.
    pub stopped: Option<String>,
    /// Counts since the process started.
    pub totals: Totals,
}

impl PartitionView {
    /// Whether records wait and nothing has moved for so long, or the sink says that it goes no further.
    #[must_use]
    pub fn is_stuck(&self, after: Duration) -> bool {
        self.stopped.is_some() || self.waiting.is_some_and(|waiting| waiting >= after)
    }
}

impl Watch {
    fn lock(&self) -> MutexGuard<'_, Watched> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with(&self, partition: &TopicPartition, change: impl FnOnce(&mut Lane)) {
        if let Some(lane) = self.lock().lanes.get_mut(partition) {
            change(lane);
        }
    }

    /// Partitions are being taken over, which waits for the database.
    pub(crate) fn taking(&self, partitions: &[TopicPartition]) {
        let mut watched = self.lock();
        for partition in partitions {
            let busy = Some(Busy { since: Instant::now(), oldest_ms: None });
            let lane = Lane {
                next: None,
                busy,
                latest: None,
                caught_up: None,
                behind_since: None,
                retention: None,
                stopped: None,
            };
            watched.lanes.insert(partition.clone(), lane);
        }
    }

    /// A partition was taken over and starts here.
    pub(crate) fn owned(&self, partition: &TopicPartition, next: Offset) {
        self.with(partition, |lane| {
            lane.next = Some(next);
            lane.busy = None;
        });
    }

    /// A batch was begun.
    pub(crate) fn begun(&self, partition: &TopicPartition, first: &Record) {
        self.with(partition, |lane| {
            lane.behind_since = None;
            lane.busy = Some(Busy { since: Instant::now(), oldest_ms: Some(first.timestamp_ms()) });
        });
    }

    /// A transaction is tried again.
    pub(crate) fn retried(&self, partition: &TopicPartition) {
        self.lock().totals.entry(partition.clone()).or_default().retries += 1;
    }

    /// A batch is done.
    pub(crate) fn done(&self, partition: &TopicPartition, next: Offset, records: usize) {
        let mut watched = self.lock();
        let Some(lane) = watched.lanes.get_mut(partition) else { return };
        lane.next = Some(next);
        let took = lane.busy.take().map_or(0.0, |busy| busy.since.elapsed().as_secs_f64());
        let totals = watched.totals.entry(partition.clone()).or_default();
        totals.records += records as u64;
        totals.batches += 1;
        totals.seconds += took;
        for (bound, count) in SECONDS.iter().zip(&mut totals.within) {
            *count += u64::from(took <= *bound);
        }
    }

    /// Nothing is behind this for now.
    pub(crate) fn ended(&self, partition: &TopicPartition, end: Offset) {
        self.with(partition, |lane| {
            lane.next = Some(end);
            // What the log was known to have is read, holes included.
            lane.caught_up = lane.latest.max(Some(end));
            lane.behind_since = None;
        });
    }

    /// The partition goes no further until someone acts; says whether that is news.
    pub(crate) fn stands(&self, partition: &TopicPartition, why: String) -> bool {
        let mut watched = self.lock();
        let lane = watched.lanes.get_mut(partition);
        lane.is_some_and(|lane| lane.stopped.replace(why.clone()) != Some(why))
    }

    /// It goes on.
    pub(crate) fn goes_on(&self, partition: &TopicPartition) {
        self.with(partition, |lane| lane.stopped = None);
    }

    /// The partitions that go no further until someone acts, and why.
    #[must_use]
    pub fn stopped(&self) -> Vec<(TopicPartition, String)> {
        let watched = self.lock();
        let why = watched.lanes.iter().filter_map(|(partition, lane)| Some((partition.clone(), lane.stopped.clone()?)));
        let mut stopped: Vec<_> = why.collect();
        stopped.sort_unstable();
        stopped
    }

    /// The partition is not this process's any more when the value is dropped.
    pub(crate) fn until_dropped(&self, partition: &TopicPartition) -> Guard {
        Guard { watch: self.clone(), partition: partition.clone() }
    }

    /// What the log says of a partition.
    pub(crate) fn polled(&self, partition: &TopicPartition, latest: Offset, retention: Option<Duration>) {
        self.with(partition, |lane| {
            lane.latest = lane.latest.max(Some(latest));
            lane.retention = retention;
            let read = lane.caught_up.max(lane.next);
            if lane.busy.is_some() || read.is_some_and(|read| latest <= read) {
                lane.behind_since = None;
            } else if lane.behind_since.is_none() {
                lane.behind_since = Some(Instant::now());
            }
        });
    }

    /// What the database says of held records.
    pub(crate) fn counted(&self, held: Vec<HeldCount>) {
        self.lock().held = held;
    }

    /// The partitions that are owned.
    #[must_use]
    pub fn partitions(&self) -> Vec<TopicPartition> {
        self.lock().lanes.keys().cloned().collect()
    }

    /// Held records of the group, by partition and cause, as counted last.
    #[must_use]
    pub fn held(&self) -> Vec<HeldCount> {
        self.lock().held.clone()
    }

    /// Every owned partition as of now, by topic and partition. `now_ms` is the wall clock's, for the age of records.
    #[must_use]
    pub fn view(&self, now_ms: i64) -> Vec<PartitionView> {
        let watched = self.lock();
        let mut views: Vec<_> = watched
            .lanes
            .iter()
            .map(|(partition, lane)| {
                lane.view(partition, watched.totals.get(partition).copied().unwrap_or_default(), now_ms)
            })
            .collect();
        views.sort_unstable_by(|a, b| a.partition.cmp(&b.partition));
        views
    }
}

impl Lane {
    fn view(&self, partition: &TopicPartition, totals: Totals, now_ms: i64) -> PartitionView {
        let in_flight = self.busy.as_ref().map(|busy| busy.since.elapsed());
        let behind = self.behind_since.map(|since| since.elapsed());
        // A clock that stepped back makes no negative age.
        let age = |ms: i64| Duration::from_millis(u64::try_from(now_ms.saturating_sub(ms)).unwrap_or_default());
        let oldest = self.busy.as_ref().and_then(|busy| busy.oldest_ms).map(age);
        let read = self.caught_up.max(self.next);
        PartitionView {
            partition: partition.clone(),
            next: self.next,
            lag_bound: self.latest.zip(read).map(|(latest, read)| (latest.0 - read.0).max(0)),
            lag: oldest.or(behind).unwrap_or_default(),
            in_flight,
            waiting: in_flight.or(behind),
            retention: self.retention,
            stopped: self.stopped.clone(),
            totals,
        }
    }
}

/// Forgets a partition when dropped.
pub(crate) struct Guard {
    watch: Watch,
    partition: TopicPartition,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.watch.lock().lanes.remove(&self.partition);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AFTER: Duration = Duration::from_millis(1);

    fn one(watch: &Watch) -> PartitionView {
        watch.view(1_000).remove(0)
    }

    fn watched() -> (Watch, TopicPartition) {
        let (watch, partition) = (Watch::default(), TopicPartition::new("t", 0));
        watch.taking(std::slice::from_ref(&partition));
        watch.owned(&partition, Offset(5));
        (watch, partition)
    }

    /// Lets the clock pass a bound of a test's own: there is nothing to wait for but time.
    fn pass() {
        let began = Instant::now();
        while began.elapsed() < AFTER * 2 {
            std::hint::spin_loop();
        }
    }

    #[test]
    fn a_partition_at_its_end_is_never_stuck() {
        let (watch, partition) = watched();
        watch.ended(&partition, Offset(5));
        watch.polled(&partition, Offset(5), None);
        pass();
        let view = one(&watch);
        assert_eq!((view.is_stuck(AFTER), view.lag_bound, view.lag), (false, Some(0), Duration::ZERO));
    }

    #[test]
    fn holes_behind_the_end_are_no_waiting_records() {
        let (watch, partition) = watched();
        // The log counts a transaction's marker, which is never handed out.
        watch.polled(&partition, Offset(7), None);
        watch.ended(&partition, Offset(6));
        watch.polled(&partition, Offset(7), None);
        pass();
        assert_eq!((one(&watch).is_stuck(AFTER), one(&watch).lag_bound), (false, Some(0)));
    }

    #[test]
    fn records_that_wait_without_progress_are_stuck() {
        let (watch, partition) = watched();
        watch.ended(&partition, Offset(5));
        watch.polled(&partition, Offset(9), None);
        pass();
        assert_eq!((one(&watch).is_stuck(AFTER), one(&watch).lag_bound), (true, Some(4)));
        watch.done(&partition, Offset(9), 4);
        watch.polled(&partition, Offset(9), None);
        assert!(!one(&watch).is_stuck(AFTER));
    }

    #[test]
    fn taking_over_for_long_is_stuck() {
        let (watch, partition) = (Watch::default(), TopicPartition::new("t", 0));
        watch.taking(std::slice::from_ref(&partition));
        pass();
        assert!(one(&watch).is_stuck(AFTER));
        watch.owned(&partition, Offset(0));
        assert!(!one(&watch).is_stuck(AFTER));
    }

    #[test]
    fn a_stopped_partition_is_stuck_at_once_and_one_let_go_is_forgotten() {
        let (watch, partition) = watched();
        watch.stands(&partition, "too many keys are held".to_owned());
        assert!(one(&watch).is_stuck(Duration::from_secs(3600)));
        drop(watch.until_dropped(&partition));
        assert!(watch.view(0).is_empty());
    }

    #[test]
    fn counts_outlive_a_stay() {
        let (watch, partition) = watched();
        watch.done(&partition, Offset(8), 3);
        watch.retried(&partition);
        drop(watch.until_dropped(&partition));
        watch.taking(std::slice::from_ref(&partition));
        let totals = one(&watch).totals;
        assert_eq!((totals.records, totals.batches, totals.retries), (3, 1, 1));
        assert_eq!(totals.within, [1; SECONDS.len()]);
    }
}
