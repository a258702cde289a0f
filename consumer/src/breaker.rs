//! A circuit breaker: when calls of several keys fail in a row, what they depend on is down, and no key is to blame. Pure.

use std::time::Duration;

use tokio::time::Instant;

use crate::{KeyHash, Random};

/// When a breaker opens, and how long it stays open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerSettings {
    /// So many different keys have to fail, with no success between, until the dispatch pauses. Default 8.
    pub keys: usize,
    /// The first pause; it doubles with every probe that fails. Default 500 ms.
    pub first: Duration,
    /// The longest pause. Default 30 s.
    pub max: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self { keys: 8, first: Duration::from_millis(500), max: Duration::from_secs(30) }
    }
}

/// Whether a call may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Yes.
    Go,
    /// This one, to find out; whoever got this says what became of it.
    Probe,
    /// No; ask again.
    Wait,
}

/// The state, one for all partitions of a member.
///
/// It pauses without an end of its own, and in steps that are bounded: the topic is not emptied into the held records while
/// a database is down, and goes on within [`BreakerSettings::max`] of its return.
#[derive(Debug)]
pub struct Breaker {
    settings: BreakerSettings,
    /// Keys that failed since the last success, each once; at most `keys` of them.
    failing: Vec<Option<KeyHash>>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    Open { until: Instant, pause: Duration },
    Probing { pause: Duration },
}

impl Breaker {
    /// Closed: calls flow.
    #[must_use]
    pub fn new(settings: BreakerSettings) -> Self {
        Self { settings, failing: Vec::new(), state: State::Closed }
    }

    /// Whether a call may be made now.
    pub fn ask(&mut self, now: Instant) -> Permission {
        match self.state {
            State::Closed => Permission::Go,
            State::Open { until, pause } if now >= until => {
                self.state = State::Probing { pause };
                Permission::Probe
            }
            State::Open { .. } | State::Probing { .. } => Permission::Wait,
        }
    }

    /// A call failed for now. True when the breaker has opened just now.
    pub fn failed(&mut self, key: Option<KeyHash>, probe: bool, now: Instant, random: &mut Random) -> bool {
        match self.state {
            State::Probing { pause } if probe => {
                self.open(pause.saturating_mul(2).min(self.settings.max), now, random);
                false
            }
            // What had begun before fails too, and says nothing new.
            State::Probing { .. } | State::Open { .. } => false,
            State::Closed => {
                if !self.failing.contains(&key) {
                    self.failing.push(key);
                }
                let opens = self.failing.len() >= self.settings.keys.max(1);
                if opens {
                    self.open(self.settings.first, now, random);
                }
                opens
            }
        }
    }

    /// A call was answered, by success or by a refusal of its event. True when the breaker has closed just now.
    pub fn answered(&mut self) -> bool {
        let was_closed = self.state == State::Closed;
        self.failing.clear();
        self.state = State::Closed;
        !was_closed
    }

    /// The probe was given up: its partition went to another member. Another one finds out.
    pub fn abandoned(&mut self, now: Instant) {
        if let State::Probing { pause } = self.state {
            self.state = State::Open { until: now, pause };
        }
    }

    /// Whether no failure is on record, so that a success need not be told.
    #[must_use]
    pub fn is_calm(&self) -> bool {
        self.state == State::Closed && self.failing.is_empty()
    }

    /// Whether calls are held back.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state != State::Closed
    }

    /// Half of the pause is certain, the other half drawn: many members do not probe at once.
    fn open(&mut self, pause: Duration, now: Instant, random: &mut Random) {
        let until = now + pause / 2 + random.up_to(pause / 2);
        self.state = State::Open { until, pause };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SETTINGS: BreakerSettings =
        BreakerSettings { keys: 3, first: Duration::from_secs(1), max: Duration::from_secs(8) };

    fn key(number: u8) -> Option<KeyHash> {
        Some(KeyHash::of(&[number]))
    }

    #[test]
    fn one_key_that_fails_is_not_the_dependency() {
        let (mut breaker, mut random, now) = (Breaker::new(SETTINGS), Random::new(Some(1)), Instant::now());
        for _ in 0..100 {
            assert!(!breaker.failed(key(1), false, now, &mut random));
        }
        assert!(!breaker.failed(key(2), false, now, &mut random));
        breaker.answered();
        assert!(!breaker.failed(key(3), false, now, &mut random), "a success is between");
        assert_eq!(breaker.ask(now), Permission::Go);
    }

    #[test]
    fn one_probe_at_a_time_until_one_is_answered() {
        let (mut breaker, mut random, mut now) = (Breaker::new(SETTINGS), Random::new(Some(1)), Instant::now());
        for number in 0..3 {
            assert_eq!(breaker.failed(key(number), false, now, &mut random), number == 2);
        }
        for pause in [1, 2, 4, 8, 8] {
            let pause = Duration::from_secs(pause);
            assert_eq!(breaker.ask(now + pause / 2 - Duration::from_millis(1)), Permission::Wait);
            now += pause;
            assert_eq!(breaker.ask(now), Permission::Probe);
            assert_eq!(breaker.ask(now), Permission::Wait, "only one");
            breaker.failed(key(9), false, now, &mut random);
            assert_eq!(breaker.ask(now + pause * 9), Permission::Wait, "a straggler does not decide");
            breaker.failed(key(9), true, now, &mut random);
        }
        now += SETTINGS.max;
        assert_eq!(breaker.ask(now), Permission::Probe);
        breaker.abandoned(now);
        assert_eq!(breaker.ask(now), Permission::Probe);
        assert!(breaker.answered());
        assert_eq!(breaker.ask(now), Permission::Go);
        assert!(breaker.is_calm());
    }

    proptest! {
        /// Whatever happens, nobody waits longer than the longest pause for a permission, as long as probes end.
        #[test]
        fn it_never_stays_shut(seed: u64, steps in prop::collection::vec((0..5u8, 0..4u8, 0..3_000u64), 0..200)) {
            let (mut breaker, mut random, mut now) = (Breaker::new(SETTINGS), Random::new(Some(seed)), Instant::now());
            let mut probing = false;
            for (step, number, millis) in steps {
                now += Duration::from_millis(millis);
                match step {
                    0 | 1 => {
                        breaker.failed(key(number), false, now, &mut random);
                    }
                    2 => {
                        breaker.answered();
                        probing = false;
                    }
                    3 if probing => {
                        breaker.failed(key(number), true, now, &mut random);
                        probing = false;
                    }
                    _ => match breaker.ask(now) {
                        Permission::Probe => {
                            prop_assert!(!probing, "one probe at a time");
                            probing = true;
                        }
                        Permission::Go => prop_assert!(!breaker.is_open()),
                        Permission::Wait => prop_assert!(breaker.is_open()),
                    },
                }
                prop_assert!(breaker.failing.len() <= SETTINGS.keys);
            }
            if probing {
                breaker.failed(key(0), true, now, &mut random);
            }
            prop_assert_ne!(breaker.ask(now + SETTINGS.max), Permission::Wait);
        }
    }
}
