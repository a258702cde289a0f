//! The places of a schema that rules look at: its named types and fields, each with its way there.

use serde_json::{Map, Value};

/// A named type or a field.
pub(super) struct Spot<'a> {
    /// Fields on the way there, with dots: `license.user_id`.
    pub(super) path: String,
    /// JSON pointer of the object.
    pub(super) pointer: String,
    pub(super) object: &'a Map<String, Value>,
    pub(super) what: What,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Record,
    Enum,
    Fixed,
    Field,
}

impl Spot<'_> {
    pub(super) fn text(&self, attribute: &str) -> &str {
        self.object.get(attribute).and_then(Value::as_str).unwrap_or_default()
    }
}

/// All of them, in the order of the schema.
pub(super) fn spots(schema: &Value) -> Vec<Spot<'_>> {
    let mut found = Vec::new();
    walk(schema, "", "", &mut found);
    found
}

/// Bounded by the depth that the JSON parser takes, 128.
fn walk<'a>(schema: &'a Value, path: &str, pointer: &str, found: &mut Vec<Spot<'a>>) {
    if let Some(branches) = schema.as_array() {
        branches.iter().enumerate().for_each(|(i, branch)| walk(branch, path, &format!("{pointer}/{i}"), found));
    }
    let Some(object) = schema.as_object() else { return };
    let what = match object.get("type") {
        Some(Value::String(kind)) => match kind.as_str() {
            "record" | "error" => Some(What::Record),
            "enum" => Some(What::Enum),
            "fixed" => Some(What::Fixed),
            _ => None,
        },
        Some(inner) => return walk(inner, path, &format!("{pointer}/type"), found),
        None => None,
    };
    if let Some(what) = what {
        found.push(Spot { path: path.to_owned(), pointer: pointer.to_owned(), object, what });
    }
    for of in ["items", "values"] {
        if let Some(inner) = object.get(of) {
            walk(inner, path, &format!("{pointer}/{of}"), found);
        }
    }
    for (i, field) in object.get("fields").and_then(Value::as_array).into_iter().flatten().enumerate() {
        let Some(field) = field.as_object() else { continue };
        let name = field.get("name").and_then(Value::as_str).unwrap_or_default();
        let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        let pointer = format!("{pointer}/fields/{i}");
        found.push(Spot { path: path.clone(), pointer: pointer.clone(), object: field, what: What::Field });
        if let Some(kind) = field.get("type") {
            walk(kind, &path, &format!("{pointer}/type"), found);
        }
    }
}

/// Where two JSON values first differ, as a pointer, and what differs there.
pub(super) fn first_difference(ours: &Value, theirs: &Value) -> (String, String) {
    let inner = |step: String, (ours, theirs): (&Value, &Value)| {
        let (rest, what) = first_difference(ours, theirs);
        (format!("/{step}{rest}"), what)
    };
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            for (name, value) in a {
                match b.get(name) {
                    None => return (String::new(), format!("`{name}` is ours alone")),
                    Some(other) if other != value => return inner(name.clone(), (value, other)),
                    Some(_) => {}
                }
            }
            let missing = b.keys().find(|name| !a.contains_key(*name));
            (String::new(), format!("`{}` is missing", missing.map_or("", String::as_str)))
        }
        (Value::Array(a), Value::Array(b)) => match a.iter().zip(b).position(|(a, b)| a != b) {
            Some(at) => inner(at.to_string(), (&a[at], &b[at])),
            None => (String::new(), format!("{} elements, theirs has {}", a.len(), b.len())),
        },
        _ => (String::new(), "another value".to_owned()),
    }
}
