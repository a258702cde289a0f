//! Lists of partitions with offsets.

use std::{ffi::CStr, ptr::NonNull};

use rdkafka::bindings;

use super::{Code, c_string};

/// One entry of a [`List`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) code: Code,
}

/// An owned `rd_kafka_topic_partition_list_t`.
pub(crate) struct List(NonNull<bindings::rd_kafka_topic_partition_list_t>);

// SAFETY: the list is plain memory that this value alone owns; librdkafka keeps no thread-local state for it.
unsafe impl Send for List {}

impl List {
    /// Stands for "no offset": the group has none.
    pub(crate) const NO_OFFSET: i64 = bindings::RD_KAFKA_OFFSET_INVALID as i64;
    /// The first record that is there.
    pub(crate) const BEGINNING: i64 = bindings::RD_KAFKA_OFFSET_BEGINNING as i64;

    /// Makes a list of topics, partitions and offsets.
    pub(crate) fn new<'a>(entries: impl IntoIterator<Item = (&'a str, i32, i64)>) -> Self {
        let entries = entries.into_iter();
        let capacity = i32::try_from(entries.size_hint().0).unwrap_or(0);
        // SAFETY: takes any capacity; aborts the process rather than return null when memory runs out.
        let list = unsafe { bindings::rd_kafka_topic_partition_list_new(capacity) };
        let list = Self(NonNull::new(list).expect("librdkafka aborts when memory runs out"));
        for (topic, partition, offset) in entries {
            let topic = c_string(topic);
            // SAFETY: the list is owned, the name lives through the call and is copied; the entry returned is valid
            // until the list changes.
            unsafe {
                let entry = bindings::rd_kafka_topic_partition_list_add(list.as_ptr(), topic.as_ptr(), partition);
                (*entry).offset = offset;
            }
        }
        list
    }

    pub(super) fn as_ptr(&self) -> *mut bindings::rd_kafka_topic_partition_list_t {
        self.0.as_ptr()
    }

    /// Copies the entries out.
    pub(crate) fn positions(&self) -> Vec<Position> {
        // SAFETY: the list is owned by `self` and lives through the call.
        unsafe { positions(self.as_ptr()) }
    }
}

impl Drop for List {
    fn drop(&mut self) {
        // SAFETY: owned, and not used afterwards.
        unsafe { bindings::rd_kafka_topic_partition_list_destroy(self.as_ptr()) };
    }
}

/// Copies the entries of a list that librdkafka owns; null is an empty list.
///
/// # Safety
/// `list` is null or lives through the call.
pub(super) unsafe fn positions(list: *const bindings::rd_kafka_topic_partition_list_t) -> Vec<Position> {
    // SAFETY: the caller vouches for the pointer; `elems` has `cnt` entries.
    unsafe {
        let Some(list) = list.as_ref() else { return Vec::new() };
        (0..usize::try_from(list.cnt).unwrap_or(0)).map(|i| position(list.elems.add(i))).collect()
    }
}

/// Copies one entry.
///
/// # Safety
/// `entry` points to an entry that lives through the call.
pub(super) unsafe fn position(entry: *const bindings::rd_kafka_topic_partition_t) -> Position {
    // SAFETY: the caller vouches for the pointer; the topic of an entry is always a string. The code is read as an
    // integer, without a reference to the whole struct, because it may be none that the bindings know.
    unsafe {
        Position {
            topic: CStr::from_ptr((&raw const (*entry).topic).read()).to_string_lossy().into_owned(),
            partition: (&raw const (*entry).partition).read(),
            offset: (&raw const (*entry).offset).read(),
            code: Code::read(&raw const (*entry).err),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_back_what_it_was_made_of() {
        let list = List::new([("a", 0, 5), ("b", 3, List::BEGINNING), ("nul\0inside", 1, 0)]);
        let found: Vec<_> = list.positions().into_iter().map(|p| (p.topic, p.partition, p.offset)).collect();
        assert_eq!(found, [("a".to_owned(), 0, 5), ("b".to_owned(), 3, -2), (String::new(), 1, 0)]);
        assert!(List::new([]).positions().is_empty());
    }
}
