//! Groups seen and moved from outside.

use super::{
    Fixture,
    fixture::{numbers, partition, partitions_of, texts},
};
use crate::{AdminError, Offset};

/// A group is listed, with who is in it, what each has, and what is committed; what is committed outlives the members.
pub async fn a_group_is_listed_with_its_members_and_positions(f: &Fixture) {
    let topic = f.topic(2).await;
    let settings = f.group("group", &[&topic]);
    let name = settings.group.clone();
    let member = f.only_member(settings).await;
    let all = partitions_of(&topic, 2);
    member.committer().commit(&[(all[1].clone(), Offset(0))]).await.expect("it is committed");
    f.eventually("the member is shown with its partitions", || async {
        let group = f.log.group(&name).await.expect("a description");
        !group.rebalancing && matches!(&group.members[..], [only] if only.partitions == all && !only.place.is_empty())
    })
    .await;
    let other = f.reopen().await;
    let group = other.group(&name).await.expect("a description");
    assert_eq!((group.name.as_str(), &group.committed[..]), (name.as_str(), &[(all[1].clone(), Offset(0))][..]));
    assert!(other.groups().await.expect("a list").contains(&name));
    f.leave(member).await;
    f.eventually("the member is gone", || async { f.log.group(&name).await.expect("it").members.is_empty() }).await;
    let group = f.log.group(&name).await.expect("a description");
    assert_eq!((group.rebalancing, group.committed.len()), (false, 1));
    assert!(f.log.groups().await.expect("a list").contains(&name));
}

/// Asking for a group does not make it.
pub async fn a_group_that_nobody_made_is_empty(f: &Fixture) {
    let name = f.unique("nobody");
    let group = f.log.group(&name).await.expect("a description");
    assert_eq!((group.name.as_str(), group.members.len(), group.committed.len()), (name.as_str(), 0, 0));
    assert!(!group.rebalancing && !f.log.groups().await.expect("a list").contains(&name));
}

/// While a group has members its positions are theirs; afterwards whoever joins next starts at what was set.
pub async fn positions_are_set_only_without_members(f: &Fixture) {
    let topic = f.topic(2).await;
    f.fill(&topic, 2, 10).await;
    let settings = f.group("group", &[&topic]);
    let name = settings.group.clone();
    let wanted = [(partition(&topic, 0), Offset(7)), (partition(&topic, 1), Offset(2))];
    let member = f.only_member(settings.clone()).await;
    let refused = f.log.set_positions(&name, &wanted).await;
    assert!(matches!(&refused, Err(AdminError::GroupActive { members: 1, .. })), "{refused:?}");
    assert_eq!(f.log.committed(&name, &partitions_of(&topic, 2)).await.expect("positions"), [None, None]);
    f.leave(member).await;
    f.eventually("the positions are taken", || async { f.log.set_positions(&name, &wanted).await.is_ok() }).await;
    let mut member = f.only_member(settings).await;
    let seen = f.taken(&mut *member, 3 + 8).await;
    assert_eq!((texts(&seen, 0), texts(&seen, 1)), (numbers(7..10), numbers(2..10)));
    f.leave(member).await;
}

/// A list with a partition that is not there changes nothing; a group may get positions before its first member.
pub async fn positions_are_set_all_or_none(f: &Fixture) {
    let topic = f.topic(1).await;
    let (name, there) = (f.unique("group"), partition(&topic, 0));
    for (stranger, unknown_topic) in [(partition(&topic, 7), false), (partition(&f.unique("missing").into(), 0), true)]
    {
        let refused = f.log.set_positions(&name, &[(there.clone(), Offset(0)), (stranger, Offset(0))]).await;
        let told = match &refused {
            Err(AdminError::UnknownTopic { .. }) => unknown_topic,
            Err(AdminError::UnknownPartition { .. }) => !unknown_topic,
            _ => false,
        };
        assert!(told, "{refused:?}");
        assert_eq!(f.log.committed(&name, std::slice::from_ref(&there)).await.expect("positions"), [None]);
    }
    f.log.set_positions(&name, &[]).await.expect("nothing is set");
    f.log.set_positions(&name, &[(there.clone(), Offset(0))]).await.expect("it is set");
    assert_eq!(f.log.committed(&name, &[there]).await.expect("positions"), [Some(Offset(0))]);
}
