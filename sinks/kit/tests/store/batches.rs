//! Batches: all or nothing, each once.

use coursebus_sinks_kit::StoreError;

use crate::{
    fixture::{Fixture, GROUP},
    steps::{Step, audited, count, effect, held, label, labels_and_counts, position, removal, take_over},
};

contract!(
    a_batch_that_comes_again_is_applied_once,
    a_batch_that_is_refused_leaves_nothing,
    an_event_counts_once_within_a_batch_and_across_batches,
    without_an_inbox_each_record_counts,
    audit_mode_is_all_or_nothing,
);

/// A commit whose answer was lost is tried again: what it did is there, and is not done twice.
async fn a_batch_that_comes_again_is_applied_once(fixture: &Fixture) {
    let store = fixture.open().await;
    let (epoch, _) = take_over(store.as_ref()).await;
    let batch = || Step::new(epoch, 2, vec![effect(1, "a", [label(1, "x")])]).audit();
    store.audit_mode(true).await.expect("the audit mode is noted");
    for _ in 0..3 {
        batch().ok(store.as_ref()).await;
    }
    assert_eq!(audited(store.as_ref()).await.into_values().collect::<Vec<_>>(), [(1, false)]);
    assert_eq!(position(store.as_ref()).await, Some(2));
    take_over(store.as_ref()).await;
    let late = batch().apply(store.as_ref()).await;
    assert!(matches!(late, Err(StoreError::Fenced { .. })), "another has the partition: {late:?}");
}

async fn a_batch_that_is_refused_leaves_nothing(fixture: &Fixture) {
    let store = fixture.open().await;
    let (epoch, _) = take_over(store.as_ref()).await;
    Step::new(epoch, 1, vec![effect(0, "a", [label(1, "before")])]).inbox().audit().ok(store.as_ref()).await;
    let effects = || {
        vec![
            effect(1, "b", [label(1, "half"), removal(3)]),
            effect(2, "c", [label(2, "refused")]),
            effect(3, "d", [label(3, "half")]),
        ]
    };
    let refused = Step::new(epoch, 9, effects()).inbox().audit().holding(vec![held(8, "half")]);
    match refused.apply(store.as_ref()).await {
        Err(error @ StoreError::Value { .. }) => assert!(!error.to_string().contains("refused'"), "{error}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(position(store.as_ref()).await, Some(1));
    assert_eq!(labels_and_counts(store.as_ref()).await, [(1, Some("before".into()), None)]);
    assert_eq!(store.held(GROUP).await.expect("held records"), []);
    assert_eq!(audited(store.as_ref()).await, [(r#"["here",1]"#.to_owned(), (1, false))].into());
    // Nor does the inbox remember it: without its bad record the rest goes through.
    let rest = effects().into_iter().filter(|e| e.event.id != "c").collect();
    Step::new(epoch, 9, rest).inbox().audit().ok(store.as_ref()).await;
    assert_eq!(
        labels_and_counts(store.as_ref()).await,
        [(1, Some("half".into()), None), (3, Some("half".into()), None)]
    );
}

/// The count of applied events is the effect here: other than an upsert it shows an event that was applied twice.
async fn an_event_counts_once_within_a_batch_and_across_batches(fixture: &Fixture) {
    let store = fixture.open().await;
    let (epoch, _) = take_over(store.as_ref()).await;
    let same = |offset| effect(offset, "a", [count(1, offset)]);
    Step::new(epoch, 3, vec![same(0), effect(1, "b", [count(1, 1)]), same(2)]).inbox().audit().ok(store.as_ref()).await;
    assert_eq!(audited(store.as_ref()).await, [(r#"["here",1]"#.to_owned(), (2, false))].into());
    assert_eq!(labels_and_counts(store.as_ref()).await, [(1, None, Some(1))], "the repetition changed nothing");

    Step::new(epoch, 4, vec![same(3)]).inbox().audit().ok(store.as_ref()).await;
    let (epoch, _) = take_over(store.as_ref()).await;
    Step::new(epoch, 6, vec![same(4), effect(5, "c", [count(1, 5)])]).inbox().audit().ok(store.as_ref()).await;
    assert_eq!(audited(store.as_ref()).await, [(r#"["here",1]"#.to_owned(), (3, false))].into());
    assert_eq!(labels_and_counts(store.as_ref()).await, [(1, None, Some(5))]);

    // An event is named by source and id together.
    let mut elsewhere = same(6);
    elsewhere.event.source = "elsewhere".into();
    Step::new(epoch, 7, vec![elsewhere]).inbox().audit().ok(store.as_ref()).await;
    assert_eq!(audited(store.as_ref()).await[r#"["here",1]"#], (4, false));
}

async fn without_an_inbox_each_record_counts(fixture: &Fixture) {
    let store = fixture.open().await;
    let (epoch, _) = take_over(store.as_ref()).await;
    let same = |offset| effect(offset, "a", [count(1, offset), label(1, "x")]);
    Step::new(epoch, 2, vec![same(0), same(1)]).audit().ok(store.as_ref()).await;
    // An event that changes a row twice touches it once.
    assert_eq!(audited(store.as_ref()).await[r#"["here",1]"#], (2, false));
}

async fn audit_mode_is_all_or_nothing(fixture: &Fixture) {
    let store = fixture.open().await;
    let mode = async |on| store.audit_mode(on).await.expect("the mode is noted");
    assert!(!mode(false).await);
    assert!(mode(true).await, "nothing was applied yet: it can still be turned on");
    let (epoch, _) = take_over(store.as_ref()).await;
    assert!(mode(true).await, "taking over applies nothing");
    Step::new(epoch, 1, vec![effect(0, "a", [label(1, "x")])]).audit().ok(store.as_ref()).await;
    assert!(mode(true).await, "from the beginning on");
    assert!(store.audit_state(GROUP).await.expect("a state").complete);
    assert!(!mode(false).await);
    assert!(!mode(true).await, "some rows may have no audit columns now, for ever");
    assert!(!store.audit_state(GROUP).await.expect("a state").complete);
    let reopened = fixture.open().await;
    assert!(!reopened.audit_mode(true).await.expect("the mode is noted"));
}
