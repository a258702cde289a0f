//! A sink that is stopped or killed inside a transaction of its database: the next one goes on within a stated time, and the
//! old one, woken again, writes nothing.

use std::{
    fmt::Write,
    fs,
    time::{Duration, Instant},
};

use coursebus_tests::{Background, Database, Line, MysqlDatabase, matrix, say, wait_until};
use sqlx::{Connection, MySqlConnection, PgConnection};
use tokio::runtime::Runtime;

const TYPE: &str = "coursebus.subscription.plan.created.v1";
/// Several transactions of 5,000 records in each partition.
const EVENTS: usize = 60_000;
/// How long one process may take with all of them.
const LIMIT: Duration = Duration::from_secs(90);
const SESSION: Duration = Duration::from_secs(6);
/// The server ends a session that does nothing inside a transaction after 5 s; who waits for its lock, waits 5 s and tries
/// again.
const EVICTED: Duration = Duration::from_secs(10);
/// How long a transaction stands still before it counts as that of the one that was stopped.
const STILL: Duration = Duration::from_millis(300);

#[derive(Clone, Copy, PartialEq)]
enum Blow {
    Kill,
    Stop,
}

#[test]
fn killed_inside_a_transaction_on_mysql() {
    let Some(database) = MysqlDatabase::fresh() else { return };
    matrix("stopped", "embedded", "mysql");
    check(&Line::embedded(), &Outside::mysql(&database), &database.url(), Blow::Kill);
}

#[test]
fn stopped_inside_a_transaction_on_mysql() {
    let Some(database) = MysqlDatabase::fresh() else { return };
    let Some(line) = Line::kafka() else { return };
    matrix("stopped", "kafka", "mysql");
    check(&line, &Outside::mysql(&database), &database.url(), Blow::Stop);
}

#[test]
fn stopped_inside_a_transaction_on_postgres() {
    let Some(database) = Database::fresh() else { return };
    let Some(line) = Line::kafka() else { return };
    matrix("stopped", "kafka", "postgres");
    check(&line, &Outside::postgres(&database), &database.url(), Blow::Stop);
}

