//! From JSON to an Avro datum.

use serde_json::{Map, Value};

use crate::binary::{put_bytes, put_long, put_str};
use crate::decode::DEPTH_MAX;
use crate::model::{Model, Node, NodeId, Record};
use crate::path::FieldPath;
use crate::writer::WriterSchema;

/// How many values are looked at, those of union branches that do not fit in the end included.
const STEPS_MAX: usize = 10_000_000;

/// JSON does not fit a schema. Names the field, never its value, which may be personal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    /// The value is of another type.
    #[error("{path}: expected {expected}, found {found}")]
    Kind {
        /// The field.
        path: FieldPath,
        /// The type in the schema.
        expected: &'static str,
        /// The type of the value.
        found: &'static str,
    },
    /// The number is too large or too small for its type.
    #[error("{path}: out of the range of {expected}")]
    Range {
        /// The field.
        path: FieldPath,
        /// The type in the schema.
        expected: &'static str,
    },
    /// The field is not there and has no default.
    #[error("{path}: missing")]
    Missing {
        /// The field.
        path: FieldPath,
    },
    /// The schema has no such field.
    #[error("{path}: no such field")]
    Unknown {
        /// The field.
        path: FieldPath,
    },
    /// The value is not one of those that the type allows: a symbol, or as many bytes as a fixed has.
    #[error("{path}: not an allowed value of {expected}")]
    Value {
        /// The field.
        path: FieldPath,
        /// The type in the schema.
        expected: &'static str,
    },
    /// Values are nested too deep, or unions have too many branches to try.
    #[error("{path}: nested too deep")]
    TooDeep {
        /// The field.
        path: FieldPath,
    },
}

/// Appends the datum of a JSON value, without a frame. On an error `out` is as it was.
///
/// A field that is left out takes its default; one that the schema does not have is refused. A union takes
/// the first branch that fits. A double accepts an integer; nothing else is converted.
pub fn from_json(schema: &WriterSchema, value: &Value, out: &mut Vec<u8>) -> Result<(), FitError> {
    let start = out.len();
    let model = schema.model();
    let result = Fit { model, out, steps_left: STEPS_MAX }.value(model.root(), value, DEPTH_MAX);
    if result.is_err() {
        out.truncate(start);
    }
    result
}

struct Fit<'a> {
    model: &'a Model,
    out: &'a mut Vec<u8>,
    steps_left: usize,
}

