//! What comes to a group later: topics that match its pattern, partitions of topics that grow.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Fixture,
    fixture::{numbers, partitions_of, texts},
    worker::Worker,
};
use crate::{AdminError, GroupSettings, TopicSpec};

/// A group with a pattern reads the topics that match it, those that are there and those that come, from their first record
/// on; and no others.
pub async fn topics_that_match_a_pattern_are_read(f: &Fixture) {
    let make = async |name: String, partitions| f.topic_of(TopicSpec::new(name, partitions)).await;
    let one = make(f.unique("read-one"), 1).await;
    for other in [f.unique("other"), format!("{}.held.x", f.unique("read-held"))] {
        f.fill(&make(other, 1).await, 1, 5).await;
    }
    f.fill(&one, 1, 5).await;
    let group = GroupSettings { topics: vec![f.unique("read-*")], ..f.group("group", &[]) };
    let (a, b) = (Worker::join(&f.log, group.clone()).await, Worker::join(&f.reopen().await, group).await);
    f.eventually("one member reads it", || async { a.seen().len() + b.seen().len() == 5 }).await;
    let two = make(f.unique("read-two"), 2).await;
    f.fill(&two, 2, 5).await;
    f.eventually("the new topic is read", || async { a.seen().len() + b.seen().len() == 15 }).await;
    let of = |topic: &Arc<str>, count| partitions_of(topic, count).into_iter().collect::<BTreeSet<_>>();
    let owned = &a.state().owned.clone() | &b.state().owned.clone();
    assert_eq!(owned, &of(&one, 1) | &of(&two, 2));
    a.leave().await;
    b.leave().await;
}

/// Partitions that a topic is given while a group reads it are read from their first record on.
pub async fn new_partitions_are_read_from_their_first_record(f: &Fixture) {
    let topic = f.topic(2).await;
    f.fill(&topic, 2, 5).await;
    let group = f.group("group", &[&topic]);
    let (a, b) = (Worker::join(&f.log, group.clone()).await, Worker::join(&f.reopen().await, group).await);
    f.eventually("all is taken", || async { a.seen().len() + b.seen().len() == 10 }).await;
    f.log.grow_topic(&topic, 4).await.expect("it grows");
    assert_eq!(f.log.topic(&topic).await.expect("a topic").partitions, 4);
    f.fill(&topic, 4, 5).await;
    f.eventually("what is on the new ones is taken, too", || async { a.seen().len() + b.seen().len() == 30 }).await;
    let all = [a.leave().await.seen, b.leave().await.seen].concat();
    for p in 2..4 {
        assert_eq!(texts(&all, p), numbers(0..5), "partition {p}");
    }
}

/// A topic can only be given more partitions.
pub async fn a_topic_only_grows(f: &Fixture) {
    let topic = f.topic(2).await;
    for partitions in [1, 2] {
        let refused = f.log.grow_topic(&topic, partitions).await;
        assert!(matches!(refused, Err(AdminError::Invalid { .. })), "{refused:?}");
    }
    let unknown = f.log.grow_topic(&f.unique("nothing"), 3).await;
    assert!(matches!(unknown, Err(AdminError::UnknownTopic { .. })), "{unknown:?}");
    assert_eq!(f.log.topic(&topic).await.expect("a topic").partitions, 2);
}
