//! The front half of a relay: reads rows and decides what becomes of them. Runs one batch ahead of the back half.

use std::{collections::HashMap, sync::Arc};

use super::{
    RelayTrouble,
    encode::{Refusal, Stamp, encode},
    plan::{Blocks, Cause, Plan, plan},
    routes::Routes,
    row::Row,
    store::{Asked, READ_BYTES_MAX, Store},
};

/// How many held keys are kept in mind, about 100 bytes each. At the bound the relay waits until some are let go: it could not
/// keep the order of the others.
pub(crate) const KEYS_MAX: usize = 500_000;

/// A batch, decided.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    /// The rows that it is of.
    pub(crate) ids: Vec<i64>,
    /// It has as many as one batch may: more may be waiting.
    pub(crate) is_full: bool,
    pub(crate) plan: Plan,
}

/// Reads and decides.
pub(crate) struct Front {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) routes: Routes,
    pub(crate) stamp: Arc<Stamp>,
    /// What is held, of all batches that were decided.
    pub(crate) blocks: Blocks,
    /// Rows that the log has refused, until they are held; at most those of one batch.
    pub(crate) refused: HashMap<i64, Refusal>,
    /// How many rows a batch may have now: fewer while one that the log refuses is looked for.
    pub(crate) rows_max: usize,
}

impl Front {
    /// The next batch, without the rows of the one in flight.
    pub(crate) async fn next(&mut self, in_flight: &[i64]) -> Result<Prepared, RelayTrouble> {
        let rows = self.store.read(in_flight, self.rows_max).await?;
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let is_full = ids.len() >= self.rows_max || rows.iter().map(Row::size).sum::<usize>() >= READ_BYTES_MAX;
        let plan = self.decide(rows).await?;
        Ok(Prepared { ids, is_full, plan })
    }

    /// A batch of held rows that come back, and what had held them: they do not wait for that.
    pub(crate) async fn back(&mut self, asked: &mut Asked) -> Result<(Prepared, Option<Cause>), RelayTrouble> {
        let cause = asked.block.and_then(|block| self.blocks.remove(&block));
        let rows = std::mem::take(&mut asked.rows);
        let ids = rows.iter().map(|row| row.id).collect();
        let plan = self.decide(rows).await?;
        Ok((Prepared { ids, is_full: false, plan }, cause))
    }

    /// What is held, from the database.
    pub(crate) async fn recall(&mut self) -> Result<(), RelayTrouble> {
        self.blocks = self.store.blocks().await?;
        self.check_bound()
    }

    /// Keeps in mind what a batch holds. To be called before the next one is decided.
    pub(crate) fn hold(&mut self, plan: &Plan) -> Result<(), RelayTrouble> {
        for (block, cause) in &plan.blocks {
            self.blocks.entry(*block).or_insert_with(|| cause.clone());
        }
        self.check_bound()
    }

    fn check_bound(&self) -> Result<(), RelayTrouble> {
        let keys = self.blocks.len();
        if keys > KEYS_MAX { Err(RelayTrouble::TooManyHeld { keys, keys_max: KEYS_MAX }) } else { Ok(()) }
    }

    async fn decide(&mut self, rows: Vec<Row>) -> Result<Plan, RelayTrouble> {
        if rows.is_empty() {
            return Ok(Plan::default());
        }
        let table = self.routes.of(&rows).await?;
        let stamp = self.stamp.clone();
        // Parsing and encoding thousands of events takes tens of milliseconds.
        let encoded =
            tokio::task::spawn_blocking(move || rows.iter().map(|row| encode(row, &table, &stamp)).collect::<Vec<_>>());
        let encoded = encoded.await.map_err(|_| RelayTrouble::Runtime)?;
        Ok(plan(encoded, &self.blocks, &self.refused))
    }
}
