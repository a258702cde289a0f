//! Schemas that can be changed at random and stay schemas: named types in a table, printed where they are first used.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

#[derive(Debug, Clone)]
pub struct Model {
    pub types: Vec<Named>,
    pub root: Ty,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Ty {
    Primitive(&'static str),
    /// A primitive with a logical type, which readers ignore.
    Logical(&'static str, &'static str),
    Array(Box<Ty>),
    Map(Box<Ty>),
    Union(Vec<Ty>),
    /// An index into the table.
    Named(usize),
}

#[derive(Debug, Clone)]
pub struct Named {
    pub space: String,
    pub name: String,
    pub aliases: Vec<String>,
    pub kind: Kind,
}

#[derive(Debug, Clone)]
pub enum Kind {
    Record(Vec<Field>),
    Enum { symbols: Vec<String>, default: bool },
    Fixed(u64),
}

#[derive(Debug, Clone)]
pub struct Field {
    pub name: String,
    pub aliases: Vec<String>,
    pub ty: Ty,
    /// Printed where the type has a finite value: the first that comes to mind.
    pub default: bool,
}

pub const PRIMITIVES: [&str; 8] = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"];

impl Named {
    pub fn full(&self) -> String {
        if self.space.is_empty() { self.name.clone() } else { format!("{}.{}", self.space, self.name) }
    }
}

impl Model {
    /// The schema's text.
    pub fn print(&self) -> String {
        self.value(&self.root, "", &mut HashSet::new()).to_string()
    }

    fn value(&self, ty: &Ty, space: &str, seen: &mut HashSet<usize>) -> Value {
        match ty {
            Ty::Primitive(name) => json!(name),
            Ty::Logical(name, logical) => json!({"type": name, "logicalType": logical}),
            Ty::Array(items) => json!({"type": "array", "items": self.value(items, space, seen)}),
            Ty::Map(values) => json!({"type": "map", "values": self.value(values, space, seen)}),
            Ty::Union(_) => self.branches(ty).into_iter().map(|branch| self.value(branch, space, seen)).collect(),
            Ty::Named(index) => self.named(*index, space, seen),
        }
    }

    /// A union's branches, without those that would make it no schema.
    pub fn branches<'a>(&'a self, ty: &'a Ty) -> Vec<&'a Ty> {
        let Ty::Union(branches) = ty else { return vec![ty] };
        let mut seen = HashSet::new();
        let flat = branches.iter().filter(|branch| !matches!(branch, Ty::Union(_)));
        flat.filter(|branch| seen.insert(self.word(branch))).collect()
    }

    fn word(&self, ty: &Ty) -> String {
        match ty {
            Ty::Primitive(name) | Ty::Logical(name, _) => (*name).to_owned(),
            Ty::Array(_) => "array".to_owned(),
            Ty::Map(_) => "map".to_owned(),
            Ty::Union(_) => "union".to_owned(),
            Ty::Named(index) => self.types[*index].full(),
        }
    }

    fn named(&self, index: usize, space: &str, seen: &mut HashSet<usize>) -> Value {
        let named = &self.types[index];
        if !seen.insert(index) {
            // A name without a namespace means the enclosing one's first; generated names never clash.
            return json!(if named.space == space { named.name.clone() } else { named.full() });
        }
        let mut out = Map::new();
        let kind = match &named.kind {
            Kind::Record(_) => "record",
            Kind::Enum { .. } => "enum",
            Kind::Fixed(_) => "fixed",
        };
        out.insert("type".into(), json!(kind));
        out.insert("name".into(), json!(named.name));
        out.insert("namespace".into(), json!(named.space));
        if !named.aliases.is_empty() {
            out.insert("aliases".into(), json!(named.aliases));
        }
        match &named.kind {
            Kind::Record(fields) => {
                let fields: Vec<Value> = fields.iter().map(|field| self.field(field, &named.space, seen)).collect();
                out.insert("fields".into(), fields.into());
            }
            Kind::Enum { symbols, default } => {
                out.insert("symbols".into(), json!(symbols));
                if *default {
                    out.insert("default".into(), json!(symbols[0]));
                }
            }
            Kind::Fixed(size) => drop(out.insert("size".into(), json!(size))),
        }
        out.into()
    }

    fn field(&self, field: &Field, space: &str, seen: &mut HashSet<usize>) -> Value {
        let mut out = Map::new();
        out.insert("name".into(), json!(field.name));
        out.insert("type".into(), self.value(&field.ty, space, seen));
        if !field.aliases.is_empty() {
            out.insert("aliases".into(), json!(field.aliases));
        }
        if let (true, Some(default)) = (field.default, self.some_value(&field.ty, 4)) {
            out.insert("default".into(), default);
        }
        out.into()
    }

    /// A value of a type, as a default is written; `None` where only deep ones exist.
    fn some_value(&self, ty: &Ty, depth: usize) -> Option<Value> {
        if depth == 0 {
            return None;
        }
        Some(match ty {
            Ty::Primitive(name) | Ty::Logical(name, _) => match *name {
                "null" => Value::Null,
                "boolean" => json!(false),
                "int" | "long" => json!(0),
                "float" | "double" => json!(0.0),
                "string" => json!("5a1f7c1e-9c1b-4b7e-8f0a-2f9f6f1d2c3b"),
                _ => json!(""),
            },
            Ty::Array(_) => json!([]),
            Ty::Map(_) => json!({}),
            Ty::Union(_) => self.some_value(self.branches(ty).first()?, depth - 1)?,
            Ty::Named(index) => match &self.types[*index].kind {
                Kind::Enum { symbols, .. } => json!(symbols[0]),
                Kind::Fixed(size) => json!("\u{0}".repeat(usize::try_from(*size).ok()?)),
                Kind::Record(fields) => {
                    let fields = fields.iter();
                    let value = |field: &Field| Some((field.name.clone(), self.some_value(&field.ty, depth - 1)?));
                    fields.map(value).collect::<Option<Map<_, _>>>()?.into()
                }
            },
        })
    }

    /// From a schema's text, as far as the catalogue uses the language.
    pub fn parse(text: &str) -> Self {
        let mut model = Self { types: Vec::new(), root: Ty::Primitive("null") };
        let json: Value = serde_json::from_str(text).expect("a schema of the catalogue is JSON");
        model.root = model.read(&json, "");
        model
    }

    fn read(&mut self, json: &Value, space: &str) -> Ty {
        if let Some(branches) = json.as_array() {
            return Ty::Union(branches.iter().map(|branch| self.read(branch, space)).collect());
        }
        let kind = json.as_str().or_else(|| json["type"].as_str());
        let Some(kind) = kind else { return self.read(&json["type"], space) };
        if let Some(primitive) = PRIMITIVES.into_iter().find(|name| *name == kind) {
            return Ty::Primitive(primitive);
        }
        match kind {
            "array" => Ty::Array(self.read(&json["items"], space).into()),
            "map" => Ty::Map(self.read(&json["values"], space).into()),
            "record" => self.read_record(json, space),
            "enum" => {
                let symbols = json["symbols"].as_array().expect("an enum has symbols");
                let symbols = symbols.iter().map(|s| s.as_str().expect("a symbol").to_owned()).collect();
                self.add(json, space, Kind::Enum { symbols, default: json.get("default").is_some() })
            }
            "fixed" => self.add(json, space, Kind::Fixed(json["size"].as_u64().expect("a size"))),
            name => {
                let is_it = |named: &Named| named.full() == name || (named.name == name && named.space == space);
                Ty::Named(self.types.iter().position(is_it).expect("defined before"))
            }
        }
    }

    fn add(&mut self, json: &Value, space: &str, kind: Kind) -> Ty {
        let name = json["name"].as_str().expect("a name");
        let space = json["namespace"].as_str().unwrap_or(space);
        let (space, name) = name.rsplit_once('.').unwrap_or((space, name));
        self.types.push(Named { space: space.to_owned(), name: name.to_owned(), aliases: Vec::new(), kind });
        Ty::Named(self.types.len() - 1)
    }

    fn read_record(&mut self, json: &Value, space: &str) -> Ty {
        let ty = self.add(json, space, Kind::Record(Vec::new()));
        let Ty::Named(index) = ty else { unreachable!("it was just added") };
        let space = self.types[index].space.clone();
        let fields = json["fields"].as_array().expect("a record has fields").iter().map(|field| Field {
            name: field["name"].as_str().expect("a name").to_owned(),
            aliases: Vec::new(),
            ty: self.read(&field["type"], &space),
            default: field.get("default").is_some(),
        });
        let fields = fields.collect();
        self.types[index].kind = Kind::Record(fields);
        ty
    }
}
