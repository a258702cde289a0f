//! The ids of one context.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::Body;
use crate::value::Guid;

/// Which schema an id stands for, and where it is used.
#[derive(Default, Clone)]
pub(super) struct Ids {
    /// Ids are never given twice, also when their records were deleted or never became visible.
    pub(super) highest: u32,
    used: HashMap<u32, Used>,
    by_identity: HashMap<Guid, BTreeSet<u32>>,
    by_guid: HashMap<Guid, BTreeSet<u32>>,
}

#[derive(Clone)]
struct Used {
    body: Arc<Body>,
    /// Subject and version.
    by: BTreeSet<(String, u32)>,
}

impl Ids {
    /// What an id stands for.
    pub(super) fn body(&self, id: u32) -> Option<&Arc<Body>> {
        self.used.get(&id).map(|used| &used.body)
    }

    /// The versions that have an id, sorted.
    pub(super) fn uses(&self, id: u32) -> impl Iterator<Item = &(String, u32)> {
        self.used.get(&id).into_iter().flat_map(|used| &used.by)
    }

    /// The smallest id of a schema.
    pub(super) fn of_identity(&self, identity: &Guid) -> Option<u32> {
        self.by_identity.get(identity)?.first().copied()
    }

    /// The smallest id of a GUID.
    pub(super) fn of_guid(&self, guid: &Guid) -> Option<u32> {
        self.by_guid.get(guid)?.first().copied()
    }

    /// Notes that a version has an id. The first schema of an id stays: the answer is what it stands for.
    pub(super) fn add(&mut self, id: u32, body: Arc<Body>, subject: &str, version: u32) -> Arc<Body> {
        self.highest = self.highest.max(id);
        let used = self.used.entry(id).or_insert_with(|| Used { body, by: BTreeSet::new() });
        used.by.insert((subject.to_owned(), version));
        self.by_identity.entry(used.body.identity).or_default().insert(id);
        self.by_guid.entry(used.body.guid).or_default().insert(id);
        used.body.clone()
    }

    /// Notes that a version has an id no more. Without any use the id stands for nothing, and is not given again.
    pub(super) fn take(&mut self, id: u32, subject: &str, version: u32) {
        let Some(used) = self.used.get_mut(&id) else { return };
        used.by.remove(&(subject.to_owned(), version));
        if !used.by.is_empty() {
            return;
        }
        if let Some(Used { body, .. }) = self.used.remove(&id) {
            forget(&mut self.by_identity, body.identity, id);
            forget(&mut self.by_guid, body.guid, id);
        }
    }
}

fn forget(index: &mut HashMap<Guid, BTreeSet<u32>>, guid: Guid, id: u32) {
    if let Some(ids) = index.get_mut(&guid) {
        ids.remove(&id);
        if ids.is_empty() {
            index.remove(&guid);
        }
    }
}
