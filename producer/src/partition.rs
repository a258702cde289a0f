//! Which partition a record key goes to. Part of a topic's contract: all its writers must agree.

use coursebus_schemas::Partitioner;

/// The partition of a framed key among `partitions`, which is at least 1.
#[must_use]
pub fn partition(partitioner: Partitioner, framed_key: &[u8], partitions: i32) -> i32 {
    let count = partitions.max(1);
    match partitioner {
        Partitioner::Crc32 => (crc32fast::hash(framed_key) % count.cast_unsigned()).cast_signed(),
        // Java clears the sign bit rather than taking the absolute value.
        Partitioner::Murmur2 => (murmur2(framed_key) & i32::MAX) % count,
    }
}

/// Kafka's variant of murmur2 (`org.apache.kafka.common.utils.Utils.murmur2`).
fn murmur2(data: &[u8]) -> i32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    const R: u32 = 24;
    // A key is far below 4 GiB: the log's record limit sees to that.
    let mut h = SEED ^ u32::try_from(data.len()).unwrap_or(u32::MAX);
    let mut words = data.chunks_exact(4);
    for word in &mut words {
        let mut k = u32::from_le_bytes([word[0], word[1], word[2], word[3]]).wrapping_mul(M);
        k ^= k >> R;
        h = h.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        for (i, byte) in rest.iter().enumerate() {
            h ^= u32::from(*byte) << (8 * i);
        }
        h = h.wrapping_mul(M);
    }
    h ^= h >> 13;
    h = h.wrapping_mul(M);
    (h ^ (h >> 15)).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn murmur2_is_javas() {
        // From Kafka's own UtilsTest.
        for (key, expected) in [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(key.as_bytes()), expected, "{key}");
        }
    }

    #[test]
    fn every_partition_is_in_range() {
        for key in 0..1000u32 {
            for partitioner in [Partitioner::Crc32, Partitioner::Murmur2] {
                assert!((0..7).contains(&partition(partitioner, &key.to_be_bytes(), 7)));
            }
        }
    }
}
