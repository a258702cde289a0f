//! An owned producer, with or without transactions.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    ffi::c_void,
    mem,
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
    headers::HeaderList,
    millis,
};
use crate::{NewRecord, Outgoing};

/// What carriers of delivered records may hold back for the records to come. Beyond it they are freed.
const SPARE_BYTES_MAX: usize = 8 << 20;
/// How many lists of headers that differ in their lengths are told apart. Beyond it they are freed.
const SHAPES_MAX: usize = 64;

/// Told what became of one record.
pub(crate) trait Deliver: Send + 'static {
    /// Called once, in a call of [`Producer::poll`]: the record's offset, or why it is not known to be there.
    fn deliver(self, outcome: Result<i64, NativeError>);
}

/// A producer whose records each carry a `D`. Each `D` that [`Producer::produce`] took is delivered as long as the
/// producer is polled; what is left when it is dropped is leaked, not delivered: purge and poll before.
pub(crate) struct Producer<D: Deliver> {
    topics: Mutex<HashMap<Arc<str>, Topic>>,
    spares: Mutex<Spares<D>>,
    client: Arc<Client>,
}

/// A topic of one producer: librdkafka looks a topic up in a list each time it gets a name.
pub(crate) struct Topic {
    rkt: NonNull<bindings::rd_kafka_topic_t>,
    /// Lives as long as what points into it.
    _client: Arc<Client>,
}

// SAFETY: a counted handle that librdkafka allows to be used from any thread.
unsafe impl Send for Topic {}
// SAFETY: as above, by several at once.
unsafe impl Sync for Topic {}

impl Drop for Topic {
    fn drop(&mut self) {
        // SAFETY: our reference, not used afterwards; the client is still alive, as a field.
        unsafe { bindings::rd_kafka_topic_destroy(self.rkt.as_ptr()) };
    }
}

/// What librdkafka keeps with a record and gives back with its outcome. Used again for a record whose headers are as long:
/// to free and allocate a list of ten headers for each record costs more than all else that is done for it.
struct Carrier<D> {
    delivery: Option<D>,
    /// While the record is on its way librdkafka owns the list.
    headers: Option<HeaderList>,
    shape: u64,
}

/// Carriers that came back, by the lengths of their headers.
struct Spares<D> {
    shelves: Vec<(u64, Vec<Box<Carrier<D>>>)>,
    bytes: usize,
}

// SAFETY: a list of headers that no record has is plain memory, which any thread may use or free.
unsafe impl<D: Send> Send for Spares<D> {}

impl<D> Spares<D> {
    fn take(&mut self, shape: u64) -> Option<Box<Carrier<D>>> {
        let carrier = self.shelves.iter_mut().find(|(found, _)| *found == shape)?.1.pop()?;
        self.bytes -= carrier.bytes();
        Some(carrier)
    }

    fn put(&mut self, carrier: Box<Carrier<D>>) {
        let bytes = self.bytes + carrier.bytes();
        if bytes > SPARE_BYTES_MAX {
            return;
        }
        let shelf = self.shelves.iter().position(|(shape, _)| *shape == carrier.shape);
        let shelf = match shelf {
            Some(shelf) => shelf,
            None if self.shelves.len() == SHAPES_MAX => return,
            None => {
                self.shelves.push((carrier.shape, Vec::new()));
                self.shelves.len() - 1
            }
        };
        self.shelves[shelf].1.push(carrier);
        self.bytes = bytes;
    }

    fn clear(&mut self) {
        self.shelves = Vec::new();
        self.bytes = 0;
    }
}

impl<D> Carrier<D> {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.headers.as_ref().map_or(0, HeaderList::bytes)
    }
}

thread_local! {
    /// The carriers that a poll of this thread has got back: a `RefCell<Vec<Box<Carrier<D>>>>` of the producer that is
    /// polled, or null outside of a poll.
    static RETURNED: Cell<*const c_void> = const { Cell::new(ptr::null()) };
}

