//! How records lie in one row of the log: a batch is one blob, written and read at once.
//!
//! ```text
//! batch   = crc32 (u32, little-endian, over the rest)  base timestamp (i64, little-endian)  record*
//! record  = offset delta  timestamp delta (zigzag)  key  value  length of headers  header*
//! header  = length of name  name  value
//! key, value = length + 1, or 0 for null; then the bytes
//! ```
//! All numbers but the first two are LEB128. Offsets are deltas to the batch's base, so that compaction can leave holes.

use std::sync::Arc;

use bytes::{Buf, Bytes};

use crate::{Header, NewRecord, Offset, Record};

const HEAD: usize = 12;

/// A batch whose bytes are not what was written.
#[derive(Debug, thiserror::Error)]
#[error("a stored batch is broken: {0}")]
pub(crate) struct BrokenBatch(&'static str);

/// Builds one batch.
pub(crate) struct BatchBuilder {
    blob: Vec<u8>,
    base_timestamp_ms: i64,
    last_delta: Option<u64>,
    max_timestamp_ms: i64,
}

impl BatchBuilder {
    pub(crate) fn new(base_timestamp_ms: i64) -> Self {
        let mut blob = vec![0; 4];
        blob.extend_from_slice(&base_timestamp_ms.to_le_bytes());
        Self { blob, base_timestamp_ms, last_delta: None, max_timestamp_ms: i64::MIN }
    }

    pub(crate) fn len(&self) -> usize {
        self.blob.len()
    }

    pub(crate) fn last_delta(&self) -> Option<u64> {
        self.last_delta
    }

    pub(crate) fn max_timestamp_ms(&self) -> i64 {
        self.max_timestamp_ms
    }

    pub(crate) fn push(&mut self, delta: u64, timestamp_ms: i64, record: &NewRecord) {
        let headers: usize = record.headers.iter().map(header_len).sum();
        self.begin(delta, timestamp_ms);
        put_nullable(&mut self.blob, record.key.as_deref());
        put_nullable(&mut self.blob, record.value.as_deref());
        put_varint(&mut self.blob, headers as u64);
        for header in &record.headers {
            put_varint(&mut self.blob, header.name.len() as u64);
            self.blob.extend_from_slice(header.name.as_bytes());
            put_nullable(&mut self.blob, header.value.as_deref());
        }
    }

    /// Takes a record over from another batch, as it is.
    pub(crate) fn keep(&mut self, delta: u64, stored: &Stored) {
        self.begin(delta, stored.timestamp_ms);
        put_nullable(&mut self.blob, stored.key.as_deref());
        put_nullable(&mut self.blob, stored.value.as_deref());
        put_varint(&mut self.blob, stored.headers.len() as u64);
        self.blob.extend_from_slice(&stored.headers);
    }

    fn begin(&mut self, delta: u64, timestamp_ms: i64) {
        debug_assert!(self.last_delta.is_none_or(|last| last < delta), "offsets rise within a batch");
        self.last_delta = Some(delta);
        self.max_timestamp_ms = self.max_timestamp_ms.max(timestamp_ms);
        put_varint(&mut self.blob, delta);
        let shift = timestamp_ms.wrapping_sub(self.base_timestamp_ms);
        put_varint(&mut self.blob, ((shift << 1) ^ (shift >> 63)).cast_unsigned());
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        let crc = crc32fast::hash(&self.blob[4..]);
        self.blob[..4].copy_from_slice(&crc.to_le_bytes());
        self.blob
    }
}

/// A record of a batch; its parts share the batch's memory.
pub(crate) struct Stored {
    pub(crate) delta: u64,
    pub(crate) timestamp_ms: i64,
    pub(crate) key: Option<Bytes>,
    pub(crate) value: Option<Bytes>,
    pub(crate) headers: Bytes,
}

impl Stored {
    pub(crate) fn into_record(self, topic: &Arc<str>, partition: i32, base: i64) -> Record {
        let offset = Offset(base + self.delta.cast_signed());
        Record::shared(topic.clone(), partition, offset, self.timestamp_ms, self.key, self.value, self.headers)
    }
}

/// Reads a batch.
pub(crate) fn read(blob: Bytes) -> Result<Vec<Stored>, BrokenBatch> {
    if blob.len() < HEAD {
        return Err(BrokenBatch("it is shorter than its head"));
    }
    let mut rest = blob;
    let crc = rest.get_u32_le();
    if crc32fast::hash(&rest) != crc {
        return Err(BrokenBatch("its checksum differs"));
    }
    let base_timestamp_ms = rest.get_i64_le();
    let mut records = Vec::new();
    while !rest.is_empty() {
        let delta = take_varint(&mut rest)?;
        let zigzag = take_varint(&mut rest)?;
        let shift = (zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed();
        let key = take_nullable(&mut rest)?;
        let value = take_nullable(&mut rest)?;
        let headers = take_varint(&mut rest)?;
        let headers = take_bytes(&mut rest, headers)?;
        records.push(Stored { delta, timestamp_ms: base_timestamp_ms.wrapping_add(shift), key, value, headers });
    }
    Ok(records)
}

/// The headers of a block, one after the other. What cannot be read ends it.
pub(crate) struct Headers<'a> {
    rest: &'a [u8],
}

impl<'a> Headers<'a> {
    pub(crate) fn of(block: &'a [u8]) -> Self {
        Self { rest: block }
    }

    fn take(&mut self, len: u64) -> Option<&'a [u8]> {
        let (taken, after) = self.rest.split_at_checked(usize::try_from(len).ok()?)?;
        self.rest = after;
        Some(taken)
    }

    fn header(&mut self) -> Option<(&'a [u8], Option<&'a [u8]>)> {
        let name = take_varint(&mut self.rest).ok()?;
        let name = self.take(name)?;
        let value = match take_varint(&mut self.rest).ok()? {
            0 => None,
            len => Some(self.take(len - 1)?),
        };
        Some((name, value))
    }
}

