//! A reader of given positions, outside any group.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use async_trait::async_trait;

use super::{
    config::Configs,
    feed::{Feed, Item},
    native::{Code, Consumer, List, NativeError},
    stream::Stream,
};
use crate::{Fetched, Offset, ReadError, Reader, ReaderSettings, TopicPartition};

/// How long the thread waits for records before it looks whether it is to end.
const TICK: Duration = Duration::from_millis(100);

pub(super) struct KafkaReader {
    consumer: Arc<Consumer>,
    feed: Arc<Feed>,
    closing: Arc<AtomicBool>,
}

impl KafkaReader {
    /// Starts the reader's thread. The topics exist already.
    pub(super) fn start(
        configs: &Configs,
        from: Vec<(TopicPartition, Offset)>,
        settings: &ReaderSettings,
        request_timeout: Duration,
    ) -> Result<Self, ReadError> {
        let refused = |error: NativeError| ReadError::Refused { what: "make a reader".into(), source: error.into() };
        let consumer = Arc::new(Consumer::new(&configs.reader(settings)).map_err(refused)?);
        // The other half of the bound is librdkafka's own queue.
        let feed = Arc::new(Feed::new(settings.ahead_bytes_max / 2));
        let closing = Arc::new(AtomicBool::new(false));
        let stream = Stream::new(consumer.clone(), feed.clone(), None, request_timeout);
        let ends = closing.clone();
        thread::Builder::new()
            .name("kafka-reader".into())
            .spawn(move || run(stream, from, &ends))
            .map_err(|error| refused(NativeError::with_text(Code::FATAL, error.to_string())))?;
        Ok(Self { consumer, feed, closing })
    }
}

#[async_trait]
impl Reader for KafkaReader {
    async fn next(&mut self, wait: Duration) -> Result<Fetched, ReadError> {
        let Ok((item, made_room)) = tokio::time::timeout(wait, self.feed.take()).await else {
            return Ok(Fetched::default());
        };
        if made_room {
            self.consumer.wake();
        }
        match item {
            Item::Fetched(fetched) => Ok(fetched),
            Item::Failed(error) => Err(error),
            Item::Assigned(_) | Item::Revoked(_) => Ok(Fetched::default()),
        }
    }
}

impl Drop for KafkaReader {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Release);
        self.consumer.wake();
    }
}

fn run(mut stream: Stream, from: Vec<(TopicPartition, Offset)>, closing: &AtomicBool) {
    // Negative offsets have meanings of their own in librdkafka.
    let (good, bad): (Vec<_>, Vec<_>) = from.into_iter().partition(|(_, offset)| offset.0 >= 0);
    for (partition, offset) in bad {
        let error = stream.out_of_range(partition, offset.0);
        stream.feed.push(Item::Failed(error));
    }
    for (partition, offset) in &good {
        stream.add(partition.clone(), offset.0);
    }
    let positions = List::new(good.iter().map(|(p, offset)| (&*p.topic, p.partition, offset.0)));
    if let Err(error) = stream.consumer.assign(&positions) {
        let what = "begin to read".to_owned();
        stream.feed.push(Item::Failed(ReadError::Refused { what, source: error.into() }));
    }
    while !closing.load(Ordering::Acquire) {
        stream.turn(TICK);
    }
    // Records that are still held keep the client alive, but it fetches nothing any more.
    let _ = stream.consumer.assign(&List::new([]));
}
