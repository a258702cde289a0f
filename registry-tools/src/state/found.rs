//! What is told of a version.

use serde_json::{Map, Value};

use super::{State, Version};
use crate::{
    Registered, RegistryError, SchemaId, VersionRef, subject,
    value::{Guid, Metadata, Reference},
};
use std::sync::Arc;

/// A version of a subject with all that a registry tells of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The subject.
    pub subject: String,
    /// From 1.
    pub version: u32,
    /// The schema's id in its context.
    pub id: SchemaId,
    /// The schema's identity in every registry.
    pub guid: Guid,
    /// `AVRO` where it is absent.
    pub schema_type: Option<String>,
    /// The schemas that it refers to.
    pub references: Vec<Reference>,
    /// Tags and properties.
    pub metadata: Option<Metadata>,
    /// Rules that clients follow.
    pub rule_set: Option<Value>,
    /// The schema's text.
    pub schema: Arc<str>,
    /// Whether the version is deleted softly.
    pub deleted: bool,
}

impl From<Found> for Registered {
    fn from(found: Found) -> Self {
        let Found { subject, version, id, schema, .. } = found;
        Self { subject, version, id, schema }
    }
}

impl Found {
    /// The fields that stand beside every schema, as Confluent's API names them: those that are empty are left out.
    pub(crate) fn about(&self) -> Map<String, Value> {
        let mut about = Map::new();
        about.insert("guid".to_owned(), self.guid.to_string().into());
        about.insert("schemaType".to_owned(), self.schema_type.clone().unwrap_or_else(|| "AVRO".to_owned()).into());
        if !self.references.is_empty() {
            about.insert("references".to_owned(), serde_json::json!(self.references));
        }
        about.extend(self.metadata.as_ref().map(|metadata| ("metadata".to_owned(), serde_json::json!(metadata))));
        about.extend(self.rule_set.as_ref().map(|rules| ("ruleSet".to_owned(), rules.clone())));
        about.insert("schema".to_owned(), Value::from(&*self.schema));
        if self.deleted {
            about.insert("deleted".to_owned(), true.into());
        }
        about
    }
}

impl State {
    pub(super) fn found(&self, name: &str, number: u32, version: &Version) -> Found {
        let body = &version.body;
        Found {
            subject: name.to_owned(),
            version: number,
            id: SchemaId(version.id),
            guid: body.guid,
            schema_type: body.schema_type.clone(),
            references: body.references.clone(),
            metadata: body.metadata.clone(),
            rule_set: body.rule_set.clone(),
            schema: body.schema.clone(),
            deleted: version.deleted,
        }
    }

    /// The versions of a subject that are not deleted, rising.
    pub(super) fn live(&self, name: &str) -> impl DoubleEndedIterator<Item = (u32, &Version)> {
        let versions = self.subjects.get(name).into_iter().flatten();
        versions.filter(|(_, v)| !v.deleted).map(|(number, v)| (*number, v))
    }

    /// Whether there is such a subject: with versions, and unless `deleted` with one that is not deleted.
    pub(crate) fn has_subject(&self, name: &str, deleted: bool) -> bool {
        if deleted { self.subjects.contains_key(name) } else { self.live(name).next().is_some() }
    }

    /// A version by its number; the latest is the latest that is not deleted. A name without a context that has no such
    /// version is looked for in the other contexts.
    pub(crate) fn version(&self, name: &str, version: VersionRef, deleted: bool) -> Result<Found, RegistryError> {
        if let Some(found) = self.version_here(name, version, deleted) {
            return Ok(found);
        }
        let elsewhere = self.elsewhere(name).find_map(|name| self.version_here(&name, version, deleted));
        elsewhere.ok_or_else(|| {
            if self.has_subject(name, deleted) {
                RegistryError::UnknownVersion { subject: name.to_owned(), version: version.to_string() }
            } else {
                RegistryError::UnknownSubject { subject: name.to_owned() }
            }
        })
    }

    pub(super) fn version_here(&self, name: &str, version: VersionRef, deleted: bool) -> Option<Found> {
        let (number, found) = match version {
            VersionRef::Latest => self.live(name).next_back()?,
            VersionRef::Number(number) => (number, self.subjects.get(name)?.get(&number)?),
        };
        (deleted || !found.deleted).then(|| self.found(name, number, found))
    }

    /// The same name in each context that has a name, for a name that gives none.
    pub(super) fn elsewhere(&self, name: &str) -> impl Iterator<Item = String> {
        let is_plain = subject::context(name) == subject::DEFAULT_CONTEXT && !name.is_empty();
        let contexts = if is_plain { self.contexts() } else { Vec::new() };
        contexts.into_iter().skip(1).map(move |context| format!(":{context}:{name}"))
    }

    /// The version that stands for an id. `subject` says the context; a plain name that does not use the id there may use it
    /// in another context.
    pub(crate) fn by_id(&self, id: SchemaId, subject: Option<&str>) -> Option<Found> {
        let name = subject.unwrap_or("");
        let used_by = |name: &str| {
            let (name, number) = self.ids(name)?.uses(id.0).find(|(user, _)| user == name)?;
            Some(self.found(name, *number, self.subjects.get(name)?.get(number)?))
        };
        let any = || {
            let (name, number) = self.ids(name)?.uses(id.0).next()?;
            Some(self.found(name, *number, self.subjects.get(name)?.get(number)?))
        };
        if subject::is_context(name) {
            return any();
        }
        if let Some(found) = used_by(name) {
            return Some(found);
        }
        if subject::context(name) != subject::DEFAULT_CONTEXT {
            return None;
        }
        self.elsewhere(name).find_map(|name| used_by(&name)).or_else(any)
    }

    /// The version that stands for a GUID, in the default context where it is there.
    pub(crate) fn by_guid(&self, guid: &Guid) -> Option<Found> {
        let (context, id) = self.ids_of_guid(guid).into_iter().next()?;
        self.by_id(SchemaId(id), Some(&format!(":{context}:")))
    }

    /// The id of a GUID in each context, sorted by context.
    pub(crate) fn ids_of_guid(&self, guid: &Guid) -> Vec<(String, u32)> {
        let mut all: Vec<(String, u32)> =
            self.ids.iter().filter_map(|(context, ids)| Some((context.clone(), ids.of_guid(guid)?))).collect();
        all.sort_unstable();
        all
    }

    /// The highest id that was given in a version's context.
    pub(crate) fn highest_id(&self, name: &str) -> u32 {
        self.ids(name).map_or(0, |ids| ids.highest)
    }
}
