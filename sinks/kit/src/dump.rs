//! All rows of a sink as JSON, the same on every database.

use serde::Serialize;
use serde_json::{Map, Value as Json};

use crate::{SinkSpec, Store, StoreError, Table, Value, spec::key_text};

/// How many rows are read at once.
const PAGE: u32 = 5_000;

/// A row of a dump.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DumpedRow {
    /// `<sink>.<table>`
    pub table: String,
    /// The values of the key's columns.
    pub key: Json,
    /// All columns by name; `null` for a row that was removed (audit mode keeps its audit columns).
    pub row: Json,
    /// Audit mode: how many events touched the row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied: Option<i64>,
    /// Audit mode: per `topic/partition` the chain of those events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain: Option<Json>,
}

/// The rows of a sink, sorted by table, then by the bytes of the key's JSON. Holds one table's rows in memory.
pub async fn dump(store: &dyn Store, spec: &SinkSpec, audit: bool) -> Result<Vec<DumpedRow>, StoreError> {
    let mut audited = if audit { store.audit_state(&spec.group()).await?.rows } else { Default::default() };
    let mut dumped = Vec::new();
    for table in spec.tables {
        let full_name = format!("{}.{}", spec.name, table.name);
        for row in all_rows(store, table).await? {
            let key = &row[..table.key.len()];
            let columns = audited.remove(&(table.name.to_owned(), key_text(key)));
            dumped.push(DumpedRow {
                table: full_name.clone(),
                key: Json::Array(key.iter().map(Value::to_json).collect()),
                row: row_json(table, &row),
                applied: audit.then(|| columns.as_ref().map_or(0, |c| c.applied)),
                chain: audit.then(|| columns.as_ref().map_or_else(|| Map::new().into(), |c| c.chain_json())),
            });
        }
    }
    for ((table, key), columns) in audited {
        dumped.push(DumpedRow {
            table: format!("{}.{table}", spec.name),
            key: serde_json::from_str(&key).unwrap_or(Json::String(key)),
            row: Json::Null,
            applied: Some(columns.applied),
            chain: Some(columns.chain_json()),
        });
    }
    dumped.sort_by_cached_key(|row| (row.table.clone(), row.key.to_string()));
    Ok(dumped)
}

/// Every row of a table, in the order of its key's columns.
pub(crate) async fn all_rows(store: &dyn Store, table: &'static Table) -> Result<Vec<Vec<Value>>, StoreError> {
    let mut rows: Vec<Vec<Value>> = Vec::new();
    loop {
        let after = rows.last().map(|row| row[..table.key.len()].to_vec());
        let page = store.rows(table, after.as_deref(), PAGE).await?;
        let done = page.len() < PAGE as usize;
        rows.extend(page);
        if done {
            return Ok(rows);
        }
    }
}

/// A row as an object.
#[must_use]
pub fn row_json(table: &Table, row: &[Value]) -> Json {
    let pairs = table.all_columns().zip(row).map(|(column, value)| (column.name.to_owned(), value.to_json()));
    Json::Object(pairs.collect())
}
