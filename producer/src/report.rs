//! What was not delivered: counted by topic, with the ids of the first events.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use coursebus_schemas::EventId;
use coursebus_transport::AppendError;

/// How many ids of one topic are told.
const IDS_MAX: usize = 10;

/// What a producer has not delivered, as far as it knows now. Says nothing of what events contain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "it may say that events are lost"]
pub struct Report {
    /// Topics with events that failed, or that wait; by name.
    pub topics: Vec<Undelivered>,
}

/// The events of one topic that are not on the log, or not known to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undelivered {
    /// The full name of the topic.
    pub topic: String,
    /// Events that failed since the last report, also where their handle said so.
    pub failed: u64,
    /// How many of these may be on the log all the same.
    pub in_doubt: u64,
    /// The ids of the first of them, at most ten.
    pub first_ids: Vec<EventId>,
    /// Events that are still on their way.
    pub waiting: u64,
}

impl Report {
    /// Whether every event is on the log.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.topics.is_empty()
    }
}

/// One line for people.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_complete() {
            return f.write_str("every event is on the log");
        }
        for (index, topic) in self.topics.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{topic}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Undelivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topic, failed, in_doubt, waiting, .. } = self;
        write!(f, "{topic}: {failed} not delivered ({in_doubt} may be on the log), {waiting} waiting")?;
        let mut ids = self.first_ids.iter().map(EventId::as_str);
        if let Some(first) = ids.next() {
            write!(f, "; first ids {first}")?;
            ids.try_for_each(|id| write!(f, ", {id}"))?;
        }
        Ok(())
    }
}

/// What becomes of the events of each topic.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<BTreeMap<String, Arc<Tally>>>);

impl Ledger {
    /// The tally of a topic; at most one a topic of the catalogue.
    pub(crate) fn tally(&self, topic: &str) -> Arc<Tally> {
        let mut tallies = lock(&self.0);
        tallies.entry(topic.to_owned()).or_insert_with(|| Arc::new(Tally::new(topic))).clone()
    }

    /// What failed since the last report, and what waits.
    pub(crate) fn report(&self) -> Report {
        Report { topics: lock(&self.0).values().filter_map(|tally| tally.report()).collect() }
    }
}

/// What becomes of the events of one topic. The last of whom it concerns says what nobody has asked for.
#[derive(Debug)]
pub(crate) struct Tally {
    topic: String,
    sent: AtomicU64,
    settled: AtomicU64,
    failures: Mutex<Failures>,
}

#[derive(Debug, Default)]
struct Failures {
    count: u64,
    in_doubt: u64,
    first_ids: Vec<EventId>,
}

impl Tally {
    fn new(topic: &str) -> Self {
        let (sent, settled, failures) = (AtomicU64::new(0), AtomicU64::new(0), Mutex::default());
        Self { topic: topic.to_owned(), sent, settled, failures }
    }

    /// An event goes on its way.
    pub(crate) fn sent(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    /// An event does not go on its way after all, and its caller is told.
    pub(crate) fn taken_back(&self) {
        self.settled.fetch_add(1, Ordering::Relaxed);
    }

    /// An event is on the log.
    pub(crate) fn delivered(&self) {
        self.settled.fetch_add(1, Ordering::Relaxed);
    }

    /// An event is not on the log, or not known to be.
    pub(crate) fn failed(&self, id: &EventId, error: &AppendError) {
        let mut failures = lock(&self.failures);
        failures.count += 1;
        failures.in_doubt += u64::from(error.is_in_doubt());
        if failures.first_ids.len() < IDS_MAX {
            failures.first_ids.push(id.clone());
        }
        self.settled.fetch_add(1, Ordering::Relaxed);
    }

    fn report(&self) -> Option<Undelivered> {
        let Failures { count: failed, in_doubt, first_ids } = std::mem::take(&mut *lock(&self.failures));
        // In this order: what is sent meanwhile counts as waiting.
        let settled = self.settled.load(Ordering::Relaxed);
        let waiting = self.sent.load(Ordering::Relaxed).saturating_sub(settled);
        let told = Undelivered { topic: self.topic.clone(), failed, in_doubt, first_ids, waiting };
        (failed + waiting > 0).then_some(told)
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        if let Some(undelivered) = self.report() {
            tracing::error!(%undelivered, "a producer ended without delivering everything, and nobody was told");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_counts_and_names_the_first() {
        let ledger = Ledger::default();
        assert!(ledger.report().is_complete());
        let (one, other) = (ledger.tally("b"), ledger.tally("a"));
        let id = |number: usize| EventId::new(number.to_string()).expect("text");
        for number in 0..15 {
            one.sent();
            let doubtful = number % 3 == 0;
            let refused = AppendError::KeyRequired { topic: "b".into() };
            one.failed(&id(number), &if doubtful { AppendError::Closed } else { refused });
        }
        one.sent();
        one.delivered();
        other.sent();
        let report = ledger.report();
        let waits = Undelivered { topic: "a".into(), failed: 0, in_doubt: 0, first_ids: Vec::new(), waiting: 1 };
        let first_ids = (0..IDS_MAX).map(id).collect();
        let failed = Undelivered { topic: "b".into(), failed: 15, in_doubt: 5, first_ids, waiting: 0 };
        assert_eq!(report.topics, [waits.clone(), failed]);
        assert_eq!(
            report.to_string(),
            "a: 0 not delivered (0 may be on the log), 1 waiting; b: 15 not delivered (5 may be on the log), 0 waiting; \
             first ids 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
        );
        assert_eq!(ledger.report().topics, [waits], "what was told is not told again");
        other.delivered();
        assert!(ledger.report().is_complete());
    }
}
