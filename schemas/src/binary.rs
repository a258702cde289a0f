//! Avro's binary encoding of the primitives, for keys and for the dynamic codec.

/// Why a primitive cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The bytes end before the value does.
    Truncated,
    /// A length is negative.
    Length,
    /// The bytes are no value of this type.
    Invalid(&'static str),
}

pub(crate) fn put_long(value: i64, out: &mut Vec<u8>) {
    let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while rest >= 0x80 {
        out.push((rest as u8) | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

pub(crate) fn put_bytes(value: &[u8], out: &mut Vec<u8>) {
    put_long(value.len() as i64, out);
    out.extend_from_slice(value);
}

pub(crate) fn put_str(value: &str, out: &mut Vec<u8>) {
    put_bytes(value.as_bytes(), out);
}

/// Reads primitives from the front of a slice. Never allocates.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], Fault> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(Fault::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Fault::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn boolean(&mut self) -> Result<bool, Fault> {
        match self.array()? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(Fault::Invalid("boolean")),
        }
    }

    /// A variable-length integer of at most ten bytes.
    pub(crate) fn unsigned(&mut self) -> Result<u64, Fault> {
        let mut value = 0;
        for (index, byte) in self.rest.iter().enumerate() {
            if index == 9 && *byte > 1 {
                return Err(Fault::Invalid("variable-length integer"));
            }
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                self.rest = &self.rest[index + 1..];
                return Ok(value);
            }
        }
        Err(Fault::Truncated)
    }

    pub(crate) fn long(&mut self) -> Result<i64, Fault> {
        let value = self.unsigned()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    pub(crate) fn int(&mut self) -> Result<i32, Fault> {
        self.long()?.try_into().map_err(|_| Fault::Invalid("int"))
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Fault> {
        let len = self.long()?;
        let len = usize::try_from(len).map_err(|_| Fault::Length)?;
        self.take(len)
    }

    pub(crate) fn string(&mut self) -> Result<&'a str, Fault> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Fault::Invalid("string"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn longs_come_back(value: i64) {
            let mut out = Vec::new();
            put_long(value, &mut out);
            let mut reader = Reader::new(&out);
            prop_assert_eq!(reader.long(), Ok(value));
            prop_assert!(reader.is_empty());
            for end in 0..out.len() {
                prop_assert_eq!(Reader::new(&out[..end]).long(), Err(Fault::Truncated));
            }
        }
    }
}
