//! Compaction and retention.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use super::{
    Fixture,
    fixture::{Seen, partition, record, texts, until, valued},
};
use crate::{NewRecord, Offset, ReadError, TopicSpec};

/// Of each key the last value stays, at its offset and in its order.
pub async fn compaction_keeps_the_last_of_each_key(f: &Fixture) {
    let topic = compacted(f).await;
    let rounds = 5;
    for round in 0..rounds {
        let records = (0..4).map(|k| record(&topic, 0, Some(&format!("k{k}")), Some(&format!("{round}:{k}"))));
        f.append(records.collect()).await;
    }
    let last: BTreeSet<_> = (0..4).map(|k| format!("{}:{k}", rounds - 1)).collect();
    let seen = f.compacted(&topic, |seen| values(seen).is_subset(&last)).await;
    assert_eq!(values(&seen), last);
    let offsets: Vec<_> = seen.iter().filter(|s| is_ours(s)).map(|s| s.offset).collect();
    assert_eq!(offsets, (16..20).collect::<Vec<_>>());
    // Reading goes on over the holes, from any offset that was there.
    let mut reader = f.reader(&[(partition(&topic, 0), 3)]).await;
    assert_eq!(values(&f.until_ends(&mut *reader, 1).await), last);
}

/// A tombstone removes what was before it, and goes itself after a while.
pub async fn compaction_removes_tombstones(f: &Fixture) {
    let topic = compacted(f).await;
    let put = |key, value| record(&topic, 0, Some(key), value);
    f.append(vec![put("gone", Some("v1")), put("stays", Some("v2")), put("gone", None)]).await;
    let seen = f.compacted(&topic, |seen| seen.iter().all(|s| s.key.as_deref() != Some(b"gone"))).await;
    assert_eq!(values(&seen), BTreeSet::from(["v2".to_owned()]));
}

/// Old records go: the beginning moves, the end does not, and a position before the beginning is an error.
pub async fn retention_moves_the_beginning(f: &Fixture) {
    let spec = TopicSpec {
        retention: Some(Duration::from_millis(500)),
        settings: f.profile.quick_cleanup.clone(),
        ..TopicSpec::new(f.unique("topic"), 1)
    };
    let topic = f.topic_of(spec).await;
    f.fill(&topic, 1, 5).await;
    let ours = partition(&topic, 0);
    until(f.profile.cleanup_patience, "the old records are gone", || async {
        f.log.range(&ours).await.expect("a range").earliest >= Offset(5)
    })
    .await;
    let range = f.log.range(&ours).await.expect("a range");
    assert_eq!((range.earliest, range.latest), (Offset(5), Offset(5)));
    let mut reader = f.reader(&[(ours.clone(), 2)]).await;
    let refused = async {
        loop {
            match reader.next(Duration::from_secs(1)).await {
                Ok(fetched) => assert!(fetched.records.is_empty(), "{fetched:?}"),
                Err(error) => return error,
            }
        }
    };
    match f.within("the position is refused", refused).await {
        ReadError::OutOfRange { position, earliest, latest, .. } => {
            assert_eq!((position, earliest, latest), (Offset(2), Offset(5), Offset(5)));
        }
        other => panic!("{other:?}"),
    }
    let next = f.append(vec![valued(&topic, 0, "new")]).await;
    assert_eq!(next[0].offset, Offset(5));
    let mut reader = f.reader(&[(ours, 5)]).await;
    assert_eq!(texts(&f.until_count(&mut *reader, 1).await, 0), ["new"]);
}

impl Fixture {
    /// Reads the topic again and again, until it is as it should be. Compaction leaves the newest records alone, so a
    /// record of another key is appended each time.
    async fn compacted(&self, topic: &Arc<str>, is_done: impl Fn(&[Seen]) -> bool) -> Vec<Seen> {
        let mut seen = Vec::new();
        let compacting = async {
            loop {
                seen = self.read_all(topic, 1).await;
                let ours: Vec<_> = seen.iter().filter(|seen| is_ours(seen)).cloned().collect();
                if is_done(&ours) {
                    break;
                }
                self.append(vec![filler(topic)]).await;
                tokio::time::sleep(Duration::from_millis(150)).await;
            }
        };
        if tokio::time::timeout(self.profile.cleanup_patience, compacting).await.is_err() {
            panic!("the topic was not compacted: {:?}", values(&seen));
        }
        seen
    }
}

async fn compacted(f: &Fixture) -> Arc<str> {
    let settings: BTreeMap<_, _> = f.profile.quick_cleanup.clone();
    f.topic_of(TopicSpec { settings, ..TopicSpec::new(f.unique("topic"), 1).compacted() }).await
}

fn filler(topic: &Arc<str>) -> NewRecord {
    record(topic, 0, Some("filler"), Some("filler"))
}

fn is_ours(seen: &Seen) -> bool {
    seen.key.as_deref() != Some(b"filler")
}

fn values(seen: &[Seen]) -> BTreeSet<String> {
    seen.iter().filter(|seen| is_ours(seen)).map(Seen::text).collect()
}
