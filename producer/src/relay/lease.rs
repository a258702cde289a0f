//! Holding the lease: prolonging it on a task of its own.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::watch, task::JoinHandle};

use super::{
    OutboxError,
    store::{Lease, Store},
};

/// The lease, held. Dropping it stops prolonging; [`Holding::release`] gives it to the next at once.
pub(crate) struct Holding {
    pub(crate) token: i64,
    store: Arc<dyn Store>,
    lasts: Duration,
    /// Until when nobody else has it.
    until: watch::Sender<Instant>,
    heart: JoinHandle<()>,
}

impl Holding {
    pub(crate) fn new(store: Arc<dyn Store>, lease: Lease, asked: Instant, lasts: Duration) -> Self {
        let until = watch::Sender::new(asked + lasts);
        let heart = tokio::spawn(beat(store.clone(), lease.token, lasts, until.clone()));
        Self { token: lease.token, store, lasts, until, heart }
    }

    /// Whether nobody else can have it, by this process's own clock.
    pub(crate) fn is_sure(&self) -> bool {
        Instant::now() < *self.until.borrow()
    }

    /// Asks the database, and prolongs it; false where another relay has it.
    pub(crate) async fn confirm(&self) -> Result<bool, OutboxError> {
        let asked = Instant::now();
        let held = self.store.renew(self.token, self.lasts).await?;
        if held {
            self.until.send_replace(asked + self.lasts);
        }
        Ok(held)
    }

    /// Gives it up. Where the database is away it expires by itself.
    pub(crate) async fn release(self) {
        self.heart.abort();
        let _ = tokio::time::timeout(Duration::from_secs(2), self.store.release(self.token)).await;
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        self.heart.abort();
    }
}

/// Three times in its duration, so that one slow answer does not lose it.
async fn beat(store: Arc<dyn Store>, token: i64, lasts: Duration, until: watch::Sender<Instant>) {
    loop {
        tokio::time::sleep(lasts / 3).await;
        let asked = Instant::now();
        match store.renew(token, lasts).await {
            Ok(true) => drop(until.send_replace(asked + lasts)),
            Ok(false) => {
                until.send_replace(asked);
                return;
            }
            // Away: it expires unless the next beat comes through.
            Err(_) => {}
        }
    }
}
