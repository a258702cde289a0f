//! A schema as plain data: what the dynamic codec walks. Logical types are read as the types below them.

use serde_json::Value;

mod bounds;
mod parse;

pub(crate) use bounds::check;

/// The index of a node in its [`Model`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NodeId(usize);

/// The nodes of one schema. References between them are indices, so recursive types need no care.
#[derive(Debug)]
pub(crate) struct Model {
    nodes: Vec<Node>,
    root: NodeId,
}

#[derive(Debug)]
pub(crate) enum Node {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Array(NodeId),
    Map(NodeId),
    Union(Vec<NodeId>),
    Record(Record),
    Enum { name: String, symbols: Vec<String> },
    Fixed { name: String, size: usize },
}

#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) name: String,
    pub(crate) fields: Vec<Field>,
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) node: NodeId,
    pub(crate) default: Option<Value>,
}

impl Model {
    pub(crate) fn root(&self) -> NodeId {
        self.root
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// The other branch of a union of null and something; any other node is itself.
    pub(crate) fn without_null(&self, id: NodeId) -> NodeId {
        match self.node(id) {
            Node::Union(branches) => match branches[..] {
                [null, other] | [other, null] if matches!(self.node(null), Node::Null) => other,
                _ => id,
            },
            _ => id,
        }
    }

    /// A field of a record, which may be nullable.
    pub(crate) fn field(&self, id: NodeId, name: &str) -> Option<&Field> {
        match self.node(self.without_null(id)) {
            Node::Record(record) => record.fields.iter().find(|field| field.name == name),
            _ => None,
        }
    }

    /// The full name of the schema, if it is a named type.
    pub(crate) fn name(&self) -> Option<&str> {
        match self.node(self.root) {
            Node::Record(Record { name, .. }) | Node::Enum { name, .. } | Node::Fixed { name, .. } => Some(name),
            _ => None,
        }
    }
}

impl Node {
    /// The name of the type for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Int => "int",
            Self::Long => "long",
            Self::Float => "float",
            Self::Double => "double",
            Self::Bytes => "bytes",
            Self::String => "string",
            Self::Array(_) => "array",
            Self::Map(_) => "map",
            Self::Union(_) => "union",
            Self::Record(_) => "record",
            Self::Enum { .. } => "enum",
            Self::Fixed { .. } => "fixed",
        }
    }
}
