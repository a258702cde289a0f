//! A schema as the checker sees it: types in a list, named ones shared by those that refer to them.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::{Map, Value};

use crate::canonical::NotASchema;

/// Deeper than any schema that people write, and far from the end of the stack.
const DEPTH_MAX: usize = 100;

/// A parsed schema with those that it refers to. Logical types and other attributes that readers ignore are not in it.
#[derive(Debug, Clone)]
pub struct Schema {
    pub(super) nodes: Vec<Node>,
    pub(super) root: NodeId,
    /// The text of the schema itself, then those it refers to.
    texts: Vec<Arc<str>>,
    file: Option<PathBuf>,
}

/// A type of a schema: an index into its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct NodeId(u32);

/// A type and where it is defined.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) shape: Shape,
    /// Which text it stands in, and the JSON pointer there.
    origin: (usize, String),
}

#[derive(Debug, Clone)]
pub(super) enum Shape {
    Primitive(Primitive),
    Array(NodeId),
    Map(NodeId),
    Union(Vec<NodeId>),
    Fixed { name: Name, size: u64 },
    Enum { name: Name, symbols: Vec<String>, known: HashSet<String>, has_default: bool },
    Record { name: Name, fields: Vec<Field>, positions: HashMap<String, usize> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Primitive {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
}

/// The full name of a type and its aliases, full names too.
#[derive(Debug, Clone)]
pub(super) struct Name {
    pub(super) full: String,
    pub(super) aliases: Vec<String>,
}

#[derive(Debug, Clone)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) aliases: Vec<String>,
    pub(super) has_default: bool,
    pub(super) schema: NodeId,
}

impl Name {
    /// The name without its namespace.
    pub(super) fn simple(&self) -> &str {
        self.full.rsplit_once('.').map_or(&self.full, |(_, simple)| simple)
    }
}

impl Primitive {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "null" => Self::Null,
            "boolean" => Self::Boolean,
            "int" => Self::Int,
            "long" => Self::Long,
            "float" => Self::Float,
            "double" => Self::Double,
            "bytes" => Self::Bytes,
            "string" => Self::String,
            _ => return None,
        })
    }
}

impl Shape {
    /// Avro's word for the type, as Java prints it.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Primitive(primitive) => match primitive {
                Primitive::Null => "NULL",
                Primitive::Boolean => "BOOLEAN",
                Primitive::Int => "INT",
                Primitive::Long => "LONG",
                Primitive::Float => "FLOAT",
                Primitive::Double => "DOUBLE",
                Primitive::Bytes => "BYTES",
                Primitive::String => "STRING",
            },
            Self::Array(_) => "ARRAY",
            Self::Map(_) => "MAP",
            Self::Union(_) => "UNION",
            Self::Fixed { .. } => "FIXED",
            Self::Enum { .. } => "ENUM",
            Self::Record { .. } => "RECORD",
        }
    }

    pub(super) fn name(&self) -> Option<&Name> {
        match self {
            Self::Fixed { name, .. } | Self::Enum { name, .. } | Self::Record { name, .. } => Some(name),
            _ => None,
        }
    }
}

impl Schema {
    /// Parses a schema. `references` are the texts of the schemas it refers to, also of those that they refer to, each after
    /// the ones it needs.
    ///
    /// Names are not held to Avro's grammar: `org.openedx.enterprise.subsidy.redemption-reversed.v1` is in use.
    ///
    /// # Errors
    /// What a text lacks to be a schema, with a JSON pointer; nesting deeper than 100.
    pub fn parse(text: &str, references: &[&str]) -> Result<Self, NotASchema> {
        let texts: Vec<Arc<str>> = std::iter::once(text).chain(references.iter().copied()).map(Arc::from).collect();
        let mut parser = Parser::default();
        for text in (1..texts.len()).chain([0]) {
            parser.text = text;
            let json: Value = serde_json::from_str(&texts[text])
                .map_err(|e| NotASchema { reason: format!("not JSON: {e}"), path: String::new() })?;
            let root = parser.node(&json, "", "", 0)?;
            if text == 0 {
                return Ok(Self { nodes: parser.nodes, root, texts, file: None });
            }
        }
        Err(NotASchema { reason: "no schema".to_owned(), path: String::new() })
    }

