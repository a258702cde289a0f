//! The API as an OpenAPI 3.1 document, made from the table of operations. Pure.

use serde_json::{Map, Value, json};

use super::operations::{Body, OPERATIONS, Operation, Shape};

/// The document. It is committed as `openapi.json`, and a test holds that file to it.
#[must_use]
pub fn document() -> Value {
    let mut paths = Map::new();
    for operation in OPERATIONS {
        let methods = paths.entry(operation.path).or_insert_with(|| json!({}));
        methods[operation.method.as_str().to_ascii_lowercase()] = described(operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "coursebus schema registry",
            "version": "1",
            "description": "The API of Confluent's Schema Registry, for schemas of type AVRO.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": paths,
        "components": { "schemas": shapes() },
    })
}

fn described(operation: &Operation) -> Value {
    let Operation { id, path, summary, query, body, reply, errors, .. } = operation;
    let in_path = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let parameters: Vec<Value> =
        in_path.map(path_parameter).chain(query.iter().map(|name| query_parameter(name))).collect();
    let mut described = json!({ "operationId": id, "summary": summary, "parameters": parameters });
    if let Some(body) = body {
        let name = match body {
            Body::Schema => "SchemaRequest",
            Body::Config => "ConfigRequest",
            Body::Mode => "Mode",
        };
        described["requestBody"] = json!({ "required": true, "content": content(&reference(name)) });
    }
    described["responses"] = responses(*reply, errors, *id == "associations.get");
    described
}

fn responses(reply: Shape, errors: &[u32], never: bool) -> Value {
    let mut all = Map::new();
    match reply {
        _ if never => {}
        Shape::Nothing => drop(all.insert("204".to_owned(), json!({ "description": "Done" }))),
        reply => {
            drop(all.insert("200".to_owned(), json!({ "description": "Done", "content": content(&shape(reply)) })));
        }
    }
    let mut by_status: std::collections::BTreeMap<u32, Vec<String>> = [
        (404, vec!["404".to_owned()]),
        (406, vec!["406".to_owned()]),
        (408, vec!["408".to_owned()]),
        (413, vec!["413".to_owned()]),
        (415, vec!["415".to_owned()]),
        (500, vec!["50001".to_owned(), "50002".to_owned()]),
    ]
    .into();
    for code in errors {
        by_status.entry(code / 100).or_default().push(code.to_string());
    }
    for (status, codes) in by_status {
        let description = format!("Error codes {}", codes.join(", "));
        all.insert(status.to_string(), json!({ "description": description, "content": content(&reference("Error")) }));
    }
    Value::Object(all)
}

fn content(schema: &Value) -> Value {
    let kinds = ["application/vnd.schemaregistry.v1+json", "application/vnd.schemaregistry+json", "application/json"];
    Value::Object(kinds.iter().map(|kind| ((*kind).to_owned(), json!({ "schema": schema }))).collect())
}

fn path_parameter(name: &str) -> Value {
    let (schema, example) = match name {
        "id" => (json!({ "type": "integer", "minimum": 1, "maximum": i32::MAX }), json!(1)),
        "version" => (json!({ "type": "string", "description": "A number from 1, latest, or -1" }), json!("latest")),
        "guid" => (json!({ "type": "string" }), json!("095d71cf-1255-6b9d-5e33-0ad575b3df5d")),
        "context" => (json!({ "type": "string" }), json!(".example")),
        "topic" => (json!({ "type": "string" }), json!("dev-course")),
        _ => (json!({ "type": "string", "minLength": 1 }), json!("dev-course-value")),
    };
    json!({ "name": name, "in": "path", "required": true, "schema": schema, "example": example })
}

