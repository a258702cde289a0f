//! The broker, gone for a time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    thread,
    time::Duration,
};

use coursebus_tests::{can_strike, say, strike};

/// How long everything runs before the broker goes.
const BEFORE: Duration = Duration::from_secs(12);

const TO_COME: u8 = 0;
const AWAY: u8 = 1;
const OVER: u8 = 2;

/// How far it is.
#[derive(Clone)]
pub struct Outage(Arc<AtomicU8>);

impl Outage {
    /// Kills the broker after a while with -9, and starts it again when it was away for so long.
    ///
    /// # Panics
    /// When there is no broker that may be struck.
    pub fn begin(lasts: Duration) -> (Self, thread::JoinHandle<()>) {
        assert!(can_strike(), "to be started by cargo xtask faults outbox, which brings a broker that may be killed");
        let outage = Self(Arc::new(AtomicU8::new(if lasts.is_zero() { OVER } else { TO_COME })));
        let told = outage.clone();
        let striker = thread::spawn(move || {
            if lasts.is_zero() {
                return;
            }
            thread::sleep(BEFORE);
            told.0.store(AWAY, Ordering::Relaxed);
            strike("kafka node 1", "KILL");
            say("faults: the broker is away");
            thread::sleep(lasts);
            strike("kafka node 1", "START");
            told.0.store(OVER, Ordering::Relaxed);
            say("faults: the broker is back");
        });
        (outage, striker)
    }

    /// Of a log that nothing takes away.
    pub fn none() -> Self {
        Self(Arc::new(AtomicU8::new(OVER)))
    }

    pub fn is_away(&self) -> bool {
        self.0.load(Ordering::Relaxed) == AWAY
    }

    /// It was away, and has been started again.
    pub fn is_over(&self) -> bool {
        self.0.load(Ordering::Relaxed) == OVER
    }
}
