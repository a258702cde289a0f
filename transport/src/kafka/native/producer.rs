//! An owned producer, with or without transactions.

use std::{
    collections::HashMap,
    ffi::c_void,
    ptr::{self, NonNull},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rdkafka::{
    ClientConfig, bindings,
    bindings::{rd_kafka_vtype_t as V, rd_kafka_vu_s as Argument, rd_kafka_vu_s__bindgen_ty_1 as Value},
};

use super::{
    Code, GroupMetadata, List, NativeError, c_string,
    client::{Client, Kind},
    millis,
};
use crate::NewRecord;

/// Told what became of one record.
pub(crate) trait Deliver: Send + 'static {
    /// Called once, in a call of [`Producer::poll`]: the record's offset, or why it is not known to be there.
    fn deliver(self, outcome: Result<i64, NativeError>);
}

/// A producer whose records each carry a `D`. Each `D` that [`Producer::produce`] took is delivered as long as the
/// producer is polled; what is left when it is dropped is leaked, not delivered: purge and poll before.
pub(crate) struct Producer<D: Deliver> {
    /// librdkafka looks a topic up in a list each time it gets a name, so they are kept. Destroyed before the client.
    topics: Mutex<HashMap<Arc<str>, Topic>>,
    client: Arc<Client>,
    delivers: std::marker::PhantomData<fn(D)>,
}

struct Topic(NonNull<bindings::rd_kafka_topic_t>);

// SAFETY: a counted handle that librdkafka allows to be used from any thread.
unsafe impl Send for Topic {}

impl Drop for Topic {
    fn drop(&mut self) {
        // SAFETY: our reference, not used afterwards; the client is still alive, see the fields of `Producer`.
        unsafe { bindings::rd_kafka_topic_destroy(self.0.as_ptr()) };
    }
}

impl<D: Deliver> Producer<D> {
    pub(crate) fn new(config: &ClientConfig) -> Result<Self, NativeError> {
        let client = Client::new(&Kind::Producer(on_delivery::<D>), config)?;
        Ok(Self { topics: Mutex::default(), client, delivers: std::marker::PhantomData })
    }

    /// Queues a record; never blocks. Gives `delivery` back when the record was refused at once.
    pub(crate) fn produce(&self, record: &NewRecord, delivery: D) -> Result<(), (NativeError, D)> {
        let topic = match self.topic(&record.topic) {
            Ok(topic) => topic,
            Err(error) => return Err((error, delivery)),
        };
        let headers = headers(record);
        let opaque = Box::into_raw(Box::new(delivery));
        let (key, key_size) = parts(record.key.as_deref());
        let (value, value_size) = parts(record.value.as_deref());
        // 0 would mean "now".
        let timestamp = record.timestamp_ms.map_or(0, |at| if at == 0 { 1 } else { at });
        let memory = |ptr: *mut c_void, size| bindings::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 { ptr, size };
        let arguments = [
            Argument { vtype: V::RD_KAFKA_VTYPE_RKT, u: Value { rkt: topic.as_ptr() } },
            Argument { vtype: V::RD_KAFKA_VTYPE_PARTITION, u: Value { i32_: record.partition } },
            Argument { vtype: V::RD_KAFKA_VTYPE_MSGFLAGS, u: Value { i: bindings::RD_KAFKA_MSG_F_COPY } },
            Argument { vtype: V::RD_KAFKA_VTYPE_KEY, u: Value { mem: memory(key, key_size) } },
            Argument { vtype: V::RD_KAFKA_VTYPE_VALUE, u: Value { mem: memory(value, value_size) } },
            Argument { vtype: V::RD_KAFKA_VTYPE_TIMESTAMP, u: Value { i64_: timestamp } },
            Argument { vtype: V::RD_KAFKA_VTYPE_OPAQUE, u: Value { ptr: opaque.cast() } },
            Argument { vtype: V::RD_KAFKA_VTYPE_HEADERS, u: Value { headers } },
        ];
        // SAFETY: the client and the topic live; key and value live through the call and are copied; the opaque pointer
        // comes back once, in `on_delivery`; the headers go over to librdkafka unless the call fails.
        let outcome = unsafe {
            NativeError::take(bindings::rd_kafka_produceva(self.client.as_ptr(), arguments.as_ptr(), arguments.len()))
        };
        outcome.map_err(|error| {
            // SAFETY: a call that failed has kept neither; null headers were never made.
            unsafe {
                if !headers.is_null() {
                    bindings::rd_kafka_headers_destroy(headers);
                }
                (error, *Box::from_raw(opaque))
            }
        })
    }

    /// Learns how many partitions the topic has now. Blocks.
    pub(crate) fn refresh(&self, topic: &Arc<str>, wait: Duration) -> Result<(), NativeError> {
        let topic = self.topic(topic)?;
        let mut metadata = ptr::null();
        // SAFETY: client and topic live; the pointer is ours to be written to, and freed when the call succeeded.
        unsafe {
            let code =
                bindings::rd_kafka_metadata(self.client.as_ptr(), 0, topic.as_ptr(), &raw mut metadata, millis(wait));
            NativeError::check(Code::from_native(code))?;
            bindings::rd_kafka_metadata_destroy(metadata);
        }
        Ok(())
    }

    /// Delivers outcomes, waiting up to `wait` for the first.
    pub(crate) fn poll(&self, wait: Duration) {
        // SAFETY: the client lives.
        unsafe { bindings::rd_kafka_poll(self.client.as_ptr(), millis(wait)) };
    }

