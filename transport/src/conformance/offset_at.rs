//! From a time to an offset.

use super::{
    Fixture,
    fixture::{partition, valued},
};
use crate::NewRecord;

/// The first record at a time or later: before the first, at one, between two, at several of one time, after the last.
pub async fn times_become_offsets(f: &Fixture) {
    const BASE: i64 = 1_700_000_000_000;
    let topic = f.topic(2).await;
    let times = [1000, 2000, 2000, 2000, 5000];
    let at = |ms: &i64| NewRecord { timestamp_ms: Some(BASE + ms), ..valued(&topic, 0, "") };
    // Each in a batch of its own and all in one must give the same.
    f.append(times[..2].iter().map(at).collect()).await;
    for ms in &times[2..] {
        f.append(vec![at(ms)]).await;
    }
    for (ms, expected) in
        [(-BASE, 0), (0, 0), (1000, 0), (1001, 1), (2000, 1), (2001, 4), (4999, 4), (5000, 4), (5001, 5), (99_999, 5)]
    {
        let found = f.log.offset_at(&partition(&topic, 0), BASE + ms).await.expect("an offset");
        assert_eq!(found.0, expected, "at {ms}");
    }
    let empty = f.log.offset_at(&partition(&topic, 1), BASE).await.expect("an offset");
    assert_eq!(empty.0, 0, "an empty partition");
}
