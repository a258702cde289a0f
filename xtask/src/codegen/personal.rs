//! Which fields hold personal data.

use std::collections::BTreeSet;

use anyhow::{Result, bail, ensure};

use super::avro::Record;
use super::load::{EventType, Loaded};

/// The fields of a domain's records that hold personal data, as record and field. The record of an event is
/// under the event's own name.
pub type Marks = BTreeSet<(String, String)>;

/// A field that is not a record.
struct Leaf {
    path: String,
    record: String,
    field: String,
}

/// Gathers the marks of a domain. A shared record is one Rust type, so what is personal in one event must be
/// so in all of them.
pub fn marks(loaded: &Loaded, events: &[&EventType]) -> Result<Marks> {
    let mut marks = Marks::new();
    for event in events {
        for path in &loaded.entry(event).personal_data {
            ensure!(
                leaves_of(event).iter().any(|leaf| covers(path, &leaf.path)),
                "{}: personal_data names {path}, which is not there",
                loaded.entry(event).name
            );
        }
        let personal = leaves_of(event).into_iter().filter(|leaf| is_personal(loaded, event, leaf));
        marks.extend(personal.map(|leaf| (leaf.record, leaf.field)));
    }
    for event in events {
        for leaf in leaves_of(event) {
            let path = leaf.path.clone();
            if !is_personal(loaded, event, &leaf) && marks.contains(&(leaf.record, leaf.field)) {
                bail!("{}: {path} is personal data in another event, list it here too", loaded.entry(event).name);
            }
        }
    }
    Ok(marks)
}

/// The paths of an event's fields that hold personal data, down to those that are not records.
pub fn paths(loaded: &Loaded, event: &EventType) -> Vec<String> {
    let leaves = leaves_of(event).into_iter().filter(|leaf| is_personal(loaded, event, leaf));
    leaves.map(|leaf| leaf.path).collect()
}

fn is_personal(loaded: &Loaded, event: &EventType, leaf: &Leaf) -> bool {
    loaded.entry(event).personal_data.iter().any(|path| covers(path, &leaf.path))
}

fn covers(path: &str, leaf: &str) -> bool {
    leaf.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn leaves_of(event: &EventType) -> Vec<Leaf> {
    let mut found = Vec::new();
    leaves(&event.newest().record, &event.name.type_name(), "", &mut found);
    found
}

fn leaves(record: &Record, name: &str, prefix: &str, found: &mut Vec<Leaf>) {
    for field in &record.fields {
        let path = format!("{prefix}{}", field.name);
        match field.ty.record() {
            Some(inner) => leaves(inner, &inner.name, &format!("{path}."), found),
            None => found.push(Leaf { path, record: name.to_owned(), field: field.name.clone() }),
        }
    }
}
