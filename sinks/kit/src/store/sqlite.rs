//! SQLite: a file a sink, one writer at a time, readers beside it.

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    path::{Path, PathBuf},
    time::Duration,
};

use async_trait::async_trait;
use coursebus_transport::{Class, NoSpace, Offset, TopicPartition};
use sqlx::{
    AssertSqlSafe, Row, Sqlite, SqlitePool, Transaction,
    error::DatabaseError,
    query::Query,
    sqlite::{
        SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
    },
};

use super::{
    AuditState, PartitionId, Position, Store, StoreError, Tx,
    shared::{self, store_sql, take_over_returning},
    sql::{self as statements, AUDIT_MODE, behind, chunks, names, on_conflict, quoted},
};
use crate::{
    AppliedEvent, AuditRow, Kind, SinkSpec, Table, Value,
    chain::RowName,
    fold::{Delete, Upsert},
    value::{parse_time, time_text},
};

/// How long a writer waits for another one before it says who is in the way.
const BUSY: Duration = Duration::from_secs(5);
/// Rows of one statement, a power of two. More make SQLite slower, not faster: it keeps what it knows of each parameter.
const CHUNK_ROWS: usize = 64;

pub(super) struct SqliteStore {
    writer: SqlitePool,
    readers: SqlitePool,
    /// Names the process that writes, for one that waits for it.
    pid_file: PathBuf,
}

impl SqliteStore {
    pub(super) async fn open(dir: &Path, spec: &SinkSpec) -> Result<Self, StoreError> {
        let broken = |what: &str, source| StoreError::Broken { what: what.to_owned(), source };
        std::fs::create_dir_all(dir).map_err(|e| broken(&format!("make {}", dir.display()), e.into()))?;
        let file = dir.join(format!("{}.db", spec.name));
        let options = SqliteConnectOptions::new()
            .filename(&file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // Position and rows are in one file: what a power failure takes back, it takes back of both, and the log still
            // has it.
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(BUSY);
        let open = |connections: u32, options: SqliteConnectOptions| async move {
            // Partitions wait for their turn at the one writer; who is stuck is told by SQLite's own time-out.
            let pool = SqlitePoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(BUSY * 12)
                .acquire_slow_threshold(BUSY * 12);
            pool.connect_with(options).await.map_err(|e| wrong(e, "open the file"))
        };
        let writer = open(1, options.clone()).await?;
        let readers = open(4, options).await?;
        let lock = dir.join(format!("{}.db.lock", spec.name));
        migrate(&writer, spec, &lock).await?;
        Ok(Self { writer, readers, pid_file: dir.join(format!("{}.db.pid", spec.name)) })
    }

    fn pool(&self) -> &SqlitePool {
        &self.readers
    }

    /// One transaction reads as of one moment.
    async fn snapshot(&self) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        self.readers.begin().await
    }

    /// Begins a transaction that may write, at once: one that begins to read and writes later can fail in the middle.
    async fn write(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        let begun = self.writer.begin_with("BEGIN IMMEDIATE").await;
        if let Err(error @ sqlx::Error::InvalidSavePointStatement) = begun {
            // SQLite has undone a transaction by itself, as it does when its file cannot grow, and sqlx counts it still:
            // whoever tries again gets another connection.
            if let Ok(connection) = self.writer.acquire().await {
                let _ = connection.close().await;
            }
            let hint = "its connection was replaced".to_owned();
            return Err(StoreError::Away { hint, source: error.into() });
        }
        match begun {
            Ok(transaction) => {
                let _ = std::fs::write(&self.pid_file, std::process::id().to_string());
                Ok(transaction)
            }
            Err(error) => Err(match wrong(error, "begin a transaction") {
                StoreError::Away { source, .. } => {
                    let pid = std::fs::read_to_string(&self.pid_file).unwrap_or_else(|_| "unknown".to_owned());
                    StoreError::Away { hint: format!("process {pid} holds its write lock"), source }
                }
                other => other,
            }),
        }
    }
}

/// Under a lock of its own, because SQLite has none that spans several transactions.
async fn migrate(pool: &SqlitePool, spec: &SinkSpec, lock: &Path) -> Result<(), StoreError> {
    let broken = |source| StoreError::Broken { what: "migrate".to_owned(), source };
    let path = lock.to_owned();
    let locked = tokio::task::spawn_blocking(move || {
        let file = File::options().create(true).truncate(false).write(true).open(path)?;
        file.lock()?;
        Ok::<_, std::io::Error>(file)
    });
    let _lock = locked.await.map_err(|e| broken(e.into()))?.map_err(|e| broken(e.into()))?;
    spec.migrator().run(pool).await.map_err(|e| broken(e.into()))
}

fn wrong(error: sqlx::Error, what: &str) -> StoreError {
    let number = |error: &dyn DatabaseError| error.code().and_then(|code| code.parse::<i32>().ok());
    if error.as_database_error().and_then(number).is_some_and(NoSpace::is_sqlite) {
        let full = NoSpace { what: "the sink's SQLite file".to_owned(), source: error.into() };
        return StoreError::Away { hint: what.to_owned(), source: full.into() };
    }
    StoreError::from_sqlx(error, what, |error| match number(error).map(|code| code & 0xff) {
        // BUSY, LOCKED
        Some(5 | 6) => Class::Transient,
        // TOOBIG, CONSTRAINT, MISMATCH
        Some(18..=20) => Class::Poison,
        _ => Class::Fatal,
    })
}

/// Every parameter is owned.
type Sql = Query<'static, Sqlite, SqliteArguments>;

fn query(sql: impl Into<String>) -> Sql {
    sqlx::query(AssertSqlSafe(sql.into()))
}

