//! The sink's database, as someone else sees it.

use std::{
    thread,
    time::{Duration, Instant},
};

use sqlx::{Connection, PgConnection};
use tokio::runtime::Runtime;

/// After this long the transaction of a member that stands still shows as idle.
pub const SHOWS_AFTER: Duration = Duration::from_millis(500);

pub struct Outside {
    runtime: Runtime,
    url: String,
}

impl Outside {
    pub fn new(url: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { runtime, url: url.to_owned() }
    }

    /// Makes each transaction of the sink last a tenth of a second, so that members are found inside one.
    pub fn slow_down_transactions(&self) {
        const SQL: &str = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql
                AS 'BEGIN PERFORM pg_sleep(0.1); RETURN NEW; END';
            CREATE TRIGGER slow BEFORE UPDATE OF position ON license_manager.bus_positions
                FOR EACH ROW EXECUTE FUNCTION slow()";
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let made: Result<_, sqlx::Error> = self.runtime.block_on(async {
                let mut connection = PgConnection::connect(&self.url).await?;
                sqlx::raw_sql(SQL).execute(&mut connection).await
            });
            match made {
                Ok(_) => return,
                // The first member has not made its tables yet.
                Err(error) => assert!(Instant::now() < until, "{error}"),
            }
            thread::sleep(Duration::from_millis(200));
        }
    }

    /// Whether a transaction has done nothing for a while, which those of members that run never do: that of a member that stands still.
    pub fn transaction_idle_for_a_while(&self) -> bool {
        self.count(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
            AND state LIKE 'idle in transaction%' AND state_change < now() - interval '200 ms'",
        ) > 0
    }

    /// 0 while the server is away.
    fn count(&self, sql: &'static str) -> i64 {
        let found: Result<(i64,), sqlx::Error> = self.runtime.block_on(async {
            let mut connection = PgConnection::connect(&self.url).await?;
            let found = sqlx::query_as(sql).fetch_one(&mut connection).await;
            connection.close().await?;
            found
        });
        found.map_or(0, |(count,)| count)
    }

    /// Starts the server until it answers: what is left of the one before may be in the way for a moment.
    pub fn started_again(&self, start: impl Fn()) {
        let until = Instant::now() + Duration::from_secs(60);
        while self.count("SELECT 1::BIGINT") != 1 {
            assert!(Instant::now() < until, "PostgreSQL does not come back");
            start();
            thread::sleep(Duration::from_secs(1));
        }
    }
}
