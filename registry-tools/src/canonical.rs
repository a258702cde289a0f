//! A schema's identity: Avro's parsed form printed back, as Java's `Schema.toString()` prints it.
//!
//! So `{"name": "course_key", "type": "string"}` is `"string"`, white space and the order of attributes do not matter, and
//! docs, defaults, aliases and properties of one's own do. Pure. Source: Apache Avro's specification, "Schema Declaration",
//! and the behaviour of its Java library.

mod definitions;

use std::collections::HashSet;

pub use definitions::Definitions;
use serde_json::{Map, Value};

/// The text is not an Avro schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at {path}")]
pub struct NotASchema {
    /// What is wrong.
    pub reason: String,
    /// Where, as the path of attributes and field names from the top: `$.fields[grade].type`.
    pub path: String,
}

const PRIMITIVES: [&str; 8] = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"];
const RESERVED: [&str; 10] =
    ["doc", "fields", "items", "name", "namespace", "size", "symbols", "values", "type", "aliases"];
const FIELD_RESERVED: [&str; 7] = ["name", "type", "doc", "default", "order", "aliases", "namespace"];
/// Deeper than any schema that people write, and far from the end of the stack. At the bound: refused.
const DEPTH_MAX: usize = 100;
/// Types, fields, symbols, branches and aliases of one schema, what it refers to included. At the bound: refused.
const ITEMS_MAX: usize = 20_000;
/// The longest full name, in bytes. At the bound: refused.
const NAME_BYTES_MAX: usize = 1_000;

/// Prints the parsed form.
///
/// # Errors
/// What the text lacks to be a schema: wrong JSON, an unknown type or name, a missing attribute, a name defined twice; and
/// what would be too much of it: nesting deeper than 100, more than 20,000 types, fields, symbols, branches and aliases, a
/// name longer than 1,000 bytes.
pub fn canonical(text: &str) -> Result<String, NotASchema> {
    print(text, &Definitions::default(), Form::Parsed)
}

/// Which form is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As it was parsed; what is defined elsewhere is referred to by name.
    Parsed,
    /// The same, with properties and aliases in one order, so that more texts that mean the same are the same.
    Normal,
    /// As it was parsed, with what is defined elsewhere in place: the text stands alone.
    Resolved,
}

/// Prints a schema that may refer to definitions of others. Fails as [`canonical`] does.
pub fn print(text: &str, elsewhere: &Definitions, form: Form) -> Result<String, NotASchema> {
    let printed = Printer::new(elsewhere, form).schema(&parse(text)?, None)?;
    if form != Form::Resolved || elsewhere.is_empty() {
        return Ok(printed.to_string());
    }
    // What was put in place says its namespace, needed or not: once more for the one form.
    let alone = Definitions::default();
    Ok(Printer::new(&alone, Form::Parsed).schema(&printed, None)?.to_string())
}

fn parse(text: &str) -> Result<Value, NotASchema> {
    serde_json::from_str(text).map_err(|e| NotASchema { reason: format!("not JSON: {e}"), path: "$".to_owned() })
}

struct Printer<'a> {
    form: Form,
    elsewhere: &'a Definitions,
    /// How many definitions from elsewhere we are inside of.
    inside: usize,
    /// Full names seen so far.
    defined: HashSet<String>,
    items: usize,
    path: Vec<String>,
}

impl<'a> Printer<'a> {
    fn new(elsewhere: &'a Definitions, form: Form) -> Self {
        let path = vec!["$".to_owned()];
        Self { form, elsewhere, inside: 0, defined: HashSet::new(), items: 0, path }
    }

    fn count(&mut self, items: usize) -> Result<(), NotASchema> {
        self.items += items;
        if self.items > ITEMS_MAX {
            return self.refuse(format!("larger than {ITEMS_MAX} types, fields, symbols, branches and aliases"));
        }
        Ok(())
    }

    fn refuse<T>(&self, reason: impl Into<String>) -> Result<T, NotASchema> {
        Err(NotASchema { reason: reason.into(), path: self.path.concat() })
    }

