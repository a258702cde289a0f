//! Looking schemas up, registering them, and asking whether they could be.

use serde_json::Value;

use super::{Decided, Decision, Found, State, Version, Write};
use crate::{
    Level, Mode, RegistryError, SchemaId, VersionRef,
    canonical::{Form, print},
    compatibility,
    record::{self, SchemaValue},
    subject,
    value::{Guid, Metadata, Reference, check_rules},
};

/// The longest text of a schema, in bytes: with its record's other fields it has to fit into 1 MiB, escaped.
const SCHEMA_BYTES_MAX: usize = 900_000;
/// A record's value may have so many bytes: what a topic takes unless it is told otherwise, less room for the key.
const RECORD_BYTES_MAX: usize = 1_000_000;

/// A schema as a caller gives it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Draft {
    /// The text; may be empty where metadata or rules are given: then it is the latest version's.
    pub schema: String,
    /// The schemas that it refers to.
    pub references: Vec<Reference>,
    /// Tags and properties.
    pub metadata: Option<Metadata>,
    /// Rules that clients follow.
    pub rule_set: Option<Value>,
    /// The id to give it; only in [`Mode::Import`].
    pub id: Option<SchemaId>,
    /// The version to give it; other than the next one only in [`Mode::Import`].
    pub version: Option<u32>,
    /// Whether it is brought into its normal form.
    pub normalize: bool,
    /// Whether it is registered though the level forbids it.
    pub force: bool,
}

/// A draft in the form that is stored.
struct Printed {
    text: String,
    references: Vec<Reference>,
    metadata: Option<Metadata>,
    rule_set: Option<Value>,
    identity: Guid,
}

impl State {
    /// What is to be written to register a schema; nothing where the subject has it.
    pub(crate) fn register(&self, name: &str, draft: &Draft) -> Decided<Found> {
        if !subject::is_valid(name, false) {
            return Err(RegistryError::InvalidSubject { subject: name.chars().take(80).collect() });
        }
        let mode = self.mode_in_scope(Some(name));
        let printed = self.printed(name, draft, mode != Mode::Import)?;
        // What is there already changes nothing, whatever the mode: clients register what they send at each start.
        if draft.version.is_none()
            && let Some((number, version)) = self.same(name, &printed, draft.id, false)
        {
            return Ok(Decision::done(self.found(name, number, version)));
        }
        permit(name, mode, draft)?;
        if mode != Mode::Import && !draft.force {
            self.permit_by_level(name, &printed)?;
        }
        let next = self.subjects.get(name).and_then(|v| v.keys().next_back()).map_or(1, |last| last + 1);
        let version = draft.version.unwrap_or(next);
        if version != next && mode != Mode::Import {
            let reason = format!("version {version} is not the next one of subject '{name}', which is {next}");
            return Err(RegistryError::InvalidSchema { reason });
        }
        let known = self.ids(name).and_then(|ids| ids.of_identity(&printed.identity));
        let id = draft.id.map(|id| id.0).or(known).unwrap_or_else(|| self.highest_id(name) + 1);
        self.permit_id(name, id, &printed)?;
        self.written(name, version, id, printed)
    }

    fn written(&self, name: &str, version: u32, id: u32, printed: Printed) -> Decided<Found> {
        let Printed { text, references, metadata, rule_set, .. } = printed;
        let guid = Guid::of(&text, &references, metadata.as_ref(), rule_set.as_ref());
        let value = SchemaValue {
            subject: name.to_owned(),
            version,
            id,
            schema_type: None,
            references,
            metadata,
            rule_set,
            schema: text,
            deleted: false,
            other: serde_json::Map::new(),
        };
        let (key, bytes) = record::schema(&value);
        let size = bytes.as_ref().map_or(0, String::len);
        if size > RECORD_BYTES_MAX {
            return Err(RegistryError::TooLarge { bytes: size, bytes_max: RECORD_BYTES_MAX });
        }
        let mut records = self.new_context(name);
        records.extend(self.superseded(name, id, version));
        records.push(self.put((key, bytes)));
        let SchemaValue { references, metadata, rule_set, schema, .. } = value;
        let (subject, id) = (name.to_owned(), SchemaId(id));
        let schema = schema.into();
        let answer = Found {
            subject,
            version,
            id,
            guid,
            schema_type: None,
            references,
            metadata,
            rule_set,
            schema,
            deleted: false,
        };
        Ok(Decision { records, answer })
    }

