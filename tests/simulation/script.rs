//! What is written while handlers and pipes run: typed events with order keys, some of them poison, some of them twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use coursebus_transport::{
    Log, NewRecord, TopicPartition, WriterSettings,
    memory::{MemoryLog, World},
};
use tokio::time::sleep;

use super::cast::{EVENTS, KEYS, PARTITIONS, cast, id_of, topic};

/// An event: its order key, and its number among the events of that key.
pub type EventId = (usize, usize);

/// What is written, in its order, and what is known of it.
pub struct Script {
    records: Vec<NewRecord>,
    /// Which event a record is of, by its `ce_id`.
    by_id: BTreeMap<String, EventId>,
    /// How often each is written.
    copies: BTreeMap<EventId, u32>,
    /// Events that no function takes.
    pub refused: BTreeSet<EventId>,
    /// Events whose value cannot be decoded.
    pub unreadable: BTreeSet<EventId>,
}

impl Script {
    /// The keys mixed, each in the order of its events.
    pub fn new(world: &World) -> Self {
        let (cast, mut next) = (cast(), [0; KEYS]);
        let mut script = Self {
            records: Vec::new(),
            by_id: BTreeMap::new(),
            copies: BTreeMap::new(),
            refused: BTreeSet::new(),
            unreadable: BTreeSet::new(),
        };
        // In some worlds few keys have all the events.
        let keys = if world.chance(0.3) { 3 } else { KEYS as u64 };
        for _ in 0..120 {
            let key = world.below(keys) as usize;
            if next[key] == EVENTS {
                continue;
            }
            let event = (key, next[key]);
            next[key] += 1;
            script.add(event, cast.events[event.0][event.1].clone(), world.below(40));
        }
        script
    }

    fn add(&mut self, event: EventId, mut record: NewRecord, lot: u64) {
        self.by_id.insert(id_of(&record), event);
        match lot {
            0 => drop(self.refused.insert(event)),
            1 => {
                record.value = record.value.map(|value| value.slice(..value.len() - 3));
                self.unreadable.insert(event);
            }
            2 => self.records.push(record.clone()),
            _ => {}
        }
        self.copies.insert(event, if lot == 2 { 2 } else { 1 });
        self.records.push(record);
    }

    /// Writes the script over a time. Sees no faults itself: what it writes is what the others are held to.
    pub fn write(&self, log: &MemoryLog, world: &World, over: Duration) -> impl Future<Output = ()> + use<> {
        let (log, world, records) = (log.clone(), world.clone(), self.records.clone());
        async move {
            let writer = log.writer(WriterSettings::default()).await.unwrap();
            let pause = over / u32::try_from(records.len()).unwrap();
            for record in records {
                writer.append(record).await.await.unwrap();
                if world.chance(0.7) {
                    sleep(world.time_up_to(pause * 2)).await;
                }
            }
        }
    }

    /// Every event.
    pub fn events(&self) -> impl Iterator<Item = EventId> {
        self.copies.keys().copied()
    }

    /// Which event a record is of.
    pub fn event(&self, id: &str) -> EventId {
        self.by_id[id]
    }

    pub fn copies(&self, event: EventId) -> u32 {
        self.copies[&event]
    }

    /// Whether a function can never take it.
    pub fn is_poison(&self, event: EventId) -> bool {
        self.refused.contains(&event) || self.unreadable.contains(&event)
    }
}

/// The partitions of the topic of the events.
pub fn partitions() -> Vec<TopicPartition> {
    (0..PARTITIONS).map(|number| TopicPartition::new(topic(), number)).collect()
}

/// The partition of an order key.
pub fn partition_of(key: usize) -> i32 {
    cast().events[key][0].partition
}
