//! The HTTP API case by case.
//!
//! A case is data (`cases/*.json`): a scenario is a list of steps `[request, body, status, reply]`, in the order in which they
//! are sent. In requests and bodies `{p}` is a text of the scenario's own, `$x` what an earlier reply had in its place; in
//! replies `$x` is remembered or compared, `*` is anything, and an object with the field `...` may have more fields. Every
//! operation, parameter and error code of the table of operations has a step, and every row of the reference is an operation.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use coursebus_registry_tools::server::{OPERATIONS, Operation};
use reqwest::Method;
use serde_json::{Map, Value};

use crate::support::{Fixture, matrix};

/// The rows of the reference: method, path, parameters.
const REFERENCE: &str = include_str!("reference.txt");

struct Step {
    method: Method,
    target: String,
    body: Value,
    status: u16,
    reply: Value,
}

impl Step {
    /// The operation that the step is of.
    fn operation(&self) -> Option<&'static Operation> {
        let path = self.target.split('?').next().unwrap_or_default();
        let fits = |operation: &&Operation| {
            let (parts, pattern): (Vec<_>, Vec<_>) = (path.split('/').collect(), operation.path.split('/').collect());
            let same =
                |(part, pattern): (&&str, &&str)| part == pattern || (pattern.starts_with('{') && !part.is_empty());
            self.method == operation.method && parts.len() == pattern.len() && parts.iter().zip(&pattern).all(same)
        };
        // `/schemas/types` before `/schemas/{…}`: the one with the fewest parts in braces.
        OPERATIONS.iter().filter(fits).min_by_key(|operation| operation.path.matches('{').count())
    }

    fn parameters(&self) -> impl Iterator<Item = &str> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        query.split('&').filter_map(|pair| pair.split('=').next()).filter(|name| !name.is_empty())
    }
}

