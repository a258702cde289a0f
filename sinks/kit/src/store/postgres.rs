//! PostgreSQL: a schema a sink.

use std::{
    collections::{HashMap, HashSet},
    str::FromStr,
    time::Duration,
};

use async_trait::async_trait;
use coursebus_transport::{Class, Offset, TopicPartition};
use sqlx::{
    AssertSqlSafe, PgPool, Postgres, Row, Transaction,
    postgres::{PgArguments, PgConnectOptions, PgPoolOptions, PgRow},
    query::Query,
};
use time::OffsetDateTime;

use super::{
    AuditState, PartitionId, Position, Store, StoreError, Tx,
    shared::{self, store_sql, take_over_returning},
    sql::{self as statements, AUDIT_MODE, behind, names, on_conflict, quoted},
};
use crate::{
    AppliedEvent, AuditRow, Kind, SinkSpec, Table, Value,
    chain::RowName,
    fold::{Delete, Upsert},
};

pub(super) struct PostgresStore {
    pool: PgPool,
}

impl PostgresStore {
    pub(super) async fn open(url: &str, spec: &SinkSpec) -> Result<Self, StoreError> {
        // The source is left out: it may quote the URL, and with it a password.
        let options = PgConnectOptions::from_str(url).map_err(|_| StoreError::Broken {
            what: "read its URL".to_owned(),
            source: "it is not a PostgreSQL URL".into(),
        })?;
        let options = options.application_name(&spec.group()).options([
            ("search_path", spec.name),
            // A process that was stopped inside a transaction must not keep the others out of a partition.
            ("idle_in_transaction_session_timeout", "5s"),
            ("lock_timeout", "5s"),
        ]);
        let pool = PgPoolOptions::new().max_connections(8).acquire_timeout(Duration::from_secs(10));
        let pool = pool.connect_with(options).await.map_err(|e| wrong(e, "connect"))?;
        let mut migrator = spec.migrator();
        migrator.create_schema(spec.name);
        // Two sinks of one name may start at once: the migrator takes an advisory lock, but makes the schema before it.
        let migrated = match migrator.run(&pool).await {
            Err(_) => migrator.run(&pool).await,
            done => done,
        };
        migrated.map_err(|e| StoreError::Broken { what: "migrate".to_owned(), source: e.into() })?;
        Ok(Self { pool })
    }

    fn pool(&self) -> &PgPool {
        &self.pool
    }

    async fn write(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        self.pool.begin().await.map_err(|e| wrong(e, "begin a transaction"))
    }

    async fn snapshot(&self) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        self.pool.begin_with("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY").await
    }
}

fn wrong(error: sqlx::Error, what: &str) -> StoreError {
    StoreError::from_sqlx(error, what, |error| match error.code().as_deref().map(|code| (code, code.get(..2))) {
        // Serialization, deadlock, lock time-out, idle-in-transaction time-out.
        Some(("40001" | "40P01" | "55P03" | "25P03", _)) => Class::Transient,
        // Connection, resources, operator intervention (shut down, restart), system.
        Some((_, Some("08" | "53" | "57" | "58"))) => Class::Transient,
        // Data and constraints.
        Some((_, Some("22" | "23"))) => Class::Poison,
        _ => Class::Fatal,
    })
}

/// Every parameter is owned.
type Sql = Query<'static, Postgres, PgArguments>;

fn query(sql: impl Into<String>) -> Sql {
    sqlx::query(AssertSqlSafe(sql.into()))
}

fn sql_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Int => "int8",
        Kind::Float => "float8",
        Kind::Bool => "bool",
        Kind::Time => "timestamptz",
    }
}

fn bind(query: Sql, value: &Value) -> Sql {
    match value {
        Value::Null => query.bind(None::<String>),
        Value::Bool(value) => query.bind(*value),
        Value::Int(value) => query.bind(*value),
        Value::Float(value) => query.bind(*value),
        Value::Text(value) => query.bind(value.clone()),
        Value::Time(value) => query.bind(*value),
    }
}

