//! How old the first record is that a group has not processed: read from the log itself.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use coursebus_transport::{Log, Offset, ReaderSettings, TopicPartition};

use crate::failure::Failure;

/// How long is waited for the first records altogether; partitions that gave none have no time lag then.
const PATIENCE: Duration = Duration::from_secs(10);
/// One record of each partition is wanted, so little is fetched ahead.
const AHEAD_BYTES: usize = 256 << 10;

/// When the first record at or after each position was emitted, in milliseconds since 1970. A partition without one (holes
/// only, or none in time) is left out.
pub async fn first_emitted(
    log: &dyn Log,
    positions: Vec<(TopicPartition, Offset)>,
) -> Result<HashMap<TopicPartition, i64>, Failure> {
    let mut emitted = HashMap::new();
    if positions.is_empty() {
        return Ok(emitted);
    }
    let mut open: Vec<TopicPartition> = positions.iter().map(|(partition, _)| partition.clone()).collect();
    let settings = ReaderSettings { ahead_bytes_max: AHEAD_BYTES, ..ReaderSettings::default() };
    let mut reader = log.reader(positions, settings).await?;
    let until = Instant::now() + PATIENCE;
    while !open.is_empty() && Instant::now() < until {
        let fetched = reader.next(until.saturating_duration_since(Instant::now())).await?;
        for record in &fetched.records {
            emitted.entry(record.topic_partition()).or_insert_with(|| record.timestamp_ms());
        }
        open.retain(|p| !emitted.contains_key(p) && fetched.ends.iter().all(|(end, _)| end != p));
    }
    Ok(emitted)
}
