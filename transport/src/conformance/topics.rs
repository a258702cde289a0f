//! Topics: made, found, listed, deleted; and what there is not.

use std::sync::Arc;

use super::{
    Fixture,
    fixture::{append, partition, texts, valued},
};
use crate::{AdminError, AppendError, Class, Offset, Range, ReadError, ReaderSettings, TopicSpec, WriterSettings};

/// When creation returns, the topic can be written and read, by others too, and is what was asked for.
pub async fn a_new_topic_can_be_used_at_once(f: &Fixture) {
    let topic = f.topic(3).await;
    let other = f.reopen().await;
    let writer = other.writer(WriterSettings::default()).await.expect("a writer");
    append(&writer, (0..3).map(|p| valued(&topic, p, "x")).collect()).await;
    assert_eq!(f.read_all(&topic, 3).await.len(), 3);
    let info = other.topic(&topic).await.expect("the topic");
    assert_eq!((info.name.as_str(), info.partitions), (&*topic, 3));
    assert!(info.replication >= 1 && !info.id.0.is_empty(), "{info:?}");
    let compacted = TopicSpec::new(f.unique("compacted"), 1).compacted();
    f.log.create_topic(&compacted).await.expect("a compacted topic");
    let info = f.log.topic(&compacted.name).await.expect("the topic");
    assert_eq!(info.settings.get("cleanup.policy").map(String::as_str), Some("compact"));
}

/// A topic of that name is there already: nothing changes.
pub async fn creating_twice_is_refused(f: &Fixture) {
    let topic = f.topic(2).await;
    let again = f.log.create_topic(&TopicSpec::new(&*topic, 5)).await;
    assert!(matches!(&again, Err(AdminError::TopicExists { topic: t }) if **t == *topic), "{again:?}");
    assert_eq!(f.log.topic(&topic).await.expect("the topic").partitions, 2);
}

/// Names and counts that no topic can have.
pub async fn bad_topics_are_invalid(f: &Fixture) {
    for name in ["", ".", "..", "with space", "ümlaut", "a/b", &"x".repeat(250)] {
        let refused = f.log.create_topic(&TopicSpec::new(name, 1)).await;
        assert!(matches!(refused, Err(AdminError::Invalid { .. })), "'{name}': {refused:?}");
    }
    for partitions in [-1, 0, 10_001] {
        let refused = f.log.create_topic(&TopicSpec::new(f.unique("topic"), partitions)).await;
        assert!(matches!(refused, Err(AdminError::Invalid { .. })), "{partitions}: {refused:?}");
    }
}

/// The list has our topics, in order, and none of the backend's own.
pub async fn topics_are_listed(f: &Fixture) {
    let names = ["b", "a", "c"].map(|name| f.unique(name));
    for name in &names {
        f.log.create_topic(&TopicSpec::new(name, 2)).await.expect("the topic is created");
    }
    let listed = f.log.topics().await.expect("the topics");
    let all: Vec<_> = listed.iter().map(|topic| topic.name.clone()).collect();
    let mut sorted = all.clone();
    sorted.sort_unstable();
    assert_eq!(all, sorted);
    assert!(!all.iter().any(|name| name.starts_with("__")), "{all:?}");
    for name in &names {
        let topic = listed.iter().find(|topic| topic.name == *name).expect("it is listed");
        assert_eq!(*topic, f.log.topic(name).await.expect("the topic"));
    }
}

/// Every question about a topic or a partition that does not exist says so.
pub async fn what_is_not_there_is_unknown(f: &Fixture) {
    let topic: Arc<str> = f.unique("missing").into();
    let missing = partition(&topic, 0);
    let is_unknown = |error: &AdminError| matches!(error, AdminError::UnknownTopic { topic: t } if **t == *topic);
    for error in [
        f.log.topic(&topic).await.expect_err("no topic"),
        f.log.range(&missing).await.expect_err("no topic"),
        f.log.offset_at(&missing, 0).await.expect_err("no topic"),
        f.log.delete_topic(&topic).await.expect_err("no topic"),
    ] {
        assert!(is_unknown(&error) && error.class() == Class::Fatal, "{error:?}");
    }
    let reading = f.log.reader(vec![(missing.clone(), Offset(0))], ReaderSettings::default());
    let read = f.within("the reader is refused", reading).await.err();
    assert!(matches!(&read, Some(ReadError::UnknownTopic { topic: t }) if **t == *topic), "{read:?}");
    let joined = f.within("joining is refused", f.log.join(f.group("group", &[&topic]))).await.err();
    assert!(matches!(&joined, Some(ReadError::UnknownTopic { topic: t }) if **t == *topic), "{joined:?}");
    let there = f.topic(1).await;
    for p in [-1, 1] {
        let beside = partition(&there, p);
        for error in [
            f.log.range(&beside).await.expect_err("no partition"),
            f.log.offset_at(&beside, 0).await.expect_err("no partition"),
        ] {
            assert!(matches!(&error, AdminError::UnknownPartition { partition } if *partition == beside), "{error:?}");
        }
        let read = f.log.reader(vec![(beside, Offset(0))], ReaderSettings::default()).await;
        assert!(read.is_err(), "no reader of partition {p}");
    }
}

