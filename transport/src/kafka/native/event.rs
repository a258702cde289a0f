//! Queues and events: how librdkafka answers what was asked asynchronously.

use std::{ptr::NonNull, sync::Arc, time::Duration};

use rdkafka::bindings;

use super::{Code, NativeError, client::Client, list, millis};

/// A queue for the answers to one call, or the consumer's queue. Keeps its client alive.
pub(super) struct Queue {
    ptr: NonNull<bindings::rd_kafka_queue_t>,
    client: Arc<Client>,
}

// SAFETY: librdkafka guards its queues with locks of their own; all its calls on them may be made from any thread.
unsafe impl Send for Queue {}
// SAFETY: as above.
unsafe impl Sync for Queue {}

impl Queue {
    pub(super) fn new(client: Arc<Client>) -> Self {
        // SAFETY: the client lives; the call never fails.
        let ptr = unsafe { bindings::rd_kafka_queue_new(client.as_ptr()) };
        Self { ptr: NonNull::new(ptr).expect("librdkafka aborts when memory runs out"), client }
    }

    /// The queue of a consumer that has a group.
    pub(super) fn of_consumer(client: Arc<Client>) -> Option<Self> {
        // SAFETY: the client lives; the result is null for a client that has no such queue.
        let ptr = NonNull::new(unsafe { bindings::rd_kafka_queue_get_consumer(client.as_ptr()) })?;
        Some(Self { ptr, client })
    }

    pub(super) fn client(&self) -> &Arc<Client> {
        &self.client
    }

    pub(super) fn as_ptr(&self) -> *mut bindings::rd_kafka_queue_t {
        self.ptr.as_ptr()
    }

    /// Waits for the next event.
    pub(super) fn poll(&self, wait: Duration) -> Option<Event> {
        // SAFETY: the queue lives; the event returned is ours to destroy.
        NonNull::new(unsafe { bindings::rd_kafka_queue_poll(self.as_ptr(), millis(wait)) }).map(Event)
    }

    /// Ends a wait on this queue, in whichever thread it is.
    pub(super) fn wake(&self) {
        // SAFETY: the queue lives; the call only sets a flag and signals.
        unsafe { bindings::rd_kafka_queue_yield(self.as_ptr()) };
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: our reference to the queue, not used afterwards; the client is dropped after this.
        unsafe { bindings::rd_kafka_queue_destroy(self.as_ptr()) };
    }
}

/// An answer.
pub(super) struct Event(NonNull<bindings::rd_kafka_event_t>);

impl Event {
    pub(super) fn as_ptr(&self) -> *mut bindings::rd_kafka_event_t {
        self.0.as_ptr()
    }

    pub(super) fn kind(&self) -> i32 {
        // SAFETY: the event is owned.
        unsafe { bindings::rd_kafka_event_type(self.as_ptr()) }
    }

    /// The error of the whole event.
    pub(super) fn check(&self) -> Result<(), NativeError> {
        // SAFETY: the event is owned; the string lives as long as it.
        unsafe {
            let code = event_error(self.as_ptr());
            if Code::from_raw(code) == Code::NONE {
                return Ok(());
            }
            let said = super::text(bindings::rd_kafka_event_error_string(self.as_ptr()));
            Err(NativeError::with_text(Code::from_raw(code), said))
        }
    }

    /// The partitions of a commit's answer.
    pub(super) fn positions(&self) -> Vec<list::Position> {
        // SAFETY: the list belongs to the event, which is owned; null where there is none.
        unsafe { list::positions(bindings::rd_kafka_event_topic_partition_list(self.as_ptr())) }
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: owned, and not used afterwards.
        unsafe { bindings::rd_kafka_event_destroy(self.as_ptr()) };
    }
}

// With an integer for the code, see `error.rs`.
unsafe extern "C" {
    #[link_name = "rd_kafka_event_error"]
    fn event_error(event: *mut bindings::rd_kafka_event_t) -> std::ffi::c_int;
}
