//! How handlers are called, and what is refused at the start.

use std::time::Duration;

use crate::{BreakerSettings, Guarantee, OnPoison, ProcessError, RetryPolicy};

/// How handlers are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandlersSettings {
    /// What is promised about each event. Default at least once; exactly once is refused here: an effect that a function has
    /// cannot be undone by the log. A sink has it (its database), not a function.
    pub guarantee: Guarantee,
    /// What becomes of an order key whose record is poison. Default park; at most once takes skip or stop.
    pub on_poison: OnPoison,
    /// How many calls are open at once in all partitions of the member, each of another order key. At the bound no more are
    /// begun. A call that is ready at once is never open. Default 256.
    pub concurrency: usize,
    /// How many records of one partition may be handed out and not finished, or finished above the first that is not: what a
    /// crash delivers again at most. At the bound no more are taken. Default 10,000.
    pub in_flight_max: usize,
    /// How many bytes of records may be handed out and not finished, in all partitions of the member. At the bound no more
    /// are taken, but each partition may have one record. Default 32 MiB.
    pub in_flight_bytes_max: usize,
    /// How a transient failure is tried again. When its budget is used up the event is parked (with [`OnPoison::Park`]), else
    /// the engine stops with an error.
    pub retry: RetryPolicy,
    /// How long a call may take. Then it counts as a transient failure, and its order key stays held until the call has
    /// really ended; when the retry budget is used up too, the event is parked while its call goes on. A call that never ends
    /// keeps one of the `concurrency` places until the process ends. Default 60 s; `None` for no limit.
    pub call_limit: Option<Duration>,
    /// When the dispatch pauses because what the handlers depend on is down.
    pub breaker: BreakerSettings,
    /// So many poison records in a row, of all partitions of the member, stop the engine with an error: the fault is not the
    /// records'. Default 1,000.
    pub poison_in_a_row_max: u32,
    /// The first wait before a parked record is tried again by itself. Default 1 s.
    pub parked_first: Duration,
    /// The longest wait before a parked record is tried again; waits double up to it. Default 5 min.
    pub parked_max: Duration,
    /// How many order keys of one partition may be parked. At the bound the partition stops with an error. Default 10,000.
    pub parked_keys_max: usize,
    /// How many bytes of one partition's records may be parked, which are kept in memory. At the bound the partition stops
    /// with an error. Default 64 MiB.
    pub parked_bytes_max: usize,
    /// Makes the drawn waits repeatable. Default none: another row in each process.
    pub seed: Option<u64>,
}

impl Default for HandlersSettings {
    fn default() -> Self {
        Self {
            guarantee: Guarantee::AtLeastOnce,
            on_poison: OnPoison::Park,
            concurrency: 256,
            in_flight_max: 10_000,
            in_flight_bytes_max: 32 << 20,
            retry: RetryPolicy::default(),
            call_limit: Some(Duration::from_secs(60)),
            breaker: BreakerSettings::default(),
            poison_in_a_row_max: 1_000,
            parked_first: Duration::from_secs(1),
            parked_max: Duration::from_secs(300),
            parked_keys_max: 10_000,
            parked_bytes_max: 64 << 20,
            seed: None,
        }
    }
}

impl HandlersSettings {
    /// At most once, with poison skipped.
    #[must_use]
    pub fn at_most_once() -> Self {
        Self { guarantee: Guarantee::AtMostOnce, on_poison: OnPoison::Skip, ..Self::default() }
    }

    /// Refuses what cannot be.
    pub(super) fn check(&self) -> Result<(), ProcessError> {
        let what = match (self.guarantee, self.on_poison) {
            (Guarantee::ExactlyOnce, _) => {
                "handlers cannot be exactly once: the log cannot undo what a function did; use a sink, or a pipe from topic to topic"
            }
            (Guarantee::AtMostOnce, OnPoison::Park) => {
                "at most once cannot park: a parked record is tried again; choose skip or stop"
            }
            _ if self.concurrency == 0 || self.in_flight_max == 0 => "handlers need room for at least one record",
            _ => return Ok(()),
        };
        Err(ProcessError::Refused { what: what.to_owned(), source: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_combinations_are_refused_with_a_sentence() {
        let check = |guarantee, on_poison| HandlersSettings { guarantee, on_poison, ..Default::default() }.check();
        for on_poison in [OnPoison::Park, OnPoison::Skip, OnPoison::Stop] {
            assert!(check(Guarantee::AtLeastOnce, on_poison).is_ok());
            let refused = check(Guarantee::ExactlyOnce, on_poison).expect_err("the log cannot undo it");
            assert!(refused.to_string().contains("use a sink"), "{refused}");
        }
        assert!(check(Guarantee::AtMostOnce, OnPoison::Skip).is_ok());
        let refused = check(Guarantee::AtMostOnce, OnPoison::Park).expect_err("there is no second time");
        assert!(refused.to_string().contains("choose skip or stop"), "{refused}");
        assert!(HandlersSettings::at_most_once().check().is_ok());
    }
}
