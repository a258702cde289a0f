//! A database of a test's own on the shared PostgreSQL.

use std::thread;

use reqwest::Url;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::{postgres_url, unique};

/// An empty database; removed, with whoever is still connected, when dropped.
#[derive(Debug)]
pub struct Database {
    server: Url,
    name: String,
}

impl Database {
    /// Creates one, or says loudly that the test is skipped. May be called in and outside of an async runtime; it blocks.
    ///
    /// # Panics
    /// When the server refuses; under `CI=true` also when there is none.
    pub fn fresh() -> Option<Self> {
        let server = Url::parse(&postgres_url()?).expect("DATABASE_URL is a URL");
        let database = Self { server, name: unique("test") };
        // The name is made here of lower-case letters, digits and `_`.
        database.execute(format!("CREATE DATABASE {}", database.name)).expect("the test user may create databases");
        Some(database)
    }

    /// Its URL, `postgres://…/test_…`.
    pub fn url(&self) -> String {
        let mut url = self.server.clone();
        url.set_path(&self.name);
        url.into()
    }

    /// Runs one statement on the server, on a thread and a runtime of its own.
    fn execute(&self, sql: String) -> Result<(), sqlx::Error> {
        let url = self.server.to_string();
        let done = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut connection = PgConnection::connect(&url).await?;
                sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
                connection.close().await
            })
        });
        done.join().expect("a statement does not panic")
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Err(error) = self.execute(format!("DROP DATABASE {} WITH (FORCE)", self.name)) {
            eprintln!("database {} stays: {error}", self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn exists(name: &str, server: &Url) -> bool {
        let mut connection = PgConnection::connect(server.as_str()).await.unwrap();
        let found = sqlx::query("SELECT 1 FROM pg_database WHERE datname = $1").bind(name);
        found.fetch_optional(&mut connection).await.unwrap().is_some()
    }

    #[tokio::test]
    async fn a_database_is_there_and_goes_with_its_connections() {
        let Some(database) = Database::fresh() else { return };
        crate::matrix("test-support", "none", "postgres");
        let (name, server) = (database.name.clone(), database.server.clone());
        let held = PgConnection::connect(&database.url()).await.unwrap();
        assert!(exists(&name, &server).await);
        drop(database);
        assert!(!exists(&name, &server).await);
        drop(held);
    }
}