/// Asking for a topic, writing to it, reading it, joining a group on it: none of this makes it.
pub async fn naming_a_topic_does_not_create_it(f: &Fixture) {
    let topic: Arc<str> = f.unique("missing").into();
    let receipt = f.writer().await.append(valued(&topic, 0, "")).await;
    let (written, read, joined) = tokio::join!(
        receipt,
        f.log.reader(vec![(partition(&topic, 0), Offset(0))], ReaderSettings::default()),
        f.log.join(f.group("group", &[&topic])),
    );
    assert!(written.is_err() && read.is_err() && joined.is_err());
    assert!(f.log.topic(&topic).await.is_err());
    assert!(!f.log.topics().await.expect("the topics").iter().any(|info| *info.name == *topic));
}

/// When deletion returns, the topic is unknown, to other openings soon too.
pub async fn a_deleted_topic_is_gone(f: &Fixture) {
    let topic = f.topic(1).await;
    let other = f.reopen().await;
    let writer = f.writer().await;
    append(&writer, vec![valued(&topic, 0, "x")]).await;
    f.log.delete_topic(&topic).await.expect("it is deleted");
    let gone = f.log.topic(&topic).await;
    assert!(matches!(gone, Err(AdminError::UnknownTopic { .. })), "{gone:?}");
    assert!(!f.log.topics().await.expect("the topics").iter().any(|info| *info.name == *topic));
    f.eventually("the other opening knows it", || async { other.topic(&topic).await.is_err() }).await;
    // A writer that knew it is refused, and does not bring it back.
    let receipt = writer.append(valued(&topic, 0, "x")).await;
    let refused = f.within("the record is refused", receipt).await;
    assert!(matches!(&refused, Err(AppendError::UnknownTopic { topic: t }) if **t == *topic), "{refused:?}");
    assert!(f.log.topic(&topic).await.is_err());
}

/// A topic that is made again under its old name has another id, and begins at 0 with nothing in it.
pub async fn a_recreated_topic_is_another(f: &Fixture) {
    let topic = f.topic(1).await;
    let writer = f.writer().await;
    append(&writer, (0..5).map(|i| valued(&topic, 0, &format!("old {i}"))).collect()).await;
    let first = f.log.topic(&topic).await.expect("the topic");
    f.log.delete_topic(&topic).await.expect("it is deleted");
    f.topic_of(TopicSpec::new(&*topic, 1)).await;
    let second = f.log.topic(&topic).await.expect("the topic");
    assert_ne!(first.id, second.id);
    let range = f.log.range(&partition(&topic, 0)).await.expect("a range");
    assert_eq!(range, Range { earliest: Offset(0), latest: Offset(0) });
    // A writer that knew the first one finds the second, in bounded time.
    f.eventually("the writer finds the new topic", || async {
        writer.append(valued(&topic, 0, "new")).await.await.is_ok()
    })
    .await;
    let seen = f.read_all(&topic, 1).await;
    assert_eq!((texts(&seen, 0), seen[0].offset), (vec!["new".to_owned()], 0));
}

/// The identity of the cluster is the same for every opening.
pub async fn the_cluster_keeps_its_identity(f: &Fixture) {
    let here = f.log.cluster().await.expect("the id");
    let there = f.reopen().await.cluster().await.expect("the id");
    assert!(here == there && !here.0.is_empty(), "{here:?} {there:?}");
}

/// The range is empty at first, and grows with what is appended, in that partition only.
pub async fn a_range_tells_what_is_there(f: &Fixture) {
    let topic = f.topic(2).await;
    let range = |p: i32| {
        let topic = topic.clone();
        async move {
            let Range { earliest, latest } = f.log.range(&partition(&topic, p)).await.expect("a range");
            (earliest.0, latest.0)
        }
    };
    assert_eq!((range(0).await, range(1).await), ((0, 0), (0, 0)));
    f.fill(&topic, 1, 7).await;
    assert_eq!((range(0).await, range(1).await), ((0, 7), (0, 0)));
}
