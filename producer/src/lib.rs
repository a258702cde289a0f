//! Says once what happened: typed emit of catalogue events.
//!
//! An event is validated and encoded with the schema that the registry has for its type, framed, given its headers, put on
//! the partition of its record key, and confirmed when the log has it durably. [`adapters`] turn a service's facts into
//! events.
//!
//! With the feature `outbox`, a service whose data and event must agree writes the event as a row of its own database
//! ([`outbox`]); with `relay`, [`relay`] publishes such rows.
//!
//! What is not here: a producer never reads an event topic, and never registers a schema.

pub mod adapters;
mod cause;
mod emit;
mod error;
mod headers;
#[cfg(feature = "outbox")]
pub mod outbox;
pub mod partition;
mod pending;
#[cfg(feature = "relay")]
pub mod relay;
mod report;
mod route;
mod settings;

pub use cause::Cause;
pub use emit::Producer;
pub use error::EmitError;
pub use pending::{Emitted, Pending};
pub use report::{Report, Undelivered};
pub use settings::{PartitionCount, ProducerSettings};
