//! From an Avro datum to an event, with the schema that the writer used.
//!
//! Fields are matched by name: one that the writer did not have takes its default, one that the reader
//! does not know is skipped. So both generations of consumer read both minor versions.

use std::io::BufRead;

use serde::Deserialize;
use serde_avro_fast::de::read::SliceRead;
use serde_avro_fast::de::{DeserializerConfig, DeserializerState};

use crate::event::Event;
use crate::json::to_json;
use crate::path::FieldPath;
use crate::writer::WriterSchema;

/// How deep records, arrays, maps and unions may be inside one another in a datum.
pub const DEPTH_MAX: usize = 64;

/// A datum cannot be read. Always poison: reading it again gives the same. Holds no values, only paths.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The datum ends too early: cut off, or written with another schema.
    #[error("datum ends inside {path}")]
    Truncated {
        /// The field that is cut off.
        path: FieldPath,
    },
    /// Bytes are left when the datum is complete: written with another schema.
    #[error("{bytes} bytes are left after the datum")]
    Trailing {
        /// How many.
        bytes: usize,
    },
    /// The bytes of a field are no value of its type: written with another schema, or damaged.
    #[error("{path} is not a {expected}")]
    Invalid {
        /// The field.
        path: FieldPath,
        /// What it should be.
        expected: &'static str,
    },
    /// A count or a length is negative, or larger than a datum of this length may have.
    #[error("{path} has an impossible length")]
    Length {
        /// The field.
        path: FieldPath,
    },
    /// Values are inside one another deeper than [`DEPTH_MAX`].
    #[error("{path} is nested too deep")]
    TooDeep {
        /// The field.
        path: FieldPath,
    },
    /// The schema is of another event type than the reader.
    #[error("schema is of another type than {expected}")]
    OtherType {
        /// The event type of the reader.
        expected: &'static str,
    },
    /// The datum is sound, but the reader's type needs something else: the writer broke compatibility.
    #[error("datum is sound, but does not fit the reader's type")]
    Unfit,
}

/// Reads an event. `writer` is the schema that the record's schema id stands for.
///
/// Costs no allocation but those of the event itself; no length in the datum is believed before the bytes
/// are there.
pub fn decode<E: Event>(writer: &WriterSchema, datum: &[u8]) -> Result<E, DecodeError> {
    if writer.event_type() != Some(E::TYPE.name) {
        return Err(DecodeError::OtherType { expected: E::TYPE.name });
    }
    decode_part(writer, datum)
}

/// Reads those fields of any datum that `T` has, which may borrow strings from it.
pub fn decode_part<'de, T: Deserialize<'de>>(writer: &WriterSchema, datum: &'de [u8]) -> Result<T, DecodeError> {
    if writer.has_empty_items() {
        // The library counts the items of each array, not those of all arrays together: look first.
        to_json(writer, datum)?;
    }
    let mut config = DeserializerConfig::new(writer.fast());
    config.max_seq_size = datum.len();
    config.allowed_depth = DEPTH_MAX;
    let mut state = DeserializerState::with_config(SliceRead::new(datum), config);
    let Ok(value) = T::deserialize(state.deserializer()) else { return Err(diagnose(writer, datum)) };
    match state.into_reader().fill_buf() {
        Ok([]) => Ok(value),
        rest => Err(DecodeError::Trailing { bytes: rest.map_or(0, <[u8]>::len) }),
    }
}

/// Finds out what is wrong with a datum. The library's messages may quote values, so they are not passed on.
#[cold]
fn diagnose(writer: &WriterSchema, datum: &[u8]) -> DecodeError {
    to_json(writer, datum).err().unwrap_or(DecodeError::Unfit)
}
