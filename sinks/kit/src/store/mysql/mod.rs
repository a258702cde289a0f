//! MySQL and MariaDB: a database a sink. Written for MariaDB 10.11 and MySQL 8; the tests run on MariaDB.
//!
//! It says by `VALUES(…)` what others call `excluded`, and no `INSERT` answers: what one would have answered is read.

mod ddl;
mod migrate;
mod server;
mod statement;

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use coursebus_transport::{Class, Offset, TopicPartition};
use server::Server;
use sqlx::{
    MySql, MySqlPool, Row, Transaction,
    error::DatabaseError,
    mysql::{MySqlDatabaseError, MySqlRow},
};
use statement::{Sql, query};
use time::OffsetDateTime;

use super::{
    AuditState, PartitionId, Position, Store, StoreError, Tx,
    shared::{self, store_sql},
    sql::{self as statements, chunks, names, quoted},
};
use crate::{
    AppliedEvent, AuditRow, Column, Kind, SinkSpec, Table, Value,
    chain::RowName,
    fold::{Delete, Upsert},
};

/// Rows of one statement, a power of two.
const CHUNK_ROWS: usize = 512;
/// Parameters of one statement; the protocol counts them in 16 bits.
const PARAMETERS_MAX: usize = 65_535;
/// Keys of one statement: the server makes a range of its index of each.
const CHUNK_KEYS: usize = 128;

const TAKE_OVER: &str = "INSERT INTO bus_positions (consumer_group, topic, partition, cluster, topic_id, epoch)
    VALUES ($1, $2, $3, $4, $5, 1)
    ON DUPLICATE KEY UPDATE epoch = epoch + 1,
        cluster = CASE WHEN position IS NULL THEN VALUES(cluster) ELSE cluster END,
        topic_id = CASE WHEN position IS NULL THEN VALUES(topic_id) ELSE topic_id END";
/// As the others', in MySQL's words.
const AUDIT_MODE: &str = "INSERT INTO bus_meta (name, value)
    SELECT 'audit', CASE WHEN $1 AND NOT EXISTS (SELECT 1 FROM bus_positions WHERE position IS NOT NULL)
        THEN 'on' ELSE 'off' END FROM DUAL
    ON DUPLICATE KEY UPDATE value = CASE WHEN $1 AND (bus_meta.value = 'on'
        OR NOT EXISTS (SELECT 1 FROM bus_positions WHERE position IS NOT NULL)) THEN 'on' ELSE 'off' END";
const UPDATE_AUDIT: &str =
    "ON DUPLICATE KEY UPDATE applied = VALUES(applied), chain = VALUES(chain), deleted = VALUES(deleted)";
/// A read as of one moment; otherwise each statement sees what was committed before it.
const SNAPSHOT: &str = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;
    START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";

/// Two rows of one key.
const DUPLICATE: u16 = 1062;

pub(super) struct MysqlStore {
    pool: MySqlPool,
}

impl MysqlStore {
    pub(super) async fn open(url: &str, spec: &SinkSpec) -> Result<Self, StoreError> {
        let server = Server::connect(url, spec.name).await?;
        migrate::migrate(&server, spec).await?;
        Ok(Self { pool: server.pool })
    }

    fn pool(&self) -> &MySqlPool {
        &self.pool
    }

    async fn write(&self) -> Result<Transaction<'static, MySql>, StoreError> {
        self.pool.begin().await.map_err(|e| wrong(e, "begin a transaction"))
    }

    async fn snapshot(&self) -> Result<Transaction<'static, MySql>, sqlx::Error> {
        self.pool.begin_with(SNAPSHOT).await
    }
}

fn number(error: &dyn DatabaseError) -> Option<u16> {
    error.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number)
}

