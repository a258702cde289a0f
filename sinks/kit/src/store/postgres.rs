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
    AuditState, POSITION, PartitionId, Position, Store, StoreError, Tx, column_list, on_conflict, page, placeholders,
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
}

fn wrong(error: sqlx::Error, what: &str) -> StoreError {
    StoreError::from_sqlx(error, what, |code| match (code, code.get(..2)) {
        // Serialization, deadlock, lock time-out, idle-in-transaction time-out.
        ("40001" | "40P01" | "55P03" | "25P03", _) => Class::Transient,
        // Connection, resources, operator intervention (shut down, restart), system.
        (_, Some("08" | "53" | "57" | "58")) => Class::Transient,
        // Data and constraints.
        (_, Some("22" | "23")) => Class::Poison,
        _ => Class::Fatal,
    })
}

/// Every parameter is owned.
type Sql = Query<'static, Postgres, PgArguments>;

fn query(sql: String) -> Sql {
    sqlx::query(AssertSqlSafe(sql))
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

fn read_row(table: &Table, row: &PgRow) -> Result<Vec<Value>, sqlx::Error> {
    table.all_columns().enumerate().map(|(index, column)| read(row, index, column.kind)).collect()
}

fn read_position(row: &PgRow) -> Result<Position, sqlx::Error> {
    let topic: String = row.try_get(0)?;
    Ok(Position {
        id: PartitionId {
            partition: TopicPartition::new(topic, row.try_get(1)?),
            cluster: row.try_get(2)?,
            topic_id: row.try_get(3)?,
        },
        epoch: row.try_get(4)?,
        next: row.try_get::<Option<i64>, _>(5)?.map(Offset),
    })
}

#[async_trait]
impl Store for PostgresStore {
    async fn take_over(&self, group: &str, partitions: &[PartitionId]) -> Result<Vec<Position>, StoreError> {
        let wrong = |e| wrong(e, "take partitions over");
        let mut tx = self.pool.begin().await.map_err(wrong)?;
        // In one order, so that two that take over at once do not wait for each other in a circle.
        let mut order: Vec<usize> = (0..partitions.len()).collect();
        order.sort_by_key(|i| &partitions[*i].partition);
        let mut positions: Vec<Option<Position>> = vec![None; partitions.len()];
        for i in order {
            let id = &partitions[i];
            let row = sqlx::query(super::TAKE_OVER)
                .bind(group)
                .bind(&*id.partition.topic)
                .bind(id.partition.partition)
                .bind(&id.cluster)
                .bind(&id.topic_id)
                .fetch_one(&mut *tx)
                .await
                .map_err(wrong)?;
            positions[i] = Some(read_position(&row).map_err(wrong)?);
        }
        tx.commit().await.map_err(wrong)?;
        Ok(positions.into_iter().flatten().collect())
    }

    async fn begin(&self) -> Result<Box<dyn Tx>, StoreError> {
        Ok(Box::new(PostgresTx(self.write().await?)))
    }

    async fn positions(&self, group: &str) -> Result<Vec<Position>, StoreError> {
        let wrong = |e| wrong(e, "read positions");
        let sql = format!("SELECT {POSITION} FROM bus_positions WHERE consumer_group = $1 ORDER BY topic, partition");
        let rows = query(sql).bind(group).fetch_all(&self.pool).await.map_err(wrong)?;
        rows.iter().map(read_position).collect::<Result<_, _>>().map_err(wrong)
    }

    async fn rows(
        &self,
        table: &'static Table,
        after: Option<&[Value]>,
        limit: u32,
    ) -> Result<Vec<Vec<Value>>, StoreError> {
        let wrong = |e| wrong(e, "read rows");
        let (columns, page) = (column_list(table), page(table, after.is_some()));
        let mut select = query(format!("SELECT {columns} FROM {} {page} LIMIT {limit}", table.name));
        for value in after.into_iter().flatten() {
            select = bind(select, value);
        }
        let rows = select.fetch_all(&self.pool).await.map_err(wrong)?;
        rows.iter().map(|row| read_row(table, row)).collect::<Result<_, _>>().map_err(wrong)
    }

    async fn row(&self, table: &'static Table, key: &[Value]) -> Result<Option<Vec<Value>>, StoreError> {
        let wrong = |e| wrong(e, "read a row");
        let names = table.key.iter().map(|c| c.name).collect::<Vec<_>>().join(", ");
        let sql = format!(
            "SELECT {} FROM {} WHERE ({names}) = ({})",
            column_list(table),
            table.name,
            placeholders(1, key.len())
        );
        let select = key.iter().fold(query(sql), bind);
        let row = select.fetch_optional(&self.pool).await.map_err(wrong)?;
        row.map(|row| read_row(table, &row)).transpose().map_err(wrong)
    }

    async fn audit_state(&self, group: &str) -> Result<AuditState, StoreError> {
        let wrong = |e| wrong(e, "read audit columns");
        let begin = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY";
        let mut tx = self.pool.begin_with(begin).await.map_err(wrong)?;
        let sql = format!("SELECT {POSITION} FROM bus_positions WHERE consumer_group = $1");
        let positions = query(sql).bind(group).fetch_all(&mut *tx).await.map_err(wrong)?;
        let complete: Option<(String,)> = sqlx::query_as("SELECT value FROM bus_meta WHERE name = 'audit'")
            .fetch_optional(&mut *tx)
            .await
            .map_err(wrong)?;
        let rows: Vec<(String, String, i64, String, bool)> =
            sqlx::query_as("SELECT table_name, row_key, applied, chain, deleted FROM bus_audit")
                .fetch_all(&mut *tx)
                .await
                .map_err(wrong)?;
        let held: Vec<super::PlaceRow> =
            sqlx::query_as(super::AUDIT_HELD).bind(group).fetch_all(&mut *tx).await.map_err(wrong)?;
        let edited: Vec<(String, i32, i64, Vec<u8>, Option<String>)> =
            sqlx::query_as(super::AUDIT_EDITED).bind(group).fetch_all(&mut *tx).await.map_err(wrong)?;
        Ok(AuditState {
            complete: complete.is_some_and(|(value,)| value == "on"),
            positions: positions.iter().map(read_position).collect::<Result<_, _>>().map_err(wrong)?,
            rows: rows.into_iter().map(audit_row).collect(),
            held: held.into_iter().map(super::place).collect(),
            edited: edited.into_iter().map(super::edited).collect(),
        })
    }

    async fn audit_mode(&self, on: bool) -> Result<bool, StoreError> {
        let wrong = |e| wrong(e, "note the audit mode");
        sqlx::query(super::AUDIT_MODE).bind(on).execute(&self.pool).await.map_err(wrong)?;
        let (value,): (String,) = sqlx::query_as("SELECT value FROM bus_meta WHERE name = 'audit'")
            .fetch_one(&self.pool)
            .await
            .map_err(wrong)?;
        Ok(value == "on")
    }

    async fn held(&self, group: &str) -> Result<Vec<HeldRecord>, StoreError> {
        let wrong = |e| wrong(e, "read held records");
        let columns = super::held::COLUMNS;
        let sql = format!(
            "SELECT {columns} FROM bus_held WHERE consumer_group = $1 ORDER BY topic, partition, record_offset"
        );
        let rows = query(sql).bind(group.to_owned()).fetch_all(&self.pool).await.map_err(wrong)?;
        rows.iter().map(read_held).collect::<Result<_, _>>().map_err(wrong)
    }
}

super::operate::operate!(
    PostgresStore,
    PostgresStore::write,
    |store: &PostgresStore| store.pool.clone(),
    wrong,
    read_position
);

fn audit_row(
    (table, key, applied, chain, deleted): (String, String, i64, String, bool),
) -> ((String, String), AuditRow) {
    ((table, key), AuditRow { applied, chain: AuditRow::parse_chain(&chain), deleted })
}

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
        let done = sqlx::query(super::ADVANCE)
            .bind(group)
            .bind(&*partition.topic)
            .bind(partition.partition)
            .bind(epoch)
            .bind(next.0)
            .execute(&mut *self.0)
            .await
            .map_err(|e| wrong(e, "move the position"))?;
        Ok(done.rows_affected() == 1)
    }

    async fn standing(
        &mut self,
        group: &str,
        partition: &TopicPartition,
    ) -> Result<Option<(i64, Option<Offset>)>, StoreError> {
        let select = sqlx::query_as(super::STANDING).bind(group).bind(&*partition.topic).bind(partition.partition);
        let row: Option<(i64, Option<i64>)> =
            select.fetch_optional(&mut *self.0).await.map_err(|e| wrong(e, "read the position"))?;
        Ok(row.map(|(epoch, position)| (epoch, position.map(Offset))))
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
        let names: HashMap<&str, &'static str> = rows.iter().map(|(table, _)| (*table, *table)).collect();
        let found: Vec<(String, String, i64, String, bool)> = sqlx::query_as(
            "SELECT a.table_name, a.row_key, a.applied, a.chain, a.deleted FROM bus_audit a
             JOIN unnest($1::text[], $2::text[]) AS t (table_name, row_key)
             ON a.table_name = t.table_name AND a.row_key = t.row_key",
        )
        .bind(rows.iter().map(|(table, _)| *table).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, key)| key.as_str()).collect::<Vec<_>>())
        .fetch_all(&mut *self.0)
        .await
        .map_err(|e| wrong(e, "read audit columns"))?;
        let known = |row| {
            let ((table, key), columns) = audit_row(row);
            names.get(table.as_str()).map(|table| ((*table, key), columns))
        };
        Ok(found.into_iter().filter_map(known).collect())
    }

    async fn write_audit(&mut self, rows: &HashMap<RowName, AuditRow>) -> Result<(), StoreError> {
        let mut rows: Vec<(&RowName, &AuditRow)> = rows.iter().collect();
        rows.sort_unstable_by_key(|(name, _)| *name);
        let sql = format!(
            "{} SELECT * FROM unnest($1::text[], $2::text[], $3::int8[], $4::text[], $5::bool[]) {}",
            super::INSERT_AUDIT,
            super::UPDATE_AUDIT
        );
        query(sql)
            .bind(rows.iter().map(|((table, _), _)| *table).collect::<Vec<_>>())
            .bind(rows.iter().map(|((_, key), _)| key.as_str()).collect::<Vec<_>>())
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
        let names = key.iter().map(|c| c.name).collect::<Vec<_>>().join(", ");
        let arrays: Vec<String> = (1..).zip(key).map(|(n, c)| format!("${n}::{}[]", sql_type(c.kind))).collect();
        let sql = format!(
            "DELETE FROM {} WHERE ({names}) IN (SELECT * FROM unnest({}))",
            delete.table.name,
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
        let columns = upsert.columns.iter().map(|c| c.name).collect::<Vec<_>>().join(", ");
        let arrays: Vec<String> =
            (1..).zip(&upsert.columns).map(|(n, c)| format!("${n}::{}[]", sql_type(c.kind))).collect();
        let sql = format!(
            "INSERT INTO {} ({columns}) SELECT * FROM unnest({}) {}",
            upsert.table.name,
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

super::held::held_sql!(PostgresStore, PostgresTx, PgRow, wrong);
