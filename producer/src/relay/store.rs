//! The outbox's tables, as the relay and operators use them. One contract, three databases.

mod error;
mod mysql;
mod postgres;
mod sql;
mod sqlite;

use std::time::Duration;

use async_trait::async_trait;

pub use self::error::OutboxError;
use super::{
    OutboxAddress,
    held::{FoundRow, HeldMark, HeldNote, HeldRow, OutboxStatus},
    plan::{Blocks, Hold},
    row::{Block, Row},
};

/// The most bytes of rows that one look reads, give or take one row.
pub(crate) const READ_BYTES_MAX: usize = 4 << 20;

/// The SQL that makes the tables, and may be run again.
#[must_use]
pub fn migration(address: &OutboxAddress) -> &'static str {
    match address {
        OutboxAddress::Postgres { .. } => include_str!("../../migrations/outbox/postgres.sql"),
        OutboxAddress::MySql { .. } => include_str!("../../migrations/outbox/mysql.sql"),
        OutboxAddress::Sqlite { .. } => include_str!("../../migrations/outbox/sqlite.sql"),
    }
}

/// The right to be the active relay, until it expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lease {
    /// Tells this holding of the lease from all others.
    pub(crate) token: i64,
    /// The number of the last batch whose rows were deleted.
    pub(crate) batch: i64,
}

/// What is to become of the rows of a batch, in one transaction.
#[derive(Debug, Default)]
pub(crate) struct Settle {
    /// The batch's number, where something was published.
    pub(crate) batch: Option<i64>,
    /// Ids of rows of the outbox that were published.
    pub(crate) published: Vec<i64>,
    /// Ids of held rows that were published.
    pub(crate) returned: Vec<i64>,
    /// Rows to be held, or to stay so, in their order.
    pub(crate) hold: Vec<Hold>,
    /// A held row whose turn is next, because one transaction could not take all of its key.
    pub(crate) next: Option<i64>,
    /// The held row that was asked for; its request is answered.
    pub(crate) answered: Option<i64>,
}

/// Held rows that are to be tried together, in their order.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// The row that was asked for.
    pub(crate) id: i64,
    /// What it held back.
    pub(crate) block: Option<Block>,
    /// It, unless it was discarded, and what waits behind it.
    pub(crate) rows: Vec<Row>,
    /// The first that one transaction could not take, and its place among the held ones.
    pub(crate) next: Option<(i64, Option<i64>)>,
}

/// The tables of one outbox.
#[async_trait]
pub(crate) trait Store: Send + Sync {
    /// Makes the tables; what is there stays.
    async fn install(&self) -> Result<(), OutboxError>;

    /// The identity that the tables were made with.
    async fn identity(&self) -> Result<String, OutboxError>;

    /// Takes the lease if nobody has it.
    async fn acquire(&self, holder: &str, lasts: Duration) -> Result<Option<Lease>, OutboxError>;

    /// Prolongs the lease, also one that has expired if nobody has taken it since; false where somebody has.
    async fn renew(&self, token: i64, lasts: Duration) -> Result<bool, OutboxError>;

    /// Gives the lease up, so that another relay need not wait for its end.
    async fn release(&self, token: i64) -> Result<(), OutboxError>;

    /// The first rows, by id, without those in flight. What commits late is found by a later look: there is no cursor.
    async fn read(&self, without: &[i64], rows_max: usize) -> Result<Vec<Row>, OutboxError>;

    /// Deletes rows that an earlier relay published, where they still carry the same events; says how many there were.
    async fn forget(&self, published: &[(i64, u64)], batch: i64) -> Result<u64, OutboxError>;

    /// Notes what became of a batch; false, and nothing is changed, where another relay has the lease.
    async fn settle(&self, token: i64, settle: &Settle) -> Result<bool, OutboxError>;

    /// Which keys are held back, and by what.
    async fn blocks(&self) -> Result<Blocks, OutboxError>;

    /// The first of the held rows that an operator asks for, with what waits behind it.
    async fn asked(&self, rows_max: usize) -> Result<Option<Asked>, OutboxError>;

    /// Asks for rows that are held for these codes and were not tried since a time ago.
    async fn ask_again(&self, codes: &[&str], after: Duration) -> Result<(), OutboxError>;

    /// Says whether new rows should wake this relay.
    async fn set_idle(&self, token: i64, idle: bool) -> Result<(), OutboxError>;

    /// Waits for new rows or the time, whichever comes first. Where the database does not wake, it is the time.
    async fn wake(&self, wait: Duration);

    /// What there is.
    async fn status(&self) -> Result<OutboxStatus, OutboxError>;

    /// All held rows, in the order in which they were held.
    async fn held(&self) -> Result<Vec<HeldRow>, OutboxError>;

    /// The rows with an event's id that are not published, 1,000 at most.
    async fn find(&self, event_id: &str) -> Result<Vec<FoundRow>, OutboxError>;

    /// Marks held rows that are parked and notes who did it; says which were.
    async fn mark(&self, ids: &[i64], mark: &HeldMark, who: &str, detail: &str) -> Result<Vec<bool>, OutboxError>;

    /// What was done to held rows, the last `limit`, oldest first.
    async fn held_log(&self, limit: u32) -> Result<Vec<HeldNote>, OutboxError>;
}

/// Connects; a SQLite file is made where `create` says so.
pub(crate) async fn open(address: &OutboxAddress, create: bool) -> Result<Box<dyn Store>, OutboxError> {
    Ok(match address {
        OutboxAddress::Sqlite { file } => Box::new(sqlite::SqliteOutbox::open(file, create).await?),
        OutboxAddress::Postgres { url } => Box::new(postgres::PostgresOutbox::open(url).await?),
        OutboxAddress::MySql { url } => Box::new(mysql::MySqlOutbox::open(url).await?),
    })
}
