//! Asks, every few seconds, how far the log is ahead of a running sink and what its database holds, and warns in time.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use coursebus_transport::{Log, TopicPartition};

use crate::{Store, Watch, clock::now_ms};

/// How often the log and the database are asked: two requests a partition and one query.
pub const EVERY: Duration = Duration::from_secs(5);

/// Keeps a watch current until it is dropped. What cannot be asked now is asked again the next time: that the log or the
/// database is away is for the sink itself to say.
pub async fn monitor(watch: Watch, log: Arc<dyn Log>, store: Arc<dyn Store>, group: String, every: Duration) {
    let mut tick = tokio::time::interval(every);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut warned = HashSet::new();
    loop {
        tick.tick().await;
        poll(&watch, log.as_ref()).await;
        if let Ok(held) = store.held_counts(&group).await {
            watch.counted(held);
        }
        warn(&watch, &group, &mut warned);
    }
}

async fn poll(watch: &Watch, log: &dyn Log) {
    let mut retentions: HashMap<String, Option<Duration>> = HashMap::new();
    for partition in watch.partitions() {
        let topic = &*partition.topic;
        if !retentions.contains_key(topic) {
            let Ok(info) = log.topic(topic).await else { return };
            retentions.insert(topic.to_owned(), retention(info.settings.get("retention.ms").map(String::as_str)));
        }
        let Ok(range) = log.range(&partition).await else { return };
        watch.polled(&partition, range.latest, retentions.get(topic).copied().flatten());
    }
}

/// How long a topic keeps its records; none where it keeps them for ever.
#[must_use]
pub fn retention(setting: Option<&str>) -> Option<Duration> {
    setting.and_then(|ms| ms.parse::<u64>().ok()).map(Duration::from_millis)
}

/// Whether records are half as old as the topic lets them become before they are deleted.
#[must_use]
pub fn is_late(lag: Duration, retention: Option<Duration>) -> bool {
    retention.is_some_and(|retention| lag >= retention / 2)
}

/// Warns once a partition, and again when it had recovered.
fn warn(watch: &Watch, group: &str, warned: &mut HashSet<TopicPartition>) {
    for view in watch.view(now_ms()) {
        if !is_late(view.lag, view.retention) {
            warned.remove(&view.partition);
        } else if warned.insert(view.partition.clone()) {
            tracing::warn!(
                group,
                partition = %view.partition,
                lag_seconds = view.lag.as_secs(),
                retention_seconds = view.retention.unwrap_or_default().as_secs(),
                "the lag is past half of the retention: records will be deleted before they are applied"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_retention_is_late() {
        let (minute, two) = (Duration::from_secs(60), Some(Duration::from_secs(120)));
        assert!(is_late(minute, two) && !is_late(minute - Duration::from_millis(1), two));
        assert!(!is_late(minute, None));
        assert_eq!((retention(Some("-1")), retention(Some("1000"))), (None, Some(Duration::from_secs(1))));
    }
}
