//! Error codes and errors of librdkafka and of brokers.

use std::{
    ffi::{c_char, c_int},
    fmt,
};

use rdkafka::{
    bindings,
    types::{RDKafkaRespErr, RDKafkaRespErr as E},
};

use super::text;

// Declared here with an integer for the code. The bindings have an enum there, and a broker may answer with a code that
// is newer than the enum; to hold such a value in it would be undefined behaviour.
unsafe extern "C" {
    fn rd_kafka_err2str(err: c_int) -> *const c_char;
    fn rd_kafka_err2name(err: c_int) -> *const c_char;
    #[link_name = "rd_kafka_error_code"]
    fn error_code(error: *const bindings::rd_kafka_error_t) -> c_int;
}

/// An error code; negative ones are librdkafka's own, positive ones come from a broker.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Code(c_int);

macro_rules! codes {
    ($($name:ident = $native:ident;)*) => {
        impl Code {
            $(pub(crate) const $name: Self = Self(E::$native as c_int);)*
        }
    };
}

codes! {
    NONE = RD_KAFKA_RESP_ERR_NO_ERROR;
    PARTITION_EOF = RD_KAFKA_RESP_ERR__PARTITION_EOF;
    AUTO_OFFSET_RESET = RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET;
    LOCAL_UNKNOWN_TOPIC = RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC;
    LOCAL_UNKNOWN_PARTITION = RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
    UNKNOWN_TOPIC_OR_PARTITION = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    UNKNOWN_TOPIC_ID = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_ID;
    TOPIC_EXISTS = RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS;
    INVALID_TOPIC = RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION;
    INVALID_PARTITIONS = RD_KAFKA_RESP_ERR_INVALID_PARTITIONS;
    INVALID_REPLICATION = RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR;
    INVALID_CONFIG = RD_KAFKA_RESP_ERR_INVALID_CONFIG;
    INVALID_REQUEST = RD_KAFKA_RESP_ERR_INVALID_REQUEST;
    INVALID_ARGUMENT = RD_KAFKA_RESP_ERR__INVALID_ARG;
    POLICY_VIOLATION = RD_KAFKA_RESP_ERR_POLICY_VIOLATION;
    TOO_LARGE = RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
    BATCH_TOO_LARGE = RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE;
    INVALID_RECORD = RD_KAFKA_RESP_ERR_INVALID_RECORD;
    INVALID_DIFFERENT_RECORD = RD_KAFKA_RESP_ERR__INVALID_DIFFERENT_RECORD;
    TIMED_OUT = RD_KAFKA_RESP_ERR__TIMED_OUT;
    TIMED_OUT_QUEUE = RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE;
    MESSAGE_TIMED_OUT = RD_KAFKA_RESP_ERR__MSG_TIMED_OUT;
    REQUEST_TIMED_OUT = RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT;
    TRANSPORT = RD_KAFKA_RESP_ERR__TRANSPORT;
    RESOLVE = RD_KAFKA_RESP_ERR__RESOLVE;
    ALL_BROKERS_DOWN = RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
    WAIT_COORDINATOR = RD_KAFKA_RESP_ERR__WAIT_COORD;
    COORDINATOR_LOADING = RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS;
    COORDINATOR_NOT_AVAILABLE = RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE;
    NOT_COORDINATOR = RD_KAFKA_RESP_ERR_NOT_COORDINATOR;
    LEADER_NOT_AVAILABLE = RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
    NOT_LEADER = RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION;
    BROKER_NOT_AVAILABLE = RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE;
    NETWORK = RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION;
    NOT_ENOUGH_REPLICAS = RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS;
    ILLEGAL_GENERATION = RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION;
    UNKNOWN_MEMBER = RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID;
    REBALANCE_IN_PROGRESS = RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS;
    FENCED_INSTANCE = RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
    ASSIGNMENT_LOST = RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST;
    MAX_POLL_EXCEEDED = RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED;
    GROUP_NOT_FOUND = RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND;
    NON_EMPTY_GROUP = RD_KAFKA_RESP_ERR_NON_EMPTY_GROUP;
    GROUP_UNAUTHORIZED = RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
    FENCED = RD_KAFKA_RESP_ERR__FENCED;
    INVALID_PRODUCER_EPOCH = RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
    PRODUCER_FENCED = RD_KAFKA_RESP_ERR_PRODUCER_FENCED;
    TX_COORDINATOR_FENCED = RD_KAFKA_RESP_ERR_TRANSACTION_COORDINATOR_FENCED;
    PURGED_QUEUE = RD_KAFKA_RESP_ERR__PURGE_QUEUE;
    PURGED_IN_FLIGHT = RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
    DESTROYED = RD_KAFKA_RESP_ERR__DESTROY;
    BROKER_DESTROYED = RD_KAFKA_RESP_ERR__DESTROY_BROKER;
    FATAL = RD_KAFKA_RESP_ERR__FATAL;
    IN_PROGRESS = RD_KAFKA_RESP_ERR__IN_PROGRESS;
}

