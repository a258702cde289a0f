//! The relays of one outbox: two run, and one of them is killed again and again.

use std::{
    fmt, fs, thread,
    time::{Duration, Instant},
};

use coursebus_tests::{Background, Cli, OutboxDb, say};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::outage::Outage;

/// How long a relay may need to publish while its deletes are held up.
const PUBLISH_WAIT: Duration = Duration::from_secs(4);
/// Between two looks at what waits, and at the memory of the relays.
const LOOK: Duration = Duration::from_millis(250);

/// How often each fault struck.
#[derive(Debug, Default, Clone, Copy)]
pub struct Kills {
    any_moment: u32,
    /// After something was published, with the rows locked against deletion.
    between: u32,
    while_broker_away: u32,
}

impl fmt::Display for Kills {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { any_moment, between, while_broker_away } = self;
        write!(
            f,
            "killed {} times ({between} with rows locked that it had published or was about to, {while_broker_away} while the broker was away, \
             {any_moment} at another moment)",
            any_moment + between + while_broker_away
        )
    }
}

pub struct Relays {
    cli: Cli,
    db: String,
    /// The first has been there longer: it is the active one unless it has failed.
    two: Vec<Background>,
    random: StdRng,
    pub kills: Kills,
    /// The most resident memory that one of them had, in KiB.
    pub memory_kib: u64,
}

impl Relays {
    pub fn start(cli: &Cli, db: &str, seed: u64) -> Self {
        let two = (0..2).map(|_| run(cli, db)).collect();
        let random = StdRng::seed_from_u64(seed);
        Self { cli: cli.another(), db: db.to_owned(), two, random, kills: Kills::default(), memory_kib: 0 }
    }

    /// Kills the active relay with -9, at any moment or between publishing and deleting, and starts another one.
    pub fn kill_one(&mut self, runtime: &Runtime, db: &OutboxDb, broker: &Outage) {
        thread::sleep(Duration::from_millis(self.random.random_range(500..3_500)));
        self.weigh();
        let is_aimed = self.kills.between == 0 || self.random.random_range(0..2) == 0;
        if broker.is_away() {
            self.kill_active();
            self.kills.while_broker_away += 1;
        } else if is_aimed && self.kill_before_it_deletes(runtime, db) {
            self.kills.between += 1;
        } else {
            if !is_aimed {
                self.kill_active();
            }
            self.kills.any_moment += 1;
        }
        let other = run(&self.cli, &self.db);
        self.two.push(other);
    }

    fn kill_active(&mut self) {
        let active = self.active(&self.status());
        self.two.remove(active).kill();
    }

    fn status(&self) -> Value {
        self.cli.run(["outbox", "status", "--db", &self.db, "-o", "json"]).ok().json()
    }

    /// Which of the two has the lease, as the database says.
    fn active(&self, status: &Value) -> usize {
        let holder = status["relay"].as_str().unwrap_or_default();
        self.two.iter().position(|relay| holder.ends_with(&format!(" {}", relay.pid()))).unwrap_or(0)
    }

    /// Locks the rows that are there, so that what the relay publishes it cannot delete; kills it when it has published. Whether
    /// something was published about then, and no batch was deleted from the lock to the kill.
    fn kill_before_it_deletes(&mut self, runtime: &Runtime, db: &OutboxDb) -> bool {
        let topic = self.own_topic();
        let before = topic.as_deref().and_then(|topic| self.end_of(topic));
        let mut connection = runtime.block_on(db.connect());
        let lock = match db {
            OutboxDb::Sqlite(_) => "BEGIN IMMEDIATE",
            // Rows of open transactions are passed over: the relay does not see them either.
            _ => "BEGIN; SELECT id FROM coursebus_outbox FOR UPDATE SKIP LOCKED",
        };
        runtime.block_on(connection.execute(lock)).expect("rows can be locked");
        let deleted = self.status()["batches"].clone();
        let active = self.active(&self.status());
        let until = Instant::now() + PUBLISH_WAIT;
        let mut published = false;
        while !published && before.is_some() && Instant::now() < until {
            published = topic.as_deref().and_then(|topic| self.end_of(topic)) > before;
        }
        self.two.remove(active).kill();
        let is_between = published && self.status()["batches"] == deleted;
        runtime.block_on(connection.execute("ROLLBACK")).expect("the lock goes");
        is_between
    }

    /// The relay's own topic, once there is one and the broker says so.
    fn own_topic(&self) -> Option<String> {
        let status = self.status();
        let identity = status["identity"].as_str()?;
        let topics: Value = serde_json::from_str(self.cli.run(["topic", "list", "-o", "json"]).stdout()).ok()?;
        let mut names = topics.as_array()?.iter().filter_map(|topic| topic["topic"].as_str());
        names.find(|name| name.ends_with(identity)).map(str::to_owned)
    }

    /// Where a topic ends: it grows with each batch that is published. `None` while the broker is away.
    fn end_of(&self, topic: &str) -> Option<i64> {
        let told = self.cli.run(["topic", "describe", topic, "-o", "json"]);
        let told: Value = serde_json::from_str(told.stdout()).ok()?;
        told["partitions"][0]["latest"].as_i64()
    }

    /// Looks on until the broker is there again.
    pub fn ride_out(&mut self, broker: &Outage) {
        while !broker.is_over() {
            self.weigh();
            thread::sleep(LOOK);
        }
    }

    /// Waits until the relays that run have published everything; then they end. Says how long it took.
    pub fn until_empty(&mut self, limit: Duration) -> Duration {
        let began = Instant::now();
        while self.status()["waiting"] != 0 {
            assert!(began.elapsed() < limit, "rows are left after {limit:?}: {}", self.status());
            self.weigh();
            thread::sleep(LOOK);
        }
        let took = began.elapsed();
        for relay in &self.two {
            relay.interrupt();
        }
        for relay in self.two.drain(..) {
            let ended = relay.end_within(Duration::from_secs(60));
            if let Some(said) = ended.stderr().lines().next() {
                say(&format!("faults: a relay said: {said}"));
            }
        }
        took
    }

    /// Notes the memory of the relays.
    fn weigh(&mut self) {
        for relay in &self.two {
            let status = fs::read_to_string(format!("/proc/{}/status", relay.pid())).unwrap_or_default();
            let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
            let kib = resident.and_then(|text| text.trim().trim_end_matches(" kB").parse().ok());
            self.memory_kib = self.memory_kib.max(kib.unwrap_or(0));
        }
    }
}

fn run(cli: &Cli, db: &str) -> Background {
    cli.start(["relay", "run", "--db", db, "--lease", "1s", "--batch-rows", "500"])
}
