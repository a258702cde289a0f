//! Positions and epochs: who may write, and from where on.

use std::collections::HashSet;

use coursebus_sinks_kit::{PartitionId, StoreError};

use crate::{
    fixture::{Fixture, GROUP},
    steps::{Step, audited, effect, held, label, labels_and_counts, partition, position, take_over},
};

contract!(
    a_take_over_raises_the_epoch_and_fences_the_one_before,
    take_overs_answer_in_the_order_asked_for,
    positions_only_rise_with_batches,
    a_recreated_topic_keeps_the_old_identity_once_a_position_has_moved,
    two_open_at_once,
);

async fn a_take_over_raises_the_epoch_and_fences_the_one_before(fixture: &Fixture) {
    let (first, second) = (fixture.open().await, fixture.open().await);
    let (old, next) = take_over(first.as_ref()).await;
    assert_eq!(next, None);
    let before = Step::new(old, 5, vec![effect(4, "a", [label(1, "old")])]).inbox().audit();
    before.ok(first.as_ref()).await;

    let (new, next) = take_over(second.as_ref()).await;
    assert!(new > old);
    assert_eq!(next, Some(5), "the new owner goes on where the old one was");
    let late = Step::new(old, 9, vec![effect(8, "b", [label(1, "late"), label(2, "late")])]);
    let late = late.inbox().audit().holding(vec![held(7, "late")]);
    match late.apply(first.as_ref()).await {
        Err(StoreError::Fenced { partition: fenced }) => assert_eq!(fenced, partition(0).partition),
        other => panic!("{other:?}"),
    }
    assert_eq!(position(second.as_ref()).await, Some(5));
    assert_eq!(labels_and_counts(second.as_ref()).await, [(1, Some("old".into()), None)]);
    assert_eq!(second.held(GROUP).await.expect("held records"), []);
    assert_eq!(audited(second.as_ref()).await, [(r#"["here",1]"#.to_owned(), (1, false))].into());
    // Its inbox has nothing of it either: the event is new to the new owner.
    Step::new(new, 9, vec![effect(8, "b", [label(2, "new")])]).inbox().ok(second.as_ref()).await;
    assert_eq!(labels_and_counts(second.as_ref()).await.len(), 2);
    // Another partition was not touched by any of this.
    let other = first.take_over(GROUP, &[partition(1)]).await.expect("it is free");
    assert_eq!((other[0].epoch, other[0].next), (1, None));
}

async fn take_overs_answer_in_the_order_asked_for(fixture: &Fixture) {
    let store = fixture.open().await;
    let asked = [3, 0, 2, 1].map(partition);
    for epoch in 1..=2 {
        let positions = store.take_over(GROUP, &asked).await.expect("they are taken over");
        assert_eq!(positions.iter().map(|p| &p.id).collect::<Vec<_>>(), asked.iter().collect::<Vec<_>>());
        assert!(positions.iter().all(|p| p.epoch == epoch));
    }
    assert_eq!(store.take_over(GROUP, &[]).await.expect("nothing to take"), []);
    // Two at once, in opposite orders, do not wait for each other in a circle.
    let other = fixture.open().await;
    let reversed = [1, 2, 0, 3].map(partition);
    let (one, two) = tokio::join!(store.take_over(GROUP, &asked), other.take_over(GROUP, &reversed));
    let epochs: HashSet<i64> =
        one.expect("taken over").iter().chain(&two.expect("taken over")).map(|p| p.epoch).collect();
    assert_eq!(epochs, [3, 4].into());
}

async fn positions_only_rise_with_batches(fixture: &Fixture) {
    let store = fixture.open().await;
    let (epoch, mut last) = take_over(store.as_ref()).await;
    assert_eq!(position(store.as_ref()).await, None, "taking over moves nothing");
    for next in [1, 2, 7, 5_000_000_000] {
        Step::new(epoch, next, Vec::new()).ok(store.as_ref()).await;
        let now = position(store.as_ref()).await;
        assert!(now > last && now == Some(next));
        last = now;
        let refused = Step::new(epoch, next + 1, vec![effect(next, "x", [label(1, "refused")])]);
        assert!(refused.apply(store.as_ref()).await.is_err());
        assert_eq!(position(store.as_ref()).await, last, "a batch that is refused moves nothing");
    }
    drop(store);
    let store = fixture.open().await;
    assert_eq!(take_over(store.as_ref()).await, (epoch + 1, last));
}

async fn a_recreated_topic_keeps_the_old_identity_once_a_position_has_moved(fixture: &Fixture) {
    let store = fixture.open().await;
    let again = |topic_id: &str| PartitionId { topic_id: topic_id.into(), ..partition(0) };
    let taken = async |id: &str| {
        let positions = store.take_over(GROUP, &[again(id)]).await.expect("it is taken over");
        (positions[0].epoch, positions[0].id.topic_id.clone())
    };
    assert_eq!(taken("topic-1").await, (1, "topic-1".into()));
    assert_eq!(taken("topic-2").await, (2, "topic-2".into()), "nothing was applied: nothing is lost");
    Step::new(2, 1, Vec::new()).ok(store.as_ref()).await;
    assert_eq!(taken("topic-3").await, (3, "topic-2".into()), "the sink sees that its position is of another topic");
}

async fn two_open_at_once(fixture: &Fixture) {
    let all = futures_of(6, async || fixture.try_open().await.map_err(|e| format!("{e}: {e:?}"))).await;
    for store in all {
        let store = store.expect("each of them opens");
        take_over(store.as_ref()).await;
    }
}

/// Runs the same several times beside each other.
async fn futures_of<T>(count: usize, make: impl AsyncFn() -> T) -> Vec<T> {
    let mut made = Vec::new();
    for _ in 0..count / 2 {
        let (one, other) = tokio::join!(make(), make());
        made.extend([one, other]);
    }
    made
}