    fn at<T>(
        &mut self,
        step: impl Into<String>,
        inner: impl FnOnce(&mut Self) -> Result<T, NotASchema>,
    ) -> Result<T, NotASchema> {
        if self.path.len() > DEPTH_MAX {
            return self.refuse(format!("nested too deeply: {DEPTH_MAX} levels are the most"));
        }
        self.path.push(step.into());
        let outcome = inner(self);
        self.path.pop();
        outcome
    }

    fn schema(&mut self, json: &Value, space: Option<&str>) -> Result<Value, NotASchema> {
        self.count(1)?;
        match json {
            Value::String(name) => self.reference(name, space),
            Value::Array(branches) => self.union(branches, space),
            Value::Object(object) => self.object(object, space),
            _ => self.refuse("a schema is a name, an object or an array"),
        }
    }

    fn reference(&mut self, name: &str, space: Option<&str>) -> Result<Value, NotASchema> {
        if PRIMITIVES.contains(&name) {
            return Ok(name.into());
        }
        let full = qualify(name, space);
        if self.defined.contains(&full) {
            return Ok(relative(&full, space).into());
        }
        if self.defined.contains(name) {
            return Ok(name.into());
        }
        let Some((full, definition)) = self.elsewhere.get(&full).or_else(|| self.elsewhere.get(name)) else {
            return self.refuse(format!("'{}' is not defined", shorten(name)));
        };
        if self.form != Form::Resolved {
            return Ok(relative(full, space).into());
        }
        self.inside += 1;
        let printed = self.at("", |p| p.object(&definition.object, definition.space.as_deref()));
        self.inside -= 1;
        Ok(absolute(printed?, definition.space.as_deref(), space))
    }

    fn union(&mut self, branches: &[Value], space: Option<&str>) -> Result<Value, NotASchema> {
        self.count(branches.len())?;
        let mut seen = HashSet::new();
        let mut printed = Vec::with_capacity(branches.len());
        for (i, branch) in branches.iter().enumerate() {
            let branch = self.at(format!("[{i}]"), |p| {
                if branch.is_array() {
                    return p.refuse("a union stands directly in a union");
                }
                p.schema(branch, space)
            })?;
            if !seen.insert(branch_name(&branch, space)) {
                return self.refuse("a union has two branches of one type");
            }
            printed.push(branch);
        }
        Ok(Value::Array(printed))
    }

    fn object(&mut self, object: &Map<String, Value>, space: Option<&str>) -> Result<Value, NotASchema> {
        let kind = match object.get("type") {
            Some(Value::String(kind)) => kind.as_str(),
            // Seen in the wild: the whole schema once more inside `type`.
            Some(nested @ (Value::Object(_) | Value::Array(_))) => {
                return self.at(".type", |p| p.schema(nested, space));
            }
            _ => return self.refuse("an object without a type"),
        };
        match kind {
            "record" | "error" | "enum" | "fixed" => self.named(kind, object, space),
            "array" => self.container(object, "array", "items", space),
            "map" => self.container(object, "map", "values", space),
            primitive if PRIMITIVES.contains(&primitive) => {
                let mut out = Map::from_iter([("type".to_owned(), primitive.into())]);
                self.properties(object, &RESERVED, &mut out);
                Ok(if out.len() == 1 { primitive.into() } else { out.into() })
            }
            name => self.reference(name, space),
        }
    }

    fn container(
        &mut self,
        object: &Map<String, Value>,
        kind: &str,
        of: &str,
        space: Option<&str>,
    ) -> Result<Value, NotASchema> {
        let Some(inner) = object.get(of) else { return self.refuse(format!("{kind} without {of}")) };
        let inner = self.at(format!(".{of}"), |p| p.schema(inner, space))?;
        let mut out = Map::from_iter([("type".to_owned(), kind.into()), (of.to_owned(), inner)]);
        self.properties(object, &RESERVED, &mut out);
        Ok(out.into())
    }

