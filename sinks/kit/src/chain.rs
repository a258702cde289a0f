//! The audit columns: how many events touched a row, and a hash chain of them. Pure.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use sha2::{Digest, Sha256};

use crate::{AppliedEvent, Effect};

/// One link: SHA-256 over the link before (32 zeros at first), the event's source, a zero byte, and its id.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ChainLink([u8; 32]);

impl ChainLink {
    /// The link after this one.
    #[must_use]
    pub fn next(self, source: &str, id: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(source.as_bytes());
        hash.update([0]);
        hash.update(id.as_bytes());
        Self(hash.finalize().into())
    }

    fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }
}

impl fmt::Display for ChainLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ChainLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The audit columns of a row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditRow {
    /// How many events touched it.
    pub applied: i64,
    /// Per `topic/partition` the chain of those events.
    pub chain: BTreeMap<String, ChainLink>,
    /// The row was removed.
    pub deleted: bool,
}

impl AuditRow {
    /// One event more.
    pub fn touch(&mut self, partition: &str, event: &AppliedEvent, deleted: bool) {
        self.applied += 1;
        self.deleted = deleted;
        let link = self.chain.get(partition).copied().unwrap_or_default().next(&event.source, &event.id);
        match self.chain.get_mut(partition) {
            Some(known) => *known = link,
            None => drop(self.chain.insert(partition.to_owned(), link)),
        }
    }

    /// The chain as it is stored: a JSON object from `topic/partition` to hexadecimal.
    #[must_use]
    pub fn chain_json(&self) -> serde_json::Value {
        self.chain
            .iter()
            .map(|(partition, link)| (partition.clone(), link.to_string().into()))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    /// Reads a stored chain; what is not a chain is empty, which the auditor then finds.
    pub(crate) fn parse_chain(text: &str) -> BTreeMap<String, ChainLink> {
        let stored: BTreeMap<String, String> = serde_json::from_str(text).unwrap_or_default();
        stored.into_iter().filter_map(|(partition, link)| Some((partition, ChainLink::parse(&link)?))).collect()
    }
}

/// A row of a table, by name and key text.
pub type RowName = (&'static str, String);

/// The rows that effects touch, each once.
pub(crate) fn touched(effects: &[Effect]) -> Vec<RowName> {
    let mut rows: Vec<RowName> =
        effects.iter().flat_map(|e| &e.changes).map(|change| (change.table.name, change.key_text())).collect();
    rows.sort_unstable();
    rows.dedup();
    rows
}

/// Continues the audit columns of the rows that effects touch. An event that changes a row twice touches it once.
pub(crate) fn extend(rows: &mut HashMap<RowName, AuditRow>, partition: &str, effects: &[Effect]) {
    for effect in effects {
        let mut last: BTreeMap<RowName, bool> = BTreeMap::new();
        for change in &effect.changes {
            last.insert((change.table.name, change.key_text()), change.set.is_none());
        }
        for (row, deleted) in last {
            rows.entry(row).or_default().touch(partition, &effect.event, deleted);
        }
    }
}