/// Binds a whole column as an array.
fn bind_column<'v>(query: Sql, kind: Kind, values: impl Iterator<Item = &'v Value>) -> Sql {
    match kind {
        Kind::Text => query.bind(values.map(text).collect::<Vec<_>>()),
        Kind::Int => {
            query.bind(values.map(|v| if let Value::Int(v) = v { Some(*v) } else { None }).collect::<Vec<_>>())
        }
        Kind::Float => {
            query.bind(values.map(|v| if let Value::Float(v) = v { Some(*v) } else { None }).collect::<Vec<_>>())
        }
        Kind::Bool => {
            query.bind(values.map(|v| if let Value::Bool(v) = v { Some(*v) } else { None }).collect::<Vec<_>>())
        }
        Kind::Time => query.bind(values.map(moment).collect::<Vec<_>>()),
    }
}

fn text(value: &Value) -> Option<String> {
    if let Value::Text(text) = value { Some(text.clone()) } else { None }
}

fn moment(value: &Value) -> Option<OffsetDateTime> {
    if let Value::Time(time) = value { Some(*time) } else { None }
}

fn read(row: &PgRow, index: usize, kind: Kind) -> Result<Value, sqlx::Error> {
    Ok(match kind {
        Kind::Text => row.try_get::<Option<String>, _>(index)?.into(),
        Kind::Int => row.try_get::<Option<i64>, _>(index)?.into(),
        Kind::Float => row.try_get::<Option<f64>, _>(index)?.into(),
        Kind::Bool => row.try_get::<Option<bool>, _>(index)?.into(),
        Kind::Time => row.try_get::<Option<OffsetDateTime>, _>(index)?.into(),
    })
}

take_over_returning!(Postgres);
store_sql!(PostgresStore, PostgresTx, PgRow);