impl Code {
    pub(super) fn from_raw(code: c_int) -> Self {
        Self(code)
    }

    pub(super) fn from_native(code: RDKafkaRespErr) -> Self {
        Self(code as c_int)
    }

    /// Reads a code out of a struct of librdkafka's without making an enum of it.
    ///
    /// # Safety
    /// `field` points to a code that may be read.
    pub(super) unsafe fn read(field: *const RDKafkaRespErr) -> Self {
        // SAFETY: the enum is an `i32` in memory, and the caller vouches for the pointer.
        Self(unsafe { field.cast::<c_int>().read() })
    }

    /// The code of an error object.
    ///
    /// # Safety
    /// `error` is not null and lives through the call.
    pub(super) unsafe fn from_native_error(error: *const bindings::rd_kafka_error_t) -> Self {
        // SAFETY: the caller vouches for the pointer.
        Self(unsafe { error_code(error) })
    }

    /// Whether trying again later may help: the brokers are away, busy, or moving something.
    pub(crate) fn is_transient(self) -> bool {
        [
            Self::TIMED_OUT,
            Self::TIMED_OUT_QUEUE,
            Self::REQUEST_TIMED_OUT,
            Self::TRANSPORT,
            Self::RESOLVE,
            Self::ALL_BROKERS_DOWN,
            Self::WAIT_COORDINATOR,
            Self::COORDINATOR_LOADING,
            Self::COORDINATOR_NOT_AVAILABLE,
            Self::NOT_COORDINATOR,
            Self::LEADER_NOT_AVAILABLE,
            Self::NOT_LEADER,
            Self::BROKER_NOT_AVAILABLE,
            Self::BROKER_DESTROYED,
            Self::NETWORK,
            Self::NOT_ENOUGH_REPLICAS,
            Self::REBALANCE_IN_PROGRESS,
            Self::IN_PROGRESS,
        ]
        .contains(&self)
    }

    /// Whether it says that a topic (or, from a broker, perhaps only a partition) does not exist.
    pub(crate) fn is_unknown_topic(self) -> bool {
        [Self::UNKNOWN_TOPIC_OR_PARTITION, Self::UNKNOWN_TOPIC_ID, Self::LOCAL_UNKNOWN_TOPIC].contains(&self)
    }

    /// Whether a group refuses positions from outside because it has members.
    pub(crate) fn is_of_active_group(self) -> bool {
        [Self::NON_EMPTY_GROUP, Self::UNKNOWN_MEMBER, Self::ILLEGAL_GENERATION].contains(&self)
    }

