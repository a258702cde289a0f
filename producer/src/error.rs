//! Why an event was not emitted.

use std::time::Duration;

use coursebus_registry_tools::RegistryError;
use coursebus_schemas::{encode::EncodeError, json::FitError};
use coursebus_transport::{AdminError, AppendError, Class};

/// An event was not emitted, or is not known to be.
///
/// Two questions decide what a caller does. [`EmitError::class`]: may the same call succeed later (`Transient`), never with
/// this event (`Poison`), or not before a person has done something (`Fatal`)? [`EmitError::is_in_doubt`]: may the event be
/// on the log all the same? Then it is emitted again only with the same id, by which consumers tell it from others.
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
    #[error("an event of type {event_type} was not delivered")]
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
    /// The record key is null or of another kind than the type's: the event would have no order, or its key no meaning.
    #[error("the record key of an event of type {event_type}, {path}, is {found}")]
    RecordKey {
        /// The event type.
        event_type: &'static str,
        /// The field that is the record key.
        path: String,
        /// `null`, or of which kind it is.
        found: &'static str,
    },
    /// The topic has another number of partitions than its keys are divided by: an event of a key would lie apart from
    /// those before it. Nothing was sent.
    #[error("topic {topic} has {found} partitions, {expected} are expected")]
    Partitions {
        /// The full name of the topic.
        topic: String,
        /// How many it has.
        found: i32,
        /// How many the catalogue says, or it had at first ([`crate::PartitionCount`]).
        expected: i32,
    },
    /// There was no room within the byte bound before the deadline: the log is away, or slower than this producer. Nothing
    /// was sent.
    #[error("there was no room to send an event of type {event_type} within {deadline:?}")]
    NoRoom {
        /// The event type.
        event_type: &'static str,
        /// How long was waited.
        deadline: Duration,
    },
    /// The event was sent and not confirmed before the caller's deadline. **It may still come to the log.**
    #[error("an event of type {event_type} was not confirmed within {deadline:?}")]
    Late {
        /// The event type.
        event_type: &'static str,
        /// How long was waited.
        deadline: Duration,
    },
}

impl EmitError {
    /// What a program should do about it.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Unfit { .. } | Self::NoSource { .. } | Self::Encode { .. } | Self::RecordKey { .. } => Class::Poison,
            Self::UnknownType { .. } | Self::NotRegistered { .. } | Self::Partitions { .. } => Class::Fatal,
            Self::Registry { source, .. } => source.class(),
            Self::Topic { source, .. } => source.class(),
            Self::Append { source, .. } | Self::Open { source } => source.class(),
            Self::NoRoom { .. } | Self::Late { .. } => Class::Transient,
        }
    }

    /// Whether the event may be on the log all the same. Where not, emitting it again makes no duplicate.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        match self {
            Self::Append { source, .. } => source.is_in_doubt(),
            Self::Late { .. } => true,
            Self::UnknownType { .. }
            | Self::Unfit { .. }
            | Self::NoSource { .. }
            | Self::Encode { .. }
            | Self::NotRegistered { .. }
            | Self::Registry { .. }
            | Self::Topic { .. }
            | Self::Open { .. }
            | Self::RecordKey { .. }
            | Self::Partitions { .. }
            | Self::NoRoom { .. } => false,
        }
    }

    /// The name under which docs/errors/ explains it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownType { .. } => "unknown-event-type",
            Self::Unfit { .. } | Self::NoSource { .. } | Self::Encode { .. } => "event-does-not-fit",
            Self::RecordKey { .. } | Self::Append { source: AppendError::KeyRequired { .. }, .. } => "record-key",
            Self::Partitions { .. } | Self::Append { source: AppendError::UnknownPartition { .. }, .. } => {
                "partition-count"
            }
            Self::NotRegistered { .. } => "schema-not-registered",
            Self::Registry { .. } => "registry-unavailable",
            Self::Topic { source: AdminError::UnknownTopic { .. }, .. } => "unknown-topic",
            Self::Append { source: AppendError::UnknownTopic { .. }, .. } => "unknown-topic",
            Self::Append { source: AppendError::TooLarge { .. }, .. } => "record-too-large",
            Self::Topic { source: AdminError::Refused { .. }, .. }
            | Self::Append { source: AppendError::Refused { .. }, .. }
            | Self::Open { source: AppendError::Refused { .. } } => "bus-refused",
            Self::NoRoom { .. } | Self::Topic { .. } | Self::Open { .. } => "not-sent",
            Self::Append { source: AppendError::NotSent { .. }, .. } => "not-sent",
            Self::Append { .. } | Self::Late { .. } => "not-confirmed",
        }
    }
}
