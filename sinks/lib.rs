//! The sink services, one folder each, all with the same files: `mod.rs` (the sink), `tables.rs`, `effects.rs` (pure: what
//! an event changes) and `migrations/`.

pub mod credentials;
pub mod discovery;
pub mod license_manager;

use coursebus_sinks_kit::SinkSpec;

/// All sinks, by name.
#[must_use]
pub fn all() -> Vec<SinkSpec> {
    vec![credentials::sink(), discovery::sink(), license_manager::sink()]
}
