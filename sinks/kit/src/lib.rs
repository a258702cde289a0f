//! What every sink is made of.
//!
//! A sink says which tables it has and, per event type, which [`Change`]s an event makes: pure functions
//! ([`SinkSpec`]). The kit does the rest: [`SinkProcessor`] applies the changes of a batch, the position after it, the inbox
//! and held records in one transaction of the sink's database ([`Store`], on SQLite and PostgreSQL), so that each event
//! takes effect once; [`audit`] proves it; [`read_api`] and [`dump`] show the rows.

mod address;
pub mod audit;
mod chain;
mod clock;
pub mod dump;
mod effect;
pub mod fields;
mod fold;
mod gap;
mod held;
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
pub use effect::{Effect, Effects, Event as AppliedEvent};
pub use fold::{Delete, Upsert};
pub use gap::{Gap, GapCause, find as find_gap};
pub use held::{HeldRecord, HeldState};
pub use processor::{SinkProcessor, SinkSettings};
pub use spec::{Change, Column, EffectError, Kind, SinkSpec, Table, Touch};
pub use store::{
    AuditState, Batch, HeldCount, Move, Moved, Operate, PartitionId, Position, Store, StoreError, Tx, apply, open,
};
pub use trace::{Parent, Processed, Traced, Tracer};
pub use value::Value;
pub use watch::{PartitionView, SECONDS, Totals, Watch};
