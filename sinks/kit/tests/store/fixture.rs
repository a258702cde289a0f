//! Databases for tests: one of its own for each test.

use std::io::Write;

use coursebus_sinks_kit::{Column, DbAddress, Kind, MemoryStore, SinkSpec, Store, StoreError, Table, Value, open};
use coursebus_transport::memory::{Process, World};
use sqlx::{AssertSqlSafe, Connection, MySqlConnection, PgConnection};
use tempfile::TempDir;

const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name, kind }
}

/// A column of each kind, and a key of two.
pub static THINGS: Table = Table {
    name: "things",
    key: &[column("place", Kind::Text), column("number", Kind::Int)],
    columns: &[
        column("flag", Kind::Bool),
        column("count", Kind::Int),
        column("ratio", Kind::Float),
        column("label", Kind::Text),
        column("at", Kind::Time),
    ],
};
/// Refuses a label, so that a batch can fail on every database alike.
pub const MIGRATION: &str =
    "CREATE TABLE things (place TEXT NOT NULL, number BIGINT NOT NULL, flag BOOLEAN, count BIGINT,
    ratio DOUBLE PRECISION, label TEXT CHECK (label <> 'refused'), at TIMESTAMPTZ, PRIMARY KEY (place, number))";
static TABLES: [&Table; 1] = [&THINGS];

pub fn spec() -> SinkSpec {
    SinkSpec::new("kit_test", "a sink for tests of its database", &TABLES).migrations(&[(100, "things", MIGRATION)])
}

pub const GROUP: &str = "coursebus-kit_test";

/// A database of a test's own.
pub struct Fixture {
    pub place: Place,
    pub spec: SinkSpec,
}

pub enum Place {
    Sqlite(TempDir),
    Postgres {
        server: String,
        name: String,
    },
    /// The name is what the sink's database begins with.
    Mysql {
        server: String,
        name: String,
    },
    Memory(MemoryStore),
}

impl Fixture {
    pub fn sqlite() -> Self {
        say("MATRIX suite=sink-store backend=none database=sqlite");
        Self { place: Place::Sqlite(tempfile::tempdir().expect("a temporary folder")), spec: spec() }
    }

    /// `None`, loudly, when there is no server.
    pub async fn postgres() -> Option<Self> {
        let server = server_url("DATABASE_URL")?;
        say("MATRIX suite=sink-store backend=none database=postgres");
        let name = format!("kit_{}", uuid::Uuid::new_v4().simple());
        let mut connection = PgConnection::connect(&server).await.expect("the server answers");
        let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::raw_sql(create).execute(&mut connection).await.expect("the test user may create databases");
        Some(Self { place: Place::Postgres { server, name }, spec: spec() })
    }

    /// `None`, loudly, when there is no server. The store makes the database.
    pub async fn mysql() -> Option<Self> {
        let server = server_url("MYSQL_URL")?;
        say("MATRIX suite=sink-store backend=none database=mysql");
        let name = format!("kit_{}", uuid::Uuid::new_v4().simple());
        Some(Self { place: Place::Mysql { server, name }, spec: spec() })
    }

    /// Refuses what the migration's condition refuses elsewhere.
    pub fn memory() -> Self {
        let refuses = |_: &Table, row: &[Value]| row.contains(&Value::from("refused"));
        let observer = Process::observer(&World::calm(0));
        Self { place: Place::Memory(MemoryStore::new(observer, refuses)), spec: spec() }
    }

    /// Where it is; the one in memory is nowhere.
    pub fn address(&self) -> DbAddress {
        let at = |server: &str, name: &str| {
            let (start, _) = server.rsplit_once('/').expect("a URL of a database");
            format!("{start}/{name}")
        };
        match &self.place {
            Place::Sqlite(dir) => DbAddress::Sqlite { dir: dir.path().to_path_buf() },
            Place::Postgres { server, name } => DbAddress::Postgres { url: at(server, name) },
            Place::Mysql { server, name } => DbAddress::Mysql { url: at(server, name) },
            Place::Memory(_) => unreachable!("it is opened by the fixture"),
        }
    }

    /// The name of the sink's database on MySQL.
    pub fn mysql_database(&self) -> String {
        let Place::Mysql { name, .. } = &self.place else { unreachable!("asked of one on MySQL") };
        format!("{name}_{}", self.spec.name)
    }

    /// Opens it as another process would.
    pub async fn open(&self) -> Box<dyn Store> {
        self.try_open().await.expect("the database opens")
    }

    pub async fn try_open(&self) -> Result<Box<dyn Store>, StoreError> {
        match &self.place {
            Place::Memory(store) => Ok(Box::new(in_process(store).0)),
            _ => open(&self.address(), &self.spec).await,
        }
    }

    /// Opens it as another process would; in memory also answers with that process, which can be stopped.
    pub async fn open_in_process(&self) -> (Box<dyn Store>, Option<Process>) {
        let Place::Memory(store) = &self.place else { return (self.open().await, None) };
        let (store, process) = in_process(store);
        (Box::new(store), Some(process))
    }

    pub async fn end(self) {
        let dropped = match &self.place {
            Place::Postgres { server, name } => {
                let mut connection = PgConnection::connect(server).await.expect("the server answers");
                let drop = AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"));
                sqlx::raw_sql(drop).execute(&mut connection).await.map(|_| ())
            }
            Place::Mysql { server, .. } => {
                let mut connection = MySqlConnection::connect(server).await.expect("the server answers");
                let drop = AssertSqlSafe(format!("DROP DATABASE IF EXISTS {}", self.mysql_database()));
                sqlx::raw_sql(drop).execute(&mut connection).await.map(|_| ())
            }
            Place::Sqlite(_) | Place::Memory(_) => Ok(()),
        };
        dropped.expect("the database goes");
    }
}

/// The store as a process of its own sees it.
fn in_process(store: &MemoryStore) -> (MemoryStore, Process) {
    let process = Process::start(&World::calm(1));
    (store.for_process(process.clone()), process)
}

#[expect(clippy::disallowed_methods, reason = "tests are told by variables where their services are")]
fn server_url(variable: &str) -> Option<String> {
    let url = std::env::var(variable).ok().filter(|url| !url.is_empty());
    if url.is_none() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{variable} is not set, and CI allows no skip");
        say(&format!("SKIPPED the store's contract on a server: {variable} is not set"));
    }
    url
}

/// In one write to the stream itself: the test harness captures only what the print macros print.
fn say(line: &str) {
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
}