fn emit(line: &Line, numbers: std::ops::Range<usize>) {
    let mut events = String::new();
    for number in numbers {
        let plan = format!(
            r#"{{"plan_uuid":"plan-{number}","title":"T","starts":"2026-01-01T00:00:00Z","expires":"2027-01-01T00:00:00Z"}}"#
        );
        writeln!(events, r#"{{"id":"{number:06}","data":{{"plan":{plan}}}}}"#).unwrap();
    }
    fs::write(line.cli().dir().join("plans.jsonl"), events).unwrap();
    line.cli().run(["event", "emit", TYPE, "--file", "plans.jsonl"]).ok();
}

fn check(line: &Line, outside: &Outside, db: &str, blow: Blow) {
    let cli = line.cli();
    let run = ["sink", "run", "license_manager", "--audit", "--session-timeout", "6s", "--db", db];
    emit(line, 0..EVENTS);
    let first = cli.start(run);
    catch_inside_a_transaction(&first, outside);
    let struck = Instant::now();
    let first = match blow {
        Blow::Kill => {
            first.kill();
            None
        }
        Blow::Stop => Some(first),
    };

    let mut second = cli.start(run);
    let before = outside.position();
    assert!(before < EVENTS as i64, "everything was applied before: there is nothing to go on with");
    second.wait_for("every partition at its end", LIMIT, |_| (outside.position() >= EVENTS as i64).then_some(()));
    let waited = struck.elapsed();
    say(&format!("stopped: all was applied {:.1} s after the blow ({})", waited.as_secs_f64(), line.backend()));
    // What stands behind the lock is late by no more than this; the rest of the time is work.
    let worked = Duration::from_secs(15);
    assert!(waited < SESSION + EVICTED + worked, "{waited:?}");

    if let Some(mut first) = first {
        first.resume();
        // It has learned that others have its partitions when it says so, or takes part again.
        first.wait_for("an answer to what it was about to write", LIMIT, |first| {
            let said = first.stderr();
            ["trying again", "taken over", "lost its place"].iter().any(|word| said.contains(word)).then_some(())
        });
        first.interrupt();
        first.end_within(LIMIT);
    }
    emit(line, EVENTS..EVENTS + 10);
    second.interrupt();
    second.end_within(LIMIT).ok();
    cli.run([&run[..], &["--until-caught-up", "--timeout", "60s"]].concat()).ok();
    let audit = cli.run(["sink", "audit", "license_manager", "--db", db, "-o", "json"]).ok().json();
    let found = |name: &str| audit[0][name].as_u64().unwrap();
    assert_eq!((found("expected"), found("applied")), (EVENTS as u64 + 10, EVENTS as u64 + 10), "{audit}");
    assert_eq!((found("lost"), found("duplicated"), found("out_of_order")), (0, 0, 0), "{audit}");
}

/// Stops the sink again and again, until it stands inside a transaction.
fn catch_inside_a_transaction(sink: &Background, outside: &Outside) {
    wait_until("the first position", LIMIT, || (outside.position() > 0).then_some(()));
    wait_until("a stop inside a transaction", LIMIT, || {
        sink.pause();
        let began = Instant::now();
        let is_inside = wait_until("a server that stands still, too", LIMIT, || outside.transaction_stands(began));
        if !is_inside {
            sink.resume();
        }
        is_inside.then_some(())
    });
}

/// The sink's database, as others than the sink see it.
struct Outside {
    runtime: Runtime,
    server: Server,
}

enum Server {
    Mysql { url: String, database: String },
    Postgres { url: String },
}

impl Outside {
    fn new(server: Server) -> Self {
        Self { runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(), server }
    }

    fn mysql(database: &MysqlDatabase) -> Self {
        let url = database.url_of("license_manager");
        let (server, database) =
            url.rsplit_once('/').map(|(server, name)| (server.to_owned(), name.to_owned())).unwrap();
        Self::new(Server::Mysql { url: server, database })
    }

    fn postgres(database: &Database) -> Self {
        Self::new(Server::Postgres { url: database.url() })
    }

    /// The sum of the sink's committed positions; 0 while there are none.
    fn position(&self) -> i64 {
        const SQL: &str = "SELECT CAST(COALESCE(SUM(position), 0) AS CHAR(20)) FROM";
        let found: Result<(String,), sqlx::Error> = match &self.server {
            Server::Mysql { url, database } => self.runtime.block_on(async {
                let sql = sqlx::AssertSqlSafe(format!("{SQL} {database}.bus_positions"));
                sqlx::query_as(sql).fetch_one(&mut MySqlConnection::connect(url).await?).await
            }),
            Server::Postgres { url } => self.runtime.block_on(async {
                let sql = sqlx::AssertSqlSafe(format!("{SQL} license_manager.bus_positions"));
                sqlx::query_as(sql).fetch_one(&mut PgConnection::connect(url).await?).await
            }),
        };
        // An error: the sink has not made its tables yet.
        found.map_or(0, |(sum,)| sum.trim().parse().unwrap())
    }

    /// Whether a sink that was stopped has a transaction open; `None` while that cannot be told, because the server still works
    /// off what it was sent, or shows what was a moment ago.
    fn transaction_stands(&self, since: Instant) -> Option<bool> {
        const MARIADB: &str = "SELECT p.command = 'Sleep', CAST(p.time_ms AS DOUBLE)
            FROM information_schema.innodb_trx t JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id
            WHERE p.db = ?";
        const POSTGRES: &str = "SELECT CASE WHEN state LIKE 'idle%' THEN 1 ELSE 0 END,
                CAST(EXTRACT(EPOCH FROM clock_timestamp() - state_change) * 1000 AS DOUBLE PRECISION)
            FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
            AND (state LIKE 'idle in transaction%' OR state = 'active')";
        let open: Vec<(i32, f64)> = match &self.server {
            Server::Mysql { url, database } => self.runtime.block_on(async {
                let mut connection = MySqlConnection::connect(url).await.unwrap();
                sqlx::query_as(MARIADB).bind(database).fetch_all(&mut connection).await.unwrap()
            }),
            Server::Postgres { url } => self.runtime.block_on(async {
                let mut connection = PgConnection::connect(url).await.unwrap();
                sqlx::query_as(POSTGRES).fetch_all(&mut connection).await.unwrap()
            }),
        };
        let still = STILL.as_secs_f64() * 1000.0;
        if open.is_empty() {
            return (since.elapsed() > STILL).then_some(false);
        }
        open.iter().all(|(idle, ms)| *idle == 1 && *ms > still).then_some(true)
    }
}
