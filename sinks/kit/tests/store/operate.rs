//! What an operator does with a sink's database: moving positions, accepting gaps, counting.

use coursebus_sinks_kit::{Gap, GapCause, HeldRecord, Move, Moved, PartitionId, Store, StoreError};
use coursebus_transport::Offset;

use crate::{
    fixture::{Fixture, GROUP},
    steps::{Step, all_rows, audited, count, effect, held, label, labels_and_counts, partition, position, take_over},
};

contract!(
    moving_a_position_fences_whoever_had_it,
    held_records_that_are_met_again_go_and_earlier_ones_stay,
    going_back_forgets_what_was_remembered_and_going_forward_does_not,
    moving_ends_an_audit_and_staying_does_not,
    a_move_to_another_topic_keeps_what_nobody_meets_again,
    a_gap_is_noted_and_gone_on_behind_by_the_owner_only,
    what_was_written_to_is_not_untouched,
    held_records_are_counted_by_cause,
);

fn to(next: i64) -> Move {
    Move { id: partition(0), to: Offset(next) }
}

/// The partition of a topic that was made again.
fn recreated() -> PartitionId {
    PartitionId { topic_id: "topic-2".into(), ..partition(0) }
}

async fn moved(store: &dyn Store, position: Move) -> Moved {
    store.move_positions(GROUP, &[position]).await.expect("it is moved")
}

async fn held_offsets(store: &dyn Store) -> Vec<(String, i64)> {
    let held = store.held(GROUP).await.expect("held records");
    held.into_iter().map(|record| (record.topic, record.offset.0)).collect()
}

async fn moving_a_position_fences_whoever_had_it(fixture: &Fixture) {
    let store = fixture.open().await;
    let (epoch, _) = take_over(store.as_ref()).await;
    Step::new(epoch, 5, vec![effect(4, "a", [label(1, "x")])]).ok(store.as_ref()).await;
    moved(store.as_ref(), to(2)).await;
    assert_eq!(position(store.as_ref()).await, Some(2));
    let late = Step::new(epoch, 9, vec![effect(8, "b", [label(2, "y")])]).apply(store.as_ref()).await;
    assert!(matches!(late, Err(StoreError::Fenced { .. })), "{late:?}");
    assert_eq!((position(store.as_ref()).await, all_rows(store.as_ref()).await.len()), (Some(2), 1));
    let (next_epoch, next) = take_over(store.as_ref()).await;
    assert!(next_epoch > epoch + 1 && next == Some(2), "{next_epoch} {next:?}");
    // A partition that was never applied can be given a place, too.
    let other = Move { id: partition(7), to: Offset(3) };
    moved(store.as_ref(), other).await;
    let positions = store.positions(GROUP).await.expect("positions");
    assert_eq!(positions.last().and_then(|p| p.next), Some(Offset(3)));
}

async fn held_records_that_are_met_again_go_and_earlier_ones_stay(fixture: &Fixture) {
    let store = fixture.open().await;
    let (epoch, _) = take_over(store.as_ref()).await;
    let elsewhere = HeldRecord { partition: 1, ..held(9, "other partition") };
    let all = vec![held(2, "before"), held(5, "at"), held(7, "after"), elsewhere];
    Step::new(epoch, 8, Vec::new()).holding(all).ok(store.as_ref()).await;
    assert_eq!(store.held_from(GROUP, &to(5)).await.expect("a count"), 2);
    assert_eq!(moved(store.as_ref(), to(5)).await.held, 2);
    let left = held_offsets(store.as_ref()).await;
    assert_eq!(left, [("dev-things".to_owned(), 2), ("dev-things".to_owned(), 9)]);
    // Met again, it is held again.
    let (epoch, _) = take_over(store.as_ref()).await;
    Step::new(epoch, 6, Vec::new()).holding(vec![held(5, "again")]).ok(store.as_ref()).await;
    assert_eq!(held_offsets(store.as_ref()).await.len(), 3);
}

async fn going_back_forgets_what_was_remembered_and_going_forward_does_not(fixture: &Fixture) {
    let store = fixture.open().await;
    let (epoch, _) = take_over(store.as_ref()).await;
    let once = || vec![effect(0, "a", [count(1, 1)])];
    Step::new(epoch, 1, once()).inbox().ok(store.as_ref()).await;
    assert_eq!(moved(store.as_ref(), to(3)).await.inbox, 0);
    assert_eq!(moved(store.as_ref(), to(3)).await.inbox, 0);
    assert_eq!(moved(store.as_ref(), to(0)).await.inbox, 1);
    let (epoch, _) = take_over(store.as_ref()).await;
    Step::new(epoch, 1, vec![effect(0, "a", [count(1, 2)])]).inbox().ok(store.as_ref()).await;
    let rows = labels_and_counts(store.as_ref()).await;
    assert_eq!(rows, [(1, None, Some(2))], "the event was applied again");
}

