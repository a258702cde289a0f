//! The back half of a relay: publishes a batch with its receipt, then deletes its rows.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use coursebus_transport::Class;

use super::{
    OutboxError, RelaySummary,
    plan::Plan,
    publish::{Publisher, Unpublished},
    receipt::Receipt,
    store::{Settle, Store},
};

/// Without transactions: how long the database may be away after a batch was published, before it is published again.
const PLAIN_WAIT: Duration = Duration::from_secs(60);
/// Between two attempts.
const PLAIN_PAUSE: Duration = Duration::from_millis(200);

/// Publishes and deletes.
pub(crate) struct Back {
    store: Arc<dyn Store>,
    pub(crate) identity: String,
    is_plain: bool,
    /// The number of the last batch that was published.
    pub(crate) batch: i64,
    pub(crate) summary: RelaySummary,
}

impl Back {
    pub(crate) fn new(store: Arc<dyn Store>, identity: String, is_plain: bool) -> Self {
        Self { store, identity, is_plain, batch: 0, summary: RelaySummary::default() }
    }

    /// Publishes what is to be published, then notes in one transaction what became of each row. False where another relay has
    /// the lease: then nothing was noted, and what was published is deleted by that one.
    pub(crate) async fn finish(
        &mut self,
        publisher: &mut Publisher,
        token: i64,
        plan: Plan,
        mut settle: Settle,
    ) -> Result<bool, Unpublished> {
        let (published, held) =
            (plan.publish.len() as u64, plan.hold.iter().filter(|hold| !hold.is_held).count() as u64);
        settle.hold = plan.hold;
        if !plan.publish.is_empty() {
            let rows = plan.publish.iter().map(|row| (row.id, row.print)).collect();
            for row in &plan.publish {
                if row.is_held { settle.returned.push(row.id) } else { settle.published.push(row.id) }
            }
            let receipt = Receipt { identity: self.identity.clone(), batch: self.batch + 1, rows };
            publisher.publish(plan.publish, receipt).await?;
            self.batch += 1;
            settle.batch = Some(self.batch);
        }
        let settled = self.settle(token, &settle).await.map_err(|error| Unpublished::Trouble(error.into()))?;
        if settled {
            self.summary.published += published;
            self.summary.held += held;
        }
        Ok(settled)
    }

    /// With transactions the next start settles what fails here. Without, nothing else knows what was published.
    async fn settle(&self, token: i64, settle: &Settle) -> Result<bool, OutboxError> {
        let until = Instant::now() + PLAIN_WAIT;
        loop {
            match self.store.settle(token, settle).await {
                Err(error) if self.is_plain && error.class() == Class::Transient && Instant::now() < until => {
                    tokio::time::sleep(PLAIN_PAUSE).await;
                }
                settled => return settled,
            }
        }
    }
}
