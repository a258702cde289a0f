//! An owned client, its callbacks, and how it ends.

use std::{
    ffi::{c_char, c_int, c_void},
    ptr::NonNull,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Instant,
};

use rdkafka::{ClientConfig, bindings, error::KafkaError, types::RDKafkaType};

use super::{Code, NativeError, list, text};

/// What a group told its member.
#[derive(Debug)]
pub(crate) struct Rebalance {
    pub(crate) assigned: bool,
    /// Revoked partitions that others may have already.
    pub(crate) lost: bool,
    pub(crate) partitions: Vec<(String, i32)>,
}

/// Which callbacks a client needs.
pub(super) enum Kind {
    Admin,
    Producer(DeliveryCallback),
    Consumer,
}

pub(super) type DeliveryCallback =
    unsafe extern "C" fn(*mut bindings::rd_kafka_t, *const bindings::rd_kafka_message_t, *mut c_void);

/// What the callbacks leave for the client's owner. Reached from librdkafka's threads, so everything is behind a lock.
#[derive(Default)]
pub(super) struct Context {
    rebalances: Mutex<Vec<Rebalance>>,
    /// The last line that librdkafka logged as an error: why a connection failed.
    seen: Mutex<Option<String>>,
    /// Since when no broker can be reached.
    down_since: Mutex<Option<Instant>>,
    /// A topic that is read is not known to the brokers any more; which one stands only in a text.
    topic_missing: AtomicBool,
}

/// An owned `rd_kafka_t`.
///
/// Whatever points into it (queues, topics, messages) holds an `Arc` of it, so that it is destroyed last. Destroying
/// waits for librdkafka's threads; it happens on a thread of its own, because the last owner may be an async task. A
/// consumer with a commit that no broker answered takes until its session time-out.
pub(super) struct Client {
    rk: NonNull<bindings::rd_kafka_t>,
    context: Arc<Context>,
}

// SAFETY: librdkafka's handles may be used from any thread, at the same time; its documentation promises so.
unsafe impl Send for Client {}
// SAFETY: as above.
unsafe impl Sync for Client {}

impl Client {
    pub(super) fn new(kind: &Kind, config: &ClientConfig) -> Result<Arc<Self>, NativeError> {
        let config = config.create_native_config().map_err(|error| config_error(&error))?;
        let context = Arc::<Context>::default();
        let mut said = [0 as c_char; 512];
        // SAFETY: the configuration is copied, and `rd_kafka_new` takes the copy unless it fails. The opaque pointer
        // stays valid because `context` is dropped only after the client is destroyed. The callbacks have the
        // signatures asked for.
        let rk = unsafe {
            let conf = bindings::rd_kafka_conf_dup(config.ptr());
            bindings::rd_kafka_conf_set_opaque(conf, Arc::as_ptr(&context).cast_mut().cast());
            bindings::rd_kafka_conf_set_log_cb(conf, Some(on_log));
            let client_type = match kind {
                Kind::Admin => RDKafkaType::RD_KAFKA_PRODUCER,
                Kind::Producer(delivered) => {
                    bindings::rd_kafka_conf_set_dr_msg_cb(conf, Some(*delivered));
                    bindings::rd_kafka_conf_set_error_cb(conf, Some(on_error));
                    RDKafkaType::RD_KAFKA_PRODUCER
                }
                Kind::Consumer => {
                    bindings::rd_kafka_conf_set_rebalance_cb(conf, Some(on_rebalance));
                    bindings::rd_kafka_conf_set_error_cb(conf, Some(on_error));
                    RDKafkaType::RD_KAFKA_CONSUMER
                }
            };
            let rk = bindings::rd_kafka_new(client_type, conf, said.as_mut_ptr(), said.len());
            if rk.is_null() {
                bindings::rd_kafka_conf_destroy(conf);
            }
            rk
        };
        match NonNull::new(rk) {
            Some(rk) => Ok(Arc::new(Self { rk, context })),
            // SAFETY: librdkafka wrote a string that ends with NUL into the buffer, or nothing.
            None => Err(NativeError::with_text(Code::INVALID_ARGUMENT, unsafe { text(said.as_ptr()) })),
        }
    }

    pub(super) fn as_ptr(&self) -> *mut bindings::rd_kafka_t {
        self.rk.as_ptr()
    }

    pub(super) fn take_rebalances(&self) -> Vec<Rebalance> {
        std::mem::take(&mut *lock(&self.context.rebalances))
    }

    /// Why brokers could not be reached, the last time that one could not.
    pub(super) fn last_failure(&self) -> Option<String> {
        lock(&self.context.seen).clone()
    }

    /// Since when no broker can be reached, as far as the client noticed.
    pub(super) fn down_since(&self) -> Option<Instant> {
        *lock(&self.context.down_since)
    }

    /// Whether some topic went missing since the last call.
    pub(super) fn take_topic_missing(&self) -> bool {
        self.context.topic_missing.swap(false, Ordering::AcqRel)
    }