impl<D: Deliver> Producer<D> {
    pub(crate) fn new(config: &ClientConfig) -> Result<Self, NativeError> {
        let client = Client::new(&Kind::Producer(on_delivery::<D>), config)?;
        let spares = Mutex::new(Spares { shelves: Vec::new(), bytes: 0 });
        Ok(Self { topics: Mutex::default(), spares, client })
    }

    /// Queues a record for a topic by its name; otherwise as [`Producer::produce_to`].
    pub(crate) fn produce(&self, record: &NewRecord, delivery: D) -> Result<(), (NativeError, D)> {
        match self.named(&record.topic) {
            Ok(topic) => self.produce_raw(topic, record, delivery),
            Err(error) => Err((error, delivery)),
        }
    }

    /// Queues a record; never blocks. Gives `delivery` back when the record was refused at once.
    pub(crate) fn produce_to(
        &self,
        topic: &Topic,
        record: &impl Outgoing,
        delivery: D,
    ) -> Result<(), (NativeError, D)> {
        self.produce_raw(topic.rkt, record, delivery)
    }

    fn produce_raw(
        &self,
        topic: NonNull<bindings::rd_kafka_topic_t>,
        record: &impl Outgoing,
        delivery: D,
    ) -> Result<(), (NativeError, D)> {
        let mut carrier = self.carrier(record);
        carrier.delivery = Some(delivery);
        let headers = carrier.headers.as_ref().map_or(ptr::null_mut(), HeaderList::as_ptr);
        let opaque = Box::into_raw(carrier);
        let (key, key_size) = parts(record.key());
        let (value, value_size) = parts(record.value());
        // 0 would mean "now".
        let timestamp = record.timestamp_ms().map_or(0, |at| if at == 0 { 1 } else { at });
        let memory = |ptr: *mut c_void, size| bindings::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 { ptr, size };
        let arguments = [
            Argument { vtype: V::RD_KAFKA_VTYPE_RKT, u: Value { rkt: topic.as_ptr() } },
            Argument { vtype: V::RD_KAFKA_VTYPE_PARTITION, u: Value { i32_: record.partition() } },
            Argument { vtype: V::RD_KAFKA_VTYPE_MSGFLAGS, u: Value { i: bindings::RD_KAFKA_MSG_F_COPY } },
            Argument { vtype: V::RD_KAFKA_VTYPE_KEY, u: Value { mem: memory(key, key_size) } },
            Argument { vtype: V::RD_KAFKA_VTYPE_VALUE, u: Value { mem: memory(value, value_size) } },
            Argument { vtype: V::RD_KAFKA_VTYPE_TIMESTAMP, u: Value { i64_: timestamp } },
            Argument { vtype: V::RD_KAFKA_VTYPE_OPAQUE, u: Value { ptr: opaque.cast() } },
            Argument { vtype: V::RD_KAFKA_VTYPE_HEADERS, u: Value { headers } },
        ];
        // SAFETY: the client and the topic live; key and value live through the call and are copied; the opaque pointer
        // comes back once, in `on_delivery`; the headers are librdkafka's from here until then, unless the call fails.
        let outcome = unsafe {
            NativeError::take(bindings::rd_kafka_produceva(self.client.as_ptr(), arguments.as_ptr(), arguments.len()))
        };
        outcome.map_err(|error| {
            // SAFETY: a call that failed has kept neither the carrier nor its headers.
            let mut carrier = unsafe { Box::from_raw(opaque) };
            let delivery = carrier.delivery.take().expect("it was put there above, and nobody had the carrier since");
            lock(&self.spares).put(carrier);
            (error, delivery)
        })
    }

    /// A carrier with the record's headers.
    fn carrier(&self, record: &impl Outgoing) -> Box<Carrier<D>> {
        let shape = HeaderList::shape(record.headers());
        let spare = lock(&self.spares).take(shape);
        if let Some(mut carrier) = spare
            && carrier.headers.as_mut().is_none_or(|list| list.refill(record.headers()))
        {
            return carrier;
        }
        let headers = (record.headers().len() > 0).then(|| HeaderList::new(record.headers()));
        Box::new(Carrier { delivery: None, headers, shape })
    }

