//! A row as it is read.

use sha2::{Digest, Sha256};

/// A row of the outbox, or a held one that is to be tried again.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// Its id in the outbox, also where it is held.
    pub(crate) id: i64,
    /// Its place among the held ones; `None` for a row of the outbox.
    pub(crate) seq: Option<i64>,
    pub(crate) event_id: String,
    pub(crate) event_type: String,
    pub(crate) source: String,
    /// When it happened or was written, RFC 3339.
    pub(crate) occurred_at: String,
    pub(crate) format: String,
    pub(crate) minor_version: Option<i32>,
    /// `None`: larger than 16 MiB; such a row is held without being looked at.
    pub(crate) payload: Option<Vec<u8>>,
    pub(crate) record_key: Option<Vec<u8>>,
    pub(crate) subject: Option<String>,
    pub(crate) causation_id: Option<String>,
    pub(crate) traceparent: Option<String>,
    /// A text of it is not UTF-8: only SQLite takes that.
    pub(crate) garbled: bool,
}

impl Row {
    /// What it counts against the byte bound of a batch.
    pub(crate) fn size(&self) -> usize {
        512 + self.payload.as_ref().map_or(0, Vec::len) + self.record_key.as_ref().map_or(0, Vec::len)
    }
}

/// Names the event in a row. An id that comes back with another event (the database was restored from a backup) has another
/// print.
pub(crate) fn print(source: &[u8], event_id: &[u8]) -> u64 {
    let digest = Sha256::new().chain_update(source).chain_update([0]).chain_update(event_id).finalize();
    u64::from_be_bytes(std::array::from_fn(|i| digest[i]))
}

/// By what rows are held back: an order key of a topic, or a record key where the order key cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Block(pub(crate) [u8; 16]);

impl Block {
    /// Of an order key. All types of one entity are on one topic, so the topic's name is part of it.
    pub(crate) fn of_order_key(topic: &str, key: &[u8]) -> Self {
        Self::of(b"order", topic, key)
    }

    /// Of a record key.
    pub(crate) fn of_record_key(topic: &str, key: &[u8]) -> Self {
        Self::of(b"record", topic, key)
    }

    fn of(kind: &[u8], topic: &str, key: &[u8]) -> Self {
        let parts = Sha256::new().chain_update(kind).chain_update([0]).chain_update(topic).chain_update([0]);
        let digest = parts.chain_update(key).finalize();
        Self(std::array::from_fn(|i| digest[i]))
    }

    /// Of stored bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}