    /// A broker was reached.
    pub(super) fn is_up(&self) {
        *lock(&self.context.down_since) = None;
    }

    /// The error after which a client is of no more use, if there was one.
    pub(super) fn fatal_error(&self) -> Option<NativeError> {
        let mut said = [0 as c_char; 512];
        // SAFETY: the client lives; a string that ends with NUL is written into the buffer when there is an error.
        unsafe {
            let code = Code::from_native(bindings::rd_kafka_fatal_error(self.as_ptr(), said.as_mut_ptr(), said.len()));
            (code != Code::NONE).then(|| NativeError::with_text(code, text(said.as_ptr())).fatal())
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        struct Remains(
            NonNull<bindings::rd_kafka_t>,
            #[allow(dead_code, reason = "held until destroyed")] Arc<Context>,
        );
        // SAFETY: as for `Client`.
        unsafe impl Send for Remains {}
        let remains = Remains(self.rk, self.context.clone());
        // A system that cannot start a thread leaks the client.
        let _ = thread::Builder::new().name("coursebus-kafka-end".into()).spawn(move || {
            let remains = remains;
            // SAFETY: the last owner is gone: nothing points into the client. A consumer that was to leave its group
            // has left it before; without the flag this would wait for a group without a bound.
            unsafe {
                bindings::rd_kafka_destroy_flags(remains.0.as_ptr(), bindings::RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
            }
        });
    }
}

/// Says which setting was refused, not its value, which may be a secret.
fn config_error(error: &KafkaError) -> NativeError {
    let what = match error {
        KafkaError::ClientConfig(_, _, name, _) => format!("librdkafka refuses the value of {name}"),
        _ => "librdkafka refuses the settings".to_owned(),
    };
    NativeError::with_text(Code::INVALID_ARGUMENT, what)
}

/// No panic happens while these locks are held, and what they guard is whole at any time.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// # Safety
/// `opaque` is the context that [`Client::new`] set.
unsafe fn context<'a>(opaque: *mut c_void) -> Option<&'a Context> {
    // SAFETY: null before it is set, else the context, which outlives the client and with it every callback.
    unsafe { opaque.cast::<Context>().as_ref() }
}

unsafe extern "C" fn on_log(
    rk: *const bindings::rd_kafka_t,
    level: c_int,
    facility: *const c_char,
    line: *const c_char,
) {
    // SAFETY: librdkafka passes strings that live through the call.
    let (facility, line) = unsafe { (text(facility), text(line)) };
    match level {
        ..=2 => tracing::error!(target: "librdkafka", facility, "{line}"),
        3 | 4 => tracing::warn!(target: "librdkafka", facility, "{line}"),
        5 => tracing::info!(target: "librdkafka", facility, "{line}"),
        6 => tracing::debug!(target: "librdkafka", facility, "{line}"),
        _ => tracing::trace!(target: "librdkafka", facility, "{line}"),
    }
    if level <= 3 && !rk.is_null() {
        // SAFETY: the client is alive while it logs, and its opaque pointer is the context.
        if let Some(context) = unsafe { context(bindings::rd_kafka_opaque(rk)) } {
            *lock(&context.seen) = Some(line);
        }
    }
}

unsafe extern "C" fn on_error(_rk: *mut bindings::rd_kafka_t, code: c_int, reason: *const c_char, opaque: *mut c_void) {
    // SAFETY: a string that lives through the call, and our context.
    let (reason, context) = unsafe { (text(reason), context(opaque)) };
    let code = Code::from_raw(code);
    tracing::debug!(target: "librdkafka", ?code, "{reason}");
    let Some(context) = context else { return };
    if code == Code::ALL_BROKERS_DOWN {
        lock(&context.down_since).get_or_insert_with(Instant::now);
    } else if code.is_unknown_topic() {
        context.topic_missing.store(true, Ordering::Release);
    } else if code != Code::FATAL {
        *lock(&context.seen) = Some(reason);
    }
}

/// Only notes what is asked: the poll loop answers with `incremental_assign` or `incremental_unassign` when it is
/// ready, and polls meanwhile. librdkafka waits for the answer, not for the end of the callback.
unsafe extern "C" fn on_rebalance(
    rk: *mut bindings::rd_kafka_t,
    code: bindings::rd_kafka_resp_err_t,
    partitions: *mut bindings::rd_kafka_topic_partition_list_t,
    opaque: *mut c_void,
) {
    let assigned = Code::from_native(code)
        == Code::from_native(bindings::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS);
    // SAFETY: the list and the client live through the call, and the opaque pointer is our context.
    let (partitions, lost, context) =
        unsafe { (list::positions(partitions), bindings::rd_kafka_assignment_lost(rk) != 0, context(opaque)) };
    if let Some(context) = context {
        let partitions = partitions.into_iter().map(|p| (p.topic, p.partition)).collect();
        lock(&context.rebalances).push(Rebalance { assigned, lost: lost && !assigned, partitions });
    }
}
