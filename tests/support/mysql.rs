//! Databases of a test's own on the shared MariaDB or MySQL.

use std::thread;

use reqwest::Url;
use sqlx::{AssertSqlSafe, Connection, MySqlConnection, Row};

use crate::{mysql_url, unique};

/// A name that databases begin with: a sink makes `<name>_<sink>`. All of them are removed when dropped.
#[derive(Debug)]
pub struct MysqlDatabase {
    server: Url,
    name: String,
}

impl MysqlDatabase {
    /// Finds a name, or says loudly that the test is skipped.
    ///
    /// # Panics
    /// Under `CI=true` when there is no server.
    pub fn fresh() -> Option<Self> {
        let server = Url::parse(&mysql_url()?).expect("MYSQL_URL is a URL");
        Some(Self { server, name: unique("test") })
    }

    /// The URL for sinks, `mysql://…/test_…`.
    pub fn url(&self) -> String {
        let mut url = self.server.clone();
        url.set_path(&self.name);
        url.into()
    }

    /// The URL of a sink's database, which is there once the sink has begun.
    pub fn url_of(&self, sink: &str) -> String {
        let mut url = self.server.clone();
        url.set_path(&format!("{}_{sink}", self.name));
        url.into()
    }

    /// Removes what sinks have made, on a thread and a runtime of its own. Whoever is still connected stays so, to nothing.
    fn remove(&self) -> Result<(), sqlx::Error> {
        let (url, name) = (self.server.to_string(), self.name.clone());
        let done = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut connection = MySqlConnection::connect(&url).await?;
                // A database that a sink still writes to is locked by it until its transaction ends.
                sqlx::query("SET SESSION lock_wait_timeout = 15").execute(&mut connection).await?;
                let made = "SELECT schema_name FROM information_schema.schemata WHERE LEFT(schema_name, ?) = ?";
                let length = i64::try_from(name.len()).expect("a short name");
                let found = sqlx::query(made).bind(length).bind(name).fetch_all(&mut connection).await?;
                for row in found {
                    let drop = format!("DROP DATABASE `{}`", row.try_get::<String, _>(0)?);
                    sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut connection).await?;
                }
                connection.close().await
            })
        });
        done.join().expect("a statement does not panic")
    }
}

impl Drop for MysqlDatabase {
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            eprintln!("databases {}_* stay: {error}", self.name);
        }
    }
}
