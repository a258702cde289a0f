//! The operator's part of a database in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use coursebus_transport::{Offset, TopicPartition};

use super::{Data, MemoryStore, MemoryTx, put};
use crate::{
    held::{HeldPlace, HeldRecord},
    store::{
        HeldCount, Move, Moved, Operate, PartitionId, Position, StoreError,
        operate::{Consequences, aside},
    },
};

#[async_trait]
impl Operate for MemoryStore {
    async fn move_positions(&self, group: &str, moves: &[Move]) -> Result<Moved, StoreError> {
        let tx = self.open().await?;
        let mut moved = Moved::default();
        let (mut changes, mut goes_back) = (false, false);
        for position in moves {
            let key = (group.to_owned(), position.id.partition.clone());
            let before = tx.look(|data| data.positions.get(&key).cloned());
            let before = before.unwrap_or(Position { id: position.id.clone(), epoch: 0, next: None });
            let then = Consequences::new(&before, position);
            changes |= then.changes;
            goes_back |= then.goes_back;
            let after = Position { id: position.id.clone(), epoch: before.epoch + 1, next: Some(position.to) };
            put!(tx, positions, key, Some(after));
            moved.held += tx.forget_held(group, &before.id, (!then.of_another).then_some(position.to));
        }
        if goes_back {
            let forgotten: Vec<_> = tx.look(|data| data.inbox.iter().filter(|key| key.0 == group).cloned().collect());
            moved.inbox = forgotten.len() as u64;
            for key in forgotten {
                tx.change(move |data| {
                    data.inbox.remove(&key);
                    Box::new(move |data: &mut Data| {
                        data.inbox.insert(key);
                    })
                });
            }
        }
        if changes {
            moved.audit = tx.end_audit();
        }
        tx.commit()?;
        Ok(moved)
    }

    async fn accept_gap(&self, group: &str, epoch: i64, gap: &crate::Gap, _: i64) -> Result<(), StoreError> {
        let tx = self.open().await?;
        let key = (group.to_owned(), gap.id.partition.clone());
        if tx.look(|data| data.positions.get(&key).map(|position| position.epoch)) != Some(epoch) {
            return Err(StoreError::Fenced { partition: gap.id.partition.clone() });
        }
        put!(tx, positions, key, Some(Position { id: gap.id.clone(), epoch, next: Some(gap.resume) }));
        if gap.stored != gap.id {
            tx.forget_held(group, &gap.stored, None);
        }
        tx.end_audit();
        let entry = (group.to_owned(), gap.id.partition.clone());
        tx.change(move |data| {
            data.gaps.push(entry);
            Box::new(|data: &mut Data| drop(data.gaps.pop()))
        });
        tx.commit()
    }

    async fn gaps(&self, group: &str) -> Result<Vec<(String, i32, u64)>, StoreError> {
        let count = |data: &Data| {
            let mut counts: BTreeMap<(String, i32), u64> = BTreeMap::new();
            for (_, partition) in data.gaps.iter().filter(|(of, _)| of == group) {
                *counts.entry((partition.topic.to_string(), partition.partition)).or_default() += 1;
            }
            counts.into_iter().map(|((topic, partition), count)| (topic, partition, count)).collect()
        };
        self.read(count).await
    }

    async fn held_counts(&self, group: &str) -> Result<Vec<HeldCount>, StoreError> {
        let count = |data: &Data| {
            let mut counts: BTreeMap<(String, i32, String, String), u64> = BTreeMap::new();
            for (_, record) in data.held.iter().filter(|((of, _), _)| of == group) {
                let cause = (record.topic.clone(), record.partition, record.state.clone(), record.code.clone());
                *counts.entry(cause).or_default() += 1;
            }
            let count = |((topic, partition, state, code), count)| HeldCount { topic, partition, state, code, count };
            counts.into_iter().map(count).collect()
        };
        self.read(count).await
    }

    async fn held_from(&self, group: &str, position: &Move) -> Result<u64, StoreError> {
        let (partition, to) = (&position.id.partition, position.to);
        self.read(|data| data.of_partition(group, partition).filter(|record| record.offset >= to).count() as u64).await
    }

    async fn is_untouched(&self, _: &crate::SinkSpec) -> Result<bool, StoreError> {
        let untouched = |data: &Data| {
            data.rows.is_empty() && data.held.is_empty() && data.positions.values().all(|p| p.next.is_none())
        };
        self.read(untouched).await
    }
}

impl MemoryTx {
    /// Removes what is held from an offset on and says how much that was; without one, sets all of it aside under the name
    /// of the topic that is gone.
    fn forget_held(&self, group: &str, id: &PartitionId, from: Option<Offset>) -> u64 {
        let mine = |data: &Data| -> Vec<HeldRecord> {
            let held = data.of_partition(group, &id.partition);
            held.filter(|record| from.is_none_or(|from| record.offset >= from)).cloned().collect()
        };
        let held = self.look(mine);
        let count = held.len() as u64;
        for mut record in held {
            let place = HeldPlace { partition: id.partition.clone(), offset: record.offset };
            put!(self, held, (group.to_owned(), place.clone()), None);
            if from.is_none() {
                record.topic = aside(id);
                let partition = TopicPartition::new(record.topic.as_str(), record.partition);
                put!(self, held, (group.to_owned(), HeldPlace { partition, ..place }), Some(record));
            }
        }
        if from.is_some() { count } else { 0 }
    }

    /// Audit columns go, and auditing ends; says whether it was on.
    fn end_audit(&self) -> bool {
        let was_on = self.look(|data| data.audit_mode == Some(true));
        self.change(|data| {
            let (mode, rows) = (data.audit_mode, std::mem::take(&mut data.audit));
            data.audit_mode = mode.map(|_| false);
            Box::new(move |data: &mut Data| (data.audit_mode, data.audit) = (mode, rows))
        });
        was_on
    }
}
