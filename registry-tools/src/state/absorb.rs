//! Taking records in.

use std::{collections::btree_map, sync::Arc};

use super::{Body, State, Version};
use crate::{
    canonical::canonical,
    record::{self, Entry, SchemaValue, Unreadable},
    subject,
    value::Guid,
};

/// How many variants of one key's bytes are remembered. At the bound: writing is unsafe, and says so.
const ODD_KEYS_MAX: usize = 16;

impl State {
    /// Takes a record in. One that cannot be read, or that says what cannot be, is left out and makes writing unsafe: what
    /// it holds is not known, so a decision could contradict it.
    pub(crate) fn absorb(&mut self, offset: i64, key: Option<&[u8]>, value: Option<&[u8]>) {
        self.applied += 1;
        let key = key.unwrap_or_default();
        match record::read(key, value) {
            Ok(entry) => {
                self.remember_key(key, value.is_none_or(|value| value == b"null"), &entry, offset);
                self.apply(entry, offset);
            }
            Err(error) => self.distrust(offset, &detail(&error)),
        }
    }

    fn distrust(&mut self, offset: i64, what: &str) {
        let trouble = format!("record {offset} of {}: {what}", record::TOPIC);
        if self.trouble.is_none() {
            tracing::error!(offset, what, "left out; this registry only reads until the record is gone");
            self.trouble = Some(trouble);
        }
    }

    /// Keeps the bytes of a key that ours would not have.
    fn remember_key(&mut self, key: &[u8], removed: bool, entry: &Entry, offset: i64) {
        let ours = match entry {
            Entry::Schema { subject, version, .. } => record::schema_key(subject, *version),
            Entry::Config { subject, .. } => record::config_key(subject.as_deref()),
            Entry::Mode { subject, .. } => record::mode_key(subject.as_deref()),
            Entry::Context { context, .. } => record::context_key(context),
            _ => return,
        };
        if ours.as_bytes() == key {
            return;
        }
        let keys = self.odd_keys.entry(ours.clone()).or_default();
        keys.retain(|known| known != key);
        if !removed {
            keys.push(key.to_vec());
        }
        let count = keys.len();
        if count == 0 {
            self.odd_keys.remove(&ours);
        } else if count > ODD_KEYS_MAX {
            self.distrust(offset, "its key stands in too many forms on the topic");
        }
    }

    pub(super) fn apply(&mut self, entry: Entry, offset: i64) {
        match entry {
            Entry::Schema { subject, version, value: Some(value) } => self.take_in(&subject, version, *value, offset),
            Entry::Schema { subject, version, value: None } => self.drop_version(&subject, version),
            Entry::Config { subject, config: Some(config) } => drop(self.configs.insert(subject, config)),
            Entry::Config { subject, config: None } => drop(self.configs.remove(&subject)),
            Entry::Mode { subject, mode: Some(mode) } => drop(self.modes.insert(subject, mode)),
            Entry::Mode { subject, mode: None } => drop(self.modes.remove(&subject)),
            Entry::DeleteSubject { subject, version } => {
                let versions = self.subjects.get_mut(&subject).into_iter().flatten();
                versions.filter(|(number, _)| **number <= version).for_each(|(_, v)| v.deleted = true);
            }
            Entry::ClearSubject { subject } => self.clear(subject.as_deref()),
            Entry::Context { context, deleted: false } => drop(self.contexts.insert(context)),
            Entry::Context { context, deleted: true } => drop(self.contexts.remove(&context)),
            Entry::IdsGiven(given) => {
                for (context, highest) in given {
                    let ids = self.ids.entry(context).or_default();
                    ids.highest = ids.highest.max(highest);
                }
            }
            Entry::Other => {}
        }
    }

    fn take_in(&mut self, name: &str, number: u32, value: SchemaValue, offset: i64) {
        self.drop_version(name, number);
        let SchemaValue { id, deleted, .. } = value;
        let (body, other) = body(value);
        let ids = self.ids.entry(subject::context(name).to_owned()).or_default();
        let identity = body.identity;
        let known = ids.add(id, Arc::new(body), name, number);
        if known.identity != identity {
            self.distrust(offset, &format!("id {id} stands for another schema already"));
        }
        let version = Version { id, body: known, deleted, other };
        for reference in &version.body.references {
            if let Ok(to) = u32::try_from(reference.version) {
                let to = (subject::qualify(name, &reference.subject), to);
                self.referrers.entry(to).or_default().insert((name.to_owned(), number));
            }
        }
        self.subjects.entry(name.to_owned()).or_default().insert(number, version);
    }

    fn drop_version(&mut self, name: &str, number: u32) {
        let btree_map::Entry::Occupied(mut versions) = self.subjects.entry(name.to_owned()) else { return };
        let Some(version) = versions.get_mut().remove(&number) else { return };
        if versions.get().is_empty() {
            versions.remove();
        }
        if let Some(ids) = self.ids.get_mut(subject::context(name)) {
            ids.take(version.id, name, number);
        }
        for reference in &version.body.references {
            let Ok(to) = u32::try_from(reference.version) else { continue };
            let to = (subject::qualify(name, &reference.subject), to);
            if let Some(referrers) = self.referrers.get_mut(&to) {
                referrers.remove(&(name.to_owned(), number));
                if referrers.is_empty() {
                    self.referrers.remove(&to);
                }
            }
        }
    }

    /// Drops what is deleted softly in a subject, in a context, or in the default context.
    fn clear(&mut self, of: Option<&str>) {
        let gone: Vec<(String, u32)> = self
            .subjects
            .iter()
            .filter(|(name, _)| covers(of, name))
            .flat_map(|(name, versions)| versions.iter().map(move |(number, v)| (name, number, v)))
            .filter(|(.., version)| version.deleted)
            .map(|(name, number, _)| (name.clone(), *number))
            .collect();
        gone.iter().for_each(|(name, number)| self.drop_version(name, *number));
    }
}

/// Whether a setting's subject is this one, or the context that it is in.
pub(super) fn covers(of: Option<&str>, name: &str) -> bool {
    match of {
        Some(of) if !subject::is_context(of) => of == name,
        Some(subject::GLOBAL) => true,
        of => subject::context(of.unwrap_or("")) == subject::context(name),
    }
}

fn body(value: SchemaValue) -> (Body, serde_json::Map<String, serde_json::Value>) {
    let SchemaValue { schema, schema_type, references, metadata, rule_set, other, .. } = value;
    let is_avro = schema_type.as_deref().is_none_or(|kind| kind == "AVRO");
    // What refers to others was printed when it was registered; what cannot be parsed keeps its text as its identity.
    let canonical = if is_avro && references.is_empty() { canonical(&schema).ok() } else { None };
    let over = |text: &str| Guid::of(text, &references, metadata.as_ref(), rule_set.as_ref());
    let guid = over(&schema);
    let identity = canonical.filter(|text| *text != schema).map_or(guid, |text| over(&text));
    (Body { schema: schema.into(), schema_type, references, metadata, rule_set, guid, identity }, other)
}

/// An error with its cause, without what the record holds.
fn detail(error: &Unreadable) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error} ({source})"),
        None => error.to_string(),
    }
}