    /// Says which file the text came from, so that differences name file and line.
    #[must_use]
    pub fn in_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.file = Some(path.into());
        self
    }

    /// The text that was parsed.
    #[must_use]
    pub fn text(&self) -> &Arc<str> {
        &self.texts[0]
    }

    pub(super) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    pub(super) fn shape(&self, id: NodeId) -> &Shape {
        &self.nodes[id.0 as usize].shape
    }

    /// The JSON pointer of a type's definition, when it stands in the schema's own text.
    pub(super) fn own_pointer(&self, id: NodeId) -> Option<&str> {
        let (text, pointer) = &self.nodes[id.0 as usize].origin;
        (*text == 0).then_some(pointer)
    }
}

#[derive(Default)]
struct Parser {
    nodes: Vec<Node>,
    /// Full names and what they stand for.
    names: HashMap<String, NodeId>,
    text: usize,
}

impl Parser {
    fn node(&mut self, json: &Value, space: &str, at: &str, depth: usize) -> Result<NodeId, NotASchema> {
        if depth > DEPTH_MAX {
            return refuse("nested too deeply", at);
        }
        match json {
            Value::String(name) => self.reference(name, space, at),
            Value::Array(branches) => {
                let branches = branches.iter().enumerate();
                let parse = |(i, branch)| self.node(branch, space, &format!("{at}/{i}"), depth + 1);
                let branches = branches.map(parse).collect::<Result<_, _>>()?;
                Ok(self.push(Shape::Union(branches), at))
            }
            Value::Object(object) => self.object(object, space, at, depth),
            _ => refuse("a schema is a name, an object or an array", at),
        }
    }

    fn push(&mut self, shape: Shape, at: &str) -> NodeId {
        let id = NodeId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        self.nodes.push(Node { shape, origin: (self.text, at.to_owned()) });
        id
    }

    fn reference(&mut self, name: &str, space: &str, at: &str) -> Result<NodeId, NotASchema> {
        if let Some(primitive) = Primitive::of(name) {
            return Ok(self.push(Shape::Primitive(primitive), at));
        }
        let known = self.names.get(&qualify(name, space)).or_else(|| self.names.get(name));
        match known {
            Some(id) => Ok(*id),
            None => refuse(format!("'{}' is not defined", cut(name)), at),
        }
    }

    fn object(
        &mut self,
        object: &Map<String, Value>,
        space: &str,
        at: &str,
        depth: usize,
    ) -> Result<NodeId, NotASchema> {
        let kind = match object.get("type") {
            Some(Value::String(kind)) => kind.as_str(),
            Some(nested @ (Value::Object(_) | Value::Array(_))) => {
                return self.node(nested, space, &format!("{at}/type"), depth + 1);
            }
            _ => return refuse("an object without a type", at),
        };
        match kind {
            "record" | "error" | "enum" | "fixed" => self.named(kind, object, space, at, depth),
            "array" | "map" => {
                let of = if kind == "array" { "items" } else { "values" };
                let Some(inner) = object.get(of) else { return refuse(format!("{kind} without {of}"), at) };
                let inner = self.node(inner, space, &format!("{at}/{of}"), depth + 1)?;
                Ok(self.push(if kind == "array" { Shape::Array(inner) } else { Shape::Map(inner) }, at))
            }
            name => self.reference(name, space, at),
        }
    }

