//! Why an event was not emitted.

use coursebus_registry_tools::RegistryError;
use coursebus_schemas::{encode::EncodeError, json::FitError};
use coursebus_transport::{AdminError, AppendError, Class, Unflushed};

/// An event was not emitted, or is not known to be: only [`EmitError::Append`] with an `Unconfirmed` leaves that open.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmitError {
    /// The catalogue has no such type.
    #[error("event type '{name}' is not in the catalogue")]
    UnknownType {
        /// What was given, cut at 200 characters.
        name: String,
    },
    /// The event does not fit its schema; the source names the field.
    #[error("the event does not fit {event_type}")]
    Unfit {
        /// The event type.
        event_type: &'static str,
        /// Where, and why.
        source: FitError,
    },
    /// The event has no source, so that no consumer could tell it from others.
    #[error("an event of type {event_type} has no source")]
    NoSource {
        /// The event type.
        event_type: &'static str,
    },
    /// The event could not be encoded.
    #[error("the event could not be encoded as {event_type}")]
    Encode {
        /// The event type.
        event_type: &'static str,
        /// Where, and why.
        source: EncodeError,
    },
    /// The subject or this version of it is not in the registry.
    #[error("the schema of {event_type} is not registered under subject {subject}")]
    NotRegistered {
        /// The event type.
        event_type: &'static str,
        /// The subject it should be under.
        subject: String,
    },
    /// The registry could not be asked.
    #[error("the registry could not tell the schema id of {event_type}")]
    Registry {
        /// The event type.
        event_type: &'static str,
        /// What it said.
        source: RegistryError,
    },
    /// The topic could not be looked at; most often it does not exist.
    #[error("the topic of {event_type} cannot be used")]
    Topic {
        /// The event type.
        event_type: &'static str,
        /// What the log said.
        source: AdminError,
    },
    /// The log did not take the record, or did not confirm it.
    #[error("an event of type {event_type} was not confirmed")]
    Append {
        /// The event type.
        event_type: &'static str,
        /// What the log said.
        source: AppendError,
    },
    /// The log could not be opened for writing.
    #[error("the log cannot be written to")]
    Open {
        /// What the log said.
        source: AppendError,
    },
    /// Events were still on their way at the deadline.
    #[error("not all events were confirmed in time")]
    Flush(#[from] Unflushed),
}

impl EmitError {
    /// What a program should do about it.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Unfit { .. } | Self::NoSource { .. } | Self::Encode { .. } => Class::Poison,
            Self::UnknownType { .. } | Self::NotRegistered { .. } => Class::Fatal,
            Self::Registry { source, .. } => source.class(),
            Self::Topic { source, .. } => source.class(),
            Self::Append { source, .. } | Self::Open { source } => source.class(),
            Self::Flush(_) => Class::Transient,
        }
    }

    /// The name under which docs/errors/ explains it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownType { .. } => "unknown-event-type",
            Self::Unfit { .. } | Self::NoSource { .. } | Self::Encode { .. } => "event-does-not-fit",
            Self::NotRegistered { .. } => "schema-not-registered",
            Self::Registry { .. } => "registry-unavailable",
            Self::Topic { source: AdminError::UnknownTopic { .. }, .. } => "unknown-topic",
            Self::Append { source: AppendError::UnknownTopic { .. }, .. } => "unknown-topic",
            Self::Append { source: AppendError::TooLarge { .. }, .. } => "record-too-large",
            Self::Topic { source: AdminError::Refused { .. }, .. }
            | Self::Append { source: AppendError::Refused { .. }, .. }
            | Self::Open { source: AppendError::Refused { .. } } => "bus-refused",
            Self::Topic { .. } | Self::Append { .. } | Self::Open { .. } | Self::Flush(_) => "not-confirmed",
        }
    }
}
