//! From an Avro datum to JSON.

use serde_json::{Map, Number, Value};

use crate::binary::{Fault, Reader};
use crate::decode::{DEPTH_MAX, DecodeError};
use crate::model::{Model, Node, NodeId};
use crate::path::FieldPath;
use crate::writer::WriterSchema;

/// Reads a datum of any schema. The fields of a record come in the order of the schema.
///
/// Bounded as [`decode`](crate::decode::decode) is: no length is believed before the bytes are there, items
/// that take no bytes are at most as many as the datum has bytes, values nest at most 64 deep, and nothing
/// may be left at the end.
pub fn to_json(writer: &WriterSchema, datum: &[u8]) -> Result<Value, DecodeError> {
    let model = writer.model();
    let mut walk = Walk { model, reader: Reader::new(datum), items_left: datum.len() };
    let value = walk.value(model.root(), DEPTH_MAX)?;
    match walk.reader.remaining() {
        0 => Ok(value),
        bytes => Err(DecodeError::Trailing { bytes }),
    }
}

struct Walk<'a> {
    model: &'a Model,
    reader: Reader<'a>,
    /// How many more items that take no bytes there may be in the whole datum.
    items_left: usize,
}

impl Walk<'_> {
    fn value(&mut self, id: NodeId, depth: usize) -> Result<Value, DecodeError> {
        let inner = || depth.checked_sub(1).ok_or(DecodeError::TooDeep { path: FieldPath::default() });
        Ok(match self.model.node(id) {
            Node::Null => Value::Null,
            Node::Boolean => self.reader.boolean()?.into(),
            Node::Int => self.reader.int()?.into(),
            Node::Long => self.reader.long()?.into(),
            Node::Float => number(f32::from_le_bytes(self.reader.array()?).into()),
            Node::Double => number(f64::from_le_bytes(self.reader.array()?)),
            Node::String => self.reader.string()?.into(),
            Node::Bytes => text(self.reader.bytes()?),
            Node::Fixed { size, .. } => text(self.reader.take(*size)?),
            Node::Enum { symbols, .. } => {
                let symbol = usize::try_from(self.reader.long()?).ok().and_then(|index| symbols.get(index));
                symbol.ok_or(invalid("symbol of its enum"))?.as_str().into()
            }
            Node::Union(branches) => {
                let depth = inner()?;
                let branch = usize::try_from(self.reader.long()?).ok().and_then(|index| branches.get(index));
                self.value(*branch.ok_or(invalid("branch of its union"))?, depth)?
            }
            Node::Record(record) => {
                let depth = inner()?;
                let mut object = Map::with_capacity(record.fields.len());
                for field in &record.fields {
                    let value = self.value(field.node, depth).map_err(|error| error.in_field(&field.name))?;
                    object.insert(field.name.clone(), value);
                }
                Value::Object(object)
            }
            Node::Array(items) => self.array(*items, inner()?)?,
            Node::Map(values) => self.map(*values, inner()?)?,
        })
    }

    fn array(&mut self, items: NodeId, depth: usize) -> Result<Value, DecodeError> {
        let mut array = Vec::new();
        loop {
            let count = self.block()?;
            if count == 0 {
                return Ok(Value::Array(array));
            }
            for _ in 0..count {
                let before = self.reader.remaining();
                let item = self.value(items, depth).map_err(|error| error.in_item(array.len()))?;
                if self.reader.remaining() == before {
                    self.items_left = self.items_left.checked_sub(1).ok_or(Fault::Length)?;
                }
                array.push(item);
            }
        }
    }

    fn map(&mut self, values: NodeId, depth: usize) -> Result<Value, DecodeError> {
        let mut map = Map::new();
        loop {
            let count = self.block()?;
            if count == 0 {
                return Ok(Value::Object(map));
            }
            for _ in 0..count {
                let key = self.reader.string().map_err(|fault| DecodeError::from(fault).in_field("*"))?.to_owned();
                map.insert(key, self.value(values, depth).map_err(|error| error.in_field("*"))?);
            }
        }
    }

    /// The count of the next block of an array or map. A negative one is followed by the block's length in
    /// bytes, which helps those who skip; the count is what it is without the sign.
    fn block(&mut self) -> Result<u64, DecodeError> {
        let count = self.reader.long()?;
        if count < 0 {
            self.reader.unsigned()?;
        }
        Ok(count.unsigned_abs())
    }
}

fn number(value: f64) -> Value {
    match Number::from_f64(value) {
        Some(number) => Value::Number(number),
        None if value.is_nan() => "NaN".into(),
        None if value > 0.0 => "Infinity".into(),
        None => "-Infinity".into(),
    }
}

fn text(bytes: &[u8]) -> Value {
    bytes.iter().map(|byte| char::from(*byte)).collect::<String>().into()
}

fn invalid(expected: &'static str) -> DecodeError {
    DecodeError::Invalid { path: FieldPath::default(), expected }
}

impl From<Fault> for DecodeError {
    fn from(fault: Fault) -> Self {
        let path = FieldPath::default();
        match fault {
            Fault::Truncated => Self::Truncated { path },
            Fault::Length => Self::Length { path },
            Fault::Invalid(expected) => Self::Invalid { path, expected },
        }
    }
}

impl DecodeError {
    fn in_field(mut self, name: &str) -> Self {
        if let Some(path) = self.path() {
            path.prepend_field(name);
        }
        self
    }

    fn in_item(mut self, index: usize) -> Self {
        if let Some(path) = self.path() {
            path.prepend_index(index);
        }
        self
    }

    fn path(&mut self) -> Option<&mut FieldPath> {
        match self {
            Self::Truncated { path } | Self::Invalid { path, .. } | Self::Length { path } | Self::TooDeep { path } => {
                Some(path)
            }
            Self::Trailing { .. } | Self::OtherType { .. } | Self::Unfit => None,
        }
    }
}
