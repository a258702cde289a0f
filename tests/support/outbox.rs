//! A service's own database, for an outbox, on each of the three.

use std::thread;

use reqwest::Url;
use sqlx::{
    AssertSqlSafe, Connection, MySqlConnection, PgConnection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode},
};
use tempfile::TempDir;

use crate::{Database, mysql_url, unique};

/// An empty database of one of the three kinds; removed when dropped.
#[derive(Debug)]
pub enum OutboxDb {
    /// A file in a folder of its own.
    Sqlite(TempDir),
    /// On the shared PostgreSQL.
    Postgres(Database),
    /// On the shared MariaDB.
    MySql(MySql),
}

/// A database on the shared MariaDB or MySQL.
#[derive(Debug)]
pub struct MySql {
    server: Url,
    name: String,
}

impl OutboxDb {
    /// One of each kind that there is; says loudly what there is not.
    ///
    /// # Panics
    /// When a server refuses; under `CI=true` also when there is none.
    pub fn each() -> Vec<Self> {
        [Some(Self::sqlite()), Self::postgres(), Self::mysql()].into_iter().flatten().collect()
    }

    /// A SQLite file.
    ///
    /// # Panics
    /// When there is no temporary folder.
    pub fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().expect("a temporary folder"))
    }

    /// A PostgreSQL database.
    pub fn postgres() -> Option<Self> {
        Database::fresh().map(Self::Postgres)
    }

    /// A MariaDB database.
    ///
    /// # Panics
    /// When the server refuses.
    pub fn mysql() -> Option<Self> {
        let server = Url::parse(&mysql_url()?).expect("MYSQL_URL is a URL");
        let database = MySql { server, name: unique("outbox") };
        database.execute(format!("CREATE DATABASE {}", database.name)).expect("the test user may create databases");
        Some(Self::MySql(database))
    }

    /// `sqlite`, `postgres` or `mysql`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Postgres(_) => "postgres",
            Self::MySql(_) => "mysql",
        }
    }

    /// The address, as `--db` takes it.
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(dir) => format!("sqlite:{}", dir.path().join("service.db").display()),
            Self::Postgres(database) => database.url(),
            Self::MySql(database) => {
                let mut url = database.server.clone();
                url.set_path(&database.name);
                url.into()
            }
        }
    }

    /// A connection.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn connect(&self) -> OutboxConnection {
        match self {
            Self::Sqlite(dir) => {
                let options =
                    SqliteConnectOptions::new().filename(dir.path().join("service.db")).create_if_missing(true);
                let options = options.journal_mode(SqliteJournalMode::Wal);
                let options = options.busy_timeout(std::time::Duration::from_secs(60));
                OutboxConnection::Sqlite(SqliteConnection::connect_with(&options).await.expect("a file"))
            }
            Self::Postgres(database) => {
                OutboxConnection::Postgres(PgConnection::connect(&database.url()).await.expect("a connection"))
            }
            Self::MySql(_) => {
                let mut connection = MySqlConnection::connect(&self.url()).await.expect("a connection");
                // As Django's: with the default level, writers stand in each other's way (docs/outbox.md).
                let level = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";
                sqlx::raw_sql(level).execute(&mut connection).await.expect("a level");
                OutboxConnection::MySql(connection)
            }
        }
    }
}

/// A connection to one of the three.
pub enum OutboxConnection {
    /// SQLite.
    Sqlite(SqliteConnection),
    /// PostgreSQL.
    Postgres(PgConnection),
    /// MariaDB.
    MySql(MySqlConnection),
}

impl OutboxConnection {
    /// Runs statements; says how many rows they changed.
    pub async fn execute(&mut self, sql: &str) -> Result<u64, sqlx::Error> {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        Ok(match self {
            Self::Sqlite(connection) => sql.execute(connection).await?.rows_affected(),
            Self::Postgres(connection) => sql.execute(connection).await?.rows_affected(),
            Self::MySql(connection) => sql.execute(connection).await?.rows_affected(),
        })
    }

    /// Inserts a row with a JSON payload; `more` is further columns with their values in SQL.
    pub async fn insert(
        &mut self,
        id: &str,
        event_type: &str,
        json: &str,
        more: &[(&str, &str)],
    ) -> Result<(), sqlx::Error> {
        let payload = match self {
            Self::Postgres(_) => format!("convert_to('{json}', 'UTF8')"),
            _ => format!("'{json}'"),
        };
        let columns: String = more.iter().map(|(column, _)| format!(", {column}")).collect();
        let values: String = more.iter().map(|(_, value)| format!(", {value}")).collect();
        let sql = format!(
            "INSERT INTO coursebus_outbox (event_id, event_type, source, payload{columns}) \
             VALUES ('{id}', '{event_type}', 'test', {payload}{values})"
        );
        self.execute(&sql).await.map(drop)
    }

    /// Begins a transaction that writes.
    pub async fn begin(&mut self) -> Result<(), sqlx::Error> {
        let begin = if matches!(self, Self::Sqlite(_)) { "BEGIN IMMEDIATE" } else { "BEGIN" };
        self.execute(begin).await.map(drop)
    }
}

impl MySql {
    fn execute(&self, sql: String) -> Result<(), sqlx::Error> {
        let url = self.server.to_string();
        let done = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut connection = MySqlConnection::connect(&url).await?;
                sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
                connection.close().await
            })
        });
        done.join().expect("a statement does not panic")
    }
}

impl Drop for MySql {
    fn drop(&mut self) {
        if let Err(error) = self.execute(format!("DROP DATABASE {}", self.name)) {
            eprintln!("database {} stays: {error}", self.name);
        }
    }
}
