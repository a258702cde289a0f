//! A record as librdkafka fetched it.

use std::{
    ffi::{CStr, c_char, c_void},
    ptr::{self, NonNull},
    sync::{Arc, OnceLock},
};

use rdkafka::bindings;

use super::{Code, client::Client};

/// An owned `rd_kafka_message_t`, destroyed when it is dropped. Its client must live at that moment.
struct Owned(NonNull<bindings::rd_kafka_message_t>);

/// What polling gave, on the thread that polls: a record, or an event that is told as one.
pub(crate) struct Fresh<'c> {
    owned: Owned,
    client: &'c Arc<Client>,
}

/// Where records come from: what those of one partition share, so that a record counts one reference and no more.
pub(crate) struct Origin {
    topic: Arc<str>,
    client: Arc<Client>,
}

/// A record that is kept. Key and value are read where librdkafka put them; it shares the fetched batch with the other
/// messages of it, which is freed with the last one.
pub(crate) struct Message {
    owned: Owned,
    /// Parsing headers writes into the message, so it happens once, under this lock.
    headers: OnceLock<Headers>,
    /// Dropped after the message, in the order of the fields: a message must not outlive its client.
    origin: Arc<Origin>,
}

/// Null for none.
struct Headers(*mut bindings::rd_kafka_headers_t);

// SAFETY: the message is owned by one value and librdkafka allows it to be read and destroyed on any thread; what
// several messages share (the fetched buffer, the topic, the partition) is counted atomically.
unsafe impl Send for Message {}
// SAFETY: through a shared reference the message is only read, except when its headers are parsed, which `OnceLock`
// does once and makes visible to all threads.
unsafe impl Sync for Message {}
// SAFETY: the pointer is to memory of the message, written before it got into the `OnceLock` and only read afterwards.
unsafe impl Send for Headers {}
// SAFETY: as above.
unsafe impl Sync for Headers {}

impl Origin {
    pub(super) fn new(topic: Arc<str>, client: Arc<Client>) -> Arc<Self> {
        Arc::new(Self { topic, client })
    }
}

impl<'c> Fresh<'c> {
    /// # Safety
    /// `message` belongs to `client`, and the caller gives it away.
    pub(super) unsafe fn new(message: NonNull<bindings::rd_kafka_message_t>, client: &'c Arc<Client>) -> Self {
        Self { owned: Owned(message), client }
    }

    /// `None` for a message that is an error without a topic.
    pub(crate) fn topic(&self) -> Option<&str> {
        // SAFETY: the message keeps its topic, and with it the name, alive.
        unsafe {
            let topic = (&raw const (*self.owned.as_ptr()).rkt).read();
            if topic.is_null() {
                return None;
            }
            CStr::from_ptr(bindings::rd_kafka_topic_name(topic)).to_str().ok()
        }
    }

    pub(crate) fn partition(&self) -> i32 {
        // SAFETY: the message is owned.
        unsafe { (&raw const (*self.owned.as_ptr()).partition).read() }
    }

    pub(crate) fn offset(&self) -> i64 {
        // SAFETY: the message is owned.
        unsafe { (&raw const (*self.owned.as_ptr()).offset).read() }
    }

    pub(crate) fn timestamp_ms(&self) -> i64 {
        // SAFETY: the message is owned; a null type is allowed.
        unsafe { bindings::rd_kafka_message_timestamp(self.owned.as_ptr(), ptr::null_mut()) }
    }

    pub(super) fn code(&self) -> Code {
        // SAFETY: the message is owned.
        unsafe { Code::read(&raw const (*self.owned.as_ptr()).err) }
    }

    /// For a message that is an error, its text.
    pub(super) fn value(&self) -> Option<&[u8]> {
        self.owned.value()
    }

    /// Keeps it beyond the poll. `None` where the origin is another client's, which would not keep this one alive.
    pub(crate) fn keep(self, origin: &Arc<Origin>) -> Option<Message> {
        Arc::ptr_eq(self.client, &origin.client).then(|| Message {
            owned: self.owned,
            headers: OnceLock::new(),
            origin: origin.clone(),
        })
    }
}

impl Owned {
    fn as_ptr(&self) -> *mut bindings::rd_kafka_message_t {
        self.0.as_ptr()
    }

    fn value(&self) -> Option<&[u8]> {
        // SAFETY: pointer and length belong together and live as long as the message.
        unsafe {
            let message = self.as_ptr();
            bytes((&raw const (*message).payload).read(), (&raw const (*message).len).read())
        }
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: owned, and not used afterwards. The client is alive: borrowed by `Fresh`, kept by `Message`'s origin.
        unsafe { bindings::rd_kafka_message_destroy(self.as_ptr()) };
    }
}

impl Message {
    /// The full name of its topic.
    pub(crate) fn topic(&self) -> &Arc<str> {
        &self.origin.topic
    }

    pub(crate) fn key(&self) -> Option<&[u8]> {
        // SAFETY: pointer and length belong together and live as long as the message.
        unsafe {
            let message = self.owned.as_ptr();
            bytes((&raw const (*message).key).read(), (&raw const (*message).key_len).read())
        }
    }

    pub(crate) fn value(&self) -> Option<&[u8]> {
        self.owned.value()
    }

    /// All headers in their order.
    pub(crate) fn headers(&self) -> HeaderIter<'_> {
        let headers = self.headers.get_or_init(|| {
            let mut headers = ptr::null_mut();
            // SAFETY: the message is owned, and only this closure, which runs once, makes librdkafka write into it.
            // Null where there are none or they cannot be parsed.
            unsafe { bindings::rd_kafka_message_headers(self.owned.as_ptr(), &raw mut headers) };
            Headers(headers)
        });
        HeaderIter { headers, next: 0 }
    }
}

/// The headers of a message, one after the other.
pub(crate) struct HeaderIter<'a> {
    headers: &'a Headers,
    next: usize,
}

impl<'a> Iterator for HeaderIter<'a> {
    type Item = (&'a [u8], Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.headers.0.is_null() {
            return None;
        }
        let header = header(self.headers, self.next);
        self.next += 1;
        header
    }
}

/// One header; the lifetime is that of the message, which owns what the pointers point to.
fn header(headers: &Headers, index: usize) -> Option<(&[u8], Option<&[u8]>)> {
    let (mut name, mut value, mut size) = (ptr::null::<c_char>(), ptr::null::<c_void>(), 0);
    // SAFETY: the headers live; the three pointers are ours to be written to.
    let code =
        unsafe { bindings::rd_kafka_header_get_all(headers.0, index, &raw mut name, &raw mut value, &raw mut size) };
    if Code::from_native(code) != Code::NONE {
        return None;
    }
    // SAFETY: a name that ends with NUL, a pointer with its length, both as long as the message.
    unsafe { Some((CStr::from_ptr(name).to_bytes(), bytes(value, size))) }
}

/// # Safety
/// `data` is null or has `size` bytes that live for `'a`.
unsafe fn bytes<'a>(data: *const c_void, size: usize) -> Option<&'a [u8]> {
    // SAFETY: the caller vouches for it.
    (!data.is_null()).then(|| unsafe { std::slice::from_raw_parts(data.cast(), size) })
}
