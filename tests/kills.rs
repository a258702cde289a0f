//! SIGKILL in the middle of the work: what a sink has applied, and what an emitter has confirmed, is as if nothing had
//! happened.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use coursebus_tests::{Background, Database, Line, matrix, oulad, say, seed, wait_until};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::runtime::Runtime;

use crate::oulad::check_credentials;

const KILLS: usize = 20;
/// How many events the history has, and in which part of it the kills are: behind them the emitter is still at work.
const EVENTS: f64 = 94_238.0;
const KILLED_PART: f64 = 0.6;
/// How many kills must find a transaction open.
const OPEN_MIN: usize = 5;
/// How long a kill that waits for an open transaction does so.
const AIM_LIMIT: Duration = Duration::from_secs(10);
/// How long a restarted sink may take to the next kill. On Kafka the killed one keeps its partitions for its session.
const REACH_LIMIT: Duration = Duration::from_secs(180);
/// How long one process may take with the whole history.
const LIMIT: Duration = Duration::from_secs(240);

#[test]
fn a_killed_sink_on_the_embedded_bus_and_sqlite() {
    let Some(data) = oulad() else { return };
    matrix("kills", "embedded", "sqlite");
    let line = Line::embedded();
    let outside = Outside::new(Eye::Sqlite(line.cli().dir().join("killed/credentials.db")));
    // 40 s of 63 s.
    check_killed_sink(&line, ["sqlite:killed", "sqlite:undisturbed"], &outside, 1_500, &data);
}

#[test]
fn a_killed_sink_on_kafka_and_postgres() {
    let Some(data) = oulad() else { return };
    let (Some(killed), Some(undisturbed)) = (Database::fresh(), Database::fresh()) else { return };
    let Some(line) = Line::kafka() else { return };
    matrix("kills", "kafka", "postgres");
    let outside = Outside::postgres(&killed.url());
    // 190 s of 310 s. Each restart takes the session time-out of 6 s.
    check_killed_sink(&line, [&killed.url(), &undisturbed.url()], &outside, 300, &data);
}

/// Holds that a sink that is killed again and again ends with the same rows, audit columns included, as one that is not.
///
/// The kills come at random points of the history, which is emitted so slowly that each finds the sink between its first and
/// its last position. Then the emitter is killed, too, and the import run again: events that are on the topics twice are so
/// for both sinks.
fn check_killed_sink(line: &Line, [killed, undisturbed]: [&str; 2], outside: &Outside, rate: u32, data: &Path) {
    let seed = seed();
    let mut random = StdRng::seed_from_u64(seed);
    let cli = line.cli();
    let import = ["event", "import", "oulad", data.to_str().unwrap(), "-o", "json"];
    let run = ["sink", "run", "credentials", "--audit", "--session-timeout", "6s", "--db"];
    let started = Instant::now();

    let mut moments = [(); KILLS].map(|()| random.random_range(0.0..EVENTS * KILLED_PART) as i64);
    moments.sort_unstable();

    let emitter = cli.start([&import[..], &["--rate", &rate.to_string()]].concat());
    let mut kills: Vec<Kill> = Vec::new();
    for moment in moments {
        let before = kills.last().map_or(0, |kill| kill.position);
        let mut sink = cli.start([&run[..], &[killed]].concat());
        sink.wait_for("position behind that of the kill before", REACH_LIMIT, |sink| {
            (outside.is_open_in(sink) && outside.position() > before.max(moment)).then_some(())
        });
        let is_aimed = kills.len() % 2 == 1;
        let kill = kill_at_random(sink, outside, &mut random, is_aimed);
        println!("{:5.1} s, kill {} of {KILLS}: {kill:?}", started.elapsed().as_secs_f64(), kills.len() + 1);
        kills.push(kill);
    }
    let emitter = emitter.kill();
    assert_eq!(emitter.stdout(), "", "the history was emitted before the last kill: emit it at a lower rate");
    let open = kills.iter().filter(|kill| kill.transaction_open).count();
    say(&format!("kills: {KILLS}, in an open transaction: {open}, seed: {seed} ({})", line.backend()));
    assert!(open >= OPEN_MIN, "{kills:?}");

    cli.run(import).ok();
    for db in [killed, undisturbed] {
        cli.run([&run[..], &[db, "--until-caught-up", "--timeout", "200s"]].concat()).ok();
        cli.run(["sink", "audit", "credentials", "--db", db]).ok();
    }
    assert!(outside.position() > kills.last().unwrap().position);
    let [of_killed, of_undisturbed] = [killed, undisturbed].map(|db| line.dump("credentials", db, true));
    let first_difference = of_killed.stdout().lines().zip(of_undisturbed.stdout().lines()).find(|(a, b)| a != b);
    assert_eq!(first_difference, None);
    assert!(of_killed.stdout() == of_undisturbed.stdout(), "one of the dumps has more rows");
    check_credentials(line.dump("credentials", killed, false).stdout(), data);
}

