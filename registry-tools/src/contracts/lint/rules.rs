//! Each rule: a function of one version of one type. docs/contracts.md says why each is there.

use std::collections::HashMap;

use serde_json::Value;

use super::{
    Breach, Event, Version,
    spots::{Spot, What},
};

pub(super) type Rule = fn(&Event, &Version, &[Spot<'_>]) -> Vec<Breach>;

/// With their ids, which stand in `lint.toml` files: they stay.
pub(super) const RULES: [(&str, Rule); 9] = [
    ("record-name", record_name),
    ("namespace", namespace),
    ("naming", naming),
    ("doc", doc),
    ("optional-default", optional_default),
    ("enum-default", enum_default),
    ("shadowed-name", shadowed_name),
    ("personal-data", personal_data),
    ("timestamp", timestamp),
];

/// Past tenses that do not end in -ed.
const IRREGULAR: [&str; 24] = [
    "begun",
    "bought",
    "built",
    "given",
    "held",
    "kept",
    "left",
    "lost",
    "made",
    "met",
    "paid",
    "put",
    "read",
    "reset",
    "sent",
    "set",
    "shown",
    "sold",
    "split",
    "taken",
    "undone",
    "withdrawn",
    "won",
    "written",
];
/// Words of a field's name that say it holds a person's data.
const PERSONAL: [&str; 14] = [
    "email",
    "username",
    "full_name",
    "first_name",
    "last_name",
    "phone",
    "phone_number",
    "postal_address",
    "street_address",
    "birthday",
    "birth_date",
    "gender",
    "ip_address",
    "pii",
];
/// Names and endings of fields that are a time.
const TIMES: [&str; 7] = ["start", "starts", "end", "ends", "expires", "created", "modified"];
const TIME_ENDINGS: [&str; 6] = ["_at", "_time", "_date", "_timestamp", "_start", "_end"];

fn fields<'s, 'a>(spots: &'s [Spot<'a>]) -> impl Iterator<Item = &'s Spot<'a>> {
    spots.iter().filter(|spot| spot.what == What::Field)
}

fn record_name(_: &Event, version: &Version, _: &[Spot<'_>]) -> Vec<Breach> {
    let is_it = version.json["name"] == "CloudEvent" && version.json["type"] == "record";
    (!is_it)
        .then(|| Breach::whole("the outer type is not the record CloudEvent: readers look for that name"))
        .into_iter()
        .collect()
}

fn namespace(event: &Event, version: &Version, spots: &[Spot<'_>]) -> Vec<Breach> {
    let own = version.json["namespace"] == *event.name;
    let own = (!own).then(|| Breach::whole(format!("the namespace is not the event type, {}", event.name)));
    let inner = spots.iter().filter(|spot| {
        let is_other = spot.object.get("namespace").is_some_and(|space| *space != *event.name);
        spot.what != What::Field && !spot.pointer.is_empty() && (is_other || spot.text("name").contains('.'))
    });
    let inner = inner.map(|spot| Breach::at(spot, format!("{} has a namespace of its own", spot.text("name"))));
    own.into_iter().chain(inner).collect()
}

fn naming(event: &Event, _: &Version, spots: &[Spot<'_>]) -> Vec<Breach> {
    let mut breaches: Vec<Breach> = event_name(&event.name).map(Breach::whole).into_iter().collect();
    for spot in spots {
        let name = spot.text("name");
        match spot.what {
            What::Field if !is_snake(name) => breaches.push(Breach::at(spot, "a field is named in snake_case")),
            What::Record | What::Enum | What::Fixed if !is_pascal(name.rsplit('.').next().unwrap_or(name)) => {
                breaches.push(Breach::at(spot, format!("{name}: a type is named in PascalCase")));
            }
            _ => {}
        }
        let symbols: Vec<&str> = symbols(spot).collect();
        let upper = |s: &&str| s.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        if !symbols.iter().all(|s| is_snake(s)) && !symbols.iter().all(upper) {
            breaches.push(Breach::at(spot, "an enum's symbols are all in snake_case or all in UPPER_CASE"));
        }
    }
    breaches
}

fn symbols<'a>(spot: &Spot<'a>) -> impl Iterator<Item = &'a str> + use<'a> {
    spot.object.get("symbols").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// What is wrong with an event type's name.
fn event_name(name: &str) -> Option<String> {
    let parts: Vec<&str> = name.split('.').collect();
    let [first, middle @ .., action, version] = parts.as_slice() else {
        return Some("a type is named coursebus.<domain>.<subject>.<action>.v<major>".to_owned());
    };
    let has_version = version.strip_prefix('v').is_some_and(|major| major.parse::<u32>().is_ok_and(|major| major > 0));
    let all_snake = middle.iter().chain([action]).all(|part| is_snake(part));
    if *first != "coursebus" || middle.len() < 2 || !has_version || !all_snake {
        return Some("a type is named coursebus.<domain>.<subject>.<action>.v<major>".to_owned());
    }
    let verb = action.rsplit('_').next().unwrap_or(action);
    let is_past = verb.ends_with("ed") || IRREGULAR.contains(&verb);
    (!is_past).then(|| format!("{action} is not in the past tense: an event tells what has happened"))
}

fn doc(_: &Event, _: &Version, spots: &[Spot<'_>]) -> Vec<Breach> {
    let lacking = spots.iter().filter(|spot| spot.what != What::Fixed && spot.text("doc").trim().is_empty());
    let message = |spot: &Spot<'_>| match spot.what {
        What::Field => "no doc: say what the field is, and its unit".to_owned(),
        _ => format!("{} has no doc", spot.text("name")),
    };
    lacking.map(|spot| Breach::at(spot, message(spot))).collect()
}

fn optional_default(_: &Event, _: &Version, spots: &[Spot<'_>]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for spot in fields(spots) {
        let branches = spot.object.get("type").and_then(Value::as_array);
        let Some(branches) = branches.filter(|branches| branches.iter().any(|b| b == "null")) else { continue };
        if branches.first() != Some(&Value::from("null")) {
            breaches
                .push(Breach::at(spot, "null is the first branch of an optional field, so that it can be the default"));
        } else if spot.object.get("default") != Some(&Value::Null) {
            breaches
                .push(Breach::at(spot, "an optional field has \"default\": null, so that readers need no value of it"));
        }
    }
    breaches
}

fn enum_default(_: &Event, _: &Version, spots: &[Spot<'_>]) -> Vec<Breach> {
    let lacking = spots.iter().filter(|spot| spot.what == What::Enum && !spot.object.contains_key("default"));
    let message = "an enum has a default, so that readers survive symbols to come";
    lacking.map(|spot| Breach::at(spot, format!("{}: {message}", spot.text("name")))).collect()
}

fn shadowed_name(_: &Event, _: &Version, spots: &[Spot<'_>]) -> Vec<Breach> {
    let mut seen: HashMap<&str, &str> = HashMap::new();
    let mut breaches = Vec::new();
    for spot in spots.iter().filter(|spot| spot.what != What::Field) {
        let simple = spot.text("name").rsplit('.').next().unwrap_or_default();
        if let Some(first) = seen.insert(simple, &spot.pointer) {
            breaches.push(Breach::at(
                spot,
                format!("{simple} is the name of another type too, at {first}: readers match names alone"),
            ));
        }
        let names: Vec<&str> = members(spot).map(|field| field["name"].as_str().unwrap_or_default()).collect();
        let aliases =
            members(spot).flat_map(|field| field["aliases"].as_array().into_iter().flatten()).filter_map(Value::as_str);
        for alias in aliases.filter(|alias| names.contains(alias)) {
            breaches.push(Breach::at(
                spot,
                format!("the alias {alias} is another field's name: readers could mean either"),
            ));
        }
    }
    breaches
}

fn members<'a>(spot: &Spot<'a>) -> impl Iterator<Item = &'a Value> + use<'a> {
    spot.object.get("fields").and_then(Value::as_array).into_iter().flatten()
}

fn personal_data(event: &Event, version: &Version, spots: &[Spot<'_>]) -> Vec<Breach> {
    let declared = |path: &str| {
        event
            .personal_data
            .iter()
            .any(|known| path == known || path.strip_prefix(known.as_str()).is_some_and(|rest| rest.starts_with('.')))
    };
    let says = |name: &str| PERSONAL.iter().any(|word| name == *word || name.ends_with(&format!("_{word}")));
    let open = fields(spots).filter(|spot| says(spot.text("name")) && !declared(&spot.path));
    let open =
        open.map(|spot| Breach::at(spot, "personal data by its name: list it under personal_data in catalog.toml"));
    let is_newest = event.versions.last().is_some_and(|newest| newest.minor == version.minor);
    let gone = event.personal_data.iter().filter(|path| is_newest && !fields(spots).any(|spot| spot.path == **path));
    let gone = gone.map(|path| Breach::whole(format!("personal_data in catalog.toml names {path}, which no field is")));
    open.chain(gone).collect()
}

fn timestamp(_: &Event, _: &Version, spots: &[Spot<'_>]) -> Vec<Breach> {
    let is_time = |spot: &&Spot<'_>| {
        let name = spot.text("name");
        TIMES.contains(&name)
            || TIME_ENDINGS.iter().any(|ending| name.ends_with(ending))
            || spot.text("doc").starts_with("When ")
    };
    let untyped = fields(spots).filter(is_time).filter(|spot| !is_typed(spot));
    let message =
        "a time is a string whose doc says \"RFC 3339\", or a long with logicalType timestamp-millis or -micros";
    untyped.map(|spot| Breach::at(spot, message)).collect()
}

fn is_typed(field: &Spot<'_>) -> bool {
    let kind = field.object.get("type").unwrap_or(&Value::Null);
    let branches = kind.as_array().map_or(std::slice::from_ref(kind), Vec::as_slice);
    branches.iter().filter(|branch| *branch != "null").all(|branch| match branch {
        Value::String(kind) if kind == "string" => field.text("doc").contains("RFC 3339"),
        Value::Object(kind) => {
            let logical = kind.get("logicalType").and_then(Value::as_str).unwrap_or_default();
            kind.get("type").is_some_and(|kind| kind == "long")
                && ["timestamp-millis", "timestamp-micros"].contains(&logical)
        }
        _ => false,
    })
}

fn is_snake(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn is_pascal(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase()) && name.chars().all(|c| c.is_ascii_alphanumeric())
}
