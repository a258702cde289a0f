//! What a registry says when it cannot.

use coursebus_schemas::SchemaId;
use coursebus_transport::{Cause, Class};

/// A registry's refusal. [`RegistryError::code`] is the number that the HTTP API gives it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// No such subject, or all its versions are deleted.
    #[error("subject '{subject}' not found")]
    UnknownSubject {
        /// The subject asked for.
        subject: String,
    },
    /// The subject has no such version.
    #[error("version {version} of subject '{subject}' not found")]
    UnknownVersion {
        /// The subject.
        subject: String,
        /// The version asked for.
        version: String,
    },
    /// No schema has this id.
    #[error("schema {id} not found")]
    UnknownId {
        /// The id.
        id: SchemaId,
    },
    /// No schema has this GUID.
    #[error("schema {guid} not found")]
    UnknownGuid {
        /// What was asked for, cut at 40 characters.
        guid: String,
    },
    /// The subject was deleted softly already.
    #[error("subject '{subject}' was deleted softly already; delete it permanently, or register it again")]
    SubjectSoftDeleted {
        /// The subject.
        subject: String,
    },
    /// The subject has to be deleted softly before it is deleted for good.
    #[error("subject '{subject}' is not deleted softly yet: that comes before deleting it for good")]
    SubjectNotSoftDeleted {
        /// The subject.
        subject: String,
    },
    /// The version was deleted softly already.
    #[error("version {version} of subject '{subject}' was deleted softly already; delete it permanently, or leave it")]
    VersionSoftDeleted {
        /// The subject.
        subject: String,
        /// The version.
        version: u32,
    },
    /// The version has to be deleted softly before it is deleted for good.
    #[error(
        "version {version} of subject '{subject}' is not deleted softly yet: that comes before deleting it for good"
    )]
    VersionNotSoftDeleted {
        /// The subject.
        subject: String,
        /// The version.
        version: u32,
    },
    /// Other schemas refer to the version.
    #[error("other schemas refer to version {version} of subject '{subject}': delete them first")]
    ReferenceExists {
        /// The subject.
        subject: String,
        /// The version.
        version: u32,
    },
    /// The name cannot be a subject's.
    #[error("'{subject}' cannot be a subject: give 1 to 2,000 bytes without control characters")]
    InvalidSubject {
        /// The start of the name.
        subject: String,
    },
    /// The schema does not fit into a record of the topic.
    #[error("the schema has {bytes} bytes, and {bytes_max} is the most")]
    TooLarge {
        /// How large it is.
        bytes: usize,
        /// The most that is taken.
        bytes_max: usize,
    },
    /// The context cannot go: it is the default one, or has subjects.
    #[error("{reason}")]
    ContextNotEmpty {
        /// What is in the way.
        reason: String,
    },
    /// The rules beside the schema are not rules.
    #[error("not a rule set: {reason}")]
    InvalidRules {
        /// What is wrong.
        reason: String,
    },
    /// The subject has no version with this schema.
    #[error("subject '{subject}' has no version with this schema")]
    UnknownSchema {
        /// The subject.
        subject: String,
    },
    /// The subject has no level of its own.
    #[error("subject '{subject}' has no compatibility level of its own")]
    NoSubjectLevel {
        /// The subject.
        subject: String,
    },
    /// The subject has no mode of its own.
    #[error("subject '{subject}' has no mode of its own")]
    NoSubjectMode {
        /// The subject.
        subject: String,
    },
    /// The text is not an Avro schema.
    #[error("not an Avro schema: {reason}")]
    InvalidSchema {
        /// What is wrong, and where in it.
        reason: String,
    },
    /// A version is `latest`, `-1` or a number from 1.
    #[error("'{version}' is not a version: give 'latest' or a number from 1")]
    InvalidVersion {
        /// What was given, cut at 40 characters.
        version: String,
    },
    /// Not one of the seven levels.
    #[error("not a compatibility level: give NONE, BACKWARD, FORWARD or FULL, the last three also with _TRANSITIVE")]
    InvalidLevel,
    /// Not one of the three modes.
    #[error("not a mode: give READWRITE, READONLY or IMPORT")]
    InvalidMode,
    /// The mode of the subject does not permit this.
    #[error("subject '{subject}' does not permit this: {reason}")]
    NotPermitted {
        /// The subject.
        subject: String,
        /// What is missing.
        reason: String,
    },
    /// The id to import belongs to another schema.
    #[error("id {id} belongs to another schema already")]
    IdTaken {
        /// The id.
        id: SchemaId,
    },
    /// The new version is refused by the subject's compatibility level.
    #[error("incompatible with subject '{subject}': {message}")]
    Incompatible {
        /// The subject.
        subject: String,
        /// What the registry said.
        message: String,
    },
    /// This registry is a read-only view of the topic.
    #[error("this registry only reads: registering needs a registry server")]
    ReadOnly,
    /// The topic is not one that this registry may write to. It reads on.
    #[error("this registry only reads until its topic is in order: {reason}")]
    TopicUnsafe {
        /// What is wrong with the topic, the record by its offset where it is one.
        reason: String,
    },
    /// The log did not take what was to be written: it is full, or refuses. Nothing was changed, and reading goes on.
    #[error("the registry could not {what}")]
    Store {
        /// The verb that failed.
        what: String,
        /// What the log said.
        source: Cause,
    },
    /// The registry or its log did not answer in time.
    #[error("the registry did not {what}")]
    Unavailable {
        /// The verb that failed.
        what: String,
        /// What was said last.
        source: Cause,
    },
    /// The registry answered with something that is not its API.
    #[error("the registry answered {status} with code {code}: {message}")]
    Unexpected {
        /// The HTTP status.
        status: u16,
        /// The error code in the body; 0 where there was none.
        code: u32,
        /// The message in the body.
        message: String,
    },
}