fn scenarios() -> Vec<(String, Vec<Step>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/registry/cases");
    let mut files: Vec<_> = std::fs::read_dir(folder).expect("the folder").map(|f| f.expect("a file").path()).collect();
    files.sort();
    let read = |file: &std::path::PathBuf| {
        let text = std::fs::read_to_string(file).expect("a file");
        serde_json::from_str::<Map<String, Value>>(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
    };
    let all = files.iter().flat_map(read);
    all.map(|(name, steps)| (name, steps.as_array().expect("steps").iter().map(step).collect())).collect()
}

fn step(json: &Value) -> Step {
    let (method, target) = json[0].as_str().and_then(|request| request.split_once(' ')).expect("a request");
    Step {
        method: method.parse().expect("a method"),
        target: target.to_owned(),
        body: json[1].clone(),
        status: json[2].as_u64().and_then(|n| u16::try_from(n).ok()).expect("a status"),
        reply: json[3].clone(),
    }
}

/// What a scenario has seen: texts by their names.
#[derive(Default)]
struct Seen(BTreeMap<String, Value>);

/// Who answers.
#[derive(Clone, Copy, PartialEq)]
enum Who {
    Ours,
    /// Another registry: words are its own, and newer fields may be missing or more.
    Peer,
}

/// Fields that a peer may leave out, and words that are its own.
const PEERS_OWN: [&str; 4] = ["guid", "schemaType", "message", "deleted"];

impl Seen {
    /// A text with what it names in place.
    fn fill(&self, text: &str) -> String {
        let mut filled = text.to_owned();
        // Longer names first: `$l` is not the start of `$level`.
        for (name, value) in self.0.iter().rev() {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            filled = filled.replace(name.as_str(), &value);
        }
        filled
    }

    /// A body with what it names in place, and with what is too long to be written out.
    fn body(&self, json: &Value) -> Value {
        match json {
            Value::String(text) => match self.0.get(text) {
                Some(seen) => seen.clone(),
                None => self.fill(text).into(),
            },
            Value::Array(items) => items.iter().map(|item| self.body(item)).collect(),
            Value::Object(object) => match (object.get("$repeat"), object.get("$fields")) {
                (Some(text), _) => {
                    let times = object["times"].as_u64().and_then(|n| usize::try_from(n).ok()).expect("a number");
                    text.as_str().expect("a text").repeat(times).into()
                }
                (_, Some(count)) => many_fields(count.as_u64().expect("a number")).into(),
                _ => Value::Object(object.iter().map(|(name, value)| (name.clone(), self.body(value))).collect()),
            },
            other => other.clone(),
        }
    }

    /// Whether a reply is the expected one; where it is not.
    fn check(&mut self, expected: &Value, found: &Value, at: &str) -> Result<(), String> {
        match (expected, found) {
            (Value::String(any), _) if any == "*" => Ok(()),
            (Value::String(name), found) if name.starts_with('$') => {
                let known = self.0.entry(name.clone()).or_insert_with(|| found.clone());
                if known == found { Ok(()) } else { Err(format!("{at}: {found} is not {name}, {known}")) }
            }
            (Value::String(text), Value::String(found)) => {
                let text = self.fill(text);
                if text == *found { Ok(()) } else { Err(format!("{at}: '{found}' is not '{text}'")) }
            }
            (Value::Array(items), Value::Array(found)) if items.len() == found.len() => {
                let mut pairs = items.iter().zip(found).enumerate();
                pairs.try_for_each(|(i, (item, found))| self.check(item, found, &format!("{at}[{i}]")))
            }
            (Value::Object(fields), Value::Object(found)) => {
                let more: Vec<&String> = found.keys().filter(|name| !fields.contains_key(*name)).collect();
                if !more.is_empty() && !fields.contains_key("...") {
                    return Err(format!("{at}: has {more:?} too"));
                }
                let mut named = fields.iter().filter(|(name, _)| *name != "...");
                let check = |(name, value): (&String, &Value)| match found.get(name) {
                    Some(found) => self.check(value, found, &format!("{at}.{name}")),
                    None => Err(format!("{at}: has no {name}")),
                };
                named.try_for_each(check)
            }
            (expected, found) if expected == found => Ok(()),
            (expected, found) => Err(format!("{at}: {found} is not {expected}")),
        }
    }
}

fn many_fields(count: u64) -> String {
    let fields: Vec<String> = (0..count).map(|n| format!(r#"{{"name":"f{n}","type":"int"}}"#)).collect();
    format!(r#"{{"type":"record","name":"R","fields":[{}]}}"#, fields.join(","))
}

/// Sends the steps; each that went otherwise, in one line.
async fn play(url: &str, who: Who, own: &str, steps: &[Step]) -> Vec<String> {
    let client = reqwest::Client::new();
    let (mut seen, mut wrong) = (Seen::default(), Vec::new());
    seen.0.insert("{p}".to_owned(), own.into());
    for (number, step) in steps.iter().enumerate() {
        let target = seen.fill(&step.target);
        let mut request = client.request(step.method.clone(), format!("{url}{target}"));
        if !step.body.is_null() {
            let kind = "application/vnd.schemaregistry.v1+json";
            request = request.header("content-type", kind).body(seen.body(&step.body).to_string());
        }
        let response = request.send().await.expect("the server answers");
        let status = response.status().as_u16();
        let text = response.text().await.expect("a body");
        let reply: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        let expected = if who == Who::Peer { without_own(&step.reply) } else { step.reply.clone() };
        let outcome = match seen.check(&expected, &reply, "reply") {
            _ if status != step.status => Err(format!("status {status} is not {}: {reply}", step.status)),
            outcome => outcome,
        };
        if let Err(what) = outcome {
            let what: String = what.chars().take(400).collect();
            wrong.push(format!("step {number}, {} {target}: {what}", step.method));
        }
    }
    wrong
}

/// What is expected of a peer.
fn without_own(reply: &Value) -> Value {
    match reply {
        Value::Array(items) => items.iter().map(without_own).collect(),
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, _)| !PEERS_OWN.contains(&name.as_str()));
            let kept = kept.map(|(name, value)| (name.clone(), without_own(value)));
            Value::Object(kept.chain([("...".to_owned(), true.into())]).collect())
        }
        other => other.clone(),
    }
}

/// The same cases against another registry, whose URL `COURSEBUS_PEER_REGISTRY` gives (docs/registry.md tells how to start
/// one): each difference is listed with its reason, and none is listed that is not there.
#[tokio::test]
async fn a_peer_differs_as_it_is_listed() {
    #[expect(clippy::disallowed_methods, reason = "names a peer to compare with, by hand")]
    let Ok(url) = std::env::var("COURSEBUS_PEER_REGISTRY") else { return };
    let listed: BTreeMap<String, String> =
        serde_json::from_str(include_str!("apicurio.json")).expect("scenarios with what is different, and why");
    let own = std::process::id();
    let (mut report, mut unlisted) = (Vec::new(), Vec::new());
    for (number, (name, steps)) in scenarios().into_iter().enumerate() {
        let found = play(&url, Who::Peer, &format!("p{own}x{number}_"), &steps).await;
        if found.is_empty() == listed.contains_key(&name) {
            unlisted.push(name.clone());
        }
        report.extend(found.into_iter().map(|what| format!("{name}: {what}")));
    }
    println!("{}", report.join("\n"));
    assert!(unlisted.is_empty(), "differ and are not listed, or are listed and do not: {unlisted:#?}");
}

#[tokio::test]
async fn each_case_is_answered_as_it_says() {
    matrix();
    let mut wrong = Vec::new();
    for (number, (name, steps)) in scenarios().into_iter().enumerate() {
        let fixture = Fixture::new().await;
        let found = play(&fixture.served.url, Who::Ours, &format!("p{number}_"), &steps).await;
        wrong.extend(found.into_iter().map(|what| format!("{name}: {what}")));
    }
    assert!(wrong.is_empty(), "{} steps went otherwise:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn each_operation_parameter_and_error_has_a_case() {
    let mut covered = BTreeSet::new();
    for (name, steps) in scenarios() {
        for step in &steps {
            let Some(operation) = step.operation() else { continue };
            covered.insert(operation.id.to_owned());
            for parameter in step.parameters() {
                covered.insert(format!("{}?{parameter}", operation.id));
            }
            if let Some(code) = step.reply.get("error_code") {
                covered.insert(format!("{}!{code}", operation.id));
            }
            assert!(step.status < 500, "{name}: a case is no failure");
        }
    }
    let ids = OPERATIONS.iter().flat_map(|operation| {
        let parameters = operation.query.iter().map(|name| format!("{}?{name}", operation.id));
        let errors = operation.errors.iter().map(|code| format!("{}!{code}", operation.id));
        std::iter::once(operation.id.to_owned()).chain(parameters).chain(errors)
    });
    let missing: Vec<String> = ids.filter(|id| !covered.contains(id)).collect();
    assert!(missing.is_empty(), "without a case: {missing:#?}");
}

#[test]
fn each_row_of_the_reference_is_an_operation() {
    for row in REFERENCE.lines().filter(|row| !row.starts_with('#') && !row.is_empty()) {
        let mut parts = row.split_whitespace();
        let (method, path) = (parts.next().expect("a method"), parts.next().expect("a path"));
        let found = OPERATIONS.iter().find(|operation| operation.method == method && operation.path == path);
        let operation = found.unwrap_or_else(|| panic!("{row}: no operation"));
        for parameter in parts {
            assert!(operation.query.contains(&parameter), "{row}: {} takes no {parameter}", operation.id);
        }
    }
}