    /// Whether a newer transactional writer took over.
    pub(crate) fn is_fenced(self) -> bool {
        [Self::FENCED, Self::INVALID_PRODUCER_EPOCH, Self::PRODUCER_FENCED, Self::TX_COORDINATOR_FENCED].contains(&self)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SAFETY: takes any integer and returns a static string, or null for none.
        let name = unsafe { text(rd_kafka_err2name(self.0)) };
        write!(f, "{name}({})", self.0)
    }
}

/// What librdkafka or a broker said went wrong.
#[derive(Debug, Clone)]
pub(crate) struct NativeError {
    pub(crate) code: Code,
    /// The client is of no more use.
    pub(crate) fatal: bool,
    /// The same call may be made again.
    pub(crate) retriable: bool,
    /// Of a record: no broker has it, for certain.
    pub(crate) not_sent: bool,
    text: String,
}

impl NativeError {
    pub(crate) fn new(code: Code) -> Self {
        // SAFETY: takes any integer and returns a static string.
        Self::with_text(code, unsafe { text(rd_kafka_err2str(code.0)) })
    }

    pub(crate) fn with_text(code: Code, text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() && code != Code::NONE {
            return Self::new(code);
        }
        Self { code, fatal: false, retriable: false, not_sent: false, text }
    }

    /// Marks the client as of no more use.
    pub(super) fn fatal(self) -> Self {
        Self { fatal: true, ..self }
    }

    /// Says of a record whether no broker has it, for certain.
    pub(crate) fn of_record(self, not_sent: bool) -> Self {
        Self { not_sent, ..self }
    }

    /// Adds what the client saw last of the brokers, which says more than "timed out".
    #[must_use]
    pub(crate) fn after(mut self, seen: Option<String>) -> Self {
        if let Some(seen) = seen {
            self.text = format!("{}; before that: {seen}", self.text);
        }
        self
    }

    /// A code as a result.
    pub(super) fn check(code: Code) -> Result<(), Self> {
        if code == Code::NONE { Ok(()) } else { Err(Self::new(code)) }
    }

    /// Takes an error object of librdkafka; null is none.
    ///
    /// # Safety
    /// `error` is null or an object that the caller owns; it is destroyed.
    pub(super) unsafe fn take(error: *mut bindings::rd_kafka_error_t) -> Result<(), Self> {
        if error.is_null() {
            return Ok(());
        }
        // SAFETY: not null, and owned by the caller until it is destroyed below.
        let taken = unsafe { Self::read(error) };
        // SAFETY: as above; it is not used afterwards.
        unsafe { bindings::rd_kafka_error_destroy(error) };
        Err(taken)
    }

    /// Copies an error object of librdkafka.
    ///
    /// # Safety
    /// `error` is not null and lives through the call.
    pub(super) unsafe fn read(error: *const bindings::rd_kafka_error_t) -> Self {
        // SAFETY: the caller vouches for the pointer; the string lives as long as the error.
        unsafe {
            Self {
                code: Code(error_code(error)),
                fatal: bindings::rd_kafka_error_is_fatal(error) != 0,
                retriable: bindings::rd_kafka_error_is_retriable(error) != 0,
                not_sent: false,
                text: text(bindings::rd_kafka_error_string(error)),
            }
        }
    }
}

impl fmt::Display for NativeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{:?}]", self.text, self.code)
    }
}

impl std::error::Error for NativeError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_codes_that_the_bindings_do_not_know() {
        assert_eq!(format!("{:?}", Code::TOPIC_EXISTS), "TOPIC_ALREADY_EXISTS(36)");
        assert!(NativeError::new(Code::from_raw(30_000)).to_string().contains("30000"));
    }

    #[test]
    fn sorts_codes() {
        assert!(Code::TRANSPORT.is_transient() && !Code::TOPIC_EXISTS.is_transient());
        assert!(Code::PRODUCER_FENCED.is_fenced() && !Code::TRANSPORT.is_fenced());
        assert!(Code::LOCAL_UNKNOWN_TOPIC.is_unknown_topic() && !Code::TIMED_OUT.is_unknown_topic());
    }
}
