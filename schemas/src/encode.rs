//! From an event to an Avro datum.

use serde_avro_fast::ser::SerializerConfig;

use crate::event::Event;
use crate::json::{FitError, from_json};

/// An event cannot be encoded. Only possible for implementations of [`Event`] by hand: fatal, a bug.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The event does not fit the schema of its type.
    #[error("event does not fit the schema of {event_type}")]
    Unfit {
        /// The type.
        event_type: &'static str,
        /// Where and why, if it can be told.
        source: Option<FitError>,
    },
}

/// Appends the datum of an event, without a frame. On an error `out` is as it was.
///
/// The bytes are those that fastavro and Java write: an array or map is one block with its count, then 0.
/// Allocates nothing but what `out` needs to grow.
pub fn encode<E: Event>(event: &E, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let start = out.len();
    let schema = E::TYPE.writer_schema();
    // The fields of an event stand in the order of its schema, so the buffers of the library stay unused.
    let mut config = SerializerConfig::new(schema.fast());
    if serde_avro_fast::to_datum(event, &mut *out, &mut config).is_ok() {
        return Ok(());
    }
    out.truncate(start);
    let source = serde_json::to_value(event).ok().and_then(|json| from_json(schema, &json, &mut Vec::new()).err());
    Err(EncodeError::Unfit { event_type: E::TYPE.name, source })
}