struct PostgresTx(Transaction<'static, Postgres>);

#[async_trait]
impl Tx for PostgresTx {
    async fn advance(
        &mut self,
        group: &str,
        partition: &TopicPartition,
        epoch: i64,
        next: Offset,
    ) -> Result<bool, StoreError> {
        self.move_position(group, partition, epoch, next).await
    }

    async fn standing(
        &mut self,
        group: &str,
        partition: &TopicPartition,
    ) -> Result<Option<(i64, Option<Offset>)>, StoreError> {
        self.read_standing(group, partition).await
    }

    async fn remember(&mut self, group: &str, events: &[AppliedEvent]) -> Result<Vec<bool>, StoreError> {
        let mut seen = HashSet::new();
        // Sorted, so that two transactions lock in one order.
        let mut unique: Vec<&AppliedEvent> = events.iter().filter(|event| seen.insert(*event)).collect();
        unique.sort_unstable_by(|a, b| (&a.source, &a.id).cmp(&(&b.source, &b.id)));
        let rows: Vec<(String, String)> = sqlx::query_as(
            "INSERT INTO bus_inbox (consumer_group, source, id)
             SELECT $1, source, id FROM unnest($2::text[], $3::text[]) AS t (source, id)
             ON CONFLICT DO NOTHING RETURNING source, id",
        )
        .bind(group)
        .bind(unique.iter().map(|e| e.source.as_str()).collect::<Vec<_>>())
        .bind(unique.iter().map(|e| e.id.as_str()).collect::<Vec<_>>())
        .fetch_all(&mut *self.0)
        .await
        .map_err(|e| wrong(e, "remember events"))?;
        let mut fresh: HashSet<AppliedEvent> =
            rows.into_iter().map(|(source, id)| AppliedEvent { source, id }).collect();
        // Taking it out marks the second of two equal ones as known.
        Ok(events.iter().map(|event| fresh.remove(event)).collect())
    }

    async fn audit_rows(&mut self, rows: &[RowName]) -> Result<HashMap<RowName, AuditRow>, StoreError> {
        let wrong = |e| wrong(e, "read audit columns");
        let tables = shared::table_names(rows);
        let select = query(
            "SELECT a.table_name, a.row_key, a.applied, a.chain, a.deleted FROM bus_audit a
             JOIN unnest($1::text[], $2::text[]) AS t (table_name, row_key)
             ON a.table_name = t.table_name AND a.row_key = t.row_key",
        );
        let select = select.bind(rows.iter().map(|(table, _)| *table).collect::<Vec<_>>());
        let select = select.bind(rows.iter().map(|(_, key)| key.clone()).collect::<Vec<_>>());
        let mut audit = HashMap::with_capacity(rows.len());
        for row in select.fetch_all(&mut *self.0).await.map_err(wrong)? {
            let ((table, key), columns) = read_audit(&row).map_err(wrong)?;
            audit.extend(tables.get(table.as_str()).map(|table| ((*table, key), columns)));
        }
        Ok(audit)
    }

    async fn write_audit(&mut self, rows: &HashMap<RowName, AuditRow>) -> Result<(), StoreError> {
        let mut rows: Vec<(&RowName, &AuditRow)> = rows.iter().collect();
        rows.sort_unstable_by_key(|(name, _)| *name);
        let sql = format!(
            "{} SELECT * FROM unnest($1::text[], $2::text[], $3::int8[], $4::text[], $5::bool[]) {}",
            statements::INSERT_AUDIT,
            statements::UPDATE_AUDIT
        );
        query(sql)
            .bind(rows.iter().map(|((table, _), _)| *table).collect::<Vec<_>>())
            .bind(rows.iter().map(|((_, key), _)| key.clone()).collect::<Vec<_>>())
            .bind(rows.iter().map(|(_, row)| row.applied).collect::<Vec<_>>())
            .bind(rows.iter().map(|(_, row)| row.chain_json().to_string()).collect::<Vec<_>>())
            .bind(rows.iter().map(|(_, row)| row.deleted).collect::<Vec<_>>())
            .execute(&mut *self.0)
            .await
            .map_err(|e| wrong(e, "write audit columns"))?;
        Ok(())
    }

    async fn delete(&mut self, delete: &Delete) -> Result<(), StoreError> {
        let key = delete.table.key;
        let arrays: Vec<String> = (1..).zip(key).map(|(n, c)| format!("${n}::{}[]", sql_type(c.kind))).collect();
        let sql = format!(
            "DELETE FROM {} WHERE ({}) IN (SELECT * FROM unnest({}))",
            quoted(delete.table.name),
            names(key),
            arrays.join(", ")
        );
        let mut statement = query(sql);
        for (i, column) in key.iter().enumerate() {
            statement = bind_column(statement, column.kind, delete.keys.iter().map(|row| &row[i]));
        }
        statement.execute(&mut *self.0).await.map_err(|e| wrong(e, "remove rows"))?;
        Ok(())
    }

    async fn upsert(&mut self, upsert: &Upsert) -> Result<(), StoreError> {
        let columns = names(upsert.columns.iter().copied());
        let arrays: Vec<String> =
            (1..).zip(&upsert.columns).map(|(n, c)| format!("${n}::{}[]", sql_type(c.kind))).collect();
        let sql = format!(
            "INSERT INTO {} ({columns}) SELECT * FROM unnest({}) {}",
            quoted(upsert.table.name),
            arrays.join(", "),
            on_conflict(upsert)
        );
        let mut statement = query(sql);
        for (i, column) in upsert.columns.iter().enumerate() {
            statement = bind_column(statement, column.kind, upsert.rows.iter().map(|row| &row[i]));
        }
        statement.execute(&mut *self.0).await.map_err(|e| wrong(e, "write rows"))?;
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.0.commit().await.map_err(|e| wrong(e, "commit"))
    }
}
