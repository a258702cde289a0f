//! A schema as the writer of a datum used it: parsed once, shared by all who read with it.

use serde_json::Value;

use crate::model::{self, Model};

/// How long the text of a schema may be.
pub const SCHEMA_BYTES_MAX: usize = 1 << 20;

/// A parsed schema, ready to encode and decode with.
///
/// Parsing costs far more than decoding: keep it, behind an `Arc` for one that came from a registry.
pub struct WriterSchema {
    text: Box<str>,
    fast: serde_avro_fast::Schema,
    model: Model,
    empty_items: bool,
}

/// A text is not a schema that can be used. Fatal for the record that named it: the registry holds the same
/// text tomorrow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// The text is not JSON.
    #[error("schema is not JSON, line {line} column {column}")]
    Json {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// The JSON is not an Avro schema.
    #[error("not an Avro schema: {what}")]
    Malformed {
        /// The rule that is broken.
        what: &'static str,
    },
    /// A type is used and not defined.
    #[error("unknown type {name}")]
    UnknownName {
        /// The full name.
        name: String,
    },
    /// Two types, or two fields of a record, have one name.
    #[error("{name} is defined twice")]
    Duplicate {
        /// The full name.
        name: String,
    },
    /// Records hold records deeper than 48, or hold themselves without end.
    #[error("records are nested too deep")]
    TooDeep,
    /// A record has more than 100,000 fields with those of the records in it.
    #[error("a record has too many fields")]
    TooWide,
    /// The schema defines more than 256 named types.
    #[error("schema defines too many types")]
    TooManyNames,
    /// The text is longer than [`SCHEMA_BYTES_MAX`].
    #[error("schema is {bytes} bytes long, at most {SCHEMA_BYTES_MAX} are read")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// The Avro library refuses it.
    #[error("not a usable Avro schema: {reason}")]
    Refused {
        /// The library's words.
        reason: String,
    },
}

impl WriterSchema {
    /// Parses the text of a schema: of an event, of a key, or any other.
    pub fn parse(text: &str) -> Result<Self, SchemaError> {
        if text.len() > SCHEMA_BYTES_MAX {
            return Err(SchemaError::TooLong { bytes: text.len() });
        }
        let json: Value = serde_json::from_str(text)
            .map_err(|error| SchemaError::Json { line: error.line(), column: error.column() })?;
        let model = Model::parse(&json)?;
        let empty_items = model::check(&model)?;
        let fast = text.parse::<serde_avro_fast::Schema>();
        let fast = fast.map_err(|error| SchemaError::Refused { reason: error.to_string() })?;
        Ok(Self { text: text.into(), fast, model, empty_items })
    }

    /// The schema of a generated type.
    pub(crate) fn generated(text: &str) -> Self {
        Self::parse(text).expect("a generated schema was parsed when it was generated")
    }

    /// The text it was parsed from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The full name of the record, enum or fixed that the schema is.
    pub fn full_name(&self) -> Option<&str> {
        self.model.name()
    }

    /// The event type whose value this is a schema of: the full name without `.CloudEvent`.
    pub fn event_type(&self) -> Option<&str> {
        self.full_name()?.strip_suffix(".CloudEvent")
    }

    pub(crate) fn fast(&self) -> &serde_avro_fast::Schema {
        &self.fast
    }

    pub(crate) fn model(&self) -> &Model {
        &self.model
    }

    /// The items of some array may take no bytes, so the length of a datum does not bound their number.
    pub(crate) fn has_empty_items(&self) -> bool {
        self.empty_items
    }
}

impl std::fmt::Debug for WriterSchema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WriterSchema({})", self.full_name().unwrap_or(&self.text))
    }
}