fn wrong(error: sqlx::Error, what: &str) -> StoreError {
    StoreError::from_sqlx(error, what, |error| {
        let state = error.code().unwrap_or_default();
        match (number(error).unwrap_or_default(), state.get(..2).unwrap_or_default()) {
            // A packet that is too large ends the session, too: it is divided until the one record is found.
            (1153, _) => Class::Poison,
            // Too many connections; shutting down; disk or table full; lock time-out, deadlock, interrupted; a server that is
            // read-only while another takes its place.
            (1040 | 1053 | 1203 | 1021 | 1114 | 1205 | 1213 | 1317 | 1290 | 1836 | 1927, _) => Class::Transient,
            // Connection, roll-back, killed.
            (_, "08" | "40" | "70") => Class::Transient,
            // Cut off, not of this character set, and MySQL's CHECK: their states say nothing.
            (1265 | 1366 | 3819, _) => Class::Poison,
            // Data and constraints.
            (_, "22" | "23") => Class::Poison,
            _ => Class::Fatal,
        }
    })
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

fn read(row: &MySqlRow, index: usize, kind: Kind) -> Result<Value, sqlx::Error> {
    Ok(match kind {
        Kind::Text => row.try_get::<Option<String>, _>(index)?.into(),
        Kind::Int => row.try_get::<Option<i64>, _>(index)?.into(),
        Kind::Float => row.try_get::<Option<f64>, _>(index)?.into(),
        Kind::Bool => row.try_get::<Option<bool>, _>(index)?.into(),
        Kind::Time => row.try_get::<Option<OffsetDateTime>, _>(index)?.into(),
    })
}

/// `(a > $1) OR (a = $1 AND b > $2)`: from a comparison of rows MySQL does not find the place in its index.
fn behind(table: &Table) -> String {
    let of = |n: usize, sign: &str| format!("{} {sign} ${}", quoted(table.key[n].name), n + 1);
    let alternatives = (0..table.key.len()).map(|last| {
        let all: Vec<String> = (0..last).map(|n| of(n, "=")).chain([of(last, ">")]).collect();
        format!("({})", all.join(" AND "))
    });
    alternatives.collect::<Vec<_>>().join(" OR ")
}

/// Raises the epoch of one partition. The row is locked by the first statement.
async fn take_over_one(
    tx: &mut Transaction<'static, MySql>,
    group: &str,
    id: &PartitionId,
) -> Result<Position, sqlx::Error> {
    let place = |text| query(text).bind(group).bind(id.partition.topic.to_string()).bind(id.partition.partition);
    place(TAKE_OVER.to_owned()).bind(id.cluster.clone()).bind(id.topic_id.clone()).execute(&mut **tx).await?;
    let select = place(format!("{} AND topic = $2 AND partition = $3", statements::POSITIONS));
    read_position(&select.fetch_one(&mut **tx).await?)
}

store_sql!(MysqlStore, MysqlTx, MySqlRow);

struct MysqlTx(Transaction<'static, MySql>);

/// `(a = ? AND b = ?)`: as a list of rows MariaDB would not find them in its index.
fn is_key(columns: &[&str]) -> String {
    let all: Vec<String> = columns.iter().map(|name| format!("{} = ?", quoted(name))).collect();
    format!("({})", all.join(" AND "))
}

/// `a = VALUES(a), …` for the columns behind the key, or the key's first as it is.
fn on_duplicate(upsert: &Upsert) -> String {
    let (key, set) = upsert.columns.split_at(upsert.table.key.len());
    let value = |c: &&'static Column| quoted(c.name);
    let set: Vec<String> = set.iter().map(value).map(|name| format!("{name} = VALUES({name})")).collect();
    let nothing = || key.iter().map(value).take(1).map(|name| format!("{name} = {name}")).collect();
    format!("ON DUPLICATE KEY UPDATE {}", if set.is_empty() { nothing() } else { set.join(", ") })
}

impl MysqlTx {
    /// Writes rows of `width` values: `insert VALUES (?, ?), … then`.
    async fn insert<T>(
        &mut self,
        rows: &[T],
        width: usize,
        (insert, then): (&str, &str),
        bind_row: impl Fn(Sql, &T) -> Sql,
    ) -> Result<(), sqlx::Error> {
        let group = format!("({})", vec!["?"; width].join(", "));
        let rows_max = CHUNK_ROWS.min(1 << (PARAMETERS_MAX / width.max(1)).max(1).ilog2());
        for chunk in chunks(rows, rows_max) {
            let groups = vec![group.as_str(); chunk.len()].join(", ");
            let statement = query(format!("{insert} VALUES {groups} {then}"));
            chunk.iter().fold(statement, &bind_row).execute(&mut *self.0).await?;
        }
        Ok(())
    }

    /// Runs `start WHERE … ` for rows of the given keys, and answers what it answers.
    async fn by_key<T>(
        &mut self,
        keys: &[T],
        (start, columns): (&str, &[&str]),
        bind_key: impl Fn(Sql, &T) -> Sql,
    ) -> Result<Vec<MySqlRow>, sqlx::Error> {
        let one = is_key(columns);
        let mut answers = Vec::new();
        for chunk in chunks(keys, CHUNK_KEYS) {
            let condition = vec![one.as_str(); chunk.len()].join(" OR ");
            let statement = chunk.iter().fold(query(format!("{start} WHERE {condition}")), &bind_key);
            answers.extend(statement.fetch_all(&mut *self.0).await?);
        }
        Ok(answers)
    }

    async fn insert_events(&mut self, group: &str, events: &[&AppliedEvent]) -> Result<(), sqlx::Error> {
        let insert = ("INSERT INTO bus_inbox (consumer_group, source, id)", "");
        let bind = |q: Sql, event: &&AppliedEvent| q.bind(group).bind(event.source.clone()).bind(event.id.clone());
        self.insert(events, 3, insert, bind).await
    }

    async fn known_events(
        &mut self,
        group: &str,
        events: &[&AppliedEvent],
    ) -> Result<HashSet<AppliedEvent>, sqlx::Error> {
        let select = ("SELECT source, id FROM bus_inbox", ["consumer_group", "source", "id"].as_slice());
        let bind = |q: Sql, event: &&AppliedEvent| q.bind(group).bind(event.source.clone()).bind(event.id.clone());
        let rows = self.by_key(events, select, bind).await?;
        rows.iter().map(|row| Ok(AppliedEvent { source: row.try_get(0)?, id: row.try_get(1)? })).collect()
    }

    /// Which of some events are new. Mostly all are, and one statement says so; else the others are looked up. When another
    /// transaction adds one in between, the batch is tried again.
    async fn remember_some(
        &mut self,
        group: &str,
        events: &[&AppliedEvent],
    ) -> Result<HashSet<AppliedEvent>, StoreError> {
        let wrong = |e| wrong(e, "remember events");
        let fresh = |events: &[&AppliedEvent]| events.iter().map(|event| (*event).clone()).collect();
        match self.insert_events(group, events).await {
            Ok(()) => return Ok(fresh(events)),
            Err(error) if is_duplicate(&error) => {}
            Err(error) => return Err(wrong(error)),
        }
        let known = self.known_events(group, events).await.map_err(wrong)?;
        let others: Vec<&AppliedEvent> = events.iter().copied().filter(|event| !known.contains(*event)).collect();
        match self.insert_events(group, &others).await {
            Ok(()) => Ok(fresh(&others)),
            Err(error) if is_duplicate(&error) => Err(StoreError::Away {
                hint: "another transaction remembers the same event".to_owned(),
                source: error.into(),
            }),
            Err(error) => Err(wrong(error)),
        }
    }
}

fn is_duplicate(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(number) == Some(DUPLICATE)
}

#[async_trait]
impl Tx for MysqlTx {
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
        let mut fresh = HashSet::with_capacity(unique.len());
        // One statement each: one that was refused must have left nothing.
        for chunk in chunks(&unique, CHUNK_ROWS) {
            fresh.extend(self.remember_some(group, chunk).await?);
        }
        // Taking it out marks the second of two equal ones as known.
        Ok(events.iter().map(|event| fresh.remove(event)).collect())
    }

    async fn audit_rows(&mut self, rows: &[RowName]) -> Result<HashMap<RowName, AuditRow>, StoreError> {
        let wrong = |e| wrong(e, "read audit columns");
        let tables = shared::table_names(rows);
        let select = (statements::AUDIT_COLUMNS, ["table_name", "row_key"].as_slice());
        let bind_name = |q: Sql, (table, key): &RowName| q.bind(*table).bind(key.clone());
        let mut audit = HashMap::with_capacity(rows.len());
        for row in self.by_key(rows, select, bind_name).await.map_err(wrong)? {
            let ((table, key), columns) = read_audit(&row).map_err(wrong)?;
            audit.extend(tables.get(table.as_str()).map(|table| ((*table, key), columns)));
        }
        Ok(audit)
    }

    async fn write_audit(&mut self, rows: &HashMap<RowName, AuditRow>) -> Result<(), StoreError> {
        let mut rows: Vec<(&RowName, &AuditRow)> = rows.iter().collect();
        rows.sort_unstable_by_key(|(name, _)| *name);
        let bind_row = |q: Sql, (name, row): &(&RowName, &AuditRow)| {
            q.bind(name.0).bind(name.1.clone()).bind(row.applied).bind(row.chain_json().to_string()).bind(row.deleted)
        };
        let upsert = (statements::INSERT_AUDIT, UPDATE_AUDIT);
        self.insert(&rows, 5, upsert, bind_row).await.map_err(|e| wrong(e, "write audit columns"))
    }

    async fn delete(&mut self, delete: &Delete) -> Result<(), StoreError> {
        let key: Vec<&str> = delete.table.key.iter().map(|c| c.name).collect();
        let start = format!("DELETE FROM {}", quoted(delete.table.name));
        let bind_key = |q, key: &Vec<Value>| key.iter().fold(q, bind);
        let deleted = self.by_key(&delete.keys, (&start, &key), bind_key).await;
        deleted.map(drop).map_err(|e| wrong(e, "remove rows"))
    }

    async fn upsert(&mut self, upsert: &Upsert) -> Result<(), StoreError> {
        let (table, columns) = (quoted(upsert.table.name), names(upsert.columns.iter().copied()));
        let (insert, then) = (format!("INSERT INTO {table} ({columns})"), on_duplicate(upsert));
        let bind_row = |q, row: &Vec<Value>| row.iter().fold(q, bind);
        let written = self.insert(&upsert.rows, upsert.columns.len(), (&insert, &then), bind_row).await;
        written.map_err(|e| wrong(e, "write rows"))
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.0.commit().await.map_err(|e| wrong(e, "commit"))
    }
}
