//! MySQL and MariaDB.

use std::{str::FromStr, time::Duration};

use async_trait::async_trait;
use sqlx::{
    AssertSqlSafe, Executor, MySql, MySqlPool, Row as _, Transaction,
    mysql::{MySqlArguments, MySqlConnectOptions, MySqlPoolOptions, MySqlRow},
    query::Query,
};

use super::sql::{millis, outbox_store, short};

const MIGRATION: &str = include_str!("../../../migrations/outbox/mysql.sql");
/// Nothing wakes the relay: it looks.
const WAKES: bool = false;
/// The gap locks of the default level would block writers. A lock is waited for as long as on the other databases.
const SESSION: &str =
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; SET SESSION innodb_lock_wait_timeout = 5";

pub(super) struct MySqlOutbox {
    pool: MySqlPool,
}

impl MySqlOutbox {
    pub(super) async fn open(url: &str) -> Result<Self, OutboxError> {
        // The source is left out: it may quote the URL, and with it a password.
        let options = MySqlConnectOptions::from_str(url)
            .map_err(|_| OutboxError::Refused { what: "read its URL", source: "it is not a MySQL URL".into() })?;
        let pool = MySqlPoolOptions::new().max_connections(5).acquire_timeout(Duration::from_secs(5));
        let pool = pool.after_connect(|connection, _| {
            Box::pin(async move { connection.execute(sqlx::raw_sql(SESSION)).await.map(drop) })
        });
        let pool = pool.connect_with(options).await.map_err(wrong("connect"))?;
        Ok(Self { pool })
    }

    fn pool(&self) -> &MySqlPool {
        &self.pool
    }

    async fn write(&self) -> Result<Transaction<'static, MySql>, sqlx::Error> {
        self.pool.begin().await
    }

    async fn wait(&self, wait: Duration) {
        tokio::time::sleep(wait).await;
    }
}

/// So many ids stand in one statement.
const DELETE_AT_ONCE: usize = 500;

/// Deletes one row after the other by the index, whatever the optimizer thinks of the table's size. For `id IN (…)` of most rows
/// it scans the table, also where FORCE INDEX stands, and the scan waits for each row of a transaction that is still open. With
/// an order of joining and no other way to `id` than the index it has no choice.
fn delete_rows(ids: &[i64]) -> String {
    let ids: Vec<String> = ids.iter().map(|id| format!("SELECT {id}")).collect();
    let ids = ["SELECT 0 AS id".to_owned()].into_iter().chain(ids).collect::<Vec<_>>().join(" UNION ALL ");
    format!(
        "DELETE found FROM ({ids}) AS listed STRAIGHT_JOIN coursebus_outbox AS found FORCE INDEX (PRIMARY) ON found.id = listed.id"
    )
}

/// A statement in MySQL's words.
fn text(statement: &str) -> AssertSqlSafe<String> {
    text_with(statement, &[])
}

/// A statement with a list of ids, which MySQL has no parameter for: they are numbers, and stand in it.
fn text_with(statement: &str, ids: &[i64]) -> AssertSqlSafe<String> {
    let list = || {
        // No row has the id 0: AUTO_INCREMENT does not give it, and takes it for "the next".
        let ids: Vec<String> = std::iter::once(&0).chain(ids).map(i64::to_string).collect();
        ids.join(",")
    };
    let mut statement = statement
        .replace("{now}", "CAST(UNIX_TIMESTAMP(NOW(6)) * 1000 AS SIGNED)")
        .replace("{written}", "DATE_FORMAT(created_at, '%Y-%m-%dT%H:%i:%s.%fZ')")
        .replace("{oldest}", "CAST(TIMESTAMPDIFF(MICROSECOND, created_at, UTC_TIMESTAMP(6)) DIV 1000 AS SIGNED)")
        .replace("{bigint}", "SIGNED")
        .replace("{greatest}", "GREATEST");
    if statement.contains("{delete rows}") {
        statement = statement.replace("{delete rows}", &delete_rows(ids));
    }
    if statement.contains("in}") {
        let list = list();
        statement = statement.replace("{in}", &format!("IN ({list})")).replace("{not in}", &format!("NOT IN ({list})"));
    }
    AssertSqlSafe(statement)
}

/// A statement that holds its ids is another one each time: it is not kept.
fn bind_ids<'q>(query: Query<'q, MySql, MySqlArguments>, _ids: &[i64]) -> Query<'q, MySql, MySqlArguments> {
    query.persistent(false)
}

outbox_store!(MySqlOutbox, MySqlRow);
