//! The part of Avro that event schemas use, as data to generate from.

use std::collections::BTreeMap;
use std::rc::Rc;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    Boolean,
    Int,
    Long,
    Float,
    Double,
    String,
    Array(Box<Type>),
    Map(Box<Type>),
    /// A union of null and something.
    Nullable(Box<Type>),
    Record(Rc<Record>),
}

#[derive(Debug, PartialEq)]
pub struct Record {
    pub name: String,
    pub doc: Option<String>,
    pub fields: Vec<Field>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub name: String,
    pub doc: Option<String>,
    pub ty: Type,
    pub default: Option<Value>,
    /// As the file has it.
    pub json: Value,
}

/// Parses the schema of an event: a record.
pub fn parse(schema: &Value) -> Result<Rc<Record>> {
    match parse_type(schema, &mut BTreeMap::new())? {
        Type::Record(record) => Ok(record),
        _ => bail!("not a record"),
    }
}

/// The text of a schema as files have it.
pub fn pretty(schema: &Value) -> String {
    format!("{schema:#}\n")
}

impl Type {
    /// The record that a path goes on in: its own, a nullable one, the items of an array or map.
    pub fn record(&self) -> Option<&Rc<Record>> {
        match self {
            Self::Record(record) => Some(record),
            Self::Nullable(inner) | Self::Array(inner) | Self::Map(inner) => inner.record(),
            _ => None,
        }
    }

    pub fn describe(&self) -> String {
        match self {
            Self::Boolean => "boolean".into(),
            Self::Int => "int".into(),
            Self::Long => "long".into(),
            Self::Float => "float".into(),
            Self::Double => "double".into(),
            Self::String => "string".into(),
            Self::Array(_) => "array".into(),
            Self::Map(_) => "map".into(),
            Self::Nullable(inner) => format!("nullable {}", inner.describe()),
            Self::Record(record) => format!("record {}", record.name),
        }
    }
}

impl Record {
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The field at a path of field names.
    pub fn at(&self, path: &str) -> Result<&Field> {
        let missing = || format!("no field {path}");
        let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
        let field = self.field(first).with_context(missing)?;
        match rest {
            None => Ok(field),
            Some(rest) => field.ty.record().with_context(missing)?.at(rest).with_context(missing),
        }
    }

    /// This record and those in it, each once, in the order of their first use.
    pub fn visit<'a>(self: &'a Rc<Self>, found: &mut Vec<&'a Rc<Record>>) {
        if found.iter().any(|record| record.name == self.name) {
            return;
        }
        found.push(self);
        self.fields.iter().filter_map(|field| field.ty.record()).for_each(|record| record.visit(found));
    }
}

fn parse_type(schema: &Value, known: &mut BTreeMap<String, Rc<Record>>) -> Result<Type> {
    match schema {
        Value::String(name) => match known.get(name) {
            Some(record) => Ok(Type::Record(Rc::clone(record))),
            None => primitive(name),
        },
        Value::Array(branches) => match &branches[..] {
            [null, other] if null == "null" => Ok(Type::Nullable(Box::new(parse_type(other, known)?))),
            _ => bail!("a union other than of null and one type"),
        },
        Value::Object(object) => match text(object, "type")?.as_str() {
            "record" => Ok(Type::Record(parse_record(object, known)?)),
            "array" => Ok(Type::Array(Box::new(parse_type(&object["items"], known)?))),
            "map" => Ok(Type::Map(Box::new(parse_type(&object["values"], known)?))),
            name => primitive(name),
        },
        _ => bail!("not a schema"),
    }
}

fn parse_record(object: &Map<String, Value>, known: &mut BTreeMap<String, Rc<Record>>) -> Result<Rc<Record>> {
    let name = text(object, "name")?;
    let mut fields = Vec::new();
    for json in object.get("fields").and_then(Value::as_array).context("a record without fields")? {
        let field = json.as_object().context("a field that is not an object")?;
        let field_name = text(field, "name")?;
        let ty = field.get("type").context("a field without a type")?;
        let ty = parse_type(ty, known).with_context(|| format!("{name}.{field_name}"))?;
        let default = field.get("default").cloned();
        fields.push(Field { name: field_name, doc: text(field, "doc").ok(), ty, default, json: json.clone() });
    }
    let record = Rc::new(Record { name: name.clone(), doc: text(object, "doc").ok(), fields });
    known.insert(name, Rc::clone(&record));
    Ok(record)
}

fn primitive(name: &str) -> Result<Type> {
    Ok(match name {
        "boolean" => Type::Boolean,
        "int" => Type::Int,
        "long" => Type::Long,
        "float" => Type::Float,
        "double" => Type::Double,
        "string" => Type::String,
        _ => bail!("type {name} is not defined before, or not one that events use"),
    })
}

fn text(object: &Map<String, Value>, key: &str) -> Result<String> {
    Ok(object.get(key).and_then(Value::as_str).with_context(|| format!("{key} is missing or not a string"))?.to_owned())
}
