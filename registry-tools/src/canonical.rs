//! A schema's identity: Avro's parsed form printed back, as Java's `Schema.toString()` prints it.
//!
//! So `{"name": "course_key", "type": "string"}` is `"string"`, white space and the order of attributes do not matter, and
//! docs, defaults, aliases and properties of one's own do. Pure. Source: Apache Avro's specification, "Schema Declaration",
//! and the behaviour of its Java library.

use std::collections::HashSet;

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
/// Deeper than any schema that people write, and far from the end of the stack.
const DEPTH_MAX: usize = 100;

/// Prints the parsed form.
///
/// # Errors
/// What the text lacks to be a schema: wrong JSON, an unknown type or name, a missing attribute, a name defined twice,
/// nesting deeper than 100.
pub fn canonical(text: &str) -> Result<String, NotASchema> {
    let json: Value = serde_json::from_str(text)
        .map_err(|e| NotASchema { reason: format!("not JSON: {e}"), path: "$".to_owned() })?;
    let mut printer = Printer { defined: HashSet::new(), path: vec!["$".to_owned()] };
    Ok(printer.schema(&json, None)?.to_string())
}

struct Printer {
    /// Full names seen so far.
    defined: HashSet<String>,
    path: Vec<String>,
}

impl Printer {
    fn refuse<T>(&self, reason: impl Into<String>) -> Result<T, NotASchema> {
        Err(NotASchema { reason: reason.into(), path: self.path.concat() })
    }

    fn at<T>(
        &mut self,
        step: impl Into<String>,
        inner: impl FnOnce(&mut Self) -> Result<T, NotASchema>,
    ) -> Result<T, NotASchema> {
        if self.path.len() > DEPTH_MAX {
            return self.refuse("nested too deeply");
        }
        self.path.push(step.into());
        let outcome = inner(self);
        self.path.pop();
        outcome
    }

    fn schema(&mut self, json: &Value, space: Option<&str>) -> Result<Value, NotASchema> {
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
        self.refuse(format!("'{}' is not defined", shorten(name)))
    }

    fn union(&mut self, branches: &[Value], space: Option<&str>) -> Result<Value, NotASchema> {
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
                properties(object, &RESERVED, &mut out);
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
        properties(object, &RESERVED, &mut out);
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
        if !self.defined.insert(full.clone()) {
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
        properties(object, &reserved, &mut out);
        if let Some(aliases) = aliases(object, |alias| relative(&qualify(alias, own), own)) {
            out.insert("aliases".to_owned(), aliases);
        }
        Ok(out.into())
    }

    fn enumeration(&mut self, object: &Map<String, Value>, out: &mut Map<String, Value>) -> Result<(), NotASchema> {
        let Some(symbols) = object.get("symbols").and_then(Value::as_array) else {
            return self.refuse("enum without symbols");
        };
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
        let mut names = HashSet::new();
        let mut printed = Vec::with_capacity(fields.len());
        for field in fields {
            let Some(name) = field.get("name").and_then(Value::as_str).filter(|n| !n.is_empty()) else {
                return self.refuse("a field without a name");
            };
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
        if let Some(aliases) = aliases(object, str::to_owned) {
            out.insert("aliases".to_owned(), aliases);
        }
        properties(object, &FIELD_RESERVED, &mut out);
        Ok(out.into())
    }
}

fn properties(object: &Map<String, Value>, reserved: &[&str], out: &mut Map<String, Value>) {
    let own = object.iter().filter(|(name, _)| !reserved.contains(&name.as_str()));
    out.extend(own.map(|(name, value)| (name.clone(), value.clone())));
}

fn aliases(object: &Map<String, Value>, print: impl Fn(&str) -> String) -> Option<Value> {
    let aliases = object.get("aliases")?.as_array()?;
    let printed: Vec<Value> = aliases.iter().filter_map(Value::as_str).map(|a| print(a).into()).collect();
    (!printed.is_empty()).then_some(Value::Array(printed))
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
mod tests {
    use super::*;

    fn check(schema: &str, expected: &str) {
        assert_eq!(canonical(schema).as_deref(), Ok(expected), "{schema}");
        assert_eq!(canonical(expected).as_deref(), Ok(expected), "printed once more");
    }

    #[test]
    fn a_primitive_is_its_name() {
        check(r#""string""#, r#""string""#);
        check(r#"{"type":"string"}"#, r#""string""#);
        check(r#"{"name": "course_key", "type": "string"}"#, r#""string""#);
        check(
            r#"{"type":"long","logicalType":"timestamp-millis"}"#,
            r#"{"type":"long","logicalType":"timestamp-millis"}"#,
        );
    }

    #[test]
    fn attributes_have_one_order_and_names_are_relative() {
        check(
            r#"{"fields":[{"default":null,"type":["null","string"],"name":"a","x":1},
                {"name":"b","type":{"fields":[],"type":"record","name":"B","namespace":"n"}},
                {"name":"c","type":"n.B","doc":"d","order":"ascending"},
                {"name":"d","type":{"type":"enum","symbols":["X"],"name":"o.E"}},{"name":"e","type":"o.E"}],
                "namespace":"n","name":"R","type":"record","doc":"top","aliases":["n.Q","z.Q"]}"#,
            concat!(
                r#"{"type":"record","name":"R","namespace":"n","doc":"top","fields":["#,
                r#"{"name":"a","type":["null","string"],"default":null,"x":1},"#,
                r#"{"name":"b","type":{"type":"record","name":"B","fields":[]}},"#,
                r#"{"name":"c","type":"B","doc":"d"},"#,
                r#"{"name":"d","type":{"type":"enum","name":"E","namespace":"o","symbols":["X"]}},"#,
                r#"{"name":"e","type":"o.E"}],"aliases":["Q","z.Q"]}"#
            ),
        );
    }

    #[test]
    fn an_illegal_namespace_of_the_platform_is_taken() {
        let name =
            r#"{"type":"record","name":"CloudEvent","namespace":"org.openedx.redemption-reversed.v1","fields":[]}"#;
        check(name, name);
    }

    #[test]
    fn refuses_what_is_not_a_schema_and_says_where() {
        let refuse = |schema: &str, expected: &str| {
            let error = canonical(schema).expect_err(schema).to_string();
            assert!(error.contains(expected), "{schema}: {error}");
        };
        refuse("", "not JSON");
        refuse("5", "a schema is a name");
        refuse(r#""strong""#, "'strong' is not defined at $");
        refuse(r#"{"type":"record","name":"R"}"#, "record without fields");
        refuse(
            r#"{"type":"record","name":"R","fields":[{"name":"a","type":"X"}]}"#,
            "'X' is not defined at $.fields[a]",
        );
        refuse(r#"["null","null"]"#, "two branches");
        refuse(r#"{"type":"array"}"#, "array without items");
        refuse(r#"{"type":"enum","name":"E","symbols":["A","A"]}"#, "each once");
        let deep = format!("{}\"int\"{}", r#"{"type":"array","items":"#.repeat(110), "}".repeat(110));
        refuse(&deep, "nested too deeply");
        let deeper = format!("{}\"int\"{}", r#"{"type":"array","items":"#.repeat(100_000), "}".repeat(100_000));
        refuse(&deeper, "not JSON");
    }
}
