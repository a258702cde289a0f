//! SQLite: the service's own file. The relay changes none of its settings; a service that uses WAL is not blocked by the relay's
//! looks.

use std::{path::Path, time::Duration};

use async_trait::async_trait;
use sqlx::{
    AssertSqlSafe, Row as _, Sqlite, SqlitePool, Transaction,
    query::Query,
    sqlite::{SqliteArguments, SqliteConnectOptions, SqlitePoolOptions, SqliteRow},
};

use super::sql::{millis, outbox_store, short};

const MIGRATION: &str = include_str!("../../../migrations/outbox/sqlite.sql");
/// Nothing wakes the relay: it looks.
const WAKES: bool = false;

pub(super) struct SqliteOutbox {
    pool: SqlitePool,
}

impl SqliteOutbox {
    pub(super) async fn open(file: &Path, create: bool) -> Result<Self, OutboxError> {
        if !create && !file.exists() {
            return Err(OutboxError::NotInstalled { source: "there is no such file".into() });
        }
        let options = SqliteConnectOptions::new().filename(file).create_if_missing(create);
        let options = options.busy_timeout(Duration::from_secs(5));
        let pool = SqlitePoolOptions::new().max_connections(3).acquire_timeout(Duration::from_secs(10));
        let pool = pool.connect_with(options).await.map_err(wrong("open the file"))?;
        Ok(Self { pool })
    }

    fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// Takes the lock at once: a transaction that reads first may not be allowed to write later.
    async fn write(&self) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        self.pool.begin_with("BEGIN IMMEDIATE").await
    }

    async fn wait(&self, wait: Duration) {
        tokio::time::sleep(wait).await;
    }
}

/// A batch is deleted by one statement.
const DELETE_AT_ONCE: usize = usize::MAX;

/// A statement in SQLite's words.
fn text(statement: &str) -> AssertSqlSafe<String> {
    text_with(statement, &[])
}

/// A statement with a list of ids, which is bound as JSON.
fn text_with(statement: &str, _ids: &[i64]) -> AssertSqlSafe<String> {
    AssertSqlSafe(
        statement
            .replace("{delete rows}", "DELETE FROM coursebus_outbox WHERE id {in}")
            .replace("{in}", "IN (SELECT value FROM json_each(?))")
            .replace("{not in}", "NOT IN (SELECT value FROM json_each(?))")
            .replace("{now}", "CAST(unixepoch('subsec') * 1000 AS INTEGER)")
            .replace("{written}", "created_at")
            .replace("{oldest}", "CAST((unixepoch('subsec') - unixepoch(created_at, 'subsec')) * 1000 AS INTEGER)")
            .replace("{bigint}", "INTEGER")
            .replace("{greatest}", "MAX"),
    )
}

fn bind_ids<'q>(query: Query<'q, Sqlite, SqliteArguments>, ids: &[i64]) -> Query<'q, Sqlite, SqliteArguments> {
    query.bind(serde_json::json!(ids).to_string())
}

outbox_store!(SqliteOutbox, SqliteRow);