impl<'a> Iterator for Headers<'a> {
    /// The name, UTF-8, and the value.
    type Item = (&'a [u8], Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let header = self.header();
        if header.is_none() {
            self.rest = &[];
        }
        header
    }
}

/// Headers as one block, as a stored record has them.
pub(crate) fn header_block(headers: &[(&str, Option<&[u8]>)]) -> Bytes {
    let mut block = Vec::new();
    for (name, value) in headers {
        put_varint(&mut block, name.len() as u64);
        block.extend_from_slice(name.as_bytes());
        put_nullable(&mut block, *value);
    }
    block.into()
}

fn header_len(header: &Header) -> usize {
    let value = header.value.as_ref().map_or(1, |v| varint_len(v.len() as u64 + 1) + v.len());
    varint_len(header.name.len() as u64) + header.name.len() + value
}

fn varint_len(mut n: u64) -> usize {
    let mut len = 1;
    while n >= 0x80 {
        n >>= 7;
        len += 1;
    }
    len
}

fn put_varint(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push((n as u8) | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

fn put_nullable(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        None => out.push(0),
        Some(bytes) => {
            put_varint(out, bytes.len() as u64 + 1);
            out.extend_from_slice(bytes);
        }
    }
}

fn take_varint(rest: &mut impl Buf) -> Result<u64, BrokenBatch> {
    let mut n = 0u64;
    for shift in (0..64).step_by(7) {
        if !rest.has_remaining() {
            return Err(BrokenBatch("a number is cut off"));
        }
        let byte = rest.get_u8();
        n |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(n);
        }
    }
    Err(BrokenBatch("a number is too long"))
}

fn take_bytes(rest: &mut Bytes, len: u64) -> Result<Bytes, BrokenBatch> {
    match usize::try_from(len) {
        Ok(len) if len <= rest.len() => Ok(rest.split_to(len)),
        _ => Err(BrokenBatch("a length points past the end")),
    }
}

fn take_nullable(rest: &mut Bytes) -> Result<Option<Bytes>, BrokenBatch> {
    match take_varint(rest)? {
        0 => Ok(None),
        len => take_bytes(rest, len - 1).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, option, prelude::*};

    use super::*;

    fn record(key: Option<Vec<u8>>, value: Option<Vec<u8>>, headers: Vec<(String, Option<Vec<u8>>)>) -> NewRecord {
        let header =
            |(name, value): (String, Option<Vec<u8>>)| Header { name: name.into(), value: value.map(Bytes::from) };
        NewRecord {
            topic: "t".into(),
            partition: 0,
            timestamp_ms: None,
            key: key.map(Bytes::from),
            value: value.map(Bytes::from),
            headers: headers.into_iter().map(header).collect(),
        }
    }

    proptest! {
        #[test]
        fn reads_what_was_written(
            records in vec((any::<i64>(), 1..5u64, option::of(vec(any::<u8>(), 0..200)), option::of(vec(any::<u8>(), 0..300)),
                            vec((".{0,12}", option::of(vec(any::<u8>(), 0..20))), 0..6)), 1..20)
        ) {
            let mut builder = BatchBuilder::new(records[0].0);
            let mut delta = 0;
            let mut expected = Vec::new();
            for (timestamp, step, key, value, headers) in records {
                delta += step;
                let new = record(key, value, headers);
                builder.push(delta, timestamp, &new);
                expected.push((delta, timestamp, new));
            }
            let read = read(Bytes::from(builder.finish())).expect("a whole batch");
            prop_assert_eq!(read.len(), expected.len());
            for (stored, (delta, timestamp, new)) in read.iter().zip(&expected) {
                prop_assert_eq!(stored.delta, *delta);
                prop_assert_eq!(stored.timestamp_ms, *timestamp);
                prop_assert_eq!(&stored.key, &new.key);
                prop_assert_eq!(&stored.value, &new.value);
                let names: Vec<_> = new.headers.iter().map(|h| (h.name.as_ref(), h.value.as_deref())).collect();
                let read: Vec<_> = names.iter().map(|(name, value)| (name.as_bytes(), *value)).collect();
                prop_assert_eq!(Headers::of(&stored.headers).collect::<Vec<_>>(), read);
                prop_assert_eq!(&stored.headers, &header_block(&names));
            }
        }

        #[test]
        fn refuses_any_other_bytes(mut blob in vec(any::<u8>(), 0..200), flip in any::<prop::sample::Index>()) {
            let _ = read(Bytes::from(blob.clone()));
            let _ = Headers::of(&blob).count();
            let mut builder = BatchBuilder::new(0);
            builder.push(0, 5, &record(Some(blob.clone()), None, vec![]));
            blob = builder.finish();
            let at = flip.index(blob.len());
            blob[at] ^= 1;
            prop_assert!(read(Bytes::from(blob)).is_err());
        }
    }
}
