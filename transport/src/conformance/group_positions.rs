//! Groups: where they start, what they commit, and who may.

use std::time::Duration;

use super::{
    Fixture,
    fixture::{numbers, partition, partitions_of, texts},
    worker::{Worker, positions},
};
use crate::{Event, Member, Offset, ReadError, Start, TopicSpec};

/// A group that has committed nothing starts at the first record.
pub async fn a_new_group_starts_at_the_first_record(f: &Fixture) {
    let topic = f.topic(1).await;
    f.fill(&topic, 1, 5).await;
    let mut member = f.only_member(f.group("group", &[&topic])).await;
    assert_eq!(texts(&f.taken(&mut *member, 5).await, 0), numbers(0..5));
    f.leave(member).await;
}

/// The next member goes on at what was committed, not at what was read.
pub async fn a_group_goes_on_where_it_committed(f: &Fixture) {
    let topic = f.topic(2).await;
    f.fill(&topic, 2, 10).await;
    let group = f.group("group", &[&topic]);
    let mut member = f.only_member(group.clone()).await;
    f.taken(&mut *member, 20).await;
    member.committer().commit(&[(partition(&topic, 0), Offset(4))]).await.expect("it is committed");
    f.leave(member).await;
    let mut member = f.only_member(group).await;
    let seen = f.taken(&mut *member, 16).await;
    assert_eq!((texts(&seen, 0), texts(&seen, 1)), (numbers(4..10), numbers(0..10)));
    f.leave(member).await;
}

/// What one group commits is nothing to another.
pub async fn groups_are_independent(f: &Fixture) {
    let topic = f.topic(1).await;
    f.fill(&topic, 1, 10).await;
    let (one, two) = (f.group("one", &[&topic]), f.group("two", &[&topic]));
    let a = Worker::join(&f.log, one.clone()).await;
    let b = Worker::join(&f.log, two.clone()).await;
    f.eventually("both have read everything", || async { a.seen().len() == 10 && b.seen().len() == 10 }).await;
    assert_eq!((texts(&a.seen(), 0), texts(&b.seen(), 0)), (numbers(0..10), numbers(0..10)));
    a.leave().await;
    b.leave().await;
    let ours = [partition(&topic, 0)];
    let mut rewinding = f.only_member(one.clone()).await;
    rewinding.committer().commit(&[(ours[0].clone(), Offset(3))]).await.expect("it is committed");
    let _ = tokio::time::timeout(Duration::from_millis(1), rewinding.next()).await;
    f.leave(rewinding).await;
    let committed = |group: String| async move { f.log.committed(&group, &ours).await.expect("positions") };
    assert_eq!(committed.clone()(one.group).await, [Some(Offset(3))]);
    assert_eq!(committed(two.group).await, [Some(Offset(10))]);
}

/// The caller may say where a partition starts, whatever is committed; those it does not name start at what is.
pub async fn a_start_can_be_given(f: &Fixture) {
    let topic = f.topic(3).await;
    f.fill(&topic, 3, 10).await;
    let group = f.group("group", &[&topic]);
    let first = f.only_member(group.clone()).await;
    let all: Vec<_> = partitions_of(&topic, 3).into_iter().map(|p| (p, Offset(5))).collect();
    first.committer().commit(&all).await.expect("it is committed");
    f.leave(first).await;
    let mut member = f.log.join(group).await.expect("the member joins");
    let assignment = f.assigned(&mut *member).await;
    assignment.start(vec![
        (partition(&topic, 0), Start::At(Offset(8))),
        (partition(&topic, 1), Start::At(Offset(0))),
        (partition(&topic, 2), Start::Committed),
    ]);
    let seen = f.taken(&mut *member, 2 + 10 + 5).await;
    assert_eq!((texts(&seen, 0), texts(&seen, 1)), (numbers(8..10), numbers(0..10)));
    assert_eq!(texts(&seen, 2), numbers(5..10));
    f.leave(member).await;
}

/// A start that is not in the log is an error, and nothing is read from elsewhere.
pub async fn a_start_out_of_range_is_an_error(f: &Fixture) {
    let topic = f.topic(1).await;
    f.fill(&topic, 1, 3).await;
    let mut member = f.log.join(f.group("group", &[&topic])).await.expect("the member joins");
    let assignment = f.assigned(&mut *member).await;
    assignment.start(vec![(partition(&topic, 0), Start::At(Offset(100)))]);
    let refused = async {
        loop {
            match member.next().await {
                Ok(Event::Fetched(fetched)) => assert!(fetched.records.is_empty(), "{fetched:?}"),
                Ok(other) => panic!("{other:?}"),
                Err(error) => return error,
            }
        }
    };
    match f.within("the start is refused", refused).await {
        ReadError::OutOfRange { partition: p, position, earliest, latest } => {
            assert_eq!((p, position), (partition(&topic, 0), Offset(100)));
            assert_eq!((earliest, latest), (Offset(0), Offset(3)));
        }
        other => panic!("{other:?}"),
    }
    f.leave(member).await;
}

