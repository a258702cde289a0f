//! The relay's one loop: waits for the lease, settles what an earlier relay left, then publishes batch after batch.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use coursebus_registry_tools::Registry;
use coursebus_transport::Log;
use tokio::sync::watch;

use super::{
    RelaySettings, RelaySummary, RelayTrouble,
    back::Back,
    encode::{Refusal, Stamp},
    error::chain,
    lease::Holding,
    pace::{Backoff, Pace},
    plan::{Cause, Plan},
    prepare::{Front, Prepared},
    publish::{Publisher, Unpublished, last_receipt},
    routes::Routes,
    store::{Settle, Store},
};
use crate::headers::Constant;

/// How often the relay looks for held rows that an operator asks for.
const ASKED_EVERY: Duration = Duration::from_secs(1);
/// How often rows are tried again whose topic or schema was missing.
const AGAIN_AFTER: Duration = Duration::from_secs(30);
/// Held for one of these, a row is tried again by itself: what it lacks is made by `coursebus apply`.
const MENDED_BY_APPLY: [&str; 2] = ["unknown-topic", "schema-not-registered"];

pub(crate) struct Engine {
    store: Arc<dyn Store>,
    log: Arc<dyn Log>,
    settings: RelaySettings,
    /// The relay's own topic, and its transactional id.
    own: String,
    front: Front,
    back: Back,
    stopped: watch::Receiver<bool>,
    pace: Pace,
    backoff: Backoff,
}

/// Why the active relay ended.
enum End {
    /// It was asked to, or nothing is left.
    Done,
    /// Another relay has the lease.
    Deposed,
}

/// What came of a batch.
enum Batch {
    Settled,
    Deposed,
    /// To be decided again: a row is known to be refused, or a topic was not as it was known.
    Again,
}

