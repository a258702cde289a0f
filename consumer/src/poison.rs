//! Why a record can never be processed.

use std::fmt;

use coursebus_schemas::{decode::DecodeError, metadata::MetadataError, wire::FrameError};
use coursebus_transport::{Offset, Record};

/// The class of a poison record, one page each in docs/errors/. The names are stored with held records: they stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum PoisonCode {
    /// A null value, where every record is an event.
    NoValue,
    /// The first five bytes are not a zero and a schema id.
    MalformedFrame,
    /// The registry has no schema of this id.
    UnknownSchema,
    /// The registry's schema cannot be used.
    UnusableSchema,
    /// The schema is of no event type in the catalogue.
    UnknownEventType,
    /// The datum is cut off, or its bytes are no value of its schema.
    MalformedDatum,
    /// Bytes are left after the datum.
    TrailingBytes,
    /// The datum is sound and does not fit what the consumer reads it into.
    DoesNotFit,
    /// `ce_id`, `ce_source` or `ce_type` is missing, repeated, or not text.
    Identity,
    /// `ce_type` names another type than the schema id.
    TypeMismatch,
    /// Another header that was read is repeated or not what it should be.
    MalformedHeaders,
    /// The handler or the sink refused the event.
    Refused,
}

impl PoisonCode {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::NoValue,
        Self::MalformedFrame,
        Self::UnknownSchema,
        Self::UnusableSchema,
        Self::UnknownEventType,
        Self::MalformedDatum,
        Self::TrailingBytes,
        Self::DoesNotFit,
        Self::Identity,
        Self::TypeMismatch,
        Self::MalformedHeaders,
        Self::Refused,
    ];

    /// The name under which it is stored, shown, and explained in docs/errors/.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoValue => "no-value",
            Self::MalformedFrame => "malformed-frame",
            Self::UnknownSchema => "unknown-schema",
            Self::UnusableSchema => "unusable-schema",
            Self::UnknownEventType => "unknown-event-type",
            Self::MalformedDatum => "malformed-datum",
            Self::TrailingBytes => "trailing-bytes",
            Self::DoesNotFit => "does-not-fit",
            Self::Identity => "identity",
            Self::TypeMismatch => "type-mismatch",
            Self::MalformedHeaders => "malformed-headers",
            Self::Refused => "refused",
        }
    }
}

impl fmt::Display for PoisonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A verdict on a record: its class, and a sentence without any of the record's contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poison {
    /// The class.
    pub code: PoisonCode,
    /// The sentence.
    pub reason: String,
}

impl Poison {
    /// A verdict.
    pub fn new(code: PoisonCode, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }

    /// The verdict as an error that names the record.
    #[must_use]
    pub fn of(self, record: &Record) -> RecordError {
        RecordError {
            topic: record.topic().to_string(),
            partition: record.partition(),
            offset: record.offset(),
            code: self.code,
            reason: self.reason,
        }
    }
}

/// A record that can never be processed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{topic}/{partition} offset {offset}: {code}: {reason}")]
pub struct RecordError {
    /// The full name of the topic.
    pub topic: String,
    /// Counted from 0.
    pub partition: i32,
    /// The record's offset.
    pub offset: Offset,
    /// The class.
    pub code: PoisonCode,
    /// The sentence.
    pub reason: String,
}

impl From<FrameError> for Poison {
    fn from(error: FrameError) -> Self {
        Self::new(PoisonCode::MalformedFrame, error.to_string())
    }
}

impl From<DecodeError> for Poison {
    fn from(error: DecodeError) -> Self {
        let code = match &error {
            DecodeError::Trailing { .. } => PoisonCode::TrailingBytes,
            DecodeError::OtherType { .. } => PoisonCode::TypeMismatch,
            DecodeError::Unfit => PoisonCode::DoesNotFit,
            _ => PoisonCode::MalformedDatum,
        };
        Self::new(code, error.to_string())
    }
}

impl From<MetadataError> for Poison {
    fn from(error: MetadataError) -> Self {
        let identity = |header: &str| matches!(header, "ce_type" | "ce_id" | "ce_source");
        let code = match &error {
            MetadataError::Missing { header }
            | MetadataError::Empty { header }
            | MetadataError::Repeated { header }
            | MetadataError::Null { header }
            | MetadataError::NotText { header }
                if identity(header) =>
            {
                PoisonCode::Identity
            }
            _ => PoisonCode::MalformedHeaders,
        };
        Self::new(code, error.to_string())
    }
}
