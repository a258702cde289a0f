//! librdkafka, made safe: the one module of the crate that may be unsafe.
//!
//! Everything it exports is safe to call. It knows nothing of the traits of this crate; it has owned clients, messages,
//! lists and events, with the lifetimes that librdkafka asks for.
//!
//! Why not the `rdkafka` crate's own clients: its end-of-partition event names no topic, its partition queues can stall
//! after a rebalance, closing its consumer blocks without a bound, and it has neither topic ids nor `ListOffsets`. Its
//! bindings and its build of the C library are what is used here.
#![allow(unsafe_code)]

mod admin;
mod client;
mod consumer;
mod error;
mod event;
mod groups;
mod headers;
mod list;
mod message;
mod producer;

pub(crate) use admin::{AdminClient, Described, NewTopic, OffsetSpec};
pub(crate) use client::Rebalance;
pub(crate) use consumer::{Consumer, GroupMetadata, Polled};
pub(crate) use error::{Code, NativeError};
pub(crate) use list::{List, Position};
pub(crate) use message::{Fresh, Message, Origin};
pub(crate) use producer::{Deliver, Producer, Topic};

use std::{
    ffi::{CStr, CString, c_char, c_int},
    time::Duration,
};

/// A duration as librdkafka takes it, rounded up so that a short wait does not become none.
fn millis(duration: Duration) -> c_int {
    let whole = duration.as_millis();
    let rounded = if duration > Duration::from_millis(whole as u64) { whole + 1 } else { whole };
    c_int::try_from(rounded).unwrap_or(c_int::MAX)
}

/// A string for librdkafka. Names with a NUL inside exist nowhere in Kafka: they become the empty name, which it
/// refuses.
fn c_string(text: &str) -> CString {
    CString::new(text).unwrap_or_default()
}

/// A string from librdkafka, copied; empty where the pointer is null.
///
/// # Safety
/// `text` is null or points to a string that ends with NUL and is not freed meanwhile.
unsafe fn text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: not null, and the caller vouches for the rest.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_short_waits_up() {
        for (duration, expected) in [
            (Duration::ZERO, 0),
            (Duration::from_micros(1), 1),
            (Duration::from_millis(5), 5),
            (Duration::from_micros(5_001), 6),
            (Duration::MAX, c_int::MAX),
        ] {
            assert_eq!(millis(duration), expected, "{duration:?}");
        }
    }
}
