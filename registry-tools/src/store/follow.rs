//! Following the topic.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
    time::Duration,
};

use coursebus_transport::{Fetched, Offset, ReadError, Reader, ReaderSettings};
use tokio::sync::watch;

use super::{Core, Followed, TOPIC, partition};

/// How long to wait for records, and before trying again after an error.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Reads the topic for ever. `partitions`: how many it has, where it is there.
pub(super) async fn follow(core: Arc<Core>, partitions: Option<i32>, tell: watch::Sender<Followed>) {
    let partitions = match partitions {
        Some(partitions) => partitions,
        None => appeared(&core).await,
    };
    let mut next = BTreeMap::new();
    for number in 0..partitions {
        let earliest = core.log.range(&partition(number)).await.map_or(Offset(0), |range| range.earliest);
        next.insert(number, earliest);
    }
    let mut reader: Option<Box<dyn Reader>> = None;
    loop {
        match read(&core, &mut reader, &next).await {
            Ok(fetched) => {
                take_in(&core, fetched, &mut next);
                let at = next.get(&0).copied().unwrap_or_default();
                tell.send_if_modified(|told| {
                    let changed = told.next != at || told.failed.is_some();
                    *told = Followed { next: at, failed: None };
                    changed
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the registry cannot read its topic");
                reader = None;
                tell.send_modify(|at| at.failed = Some(Arc::new(error)));
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        }
    }
}

/// Waits for the topic; how many partitions it has.
async fn appeared(core: &Core) -> i32 {
    loop {
        tokio::time::sleep(LOOK_AGAIN).await;
        if let Ok(topic) = core.log.topic(TOPIC).await {
            return topic.partitions;
        }
    }
}

async fn read(
    core: &Core,
    reader: &mut Option<Box<dyn Reader>>,
    next: &BTreeMap<i32, Offset>,
) -> Result<Fetched, ReadError> {
    let opened = match reader {
        Some(reader) => reader,
        None => {
            // Confluent's reader sets no isolation level either: ids of transactions that were given up are used up.
            let settings = ReaderSettings { uncommitted: true, ..ReaderSettings::default() };
            let from = next.iter().map(|(number, offset)| (partition(*number), *offset)).collect();
            reader.insert(core.log.reader(from, settings).await?)
        }
    };
    opened.next(LOOK_AGAIN).await
}

fn take_in(core: &Core, fetched: Fetched, next: &mut BTreeMap<i32, Offset>) {
    if !fetched.records.is_empty() {
        let mut state = core.state.write().unwrap_or_else(PoisonError::into_inner);
        for record in &fetched.records {
            state.absorb(record.offset().0, record.key(), record.value());
            next.insert(record.partition(), record.offset().next());
        }
    }
    for (at, end) in fetched.ends {
        let next = next.entry(at.partition).or_default();
        *next = (*next).max(end);
    }
}