    fn named(&mut self, kind: &str, object: &Map<String, Value>, space: Option<&str>) -> Result<Value, NotASchema> {
        let Some(name) = object.get("name").and_then(Value::as_str).filter(|n| !n.is_empty()) else {
            return self.refuse(format!("{kind} without a name"));
        };
        let full = match (name.rsplit_once('.'), object.get("namespace").and_then(Value::as_str)) {
            (Some(_), _) => name.trim_start_matches('.').to_owned(),
            (None, Some("")) => name.to_owned(),
            (None, Some(namespace)) => format!("{namespace}.{name}"),
            (None, None) => qualify(name, space),
        };
        if full.len() > NAME_BYTES_MAX {
            return self.refuse(format!("a name longer than {NAME_BYTES_MAX} bytes"));
        }
        if self.inside > 0 && self.defined.contains(&full) {
            return Ok(relative(&full, space).into());
        }
        if self.elsewhere.get(&full).is_some() && self.inside == 0 || !self.defined.insert(full.clone()) {
            return self.refuse(format!("'{}' is defined twice", shorten(&full)));
        }
        let (own, simple) = full.rsplit_once('.').map_or((None, full.as_str()), |(own, simple)| (Some(own), simple));
        let mut out = Map::new();
        out.insert("type".to_owned(), kind.into());
        out.insert("name".to_owned(), simple.into());
        if own != space {
            out.insert("namespace".to_owned(), own.unwrap_or("").into());
        }
        if let Some(doc) = object.get("doc").and_then(Value::as_str) {
            out.insert("doc".to_owned(), doc.into());
        }
        match kind {
            "enum" => self.enumeration(object, &mut out)?,
            "fixed" => match object.get("size").and_then(Value::as_u64) {
                Some(size) => drop(out.insert("size".to_owned(), size.into())),
                None => return self.refuse("fixed without a size"),
            },
            _ => self.fields(object, own, &mut out)?,
        }
        let reserved: Vec<&str> = RESERVED.iter().copied().chain((kind == "enum").then_some("default")).collect();
        self.properties(object, &reserved, &mut out);
        if let Some(aliases) = self.aliases(object, |alias| relative(&qualify(alias, own), own))? {
            out.insert("aliases".to_owned(), aliases);
        }
        Ok(out.into())
    }

    fn enumeration(&mut self, object: &Map<String, Value>, out: &mut Map<String, Value>) -> Result<(), NotASchema> {
        let Some(symbols) = object.get("symbols").and_then(Value::as_array) else {
            return self.refuse("enum without symbols");
        };
        self.count(symbols.len())?;
        let names: HashSet<&str> = symbols.iter().filter_map(Value::as_str).collect();
        if names.len() != symbols.len() {
            return self.refuse("an enum's symbols are names, each once");
        }
        out.insert("symbols".to_owned(), symbols.clone().into());
        if let Some(default) = object.get("default") {
            if !default.as_str().is_some_and(|default| names.contains(default)) {
                return self.refuse("an enum's default is one of its symbols");
            }
            out.insert("default".to_owned(), default.clone());
        }
        Ok(())
    }

    fn fields(
        &mut self,
        object: &Map<String, Value>,
        space: Option<&str>,
        out: &mut Map<String, Value>,
    ) -> Result<(), NotASchema> {
        let Some(fields) = object.get("fields").and_then(Value::as_array) else {
            return self.refuse("record without fields");
        };
        self.count(fields.len())?;
        let mut names = HashSet::new();
        let mut printed = Vec::with_capacity(fields.len());
        for field in fields {
            let Some(name) = field.get("name").and_then(Value::as_str).filter(|n| !n.is_empty()) else {
                return self.refuse("a field without a name");
            };
            if name.len() > NAME_BYTES_MAX {
                return self.refuse(format!("a field's name longer than {NAME_BYTES_MAX} bytes"));
            }
            if !names.insert(name) {
                return self.refuse(format!("field '{}' stands twice", shorten(name)));
            }
            printed.push(self.at(format!(".fields[{}]", shorten(name)), |p| p.field(name, field, space))?);
        }
        out.insert("fields".to_owned(), printed.into());
        Ok(())
    }

