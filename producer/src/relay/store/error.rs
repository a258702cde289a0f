//! What an outbox's database says when it cannot.

use coursebus_transport::{Cause, Class};

/// The outbox's database refused, or did not answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutboxError {
    /// The tables are not there.
    #[error("there is no outbox in this database")]
    NotInstalled {
        /// What the database said.
        source: Cause,
    },
    /// The database is away, restarting, or another transaction was in the way for too long.
    #[error("the outbox's database is away: {what}")]
    Away {
        /// What was tried.
        what: &'static str,
        /// What it said.
        source: Cause,
    },
    /// The database refuses for a reason that waiting does not change.
    #[error("the outbox cannot be used: {what}")]
    Refused {
        /// What was tried.
        what: &'static str,
        /// What it said.
        source: Cause,
    },
}

impl OutboxError {
    /// What a program should do about it.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Away { .. } => Class::Transient,
            Self::NotInstalled { .. } | Self::Refused { .. } => Class::Fatal,
        }
    }

    /// Sorts what sqlx says; codes are PostgreSQL's SQLSTATE, MySQL's number, SQLite's extended result code.
    pub(super) fn from_sqlx(error: sqlx::Error, what: &'static str) -> Self {
        let code = match &error {
            sqlx::Error::Database(found) => code(found.as_ref()),
            sqlx::Error::Configuration(_) | sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Code::Other,
            _ => Code::Away,
        };
        let source = error.into();
        match code {
            Code::NoTable => Self::NotInstalled { source },
            Code::Away => Self::Away { what, source },
            Code::Other => Self::Refused { what, source },
        }
    }
}

enum Code {
    NoTable,
    Away,
    Other,
}

fn code(error: &dyn sqlx::error::DatabaseError) -> Code {
    if let Some(mysql) = error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        return match mysql.number() {
            1146 => Code::NoTable,
            // Too many connections, shutting down, lock wait time-out, deadlock, query interrupted, connection killed.
            1040 | 1053 | 1205 | 1213 | 1317 | 1927 | 3024 | 4031 => Code::Away,
            _ => Code::Other,
        };
    }
    let code = error.code().unwrap_or_default();
    if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
        let primary = code.parse::<i32>().map_or(0, |code| code & 0xff);
        return match primary {
            1 if error.message().starts_with("no such table") => Code::NoTable,
            // Busy, locked, input or output, cannot open.
            5 | 6 | 10 | 14 => Code::Away,
            _ => Code::Other,
        };
    }
    match (&*code, code.get(..2)) {
        ("42P01", _) => Code::NoTable,
        // Serialization, deadlock, lock time-out, idle in transaction.
        ("40001" | "40P01" | "55P03" | "25P03", _) | (_, Some("08" | "53" | "57" | "58")) => Code::Away,
        _ => Code::Other,
    }
}
