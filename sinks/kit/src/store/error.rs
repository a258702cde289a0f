//! What a sink's database says when it cannot.

use coursebus_transport::{Cause, Class, TopicPartition};
use sqlx::error::DatabaseError;

/// A database refused, or did not answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process has taken the partition over. Nothing was changed.
    #[error("{partition} was taken over by another process")]
    Fenced {
        /// Topic and partition.
        partition: TopicPartition,
    },
    /// The database is away, restarting, or another transaction was in the way for too long.
    #[error("the database is away: {hint}")]
    Away {
        /// Who is in the way, where that is known.
        hint: String,
        /// What it said.
        source: Cause,
    },
    /// The database refuses a value of the batch: one of its records is poison.
    #[error("the database refuses a value")]
    Value {
        /// What it said; may hold the value, so it is not for logs.
        source: Cause,
    },
    /// The database cannot be used: access rights, a missing table, a broken file.
    #[error("the database cannot be used: {what}")]
    Broken {
        /// What was tried.
        what: String,
        /// What it said.
        source: Cause,
    },
}

impl StoreError {
    /// What a program should do about it.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Away { .. } => Class::Transient,
            Self::Value { .. } => Class::Poison,
            Self::Fenced { .. } | Self::Broken { .. } => Class::Fatal,
        }
    }

    /// Sorts what sqlx says; `of_database` tells a database's own codes apart.
    pub(super) fn from_sqlx(error: sqlx::Error, what: &str, of_database: impl Fn(&dyn DatabaseError) -> Class) -> Self {
        let class = match &error {
            sqlx::Error::Database(e) => of_database(e.as_ref()),
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Protocol(_) => Class::Transient,
            _ => Class::Fatal,
        };
        match class {
            Class::Transient => Self::Away { hint: what.to_owned(), source: error.into() },
            Class::Poison => Self::Value { source: error.into() },
            Class::Fatal => Self::Broken { what: what.to_owned(), source: error.into() },
        }
    }
}
