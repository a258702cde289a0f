//! Deleting, and changing levels and modes.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Decided, Decision, Filter, State, Version, Write, absorb::covers};
use crate::{Mode, RegistryError, VersionRef, record, settings::Config, subject};

impl State {
    /// Deletes a version, softly or for good; answers with its number.
    pub(crate) fn delete_version(&self, name: &str, version: VersionRef, permanent: bool) -> Decided<u32> {
        let found = match version {
            VersionRef::Latest => self.version_here(name, version, permanent),
            VersionRef::Number(_) => self.version_here(name, version, true),
        };
        let found = found.ok_or_else(|| self.no_version(name, version))?;
        let (name, number) = (found.subject.as_str(), found.version);
        if found.deleted && !permanent {
            return Err(RegistryError::VersionSoftDeleted { subject: name.to_owned(), version: number });
        }
        self.permit_change(name)?;
        if self.referring(name, number, permanent).next().is_some() {
            return Err(RegistryError::ReferenceExists { subject: name.to_owned(), version: number });
        }
        if !permanent {
            return Ok(Decision { records: self.softly(name, number), answer: number });
        }
        if !found.deleted {
            return Err(RegistryError::VersionNotSoftDeleted { subject: name.to_owned(), version: number });
        }
        let mut records = self.remove(record::schema_key(name, number));
        if self.subjects.get(name).is_some_and(|versions| versions.len() == 1) {
            records.extend(self.settings_of(name));
        }
        records.extend(self.ids_remembered(name, &[number]));
        Ok(Decision { records, answer: number })
    }

    fn no_version(&self, name: &str, version: VersionRef) -> RegistryError {
        if self.has_subject(name, true) {
            RegistryError::UnknownVersion { subject: name.to_owned(), version: version.to_string() }
        } else {
            RegistryError::UnknownSubject { subject: name.to_owned() }
        }
    }

    /// The record of a version, deleted.
    fn softly(&self, name: &str, number: u32) -> Vec<Write> {
        let version = self.subjects.get(name).and_then(|versions| versions.get(&number));
        let deleted = |version: &Version| {
            let value = record::SchemaValue { deleted: true, ..self.value(name, number, version) };
            self.put(record::schema(&value))
        };
        version.map(deleted).into_iter().collect()
    }

    /// Deletes a subject, softly or for good; answers with the versions that went.
    pub(crate) fn delete_subject(&self, name: &str, permanent: bool) -> Decided<Vec<u32>> {
        self.permit_change(name)?;
        let subject = || name.to_owned();
        let Some(versions) = self.subjects.get(name) else {
            return Err(RegistryError::UnknownSubject { subject: subject() });
        };
        let is_live = versions.values().any(|version| !version.deleted);
        if !permanent && !is_live {
            return Err(RegistryError::SubjectSoftDeleted { subject: subject() });
        }
        let numbers = self.versions(name, if permanent { Filter::All } else { Filter::Live })?;
        let by_others = |number: &u32| self.referring(name, *number, permanent).any(|(referrer, _)| referrer != name);
        if let Some(version) = numbers.iter().copied().find(by_others) {
            return Err(RegistryError::ReferenceExists { subject: subject(), version });
        }
        if permanent && is_live {
            return Err(RegistryError::SubjectNotSoftDeleted { subject: subject() });
        }
        let mut records = Vec::new();
        if permanent {
            // The newest first: versions may refer to earlier ones.
            records.extend(numbers.iter().rev().flat_map(|number| self.remove(record::schema_key(name, *number))));
            records.extend(self.settings_of(name));
            records.extend(self.ids_remembered(name, &numbers));
        } else {
            let last = numbers.last().copied().unwrap_or(0);
            records.push(self.put(record::delete_subject(name, last)));
        }
        Ok(Decision { records, answer: numbers })
    }

    /// Level and mode of a subject go with it.
    fn settings_of(&self, name: &str) -> Vec<Write> {
        let key = Some(name.to_owned());
        let mut gone = Vec::new();
        if self.modes.contains_key(&key) {
            gone.extend(self.remove(record::mode_key(Some(name))));
        }
        if self.configs.contains_key(&key) {
            gone.extend(self.remove(record::config_key(Some(name))));
        }
        gone
    }

    /// Where the highest id goes with these versions, the record that remembers that it was given.
    fn ids_remembered(&self, name: &str, gone: &[u32]) -> Option<Write> {
        let ids = self.ids(name)?;
        let mut users = ids.uses(ids.highest).peekable();
        let known = users.peek().is_some();
        let stays = users.any(|(user, number)| user != name || !gone.contains(number));
        if known && stays {
            return None;
        }
        let given: BTreeMap<String, u32> =
            self.ids.iter().map(|(context, ids)| (context.clone(), ids.highest)).collect();
        Some(self.put(record::ids_given(given)))
    }