impl RegistryError {
    /// The code that the HTTP API gives the error; the first three digits are the HTTP status.
    #[must_use]
    pub fn code(&self) -> u32 {
        match self {
            Self::UnknownSubject { .. } => 40401,
            Self::UnknownVersion { .. } => 40402,
            Self::UnknownId { .. } | Self::UnknownGuid { .. } | Self::UnknownSchema { .. } => 40403,
            Self::SubjectSoftDeleted { .. } => 40404,
            Self::SubjectNotSoftDeleted { .. } => 40405,
            Self::VersionSoftDeleted { .. } => 40406,
            Self::VersionNotSoftDeleted { .. } => 40407,
            Self::NoSubjectLevel { .. } => 40408,
            Self::NoSubjectMode { .. } => 40409,
            Self::Incompatible { .. } => 40901,
            Self::InvalidSchema { .. } => 42201,
            Self::InvalidVersion { .. } => 42202,
            Self::InvalidLevel => 42203,
            Self::InvalidMode => 42204,
            Self::NotPermitted { .. } | Self::ReadOnly | Self::TopicUnsafe { .. } => 42205,
            Self::ReferenceExists { .. } => 42206,
            Self::IdTaken { .. } => 42207,
            Self::InvalidSubject { .. } => 42208,
            Self::TooLarge { .. } => 42209,
            Self::InvalidRules { .. } => 42210,
            Self::ContextNotEmpty { .. } => 42211,
            Self::Unavailable { .. } => 50002,
            Self::Store { .. } | Self::Unexpected { .. } => 50001,
        }
    }

    /// What a program should do about it.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Unavailable { .. } | Self::Store { .. } | Self::Unexpected { status: 429 | 500.., .. } => {
                Class::Transient
            }
            Self::UnknownId { .. } => Class::Poison,
            Self::UnknownGuid { .. }
            | Self::SubjectSoftDeleted { .. }
            | Self::SubjectNotSoftDeleted { .. }
            | Self::VersionSoftDeleted { .. }
            | Self::VersionNotSoftDeleted { .. }
            | Self::ReferenceExists { .. }
            | Self::InvalidSubject { .. }
            | Self::TooLarge { .. }
            | Self::InvalidRules { .. }
            | Self::ContextNotEmpty { .. }
            | Self::TopicUnsafe { .. } => Class::Fatal,
            Self::UnknownSubject { .. }
            | Self::UnknownVersion { .. }
            | Self::UnknownSchema { .. }
            | Self::NoSubjectLevel { .. }
            | Self::NoSubjectMode { .. }
            | Self::InvalidSchema { .. }
            | Self::InvalidVersion { .. }
            | Self::InvalidLevel
            | Self::InvalidMode
            | Self::NotPermitted { .. }
            | Self::IdTaken { .. }
            | Self::Incompatible { .. }
            | Self::ReadOnly
            | Self::Unexpected { .. } => Class::Fatal,
        }
    }
}