    /// The record of the context where this is its first subject.
    fn new_context(&self, name: &str) -> Vec<Write> {
        let context = subject::context(name);
        if context == subject::DEFAULT_CONTEXT || self.contexts.contains(context) {
            return Vec::new();
        }
        vec![self.put(record::context(context))]
    }

    /// Earlier versions with the same id that were deleted softly: they go, unless something refers to them.
    fn superseded(&self, name: &str, id: u32, version: u32) -> Vec<Write> {
        let earlier = self.subjects.get(name).into_iter().flat_map(|versions| versions.range(..version));
        let gone = earlier.filter(|(number, old)| {
            old.deleted && old.id == id && self.referring(name, **number, true).next().is_none()
        });
        gone.flat_map(|(number, _)| self.remove(record::schema_key(name, *number))).collect()
    }

    /// The version of a subject that has this schema, the newest first.
    pub(crate) fn lookup(&self, name: &str, draft: &Draft, deleted: bool) -> Result<Found, RegistryError> {
        if let Some(found) = self.lookup_here(name, draft, deleted)? {
            return Ok(found);
        }
        for name in self.elsewhere(name) {
            // What cannot be read in another context is not there.
            if let Ok(Some(found)) = self.lookup_here(&name, draft, deleted) {
                return Ok(found);
            }
        }
        let subject = name.to_owned();
        let known = self.has_subject(name, deleted);
        Err(if known { RegistryError::UnknownSchema { subject } } else { RegistryError::UnknownSubject { subject } })
    }

    fn lookup_here(&self, name: &str, draft: &Draft, deleted: bool) -> Result<Option<Found>, RegistryError> {
        // Without the metadata that a latest version would give it, and with it: callers mean either.
        let plain = self.printed(name, draft, false)?;
        let found = |printed: &Printed| self.same(name, printed, None, deleted);
        let found = match found(&plain) {
            Some(found) => Some(found),
            None if self.has_subject(name, false) => found(&self.printed(name, draft, true)?),
            None => None,
        };
        Ok(found.map(|(number, version)| self.found(name, number, version)))
    }

    /// What a schema differs in from a version, or from all that the subject's level compares it with; with the level.
    pub(crate) fn compare(
        &self,
        name: &str,
        draft: &Draft,
        version: Option<VersionRef>,
    ) -> Result<(Level, Vec<compatibility::Difference>), RegistryError> {
        let config = self.config_in_scope(Some(name));
        let printed = self.printed(name, draft, false)?;
        let previous: Vec<(u32, &Version)> = match version {
            None => self.live(name).collect(),
            Some(VersionRef::Latest) => self.live(name).next_back().into_iter().collect(),
            Some(VersionRef::Number(number)) => self.live(name).filter(|(n, _)| *n == number).collect(),
        };
        if let (Some(VersionRef::Number(number)), true) = (version, previous.is_empty()) {
            let version = number.to_string();
            return Err(RegistryError::UnknownVersion { subject: name.to_owned(), version });
        }
        let text = self.alone(name, &printed)?;
        let level = config.level().unwrap_or(Level::Backward);
        Ok((level, self.differences(name, &text, printed.metadata.as_ref(), &previous, &config)?))
    }

    fn permit_by_level(&self, name: &str, printed: &Printed) -> Result<(), RegistryError> {
        let config = self.config_in_scope(Some(name));
        let previous: Vec<(u32, &Version)> = self.live(name).collect();
        if previous.is_empty() {
            return Ok(());
        }
        let text = self.alone(name, printed)?;
        let differences = self.differences(name, &text, printed.metadata.as_ref(), &previous, &config)?;
        if differences.is_empty() {
            return Ok(());
        }
        let message = compatibility::refusal(name, config.level().unwrap_or(Level::Backward), &differences);
        Err(RegistryError::Incompatible { subject: name.to_owned(), message })
    }

    /// An id that is brought along must not stand for another schema.
    fn permit_id(&self, name: &str, id: u32, printed: &Printed) -> Result<(), RegistryError> {
        let taken = self.ids(name).and_then(|ids| ids.body(id)).is_some_and(|body| body.identity != printed.identity);
        if taken { Err(RegistryError::IdTaken { id: SchemaId(id) }) } else { Ok(()) }
    }