    /// Changes settings; answers with what is set then.
    pub(crate) fn set_config(&self, of: Option<&str>, change: &Map<String, Value>) -> Decided<Config> {
        permit_name(of)?;
        self.permit_change(of.unwrap_or(""))?;
        let old = self.configs.get(&of.map(str::to_owned)).cloned().unwrap_or_default();
        let new = old.updated(change, of.unwrap_or(""))?;
        Ok(Decision { records: vec![self.put(record::config(of, &new))], answer: new })
    }

    /// Takes settings back; answers with what was set.
    pub(crate) fn delete_config(&self, of: Option<&str>) -> Decided<Config> {
        let old =
            self.config(of).ok_or_else(|| RegistryError::UnknownSubject { subject: of.unwrap_or("").to_owned() })?;
        self.permit_change(of.unwrap_or(""))?;
        Ok(Decision { records: self.remove(record::config_key(of)), answer: old })
    }

    /// Changes a mode. `IMPORT` needs a place without schemas, unless it is forced.
    pub(crate) fn set_mode(&self, of: Option<&str>, mode: Mode, force: bool) -> Decided<()> {
        permit_name(of)?;
        let mut records = Vec::new();
        if mode == Mode::Import && self.mode_in_scope(of) != Mode::Import && !force {
            records = self.emptied(of)?;
        }
        records.push(self.put(record::mode(of, mode)));
        Ok(Decision { records, answer: () })
    }

    /// What removes the softly deleted versions of a place that has no others.
    fn emptied(&self, of: Option<&str>) -> Result<Vec<Write>, RegistryError> {
        let mut gone = Vec::new();
        for (name, versions) in self.subjects.iter().filter(|(name, _)| covers(of, name)) {
            if versions.values().any(|version| !version.deleted) {
                let reason = "Cannot import since found existing subjects".to_owned();
                return Err(RegistryError::NotPermitted { subject: of.unwrap_or("").to_owned(), reason });
            }
            if let Some(version) = versions.keys().copied().find(|n| self.referring(name, *n, true).next().is_some()) {
                return Err(RegistryError::ReferenceExists { subject: name.clone(), version });
            }
            gone.extend(versions.keys().rev().flat_map(|number| self.remove(record::schema_key(name, *number))));
        }
        if !gone.is_empty() {
            gone.push(self.put(record::clear_subject(of)));
            let given = self.ids.iter().map(|(context, ids)| (context.clone(), ids.highest)).collect();
            gone.push(self.put(record::ids_given(given)));
        }
        Ok(gone)
    }

    /// Takes a mode back; answers with what was set. `recursive`: those of the context's subjects, too.
    pub(crate) fn delete_mode(&self, of: Option<&str>, recursive: bool) -> Decided<Option<Mode>> {
        let old = self.mode(of);
        if old.is_none() && !recursive {
            return Err(RegistryError::UnknownSubject { subject: of.unwrap_or("").to_owned() });
        }
        let mut records = self.remove(record::mode_key(of));
        if recursive && subject::is_context(of.unwrap_or("")) {
            records.extend(self.modes_below(of).iter().flat_map(|name| self.remove(record::mode_key(Some(name)))));
        }
        Ok(Decision { records, answer: old })
    }

    /// Deletes a context that has no subjects.
    pub(crate) fn delete_context(&self, name: &str) -> Decided<()> {
        let context = subject::context(name);
        if context == subject::DEFAULT_CONTEXT || self.context_has_subjects(context, true) {
            let reason = format!("context '{context}' has subjects; delete them first");
            return Err(RegistryError::ContextNotEmpty { reason });
        }
        if !self.contexts.contains(context) {
            return Err(RegistryError::UnknownSubject { subject: name.to_owned() });
        }
        Ok(Decision { records: self.remove(record::context_key(context)), answer: () })
    }

    fn permit_change(&self, name: &str) -> Result<(), RegistryError> {
        if self.mode_in_scope(Some(name).filter(|name| !name.is_empty())) != Mode::ReadOnly {
            return Ok(());
        }
        let context = subject::context_key(name).unwrap_or_default();
        let reason = format!("Subject {name} in context {context} is in read-only mode");
        Err(RegistryError::NotPermitted { subject: name.to_owned(), reason })
    }
}

fn permit_name(of: Option<&str>) -> Result<(), RegistryError> {
    match of {
        Some(name) if !subject::is_valid(name, true) => {
            Err(RegistryError::InvalidSubject { subject: name.chars().take(80).collect() })
        }
        _ => Ok(()),
    }
}
