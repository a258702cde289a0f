//! The contracts: event types, their Avro schemas, and what a record looks like on the wire. No I/O.
//!
//! Read [`mod@catalog`] for what exists, [`event`] for what an event type is, and then the way of one record:
//! [`encode`] → [`wire`] → [`metadata`] out, [`metadata`] → [`wire`] → [`decode`] in. [`json`] is the same
//! without Rust types, for tools. The types in the domain modules are generated from `schemas/catalog.toml`
//! and `schemas/avro/` by `cargo xtask codegen`.
//!
//! ```
//! use coursebus_schemas::{SchemaId, decode, encode, subscription, wire, Event};
//!
//! let plan = subscription::PlanData {
//!     plan_uuid: "5a1f7c1e-9c1b-4b7e-8f0a-2f9f6f1d2c3b".into(),
//!     title: "Team plan".into(),
//!     starts: "2026-01-01T00:00:00+00:00".into(),
//!     expires: "2027-01-01T00:00:00+00:00".into(),
//!     enterprise_customer_uuid: None,
//!     auto_applies_licenses: false,
//! };
//! let event = subscription::PlanCreated { plan };
//! let mut value = Vec::new();
//! wire::frame(SchemaId(7), &mut value);
//! encode::encode(&event, &mut value)?;
//!
//! let (schema_id, datum) = wire::unframe(&value)?;
//! assert_eq!(schema_id, SchemaId(7));
//! let writer = subscription::PlanCreated::TYPE.writer_schema();
//! assert_eq!(decode::decode::<subscription::PlanCreated>(writer, datum)?, event);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What is not here: sockets, files, clocks, random numbers, partitioners (the producer has them) and the
//! compatibility rules (the registry has them).

mod binary;
pub mod catalog;
pub mod decode;
pub mod encode;
pub mod event;
#[rustfmt::skip]
mod generated;
pub mod json;
pub mod key;
pub mod metadata;
mod model;
mod path;
pub mod topic;
pub mod wire;
pub mod writer;

pub use catalog::{Catalog, catalog};
pub use event::{Compatibility, Event, EventType, Origin, Primitive};
pub use generated::*;
pub use key::{Key, OrderKey};
pub use metadata::{EventId, Identity, Metadata};
pub use path::FieldPath;
pub use topic::{Cleanup, Partitioner, Topic};
pub use wire::SchemaId;
pub use writer::WriterSchema;
