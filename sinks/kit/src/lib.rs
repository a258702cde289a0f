//! What every sink is made of.
//!
//! A sink says which tables it has and, per event type, which [`Change`]s an event makes: pure functions
//! ([`SinkSpec`]). The kit does the rest: [`SinkProcessor`] applies the changes of a batch, the position after it, the inbox
//! and held records in one transaction of the sink's database ([`Store`], on SQLite and PostgreSQL), so that each event
//! takes effect once; [`audit`] proves it; [`read_api`] and [`dump`] show the rows. What cannot be applied is held
//! ([`held`]), with the later records of its key, until an operator brings it back.

mod address;
pub mod audit;
mod chain;
pub mod dump;
mod effect;
pub mod fields;
mod fold;
pub mod held;
pub mod held_api;
mod processor;
pub mod read_api;
mod spec;
mod store;
mod value;

pub use address::{AddressError, DbAddress};
pub use chain::{AuditRow, ChainLink, RowName};
pub use effect::{Effect, Event as AppliedEvent};
pub use fold::{Delete, Upsert};
pub use held::{Edited, HeldBrief, HeldPlace, HeldRecord, HeldState, gate::HeldLimits};
pub use processor::{SinkProcessor, SinkSettings};
pub use spec::{Change, Column, EffectError, Kind, SinkSpec, Table, Touch};
#[cfg(feature = "memory")]
pub use store::memory::MemoryStore;
pub use store::{
    AuditState, Batch, HeldLogEntry, HeldStore, HeldTx, Mark, Note, PartitionId, Position, Settle, Settled, Store,
    StoreError, Tx, apply, open,
};
pub use value::Value;