fn query_parameter(name: &str) -> Value {
    let (kind, what) = match name {
        "subjectPrefix" => ("string", "How the names begin; :*: stands for all contexts"),
        "contextPrefix" => ("string", "How the names begin"),
        "subject" => ("string", "A subject, which says the context of the id"),
        "format" => ("string", "resolved puts what the schema refers to in place"),
        "offset" => ("integer", "How many to leave out first"),
        "limit" => ("integer", "How many at most; all where it is 0 or below"),
        "deleted" => ("boolean", "Whether what is deleted softly counts"),
        "deletedOnly" => ("boolean", "Whether only what is deleted softly counts"),
        "latestOnly" => ("boolean", "Whether only the last version of each subject counts"),
        "normalize" => ("boolean", "Whether the schema is brought into its normal form"),
        "force" => ("boolean", "Whether it is done though a rule forbids it"),
        "permanent" => ("boolean", "Whether what is deleted softly is deleted for good"),
        "verbose" => ("boolean", "Whether differences are explained"),
        "defaultToGlobal" => ("boolean", "Whether what is not set is answered with what holds"),
        "recursive" => ("boolean", "Whether the subjects of the context are meant, too"),
        _ => ("boolean", "Whether the highest id is told, too"),
    };
    json!({ "name": name, "in": "query", "description": what, "schema": { "type": kind } })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn shape(shape: Shape) -> Value {
    let list = |of: Value| json!({ "type": "array", "items": of });
    match shape {
        Shape::Anything | Shape::RawSchema => json!({}),
        Shape::Names => list(json!({ "type": "string" })),
        Shape::Numbers => list(json!({ "type": "integer" })),
        Shape::Number => json!({ "type": "integer" }),
        Shape::Version => reference("Version"),
        Shape::Versions => list(reference("Version")),
        Shape::Registered => reference("Registered"),
        Shape::Schema => reference("Schema"),
        Shape::SubjectVersions => {
            list(object(&[("subject", "string"), ("version", "integer")], &["subject", "version"]))
        }
        Shape::ContextIds => list(object(&[("context", "string"), ("id", "integer")], &["context", "id"])),
        Shape::Compatibility => reference("Compatibility"),
        Shape::Config => reference("Config"),
        Shape::ConfigEcho => reference("ConfigRequest"),
        Shape::Mode => reference("Mode"),
        Shape::Nothing => Value::Null,
    }
}

fn object(properties: &[(&str, &str)], required: &[&str]) -> Value {
    let properties: Map<String, Value> =
        properties.iter().map(|(name, kind)| ((*name).to_owned(), json!({ "type": kind }))).collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

fn shapes() -> Value {
    let beside = [("guid", "string"), ("schemaType", "string"), ("schema", "string"), ("deleted", "boolean")];
    let with = |more: &[(&str, &str)], required: &[&str]| {
        let mut shape = object(&[more, &beside].concat(), required);
        for (name, of) in [("metadata", "Metadata"), ("ruleSet", "RuleSet")] {
            shape["properties"][name] = reference(of);
        }
        shape["properties"]["references"] = json!({ "type": "array", "items": reference("Reference") });
        shape
    };
    let mut request = with(&[("id", "integer"), ("version", "integer")], &["schema"]);
    request["properties"]["schemaType"] = json!({ "type": "string", "enum": ["AVRO", ""] });
    request["example"] = json!({ "schema": "\"string\"" });
    let levels: Vec<String> = crate::Level::all().map(|level| level.to_string()).collect();
    let mut config = object(&[("normalize", "boolean"), ("compatibilityGroup", "string")], &[]);
    config["properties"]["compatibility"] = json!({ "type": "string", "enum": levels });
    config["example"] = json!({ "compatibility": "BACKWARD" });
    let mut mode = object(&[], &[]);
    mode["properties"] = json!({ "mode": { "type": "string", "enum": ["READWRITE", "READONLY", "IMPORT"] } });
    mode["example"] = json!({ "mode": "READWRITE" });
    json!({
        "SchemaRequest": request,
        "ConfigRequest": config,
        "Mode": mode,
        "Config": object(&[("compatibilityLevel", "string")], &["compatibilityLevel"]),
        "Version": with(&[("subject", "string"), ("version", "integer"), ("id", "integer")], &["subject", "version", "id", "schema"]),
        "Registered": with(&[("id", "integer"), ("version", "integer")], &["id", "version", "guid", "schema"]),
        "Schema": with(&[("subject", "string"), ("version", "integer"), ("maxId", "integer")], &["guid", "schema"]),
        "Reference": object(&[("name", "string"), ("subject", "string"), ("version", "integer")], &["name", "subject", "version"]),
        "Metadata": json!({ "type": ["object", "null"], "properties": {
            "tags": { "type": ["object", "null"], "additionalProperties": { "type": "array", "items": { "type": "string" } } },
            "properties": { "type": ["object", "null"], "additionalProperties": { "type": "string" } },
            "sensitive": { "type": ["array", "null"], "items": { "type": "string" } },
        } }),
        "RuleSet": json!({ "type": ["object", "null"] }),
        "Compatibility": json!({ "type": "object", "required": ["is_compatible"], "properties": {
            "is_compatible": { "type": "boolean" }, "messages": { "type": "array", "items": { "type": "string" } },
        } }),
        "Error": object(&[("error_code", "integer"), ("message", "string")], &["error_code", "message"]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "asks whether the file is to be written anew, by hand")]
    fn the_committed_document_is_this_one() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
        let text = serde_json::to_string_pretty(&document()).expect("JSON") + "\n";
        if std::env::var_os("UPDATE_OPENAPI").is_some() {
            std::fs::write(file, &text).expect("the file is written");
        }
        let committed = std::fs::read_to_string(file).unwrap_or_default();
        assert!(
            committed == text,
            "openapi.json is old: UPDATE_OPENAPI=1 cargo test -p coursebus-registry-tools openapi"
        );
    }
}
