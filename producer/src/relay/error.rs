//! What goes wrong with a relay.

use coursebus_registry_tools::RegistryError;
use coursebus_transport::Cause;

use super::OutboxError;

/// A relay could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RelayError {
    /// The outbox cannot be used.
    #[error("the outbox cannot be relayed")]
    Outbox {
        /// What its database said.
        source: OutboxError,
    },
}

/// What keeps a relay from going on for now. It waits and tries again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RelayTrouble {
    /// The outbox's database.
    #[error("the outbox's database")]
    Database(#[from] OutboxError),
    /// The log.
    #[error("the log did not {what}")]
    Log {
        /// The verb that failed.
        what: &'static str,
        /// What it said.
        source: Cause,
    },
    /// The registry.
    #[error("the registry could not tell a schema id")]
    Registry {
        /// What it said.
        source: RegistryError,
    },
    /// A schema of the catalogue cannot be used: a bug.
    #[error("a schema of the catalogue cannot be used: {reason}")]
    Catalogue {
        /// Why.
        reason: String,
    },
    /// More keys are held than are kept in mind.
    #[error("{keys} order keys are held, at most {keys_max} are kept in mind")]
    TooManyHeld {
        /// How many.
        keys: usize,
        /// The bound.
        keys_max: usize,
    },
    /// The runtime is shutting down.
    #[error("the runtime is shutting down")]
    Runtime,
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        line.push_str(": ");
        line.push_str(&cause.to_string());
        source = cause.source();
    }
    line
}
