//! Many changes of a batch become one write a row. Pure.

use std::collections::BTreeMap;

use crate::{Change, Column, Effect, Table, Value, spec::key_text};

/// Rows of one table that set the same columns, sorted by key: concurrent transactions lock them in one order.
#[derive(Debug, PartialEq)]
pub struct Upsert {
    /// The table.
    pub table: &'static Table,
    /// The key's columns, then those that are set.
    pub columns: Vec<&'static Column>,
    /// A value a column.
    pub rows: Vec<Vec<Value>>,
}

/// Keys of rows to remove, sorted.
#[derive(Debug, PartialEq)]
pub struct Delete {
    /// The table.
    pub table: &'static Table,
    /// A value a column of the key.
    pub keys: Vec<Vec<Value>>,
}

/// What a batch writes: first the removals, then the upserts.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Writes {
    pub(crate) deletes: Vec<Delete>,
    pub(crate) upserts: Vec<Upsert>,
}

/// What is known of a row after some of its changes.
#[derive(Default)]
struct Folded {
    removed: bool,
    set: Option<BTreeMap<&'static str, Value>>,
}

type Rows = BTreeMap<(&'static str, String), (&'static Table, Vec<Value>, Folded)>;

pub(crate) fn fold(effects: Vec<Effect>) -> Writes {
    let mut rows = Rows::new();
    for change in effects.into_iter().flat_map(|e| e.changes) {
        add(&mut rows, change);
    }
    let mut deletes: BTreeMap<&str, Delete> = BTreeMap::new();
    let mut upserts: BTreeMap<(&str, Vec<&str>), Upsert> = BTreeMap::new();
    for ((name, _), (table, key, folded)) in rows {
        if folded.removed {
            deletes.entry(name).or_insert_with(|| Delete { table, keys: Vec::new() }).keys.push(key.clone());
        }
        if let Some(set) = folded.set {
            let shape: Vec<&str> = set.keys().copied().collect();
            let upsert = upserts.entry((name, shape)).or_insert_with(|| {
                let set = set.keys().filter_map(|name| table.columns.iter().find(|c| c.name == *name));
                Upsert { table, columns: table.key.iter().chain(set).collect(), rows: Vec::new() }
            });
            upsert.rows.push(key.into_iter().chain(set.into_values()).collect());
        }
    }
    Writes { deletes: deletes.into_values().collect(), upserts: upserts.into_values().collect() }
}

fn add(rows: &mut Rows, change: Change) {
    let name = (change.table.name, key_text(&change.key));
    let (_, _, folded) = rows.entry(name).or_insert_with(|| (change.table, change.key, Folded::default()));
    match change.set {
        Some(set) => folded.set.get_or_insert_default().extend(set),
        None => *folded = Folded { removed: true, set: None },
    }
}

#[cfg(test)]
mod tests {
    use coursebus_transport::Offset;

    use super::*;
    use crate::{AppliedEvent, Kind};

    const T: Table = Table {
        name: "t",
        key: &[Column { name: "k", kind: Kind::Int }],
        columns: &[Column { name: "a", kind: Kind::Int }, Column { name: "b", kind: Kind::Int }],
    };
    static TABLE: Table = T;

    fn check(changes: Vec<Change>, deleted: &[i64], upserted: &[(&[&str], &[&[i64]])]) {
        let event = AppliedEvent { source: "s".into(), id: "i".into() };
        let writes = fold(vec![Effect { offset: Offset(0), event, changes }]);
        let ints = |row: &[i64]| row.iter().map(|i| Value::Int(*i)).collect::<Vec<_>>();
        let keys: Vec<_> = writes.deletes.iter().flat_map(|d| d.keys.clone()).collect();
        assert_eq!(keys, deleted.iter().map(|k| ints(&[*k])).collect::<Vec<_>>());
        let found: Vec<_> = writes
            .upserts
            .iter()
            .map(|u| (u.columns.iter().map(|c| c.name).collect::<Vec<_>>(), u.rows.clone()))
            .collect();
        let expected: Vec<_> =
            upserted.iter().map(|(columns, rows)| (columns.to_vec(), rows.iter().map(|r| ints(r)).collect())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_last_change_of_a_column_wins() {
        let set = |k: i64, name, v: i64| TABLE.upsert([k.into()], [(name, v.into())]);
        check(vec![set(2, "a", 1), set(1, "a", 1), set(2, "a", 3)], &[], &[(&["k", "a"], &[&[1, 1], &[2, 3]])]);
        check(vec![set(1, "a", 1), set(1, "b", 2)], &[], &[(&["k", "a", "b"], &[&[1, 1, 2]])]);
        check(vec![set(1, "a", 1), TABLE.delete([1.into()])], &[1], &[]);
        check(vec![set(1, "a", 1), TABLE.delete([1.into()]), set(1, "b", 2)], &[1], &[(&["k", "b"], &[&[1, 2]])]);
        check(vec![set(1, "a", 1), set(2, "b", 2)], &[], &[(&["k", "a"], &[&[1, 1]]), (&["k", "b"], &[&[2, 2]])]);
    }
}
