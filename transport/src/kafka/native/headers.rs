//! Lists of headers that are used again.
//!
//! librdkafka allocates each header by itself. Of the ten headers of an event eight never change and the other two keep
//! their lengths, so a list that comes back with its record is filled again in place: what differs is written over.

use std::{
    ffi::c_void,
    ptr::{self, NonNull},
    slice,
};

use rdkafka::bindings;

/// A list of headers that no record has, or that librdkafka is going to give back ([`HeaderList::as_ptr`]).
pub(super) struct HeaderList {
    list: NonNull<bindings::rd_kafka_headers_t>,
    slots: Box<[Slot]>,
    bytes: usize,
}

/// Where a header lies in the list's own memory.
struct Slot {
    name: *const u8,
    name_bytes: usize,
    /// Null for a null value.
    value: *mut u8,
    value_bytes: usize,
}

impl HeaderList {
    /// A new list.
    pub(super) fn new<'a>(headers: impl ExactSizeIterator<Item = (&'a [u8], Option<&'a [u8]>)>) -> Self {
        // SAFETY: takes any count; aborts rather than return null.
        let list = unsafe { bindings::rd_kafka_headers_new(headers.len()) };
        let list = NonNull::new(list).expect("librdkafka aborts where it has no memory");
        let mut bytes = 0;
        for (name, value) in headers {
            bytes += name.len() + value.map_or(0, <[u8]>::len) + size_of::<Slot>() * 2;
            let (data, size) = value.map_or((ptr::null(), 0), |value| (value.as_ptr().cast::<c_void>(), value.len()));
            // SAFETY: name and value live through the call, with their lengths, and are copied. It fails only for a list
            // that belongs to a message already.
            unsafe {
                bindings::rd_kafka_header_add(
                    list.as_ptr(),
                    name.as_ptr().cast(),
                    isize::try_from(name.len()).unwrap_or(0),
                    data,
                    isize::try_from(size).unwrap_or(0),
                );
            }
        }
        // SAFETY: the list is ours.
        let count = unsafe { bindings::rd_kafka_header_cnt(list.as_ptr()) };
        let slots = (0..count).map(|index| slot(list, index)).collect();
        Self { list, slots, bytes }
    }

    /// A number that is the same for headers whose names and values are as long; seldom for others.
    pub(super) fn shape<'a>(headers: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>) -> u64 {
        const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
        headers.fold(0, |shape, (name, value)| {
            let value = value.map_or(u64::MAX, |value| value.len() as u64);
            ((shape ^ name.len() as u64).wrapping_mul(FACTOR) ^ value).wrapping_mul(FACTOR).rotate_left(23)
        })
    }

    /// Makes this the list of other headers with the same names and with values as long as its own. False where they are
    /// not such headers: then it is of no more use.
    pub(super) fn refill<'a>(&mut self, headers: impl ExactSizeIterator<Item = (&'a [u8], Option<&'a [u8]>)>) -> bool {
        headers.len() == self.slots.len()
            && headers.zip(&self.slots).all(|((name, value), slot)| slot.refill(name, value))
    }

    /// For a record. Until the list comes back with it, nothing else may be done with this.
    pub(super) fn as_ptr(&self) -> *mut bindings::rd_kafka_headers_t {
        self.list.as_ptr()
    }

    /// What it takes of memory, about.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for HeaderList {
    fn drop(&mut self) {
        // SAFETY: no record has the list, see `as_ptr`.
        unsafe { bindings::rd_kafka_headers_destroy(self.list.as_ptr()) };
    }
}

fn slot(list: NonNull<bindings::rd_kafka_headers_t>, index: usize) -> Slot {
    let (mut name, mut value, mut value_bytes) = (ptr::null(), ptr::null(), 0);
    // SAFETY: the list is ours and has this index; the names end with NUL. (Should it not have it, all stays null.)
    unsafe {
        bindings::rd_kafka_header_get_all(list.as_ptr(), index, &raw mut name, &raw mut value, &raw mut value_bytes);
        let name_bytes = if name.is_null() { 0 } else { std::ffi::CStr::from_ptr(name).count_bytes() };
        Slot { name: name.cast(), name_bytes, value: value.cast_mut().cast(), value_bytes }
    }
}

impl Slot {
    fn refill(&self, name: &[u8], value: Option<&[u8]>) -> bool {
        if self.name.is_null() {
            return false;
        }
        // SAFETY: the header lives as long as its list, and its lengths never change.
        if unsafe { slice::from_raw_parts(self.name, self.name_bytes) } != name {
            return false;
        }
        let Some(value) = value else { return self.value.is_null() };
        if self.value.is_null() || self.value_bytes != value.len() {
            return false;
        }
        // SAFETY: so many bytes of the header's own allocation, which nobody else looks at while the list is ours.
        unsafe { ptr::copy_nonoverlapping(value.as_ptr(), self.value, value.len()) };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Given<'a> = &'a [(&'a str, Option<&'a str>)];

    fn bytes<'a>(headers: Given<'a>) -> impl ExactSizeIterator<Item = (&'a [u8], Option<&'a [u8]>)> {
        headers.iter().map(|(name, value)| (name.as_bytes(), value.map(str::as_bytes)))
    }

    /// What librdkafka reads in the list.
    fn read(list: &HeaderList) -> Vec<(String, Option<String>)> {
        let text = |data: *const u8, length| {
            // SAFETY: the list lives.
            let data = unsafe { slice::from_raw_parts(data, length) };
            String::from_utf8(data.to_vec()).expect("text was given")
        };
        let read = |index| {
            let slot = slot(list.list, index);
            let value = (!slot.value.is_null()).then(|| text(slot.value, slot.value_bytes));
            (text(slot.name, slot.name_bytes), value)
        };
        (0..list.slots.len()).map(read).collect()
    }

    #[test]
    fn a_list_is_filled_again_where_the_lengths_are_the_same() {
        let first: Given<'_> = &[("id", Some("one")), ("kind", Some("")), ("id", None)];
        for (next, fits) in [
            (&[("id", Some("two")), ("kind", Some("")), ("id", None)][..], true),
            (&[("id", Some("four")), ("kind", Some("")), ("id", None)], false),
            (&[("di", Some("two")), ("kind", Some("")), ("id", None)], false),
            (&[("id", None), ("kind", Some("")), ("id", None)], false),
            (&[("id", Some("two")), ("kind", Some("")), ("id", Some(""))], false),
            (&[("id", Some("two")), ("kind", Some(""))], false),
        ] {
            let mut list = HeaderList::new(bytes(first));
            assert_eq!(list.refill(bytes(next)), fits, "{next:?}");
            let is_same = HeaderList::shape(bytes(first)) == HeaderList::shape(bytes(next));
            assert!(is_same || !fits, "what fits is looked for in the same place");
            if fits {
                let expected: Vec<_> =
                    next.iter().map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned))).collect();
                assert_eq!(read(&list), expected);
            }
        }
    }
}
