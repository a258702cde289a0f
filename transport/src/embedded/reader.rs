//! A reader outside any group: a thread that fetches ahead.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use rusqlite::Connection;

use super::{
    bell::Bell,
    fetch::{Cursor, refused},
    store::Store,
    topics,
};
use crate::{
    Fetched, Offset, ReadError, Reader, ReaderSettings, Record, TopicPartition,
    handoff::{Giver, NotGiven, Taker, handoff},
};

/// What one fetch of one partition loads at most, beyond its first batch.
pub(super) const FETCH_BYTES: usize = 1 << 20;

pub(super) struct EmbeddedReader {
    taker: Taker<Result<Fetched, ReadError>>,
    bell: Arc<Bell>,
}

/// Opens a reader. Blocks: not for the async threads.
pub(super) fn open(
    store: &Arc<Store>,
    from: Vec<(TopicPartition, Offset)>,
    settings: &ReaderSettings,
) -> Result<EmbeddedReader, ReadError> {
    let connection = store.connect().map_err(refused)?;
    let mut cursors = Vec::with_capacity(from.len());
    for (partition, position) in from {
        let id = topics::partition_id(&connection, &partition).map_err(refused)?;
        let id = id.ok_or_else(|| ReadError::UnknownTopic { topic: partition.topic.to_string() })?;
        cursors.push(Cursor::new(partition, id, position));
    }
    let (giver, taker) = handoff(settings.ahead_bytes_max);
    // The store outlives the thread: a reader may be the last to hold it.
    let held = store.clone();
    let bell = store.bell().clone();
    let thread = std::thread::Builder::new().name("coursebus-log-read".to_owned());
    let run = move || {
        if let Err(error) = read_on(&connection, &mut cursors, &giver, held.bell()) {
            giver.give_now(Err(error));
        }
    };
    let spawned = thread.spawn(run);
    spawned.map_err(|e| ReadError::Refused { what: "start a reading thread".to_owned(), source: e.into() })?;
    Ok(EmbeddedReader { taker, bell })
}

/// Fetches until nobody takes any more.
fn read_on(
    connection: &Connection,
    cursors: &mut [Cursor],
    giver: &Giver<Result<Fetched, ReadError>>,
    bell: &Bell,
) -> Result<(), ReadError> {
    for cursor in cursors.iter() {
        cursor.check(connection)?;
    }
    while !giver.closed() {
        let seen = bell.rings();
        let mut idle = true;
        for cursor in cursors.iter_mut() {
            let Some(fetched) = turn(connection, cursor)? else { continue };
            idle = false;
            if !give(giver, fetched) {
                return Ok(());
            }
        }
        if idle {
            bell.wait(seen, Duration::from_secs(1));
        }
    }
    Ok(())
}

/// One look at one partition: records, or its end, or nothing new.
pub(super) fn turn(connection: &Connection, cursor: &mut Cursor) -> Result<Option<Fetched>, ReadError> {
    let records = cursor.fetch(connection, FETCH_BYTES)?;
    if !records.is_empty() {
        return Ok(Some(Fetched { records, ends: Vec::new() }));
    }
    let end = cursor.end(connection)?;
    Ok(end.map(|end| Fetched { records, ends: vec![(cursor.name.clone(), end)] }))
}

pub(super) fn size(fetched: &Fetched) -> usize {
    fetched.records.iter().map(Record::size).sum()
}

fn give(giver: &Giver<Result<Fetched, ReadError>>, fetched: Fetched) -> bool {
    let bytes = size(&fetched);
    let mut item = Ok(fetched);
    loop {
        match giver.give(item, bytes, Duration::from_secs(1)) {
            Ok(()) => return true,
            Err(NotGiven::Closed) => return false,
            Err(NotGiven::Full(back)) => item = back,
        }
    }
}

#[async_trait]
impl Reader for EmbeddedReader {
    async fn next(&mut self, wait: Duration) -> Result<Fetched, ReadError> {
        match tokio::time::timeout(wait, self.taker.take()).await {
            Err(_elapsed) => Ok(Fetched::default()),
            Ok(Some(fetched)) => fetched,
            Ok(None) => Err(ReadError::Closed),
        }
    }
}

impl Drop for EmbeddedReader {
    fn drop(&mut self) {
        // Wakes the thread, which then finds that nobody takes. The taker is dropped after this; the bell's patience
        // covers the moment between.
        self.bell.ring();
    }
}
