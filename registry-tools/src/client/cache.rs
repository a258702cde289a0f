//! What a client keeps: schemas by id, and for a moment the latest versions.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::settings::ClientSettings;
use crate::{Registered, SchemaId};

/// How many latest versions are kept. At the bound all are forgotten and fetched again.
const LATEST_MAX: usize = 10_000;

#[derive(Debug)]
pub(super) struct Cache {
    schemas_max: usize,
    bytes_max: usize,
    latest_for: Duration,
    schemas: Mutex<Schemas>,
    latest: Mutex<HashMap<String, (Instant, Registered)>>,
}

#[derive(Debug, Default)]
struct Schemas {
    by_id: HashMap<SchemaId, Arc<str>>,
    /// The oldest first.
    order: VecDeque<SchemaId>,
    bytes: usize,
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Cache {
    pub(super) fn new(settings: &ClientSettings) -> Self {
        let ClientSettings { schemas_max, bytes_max, latest_for, .. } = *settings;
        Self { schemas_max, bytes_max, latest_for, schemas: Mutex::default(), latest: Mutex::default() }
    }

    pub(super) fn schema(&self, id: SchemaId) -> Option<Arc<str>> {
        lock(&self.schemas).by_id.get(&id).cloned()
    }

    /// Keeps a schema. One that is larger than all room is not kept.
    pub(super) fn keep_schema(&self, id: SchemaId, schema: Arc<str>) {
        let mut schemas = lock(&self.schemas);
        if schemas.by_id.contains_key(&id) || schema.len() > self.bytes_max || self.schemas_max == 0 {
            return;
        }
        while schemas.by_id.len() >= self.schemas_max || schemas.bytes + schema.len() > self.bytes_max {
            let Some(oldest) = schemas.order.pop_front() else { break };
            let gone = schemas.by_id.remove(&oldest).map_or(0, |schema| schema.len());
            schemas.bytes -= gone;
        }
        schemas.bytes += schema.len();
        schemas.order.push_back(id);
        schemas.by_id.insert(id, schema);
    }

    pub(super) fn latest(&self, subject: &str) -> Option<Registered> {
        let latest = lock(&self.latest);
        let (since, found) = latest.get(subject)?;
        (since.elapsed() < self.latest_for).then(|| found.clone())
    }

    pub(super) fn keep_latest(&self, found: Registered) {
        let mut latest = lock(&self.latest);
        if latest.len() >= LATEST_MAX {
            latest.clear();
        }
        latest.insert(found.subject.clone(), (Instant::now(), found));
    }

    pub(super) fn forget_latest(&self, subject: &str) {
        lock(&self.latest).remove(subject);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_stay_within_both_bounds() {
        let cache = Cache::new(&ClientSettings { schemas_max: 3, bytes_max: 10, ..ClientSettings::new("") });
        let kept = || (1..=6).filter(|id| cache.schema(SchemaId(*id)).is_some()).collect::<Vec<_>>();
        for id in 1..=4 {
            cache.keep_schema(SchemaId(id), "ab".into());
        }
        assert_eq!(kept(), [2, 3, 4], "the oldest goes");
        cache.keep_schema(SchemaId(5), "12345678".into());
        assert_eq!(kept(), [4, 5], "bytes are bounded, too");
        cache.keep_schema(SchemaId(6), "12345678901".into());
        assert_eq!(kept(), [4, 5], "what has no room is not kept");
    }

    #[test]
    fn the_latest_is_believed_for_a_while() {
        let found = Registered { subject: "s".into(), version: 1, id: SchemaId(1), schema: "\"int\"".into() };
        for (latest_for, expected) in [(Duration::MAX, Some(found.clone())), (Duration::ZERO, None)] {
            let cache = Cache::new(&ClientSettings { latest_for, ..ClientSettings::new("") });
            cache.keep_latest(found.clone());
            assert_eq!(cache.latest("s"), expected);
            cache.forget_latest("s");
            assert_eq!(cache.latest("s"), None);
        }
    }
}
