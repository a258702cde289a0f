//! Rows: what changes make of them, and in which order they come back.

use coursebus_sinks_kit::Value;

use crate::{
    fixture::{Fixture, THINGS},
    steps::{Step, all_rows, audited, count, effect, label, labels_and_counts, removal, take_over},
};

contract!(
    an_upsert_leaves_other_columns_alone,
    a_removal_and_what_follows_it_come_in_their_order,
    rows_come_in_the_order_of_their_key_and_in_pages,
    many_rows_of_many_shapes_go_in_one_batch,
);

async fn an_upsert_leaves_other_columns_alone(fixture: &Fixture) {
    let store = fixture.open().await;
    let (epoch, _) = take_over(store.as_ref()).await;
    Step::new(epoch, 1, vec![effect(0, "a", [label(1, "kept")])]).ok(store.as_ref()).await;
    Step::new(epoch, 2, vec![effect(1, "b", [count(1, 7)])]).ok(store.as_ref()).await;
    assert_eq!(labels_and_counts(store.as_ref()).await, [(1, Some("kept".into()), Some(7))]);
    // In one batch, and beside a row of another shape.
    let mixed = vec![effect(2, "c", [label(2, "a")]), effect(3, "d", [count(1, 8), count(2, 9)])];
    Step::new(epoch, 4, mixed).ok(store.as_ref()).await;
    assert_eq!(
        labels_and_counts(store.as_ref()).await,
        [(1, Some("kept".into()), Some(8)), (2, Some("a".into()), Some(9))]
    );
    // A null is a value, and a change of nothing makes the row.
    let nothing = THINGS.upsert(["here".into(), 3.into()], []);
    let clear = THINGS.upsert(["here".into(), 1.into()], [("count", Value::Null)]);
    Step::new(epoch, 5, vec![effect(4, "e", [nothing.clone(), clear])]).ok(store.as_ref()).await;
    Step::new(epoch, 6, vec![effect(5, "f", [nothing])]).ok(store.as_ref()).await;
    assert_eq!(
        labels_and_counts(store.as_ref()).await,
        [(1, Some("kept".into()), None), (2, Some("a".into()), Some(9)), (3, None, None)]
    );
}

async fn a_removal_and_what_follows_it_come_in_their_order(fixture: &Fixture) {
    let store = fixture.open().await;
    let (epoch, _) = take_over(store.as_ref()).await;
    let both = |number| THINGS.upsert(["here".into(), number], [("label", "a".into()), ("count", 1.into())]);
    let first = vec![effect(0, "a", [both(1.into()), both(2.into()), both(3.into())])];
    Step::new(epoch, 1, first).audit().ok(store.as_ref()).await;
    // Removed and made again in one batch: nothing of the old row is left. Made and removed: gone.
    let second = vec![
        effect(1, "b", [removal(1)]),
        effect(2, "c", [label(1, "again"), label(4, "short")]),
        effect(3, "d", [removal(4), removal(2), removal(99)]),
    ];
    Step::new(epoch, 4, second).audit().ok(store.as_ref()).await;
    assert_eq!(
        labels_and_counts(store.as_ref()).await,
        [(1, Some("again".into()), None), (3, Some("a".into()), Some(1))]
    );
    let marks = audited(store.as_ref()).await;
    let of = |number: i64| marks[&format!(r#"["here",{number}]"#)];
    assert_eq!([of(1), of(2), of(3), of(4), of(99)], [(3, false), (2, true), (1, false), (2, true), (1, true)]);
    // A removed row that comes back goes on counting.
    Step::new(epoch, 5, vec![effect(4, "e", [label(2, "back")])]).audit().ok(store.as_ref()).await;
    assert_eq!(audited(store.as_ref()).await[r#"["here",2]"#], (3, false));
}

async fn rows_come_in_the_order_of_their_key_and_in_pages(fixture: &Fixture) {
    let store = fixture.open().await;
    let (epoch, _) = take_over(store.as_ref()).await;
    let keys: Vec<(&str, i64)> = ["a", "b", "c"].into_iter().flat_map(|p| [-5, 0, 3, 20].map(|n| (p, n))).collect();
    let change =
        |(place, number): &(&str, i64)| THINGS.upsert([(*place).into(), (*number).into()], [("count", 1.into())]);
    Step::new(epoch, 1, vec![effect(0, "a", keys.iter().rev().map(change))]).ok(store.as_ref()).await;
    let key = |row: &Vec<Value>| row[..2].to_vec();
    let expected: Vec<Vec<Value>> =
        keys.iter().map(|(place, number)| vec![(*place).into(), (*number).into()]).collect();
    assert_eq!(all_rows(store.as_ref()).await.iter().map(key).collect::<Vec<_>>(), expected);

    let mut paged: Vec<Vec<Value>> = Vec::new();
    loop {
        let after = paged.last().cloned();
        let page = store.rows(&THINGS, after.as_deref(), 5).await.expect("a page");
        assert!(page.len() <= 5);
        if page.is_empty() {
            break;
        }
        paged.extend(page.iter().map(key));
        assert!(paged.len() <= expected.len(), "a page begins behind the one before: {paged:?}");
    }
    assert_eq!(paged, expected);
    let row = store.row(&THINGS, &["b".into(), 3.into()]).await.expect("a row").expect("it is there");
    assert_eq!((key(&row), &row[3]), (vec!["b".into(), 3.into()], &Value::Int(1)));
    assert_eq!(store.row(&THINGS, &["b".into(), 4.into()]).await.expect("no row"), None);
}

/// More rows than one statement of any database takes, each third of another shape.
async fn many_rows_of_many_shapes_go_in_one_batch(fixture: &Fixture) {
    const ROWS: i64 = 3_001;
    let store = fixture.open().await;
    let (epoch, _) = take_over(store.as_ref()).await;
    let change = |n: i64| match n % 3 {
        0 => label(n, &n.to_string()),
        1 => count(n, n),
        _ => THINGS.upsert(["here".into(), n.into()], [("label", n.to_string().into()), ("count", n.into())]),
    };
    let all = (0..ROWS).map(|n| effect(n, &n.to_string(), [change(n)])).collect();
    Step::new(epoch, ROWS, all).inbox().audit().ok(store.as_ref()).await;
    let expected = |n: i64| (n, (n % 3 != 1).then(|| n.to_string()), (n % 3 != 0).then_some(n));
    assert_eq!(labels_and_counts(store.as_ref()).await, (0..ROWS).map(expected).collect::<Vec<_>>());
    let gone = (0..ROWS).filter(|n| n % 2 == 0).map(|n| effect(ROWS + n, &format!("-{n}"), [removal(n)])).collect();
    Step::new(epoch, 2 * ROWS, gone).inbox().audit().ok(store.as_ref()).await;
    let odd: Vec<_> = (0..ROWS).filter(|n| n % 2 == 1).map(expected).collect();
    assert_eq!(labels_and_counts(store.as_ref()).await, odd);
    let marks = audited(store.as_ref()).await;
    assert_eq!(marks.len(), usize::try_from(ROWS).expect("few"));
    assert_eq!(marks.values().filter(|mark| **mark == (2, true)).count(), odd.len() + 1);
}
