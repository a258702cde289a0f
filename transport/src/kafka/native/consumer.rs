//! An owned consumer: one thread polls it, any thread may commit through it.

use std::{
    ptr::NonNull,
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{ClientConfig, bindings};

use super::{
    Code, Fresh, List, NativeError, Origin, Position, Rebalance,
    client::{Client, Kind},
    event::Queue,
    millis,
};

/// What a poll gave.
pub(crate) enum Polled<'c> {
    Nothing,
    Record(Fresh<'c>),
    /// The partition has no more records for now; the message's offset is the next to read.
    End(Fresh<'c>),
    /// librdkafka gave up on something; the message names the partition, where it is about one.
    Failed(NativeError, Fresh<'c>),
}

/// A consumer with a group id. It belongs to the group only once it has subscribed.
pub(crate) struct Consumer {
    queue: Queue,
}

impl Consumer {
    pub(crate) fn new(config: &ClientConfig) -> Result<Self, NativeError> {
        let client = Client::new(&Kind::Consumer, config)?;
        // SAFETY: the client lives. Its log and error callbacks are served by polling the consumer's queue from here
        // on.
        NativeError::check(Code::from_native(unsafe { bindings::rd_kafka_poll_set_consumer(client.as_ptr()) }))?;
        let queue = Queue::of_consumer(client).ok_or_else(|| NativeError::new(Code::INVALID_ARGUMENT))?;
        Ok(Self { queue })
    }

    fn client(&self) -> &Arc<Client> {
        self.queue.client()
    }

    /// Waits for the next record or event, at most `wait`. Only one thread may poll.
    ///
    /// One record at a time: `rd_kafka_consume_batch_queue` takes the offset of an end of partition for that of a
    /// record, and would skip one after the partition was paused.
    pub(crate) fn poll(&self, wait: Duration) -> Polled<'_> {
        // SAFETY: the queue lives; the message returned is ours.
        let message = unsafe { bindings::rd_kafka_consume_queue(self.queue.as_ptr(), millis(wait)) };
        let Some(message) = NonNull::new(message) else { return Polled::Nothing };
        // SAFETY: it came from a queue of this client, and is given away here.
        let message = unsafe { Fresh::new(message, self.client()) };
        match message.code() {
            Code::NONE => Polled::Record(message),
            Code::PARTITION_EOF => Polled::End(message),
            code => {
                let said = message.value().map(|text| String::from_utf8_lossy(text).into_owned());
                Polled::Failed(NativeError::with_text(code, said.unwrap_or_default()), message)
            }
        }
    }

    /// What records of a topic that this consumer fetched share.
    pub(crate) fn origin(&self, topic: Arc<str>) -> Arc<Origin> {
        Origin::new(topic, self.client().clone())
    }

    /// Ends a [`Consumer::poll`] that waits.
    pub(crate) fn wake(&self) {
        self.queue.wake();
    }

    /// What the group asked since the last call. Each one must be answered, in order, with `incremental_assign` (also
    /// of nothing) or `incremental_unassign`.
    pub(crate) fn take_rebalances(&self) -> Vec<Rebalance> {
        self.client().take_rebalances()
    }

    /// Since when no broker can be reached.
    pub(crate) fn down_since(&self) -> Option<Instant> {
        self.client().down_since()
    }

    /// Notes that a broker was reached.
    pub(crate) fn is_up(&self) {
        self.client().is_up();
    }

    /// The error after which the consumer is of no more use.
    pub(crate) fn fatal_error(&self) -> Option<NativeError> {
        self.client().fatal_error()
    }

    /// Why a broker could not be reached, last time.
    pub(crate) fn last_failure(&self) -> Option<String> {
        self.client().last_failure()
    }

    /// Joins the group.
    pub(crate) fn subscribe(&self, topics: &[String]) -> Result<(), NativeError> {
        let topics = List::new(topics.iter().map(|topic| (topic.as_str(), -1, List::NO_OFFSET)));
        // SAFETY: client and list live; the list is copied.
        NativeError::check(Code::from_native(unsafe {
            bindings::rd_kafka_subscribe(self.client().as_ptr(), topics.as_ptr())
        }))
    }

    /// Reads exactly these partitions from these offsets on, outside the group.
    pub(crate) fn assign(&self, positions: &List) -> Result<(), NativeError> {
        // SAFETY: client and list live; the list is copied.
        NativeError::check(Code::from_native(unsafe {
            bindings::rd_kafka_assign(self.client().as_ptr(), positions.as_ptr())
        }))
    }

    /// Begins to read more partitions, from these offsets on.
    pub(crate) fn incremental_assign(&self, positions: &List) -> Result<(), NativeError> {
        // SAFETY: client and list live; the list is copied; the error returned is ours.
        unsafe { NativeError::take(bindings::rd_kafka_incremental_assign(self.client().as_ptr(), positions.as_ptr())) }
    }

    /// Ends reading partitions. After this, none of their records is handed out.
    pub(crate) fn incremental_unassign(&self, partitions: &List) -> Result<(), NativeError> {
        // SAFETY: client and list live; the list is copied; the error returned is ours.
        unsafe {
            NativeError::take(bindings::rd_kafka_incremental_unassign(self.client().as_ptr(), partitions.as_ptr()))
        }
    }

    /// Stops or restarts fetching. What was fetched and not polled yet is thrown away and fetched again later.
    pub(crate) fn pause(&self, partitions: &List, paused: bool) {
        // SAFETY: client and list live. The result is always success; unknown partitions are marked in the list.
        unsafe {
            if paused {
                bindings::rd_kafka_pause_partitions(self.client().as_ptr(), partitions.as_ptr());
            } else {
                bindings::rd_kafka_resume_partitions(self.client().as_ptr(), partitions.as_ptr());
            }
        }
    }

    /// The committed offsets of the group; [`List::NO_OFFSET`] where there is none. Blocks.
    pub(crate) fn committed(&self, partitions: &List, wait: Duration) -> Result<Vec<Position>, NativeError> {
        // SAFETY: client and list live; the offsets are written into the list, which nobody else has.
        NativeError::check(Code::from_native(unsafe {
            bindings::rd_kafka_committed(self.client().as_ptr(), partitions.as_ptr(), millis(wait))
        }))?;
        Ok(partitions.positions())
    }

    /// Whether some topic went missing since the last call; [`Consumer::probe`] tells which.
    pub(crate) fn take_topic_missing(&self) -> bool {
        self.client().take_topic_missing()
    }

    /// Asks a broker about a topic: an error when it does not exist, or nobody answers. Blocks.
    pub(crate) fn probe(&self, topic: &str, wait: Duration) -> Result<(), NativeError> {
        let topic = super::c_string(topic);
        let mut metadata = std::ptr::null();
        // SAFETY: client and name live; a topic handle is made, used and given back; the pointer is ours to be written
        // to, and what it points to is ours when the call succeeded; the array has the length beside it.
        unsafe {
            let topic = bindings::rd_kafka_topic_new(self.client().as_ptr(), topic.as_ptr(), std::ptr::null_mut());
            if topic.is_null() {
                return Err(NativeError::new(Code::INVALID_TOPIC));
            }
            let asked = bindings::rd_kafka_metadata(self.client().as_ptr(), 0, topic, &raw mut metadata, millis(wait));
            bindings::rd_kafka_topic_destroy(topic);
            NativeError::check(Code::from_native(asked))?;
            let found = if (*metadata).topic_cnt > 0 {
                Code::read(&raw const (*(*metadata).topics).err)
            } else {
                Code::UNKNOWN_TOPIC_OR_PARTITION
            };
            bindings::rd_kafka_metadata_destroy(metadata);
            NativeError::check(found)
        }
    }

    /// The first offset that can be read and the high watermark. Blocks.
    pub(crate) fn watermarks(&self, topic: &str, partition: i32, wait: Duration) -> Result<(i64, i64), NativeError> {
        let topic = super::c_string(topic);
        let (mut low, mut high) = (0, 0);
        // SAFETY: client and name live; the two integers are ours to be written to.
        NativeError::check(Code::from_native(unsafe {
            bindings::rd_kafka_query_watermark_offsets(
                self.client().as_ptr(),
                topic.as_ptr(),
                partition,
                &raw mut low,
                &raw mut high,
                millis(wait),
            )
        }))?;
        Ok((low, high))
    }

    /// Sends a commit of the group's offsets; the answer is waited for apart.
    pub(crate) fn commit(&self, positions: &List) -> Result<PendingCommit, NativeError> {
        let answer = Queue::new(self.client().clone());
        // SAFETY: client, list and queue live; the list is copied; without a callback the answer is an event.
        NativeError::check(Code::from_native(unsafe {
            bindings::rd_kafka_commit_queue(
                self.client().as_ptr(),
                positions.as_ptr(),
                answer.as_ptr(),
                None,
                std::ptr::null_mut(),
            )
        }))?;
        Ok(PendingCommit { answer })
    }

    /// Member and generation, for a transaction that commits offsets; none when the client is closed.
    pub(crate) fn group_metadata(&self) -> Option<GroupMetadata> {
        // SAFETY: the client lives; what is returned is ours.
        NonNull::new(unsafe { bindings::rd_kafka_consumer_group_metadata(self.client().as_ptr()) }).map(GroupMetadata)
    }

    /// Leaves the group, in at most `deadline`; partitions are given up without asking anybody. True when the group
    /// knows.
    pub(crate) fn close(&self, deadline: Duration) -> bool {
        let until = Instant::now() + deadline;
        let events = Queue::new(self.client().clone());
        // SAFETY: client and queue live; the error returned is ours.
        let begun = unsafe {
            NativeError::take(bindings::rd_kafka_consumer_close_queue(self.client().as_ptr(), events.as_ptr()))
        };
        if begun.is_err() {
            return false;
        }
        // Answers a rebalance that still waits; while closing, every answer gives all partitions up.
        let _ = self.assign_nothing();
        loop {
            // SAFETY: the client lives.
            if unsafe { bindings::rd_kafka_consumer_closed(self.client().as_ptr()) } != 0 {
                return true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            // A rebalance is the only event to answer: everything goes. As an event it never reaches `on_rebalance`.
            let event = events.poll(left.min(Duration::from_millis(50)));
            if event.is_some_and(|event| event.kind() == bindings::RD_KAFKA_EVENT_REBALANCE) {
                let _ = self.assign_nothing();
            }
        }
    }

    fn assign_nothing(&self) -> Result<(), NativeError> {
        // SAFETY: the client lives; no list means no partitions.
        NativeError::check(Code::from_native(unsafe {
            bindings::rd_kafka_assign(self.client().as_ptr(), std::ptr::null())
        }))
    }
}

/// Who the member is at this moment, an owned `rd_kafka_consumer_group_metadata_t`.
pub(crate) struct GroupMetadata(NonNull<bindings::rd_kafka_consumer_group_metadata_t>);

// SAFETY: plain memory that this value alone owns.
unsafe impl Send for GroupMetadata {}

impl GroupMetadata {
    pub(super) fn as_ptr(&self) -> *const bindings::rd_kafka_consumer_group_metadata_t {
        self.0.as_ptr()
    }
}

impl Drop for GroupMetadata {
    fn drop(&mut self) {
        // SAFETY: owned, and not used afterwards.
        unsafe { bindings::rd_kafka_consumer_group_metadata_destroy(self.0.as_ptr()) };
    }
}

/// A commit that was sent.
pub(crate) struct PendingCommit {
    answer: Queue,
}

impl PendingCommit {
    /// Waits for the answer: the partitions, each with its own code. Blocks.
    pub(crate) fn wait(self, wait: Duration) -> Result<Vec<Position>, NativeError> {
        let event = self
            .answer
            .poll(wait)
            .ok_or_else(|| NativeError::new(Code::TIMED_OUT).after(self.answer.client().last_failure()))?;
        event.check()?;
        Ok(event.positions())
    }
}