/// What was seen of a sink at its end.
#[derive(Debug)]
struct Kill {
    /// The sum of its committed positions.
    position: i64,
    transaction_open: bool,
    /// Whether the kill waited for an open transaction.
    #[expect(dead_code, reason = "printed")]
    aimed: bool,
}

/// Kills a sink at a random moment; if `aimed`, at a random moment at which it has a transaction open, if one comes.
///
/// The sink is stopped first: what is seen then, from outside, still holds when the kill comes.
fn kill_at_random(sink: Background, outside: &Outside, random: &mut StdRng, aimed: bool) -> Kill {
    thread::sleep(Duration::from_millis(random.random_range(0..200)));
    let deadline = Instant::now() + AIM_LIMIT;
    loop {
        sink.pause();
        let transaction_open = outside.transaction_open();
        if transaction_open || !aimed || Instant::now() > deadline {
            let position = outside.position();
            sink.kill();
            return Kill { position, transaction_open, aimed };
        }
        sink.resume();
        thread::sleep(Duration::from_micros(random.random_range(0..20_000)));
    }
}

/// The database of a sink, as others than the sink can see it.
struct Outside {
    runtime: Runtime,
    eye: RefCell<Eye>,
}

enum Eye {
    /// The file. Opened anew for each look, and only while the sink has it open: a connection that outlives the sink would
    /// spare the next one the recovery, or do it in its place.
    Sqlite(PathBuf),
    Postgres(PgConnection),
}

impl Outside {
    fn new(eye: Eye) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { runtime, eye: eye.into() }
    }

    fn postgres(url: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let connection = runtime.block_on(PgConnection::connect(url)).unwrap();
        Self { runtime, eye: Eye::Postgres(connection).into() }
    }

    /// Whether a process has the database open.
    fn is_open_in(&self, sink: &Background) -> bool {
        match &*self.eye.borrow() {
            Eye::Postgres(_) => true,
            Eye::Sqlite(file) => {
                let open = fs::read_dir(format!("/proc/{}/fd", sink.pid())).into_iter().flatten().flatten();
                let shared = file.with_extension("db-shm");
                open.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|path| path == shared)
            }
        }
    }

    /// The sum of the sink's committed positions; 0 while there are none.
    fn position(&self) -> i64 {
        const SQL: &str = "SELECT CAST(COALESCE(SUM(position), 0) AS BIGINT) FROM bus_positions";
        let found: Result<(i64,), sqlx::Error> = match &mut *self.eye.borrow_mut() {
            Eye::Postgres(connection) => {
                let sql = SQL.replace("bus_positions", "credentials.bus_positions");
                self.runtime.block_on(sqlx::query_as(AssertSqlSafe(sql)).fetch_one(connection))
            }
            Eye::Sqlite(file) => self.runtime.block_on(async {
                let mut connection = sqlite(file).await?;
                let found = sqlx::query_as(SQL).fetch_one(&mut connection).await;
                connection.close().await?;
                found
            }),
        };
        // An error: the sink has not made its tables yet.
        found.map_or(0, |(sum,)| sum)
    }

    /// Whether a stopped sink has a transaction open: on PostgreSQL as the server shows it when it has answered all that the
    /// sink had sent, on SQLite by the write lock.
    fn transaction_open(&self) -> bool {
        const SQL: &str = "SELECT count(*) FILTER (WHERE state = 'active'),
                count(*) FILTER (WHERE state LIKE 'idle in transaction%')
            FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'coursebus-credentials'";
        let eye = &mut *self.eye.borrow_mut();
        match eye {
            Eye::Postgres(connection) => wait_until("an idle server", Duration::from_secs(20), || {
                let (active, open): (i64, i64) =
                    self.runtime.block_on(sqlx::query_as(SQL).fetch_one(&mut *connection)).unwrap();
                (active == 0).then_some(open > 0)
            }),
            Eye::Sqlite(file) => self.runtime.block_on(async {
                let mut connection = sqlite(file).await.unwrap();
                let locked =
                    sqlx::raw_sql("BEGIN IMMEDIATE; ROLLBACK").execute(&mut connection).await.is_err_and(|error| {
                        let code =
                            error.as_database_error().and_then(|e| e.code()).and_then(|code| code.parse::<i32>().ok());
                        // SQLITE_BUSY
                        assert_eq!(code.map(|code| code & 0xff), Some(5), "{error}");
                        true
                    });
                connection.close().await.unwrap();
                locked
            }),
        }
    }
}