    /// The draft as it is stored. `inherit`: with what the latest version and the settings give it.
    fn printed(&self, name: &str, draft: &Draft, inherit: bool) -> Result<Printed, RegistryError> {
        let latest = self.live(name).next_back().map(|(_, version)| &version.body);
        let mut draft = draft.clone();
        if draft.schema.trim().is_empty() {
            let latest = latest.filter(|_| draft.metadata.is_some() || draft.rule_set.is_some());
            let latest = latest.ok_or_else(|| RegistryError::InvalidSchema { reason: "Empty schema".to_owned() })?;
            draft.schema = latest.schema.to_string();
            draft.references.clone_from(&latest.references);
        }
        if draft.schema.len() > SCHEMA_BYTES_MAX {
            return Err(RegistryError::TooLarge { bytes: draft.schema.len(), bytes_max: SCHEMA_BYTES_MAX });
        }
        if let Some(rules) = &draft.rule_set {
            check_rules(rules).map_err(|reason| RegistryError::InvalidRules { reason })?;
        }
        let config = self.config_in_scope(Some(name));
        if inherit {
            draft.metadata = draft.metadata.or_else(|| latest?.metadata.clone());
            draft.rule_set = draft.rule_set.or_else(|| latest?.rule_set.clone());
            draft.metadata = config.metadata(draft.metadata);
        }
        let mut references = self.pinned(name, &draft.references)?;
        let form = if draft.normalize || config.normalize() { Form::Normal } else { Form::Parsed };
        if form == Form::Normal {
            references.sort();
            references.dedup();
        }
        let elsewhere = self.definitions(name, &references)?;
        let text = print(&draft.schema, &elsewhere, form)
            .map_err(|error| RegistryError::InvalidSchema { reason: error.to_string() })?;
        let identity = Guid::of(&text, &references, draft.metadata.as_ref(), draft.rule_set.as_ref());
        let Draft { metadata, rule_set, .. } = draft;
        Ok(Printed { text, references, metadata, rule_set, identity })
    }

    /// The text with what it refers to in place.
    fn alone(&self, name: &str, printed: &Printed) -> Result<String, RegistryError> {
        if printed.references.is_empty() {
            return Ok(printed.text.clone());
        }
        let elsewhere = self.definitions(name, &printed.references)?;
        print(&printed.text, &elsewhere, Form::Resolved)
            .map_err(|error| RegistryError::InvalidSchema { reason: error.to_string() })
    }

    /// The version of a subject that is this schema: by identity, or, for one that is sent without references, by the text
    /// with all that it refers to in place.
    fn same(&self, name: &str, printed: &Printed, id: Option<SchemaId>, deleted: bool) -> Option<(u32, &Version)> {
        let versions = self.subjects.get(name).into_iter().flatten().rev();
        let mut usable = versions
            .filter(|(_, version)| deleted || !version.deleted)
            .filter(|(_, version)| id.is_none_or(|id| id.0 == version.id))
            .map(|(number, version)| (*number, version));
        if let Some(found) = usable.clone().find(|(_, version)| version.body.identity == printed.identity) {
            return Some(found);
        }
        let same_text = |version: &Version| {
            let body = &version.body;
            let beside = body.metadata == printed.metadata && body.rule_set == printed.rule_set;
            beside && self.resolved(name, body).is_ok_and(|text| *text == *printed.text)
        };
        let unresolved = printed.references.is_empty();
        usable.find(|(_, version)| unresolved && !version.body.references.is_empty() && same_text(version))
    }
}

fn permit(name: &str, mode: Mode, draft: &Draft) -> Result<(), RegistryError> {
    let context = subject::context_key(name).unwrap_or_default();
    let refused = |what: &str| {
        let reason = format!("Subject {name} in context {context} is {what}");
        Err(RegistryError::NotPermitted { subject: name.to_owned(), reason })
    };
    match (mode, draft.id) {
        (Mode::ReadOnly, _) => refused("in read-only mode"),
        (Mode::ReadWrite, Some(_)) => refused("not in import mode"),
        (Mode::Import, None) => refused("not in read-write mode"),
        (Mode::ReadWrite, None) | (Mode::Import, Some(_)) => Ok(()),
    }
}
