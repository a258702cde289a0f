//! How long to wait before something that failed for now is tried again. Pure: chance is handed in.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// Exponential waits with full jitter: each is drawn between nothing and a ceiling that doubles.
///
/// Source: AWS Architecture Blog, "Exponential Backoff And Jitter".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The ceiling of the first wait. Default 100 ms.
    pub first: Duration,
    /// The ceiling that all later ones stay under. Default 10 s.
    pub max: Duration,
    /// How long calls and waits of one event may take together; then it is given up as it is said there. What a circuit
    /// breaker holds back does not count. Default 60 s.
    pub budget: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { first: Duration::from_millis(100), max: Duration::from_secs(10), budget: Duration::from_secs(60) }
    }
}

/// What was tried for one event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attempts {
    /// How often it failed.
    pub count: u32,
    /// What of the budget is used.
    pub spent: Duration,
}

impl RetryPolicy {
    /// Notes a call that failed after `took`, and draws the wait before the next. `None` when the budget is used up. The
    /// last wait is cut so that one more call fits at the end of the budget.
    pub fn wait(&self, attempts: &mut Attempts, took: Duration, random: &mut Random) -> Option<Duration> {
        let ceiling = self.ceiling(attempts.count);
        attempts.count = attempts.count.saturating_add(1);
        attempts.spent = attempts.spent.saturating_add(took);
        let left = self.budget.checked_sub(attempts.spent).filter(|left| !left.is_zero())?;
        let wait = random.up_to(ceiling).max(LEAST).min(left);
        attempts.spent += wait;
        Some(wait)
    }

    /// What the wait after so many failures stays under.
    #[must_use]
    pub fn ceiling(&self, failures: u32) -> Duration {
        self.first.saturating_mul(2_u32.saturating_pow(failures)).min(self.max)
    }
}

/// No wait is shorter: a budget is then used up after a bounded number of calls.
const LEAST: Duration = Duration::from_millis(1);

/// Chance that can be repeated (SplitMix64). Not for secrets.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The row of a seed; another one in each process where there is none.
    #[must_use]
    pub fn new(seed: Option<u64>) -> Self {
        Self(seed.unwrap_or_else(|| RandomState::new().hash_one(0)))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Evenly between nothing and `ceiling`.
    pub fn up_to(&mut self, ceiling: Duration) -> Duration {
        // 53 bits: as many as an f64 holds.
        ceiling.mul_f64((self.next() >> 11) as f64 / (1_u64 << 53) as f64)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn waits_stay_under_their_ceiling_and_end_with_the_budget(seed: u64, took_ms in 0..300u64) {
            let policy = RetryPolicy {
                first: Duration::from_millis(50),
                max: Duration::from_secs(2),
                budget: Duration::from_secs(20),
            };
            let (mut attempts, mut random, took) = (Attempts::default(), Random::new(Some(seed)), Duration::from_millis(took_ms));
            let mut total = Duration::ZERO;
            loop {
                let ceiling = policy.ceiling(attempts.count);
                prop_assert!(ceiling <= policy.max);
                total += took;
                let Some(wait) = policy.wait(&mut attempts, took, &mut random) else { break };
                prop_assert!(wait <= ceiling);
                total += wait;
                prop_assert!(attempts.count < 20_000, "the budget ends");
            }
            prop_assert!(total >= policy.budget && total <= policy.budget + took, "{total:?}");
        }

        #[test]
        fn a_seed_repeats_itself(seed: u64) {
            let row = |mut random: Random| (0..8).map(|_| random.up_to(Duration::from_secs(1))).collect::<Vec<_>>();
            prop_assert_eq!(row(Random::new(Some(seed))), row(Random::new(Some(seed))));
        }
    }

    #[test]
    fn jitter_is_full() {
        let mut random = Random::new(Some(7));
        let second = Duration::from_secs(1);
        let drawn: Vec<Duration> = (0..1000).map(|_| random.up_to(second)).collect();
        for quarter in 0..4 {
            let count = drawn.iter().filter(|d| d.as_millis() / 250 == quarter).count();
            assert!((180..320).contains(&count), "{count} of 1000 in quarter {quarter}");
        }
    }
}
