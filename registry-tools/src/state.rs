//! What the records of `_schemas` add up to. Pure: records in, answers out.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use coursebus_schemas::SchemaId;

use crate::{
    Level, Mode, Registered, Registration, RegistryError, VersionRef,
    canonical::canonical,
    record::{self, Entry, SchemaValue},
};

/// A registry's whole contents.
#[derive(Default)]
pub(crate) struct State {
    schemas: HashMap<u32, Arc<str>>,
    /// The smallest id of each schema, by its canonical text.
    ids: HashMap<Arc<str>, u32>,
    subjects: BTreeMap<String, BTreeMap<u32, Version>>,
    levels: HashMap<Option<String>, Level>,
    modes: HashMap<Option<String>, Mode>,
    /// Ids are never used twice, also when their records were deleted or never became visible.
    id_max: u32,
}

struct Version {
    id: u32,
    canonical: Arc<str>,
    deleted: bool,
}

/// What registering a schema comes to.
pub(crate) enum Plan {
    /// It is there already.
    Present(Registered),
    /// This record makes it so.
    Write(SchemaValue),
}

impl State {
    pub(crate) fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Schema { subject, version, value: Some(value) } => self.put(subject, version, value),
            Entry::Schema { subject, version, value: None } => {
                if let Some(versions) = self.subjects.get_mut(&subject) {
                    versions.remove(&version);
                    if versions.is_empty() {
                        self.subjects.remove(&subject);
                    }
                }
            }
            Entry::Config { subject, level: Some(level) } => drop(self.levels.insert(subject, level)),
            Entry::Config { subject, level: None } => drop(self.levels.remove(&subject)),
            Entry::Mode { subject, mode: Some(mode) } => drop(self.modes.insert(subject, mode)),
            Entry::Mode { subject, mode: None } => drop(self.modes.remove(&subject)),
            Entry::DeleteSubject { subject, version } => {
                let versions = self.subjects.get_mut(&subject).into_iter().flatten();
                versions.filter(|(number, _)| **number <= version).for_each(|(_, v)| v.deleted = true);
            }
            Entry::Other => {}
        }
    }

    fn put(&mut self, subject: String, version: u32, value: SchemaValue) {
        // A schema that cannot be parsed keeps its text as its identity: it can be fetched, and equals only itself.
        let canonical: Arc<str> = canonical(&value.schema).unwrap_or_else(|_| value.schema.clone()).into();
        self.schemas.entry(value.id).or_insert_with(|| value.schema.into());
        let id = self.ids.entry(canonical.clone()).or_insert(value.id);
        *id = (*id).min(value.id);
        self.id_max = self.id_max.max(value.id);
        let versions = self.subjects.entry(subject).or_default();
        versions.insert(version, Version { id: value.id, canonical, deleted: value.deleted });
    }

    /// What is to be written to register a schema. `import` is checked against the subject's mode.
    pub(crate) fn plan(&self, registration: &Registration<'_>) -> Result<Plan, RegistryError> {
        let subject = registration.subject;
        let text = canonical(registration.schema)
            .map_err(|error| RegistryError::InvalidSchema { reason: error.to_string() })?;
        let not_permitted =
            |reason: &str| Err(RegistryError::NotPermitted { subject: subject.to_owned(), reason: reason.to_owned() });
        let mode = self.effective_mode(subject);
        let known = self.subjects.get(subject);
        let present = known.into_iter().flatten().find(|(_, v)| !v.deleted && *v.canonical == *text);
        let next_version = known.and_then(|versions| versions.keys().next_back()).map_or(1, |last| last + 1);
        let (id, version) = match (registration.import, present, mode) {
            (None, Some((&version, found)), _) => return Ok(Plan::Present(self.registered(subject, version, found))),
            (_, _, Mode::ReadOnly) => return not_permitted("it is in mode READONLY"),
            (None, None, Mode::Import) => {
                return not_permitted("it is in mode IMPORT, which takes schemas with an id only");
            }
            (Some(_), _, Mode::ReadWrite) => return not_permitted("an id can be given in mode IMPORT only"),
            (None, None, Mode::ReadWrite) => {
                (self.ids.get(text.as_str()).copied().unwrap_or(self.id_max + 1), next_version)
            }
            (Some((SchemaId(id), version)), present, Mode::Import) => {
                if let Some((&version, found)) = present
                    && found.id == id
                {
                    return Ok(Plan::Present(self.registered(subject, version, found)));
                }
                let other = self.schemas.get(&id).filter(|known| canonical(known).as_deref() != Ok(text.as_str()));
                if other.is_some() {
                    return Err(RegistryError::IdTaken { id: SchemaId(id) });
                }
                (id, version.unwrap_or(next_version))
            }
        };
        let subject = subject.to_owned();
        Ok(Plan::Write(SchemaValue { subject, version, id, schema_type: None, schema: text, deleted: false }))
    }

    pub(crate) fn schema(&self, id: SchemaId) -> Option<Arc<str>> {
        self.schemas.get(&id.0).cloned()
    }

    pub(crate) fn lookup(&self, subject: &str, schema: &str) -> Result<Registered, RegistryError> {
        let versions = self.live(subject)?;
        let text = canonical(schema).map_err(|error| RegistryError::InvalidSchema { reason: error.to_string() })?;
        let found = versions.into_iter().rev().find(|(_, v)| *v.canonical == *text);
        let (version, found) = found.ok_or_else(|| RegistryError::UnknownSchema { subject: subject.to_owned() })?;
        Ok(self.registered(subject, version, found))
    }

    pub(crate) fn subjects(&self) -> Vec<String> {
        let live = |versions: &BTreeMap<u32, Version>| versions.values().any(|v| !v.deleted);
        self.subjects.iter().filter(|(_, versions)| live(versions)).map(|(subject, _)| subject.clone()).collect()
    }

    pub(crate) fn versions(&self, subject: &str) -> Result<Vec<u32>, RegistryError> {
        Ok(self.live(subject)?.into_iter().map(|(number, _)| number).collect())
    }

    pub(crate) fn version(&self, subject: &str, version: VersionRef) -> Result<Registered, RegistryError> {
        let live = self.live(subject)?;
        let found = match version {
            VersionRef::Latest => live.last().copied(),
            VersionRef::Number(number) => live.into_iter().find(|(n, _)| *n == number),
        };
        let unknown = || RegistryError::UnknownVersion {
            subject: subject.to_owned(),
            version: match version {
                VersionRef::Latest => "latest".to_owned(),
                VersionRef::Number(number) => number.to_string(),
            },
        };
        let (number, found) = found.ok_or_else(unknown)?;
        Ok(self.registered(subject, number, found))
    }

    /// The versions, deleted ones left out, that have this schema id.
    pub(crate) fn versions_of(&self, id: SchemaId) -> Vec<(String, u32)> {
        let all = self.subjects.iter().flat_map(|(s, versions)| versions.iter().map(move |(n, v)| (s, n, v)));
        all.filter(|(.., v)| v.id == id.0 && !v.deleted).map(|(s, n, _)| (s.clone(), *n)).collect()
    }

    pub(crate) fn level(&self, subject: Option<&str>) -> Option<Level> {
        let stored = self.levels.get(&subject.map(str::to_owned)).copied();
        if subject.is_none() { stored.or(Some(Level::Backward)) } else { stored }
    }

    pub(crate) fn mode(&self, subject: Option<&str>) -> Option<Mode> {
        let stored = self.modes.get(&subject.map(str::to_owned)).copied();
        if subject.is_none() { stored.or(Some(Mode::ReadWrite)) } else { stored }
    }

    fn effective_mode(&self, subject: &str) -> Mode {
        self.mode(Some(subject)).or_else(|| self.mode(None)).unwrap_or(Mode::ReadWrite)
    }

    fn live(&self, subject: &str) -> Result<Vec<(u32, &Version)>, RegistryError> {
        let versions = self.subjects.get(subject).into_iter().flatten();
        let live: Vec<_> = versions.filter(|(_, v)| !v.deleted).map(|(number, v)| (*number, v)).collect();
        if live.is_empty() { Err(RegistryError::UnknownSubject { subject: subject.to_owned() }) } else { Ok(live) }
    }

    fn registered(&self, subject: &str, version: u32, found: &Version) -> Registered {
        let schema = self.schemas.get(&found.id).unwrap_or(&found.canonical).clone();
        Registered { subject: subject.to_owned(), version, id: SchemaId(found.id), schema }
    }
}

