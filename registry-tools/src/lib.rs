//! The schema registry: what it stores, the topic it stores it on, its HTTP server and its client.
//!
//! [`Registry`] is what the rest of the project sees. [`LogRegistry`] keeps its state from the `_schemas` topic of a log;
//! [`HttpRegistry`] asks a server, ours or Confluent's or a work-alike. [`apply`] brings topics and subjects in line with
//! the catalogue. [`compatibility`] holds a new version to the ones before.

pub mod apply;
pub mod canonical;
mod client;
pub mod compatibility;
pub mod contracts;
mod error;
pub mod plan;
pub mod record;
pub mod retire;
#[cfg(feature = "server")]
pub mod server;
pub mod settings;
mod state;
mod store;
pub mod subject;
pub mod value;

use std::{fmt, str::FromStr, sync::Arc};

use async_trait::async_trait;
pub use client::{ClientSettings, Credentials, HttpRegistry};
pub use coursebus_schemas::SchemaId;
pub use error::RegistryError;
pub use state::{Draft, Filter, Found};
pub use store::{LogRegistry, StoreSettings};

/// A schema as a registry has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// The subject it is registered under.
    pub subject: String,
    /// Its version there, from 1.
    pub version: u32,
    /// Its id: one id a schema, whatever the subjects.
    pub id: SchemaId,
    /// The schema's text.
    pub schema: Arc<str>,
}

/// A version that a registry keeps, deleted softly or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Its number.
    pub version: u32,
    /// Its id.
    pub id: SchemaId,
    /// Whether it is deleted softly.
    pub deleted: bool,
}

/// Which version of a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionRef {
    /// The newest one that is not deleted (`latest`, `-1`).
    Latest,
    /// This one.
    Number(u32),
}

impl fmt::Display for VersionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str("latest"),
            Self::Number(number) => number.fmt(f),
        }
    }
}

impl FromStr for VersionRef {
    type Err = RegistryError;

    fn from_str(text: &str) -> Result<Self, RegistryError> {
        match text.trim() {
            "-1" => Ok(Self::Latest),
            latest if latest.eq_ignore_ascii_case("latest") => Ok(Self::Latest),
            number => match number.parse::<i32>().map(u32::try_from) {
                Ok(Ok(number)) if number > 0 => Ok(Self::Number(number)),
                _ => Err(RegistryError::InvalidVersion { version: text.chars().take(40).collect() }),
            },
        }
    }
}

/// What a new version of a subject must be to the ones before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are Confluent's and say it")]
pub enum Level {
    None,
    Backward,
    BackwardTransitive,
    Forward,
    ForwardTransitive,
    Full,
    FullTransitive,
}

impl Level {
    const ALL: [(Self, &'static str); 7] = [
        (Self::None, "NONE"),
        (Self::Backward, "BACKWARD"),
        (Self::BackwardTransitive, "BACKWARD_TRANSITIVE"),
        (Self::Forward, "FORWARD"),
        (Self::ForwardTransitive, "FORWARD_TRANSITIVE"),
        (Self::Full, "FULL"),
        (Self::FullTransitive, "FULL_TRANSITIVE"),
    ];
}

impl Level {
    /// The seven levels.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().map(|(level, _)| level)
    }

    /// Whether all versions are compared, not the latest alone.
    #[must_use]
    pub fn is_transitive(self) -> bool {
        matches!(self, Self::BackwardTransitive | Self::ForwardTransitive | Self::FullTransitive)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(level, _)| level == self).map_or("", |(_, name)| name);
        f.write_str(name)
    }
}

impl FromStr for Level {
    type Err = RegistryError;

    fn from_str(text: &str) -> Result<Self, RegistryError> {
        let upper = text.to_ascii_uppercase();
        let found = Self::ALL.iter().find(|(_, name)| *name == upper);
        found.map(|(level, _)| *level).ok_or(RegistryError::InvalidLevel)
    }
}

/// Whether a subject takes new versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Reads and registrations.
    ReadWrite,
    /// Reads only.
    ReadOnly,
    /// Registrations with ids given by the caller, to move schemas from another registry.
    Import,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReadWrite => "READWRITE",
            Self::ReadOnly => "READONLY",
            Self::Import => "IMPORT",
        })
    }
}

impl FromStr for Mode {
    type Err = RegistryError;

    fn from_str(text: &str) -> Result<Self, RegistryError> {
        match text.to_ascii_uppercase().as_str() {
            "READWRITE" => Ok(Self::ReadWrite),
            "READONLY" => Ok(Self::ReadOnly),
            "IMPORT" => Ok(Self::Import),
            _ => Err(RegistryError::InvalidMode),
        }
    }
}

/// A schema to register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration<'a> {
    /// The subject.
    pub subject: &'a str,
    /// The schema's text.
    pub schema: &'a str,
    /// Id and version to give it; only in [`Mode::Import`].
    pub import: Option<(SchemaId, Option<u32>)>,
}

/// A schema registry. Each call waits a bounded time and then fails with [`RegistryError::Unavailable`].
#[async_trait]
pub trait Registry: Send + Sync + 'static {
    /// The schema of an id, also when every subject has deleted it. Implementations cache it: an id never changes its
    /// meaning.
    async fn schema(&self, id: SchemaId) -> Result<Arc<str>, RegistryError>;

    /// The version of a subject that has this schema. Fails with `UnknownSubject` or `UnknownSchema`.
    async fn lookup(&self, subject: &str, schema: &str) -> Result<Registered, RegistryError>;

    /// Registers a schema; answers with what is there already where the subject has it. Durable when it returns.
    async fn register(&self, registration: Registration<'_>) -> Result<Registered, RegistryError>;

    /// All subjects that have a version, sorted.
    async fn subjects(&self) -> Result<Vec<String>, RegistryError>;

    /// The versions of a subject, rising.
    async fn versions(&self, subject: &str) -> Result<Vec<u32>, RegistryError>;

    /// One version of a subject.
    async fn version(&self, subject: &str, version: VersionRef) -> Result<Registered, RegistryError>;

    /// All versions of a subject, those too that are deleted softly, rising.
    async fn kept(&self, subject: &str) -> Result<Vec<Kept>, RegistryError>;

    /// All subjects and versions that have an id, those too that are deleted softly; `subject` says the context.
    async fn users(&self, id: SchemaId, subject: &str) -> Result<Vec<(String, u32)>, RegistryError>;

    /// Deletes a version, or all of a subject, softly or for good; answers with what went. Asks nobody who still uses them:
    /// [`retire`] does. Fails with `ReferenceExists`, and for good unless they were deleted softly before.
    async fn delete(&self, subject: &str, version: Option<u32>, permanent: bool) -> Result<Vec<u32>, RegistryError>;

    /// The level of a subject, or the global one (`None`); `None` where the subject has none of its own. The global one
    /// is `BACKWARD` until it is set.
    async fn compatibility(&self, subject: Option<&str>) -> Result<Option<Level>, RegistryError>;

    /// Stores a level. New versions are held to it.
    async fn set_compatibility(&self, subject: Option<&str>, level: Level) -> Result<(), RegistryError>;

    /// The mode of a subject, or the global one, as with levels.
    async fn mode(&self, subject: Option<&str>) -> Result<Option<Mode>, RegistryError>;

    /// Stores a mode; `IMPORT` also where there are schemas already.
    async fn set_mode(&self, subject: Option<&str>, mode: Mode) -> Result<(), RegistryError>;
}