impl Fit<'_> {
    fn value(&mut self, id: NodeId, value: &Value, depth: usize) -> Result<(), FitError> {
        let node = self.model.node(id);
        let path = FieldPath::default();
        let expected = node.kind();
        self.steps_left = self.steps_left.saturating_sub(1);
        let Some(depth) = depth.checked_sub(1).filter(|_| self.steps_left > 0) else {
            return Err(FitError::TooDeep { path });
        };
        match (node, value) {
            (Node::Null, Value::Null) => {}
            (Node::Boolean, Value::Bool(value)) => self.out.push(u8::from(*value)),
            (Node::Int, Value::Number(number)) if !number.is_f64() => {
                let value = number.as_i64().and_then(|value| i32::try_from(value).ok());
                put_long(value.ok_or(FitError::Range { path, expected })?.into(), self.out);
            }
            (Node::Long, Value::Number(number)) if !number.is_f64() => {
                put_long(number.as_i64().ok_or(FitError::Range { path, expected })?, self.out);
            }
            (Node::Float, value) => {
                let value = float(value, expected)?;
                if value.is_finite() && !(value as f32).is_finite() {
                    return Err(FitError::Range { path, expected });
                }
                self.out.extend_from_slice(&(value as f32).to_le_bytes());
            }
            (Node::Double, value) => self.out.extend_from_slice(&float(value, expected)?.to_le_bytes()),
            (Node::String, Value::String(value)) => put_str(value, self.out),
            (Node::Bytes, Value::String(value)) => {
                put_bytes(&bytes(value).ok_or(FitError::Value { path, expected })?, self.out);
            }
            (Node::Fixed { size, .. }, Value::String(value)) => {
                let bytes = bytes(value).filter(|bytes| bytes.len() == *size);
                self.out.extend_from_slice(&bytes.ok_or(FitError::Value { path, expected })?);
            }
            (Node::Enum { symbols, .. }, Value::String(value)) => {
                let index = symbols.iter().position(|symbol| symbol == value);
                put_long(index.ok_or(FitError::Value { path, expected })? as i64, self.out);
            }
            (Node::Array(items), Value::Array(values)) => {
                self.block(values.len());
                for (index, value) in values.iter().enumerate() {
                    self.value(*items, value, depth).map_err(|error| error.in_item(index))?;
                }
                put_long(0, self.out);
            }
            (Node::Map(values), Value::Object(entries)) => {
                self.block(entries.len());
                for (key, value) in entries {
                    put_str(key, self.out);
                    self.value(*values, value, depth).map_err(|error| error.in_field("*"))?;
                }
                put_long(0, self.out);
            }
            (Node::Record(record), Value::Object(object)) => self.record(record, object, depth)?,
            (Node::Union(branches), value) => self.union(id, branches, value, depth)?,
            (_, value) => return Err(FitError::Kind { path, expected, found: kind(value) }),
        }
        Ok(())
    }

    fn record(&mut self, record: &Record, object: &Map<String, Value>, depth: usize) -> Result<(), FitError> {
        let mut given = 0;
        for field in &record.fields {
            let in_field = |error: FitError| error.in_field(&field.name);
            match (object.get(&field.name), &field.default) {
                (Some(value), _) => {
                    given += 1;
                    self.value(field.node, value, depth).map_err(in_field)?;
                }
                (None, Some(default)) => self.value(field.node, default, depth).map_err(in_field)?,
                (None, None) => return Err(in_field(FitError::Missing { path: FieldPath::default() })),
            }
        }
        if given == object.len() {
            return Ok(());
        }
        let known = |name: &str| record.fields.iter().any(|field| field.name == name);
        let unknown = object.keys().find(|name| !known(name)).map_or("", String::as_str);
        Err(FitError::Unknown { path: FieldPath::default() }.in_field(unknown))
    }

    /// Writes the first branch that fits. The refusal is that of the only branch of the value's kind, or
    /// else names the union.
    fn union(&mut self, id: NodeId, branches: &[NodeId], value: &Value, depth: usize) -> Result<(), FitError> {
        let start = self.out.len();
        let mut refusals = Vec::new();
        for (index, branch) in branches.iter().enumerate() {
            put_long(index as i64, self.out);
            match self.value(*branch, value, depth) {
                Ok(()) => return Ok(()),
                Err(error @ FitError::TooDeep { .. }) => return Err(error),
                Err(error) => refusals.push(error),
            }
            self.out.truncate(start);
        }
        let nullable = self.model.without_null(id) != id;
        if nullable && !value.is_null() {
            // What is wrong is wrong with the branch that is not null.
            refusals.retain(|error| !matches!(error, FitError::Kind { expected: "null", .. }));
        } else {
            refusals.retain(|error| !matches!(error, FitError::Kind { path, .. } if path.as_str().is_empty()));
        }
        match refusals.pop() {
            Some(refusal) if refusals.is_empty() => Err(refusal),
            _ => Err(FitError::Kind { path: FieldPath::default(), expected: "union", found: kind(value) }),
        }
    }

    /// An empty array or map is the closing 0 alone.
    fn block(&mut self, count: usize) {
        if count > 0 {
            put_long(count as i64, self.out);
        }
    }
}

/// The type of a JSON value in the words of Avro.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "double",
        Value::Number(_) => "long",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn float(value: &Value, expected: &'static str) -> Result<f64, FitError> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    };
    number.ok_or(FitError::Kind { path: FieldPath::default(), expected, found: kind(value) })
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|character| u8::try_from(u32::from(character)).ok()).collect()
}

impl FitError {
    fn in_field(mut self, name: &str) -> Self {
        self.path().prepend_field(name);
        self
    }

    fn in_item(mut self, index: usize) -> Self {
        self.path().prepend_index(index);
        self
    }

    fn path(&mut self) -> &mut FieldPath {
        match self {
            Self::Kind { path, .. } | Self::Range { path, .. } | Self::Value { path, .. } => path,
            Self::Missing { path } | Self::Unknown { path } | Self::TooDeep { path } => path,
        }
    }
}
