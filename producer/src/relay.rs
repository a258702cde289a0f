//! Publishes the rows of an [`outbox`](crate::outbox) and deletes them.
//!
//! There is no cursor: rows are read in the order of their ids, published, and deleted; a row that commits late is found by
//! the next look. Each batch is one transaction of the log that also carries the batch's **receipt**, the ids of its rows, on a
//! compacted topic of the relay's own. A relay that starts fences the earlier ones by the transactional id, reads the last
//! receipt, and deletes those rows first: after a crash at any point nothing is lost and nothing published twice. (ADR 0013)
//!
//! Of several relays one is active, by a lease in the outbox's database; the others take over when it has expired. The lease
//! saves work; what holds is the fence.
//!
//! A row that is refused moves to the held table with its transaction and holds its order key only: later rows of that key
//! follow it there, and come back in their order (`coursebus held`).

mod address;
mod back;
mod encode;
mod engine;
mod error;
mod held;
mod lease;
mod pace;
mod plan;
mod prepare;
mod publish;
mod receipt;
mod routes;
mod row;
mod store;

use std::{future::Future, sync::Arc, time::Duration};

use coursebus_registry_tools::Registry;
use coursebus_transport::Log;

pub use self::{
    address::{AddressError, OutboxAddress},
    error::{RelayError, RelayTrouble},
    held::{FoundRow, HeldMark, HeldNote, HeldRow, OutboxStatus},
    store::{OutboxError, migration},
};
use self::{engine::Engine, store::Store};

/// An outbox's database, opened.
#[derive(Clone)]
pub struct Outbox {
    store: Arc<dyn Store>,
}

impl Outbox {
    /// Connects. Waits a few seconds at most.
    ///
    /// # Errors
    /// `Away` where the database does not answer. That there is an outbox in it is seen later.
    pub async fn open(address: &OutboxAddress) -> Result<Self, OutboxError> {
        Ok(Self { store: store::open(address, false).await?.into() })
    }

    /// Connects, and makes the tables; what is there stays. A SQLite file is made where it is not there.
    pub async fn install(address: &OutboxAddress) -> Result<Self, OutboxError> {
        let store = store::open(address, true).await?;
        store.install().await?;
        Ok(Self { store: store.into() })
    }

    /// What is in it.
    pub async fn status(&self) -> Result<OutboxStatus, OutboxError> {
        self.store.status().await
    }

    /// All held rows, in the order in which they were held.
    pub async fn held(&self) -> Result<Vec<HeldRow>, OutboxError> {
        self.store.held().await
    }

    /// The rows with an event's id (`ce_id`) that are there, waiting or held, by row; 1,000 at most. Looks through the whole
    /// table.
    pub async fn find(&self, event_id: &str) -> Result<Vec<FoundRow>, OutboxError> {
        self.store.find(event_id).await
    }

    /// Marks held rows that are parked and notes who did it; says which were. The active relay does the rest within a second
    /// or so.
    pub async fn mark(&self, ids: &[i64], mark: &HeldMark, who: &str, detail: &str) -> Result<Vec<bool>, OutboxError> {
        self.store.mark(ids, mark, who, detail).await
    }

    /// What was done to held rows, the last `limit`, oldest first.
    pub async fn held_log(&self, limit: u32) -> Result<Vec<HeldNote>, OutboxError> {
        self.store.held_log(limit).await
    }
}

/// How a relay behaves.
#[derive(Debug, Clone)]
pub struct RelaySettings {
    /// Stands before every topic, with a `-` between. Default `dev`.
    pub topic_prefix: String,
    /// The host named in the records' headers. Default: none.
    pub source_host: String,
    /// Names this relay among others: host and process. Default `relay`.
    pub holder: String,
    /// Publishes without transactions: faster to be seen, and rows that were published before a crash are published again.
    pub plain: bool,
    /// Ends when there are no rows.
    pub until_empty: bool,
    /// After this long without a sign of life another relay takes over. Default 10 s; 1 s at least.
    pub lease: Duration,
    /// How many rows one transaction publishes at most. Default 4,000.
    pub batch_rows_max: usize,
}

impl Default for RelaySettings {
    fn default() -> Self {
        Self {
            topic_prefix: "dev".to_owned(),
            source_host: String::new(),
            holder: "relay".to_owned(),
            plain: false,
            until_empty: false,
            lease: Duration::from_secs(10),
            batch_rows_max: 4_000,
        }
    }
}

/// What a relay did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RelaySummary {
    /// Rows published and deleted.
    pub published: u64,
    /// Rows that an earlier relay had published and not deleted.
    pub recovered: u64,
    /// Rows that were moved to the held table.
    pub held: u64,
}

/// Relays until `stop` resolves (what is in flight is finished then) or, with `until_empty`, until there are no rows.
///
/// While the database, the log or the registry is away it waits, 50 ms to 5 s between attempts, for as long as it takes;
/// memory stays bounded, because nothing is read meanwhile.
///
/// # Errors
/// Only at the start: the outbox cannot be used.
pub async fn run(
    outbox: &Outbox,
    log: Arc<dyn Log>,
    registry: Arc<dyn Registry>,
    settings: RelaySettings,
    stop: impl Future<Output = ()>,
) -> Result<RelaySummary, RelayError> {
    let identity = outbox.store.identity().await.map_err(|source| RelayError::Outbox { source })?;
    let (tell, stopped) = tokio::sync::watch::channel(false);
    let mut engine = Engine::new(outbox.store.clone(), identity, log, registry, settings, stopped);
    let mut summary = std::pin::pin!(engine.run());
    tokio::select! {
        summary = &mut summary => return Ok(summary),
        () = stop => {}
    }
    // The engine holds the other end.
    let _ = tell.send(true);
    Ok(summary.await)
}