impl Engine {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        identity: String,
        log: Arc<dyn Log>,
        registry: Arc<dyn Registry>,
        mut settings: RelaySettings,
        stopped: watch::Receiver<bool>,
    ) -> Self {
        settings.lease = settings.lease.max(Duration::from_secs(1));
        settings.batch_rows_max = settings.batch_rows_max.clamp(1, 20_000);
        let lib = env!("CARGO_PKG_VERSION").to_owned();
        let constant = Constant::new("", &settings.source_host, &lib);
        let front = Front {
            store: store.clone(),
            routes: Routes::new(log.clone(), registry, &settings.topic_prefix),
            stamp: Arc::new(Stamp { constant, host: settings.source_host.clone(), lib }),
            blocks: Default::default(),
            refused: Default::default(),
            rows_max: settings.batch_rows_max,
        };
        Self {
            own: format!("{}-outbox-{identity}", settings.topic_prefix),
            back: Back::new(store.clone(), identity, settings.plain),
            store,
            log,
            settings,
            front,
            stopped,
            pace: Pace::default(),
            backoff: Backoff::default(),
        }
    }

    /// Until it is stopped or, where that is wanted, nothing is left.
    pub(crate) async fn run(&mut self) -> RelaySummary {
        while !self.is_stopped() {
            let asked = Instant::now();
            match self.store.acquire(&self.settings.holder, self.settings.lease).await {
                Ok(Some(lease)) => {
                    tracing::info!(relay = self.settings.holder, "active");
                    self.back.batch = lease.batch;
                    let holding = Holding::new(self.store.clone(), lease, asked, self.settings.lease);
                    match self.active(&holding).await {
                        End::Done => {
                            holding.release().await;
                            break;
                        }
                        End::Deposed => tracing::warn!(relay = self.settings.holder, "another relay has taken over"),
                    }
                }
                Ok(None) => {
                    self.backoff.reset();
                    if self.settings.until_empty && self.is_empty().await {
                        break;
                    }
                    self.wait(ASKED_EVERY.min(self.settings.lease / 4)).await;
                }
                Err(error) => self.trouble(&error.into()).await,
            }
        }
        self.back.summary
    }

    async fn is_empty(&self) -> bool {
        self.store.status().await.is_ok_and(|status| status.waiting == 0)
    }

    fn is_stopped(&self) -> bool {
        *self.stopped.borrow()
    }

    /// Waits, but not longer than until it is stopped.
    async fn wait(&mut self, time: Duration) {
        let _ = tokio::time::timeout(time, self.stopped.wait_for(|stopped| *stopped)).await;
    }

    /// Says what is wrong and waits before the next attempt.
    async fn trouble(&mut self, trouble: &RelayTrouble) {
        let wait = self.backoff.wait();
        if self.backoff.is_new() {
            tracing::warn!(relay = self.settings.holder, "{}; trying again until it works", chain(trouble));
        } else {
            tracing::debug!(relay = self.settings.holder, "{}", chain(trouble));
        }
        self.wait(wait).await;
    }

    /// Relays while it has the lease. Whatever goes wrong, it begins anew with what the log says of the last batch.
    async fn active(&mut self, holding: &Holding) -> End {
        while !self.is_stopped() {
            let ended = match self.recover(holding).await {
                Ok(Some(mut publisher)) => self.relay(holding, &mut publisher).await,
                Ok(None) => return End::Deposed,
                Err(trouble) => Err(trouble),
            };
            match ended {
                Ok(end) => return end,
                Err(trouble) => self.trouble(&trouble).await,
            }
        }
        End::Done
    }

    /// Fences the earlier relays, and deletes the rows that the last of them published. `None` where the lease is lost: the
    /// fence of this relay may then have hit the active one, which notices and takes it back.
    async fn recover(&mut self, holding: &Holding) -> Result<Option<Publisher>, RelayTrouble> {
        if !holding.confirm().await? {
            return Ok(None);
        }
        if self.settings.plain {
            self.front.recall().await?;
            return Ok(Some(Publisher::plain(self.log.as_ref()).await?));
        }
        let mut publisher = Publisher::transactional(self.log.as_ref(), &self.own).await?;
        publisher.sweep_own().await?;
        if !holding.confirm().await? {
            return Ok(None);
        }
        let receipt = last_receipt(self.log.as_ref(), &self.own).await?;
        let receipt = receipt.filter(|receipt| receipt.identity == self.back.identity);
        self.compare(receipt.as_ref().map_or(0, |receipt| receipt.batch));
        if let Some(receipt) = receipt {
            let deleted = self.store.forget(&receipt.rows, receipt.batch).await?;
            self.back.summary.recovered += deleted;
            tracing::info!(
                relay = self.settings.holder,
                batch = receipt.batch,
                rows = receipt.rows.len(),
                deleted,
                "settled the last batch on the log"
            );
            self.back.batch = self.back.batch.max(receipt.batch);
        }
        self.front.recall().await?;
        Ok(Some(publisher))
    }

    /// The log is at most one batch ahead of the database, and never behind it.
    fn compare(&self, log: i64) {
        let database = self.back.batch;
        if log > database + 1 {
            tracing::error!(
                log,
                database,
                "the bus is ahead of the outbox: its database was restored from a backup, and events whose rows came back with \
                 it are published again"
            );
        } else if log < database {
            tracing::warn!(
                log,
                database,
                "the bus is behind the outbox: it is another one, has lost what it had confirmed, or a relay ran without \
                 transactions"
            );
        }
    }

    /// Publishes batch after batch. While one is published and deleted, the next is read and encoded.
    async fn relay(&mut self, holding: &Holding, publisher: &mut Publisher) -> Result<End, RelayTrouble> {
        let mut ahead: Option<Prepared> = None;
        let mut idle = false;
        let (mut look, mut again) = (Instant::now(), Instant::now() + AGAIN_AFTER);
        while !self.is_stopped() {
            if !holding.is_sure() && !holding.confirm().await? {
                return Ok(End::Deposed);
            }
            if ahead.is_none() && Instant::now() >= look {
                if Instant::now() >= again {
                    self.store.ask_again(&MENDED_BY_APPLY, AGAIN_AFTER).await?;
                    again = Instant::now() + AGAIN_AFTER;
                }
                match self.bring_back(holding, publisher).await? {
                    None => look = Instant::now() + ASKED_EVERY,
                    Some(Batch::Deposed) => return Ok(End::Deposed),
                    Some(Batch::Settled | Batch::Again) => {}
                }
            }
            let batch = match ahead.take() {
                Some(batch) => batch,
                None => self.front.next(&[]).await?,
            };
            if batch.ids.is_empty() {
                self.backoff.reset();
                if self.settings.until_empty {
                    return Ok(End::Done);
                }
                idle = self.pause(holding, idle).await?;
                continue;
            }
            self.pace.busy();
            if idle {
                self.store.set_idle(holding.token, false).await?;
                idle = false;
            }
            self.front.hold(&batch.plan)?;
            let is_full = batch.is_full && Instant::now() < look;
            let tried = Tried::of(&batch.plan, batch.ids.len());
            let finish = self.back.finish(publisher, holding.token, batch.plan, Settle::default());
            let (outcome, next) = if is_full {
                tokio::join!(finish, self.front.next(&batch.ids))
            } else {
                (finish.await, Ok(Prepared::default()))
            };
            match self.conclude(outcome, &tried).await? {
                Batch::Settled => ahead = Some(next?).filter(|next| !next.ids.is_empty()),
                Batch::Deposed => return Ok(End::Deposed),
                Batch::Again => {}
            }
        }
        Ok(End::Done)
    }

    /// Waits before the next look. Before it waits for a notification it has said so, and looked once more: whoever commits
    /// without notifying is seen by that look or by the next one.
    async fn pause(&mut self, holding: &Holding, idle: bool) -> Result<bool, RelayTrouble> {
        let wait = self.pace.pause();
        if !self.pace.is_idle() {
            self.wait(wait).await;
            return Ok(idle);
        }
        if !idle {
            self.store.set_idle(holding.token, true).await?;
            return Ok(true);
        }
        tokio::select! {
            () = self.store.wake(wait) => {}
            _ = self.stopped.wait_for(|stopped| *stopped) => {}
        }
        Ok(true)
    }

    /// Tries held rows that an operator asks for, with what waits behind them. `None` where nothing is asked for.
    async fn bring_back(
        &mut self,
        holding: &Holding,
        publisher: &mut Publisher,
    ) -> Result<Option<Batch>, RelayTrouble> {
        let Some(mut asked) = self.store.asked(self.front.rows_max).await? else { return Ok(None) };
        // With their places: a held row waits only for those that were held before it.
        self.front.recall().await?;
        let (batch, cause) = self.front.back(&mut asked).await?;
        self.front.hold(&batch.plan)?;
        let mut settle = Settle { answered: Some(asked.id), ..Settle::default() };
        if let (Some(block), Some((id, seq))) = (asked.block, asked.next)
            && !self.front.blocks.contains_key(&block)
        {
            let code = cause.map_or_else(String::new, |cause| cause.code);
            self.front.blocks.insert(block, Cause { id, seq, code });
            settle.next = Some(id);
        }
        let tried = Tried::of(&batch.plan, batch.ids.len());
        let outcome = self.back.finish(publisher, holding.token, batch.plan, settle).await;
        Ok(Some(self.conclude(outcome, &tried).await?))
    }

    /// What is known after a batch.
    async fn conclude(&mut self, outcome: Result<bool, Unpublished>, tried: &Tried) -> Result<Batch, RelayTrouble> {
        match outcome {
            Ok(true) => {
                self.backoff.reset();
                self.front.refused.clear();
                self.front.rows_max = (self.front.rows_max * 2).min(self.settings.batch_rows_max);
                return Ok(Batch::Settled);
            }
            Ok(false) => return Ok(Batch::Deposed),
            Err(Unpublished::Trouble(trouble)) => return Err(trouble),
            Err(Unpublished::Row(id, refusal)) => drop(self.front.refused.insert(id, refusal)),
            Err(Unpublished::Some(refusal)) => self.narrow(tried, refusal),
            Err(Unpublished::Topic) => {
                self.front.routes.forget();
                let wait = self.backoff.wait();
                self.wait(wait).await;
            }
        }
        // What this batch would have held is decided anew.
        self.front.recall().await?;
        Ok(Batch::Again)
    }

    /// Some row is refused: half of them is tried next, until it is known which.
    fn narrow(&mut self, tried: &Tried, refusal: Refusal) {
        match tried.only {
            Some(id) => drop(self.front.refused.insert(id, refusal)),
            None => self.front.rows_max = (tried.rows / 2).max(1),
        }
    }
}

/// What a batch was, once it is gone.
struct Tried {
    rows: usize,
    /// The row that was to be published, where it was one.
    only: Option<i64>,
}

impl Tried {
    fn of(plan: &Plan, rows: usize) -> Self {
        let only = if let [publish] = plan.publish.as_slice() { Some(publish.id) } else { None };
        Self { rows, only }
    }
}