    /// Learns how many partitions the topic has now. Blocks.
    pub(crate) fn refresh(&self, topic: &Arc<str>, wait: Duration) -> Result<(), NativeError> {
        let topic = self.named(topic)?;
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

    /// Delivers outcomes, waiting up to `wait` for the first. Not from within a delivery.
    pub(crate) fn poll(&self, wait: Duration) {
        let returned = RefCell::new(Vec::<Box<Carrier<D>>>::new());
        RETURNED.set((&raw const returned).cast());
        // SAFETY: the client lives. Its callbacks run in this thread, during the call, and only they use `returned`.
        unsafe { bindings::rd_kafka_poll(self.client.as_ptr(), millis(wait)) };
        RETURNED.set(ptr::null());
        let returned = returned.into_inner();
        if !returned.is_empty() {
            let mut spares = lock(&self.spares);
            returned.into_iter().for_each(|carrier| spares.put(carrier));
        } else if self.outstanding() == 0 {
            lock(&self.spares).clear();
        }
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

    /// The topic of this name, for records to come.
    pub(crate) fn topic(&self, name: &Arc<str>) -> Result<Topic, NativeError> {
        let c_name = c_string(name);
        // SAFETY: the client and the name live; without a configuration the client's defaults hold.
        let rkt = unsafe { bindings::rd_kafka_topic_new(self.client.as_ptr(), c_name.as_ptr(), ptr::null_mut()) };
        let rkt = NonNull::new(rkt).ok_or_else(|| NativeError::new(Code::INVALID_TOPIC))?;
        Ok(Topic { rkt, _client: self.client.clone() })
    }

    /// The same, kept as long as the producer lives.
    fn named(&self, name: &Arc<str>) -> Result<NonNull<bindings::rd_kafka_topic_t>, NativeError> {
        let mut topics = lock(&self.topics);
        if let Some(topic) = topics.get(name) {
            return Ok(topic.rkt);
        }
        let topic = self.topic(name)?;
        let rkt = topic.rkt;
        topics.insert(name.clone(), topic);
        Ok(rkt)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Null stays null; empty is a pointer to nothing.
fn parts(data: Option<&[u8]>) -> (*mut c_void, usize) {
    data.map_or((ptr::null_mut(), 0), |data| (data.as_ptr().cast_mut().cast(), data.len()))
}

unsafe extern "C" fn on_delivery<D: Deliver>(
    _rk: *mut bindings::rd_kafka_t,
    message: *const bindings::rd_kafka_message_t,
    _opaque: *mut c_void,
) {
    // SAFETY: the message lives through the call; its private pointer is the box that `produce_raw` leaked, and this is the
    // one time that it comes back. Its list of headers becomes ours again: librdkafka is done with the record.
    let (mut carrier, code, offset) = unsafe {
        let mut carrier = Box::from_raw((&raw const (*message)._private).read().cast::<Carrier<D>>());
        if let Some(list) = &carrier.headers {
            let mut detached = ptr::null_mut();
            bindings::rd_kafka_message_detach_headers(message.cast_mut(), &raw mut detached);
            // A list that is not given back is freed with the record, and so must not be freed here.
            if detached != list.as_ptr() {
                mem::forget(carrier.headers.take());
            }
        }
        (carrier, Code::read(&raw const (*message).err), (&raw const (*message).offset).read())
    };
    let delivery = carrier.delivery.take();
    let returned = RETURNED.get().cast::<RefCell<Vec<Box<Carrier<D>>>>>();
    // SAFETY: not null only during a poll, whose cell outlives it; a producer is polled with the callback of its own `D`.
    if let Some(returned) = unsafe { returned.as_ref() } {
        returned.borrow_mut().push(carrier);
    }
    let outcome = NativeError::check(code).map(|()| offset).map_err(|error| {
        // SAFETY: the message lives through the call.
        let status = unsafe { bindings::rd_kafka_message_status(message) };
        let not_sent = status == bindings::rd_kafka_msg_status_t::RD_KAFKA_MSG_STATUS_NOT_PERSISTED;
        error.of_record(not_sent)
    });
    if let Some(delivery) = delivery {
        delivery.deliver(outcome);
    }
}