/// Reads a record into the state; one that cannot be read is left out, and named.
pub(crate) fn absorb(state: &mut State, offset: i64, key: Option<&[u8]>, value: Option<&[u8]>) {
    match record::read(key.unwrap_or_default(), value) {
        Ok(entry) => state.apply(entry),
        Err(error) => tracing::warn!(offset, %error, "left out"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn register(state: &mut State, subject: &str, schema: &str) -> Result<(u32, u32), u32> {
        import(state, subject, schema, None)
    }

    fn import(
        state: &mut State,
        subject: &str,
        schema: &str,
        import: Option<(SchemaId, Option<u32>)>,
    ) -> Result<(u32, u32), u32> {
        match state.plan(&Registration { subject, schema, import }).map_err(|e| e.code())? {
            Plan::Present(found) => Ok((found.id.0, found.version)),
            Plan::Write(value) => {
                let (key, text) = record::schema(&value);
                absorb(state, 0, Some(key.as_bytes()), text.as_deref().map(str::as_bytes));
                Ok((value.id, value.version))
            }
        }
    }

    #[test]
    fn one_id_a_schema_and_one_version_a_subject_and_schema() {
        let mut state = State::default();
        assert_eq!(register(&mut state, "a", r#""string""#), Ok((1, 1)));
        assert_eq!(register(&mut state, "a", r#"{"name":"x","type":"string"}"#), Ok((1, 1)));
        assert_eq!(register(&mut state, "b", r#""string""#), Ok((1, 1)));
        assert_eq!(register(&mut state, "a", r#""long""#), Ok((2, 2)));
        assert_eq!(register(&mut state, "a", r#""strong""#), Err(42201));
        assert_eq!(state.subjects(), ["a", "b"]);
        assert_eq!(state.lookup("a", r#"{"type":"long"}"#).map(|r| (r.id.0, r.version)).ok(), Some((2, 2)));
        assert_eq!(state.lookup("b", r#""long""#).map_err(|e| e.code()), Err(40403));
        assert_eq!(state.lookup("c", r#""long""#).map_err(|e| e.code()), Err(40401));
        assert_eq!(state.version("a", VersionRef::Number(3)).map_err(|e| e.code()), Err(40402));
    }

    #[test]
    fn deleted_versions_are_found_by_id_only_and_no_number_comes_back() {
        let mut state = State::default();
        assert_eq!(register(&mut state, "a", r#""string""#), Ok((1, 1)));
        assert_eq!(register(&mut state, "a", r#""long""#), Ok((2, 2)));
        state.apply(Entry::DeleteSubject { subject: "a".into(), version: 2 });
        assert_eq!(state.versions("a").map_err(|e| e.code()), Err(40401));
        assert!(state.schema(SchemaId(2)).is_some());
        assert_eq!(register(&mut state, "a", r#""int""#), Ok((3, 3)));
        for version in [1, 2, 3] {
            state.apply(Entry::Schema { subject: "a".into(), version, value: None });
        }
        assert_eq!(register(&mut state, "a", r#""double""#), Ok((4, 1)));
    }

    #[test]
    fn ids_can_be_given_in_import_mode_only() {
        let mut state = State::default();
        let id = |id| Some((SchemaId(id), None));
        assert_eq!(import(&mut state, "a", r#""string""#, id(34)), Err(42205));
        state.apply(Entry::Mode { subject: None, mode: Some(Mode::Import) });
        assert_eq!(import(&mut state, "a", r#""string""#, id(34)), Ok((34, 1)));
        assert_eq!(import(&mut state, "a", r#""string""#, id(34)), Ok((34, 1)));
        assert_eq!(import(&mut state, "a", r#""long""#, id(34)), Err(42207));
        assert_eq!(register(&mut state, "a", r#""long""#), Err(42205));
        state.apply(Entry::Mode { subject: None, mode: None });
        assert_eq!(register(&mut state, "a", r#""long""#), Ok((35, 2)));
    }
}
