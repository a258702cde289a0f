//! Held records of a database in memory.

use async_trait::async_trait;
use coursebus_transport::TopicPartition;

use super::{Data, MemoryStore, MemoryTx, put};
use crate::{
    held::{HeldBrief, HeldPlace, HeldRecord, HeldState, OVERHEAD_BYTES, behind_reason},
    store::{HeldLogEntry, HeldStore, HeldTx, Mark, Note, Settle, Settled, StoreError},
};

#[async_trait]
impl HeldStore for MemoryStore {
    async fn waiting(&self, group: &str, partition: &TopicPartition) -> Result<Vec<HeldBrief>, StoreError> {
        let waits = |record: &HeldRecord| record.state == HeldState::Parked.as_str() || record.asked_ms.is_some();
        self.read(|data| data.of_partition(group, partition).filter(|r| waits(r)).map(brief).collect()).await
    }

    async fn holds(&self, group: &str, partition: &TopicPartition) -> Result<bool, StoreError> {
        self.read(|data| data.of_partition(group, partition).any(is_open)).await
    }

    async fn asked(&self, group: &str) -> Result<Vec<HeldPlace>, StoreError> {
        let asked = |data: &Data| {
            let held = data.held.iter().filter(|((of, _), record)| of == group && record.asked_ms.is_some());
            held.map(|((_, place), _)| place.clone()).collect()
        };
        self.read(asked).await
    }

    async fn held_at(&self, group: &str, place: &HeldPlace) -> Result<Option<HeldRecord>, StoreError> {
        let key = (group.to_owned(), place.clone());
        self.read(|data| data.held.get(&key).cloned()).await
    }

    async fn mark(&self, group: &str, places: &[HeldPlace], mark: &Mark, note: &Note) -> Result<Vec<bool>, StoreError> {
        let tx = self.open().await?;
        let mut marked = Vec::with_capacity(places.len());
        for place in places {
            let key = (group.to_owned(), place.clone());
            let known = tx.look(|data| data.held.get(&key).filter(|record| is_open(record)).cloned());
            marked.push(known.is_some());
            let Some(mut record) = known else { continue };
            record.version += 1;
            match mark {
                Mark::Retry => record.asked_ms = Some(note.at_ms),
                Mark::Discard => {
                    record.asked_ms = (record.state == HeldState::Parked.as_str()).then_some(note.at_ms);
                    HeldState::Discarded.as_str().clone_into(&mut record.state);
                }
                Mark::Edit(edited) => record.edited = Some(edited.clone()),
            }
            put!(tx, held, key, Some(record));
            tx.note(group, place, mark.verb(), note.clone());
        }
        tx.statement().await?;
        tx.commit()?;
        Ok(marked)
    }

    async fn held_log(&self, group: &str, limit: u32) -> Result<Vec<HeldLogEntry>, StoreError> {
        let mut log: Vec<HeldLogEntry> = self
            .read(|data| data.held_log.iter().filter(|(of, _)| of == group).map(|(_, entry)| entry.clone()).collect())
            .await?;
        let from = log.len().saturating_sub(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(log.split_off(from))
    }
}

#[async_trait]
impl HeldTx for MemoryTx {
    async fn own(&mut self, group: &str, partition: &TopicPartition, epoch: i64) -> Result<bool, StoreError> {
        self.statement().await?;
        let key = (group.to_owned(), partition.clone());
        Ok(self.look(|data| data.positions.get(&key).is_some_and(|position| position.epoch == epoch)))
    }

    async fn hold(&mut self, group: &str, held: &[HeldRecord]) -> Result<(), StoreError> {
        for record in held {
            self.statement().await?;
            let partition = TopicPartition::new(record.topic.as_str(), record.partition);
            let key = (group.to_owned(), HeldPlace { partition, offset: record.offset });
            if !self.look(|data| data.held.contains_key(&key)) {
                put!(self, held, key, Some(record.clone()));
            }
        }
        Ok(())
    }

    async fn settle(
        &mut self,
        group: &str,
        partition: &TopicPartition,
        settles: &[Settle],
        at_ms: i64,
    ) -> Result<bool, StoreError> {
        for settle in settles {
            self.statement().await?;
            let place = HeldPlace { partition: partition.clone(), offset: settle.offset };
            let key = (group.to_owned(), place.clone());
            let known = self.look(|data| data.held.get(&key).filter(|r| r.version == settle.version).cloned());
            let Some(record) = known else { return Ok(false) };
            put!(self, held, key, settled(record, &settle.to));
            let (verb, detail) = match &settle.to {
                Settled::Applied { edited: false } => ("applied", ""),
                Settled::Applied { edited: true } => ("applied", "as edited"),
                Settled::Failed { code, .. } => ("failed", code.as_str()),
                Settled::Behind { .. } | Settled::Answered => continue,
            };
            let note = Note { at_ms, who: "the sink".to_owned(), detail: detail.to_owned() };
            self.note(group, &place, verb, note);
        }
        Ok(true)
    }
}

impl MemoryTx {
    fn note(&self, group: &str, place: &HeldPlace, verb: &str, note: Note) {
        let entry = (group.to_owned(), HeldLogEntry { place: place.clone(), verb: verb.to_owned(), note });
        self.change(move |data| {
            data.held_log.push(entry);
            Box::new(|data: &mut Data| drop(data.held_log.pop()))
        });
    }
}

/// A held record after what became of it; `None` when it is gone.
fn settled(mut record: HeldRecord, to: &Settled) -> Option<HeldRecord> {
    record.version += 1;
    record.asked_ms = None;
    match to {
        Settled::Applied { edited: false } => return None,
        Settled::Applied { edited: true } => {
            record.behind = None;
            HeldState::Applied.as_str().clone_into(&mut record.state);
        }
        Settled::Failed { code, reason, order_key } => {
            record.behind = None;
            record.tries += 1;
            (record.code, record.reason, record.order_key) = (code.clone(), reason.clone(), order_key.clone());
        }
        Settled::Behind { cause, code } => {
            (record.behind, record.code, record.reason) = (Some(*cause), code.clone(), behind_reason(*cause));
        }
        Settled::Answered => {}
    }
    Some(record)
}

impl Data {
    pub(super) fn of_partition<'a>(
        &'a self,
        group: &'a str,
        partition: &'a TopicPartition,
    ) -> impl Iterator<Item = &'a HeldRecord> {
        let mine = move |(of, place): &(String, HeldPlace)| of == group && place.partition == *partition;
        self.held.iter().filter(move |(key, _)| mine(key)).map(|(_, record)| record)
    }
}

fn is_open(record: &HeldRecord) -> bool {
    [HeldState::Parked, HeldState::Dead].iter().any(|state| record.state == state.as_str())
}

fn brief(record: &HeldRecord) -> HeldBrief {
    let length = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
    let bytes = length(&record.key) + length(&record.value) + record.headers_text().len();
    HeldBrief {
        offset: record.offset,
        state: record.state.clone(),
        code: record.code.clone(),
        behind: record.behind,
        key: record.key.clone(),
        order_key: record.order_key.clone(),
        asked: record.asked_ms.is_some(),
        tries: record.tries,
        version: record.version,
        bytes: i64::try_from(bytes).unwrap_or(i64::MAX) + OVERHEAD_BYTES,
    }
}
