//! Events as plain JSON, for tools that know a type only by its schema.
//!
//! Unions are untagged: `{"end": null}` and `{"end": "2026-…"}`. Bytes and fixed are strings with one
//! character a byte (U+0000 to U+00FF), as in Avro's own JSON. A float or double without a JSON number is
//! `"NaN"`, `"Infinity"` or `"-Infinity"`. Logical types are shown as the types below them.

use serde_json::Value;

use crate::event::EventType;
use crate::key::{Key, OrderKey};
use crate::model::Node;
use crate::path::FieldPath;

mod read;
mod write;

pub use read::to_json;
pub use write::{FitError, from_json};

/// The record key of an event of this type in JSON.
pub fn key_of_json<'a>(event_type: &EventType, event: &'a Value) -> Result<Key<'a>, FitError> {
    part(event_type, event, event_type.key.path)
}

/// Replaces the contents of `out` with the order key of an event of this type in JSON.
pub fn order_key_of_json(event_type: &EventType, event: &Value, out: &mut OrderKey) -> Result<(), FitError> {
    out.clear();
    event_type.order_by.iter().try_for_each(|path| {
        out.push(part(event_type, event, path)?);
        Ok(())
    })
}

/// The value at a path. A field that is left out takes its default.
fn part<'a>(event_type: &EventType, event: &'a Value, path: &[&str]) -> Result<Key<'a>, FitError> {
    let model = event_type.writer_schema().model();
    let (mut id, mut value) = (model.root(), event);
    for (index, name) in path.iter().enumerate() {
        let here = || FieldPath::from(&path[..=index]);
        let field = model.field(id, name).ok_or_else(|| FitError::Unknown { path: here() })?;
        id = field.node;
        value = value.get(*name).or(field.default.as_ref()).ok_or_else(|| FitError::Missing { path: here() })?;
    }
    let node = model.node(model.without_null(id));
    let key = match (node, value) {
        (_, Value::Null) if model.without_null(id) != id => Some(Key::Null),
        (Node::Boolean, Value::Bool(value)) => Some(Key::Bool(*value)),
        (Node::Int, Value::Number(number)) => number.as_i64().and_then(|value| value.try_into().ok()).map(Key::Int),
        (Node::Long, Value::Number(number)) => number.as_i64().map(Key::Long),
        (Node::String, Value::String(value)) => Some(Key::Str(value)),
        _ => None,
    };
    key.ok_or_else(|| FitError::Kind { path: path.into(), expected: node.kind(), found: write::kind(value) })
}
