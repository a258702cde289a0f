//! PostgreSQL.

use std::{str::FromStr, time::Duration};

use async_trait::async_trait;
use sqlx::{
    AssertSqlSafe, PgPool, Postgres, Row as _, Transaction,
    postgres::{PgArguments, PgConnectOptions, PgListener, PgPoolOptions, PgRow},
    query::Query,
};
use tokio::sync::Mutex;

use super::sql::{millis, outbox_store, short};

const MIGRATION: &str = include_str!("../../../migrations/outbox/postgres.sql");
/// New rows wake a relay that is idle.
const WAKES: bool = true;

pub(super) struct PostgresOutbox {
    pool: PgPool,
    /// Made when the relay is idle for the first time.
    listener: Mutex<Option<PgListener>>,
}

impl PostgresOutbox {
    pub(super) async fn open(url: &str) -> Result<Self, OutboxError> {
        // The source is left out: it may quote the URL, and with it a password.
        let options = PgConnectOptions::from_str(url)
            .map_err(|_| OutboxError::Refused { what: "read its URL", source: "it is not a PostgreSQL URL".into() })?;
        let options = options.application_name("coursebus-relay").options([
            // A relay that was stopped inside a transaction must not keep the next one out.
            ("idle_in_transaction_session_timeout", "5s"),
            ("lock_timeout", "5s"),
            // The table is short, or was a moment ago: no statistics say which. The relay always wants its index.
            ("enable_seqscan", "off"),
            ("plan_cache_mode", "force_custom_plan"),
        ]);
        let pool = PgPoolOptions::new().max_connections(5).acquire_timeout(Duration::from_secs(5));
        let pool = pool.connect_with(options).await.map_err(wrong("connect"))?;
        Ok(Self { pool, listener: Mutex::new(None) })
    }

    fn pool(&self) -> &PgPool {
        &self.pool
    }

    async fn write(&self) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        self.pool.begin().await
    }

    /// Listens. A notification of another schema's outbox wakes too, which costs one look. The time passes where the
    /// database cannot be listened to.
    async fn wait(&self, wait: Duration) {
        let until = tokio::time::Instant::now() + wait;
        let mut listener = self.listener.lock().await;
        let heard = async {
            if listener.is_none() {
                let mut new = PgListener::connect_with(&self.pool).await?;
                new.listen("coursebus_outbox").await?;
                *listener = Some(new);
                // What was inserted before is seen by looking.
                return Ok(());
            }
            match listener.as_mut() {
                Some(listener) => listener.recv().await.map(drop),
                None => Ok(()),
            }
        };
        match tokio::time::timeout_at(until, heard).await {
            Ok(Ok(())) | Err(_) => {}
            Ok(Err(_away)) => {
                *listener = None;
                tokio::time::sleep_until(until).await;
            }
        }
    }
}

/// A batch is deleted by one statement.
const DELETE_AT_ONCE: usize = usize::MAX;

/// A statement in PostgreSQL's words.
fn text(statement: &str) -> AssertSqlSafe<String> {
    text_with(statement, &[])
}

/// A statement with a list of ids, which is bound as an array.
fn text_with(statement: &str, _ids: &[i64]) -> AssertSqlSafe<String> {
    let statement = statement
        .replace("{delete rows}", "DELETE FROM coursebus_outbox WHERE id {in}")
        .replace("{in}", "= ANY(?)")
        .replace("{not in}", "<> ALL(?)")
        .replace("{now}", "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)")
        .replace("{written}", "to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
        .replace("{oldest}", "CAST(EXTRACT(EPOCH FROM clock_timestamp() - created_at) * 1000 AS BIGINT)")
        .replace("{bigint}", "BIGINT")
        .replace("{greatest}", "GREATEST");
    let mut numbered = String::with_capacity(statement.len() + 16);
    for (number, part) in statement.split('?').enumerate() {
        if number > 0 {
            numbered.push('$');
            numbered.push_str(&number.to_string());
        }
        numbered.push_str(part);
    }
    AssertSqlSafe(numbered)
}

fn bind_ids<'q>(query: Query<'q, Postgres, PgArguments>, ids: &[i64]) -> Query<'q, Postgres, PgArguments> {
    query.bind(ids.to_vec())
}

outbox_store!(PostgresOutbox, PgRow);
