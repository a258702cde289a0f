//! From the JSON of a schema to a [`Model`].
//!
//! Names are not held to Avro's grammar: `org.openedx.enterprise.subsidy.redemption-reversed.v1` is a
//! namespace in use. A type may be used before it is defined, as newer Java parsers allow.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{Field, Model, Node, NodeId, Record};
use crate::writer::SchemaError;

/// How many named types a schema may define: the Avro library follows them from one to the next on the stack.
const NAMES_MAX: usize = 256;

impl Model {
    pub(crate) fn parse(schema: &Value) -> Result<Self, SchemaError> {
        let mut parser = Parser::default();
        let root = parser.node(schema, "")?;
        parser.finish(root)
    }
}

#[derive(Default)]
struct Parser {
    /// `None` is the place of a use of a named type, or of a type whose inside is being read.
    nodes: Vec<Option<Node>>,
    names: HashMap<String, NodeId>,
    references: HashMap<usize, String>,
}

impl Parser {
    fn node(&mut self, schema: &Value, namespace: &str) -> Result<NodeId, SchemaError> {
        match schema {
            Value::String(name) => Ok(match primitive(name) {
                Some(node) => self.push(Some(node)),
                None => {
                    let id = self.push(None);
                    self.references.insert(id.0, full_name(name, namespace));
                    id
                }
            }),
            Value::Array(branches) => {
                let branches = branches.iter().map(|branch| self.node(branch, namespace)).collect::<Result<_, _>>()?;
                Ok(self.push(Some(Node::Union(branches))))
            }
            Value::Object(object) => self.object(object, namespace),
            _ => Err(SchemaError::Malformed { what: "a schema is a string, an array or an object" }),
        }
    }

    fn object(&mut self, object: &Map<String, Value>, namespace: &str) -> Result<NodeId, SchemaError> {
        let kind = text(object, "type", "a schema's type is a string")?;
        Ok(match kind {
            "array" => {
                let items = self.node(required(object, "items", "an array has items")?, namespace)?;
                self.push(Some(Node::Array(items)))
            }
            "map" => {
                let values = self.node(required(object, "values", "a map has values")?, namespace)?;
                self.push(Some(Node::Map(values)))
            }
            "record" | "enum" | "fixed" => self.named(kind, object, namespace)?,
            _ => {
                let node = primitive(kind).ok_or(SchemaError::Malformed { what: "no such type" })?;
                self.push(Some(node))
            }
        })
    }

    fn named(&mut self, kind: &str, object: &Map<String, Value>, namespace: &str) -> Result<NodeId, SchemaError> {
        let name = text(object, "name", "a named type has a name")?;
        let namespace = match object.get("namespace") {
            None => namespace,
            Some(own) => own.as_str().ok_or(SchemaError::Malformed { what: "a namespace is a string" })?,
        };
        let name = full_name(name, namespace);
        let id = self.push(None);
        if self.names.insert(name.clone(), id).is_some() {
            return Err(SchemaError::Duplicate { name });
        }
        if self.names.len() > NAMES_MAX {
            return Err(SchemaError::TooManyNames);
        }
        self.nodes[id.0] = Some(match kind {
            "record" => Node::Record(self.record(name, object)?),
            "enum" => Node::Enum { symbols: strings(object, "symbols", "an enum has symbols")?, name },
            _ => {
                let size = required(object, "size", "a fixed has a size")?.as_u64();
                let size = size.and_then(|size| usize::try_from(size).ok());
                Node::Fixed { name, size: size.ok_or(SchemaError::Malformed { what: "a size is a number" })? }
            }
        });
        Ok(id)
    }

    fn record(&mut self, name: String, object: &Map<String, Value>) -> Result<Record, SchemaError> {
        let namespace = name.rsplit_once('.').map_or("", |(namespace, _)| namespace);
        let declared = required(object, "fields", "a record has fields")?;
        let declared = declared.as_array().ok_or(SchemaError::Malformed { what: "fields are an array" })?;
        let mut fields: Vec<Field> = Vec::with_capacity(declared.len());
        let mut seen = std::collections::HashSet::new();
        for field in declared {
            let field = field.as_object().ok_or(SchemaError::Malformed { what: "a field is an object" })?;
            let field_name = text(field, "name", "a field has a name")?.to_owned();
            if !seen.insert(field_name.clone()) {
                return Err(SchemaError::Duplicate { name: format!("{name}.{field_name}") });
            }
            let node = self.node(required(field, "type", "a field has a type")?, namespace)?;
            fields.push(Field { name: field_name, node, default: field.get("default").cloned() });
        }
        Ok(Record { name, fields })
    }

    fn push(&mut self, node: Option<Node>) -> NodeId {
        self.nodes.push(node);
        NodeId(self.nodes.len() - 1)
    }

    /// Puts the definition in the place of each use.
    fn finish(self, root: NodeId) -> Result<Model, SchemaError> {
        let Self { nodes, names, references } = self;
        let mut target = (0..nodes.len()).map(NodeId).collect::<Vec<_>>();
        for (place, name) in references {
            target[place] = *names.get(&name).ok_or(SchemaError::UnknownName { name })?;
        }
        let follow = |id: NodeId| target[id.0];
        let nodes = nodes.into_iter().map(|node| match node {
            None => Node::Null, // The place of a use: nothing points here any more.
            Some(Node::Array(items)) => Node::Array(follow(items)),
            Some(Node::Map(values)) => Node::Map(follow(values)),
            Some(Node::Union(branches)) => Node::Union(branches.into_iter().map(follow).collect()),
            Some(Node::Record(mut record)) => {
                record.fields.iter_mut().for_each(|field| field.node = follow(field.node));
                Node::Record(record)
            }
            Some(node) => node,
        });
        Ok(Model { nodes: nodes.collect(), root: follow(root) })
    }
}

fn primitive(name: &str) -> Option<Node> {
    Some(match name {
        "null" => Node::Null,
        "boolean" => Node::Boolean,
        "int" => Node::Int,
        "long" => Node::Long,
        "float" => Node::Float,
        "double" => Node::Double,
        "bytes" => Node::Bytes,
        "string" => Node::String,
        _ => return None,
    })
}

/// A dotted name is complete; any other is in the enclosing namespace.
fn full_name(name: &str, namespace: &str) -> String {
    match name.strip_prefix('.').unwrap_or(name) {
        name if name.contains('.') || namespace.is_empty() => name.to_owned(),
        name => format!("{namespace}.{name}"),
    }
}

fn required<'a>(object: &'a Map<String, Value>, key: &str, what: &'static str) -> Result<&'a Value, SchemaError> {
    object.get(key).ok_or(SchemaError::Malformed { what })
}

fn text<'a>(object: &'a Map<String, Value>, key: &str, what: &'static str) -> Result<&'a str, SchemaError> {
    required(object, key, what)?.as_str().ok_or(SchemaError::Malformed { what })
}

fn strings(object: &Map<String, Value>, key: &str, what: &'static str) -> Result<Vec<String>, SchemaError> {
    let values = required(object, key, what)?.as_array().ok_or(SchemaError::Malformed { what })?;
    values.iter().map(|value| value.as_str().map(str::to_owned).ok_or(SchemaError::Malformed { what })).collect()
}