    fn field(&mut self, name: &str, field: &Value, space: Option<&str>) -> Result<Value, NotASchema> {
        let (Some(object), Some(kind)) = (field.as_object(), field.get("type")) else {
            return self.refuse("a field without a type");
        };
        let kind = self.schema(kind, space)?;
        let mut out = Map::from_iter([("name".to_owned(), name.into()), ("type".to_owned(), kind)]);
        if let Some(doc) = object.get("doc").and_then(Value::as_str) {
            out.insert("doc".to_owned(), doc.into());
        }
        if let Some(default) = object.get("default") {
            out.insert("default".to_owned(), default.clone());
        }
        if let Some(order) = object.get("order").and_then(Value::as_str).filter(|o| *o != "ascending") {
            out.insert("order".to_owned(), order.into());
        }
        if let Some(aliases) = self.aliases(object, str::to_owned)? {
            out.insert("aliases".to_owned(), aliases);
        }
        self.properties(object, &FIELD_RESERVED, &mut out);
        Ok(out.into())
    }

    fn properties(&self, object: &Map<String, Value>, reserved: &[&str], out: &mut Map<String, Value>) {
        const FIRST: [&str; 3] = ["logicalType", "precision", "scale"];
        let own = object.iter().filter(|(name, _)| !reserved.contains(&name.as_str()));
        if self.form != Form::Normal {
            out.extend(own.map(|(name, value)| (name.clone(), value.clone())));
            return;
        }
        let is_default_scale = |name: &str, value: &Value| name == "scale" && value == &Value::from(0);
        let mut own: Vec<_> = own.filter(|(name, value)| !is_default_scale(name, value)).collect();
        own.sort_by_key(|(name, _)| (FIRST.iter().position(|first| first == name).unwrap_or(FIRST.len()), *name));
        out.extend(own.into_iter().map(|(name, value)| (name.clone(), sorted(value))));
    }

    fn aliases(
        &mut self,
        object: &Map<String, Value>,
        print: impl Fn(&str) -> String,
    ) -> Result<Option<Value>, NotASchema> {
        let Some(aliases) = object.get("aliases").and_then(Value::as_array) else { return Ok(None) };
        self.count(aliases.len())?;
        let mut printed: Vec<String> = aliases.iter().filter_map(Value::as_str).map(print).collect();
        if self.form == Form::Normal {
            printed.sort_unstable();
            printed.dedup();
        }
        Ok((!printed.is_empty()).then(|| printed.into()))
    }
}

/// The same JSON with the names of each object in order. The depth is bounded by the parser of JSON.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Object(object) => {
            let mut all: Vec<_> = object.iter().collect();
            all.sort_unstable_by_key(|(name, _)| *name);
            Value::Object(all.into_iter().map(|(name, value)| (name.clone(), sorted(value))).collect())
        }
        value => value.clone(),
    }
}

/// A definition that was printed for one namespace, as it has to stand in another: its own namespace said out loud.
fn absolute(mut printed: Value, from: Option<&str>, to: Option<&str>) -> Value {
    match &mut printed {
        Value::Object(object) if from != to && !object.contains_key("namespace") => {
            object.insert("namespace".to_owned(), from.unwrap_or("").into());
        }
        _ => {}
    }
    printed
}

fn qualify(name: &str, space: Option<&str>) -> String {
    match space {
        Some(space) if !name.contains('.') => format!("{space}.{name}"),
        _ => name.to_owned(),
    }
}

fn relative(full: &str, space: Option<&str>) -> String {
    match full.rsplit_once('.') {
        Some((own, simple)) if Some(own) == space => simple.to_owned(),
        _ => full.to_owned(),
    }
}

/// What makes two branches of a union the same: the full name of a named type, the kind of any other.
fn branch_name(branch: &Value, space: Option<&str>) -> String {
    let text = |name: &str| branch.get(name).and_then(Value::as_str);
    match (branch.as_str(), text("type"), text("name")) {
        (Some(name), ..) if PRIMITIVES.contains(&name) => name.to_owned(),
        (Some(name), ..) => qualify(name, space),
        (None, _, Some(name)) => qualify(name, text("namespace").or(space)),
        (None, Some(kind), None) => kind.to_owned(),
        (None, None, None) => String::new(),
    }
}

/// Names in messages are cut: they come from outside.
fn shorten(name: &str) -> String {
    name.chars().take(80).collect()
}

#[cfg(test)]
mod tests;
