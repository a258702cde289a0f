//! What changed between two states of the contracts, in sentences.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Contracts, Event};

/// One sentence a change: types in the order of the new catalogue, then what is gone.
#[must_use]
pub fn diff(old: &Contracts, new: &Contracts) -> Vec<String> {
    let mut told = Vec::new();
    for event in &new.events {
        match old.event(&event.name) {
            None => told.push(format!("{} is new, on topic {}", event.name, event.topic)),
            Some(before) => told.extend(changes(before, event)),
        }
    }
    let gone = old.events.iter().filter(|event| new.event(&event.name).is_none());
    told.extend(gone.map(|event| format!("{} is gone", event.name)));
    told
}

fn changes(old: &Event, new: &Event) -> Vec<String> {
    let name = &new.name;
    let mut told = Vec::new();
    if old.topic != new.topic {
        told.push(format!("{name} moves from topic {} to {}", old.topic, new.topic));
    }
    if old.level != new.level {
        told.push(format!("{name}: its compatibility goes from {} to {}", old.level, new.level));
    }
    for path in new.personal_data.iter().filter(|path| !old.personal_data.contains(path)) {
        told.push(format!("{name}: {path} is personal data now"));
    }
    for path in old.personal_data.iter().filter(|path| !new.personal_data.contains(path)) {
        told.push(format!("{name}: {path} is personal data no longer"));
    }
    for version in &new.versions {
        let number = version.name();
        match old.versions.iter().find(|before| before.minor == version.minor) {
            Some(before) if before.json == version.json => {}
            Some(before) => {
                told.push(format!("{name}: version {number} itself was edited"));
                told.extend(fields(name, &before.json, &version.json));
            }
            None => {
                told.push(format!("{name}: version {number} is new"));
                let before = old.versions.iter().rfind(|before| before.minor < version.minor);
                told.extend(before.into_iter().flat_map(|before| fields(name, &before.json, &version.json)));
            }
        }
    }
    let gone = old.versions.iter().filter(|before| !new.versions.iter().any(|version| version.minor == before.minor));
    told.extend(gone.map(|version| format!("{name}: version {} is gone", version.name())));
    told
}

/// What a field says.
struct Field {
    kind: String,
    default: Option<String>,
    doc: String,
}

fn fields(name: &str, old: &Value, new: &Value) -> Vec<String> {
    let (old, new) = (flat(old), flat(new));
    let mut told = Vec::new();
    for (path, field) in &new {
        let Some(before) = old.get(path) else {
            let default =
                field.default.as_ref().map_or("no default".to_owned(), |default| format!("default {default}"));
            told.push(format!("{name}: field {path} is new, {}, {default}", field.kind));
            continue;
        };
        if before.kind != field.kind {
            told.push(format!("{name}: field {path} was {} and is {}", before.kind, field.kind));
        }
        if before.default != field.default {
            let say = |default: &Option<String>| default.clone().unwrap_or_else(|| "none".to_owned());
            told.push(format!(
                "{name}: the default of {path} was {} and is {}",
                say(&before.default),
                say(&field.default)
            ));
        }
        if before.doc != field.doc {
            told.push(format!("{name}: the doc of {path} changed"));
        }
    }
    told.extend(old.keys().filter(|path| !new.contains_key(*path)).map(|path| format!("{name}: field {path} is gone")));
    told
}

/// The fields by their paths.
fn flat(schema: &Value) -> BTreeMap<String, Field> {
    let mut found = BTreeMap::new();
    walk(schema, "", &mut found);
    found
}

/// Bounded by the depth that the JSON parser takes, 128.
fn walk(schema: &Value, path: &str, found: &mut BTreeMap<String, Field>) {
    match schema {
        Value::Array(branches) => branches.iter().for_each(|branch| walk(branch, path, found)),
        Value::Object(object) => {
            for of in ["items", "values"] {
                object.get(of).into_iter().for_each(|inner| walk(inner, path, found));
            }
            if let Some(inner) = object.get("type").filter(|inner| !inner.is_string()) {
                walk(inner, path, found);
            }
            for field in object.get("fields").and_then(Value::as_array).into_iter().flatten() {
                let name = field["name"].as_str().unwrap_or_default();
                let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                let default = field.get("default").map(Value::to_string);
                let doc = field["doc"].as_str().unwrap_or_default().to_owned();
                walk(&field["type"], &path, found);
                found.insert(path, Field { kind: kind(&field["type"]), default, doc });
            }
        }
        _ => {}
    }
}

/// A type in few words: `string`, `null or long`, `array of Grade`.
fn kind(schema: &Value) -> String {
    match schema {
        Value::String(name) => name.clone(),
        Value::Array(branches) => branches.iter().map(kind).collect::<Vec<_>>().join(" or "),
        Value::Object(object) => match object.get("type").and_then(Value::as_str) {
            Some("array") => format!("array of {}", kind(&schema["items"])),
            Some("map") => format!("map of {}", kind(&schema["values"])),
            Some("record" | "enum" | "fixed") => schema["name"].as_str().unwrap_or_default().to_owned(),
            Some(primitive) => match object.get("logicalType").and_then(Value::as_str) {
                Some(logical) => format!("{primitive} ({logical})"),
                None => primitive.to_owned(),
            },
            None => kind(&schema["type"]),
        },
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn changes_are_told_in_sentences() {
        let read = |topic: &str, versions: &[&str]| {
            let catalogue = format!("[[events]]\nname = \"coursebus.a.b.done.v1\"\ntopic = \"{topic}\"\n");
            let mut files = BTreeMap::from([("catalog.toml".to_owned(), catalogue)]);
            for (minor, fields) in versions.iter().enumerate() {
                let schema = format!(r#"{{"type":"record","name":"CloudEvent","fields":[{fields}]}}"#);
                files.insert(format!("avro/a/b.done/1.{minor}.avsc"), schema);
            }
            Contracts::read(&files).expect("contracts")
        };
        let first = r#"{"name":"x","type":"int"},{"name":"z","type":{"type":"array","items":"string"}}"#;
        let second = r#"{"name":"x","type":["null","int"],"default":null,"doc":"d"},{"name":"y","type":{"type":"long","logicalType":"date"}}"#;
        let told = diff(&read("t", &[first]), &read("u", &[first, second]));
        assert_eq!(
            told,
            [
                "coursebus.a.b.done.v1 moves from topic t to u",
                "coursebus.a.b.done.v1: version 1.1 is new",
                "coursebus.a.b.done.v1: field x was int and is null or int",
                "coursebus.a.b.done.v1: the default of x was none and is null",
                "coursebus.a.b.done.v1: the doc of x changed",
                "coursebus.a.b.done.v1: field y is new, long (date), no default",
                "coursebus.a.b.done.v1: field z is gone",
            ]
        );
        let edited = diff(&read("t", &[first, second]), &read("t", &[second]));
        assert_eq!(edited[0], "coursebus.a.b.done.v1: version 1.0 itself was edited");
        assert_eq!(edited.last().map(String::as_str), Some("coursebus.a.b.done.v1: version 1.1 is gone"));
    }
}