fn bind(query: Sql, value: &Value) -> Sql {
    match value {
        Value::Null => query.bind(None::<String>),
        Value::Bool(value) => query.bind(*value),
        Value::Int(value) => query.bind(*value),
        Value::Float(value) => query.bind(*value),
        Value::Text(value) => query.bind(value.clone()),
        Value::Time(value) => query.bind(time_text(*value)),
    }
}

fn read(row: &SqliteRow, index: usize, kind: Kind) -> Result<Value, sqlx::Error> {
    Ok(match kind {
        Kind::Text => row.try_get::<Option<String>, _>(index)?.into(),
        Kind::Int => row.try_get::<Option<i64>, _>(index)?.into(),
        // A whole number may have been stored as one, in a column of another affinity.
        Kind::Float => row.try_get_unchecked::<Option<f64>, _>(index)?.into(),
        Kind::Bool => row.try_get_unchecked::<Option<bool>, _>(index)?.into(),
        Kind::Time => row.try_get_unchecked::<Option<String>, _>(index)?.and_then(|text| parse_time(&text)).into(),
    })
}

take_over_returning!(Sqlite);
store_sql!(SqliteStore, SqliteTx, SqliteRow);

struct SqliteTx(Transaction<'static, Sqlite>);

impl SqliteTx {
    /// Runs a statement with one group of parameters a row.
    async fn bulk<T>(
        &mut self,
        rows: &[T],
        width: usize,
        sql: impl Fn(String) -> String,
        bind_row: impl Fn(Sql, &T) -> Sql,
        what: &str,
    ) -> Result<Vec<SqliteRow>, StoreError> {
        let group = format!("({})", vec!["?"; width].join(", "));
        let mut answers = Vec::new();
        for chunk in chunks(rows, CHUNK_ROWS) {
            let statement = query(sql(vec![group.as_str(); chunk.len()].join(", ")));
            let statement = chunk.iter().fold(statement, &bind_row);
            answers.extend(statement.fetch_all(&mut *self.0).await.map_err(|e| wrong(e, what))?);
        }
        Ok(answers)
    }
}

#[async_trait]
impl Tx for SqliteTx {
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
        let unique: Vec<&AppliedEvent> = events.iter().filter(|event| seen.insert(*event)).collect();
        let sql = |groups| {
            format!(
                "INSERT INTO bus_inbox (consumer_group, source, id) VALUES {groups} ON CONFLICT DO NOTHING RETURNING source, id"
            )
        };
        let group = group.to_owned();
        let bind_event =
            |q: Sql, event: &&AppliedEvent| q.bind(group.clone()).bind(event.source.clone()).bind(event.id.clone());
        let rows = self.bulk(&unique, 3, sql, bind_event, "remember events").await?;
        let mut fresh = HashSet::with_capacity(rows.len());
        for row in rows {
            let read = |i| row.try_get::<String, _>(i).map_err(|e| wrong(e, "remember events"));
            fresh.insert(AppliedEvent { source: read(0)?, id: read(1)? });
        }
        // Taking it out marks the second of two equal ones as known.
        Ok(events.iter().map(|event| fresh.remove(event)).collect())
    }

    async fn audit_rows(&mut self, rows: &[RowName]) -> Result<HashMap<RowName, AuditRow>, StoreError> {
        let what = "read audit columns";
        let tables = shared::table_names(rows);
        let sql = |groups| {
            format!(
                "SELECT table_name, row_key, applied, chain, deleted FROM bus_audit WHERE (table_name, row_key) IN (VALUES {groups})"
            )
        };
        let bind_name = |q: Sql, (table, key): &RowName| q.bind(*table).bind(key.clone());
        let found = self.bulk(rows, 2, sql, bind_name, what).await?;
        let mut audit = HashMap::with_capacity(found.len());
        for row in found {
            let ((table, key), columns) = read_audit(&row).map_err(|e| wrong(e, what))?;
            audit.extend(tables.get(table.as_str()).map(|table| ((*table, key), columns)));
        }
        Ok(audit)
    }

    async fn write_audit(&mut self, rows: &HashMap<RowName, AuditRow>) -> Result<(), StoreError> {
        let rows: Vec<(&RowName, &AuditRow)> = rows.iter().collect();
        let sql = |groups| format!("{} VALUES {groups} {}", statements::INSERT_AUDIT, statements::UPDATE_AUDIT);
        let bind_row = |q: Sql, (name, row): &(&RowName, &AuditRow)| {
            q.bind(name.0).bind(name.1.clone()).bind(row.applied).bind(row.chain_json().to_string()).bind(row.deleted)
        };
        self.bulk(&rows, 5, sql, bind_row, "write audit columns").await.map(drop)
    }

    async fn delete(&mut self, delete: &Delete) -> Result<(), StoreError> {
        let (table, key) = (quoted(delete.table.name), names(delete.table.key));
        let sql = |groups| format!("DELETE FROM {table} WHERE ({key}) IN (VALUES {groups})");
        let bind_key = |q, key: &Vec<Value>| key.iter().fold(q, bind);
        self.bulk(&delete.keys, delete.table.key.len(), sql, bind_key, "remove rows").await.map(drop)
    }

    async fn upsert(&mut self, upsert: &Upsert) -> Result<(), StoreError> {
        let (table, columns) = (quoted(upsert.table.name), names(upsert.columns.iter().copied()));
        let conflict = on_conflict(upsert);
        let sql = |groups| format!("INSERT INTO {table} ({columns}) VALUES {groups} {conflict}");
        let bind_row = |q, row: &Vec<Value>| row.iter().fold(q, bind);
        self.bulk(&upsert.rows, upsert.columns.len(), sql, bind_row, "write rows").await.map(drop)
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.0.commit().await.map_err(|e| wrong(e, "commit"))
    }
}
