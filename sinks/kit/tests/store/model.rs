//! Whatever changes come, and however they are divided into batches: held against a model that applies one at a time.

use std::collections::BTreeMap;

use coursebus_sinks_kit::{Change, Value};
use proptest::prelude::*;

use crate::{
    fixture::{Fixture, THINGS},
    steps::{Step, all_rows, audited, effect, take_over},
};

/// A change of a few rows and columns, so that changes meet.
fn any_change() -> impl Strategy<Value = Change> {
    let key = (prop_oneof!["a", "b"], 0..3_i64);
    let set = (prop::option::of(0..3_i64), prop::option::of("[xy]"), prop::option::of(any::<bool>()));
    (key, prop::option::weighted(0.8, set)).prop_map(|((place, number), set)| {
        let set = set.map(|(count, label, flag)| {
            let count = count.map(|value| ("count", value.into()));
            let label = label.map(|value| ("label", value.into()));
            let flag = flag.map(|value| ("flag", value.into()));
            [count, label, flag].into_iter().flatten().collect()
        });
        Change { table: &THINGS, key: vec![place.into(), number.into()], set }
    })
}

/// What the table should be: each change by itself, one after the other.
#[derive(Default)]
struct Model {
    rows: BTreeMap<String, Vec<Value>>,
    applied: BTreeMap<String, (i64, bool)>,
}

impl Model {
    fn apply(&mut self, changes: &[Change]) {
        let mut touched: BTreeMap<String, bool> = BTreeMap::new();
        for change in changes {
            let key = change.key_text();
            touched.insert(key.clone(), change.set.is_none());
            let Some(set) = &change.set else {
                self.rows.remove(&key);
                continue;
            };
            let empty = || change.key.iter().cloned().chain(vec![Value::Null; THINGS.columns.len()]).collect();
            let row = self.rows.entry(key).or_insert_with(empty);
            for (name, value) in set {
                let index = THINGS.all_columns().position(|c| c.name == *name).expect("a column");
                row[index] = value.clone();
            }
        }
        for (key, deleted) in touched {
            let mark = self.applied.entry(key).or_default();
            *mark = (mark.0 + 1, deleted);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// However events are divided into batches, the rows are those of one change at a time.
    #[test]
    fn batches_are_one_change_at_a_time(
        batches in prop::collection::vec(prop::collection::vec(prop::collection::vec(any_change(), 0..4), 0..6), 1..6),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let fixture = Fixture::sqlite();
            let store = fixture.open().await;
            let (epoch, _) = take_over(store.as_ref()).await;
            let mut model = Model::default();
            let mut offset = 0;
            for batch in batches {
                let mut effects = Vec::new();
                for changes in batch {
                    model.apply(&changes);
                    effects.push(effect(offset, &offset.to_string(), changes));
                    offset += 1;
                }
                Step::new(epoch, offset, effects).inbox().audit().ok(store.as_ref()).await;
            }
            prop_assert_eq!(all_rows(store.as_ref()).await, model.rows.into_values().collect::<Vec<_>>());
            prop_assert_eq!(audited(store.as_ref()).await, model.applied);
            Ok(())
        })?;
    }
}
