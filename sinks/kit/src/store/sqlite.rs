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
    query::Query,
    sqlite::{
        SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
    },
};

use super::{
    AuditState, POSITION, PartitionId, Position, Store, StoreError, Tx, column_list, on_conflict, page, placeholders,
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
    let said = error.as_database_error().and_then(|said| said.code()?.parse().ok());
    if said.is_some_and(NoSpace::is_sqlite) {
        let full = NoSpace { what: "the sink's SQLite file".to_owned(), source: error.into() };
        return StoreError::Away { hint: what.to_owned(), source: full.into() };
    }
    StoreError::from_sqlx(error, what, |code| match code.parse::<i32>().map(|code| code & 0xff) {
        // BUSY, LOCKED
        Ok(5 | 6) => Class::Transient,
        // TOOBIG, CONSTRAINT, MISMATCH
        Ok(18..=20) => Class::Poison,
        _ => Class::Fatal,
    })
}

/// Every parameter is owned.
type Sql = Query<'static, Sqlite, SqliteArguments>;

fn query(sql: String) -> Sql {
    sqlx::query(AssertSqlSafe(sql))
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

fn read_row(table: &Table, row: &SqliteRow) -> Result<Vec<Value>, sqlx::Error> {
    table.all_columns().enumerate().map(|(index, column)| read(row, index, column.kind)).collect()
}

fn read_position(row: &SqliteRow) -> Result<Position, sqlx::Error> {
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
impl Store for SqliteStore {
    async fn take_over(&self, group: &str, partitions: &[PartitionId]) -> Result<Vec<Position>, StoreError> {
        let wrong = |e| wrong(e, "take partitions over");
        let mut tx = self.write().await?;
        let mut positions = Vec::with_capacity(partitions.len());
        for id in partitions {
            let row = sqlx::query(super::TAKE_OVER)
                .bind(group)
                .bind(&*id.partition.topic)
                .bind(id.partition.partition)
                .bind(&id.cluster)
                .bind(&id.topic_id)
                .fetch_one(&mut *tx)
                .await
                .map_err(wrong)?;
            positions.push(read_position(&row).map_err(wrong)?);
        }
        tx.commit().await.map_err(wrong)?;
        Ok(positions)
    }

    async fn begin(&self) -> Result<Box<dyn Tx>, StoreError> {
        Ok(Box::new(SqliteTx(self.write().await?)))
    }

    async fn positions(&self, group: &str) -> Result<Vec<Position>, StoreError> {
        let wrong = |e| wrong(e, "read positions");
        let sql = format!("SELECT {POSITION} FROM bus_positions WHERE consumer_group = $1 ORDER BY topic, partition");
        let rows = query(sql).bind(group).fetch_all(&self.readers).await.map_err(wrong)?;
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
        let rows = select.fetch_all(&self.readers).await.map_err(wrong)?;
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
        let row = select.fetch_optional(&self.readers).await.map_err(wrong)?;
        row.map(|row| read_row(table, &row)).transpose().map_err(wrong)
    }

    async fn audit_state(&self, group: &str) -> Result<AuditState, StoreError> {
        let wrong = |e| wrong(e, "read audit columns");
        // One transaction reads as of one moment.
        let mut tx = self.readers.begin().await.map_err(wrong)?;
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
        let mut tx = self.write().await?;
        sqlx::query(super::AUDIT_MODE).bind(on).execute(&mut *tx).await.map_err(wrong)?;
        let (value,): (String,) = sqlx::query_as("SELECT value FROM bus_meta WHERE name = 'audit'")
            .fetch_one(&mut *tx)
            .await
            .map_err(wrong)?;
        tx.commit().await.map_err(wrong)?;
        Ok(value == "on")
    }

    async fn held(&self, group: &str) -> Result<Vec<HeldRecord>, StoreError> {
        let wrong = |e| wrong(e, "read held records");
        let columns = super::held::COLUMNS;
        let sql = format!(
            "SELECT {columns} FROM bus_held WHERE consumer_group = $1 ORDER BY topic, partition, record_offset"
        );
        let rows = query(sql).bind(group.to_owned()).fetch_all(&self.readers).await.map_err(wrong)?;
        rows.iter().map(read_held).collect::<Result<_, _>>().map_err(wrong)
    }
}

super::operate::operate!(
    SqliteStore,
    SqliteStore::write,
    |store: &SqliteStore| store.readers.clone(),
    wrong,
    read_position
);

fn audit_row(
    (table, key, applied, chain, deleted): (String, String, i64, String, bool),
) -> ((String, String), AuditRow) {
    ((table, key), AuditRow { applied, chain: AuditRow::parse_chain(&chain), deleted })
}

struct SqliteTx(Transaction<'static, Sqlite>);

impl SqliteTx {
    /// Runs a statement with one group of parameters a row. Rows go in chunks of powers of two, so that few statements
    /// serve every number of rows and stay prepared.
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
        let mut rest = rows;
        while !rest.is_empty() {
            let count = (1 << rest.len().ilog2()).min(CHUNK_ROWS);
            let (chunk, after) = rest.split_at(count);
            rest = after;
            let mut statement = query(sql(vec![group.as_str(); count].join(", ")));
            for row in chunk {
                statement = bind_row(statement, row);
            }
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
        let names: HashMap<&str, &'static str> = rows.iter().map(|(table, _)| (*table, *table)).collect();
        let sql = |groups| {
            format!(
                "SELECT table_name, row_key, applied, chain, deleted FROM bus_audit WHERE (table_name, row_key) IN (VALUES {groups})"
            )
        };
        let bind_name = |q: Sql, (table, key): &RowName| q.bind(*table).bind(key.clone());
        let found = self.bulk(rows, 2, sql, bind_name, what).await?;
        let mut audit = HashMap::with_capacity(found.len());
        for row in found {
            let read = || -> Result<_, sqlx::Error> {
                Ok(audit_row((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?, row.try_get(4)?)))
            };
            let ((table, key), columns) = read().map_err(|e| wrong(e, what))?;
            if let Some(table) = names.get(table.as_str()) {
                audit.insert((*table, key), columns);
            }
        }
        Ok(audit)
    }

    async fn write_audit(&mut self, rows: &HashMap<RowName, AuditRow>) -> Result<(), StoreError> {
        let rows: Vec<(&RowName, &AuditRow)> = rows.iter().collect();
        let sql = |groups| format!("{} VALUES {groups} {}", super::INSERT_AUDIT, super::UPDATE_AUDIT);
        let bind_row = |q: Sql, (name, row): &(&RowName, &AuditRow)| {
            q.bind(name.0).bind(name.1.clone()).bind(row.applied).bind(row.chain_json().to_string()).bind(row.deleted)
        };
        self.bulk(&rows, 5, sql, bind_row, "write audit columns").await.map(drop)
    }

    async fn delete(&mut self, delete: &Delete) -> Result<(), StoreError> {
        let names = delete.table.key.iter().map(|c| c.name).collect::<Vec<_>>().join(", ");
        let sql = |groups| format!("DELETE FROM {} WHERE ({names}) IN (VALUES {groups})", delete.table.name);
        let bind_key = |q, key: &Vec<Value>| key.iter().fold(q, bind);
        self.bulk(&delete.keys, delete.table.key.len(), sql, bind_key, "remove rows").await.map(drop)
    }

    async fn upsert(&mut self, upsert: &Upsert) -> Result<(), StoreError> {
        let columns = upsert.columns.iter().map(|c| c.name).collect::<Vec<_>>().join(", ");
        let conflict = on_conflict(upsert);
        let sql = |groups| format!("INSERT INTO {} ({columns}) VALUES {groups} {conflict}", upsert.table.name);
        let bind_row = |q, row: &Vec<Value>| row.iter().fold(q, bind);
        self.bulk(&upsert.rows, upsert.columns.len(), sql, bind_row, "write rows").await.map(drop)
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.0.commit().await.map_err(|e| wrong(e, "commit"))
    }
}

super::held::held_sql!(SqliteStore, SqliteTx, SqliteRow, wrong);
