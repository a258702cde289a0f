//! How long to wait after an empty look at the outbox. Pure.

use std::time::Duration;

/// The first wait after rows were found.
const FIRST: Duration = Duration::from_millis(1);
/// The longest wait. A relay that waits this long is idle.
pub(crate) const LONGEST: Duration = Duration::from_millis(250);

/// Waits grow while nothing comes, and begin anew when something does.
#[derive(Debug)]
pub(crate) struct Pace {
    next: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { next: FIRST }
    }
}

impl Pace {
    /// Rows were found.
    pub(crate) fn busy(&mut self) {
        self.next = FIRST;
    }

    /// Nothing was found: how long to wait.
    pub(crate) fn pause(&mut self) -> Duration {
        let wait = self.next;
        self.next = (wait * 2).min(LONGEST);
        wait
    }

    /// Nothing has come for a while.
    pub(crate) fn is_idle(&self) -> bool {
        self.next == LONGEST
    }
}

/// The wait before the next attempt while something is away: doubles from 50 ms to 5 s.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// It works again.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// It failed again: how long to wait.
    pub(crate) fn wait(&mut self) -> Duration {
        let wait = Duration::from_millis(50) * 2_u32.pow(self.failures.min(7));
        self.failures = self.failures.saturating_add(1);
        wait.min(Duration::from_secs(5))
    }

    /// The first failure in a row is told loudly.
    pub(crate) fn is_new(&self) -> bool {
        self.failures <= 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_1_ms_to_250_ms_and_begin_anew() {
        let mut pace = Pace::default();
        let waits: Vec<u128> = (0..10).map(|_| pace.pause().as_millis()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 250, 250]);
        assert!(pace.is_idle());
        pace.busy();
        assert_eq!((pace.is_idle(), pace.pause().as_millis()), (false, 1));
    }

    #[test]
    fn a_back_off_has_a_bound() {
        let mut backoff = Backoff::default();
        let waits: Vec<u128> = (0..9).map(|_| backoff.wait().as_millis()).collect();
        assert_eq!(waits, [50, 100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        backoff.reset();
        assert_eq!(backoff.wait().as_millis(), 50);
    }
}
