//! Transactions that move a group's positions: from topic to topic, exactly once.

use std::time::Duration;

use super::{
    Fixture,
    fixture::{numbers, partition, texts, valued},
    worker::Worker,
};
use crate::{AppendError, GroupSettings, Offset};

/// A commit moves the positions and shows the records; an abort does neither, and neither does what is open.
pub async fn records_and_positions_are_there_together_or_not_at_all(f: &Fixture) {
    let (topic, out) = (f.topic(2).await, f.topic_of(crate::TopicSpec::new(f.unique("out"), 1)).await);
    f.fill(&topic, 2, 10).await;
    let group = f.group("group", &[&topic]);
    let member = f.only_member(group.clone()).await;
    let membership = member.committer().membership();
    let both = [partition(&topic, 0), partition(&topic, 1)];
    let mut tx = f.log.transactional(&f.unique("tx")).await.expect("a writer");
    let mut expected = (Vec::new(), [None, None]);
    for (round, commit) in [(1, true), (2, false), (3, true)] {
        tx.begin().await.expect("it begins");
        tx.append(valued(&out, 0, &round.to_string())).await.expect("it is taken");
        let next: Vec<_> = both.iter().map(|p| (p.clone(), Offset(round + i64::from(p.partition)))).collect();
        tx.positions(&membership, &next).await.expect("they are taken");
        assert_eq!(texts(&f.read_all(&out, 1).await, 0), expected.0, "nothing is visible before the commit");
        if commit {
            tx.commit().await.expect("it is committed");
            expected.0.push(round.to_string());
            expected.1 = [Some(Offset(round)), Some(Offset(round + 1))];
        } else {
            tx.abort().await.expect("it is aborted");
        }
        assert_eq!(texts(&f.read_all(&out, 1).await, 0), expected.0);
        let moved = || async { f.log.committed(&group.group, &both).await.expect("positions") == expected.1 };
        f.eventually("the positions are those of the last commit", moved).await;
    }
    f.leave(member).await;
    let mut member = f.only_member(group).await;
    let rest = f.taken(&mut *member, 13).await;
    assert_eq!(texts(&rest, 0), numbers(3..10), "the next member goes on there");
    assert_eq!(texts(&rest, 1), numbers(4..10));
    f.leave(member).await;
}

/// A member that has lost a partition commits no position of it, and shows nothing that it wrote with it.
pub async fn a_stale_members_transaction_is_refused(f: &Fixture) {
    let (topic, out) = (f.topic(2).await, f.topic_of(crate::TopicSpec::new(f.unique("out"), 1)).await);
    f.fill(&topic, 2, 10).await;
    let group = GroupSettings { release_timeout: Duration::from_millis(800), ..f.group("group", &[&topic]) };
    let mut stale = f.only_member(group.clone()).await;
    f.taken(&mut *stale, 20).await;
    let membership = stale.committer().membership();
    let mut tx = f.log.transactional(&f.unique("tx")).await.expect("a writer");
    let other = Worker::join(&f.reopen().await, group.clone()).await;
    let held = f.revoked(&mut *stale).await;
    let moved = held.partitions[0].clone();
    f.eventually("the new member has it", || async { other.state().owned.contains(&moved) }).await;
    f.eventually("the new member reads it", || async { other.seen().len() == 10 }).await;
    for _ in 0..2 {
        tx.begin().await.expect("it begins");
        tx.append(valued(&out, 0, "stale")).await.expect("it is taken");
        let refused = match tx.positions(&membership, &[(moved.clone(), Offset(1))]).await {
            Err(error) => error,
            Ok(()) => tx.commit().await.expect_err("the commit is refused"),
        };
        match refused {
            AppendError::NotOwner { partition, group: of } => {
                assert_eq!((partition, of), (moved.clone(), group.group.clone()))
            }
            other => panic!("{other:?}"),
        }
        tx.abort().await.expect("it is aborted");
    }
    assert_eq!(texts(&f.read_all(&out, 1).await, 0), [] as [&str; 0]);
    // What stayed is still its own.
    let stayed = partition(&topic, 1 - moved.partition);
    tx.begin().await.expect("it begins");
    tx.append(valued(&out, 0, "owner")).await.expect("it is taken");
    tx.positions(&membership, &[(stayed.clone(), Offset(5))]).await.expect("they are taken");
    tx.commit().await.expect("it is committed");
    assert_eq!(texts(&f.read_all(&out, 1).await, 0), ["owner"]);
    let committed = || async {
        f.log.committed(&group.group, &[moved.clone(), stayed.clone()]).await.expect("positions")
            == [Some(Offset(10)), Some(Offset(5))]
    };
    f.eventually("both positions are there", committed).await;
    drop(held);
    f.leave(stale).await;
    other.leave().await;
}

