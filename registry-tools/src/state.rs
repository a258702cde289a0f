//! What the records of `_schemas` add up to. Pure: records in, answers out, and for what is asked to change the records that
//! change it.

mod absorb;
mod compare;
mod found;
mod ids;
mod lifecycle;
mod lists;
mod references;
mod register;
mod scope;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use serde_json::{Map, Value};

use self::ids::Ids;
pub use self::{found::Found, lists::Filter, register::Draft};
use crate::{
    Mode, RegistryError,
    record::SchemaValue,
    settings::Config,
    value::{Guid, Metadata, Reference},
};

/// A registry's whole contents.
#[derive(Default, Clone)]
pub(crate) struct State {
    /// Ids by context; the default one is `.`.
    ids: HashMap<String, Ids>,
    /// Contexts that have a record of their own.
    contexts: BTreeSet<String>,
    subjects: BTreeMap<String, BTreeMap<u32, Version>>,
    configs: BTreeMap<Option<String>, Config>,
    modes: BTreeMap<Option<String>, Mode>,
    /// Who refers to a version, as subject and version.
    referrers: HashMap<(String, u32), BTreeSet<(String, u32)>>,
    /// Keys that other registries wrote in other bytes than ours would be, by ours. A tombstone goes to each of them.
    odd_keys: HashMap<String, Vec<Vec<u8>>>,
    /// The first record that makes writing unsafe.
    trouble: Option<String>,
    /// How many records were taken in.
    pub(crate) applied: u64,
}

/// A version of a subject.
#[derive(Clone)]
struct Version {
    id: u32,
    body: Arc<Body>,
    deleted: bool,
    /// Fields of its record that are not known here.
    other: Map<String, Value>,
}

/// A schema with what belongs to it.
struct Body {
    schema: Arc<str>,
    schema_type: Option<String>,
    references: Vec<Reference>,
    metadata: Option<Metadata>,
    rule_set: Option<Value>,
    /// What the registry tells of it.
    guid: Guid,
    /// Over the canonical text: what makes two schemas one.
    identity: Guid,
}

/// One record to write: key, and value or tombstone.
pub(crate) type Write = (Vec<u8>, Option<String>);

/// What a change comes to.
pub(crate) struct Decision<T> {
    /// What is to be written, all of it or nothing; nothing where it is so already.
    pub(crate) records: Vec<Write>,
    /// What is answered once it is written.
    pub(crate) answer: T,
}

impl<T> Decision<T> {
    fn done(answer: T) -> Self {
        Self { records: Vec::new(), answer }
    }
}

type Decided<T> = Result<Decision<T>, RegistryError>;

impl State {
    /// What makes writing unsafe, if anything does.
    pub(crate) fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// The record that puts something, under the key bytes that it was last read with.
    fn put(&self, (key, value): crate::record::Bytes) -> Write {
        let key = self.odd_keys.get(&key).and_then(|keys| keys.last().cloned()).unwrap_or_else(|| key.into_bytes());
        (key, value)
    }

    /// The tombstones of a key: for each of the bytes that it was read with, and for ours.
    fn remove(&self, key: String) -> Vec<Write> {
        let odd = self.odd_keys.get(&key).cloned().unwrap_or_default();
        std::iter::once(key.into_bytes()).chain(odd).map(|key| (key, None)).collect()
    }

    fn ids(&self, subject: &str) -> Option<&Ids> {
        self.ids.get(crate::subject::context(subject))
    }

    /// A version's record as it stands.
    fn value(&self, subject: &str, number: u32, version: &Version) -> SchemaValue {
        SchemaValue {
            subject: subject.to_owned(),
            version: number,
            id: version.id,
            schema_type: version.body.schema_type.clone(),
            references: version.body.references.clone(),
            metadata: version.body.metadata.clone(),
            rule_set: version.body.rule_set.clone(),
            schema: version.body.schema.to_string(),
            deleted: version.deleted,
            other: version.other.clone(),
        }
    }
}
