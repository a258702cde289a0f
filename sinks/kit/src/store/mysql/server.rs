//! A server of MySQL's kind: which it is, the database of a sink on it, and what a session is told at its beginning.

use std::{str::FromStr, time::Duration};

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, MySqlPool, Row,
    mysql::{MySqlConnectOptions, MySqlPoolOptions},
};

use super::{super::StoreError, wrong};

/// Connections of one process.
const CONNECTIONS: u32 = 8;
/// How long a transaction waits for one of them.
const ACQUIRE: Duration = Duration::from_secs(10);
/// The longest name of a database.
const NAME_CHARS_MAX: usize = 64;

/// What a session is, on any server: strict, so that nothing is cut off; names in quotes; times in UTC; and bounded waits. A
/// lock is waited for 5 s. Who was stopped in the middle of a packet keeps its transaction for 10 s.
const SESSION: &str =
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,ANSI_QUOTES,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00',
        innodb_lock_wait_timeout = 5, lock_wait_timeout = 15, net_read_timeout = 10, net_write_timeout = 10;
    SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;";

/// Which server it is. They differ in two words that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flavour {
    MariaDb,
    MySql,
}

impl Flavour {
    fn of(version: &str) -> Self {
        if version.contains("MariaDB") { Self::MariaDb } else { Self::MySql }
    }

    /// Compares text byte by byte, trailing blanks included.
    pub(super) fn collation(self) -> &'static str {
        match self {
            Self::MariaDb => "utf8mb4_nopad_bin",
            Self::MySql => "utf8mb4_0900_bin",
        }
    }

    /// A process that was stopped inside a transaction must not keep the others out of a partition: the server ends its
    /// session after 5 s. MySQL knows this for idle sessions only, in a transaction or not.
    pub(super) fn evict(self) -> &'static str {
        match self {
            Self::MariaDb => "SET SESSION idle_transaction_timeout = 5",
            Self::MySql => "SET SESSION wait_timeout = 5",
        }
    }

    /// How long a connection may be idle before it is closed here: sooner than there.
    fn idle(self) -> Option<Duration> {
        match self {
            Self::MariaDb => Some(Duration::from_mins(10)),
            Self::MySql => Some(Duration::from_secs(4)),
        }
    }
}

/// A sink's database, to which sessions can be opened.
pub(super) struct Server {
    pub(super) pool: MySqlPool,
    pub(super) flavour: Flavour,
    /// The name of the database.
    pub(super) database: String,
}

impl Server {
    /// Connects, and makes the sink's database if it is not there: `<the URL's>_<sink>`, or `<sink>` where the URL names none.
    pub(super) async fn connect(url: &str, sink: &str) -> Result<Self, StoreError> {
        let (options, database) = place(url, sink)?;
        let flavour = prepare(&options, &database).await?;
        let options = options.database(&database).charset("utf8mb4").collation(flavour.collation());
        let pool = MySqlPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(ACQUIRE);
        let pool = pool.idle_timeout(flavour.idle()).after_connect(move |connection, _| {
            Box::pin(async move {
                connection.execute(SESSION).await?;
                connection.execute(flavour.evict()).await.map(drop)
            })
        });
        let pool = pool.connect_with(options).await.map_err(|e| wrong(e, "connect"))?;
        Ok(Self { pool, flavour, database })
    }
}

/// How to reach the server, without a database, and the database's name.
fn place(url: &str, sink: &str) -> Result<(MySqlConnectOptions, String), StoreError> {
    let broken = |source: &'static str| StoreError::Broken { what: "read its URL".to_owned(), source: source.into() };
    // The source is left out: it may quote the URL, and with it a password.
    let options = MySqlConnectOptions::from_str(url).map_err(|_| broken("it is not a MySQL URL"))?;
    let prefix = options.get_database().filter(|name| !name.is_empty()).map(str::to_owned);
    let database = prefix.map_or(sink.to_owned(), |prefix| format!("{prefix}_{sink}"));
    if database.chars().count() > NAME_CHARS_MAX || database.contains('`') {
        return Err(broken("the name of the sink's database is too long, or has a backtick"));
    }
    let options = MySqlConnectOptions::from_str(&without_path(url)).map_err(|_| broken("it is not a MySQL URL"))?;
    Ok((options.pipes_as_concat(false).no_engine_substitution(false), database))
}

/// A URL without its path, but with what follows `?`.
fn without_path(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("mysql", url));
    let (place, query) = rest.split_once('?').map_or((rest, String::new()), |(place, q)| (place, format!("?{q}")));
    let host = place.split('/').next().unwrap_or_default();
    format!("{scheme}://{host}{query}")
}

/// Asks which server it is, and makes the database: only if it is not there, because that needs a right of its own.
async fn prepare(options: &MySqlConnectOptions, database: &str) -> Result<Flavour, StoreError> {
    let mut connection = options.connect().await.map_err(|e| wrong(e, "connect"))?;
    let made = async {
        let version: String = sqlx::query("SELECT VERSION()").fetch_one(&mut connection).await?.try_get(0)?;
        let flavour = Flavour::of(&version);
        let known = sqlx::query("SELECT 1 FROM information_schema.schemata WHERE schema_name = ?").bind(database);
        if known.fetch_optional(&mut connection).await?.is_none() {
            let collation = flavour.collation();
            let make = format!("CREATE DATABASE IF NOT EXISTS `{database}` CHARACTER SET utf8mb4 COLLATE {collation}");
            connection.execute(AssertSqlSafe(make)).await?;
        }
        Ok(flavour)
    };
    let made = made.await.map_err(|e| wrong(e, "make its database"));
    // What it says at its end does not matter any more.
    let _ = connection.close().await;
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sink_has_a_database_of_its_own() {
        let check = |url: &str, expected: &str, rest: &str| {
            assert_eq!(place(url, "grades").map(|(_, name)| name).ok().as_deref(), Some(expected), "{url}");
            assert_eq!(without_path(url), rest);
        };
        check("mysql://u:p@h:1/bus?ssl-mode=DISABLED", "bus_grades", "mysql://u:p@h:1?ssl-mode=DISABLED");
        check("mysql://h", "grades", "mysql://h");
        check("mysql://h/", "grades", "mysql://h");
        assert!(place(&format!("mysql://h/{}", "x".repeat(60)), "grades").is_err());
        let secret = place("mysql://u:s3cret@h:port/x", "grades").map(drop).unwrap_err();
        assert!(!format!("{secret:?}").contains("s3cret"));
    }

    #[test]
    fn the_server_is_known_by_its_version() {
        assert_eq!(Flavour::of("10.11.19-MariaDB-0+deb12u1"), Flavour::MariaDb);
        assert_eq!(Flavour::of("8.4.3"), Flavour::MySql);
    }
}