    fn named(
        &mut self,
        kind: &str,
        object: &Map<String, Value>,
        space: &str,
        at: &str,
        depth: usize,
    ) -> Result<NodeId, NotASchema> {
        let Some(name) = object.get("name").and_then(Value::as_str).filter(|n| !n.is_empty()) else {
            return refuse(format!("{kind} without a name"), at);
        };
        let space = object.get("namespace").and_then(Value::as_str).unwrap_or(space);
        let full = qualify(name, space);
        let space = full.rsplit_once('.').map_or("", |(space, _)| space).to_owned();
        let aliases = strings(object, "aliases").map(|alias| qualify(alias, &space)).collect();
        let name = Name { full: full.clone(), aliases };
        let shape = match kind {
            "enum" => enumeration(name, object, at)?,
            "fixed" => match object.get("size").and_then(Value::as_u64) {
                Some(size) => Shape::Fixed { name, size },
                None => return refuse("fixed without a size", at),
            },
            _ => Shape::Record { name, fields: Vec::new(), positions: HashMap::new() },
        };
        // Before its fields, which may refer to it.
        let id = self.push(shape, at);
        if self.names.insert(full.clone(), id).is_some() {
            return refuse(format!("'{}' is defined twice", cut(&full)), at);
        }
        if matches!(kind, "record" | "error") {
            self.fields(id, object, &space, at, depth)?;
        }
        Ok(id)
    }

    fn fields(
        &mut self,
        record: NodeId,
        object: &Map<String, Value>,
        space: &str,
        at: &str,
        depth: usize,
    ) -> Result<(), NotASchema> {
        let Some(list) = object.get("fields").and_then(Value::as_array) else {
            return refuse("record without fields", at);
        };
        let mut parsed = Vec::with_capacity(list.len());
        let mut by_name = HashMap::with_capacity(list.len());
        for (i, field) in list.iter().enumerate() {
            let at = format!("{at}/fields/{i}");
            let object = field.as_object();
            let Some((name, object)) = field.get("name").and_then(Value::as_str).zip(object) else {
                return refuse("a field without a name", &at);
            };
            let Some(kind) = object.get("type") else { return refuse("a field without a type", &at) };
            let schema = self.node(kind, space, &format!("{at}/type"), depth + 1)?;
            if by_name.insert(name.to_owned(), i).is_some() {
                return refuse(format!("field '{}' stands twice", cut(name)), &at);
            }
            let aliases = strings(object, "aliases").map(str::to_owned).collect();
            let has_default = object.contains_key("default");
            parsed.push(Field { name: name.to_owned(), aliases, has_default, schema });
        }
        if let Shape::Record { fields, positions, .. } = &mut self.nodes[record.0 as usize].shape {
            (*fields, *positions) = (parsed, by_name);
        }
        Ok(())
    }
}

fn enumeration(name: Name, object: &Map<String, Value>, at: &str) -> Result<Shape, NotASchema> {
    if !object.get("symbols").is_some_and(Value::is_array) {
        return refuse("enum without symbols", at);
    }
    let symbols: Vec<String> = strings(object, "symbols").map(str::to_owned).collect();
    let known: HashSet<String> = symbols.iter().cloned().collect();
    let has_default = object.get("default").and_then(Value::as_str).is_some_and(|default| known.contains(default));
    Ok(Shape::Enum { name, symbols, known, has_default })
}

fn strings<'a>(object: &'a Map<String, Value>, attribute: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    object.get(attribute).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

fn qualify(name: &str, space: &str) -> String {
    match name.strip_prefix('.') {
        Some(bare) => bare.to_owned(),
        None if name.contains('.') || space.is_empty() => name.to_owned(),
        None => format!("{space}.{name}"),
    }
}

fn refuse<T>(reason: impl Into<String>, at: &str) -> Result<T, NotASchema> {
    Err(NotASchema { reason: reason.into(), path: if at.is_empty() { "/".to_owned() } else { at.to_owned() } })
}

/// Names in messages are cut: they come from outside.
pub(super) fn cut(name: &str) -> String {
    name.chars().take(80).collect()
}