    /// How many records (and events) wait to be sent, confirmed or delivered.
    pub(crate) fn outstanding(&self) -> usize {
        // SAFETY: the client lives.
        usize::try_from(unsafe { bindings::rd_kafka_outq_len(self.client.as_ptr()) }).unwrap_or(0)
    }

    /// Gives up all records that wait; poll afterwards to have that delivered.
    pub(crate) fn purge(&self) {
        let all = bindings::RD_KAFKA_PURGE_F_QUEUE | bindings::RD_KAFKA_PURGE_F_INFLIGHT;
        // SAFETY: the client lives; the call fails only for other kinds of clients.
        unsafe { bindings::rd_kafka_purge(self.client.as_ptr(), all) };
    }

    /// Why a broker could not be reached, last time.
    pub(crate) fn last_failure(&self) -> Option<String> {
        self.client.last_failure()
    }

    /// The error after which the producer is of no more use.
    pub(crate) fn fatal_error(&self) -> Option<NativeError> {
        self.client.fatal_error()
    }

    /// Fences earlier producers of the transactional id. Blocks.
    pub(crate) fn init_transactions(&self, wait: Duration) -> Result<(), NativeError> {
        // SAFETY: the client lives; the error returned is ours.
        unsafe { NativeError::take(bindings::rd_kafka_init_transactions(self.client.as_ptr(), millis(wait))) }
    }

    pub(crate) fn begin_transaction(&self) -> Result<(), NativeError> {
        // SAFETY: the client lives; the error returned is ours.
        unsafe { NativeError::take(bindings::rd_kafka_begin_transaction(self.client.as_ptr())) }
    }

    /// Adds offsets of a group to the transaction. Blocks.
    pub(crate) fn send_offsets(
        &self,
        positions: &List,
        member: &GroupMetadata,
        wait: Duration,
    ) -> Result<(), NativeError> {
        // SAFETY: client, list and metadata live through the call, and are copied; the error returned is ours.
        unsafe {
            NativeError::take(bindings::rd_kafka_send_offsets_to_transaction(
                self.client.as_ptr(),
                positions.as_ptr(),
                member.as_ptr(),
                millis(wait),
            ))
        }
    }

    /// Commits; records in flight are waited for, so another thread must poll meanwhile. Blocks.
    pub(crate) fn commit_transaction(&self, wait: Duration) -> Result<(), NativeError> {
        // SAFETY: the client lives; the error returned is ours.
        unsafe { NativeError::take(bindings::rd_kafka_commit_transaction(self.client.as_ptr(), millis(wait))) }
    }

    /// Aborts; records in flight are purged. Another thread must poll meanwhile. Blocks.
    pub(crate) fn abort_transaction(&self, wait: Duration) -> Result<(), NativeError> {
        // SAFETY: the client lives; the error returned is ours.
        unsafe { NativeError::take(bindings::rd_kafka_abort_transaction(self.client.as_ptr(), millis(wait))) }
    }

    fn topic(&self, name: &Arc<str>) -> Result<NonNull<bindings::rd_kafka_topic_t>, NativeError> {
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(topic) = topics.get(name) {
            return Ok(topic.0);
        }
        let c_name = c_string(name);
        // SAFETY: the client and the name live; without a configuration the client's defaults hold.
        let topic = unsafe { bindings::rd_kafka_topic_new(self.client.as_ptr(), c_name.as_ptr(), ptr::null_mut()) };
        let topic = NonNull::new(topic).ok_or_else(|| NativeError::new(Code::INVALID_TOPIC))?;
        topics.insert(name.clone(), Topic(topic));
        Ok(topic)
    }
}

/// Null stays null; empty is a pointer to nothing.
fn parts(data: Option<&[u8]>) -> (*mut c_void, usize) {
    data.map_or((ptr::null_mut(), 0), |data| (data.as_ptr().cast_mut().cast(), data.len()))
}

/// A new list of headers, or null for none.
fn headers(record: &NewRecord) -> *mut bindings::rd_kafka_headers_t {
    if record.headers.is_empty() {
        return ptr::null_mut();
    }
    // SAFETY: takes any count; aborts rather than return null.
    let headers = unsafe { bindings::rd_kafka_headers_new(record.headers.len()) };
    for header in &record.headers {
        let (value, size) = parts(header.value.as_deref());
        // SAFETY: name and value live through the call, with their lengths, and are copied. It fails only for a list
        // that belongs to a message already.
        unsafe {
            bindings::rd_kafka_header_add(
                headers,
                header.name.as_ptr().cast(),
                isize::try_from(header.name.len()).unwrap_or(0),
                value,
                isize::try_from(size).unwrap_or(0),
            );
        }
    }
    headers
}

unsafe extern "C" fn on_delivery<D: Deliver>(
    _rk: *mut bindings::rd_kafka_t,
    message: *const bindings::rd_kafka_message_t,
    _opaque: *mut c_void,
) {
    // SAFETY: the message lives through the call; its private pointer is the box that `produce` leaked, and this is the
    // one time that it comes back.
    let (delivery, code, offset) = unsafe {
        let opaque = (&raw const (*message)._private).read().cast::<D>();
        (Box::from_raw(opaque), Code::read(&raw const (*message).err), (&raw const (*message).offset).read())
    };
    delivery.deliver(NativeError::check(code).map(|()| offset));
}
