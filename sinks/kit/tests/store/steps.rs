//! What the tests say to a database, in short.

use std::collections::BTreeMap;

use coursebus_sinks_kit::{
    AppliedEvent, Batch, Change, Effect, HeldRecord, PartitionId, Store, StoreError, Value, apply,
};
use coursebus_transport::{Offset, TopicPartition};

use crate::fixture::{GROUP, THINGS};

pub fn partition(number: i32) -> PartitionId {
    let partition = TopicPartition::new("dev-things", number);
    PartitionId { partition, cluster: "cluster".into(), topic_id: "topic-1".into() }
}

pub fn event(id: &str) -> AppliedEvent {
    AppliedEvent { source: "test".into(), id: id.into() }
}

pub fn effect(offset: i64, id: &str, changes: impl IntoIterator<Item = Change>) -> Effect {
    Effect { offset: Offset(offset), event: event(id), changes: changes.into_iter().collect() }
}

pub fn label(number: i64, label: &str) -> Change {
    THINGS.upsert(["here".into(), number.into()], [("label", label.into())])
}

pub fn count(number: i64, count: i64) -> Change {
    THINGS.upsert(["here".into(), number.into()], [("count", count.into())])
}

pub fn removal(number: i64) -> Change {
    THINGS.delete(["here".into(), number.into()])
}

pub fn held(offset: i64, reason: &str) -> HeldRecord {
    HeldRecord {
        topic: "dev-things".into(),
        partition: 0,
        offset: Offset(offset),
        state: "dead".into(),
        code: "malformed-frame".into(),
        reason: reason.into(),
        event_type: None,
        event_id: Some("id".into()),
        key: Some(vec![0, 255]),
        value: None,
        headers: vec![("ce_id".into(), Some(vec![0xff, 0])), ("x".into(), None), ("x".into(), Some(vec![]))],
        emitted_ms: 1_700_000_000_123,
        held_ms: offset,
        behind: None,
        order_key: None,
        asked_ms: None,
        tries: 0,
        version: 0,
        edited: None,
    }
}

/// One transaction on partition 0.
pub struct Step {
    epoch: i64,
    next: i64,
    effects: Vec<Effect>,
    held: Vec<HeldRecord>,
    inbox: bool,
    audit: bool,
}

impl Step {
    pub fn new(epoch: i64, next: i64, effects: Vec<Effect>) -> Self {
        Self { epoch, next, effects, held: Vec::new(), inbox: false, audit: false }
    }

    pub fn inbox(self) -> Self {
        Self { inbox: true, ..self }
    }

    pub fn audit(self) -> Self {
        Self { audit: true, ..self }
    }

    pub fn holding(self, held: Vec<HeldRecord>) -> Self {
        Self { held, ..self }
    }

    pub async fn apply(self, store: &dyn Store) -> Result<(), StoreError> {
        let Self { epoch, next, effects, held, inbox, audit } = self;
        let partition = &partition(0).partition;
        apply(store, Batch { group: GROUP, partition, epoch, next: Offset(next), effects, held, inbox, audit }).await
    }

    pub async fn ok(self, store: &dyn Store) {
        self.apply(store).await.expect("the batch is applied");
    }
}

pub async fn take_over(store: &dyn Store) -> (i64, Option<i64>) {
    let positions = store.take_over(GROUP, &[partition(0)]).await.expect("the partition is taken over");
    (positions[0].epoch, positions[0].next.map(|Offset(next)| next))
}

pub async fn position(store: &dyn Store) -> Option<i64> {
    let positions = store.positions(GROUP).await.expect("positions are there");
    positions.iter().find(|p| p.id == partition(0)).and_then(|p| p.next).map(|Offset(next)| next)
}

pub async fn all_rows(store: &dyn Store) -> Vec<Vec<Value>> {
    store.rows(&THINGS, None, 10_000).await.expect("rows are there")
}

/// Number, label and count of each row.
pub async fn labels_and_counts(store: &dyn Store) -> Vec<(i64, Option<String>, Option<i64>)> {
    let of = |row: Vec<Value>| match (&row[1], &row[5], &row[3]) {
        (Value::Int(number), label, count) => {
            let label = if let Value::Text(label) = label { Some(label.clone()) } else { None };
            let count = if let Value::Int(count) = count { Some(*count) } else { None };
            (*number, label, count)
        }
        _ => panic!("the key has a number"),
    };
    all_rows(store).await.into_iter().map(of).collect()
}

/// Applied and deleted of each row, by key.
pub async fn audited(store: &dyn Store) -> BTreeMap<String, (i64, bool)> {
    let state = store.audit_state(GROUP).await.expect("audit columns are there");
    state.rows.into_iter().map(|((_, key), row)| (key, (row.applied, row.deleted))).collect()
}