/// A newer writer of the id settles what an older one left open: the next member starts where that says.
pub async fn the_next_member_waits_for_an_open_transaction(f: &Fixture) {
    let (topic, out) = (f.topic(1).await, f.topic_of(crate::TopicSpec::new(f.unique("out"), 1)).await);
    f.fill(&topic, 1, 10).await;
    let (group, id) = (f.group("group", &[&topic]), f.unique("tx"));
    let member = f.only_member(group.clone()).await;
    let membership = member.committer().membership();
    let mut older = f.log.transactional(&id).await.expect("a writer");
    older.begin().await.expect("it begins");
    older.append(valued(&out, 0, "older")).await.expect("it is taken");
    older.positions(&membership, &[(partition(&topic, 0), Offset(4))]).await.expect("they are taken");
    f.until_stored(partition(&out, 0), "older").await;
    f.leave(member).await;
    let mut newer = f.reopen().await.transactional(&id).await.expect("a newer writer");
    let mut next = f.only_member(group).await;
    assert_eq!(texts(&f.taken(&mut *next, 10).await, 0), numbers(0..10), "what was open is given up");
    let fenced = f.within("the older one is told", older.commit()).await;
    assert!(matches!(&fenced, Err(AppendError::Fenced { .. })), "{fenced:?}");
    newer.begin().await.expect("it begins");
    newer.append(valued(&out, 0, "newer")).await.expect("it is taken");
    let membership = next.committer().membership();
    newer.positions(&membership, &[(partition(&topic, 0), Offset(10))]).await.expect("they are taken");
    newer.commit().await.expect("it is committed");
    assert_eq!(texts(&f.read_all(&out, 1).await, 0), ["newer"]);
    f.leave(next).await;
}

/// A transaction of a member that is gone may still be committed, where the log took its positions before. The next member is
/// handed nothing before that is settled, and begins where it says: whatever was written with it can be read by then.
pub async fn the_next_member_begins_when_it_is_settled_who_was_done(f: &Fixture) {
    let (topic, out) = (f.topic(1).await, f.topic_of(crate::TopicSpec::new(f.unique("out"), 1)).await);
    f.fill(&topic, 1, 10).await;
    let group = f.group("group", &[&topic]);
    let member = f.only_member(group.clone()).await;
    let membership = member.committer().membership();
    let mut older = f.log.transactional(&f.unique("tx")).await.expect("a writer");
    older.begin().await.expect("it begins");
    older.append(valued(&out, 0, "older")).await.expect("it is taken");
    older.positions(&membership, &[(partition(&topic, 0), Offset(4))]).await.expect("they are taken");
    f.until_stored(partition(&out, 0), "older").await;
    f.leave(member).await;
    let mut next = f.only_member(group).await;
    let early = tokio::time::timeout(Duration::from_secs(1), next.next()).await;
    let first = match older.commit().await {
        Ok(_) => {
            assert!(early.is_err(), "not settled, and yet {early:?}");
            assert_eq!(texts(&f.read_all(&out, 1).await, 0), ["older"]);
            4
        }
        Err(AppendError::NotOwner { .. }) => {
            assert_eq!(texts(&f.read_all(&out, 1).await, 0), [] as [&str; 0]);
            0
        }
        other => panic!("{other:?}"),
    };
    let mut seen = match early {
        Ok(Ok(crate::Event::Fetched(fetched))) => fetched.records.iter().map(super::fixture::Seen::from).collect(),
        _ => Vec::new(),
    };
    while seen.len() < 10 - first {
        seen.extend(f.taken(&mut *next, 1).await);
    }
    assert_eq!(texts(&seen, 0), numbers(first..10));
    f.leave(next).await;
}
