//! What every sink is made of.
//!
//! A sink says which tables it has and, per event type, which [`Change`]s an event makes: pure functions
//! ([`SinkSpec`]). The kit does the rest: [`SinkProcessor`] applies the changes of a batch, the position after it, the inbox
//! and held records in one transaction of the sink's database ([`Store`], on SQLite, PostgreSQL and MySQL), so that each event
//! takes effect once; [`audit`] proves it; [`read_api`] and [`dump`] show the rows. What cannot be applied is held
//! ([`held`]), with the later records of its key, until an operator brings it back.

mod address;
pub mod audit;
mod chain;
mod clock;
pub mod dump;
mod effect;
pub mod fields;
mod fold;
mod gap;
pub mod held;
pub mod held_api;
pub mod monitor;
mod processor;
pub mod read_api;
pub mod replay;
mod spec;
mod store;
mod trace;
mod value;
mod watch;

pub use address::{AddressError, DbAddress};
pub use chain::{AuditRow, ChainLink, RowName};
pub use effect::{Effect, Event as AppliedEvent};
pub use fold::{Delete, Upsert};
pub use gap::{Gap, GapCause, find as find_gap};
pub use held::{Edited, HeldBrief, HeldPlace, HeldRecord, HeldState, gate::HeldLimits};
pub use processor::{SinkProcessor, SinkSettings};
pub use spec::{Change, Column, EffectError, Kind, SinkSpec, Table, Touch};
#[cfg(feature = "memory")]
pub use store::memory::MemoryStore;
pub use store::{
    AuditState, Batch, HeldCount, HeldLogEntry, HeldStore, HeldTx, Mark, Move, Moved, Note, Operate, PartitionId,
    Position, Settle, Settled, Store, StoreError, Tx, apply, open,
};
pub use trace::{Parent, Processed, Traced, Tracer};
pub use value::Value;
pub use watch::{PartitionView, SECONDS, Totals, Watch};