/// Positions can be asked for from outside: none where nothing is committed, or the group or the topic is unknown.
pub async fn committed_positions_can_be_asked_for(f: &Fixture) {
    let topic = f.topic(2).await;
    let group = f.group("group", &[&topic]);
    let mut asked = partitions_of(&topic, 2);
    asked.push(partition(&f.unique("missing").into(), 0));
    assert_eq!(f.log.committed(&group.group, &asked).await.expect("positions"), [None, None, None]);
    assert_eq!(f.log.committed(&group.group, &[]).await.expect("positions"), []);
    let member = f.only_member(group.clone()).await;
    member.committer().commit(&[(partition(&topic, 1), Offset(0))]).await.expect("it is committed");
    assert_eq!(f.log.committed(&group.group, &asked).await.expect("positions"), [None, Some(Offset(0)), None]);
    f.leave(member).await;
    let other = f.reopen().await;
    assert_eq!(other.committed(&group.group, &asked).await.expect("positions"), [None, Some(Offset(0)), None]);
}

/// Only partitions that the member owns can be committed, and a list with one that it does not own is refused.
pub async fn only_the_owner_commits(f: &Fixture) {
    let topic = f.topic(2).await;
    let other = f.topic_of(TopicSpec::new(f.unique("other"), 1)).await;
    let group = f.group("group", &[&topic]);
    let member = f.only_member(group.clone()).await;
    let committer = member.committer();
    committer.commit(&[]).await.expect("nothing is committed");
    committer.commit(&[(partition(&topic, 0), Offset(1))]).await.expect("it is committed");
    for stranger in [partition(&topic, 7), partition(&other, 0)] {
        let refused = committer.commit(&[(stranger.clone(), Offset(1))]).await;
        assert!(matches!(&refused, Err(ReadError::Fenced { partition, .. }) if *partition == stranger), "{refused:?}");
    }
    f.leave(member).await;
    let late = committer.commit(&[(partition(&topic, 0), Offset(2))]).await;
    assert!(matches!(late, Err(ReadError::Fenced { .. })), "{late:?}");
    let committed = f.log.committed(&group.group, &partitions_of(&topic, 2)).await.expect("positions");
    assert_eq!(committed, [Some(Offset(1)), None]);
}

/// A member is told the ends of its partitions, once each.
pub async fn ends_are_told_to_members(f: &Fixture) {
    let topic = f.topic(2).await;
    f.fill(&topic, 1, 4).await;
    let mut member = f.only_member(f.group("group", &[&topic])).await;
    let mut ends = ends(f, &mut *member, 2).await;
    ends.sort_unstable();
    assert_eq!(ends, [(0, 4), (1, 0)]);
    f.fill(&topic, 1, 1).await;
    assert_eq!(self::ends(f, &mut *member, 1).await, [(0, 5)]);
    f.leave(member).await;
}

/// The partitions of several topics are divided, read and committed alike.
pub async fn several_topics_are_read_by_one_group(f: &Fixture) {
    let topic = f.topic(2).await;
    let other = f.topic_of(TopicSpec::new(f.unique("other"), 1)).await;
    f.fill(&topic, 2, 10).await;
    f.fill(&other, 1, 10).await;
    let group = f.group("group", &[&topic, &other]);
    let worker = Worker::join(&f.log, group.clone()).await;
    f.eventually("everything is read", || async { worker.seen().len() == 30 }).await;
    worker.leave().await;
    let all = [partition(&topic, 0), partition(&topic, 1), partition(&other, 0)];
    let committed = f.log.committed(&group.group, &all).await.expect("positions");
    assert_eq!(committed, [Some(Offset(10)); 3]);
}

/// Takes and commits until `count` ends are told.
async fn ends(f: &Fixture, member: &mut dyn Member, count: usize) -> Vec<(i32, i64)> {
    let mut ends = Vec::new();
    let committer = member.committer();
    let taking = async {
        while ends.len() < count {
            match member.next().await.expect("an event") {
                Event::Fetched(fetched) => {
                    committer.commit(&positions(&fetched)).await.expect("it is committed");
                    ends.extend(fetched.ends.into_iter().map(|(partition, end)| (partition.partition, end.0)));
                }
                other => panic!("{other:?}"),
            }
        }
    };
    f.within("the ends are told", taking).await;
    ends
}
