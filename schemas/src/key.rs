//! Record keys and order keys.

use std::fmt;

use serde_json::Value;

use crate::binary::{Reader, put_long, put_str};

/// The value of a key field, borrowed from the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key<'a> {
    /// A nullable field that is null; never a record key.
    Null,
    /// A boolean field.
    Bool(bool),
    /// An int field.
    Int(i32),
    /// A long field.
    Long(i64),
    /// A string field.
    Str(&'a str),
}

impl Key<'_> {
    /// Appends the key in Avro's binary encoding, without a frame.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Null => {}
            Self::Bool(value) => out.push(u8::from(value)),
            Self::Int(value) => put_long(value.into(), out),
            Self::Long(value) => put_long(value, out),
            Self::Str(value) => put_str(value, out),
        }
    }
}

/// The values of the `order_by` fields of an event, as one byte string.
///
/// Each part is the Avro encoding of a union of null, boolean, long and string (an int is a long), one
/// part after the other. No encoding of a part is the beginning of another, so two keys are equal bytes
/// exactly when they are equal values, and the bytes alone can be read back: the readable form
/// ([`Display`](fmt::Display)) is a JSON array such as `["course-v1:OU+AAA+2013J",42]`.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderKey(Vec<u8>);

/// The bytes are not those of an order key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an order key: part {part} cannot be read")]
pub struct OrderKeyError {
    /// The position of the part that cannot be read, from 0.
    pub part: usize,
}

const NULL: i64 = 0;
const BOOLEAN: i64 = 1;
const LONG: i64 = 2;
const STRING: i64 = 3;

impl OrderKey {
    /// An order key without parts.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Reads bytes that [`OrderKey::as_bytes`] gave, for instance out of a database.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, OrderKeyError> {
        let mut reader = Reader::new(&bytes);
        for part in 0.. {
            if reader.is_empty() {
                break;
            }
            read_part(&mut reader).ok_or(OrderKeyError { part })?;
        }
        Ok(Self(bytes))
    }

    /// Removes all parts and keeps the memory.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Appends a part.
    pub fn push(&mut self, part: Key<'_>) {
        let branch = match part {
            Key::Null => NULL,
            Key::Bool(_) => BOOLEAN,
            Key::Int(_) | Key::Long(_) => LONG,
            Key::Str(_) => STRING,
        };
        put_long(branch, &mut self.0);
        part.encode(&mut self.0);
    }

    /// The bytes, for comparing, hashing and storing.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// True when there are no parts.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The parts, in the order of `order_by`.
    pub fn parts(&self) -> impl Iterator<Item = Key<'_>> {
        let mut reader = Reader::new(&self.0);
        std::iter::from_fn(move || if reader.is_empty() { None } else { read_part(&mut reader) })
    }
}

impl fmt::Display for OrderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.parts().map(|part| match part {
            Key::Null => Value::Null,
            Key::Bool(value) => value.into(),
            Key::Int(value) => value.into(),
            Key::Long(value) => value.into(),
            Key::Str(value) => value.into(),
        });
        write!(f, "{}", Value::Array(parts.collect()))
    }
}

impl fmt::Debug for OrderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OrderKey({self})")
    }
}

fn read_part<'a>(reader: &mut Reader<'a>) -> Option<Key<'a>> {
    Some(match reader.long().ok()? {
        NULL => Key::Null,
        BOOLEAN => Key::Bool(reader.boolean().ok()?),
        LONG => Key::Long(reader.long().ok()?),
        STRING => Key::Str(reader.string().ok()?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keys_are_avro() {
        let check = |key: Key<'_>, expected: &[u8]| {
            let mut out = Vec::new();
            key.encode(&mut out);
            assert_eq!(out, expected, "{key:?}");
        };
        check(Key::Null, &[]);
        check(Key::Bool(true), &[1]);
        check(Key::Int(-1), &[1]);
        check(Key::Long(42), &[84]);
        check(Key::Long(i64::MIN), &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]);
        check(Key::Str("a"), &[2, b'a']);
        check(Key::Str(""), &[0]);
    }

    #[test]
    fn order_keys_are_readable() {
        let check = |parts: &[Key<'_>], expected: &str| {
            let mut key = OrderKey::new();
            parts.iter().for_each(|part| key.push(*part));
            assert_eq!(key.to_string(), expected);
        };
        check(&[], "[]");
        check(&[Key::Str("course-v1:OU+AAA+2013J"), Key::Long(42)], r#"["course-v1:OU+AAA+2013J",42]"#);
        check(&[Key::Null, Key::Bool(false), Key::Int(-7), Key::Str("\"")], r#"[null,false,-7,"\""]"#);
    }

    #[test]
    fn other_bytes_are_no_order_key() {
        let check =
            |bytes: &[u8], expected| assert_eq!(OrderKey::from_bytes(bytes.to_vec()).err(), expected, "{bytes:?}");
        check(&[], None);
        check(&[0, 0], None);
        check(&[8], Some(OrderKeyError { part: 0 }));
        check(&[0, 2], Some(OrderKeyError { part: 1 }));
        check(&[6, 4, b'a'], Some(OrderKeyError { part: 0 }));
        check(&[2, 2], Some(OrderKeyError { part: 0 }));
    }

    #[derive(Debug, Clone, PartialEq)]
    enum Part {
        Null,
        Bool(bool),
        Long(i64),
        Str(String),
    }

    impl Part {
        fn key(&self) -> Key<'_> {
            match self {
                Self::Null => Key::Null,
                Self::Bool(value) => Key::Bool(*value),
                Self::Long(value) => Key::Long(*value),
                Self::Str(value) => Key::Str(value),
            }
        }
    }

    fn order_key(parts: &[Part]) -> OrderKey {
        let mut key = OrderKey::new();
        parts.iter().for_each(|part| key.push(part.key()));
        key
    }

    /// Small values, so that unequal lists have a chance of equal bytes.
    fn parts() -> impl Strategy<Value = Vec<Part>> {
        let part = prop_oneof![
            Just(Part::Null),
            any::<bool>().prop_map(Part::Bool),
            (-3..3_i64).prop_map(Part::Long),
            any::<i64>().prop_map(Part::Long),
            "[\\x00-\\x06a]{0,3}".prop_map(Part::Str),
        ];
        proptest::collection::vec(part, 0..4)
    }

    proptest! {
        #[test]
        fn order_keys_are_equal_exactly_when_their_parts_are(a in parts(), b in parts()) {
            prop_assert_eq!(order_key(&a) == order_key(&b), a == b);
        }

        #[test]
        fn order_keys_come_back_from_their_bytes(parts in parts()) {
            let key = order_key(&parts);
            let back = OrderKey::from_bytes(key.as_bytes().to_vec());
            prop_assert_eq!(back.as_ref(), Ok(&key));
            prop_assert_eq!(key.parts().collect::<Vec<_>>(), parts.iter().map(Part::key).collect::<Vec<_>>());
        }

        #[test]
        fn any_bytes_are_an_order_key_or_refused(bytes: Vec<u8>) {
            if let Ok(key) = OrderKey::from_bytes(bytes) {
                let _ = key.to_string();
            }
        }
    }
}