async fn moving_ends_an_audit_and_staying_does_not(fixture: &Fixture) {
    let store = fixture.open().await;
    assert!(store.audit_mode(true).await.expect("the mode is noted"));
    let (epoch, _) = take_over(store.as_ref()).await;
    Step::new(epoch, 1, vec![effect(0, "a", [label(1, "x")])]).audit().ok(store.as_ref()).await;
    assert!(!moved(store.as_ref(), to(1)).await.audit, "where it was");
    assert!(store.audit_state(GROUP).await.expect("a state").complete && audited(store.as_ref()).await.len() == 1);
    assert!(moved(store.as_ref(), to(0)).await.audit);
    assert!(!store.audit_state(GROUP).await.expect("a state").complete);
    assert!(audited(store.as_ref()).await.is_empty());
    assert!(!store.audit_mode(true).await.expect("the mode is noted"), "and it cannot begin in the middle");
}

async fn a_move_to_another_topic_keeps_what_nobody_meets_again(fixture: &Fixture) {
    let store = fixture.open().await;
    let (epoch, _) = take_over(store.as_ref()).await;
    Step::new(epoch, 8, Vec::new()).holding(vec![held(5, "of the old topic")]).ok(store.as_ref()).await;
    let done = moved(store.as_ref(), Move { id: recreated(), to: Offset(0) }).await;
    assert_eq!(done.held, 0);
    assert_eq!(held_offsets(store.as_ref()).await, [("dev-things@topic-1".to_owned(), 5)]);
    let stored = store.positions(GROUP).await.expect("positions");
    assert_eq!((&stored[0].id, stored[0].next), (&recreated(), Some(Offset(0))));
}

async fn a_gap_is_noted_and_gone_on_behind_by_the_owner_only(fixture: &Fixture) {
    let store = fixture.open().await;
    store.audit_mode(true).await.expect("the mode is noted");
    let (epoch, _) = take_over(store.as_ref()).await;
    let step = Step::new(epoch, 8, vec![effect(7, "a", [label(1, "x")])]).audit().holding(vec![held(5, "old")]);
    step.ok(store.as_ref()).await;
    let gap = Gap {
        id: recreated(),
        stored: partition(0),
        cause: GapCause::Recreated,
        position: Offset(8),
        resume: Offset(0),
    };
    let late = store.accept_gap(GROUP, epoch - 1, &gap, 1).await;
    assert!(matches!(late, Err(StoreError::Fenced { .. })), "{late:?}");
    assert_eq!((position(store.as_ref()).await, store.gaps(GROUP).await.expect("none")), (Some(8), Vec::new()));
    store.accept_gap(GROUP, epoch, &gap, 2).await.expect("it is noted");
    assert_eq!(store.gaps(GROUP).await.expect("one"), [("dev-things".to_owned(), 0, 1)]);
    let stored = store.positions(GROUP).await.expect("positions");
    assert_eq!((&stored[0].id, stored[0].next, stored[0].epoch), (&recreated(), Some(Offset(0)), epoch));
    assert_eq!(held_offsets(store.as_ref()).await, [("dev-things@topic-1".to_owned(), 5)]);
    assert!(!store.audit_state(GROUP).await.expect("a state").complete);
    // The owner goes on under its epoch.
    Step::new(epoch, 1, vec![effect(0, "b", [label(2, "y")])]).ok(store.as_ref()).await;
}

async fn what_was_written_to_is_not_untouched(fixture: &Fixture) {
    let store = fixture.open().await;
    let untouched = async || store.is_untouched(&fixture.spec).await.expect("an answer");
    assert!(untouched().await);
    let (epoch, _) = take_over(store.as_ref()).await;
    assert!(untouched().await, "taking over applies nothing");
    Step::new(epoch, 1, vec![effect(0, "a", [label(1, "x")])]).ok(store.as_ref()).await;
    assert!(!untouched().await);
}

async fn held_records_are_counted_by_cause(fixture: &Fixture) {
    let store = fixture.open().await;
    let (epoch, _) = take_over(store.as_ref()).await;
    let other = HeldRecord { code: "no-value".into(), ..held(3, "other cause") };
    Step::new(epoch, 4, Vec::new()).holding(vec![held(1, "one"), held(2, "two"), other]).ok(store.as_ref()).await;
    let counts = store.held_counts(GROUP).await.expect("counts");
    let counts: Vec<(&str, &str, u64)> = counts.iter().map(|c| (c.state.as_str(), c.code.as_str(), c.count)).collect();
    assert_eq!(counts, [("dead", "malformed-frame", 2), ("dead", "no-value", 1)]);
    assert!(store.held_counts("another group").await.expect("none").is_empty());
}
