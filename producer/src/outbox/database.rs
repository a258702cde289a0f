//! The three databases that a row can be written to.

use std::{future::Future, pin::Pin};

use sqlx::{Database, MySql, Postgres, Sqlite};

/// A row to be inserted; the columns of `coursebus_outbox`.
pub struct NewRow<'a> {
    pub event_id: &'a str,
    pub event_type: &'a str,
    pub source: &'a str,
    pub occurred_at: String,
    pub minor_version: i32,
    pub payload: Vec<u8>,
    pub record_key: Vec<u8>,
    pub subject: Option<&'a str>,
    pub causation_id: Option<&'a str>,
    pub traceparent: Option<&'a str>,
}

/// A database with an outbox: PostgreSQL, MySQL (and MariaDB), SQLite. Not for implementing elsewhere.
pub trait OutboxDatabase: Database + sealed::Insert {}

mod sealed {
    use super::{Database, Future, NewRow, Pin};

    pub type Inserted<'a> = Pin<Box<dyn Future<Output = Result<bool, sqlx::Error>> + Send + 'a>>;

    pub trait Insert: Database {
        /// Inserts a row; false where one with its source and id is there, which leaves the transaction as it was.
        fn insert<'a>(connection: &'a mut Self::Connection, row: NewRow<'a>) -> Inserted<'a>;
    }
}

macro_rules! database {
    ($database:ty, $sql:expr) => {
        impl OutboxDatabase for $database {}

        impl sealed::Insert for $database {
            fn insert<'a>(connection: &'a mut Self::Connection, row: NewRow<'a>) -> sealed::Inserted<'a> {
                Box::pin(async move {
                    let insert = sqlx::query($sql)
                        .bind(row.event_id)
                        .bind(row.event_type)
                        .bind(row.source)
                        .bind(row.occurred_at)
                        .bind(row.minor_version)
                        .bind(row.payload)
                        .bind(row.record_key)
                        .bind(row.subject)
                        .bind(row.causation_id)
                        .bind(row.traceparent);
                    match insert.execute(connection).await {
                        Ok(done) => Ok(done.rows_affected() == 1),
                        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(false),
                        Err(error) => Err(error),
                    }
                })
            }
        }
    };
}

macro_rules! insert {
    ($values:literal) => {
        concat!(
            "INSERT INTO coursebus_outbox (event_id, event_type, source, occurred_at, payload_format, minor_version, \
             payload, record_key, subject, causation_id, traceparent) VALUES ",
            $values
        )
    };
}

// A unique violation would end a transaction of PostgreSQL; on MySQL and SQLite it undoes its own statement only.
database!(
    Postgres,
    insert!("($1, $2, $3, $4, 'avro', $5, $6, $7, $8, $9, $10) ON CONFLICT (source, event_id) DO NOTHING")
);
database!(MySql, insert!("(?, ?, ?, ?, 'avro', ?, ?, ?, ?, ?, ?)"));
database!(Sqlite, insert!("(?, ?, ?, ?, 'avro', ?, ?, ?, ?, ?, ?)"));