async fn sqlite(file: &Path) -> Result<SqliteConnection, sqlx::Error> {
    SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file).busy_timeout(Duration::ZERO)).await
}

#[test]
fn a_killed_emitter_on_the_embedded_bus() {
    matrix("kills", "embedded", "none");
    check_killed_emitter(&Line::embedded());
}

#[test]
fn a_killed_emitter_on_kafka() {
    let Some(line) = Line::kafka() else { return };
    matrix("kills", "kafka", "none");
    check_killed_emitter(&line);
}

/// Holds that what a killed `event emit` has printed is on the bus where it said, that what is there keeps the order of the
/// file, and that the next emitter goes on behind it.
fn check_killed_emitter(line: &Line) {
    const EVENTS: usize = 100_000;
    const TYPE: &str = "coursebus.subscription.plan.created.v1";
    let cli = line.cli();
    let event = |number: usize| {
        let plan = format!(
            r#"{{"plan_uuid":"plan-{number}","title":"T","starts":"2026-01-01T00:00:00Z","expires":"2027-01-01T00:00:00Z"}}"#
        );
        format!(r#"{{"id":"{number:06}","data":{{"plan":{plan}}}}}"#)
    };
    let mut file = String::new();
    (0..EVENTS).for_each(|number| writeln!(file, "{}", event(number)).unwrap());
    fs::write(cli.dir().join("plans.jsonl"), file).unwrap();

    let seed = seed();
    let count = StdRng::seed_from_u64(seed).random_range(1..5_000);
    let mut emitter = cli.start(["event", "emit", TYPE, "--file", "plans.jsonl"]);
    emitter.wait_for("confirmed events", LIMIT, |emitter| (emitter.stdout().lines().count() >= count).then_some(()));
    let printed = emitter.kill();
    // The last line may have been cut off.
    let whole = printed.stdout().rsplit_once('\n').unwrap().0;
    let confirmed: Vec<serde_json::Value> = whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(confirmed.len() < EVENTS, "it had emitted everything before it was killed");
    say(&format!("killed after {} confirmed events, seed: {seed} ({})", confirmed.len(), line.backend()));

    let next = cli.run_with(["event", "emit", TYPE], &event(EVENTS)).ok().json();
    let tail = cli.run(["event", "tail", "subscription-plan-lifecycle", "--from", "earliest", "--until-end"]).ok();
    let mut there = HashMap::new();
    let mut by_partition: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    for event in tail.json_lines() {
        let partition = event["partition"].as_i64().unwrap();
        let id = event["id"].as_str().unwrap().to_owned();
        by_partition.entry(partition).or_default().push(id.clone());
        there.insert((partition, event["offset"].as_i64().unwrap()), id);
    }
    for place in confirmed.iter().chain([&next]) {
        let at = (place["partition"].as_i64().unwrap(), place["offset"].as_i64().unwrap());
        assert_eq!(there.get(&at).map(String::as_str), place["id"].as_str(), "{place}");
    }
    for (partition, ids) in by_partition {
        assert!(ids.is_sorted_by(|a, b| a < b), "partition {partition} is out of order, or has an event twice");
    }
}
