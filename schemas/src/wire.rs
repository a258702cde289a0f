//! Confluent framing: one zero byte, the schema id as four big-endian bytes, the Avro datum.

use std::fmt;

/// The length of the frame before the datum.
pub const FRAME_BYTES: usize = 5;

const MAGIC: u8 = 0;

/// The id that a registry gave to a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchemaId(pub u32);

impl fmt::Display for SchemaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The bytes of a key or value are not framed. Poison: reading them again gives the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// There is nothing: a tombstone, or a producer without framing.
    #[error("empty: no frame and no datum")]
    Empty,
    /// The first byte is not zero: written by a producer without framing.
    #[error("wrong first byte: expected 0, found {found}")]
    Magic {
        /// The first byte.
        found: u8,
    },
    /// The schema id is cut off.
    #[error("frame cut off after {len} of 5 bytes")]
    Truncated {
        /// How many bytes there are.
        len: usize,
    },
}

/// Appends the frame; the datum comes after it.
pub fn frame(schema_id: SchemaId, out: &mut Vec<u8>) {
    out.push(MAGIC);
    out.extend_from_slice(&schema_id.0.to_be_bytes());
}

/// Splits framed bytes into the schema id and the datum, which may be empty.
pub fn unframe(bytes: &[u8]) -> Result<(SchemaId, &[u8]), FrameError> {
    match *bytes {
        [] => Err(FrameError::Empty),
        [MAGIC, a, b, c, d, ref datum @ ..] => Ok((SchemaId(u32::from_be_bytes([a, b, c, d])), datum)),
        [MAGIC, ..] => Err(FrameError::Truncated { len: bytes.len() }),
        [found, ..] => Err(FrameError::Magic { found }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn frames() {
        let check = |bytes: &[u8], expected| assert_eq!(unframe(bytes), expected, "{bytes:?}");
        check(&[], Err(FrameError::Empty));
        check(&[0], Err(FrameError::Truncated { len: 1 }));
        check(&[0, 0, 0, 1], Err(FrameError::Truncated { len: 4 }));
        check(&[0, 0, 0, 1, 2], Ok((SchemaId(258), &[][..])));
        check(&[0, 0xff, 0xff, 0xff, 0xff, 7], Ok((SchemaId(u32::MAX), &[7][..])));
        check(b"{\"json\":1}", Err(FrameError::Magic { found: b'{' }));
        check(&[1], Err(FrameError::Magic { found: 1 }));
    }

    proptest! {
        #[test]
        fn what_is_framed_comes_back(id: u32, datum: Vec<u8>) {
            let mut framed = Vec::new();
            frame(SchemaId(id), &mut framed);
            prop_assert_eq!(framed.len(), FRAME_BYTES);
            framed.extend(&datum);
            prop_assert_eq!(unframe(&framed), Ok((SchemaId(id), &datum[..])));
        }

        #[test]
        fn any_bytes_are_framed_or_refused(bytes: Vec<u8>) {
            let whole = bytes.first() == Some(&0) && bytes.len() >= FRAME_BYTES;
            prop_assert_eq!(unframe(&bytes).is_ok(), whole);
        }
    }
}
