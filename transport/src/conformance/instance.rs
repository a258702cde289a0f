//! Members with a name of their own: what a restart keeps, and what two of one name are told.

use super::{
    Fixture,
    fixture::{numbers, partition, texts},
    worker::Worker,
};
use crate::{Event, GroupSettings, Offset, ReadError};

fn named(settings: &GroupSettings, name: &str) -> GroupSettings {
    GroupSettings { instance: Some(name.to_owned()), ..settings.clone() }
}

/// A member that is started again within its session has its partitions again; the others are told nothing.
pub async fn a_named_member_that_comes_back_interrupts_nobody(f: &Fixture) {
    let topic = f.topic(4).await;
    let slow = GroupSettings { session_timeout: 2 * f.profile.patience, ..f.group("group", &[&topic]) };
    let a = Worker::join(&f.log, named(&slow, "a")).await;
    let b = Worker::join(&f.reopen().await, named(&slow, "b")).await;
    f.eventually("each has two partitions", || async { a.owns(2) && b.owns(2) }).await;
    f.fill(&topic, 4, 10).await;
    f.eventually("all is taken", || async { a.seen().len() + b.seen().len() == 40 }).await;
    let told = |worker: &Worker| {
        let state = worker.state();
        (state.assigned.len(), state.revoked.len())
    };
    let (before, owned) = (told(&b), a.state().owned.clone());
    let gone = a.leave().await;
    let again = Worker::join(&f.reopen().await, named(&slow, "a")).await;
    f.eventually("it has its partitions again", || async { again.state().owned == owned }).await;
    f.fill(&topic, 4, 10).await;
    let taken = || gone.seen.len() + again.seen().len() + b.seen().len();
    f.eventually("all is taken, once", || async { taken() == 80 }).await;
    assert_eq!(told(&b), before, "the other was not interrupted");
    again.leave().await;
    b.leave().await;
}

/// Of two living members of one name the older is told that it is out, and commits nothing more.
pub async fn the_older_of_two_members_of_one_name_is_out(f: &Fixture) {
    let topic = f.topic(1).await;
    f.fill(&topic, 1, 10).await;
    let group = named(&f.group("group", &[&topic]), "a");
    let mut older = f.only_member(group.clone()).await;
    assert_eq!(texts(&f.taken(&mut *older, 10).await, 0), numbers(0..10));
    let committer = older.committer();
    committer.commit(&[(partition(&topic, 0), Offset(3))]).await.expect("it is the owner");
    let mut newer = f.reopen().await.join(group.clone()).await.expect("the member joins");
    let told = async {
        loop {
            match older.next().await {
                Ok(Event::Assigned(assignment)) => assignment.start(Vec::new()),
                Ok(Event::Revoked(_) | Event::Fetched(_)) => {}
                Err(error) => return error,
            }
        }
    };
    let (assigned, told) = tokio::join!(f.assigned(&mut *newer), f.within("the older one is told", told));
    match told {
        ReadError::Replaced { group: of, instance } => {
            assert_eq!((of, instance), (group.group.clone(), "a".to_owned()))
        }
        other => panic!("{other:?}"),
    }
    assigned.start(Vec::new());
    assert_eq!(texts(&f.taken(&mut *newer, 7).await, 0), numbers(3..10), "the newer one goes on");
    let late = committer.commit(&[(partition(&topic, 0), Offset(1))]).await;
    assert!(matches!(late, Err(ReadError::Fenced { .. })), "{late:?}");
    newer.committer().commit(&[(partition(&topic, 0), Offset(10))]).await.expect("it is the owner");
    f.leave(older).await;
    let committed = f.log.committed(&group.group, &[partition(&topic, 0)]).await.expect("positions");
    assert_eq!(committed, [Some(Offset(10))]);
    f.leave(newer).await;
}

/// The partitions of a named member that stays away go to others when its session has passed.
pub async fn a_named_member_that_stays_away_loses_its_place(f: &Fixture) {
    let topic = f.topic(2).await;
    let group = f.group("group", &[&topic]);
    let a = Worker::join(&f.log, named(&group, "a")).await;
    let b = Worker::join(&f.reopen().await, group).await;
    f.eventually("each has one", || async { a.owns(1) && b.owns(1) }).await;
    a.leave().await;
    f.eventually("the other has both", || async { b.owns(2) }).await;
    b.leave().await;
}

/// A name that cannot be one is refused.
pub async fn bad_names_and_patterns_are_refused(f: &Fixture) {
    let topic = f.topic(1).await;
    let group = f.group("group", &[&topic]);
    for settings in
        [named(&group, ""), named(&group, "a b"), GroupSettings { topics: vec!["a/*".to_owned()], ..group.clone() }]
    {
        let refused = f.log.join(settings).await.map(drop);
        assert!(matches!(refused, Err(ReadError::Refused { .. })), "{refused:?}");
    }
}
