//! Why an event was not written to the outbox.

use coursebus_schemas::{EventId, encode::EncodeError};
use coursebus_transport::Class;

use super::{EVENT_BYTES_MAX, TEXT_MAX};

/// An event was not written to the outbox. Roll the transaction back, or go on without the event.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnqueueError {
    /// The event does not fit its schema; the source names the field.
    #[error("the event does not fit {event_type}")]
    Unfit {
        /// The event type.
        event_type: &'static str,
        /// Where, and why.
        source: EncodeError,
    },
    /// The event has no source, so that no consumer could tell it from others.
    #[error("an event of type {event_type} has no source")]
    NoSource {
        /// The event type.
        event_type: &'static str,
    },
    /// A text of the metadata is longer than its column, or holds a NUL.
    #[error("the {column} of an event of type {event_type} is longer than {TEXT_MAX} characters or holds a NUL")]
    Text {
        /// The event type.
        event_type: &'static str,
        /// The column.
        column: &'static str,
    },
    /// The field that is the record key is null: the event would have no partition and no order.
    #[error("the record key of an event of type {event_type} is null")]
    NullKey {
        /// The event type.
        event_type: &'static str,
    },
    /// The event is larger than a topic takes.
    #[error("an event of type {event_type} has {bytes} bytes, at most {EVENT_BYTES_MAX} are taken")]
    TooLarge {
        /// The event type.
        event_type: &'static str,
        /// Datum and key, in bytes.
        bytes: usize,
    },
    /// A row with this source and id is there already.
    #[error("the id {id} of an event of type {event_type} is used by a row that is not published yet")]
    IdUsed {
        /// The event type.
        event_type: &'static str,
        /// The id.
        id: EventId,
    },
    /// The database refused the row, or did not answer.
    #[error("the row of an event of type {event_type} was not written")]
    Database {
        /// The event type.
        event_type: &'static str,
        /// What it said.
        source: sqlx::Error,
    },
}

impl EnqueueError {
    /// What a program should do about it.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Unfit { .. }
            | Self::NoSource { .. }
            | Self::Text { .. }
            | Self::NullKey { .. }
            | Self::TooLarge { .. }
            | Self::IdUsed { .. } => Class::Poison,
            Self::Database { .. } => Class::Transient,
        }
    }

    /// The name under which docs/errors/ explains it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unfit { .. } | Self::NoSource { .. } | Self::Text { .. } => "event-does-not-fit",
            Self::NullKey { .. } => "record-key",
            Self::TooLarge { .. } => "record-too-large",
            Self::IdUsed { .. } => "event-id-used",
            Self::Database { .. } => "database",
        }
    }
}
