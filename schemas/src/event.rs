//! What an event type is: its name, its topic, its key, its schemas. The generated code fills these in.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::key::{Key, OrderKey};
use crate::topic::Topic;
use crate::writer::WriterSchema;

/// An event that can be put on the bus: one generated struct for each event type.
///
/// The struct is the newest minor version of its type; older ones are in submodules such as
/// `subscription::v1_0`. Serialization follows the schema field by field, so implementations by hand are
/// for tests only.
pub trait Event: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The type of this event, with the schema that this struct is encoded with.
    const TYPE: &'static EventType;

    /// The record key: which partition the event goes to.
    fn key(&self) -> Key<'_>;

    /// Replaces the contents of `out` with the order key: the fields within which order matters.
    ///
    /// Events with equal order keys always have equal record keys.
    fn order_key(&self, out: &mut OrderKey);
}

/// Everything the catalogue says about one event type.
#[derive(Clone, Copy)]
pub struct EventType {
    /// The name on the wire (`ce_type`), which is also the namespace of the schema.
    pub name: &'static str,
    /// The service that emits it: `cms`, `lms`, …
    pub owner: &'static str,
    /// Who defines the fields.
    pub origin: Origin,
    /// The topic it is on.
    pub topic: &'static Topic,
    /// The major version: a change of it is another type.
    pub major: u32,
    /// The minor version of [`EventType::schema`], written as `ce_minorversion`.
    pub minor: u32,
    /// The schema that events are written with: minified JSON, fields in the order of the file.
    pub schema: &'static str,
    /// All minor versions, oldest first.
    pub versions: &'static [Version],
    /// The record key.
    pub key: KeySpec,
    /// Paths of the fields within which order matters, as segments.
    pub order_by: &'static [&'static [&'static str]],
    /// What the registry holds new versions of the schema to.
    pub compatibility: Compatibility,
    /// Paths of the fields that hold personal data, written `enrollment.user.pii.email`.
    pub personal_data: &'static [&'static str],
    /// One sentence for people.
    pub description: &'static str,
    pub(crate) writer: fn() -> &'static WriterSchema,
}

/// One minor version of an event type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// The major version.
    pub major: u32,
    /// The minor version.
    pub minor: u32,
    /// The schema, minified JSON.
    pub schema: &'static str,
}

/// Where the record key comes from and how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeySpec {
    /// The path of the field, as segments.
    pub path: &'static [&'static str],
    /// The schema as it is registered: the definition of the field cut out of the value's schema.
    pub schema: &'static str,
    /// The type of the field.
    pub primitive: Primitive,
}

/// The Avro types that a record key may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Primitive {
    /// Text: course keys, UUIDs.
    String,
    /// A 64-bit number: user ids.
    Long,
    /// A 32-bit number.
    Int,
    /// True or false.
    Boolean,
}

/// Who defines the fields of an event type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The openedx-events package: the schema is theirs, unchanged.
    OpenEdx,
    /// This project.
    Coursebus,
}

/// The registry's compatibility levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compatibility {
    /// Anything goes.
    None,
    /// The new version reads what the one before it wrote.
    Backward,
    /// The new version reads what all before it wrote.
    BackwardTransitive,
    /// The version before reads what the new one writes.
    Forward,
    /// All versions before read what the new one writes.
    ForwardTransitive,
    /// Backward and forward.
    Full,
    /// Backward and forward, with all versions before.
    FullTransitive,
}

impl EventType {
    /// The full name of the record: `<event type>.CloudEvent`.
    pub fn full_name(&self) -> String {
        format!("{}.CloudEvent", self.name)
    }

    /// The registry subject of the value: `<prefix>-<topic>-<event type>.CloudEvent`.
    pub fn value_subject(&self, prefix: &str) -> String {
        format!("{prefix}-{}-{}.CloudEvent", self.topic.name, self.name)
    }

    /// The registry subject of the key: `<prefix>-<topic>-string`, `-long`, …
    pub fn key_subject(&self, prefix: &str) -> String {
        format!("{prefix}-{}-{}", self.topic.name, self.key.primitive)
    }

    /// The schema that events of this type are written with, parsed once for the life of the process.
    pub fn writer_schema(&self) -> &'static WriterSchema {
        (self.writer)()
    }
}

impl fmt::Debug for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}.{}", self.name, self.major, self.minor)
    }
}

impl fmt::Display for Primitive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::String => "string",
            Self::Long => "long",
            Self::Int => "int",
            Self::Boolean => "boolean",
        })
    }
}

impl Compatibility {
    /// The name that the registry's API uses: `FULL_TRANSITIVE`, …
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Backward => "BACKWARD",
            Self::BackwardTransitive => "BACKWARD_TRANSITIVE",
            Self::Forward => "FORWARD",
            Self::ForwardTransitive => "FORWARD_TRANSITIVE",
            Self::Full => "FULL",
            Self::FullTransitive => "FULL_TRANSITIVE",
        }
    }
}
