//! What is said to every database in the same words. PostgreSQL and SQLite take these statements as they are; MySQL's are
//! translated from them where it has other words (`mysql/statement.rs`).

use crate::{Column, Table, fold::Upsert};

/// The positions of a group, whose columns are those of [`TAKE_OVER`]'s answer.
pub(super) const POSITIONS: &str =
    "SELECT topic, partition, cluster, topic_id, epoch, position FROM bus_positions WHERE consumer_group = $1";

/// The identity of the topic is kept as it was when the position was last moved, so that a recreated one is noticed.
pub(super) const TAKE_OVER: &str =
    "INSERT INTO bus_positions AS p (consumer_group, topic, partition, cluster, topic_id, epoch)
    VALUES ($1, $2, $3, $4, $5, 1)
    ON CONFLICT (consumer_group, topic, partition) DO UPDATE SET epoch = p.epoch + 1,
        cluster = CASE WHEN p.position IS NULL THEN excluded.cluster ELSE p.cluster END,
        topic_id = CASE WHEN p.position IS NULL THEN excluded.topic_id ELSE p.topic_id END
    RETURNING topic, partition, cluster, topic_id, epoch, position";
pub(super) const ADVANCE: &str = "UPDATE bus_positions SET position = $5
    WHERE consumer_group = $1 AND topic = $2 AND partition = $3 AND epoch = $4 AND (position IS NULL OR position < $5)";
pub(super) const STANDING: &str = "SELECT epoch, position FROM bus_positions
    WHERE consumer_group = $1 AND topic = $2 AND partition = $3";
pub(super) const INSERT_AUDIT: &str = "INSERT INTO bus_audit (table_name, row_key, applied, chain, deleted)";
pub(super) const UPDATE_AUDIT: &str = "ON CONFLICT (table_name, row_key) DO UPDATE SET applied = excluded.applied,
    chain = excluded.chain, deleted = excluded.deleted";
/// Once off, it stays off: rows that were written without audit columns have none. It can be turned on before the first
/// position moves.
pub(super) const AUDIT_MODE: &str = "INSERT INTO bus_meta (name, value)
    SELECT 'audit', CASE WHEN $1 AND NOT EXISTS (SELECT 1 FROM bus_positions WHERE position IS NOT NULL)
        THEN 'on' ELSE 'off' END WHERE true
    ON CONFLICT (name) DO UPDATE SET value = CASE WHEN $1 AND (bus_meta.value = 'on'
        OR NOT EXISTS (SELECT 1 FROM bus_positions WHERE position IS NOT NULL)) THEN 'on' ELSE 'off' END";

/// What the auditor counts apart, and what was applied in place of what the topic says.
pub(super) const AUDIT_HELD: &str = "SELECT topic, partition, record_offset FROM bus_held
    WHERE consumer_group = $1 AND state <> 'applied'";
pub(super) const AUDIT_EDITED: &str =
    "SELECT topic, partition, record_offset, edited_value, edited_headers FROM bus_held
    WHERE consumer_group = $1 AND state = 'applied' AND edited_value IS NOT NULL";

pub(super) const AUDIT_COLUMNS: &str = "SELECT table_name, row_key, applied, chain, deleted FROM bus_audit";
pub(super) const IS_AUDITED: &str = "SELECT value FROM bus_meta WHERE name = 'audit'";

/// `$1, $2, …` from a number on.
pub(super) fn placeholders(from: usize, count: usize) -> String {
    (from..from + count).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ")
}

/// A name in quotes: a column may be called as a word that some database reserves.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

/// Names in quotes, with commas.
pub(super) fn names<'a>(columns: impl IntoIterator<Item = &'a Column>) -> String {
    columns.into_iter().map(|c| quoted(c.name)).collect::<Vec<_>>().join(", ")
}

/// `a = excluded.a, …` for the columns behind the key, or nothing to update.
pub(super) fn on_conflict(upsert: &Upsert) -> String {
    let (key, set) = upsert.columns.split_at(upsert.table.key.len());
    let key = names(key.iter().copied());
    if set.is_empty() {
        return format!("ON CONFLICT ({key}) DO NOTHING");
    }
    let set: Vec<String> = set.iter().map(|c| quoted(c.name)).map(|name| format!("{name} = excluded.{name}")).collect();
    format!("ON CONFLICT ({key}) DO UPDATE SET {}", set.join(", "))
}

/// A page of a table in the order of its key, behind what `behind` says.
pub(super) fn select_page(table: &Table, behind: Option<String>, limit: u32) -> String {
    let key = names(table.key);
    let from = behind.map_or(String::new(), |condition| format!("WHERE {condition}"));
    let columns = names(table.all_columns());
    format!("SELECT {columns} FROM {} {from} ORDER BY {key} LIMIT {limit}", quoted(table.name))
}

/// `(a, b) > ($1, $2)`: rows behind a key, which is bound.
pub(super) fn behind(table: &Table) -> String {
    format!("({}) > ({})", names(table.key), placeholders(1, table.key.len()))
}

/// One row by its key, which is bound.
pub(super) fn select_row(table: &Table) -> String {
    let key: Vec<String> = (1..).zip(table.key).map(|(n, c)| format!("{} = ${n}", quoted(c.name))).collect();
    format!("SELECT {} FROM {} WHERE {}", names(table.all_columns()), quoted(table.name), key.join(" AND "))
}

/// Rows in chunks of powers of two of at most `max`, so that few statements serve every number of rows and stay prepared.
pub(super) fn chunks<T>(rows: &[T], max: usize) -> impl Iterator<Item = &[T]> {
    let mut rest = rows;
    std::iter::from_fn(move || {
        let count = (1 << rest.len().checked_ilog2()?).min(max);
        let (chunk, after) = rest.split_at(count);
        rest = after;
        Some(chunk)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    #[test]
    fn a_page_begins_behind_a_key() {
        static TABLE: Table = Table {
            name: "t",
            key: &[Column { name: "a", kind: Kind::Text }, Column { name: "b", kind: Kind::Int }],
            columns: &[],
        };
        let page = "SELECT \"a\", \"b\" FROM \"t\" WHERE (\"a\", \"b\") > ($1, $2) ORDER BY \"a\", \"b\" LIMIT 5";
        assert_eq!(select_page(&TABLE, Some(behind(&TABLE)), 5), page);
        assert_eq!(select_row(&TABLE), "SELECT \"a\", \"b\" FROM \"t\" WHERE \"a\" = $1 AND \"b\" = $2");
    }

    #[test]
    fn chunks_are_powers_of_two() {
        let sizes = |count: usize| chunks(&vec![(); count], 8).map(<[()]>::len).collect::<Vec<_>>();
        assert!(sizes(0).is_empty());
        assert_eq!(sizes(7), [4, 2, 1]);
        assert_eq!(sizes(21), [8, 8, 4, 1]);
    }
}
