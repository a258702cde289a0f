//! Lists of subjects, versions, schemas, contexts.

use std::{collections::BTreeMap, ops::Bound};

use super::{Found, State, Version};
use crate::{RegistryError, SchemaId, subject};

/// Which versions a list has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Filter {
    /// Those that are not deleted.
    #[default]
    Live,
    /// All.
    All,
    /// Those that are deleted softly.
    DeletedOnly,
}

impl Filter {
    fn takes(self, deleted: bool) -> bool {
        match self {
            Self::Live => !deleted,
            Self::All => true,
            Self::DeletedOnly => deleted,
        }
    }
}

impl State {
    /// The subjects whose name begins so, sorted; `:*:` stands for all contexts.
    pub(crate) fn subjects(&self, prefix: &str, filter: Filter) -> Vec<String> {
        let deleted = |versions: &BTreeMap<u32, Version>| versions.values().all(|version| version.deleted);
        let found = self.beginning(prefix).filter(|(_, versions)| filter.takes(deleted(versions)));
        found.map(|(name, _)| name.clone()).collect()
    }

    fn beginning<'a>(
        &'a self,
        prefix: &'a str,
    ) -> Box<dyn Iterator<Item = (&'a String, &'a BTreeMap<u32, Version>)> + 'a> {
        if let Some(start) = prefix.strip_prefix(subject::ALL_CONTEXTS) {
            return Box::new(self.subjects.iter().filter(move |(name, _)| subject::split(name).1.starts_with(start)));
        }
        let prefix = subject::normalize(prefix);
        let context = subject::context(&prefix).to_owned();
        let from = self.subjects.range::<str, _>((Bound::Included(prefix.as_str()), Bound::Unbounded));
        let all: Vec<_> = from
            .take_while(|(name, _)| name.starts_with(&prefix))
            .filter(|(name, _)| subject::context(name) == context)
            .collect();
        Box::new(all.into_iter())
    }

    /// The numbers of a subject's versions, rising.
    pub(crate) fn versions(&self, name: &str, filter: Filter) -> Result<Vec<u32>, RegistryError> {
        if !self.has_subject(name, filter != Filter::Live) {
            return Err(RegistryError::UnknownSubject { subject: name.to_owned() });
        }
        let versions = self.subjects.get(name).into_iter().flatten();
        Ok(versions.filter(|(_, v)| filter.takes(v.deleted)).map(|(number, _)| *number).collect())
    }

    /// The versions of the subjects whose name begins so, by subject and number.
    pub(crate) fn schemas(&self, prefix: &str, filter: Filter, latest_only: bool) -> Vec<Found> {
        let mut all = Vec::new();
        for (name, versions) in self.beginning(prefix) {
            let taken = versions.iter().filter(|(_, version)| filter.takes(version.deleted));
            let skipped = if latest_only { taken.clone().count().saturating_sub(1) } else { 0 };
            all.extend(taken.skip(skipped).map(|(number, version)| self.found(name, *number, version)));
        }
        all
    }

    /// The versions that have an id, in the context that `subject` says.
    pub(crate) fn versions_of(&self, id: SchemaId, subject: Option<&str>, deleted: bool) -> Option<Vec<(String, u32)>> {
        let found = self.by_id(id, subject)?;
        let uses = self.ids(&found.subject)?.uses(id.0);
        let live = |(name, number): &&(String, u32)| {
            self.subjects.get(name).and_then(|versions| versions.get(number)).is_some_and(|v| deleted || !v.deleted)
        };
        Some(uses.filter(live).cloned().collect())
    }

    /// The contexts, the default one first.
    pub(crate) fn contexts(&self) -> Vec<String> {
        let used = self.ids.keys().filter(|context| self.context_has_subjects(context, true));
        let mut named: Vec<String> = self.contexts.iter().chain(used).cloned().collect();
        named.retain(|context| context != subject::DEFAULT_CONTEXT);
        named.sort_unstable();
        named.dedup();
        named.insert(0, subject::DEFAULT_CONTEXT.to_owned());
        named
    }

    /// Whether a context has subjects, those that are deleted softly included where asked for.
    pub(crate) fn context_has_subjects(&self, context: &str, deleted: bool) -> bool {
        if context == subject::DEFAULT_CONTEXT {
            return true;
        }
        let prefix = format!(":{context}:");
        let from = self.subjects.range::<str, _>((Bound::Included(prefix.as_str()), Bound::Unbounded));
        let mut inside = from.take_while(|(name, _)| name.starts_with(&prefix));
        inside.any(|(_, versions)| deleted || versions.values().any(|version| !version.deleted))
    }

    /// The ids of the versions that refer to a version, sorted.
    pub(crate) fn referenced_by(&self, name: &str, number: u32, deleted: bool) -> Vec<u32> {
        let mut ids: Vec<u32> = self.referring(name, number, deleted).map(|(_, id)| id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// The subjects and ids of the versions that refer to a version.
    pub(super) fn referring(&self, name: &str, number: u32, deleted: bool) -> impl Iterator<Item = (&str, u32)> {
        let referrers = self.referrers.get(&(name.to_owned(), number)).into_iter().flatten();
        referrers.filter_map(move |(name, number)| {
            let version = self.subjects.get(name)?.get(number)?;
            (deleted || !version.deleted).then_some((name.as_str(), version.id))
        })
    }
}
