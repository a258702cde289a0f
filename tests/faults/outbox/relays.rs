//! The relays of one outbox: two run, and one of them is killed again and again.

use std::{
    fmt, fs, thread,
    time::{Duration, Instant},
};

use coursebus_tests::{Background, Cli, OutboxDb};
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
    /// With the rows locked against deletion, and something published about then.
    aimed: u32,
    while_broker_away: u32,
    /// How often a relay began by deleting rows of a batch that was on the log already: what was before it ended between
    /// publishing and deleting.
    between: u32,
}

impl fmt::Display for Kills {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { any_moment, aimed, while_broker_away, between } = self;
        write!(
            f,
            "killed {} times ({aimed} with the rows locked, {while_broker_away} while the broker was away, {any_moment} at another \
             moment), {between} times between publishing and deleting",
            any_moment + aimed + while_broker_away
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
    /// What those that ended had said.
    pub said: Vec<String>,
    /// The most resident memory that one of them had, in KiB.
    pub memory_kib: u64,
}

impl Relays {
    pub fn start(cli: &Cli, db: &str, seed: u64) -> Self {
        let cli = cli.another().env("COURSEBUS_LOG", "warn,coursebus_producer=info");
        let two = (0..2).map(|_| run(&cli, db)).collect();
        let random = StdRng::seed_from_u64(seed);
        Self { cli, db: db.to_owned(), two, random, kills: Kills::default(), said: Vec::new(), memory_kib: 0 }
    }

    /// Kills the active relay with -9, at any moment or between publishing and deleting, and starts another one.
    pub fn kill_one(&mut self, runtime: &Runtime, db: &OutboxDb, broker: &Outage) {
        thread::sleep(Duration::from_millis(self.random.random_range(500..3_500)));
        self.weigh();
        let is_aimed = self.kills.aimed == 0 || self.random.random_range(0..2) == 0;
        if broker.is_away() {
            self.kill_active();
            self.kills.while_broker_away += 1;
        } else if is_aimed && self.kill_before_it_deletes(runtime, db) {
            self.kills.aimed += 1;
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
        self.kill(active);
    }

    fn kill(&mut self, at: usize) {
        let relay = self.two.remove(at);
        let pid = relay.pid();
        self.heard(pid, relay.kill().stderr());
    }

    /// Keeps what a relay said, and counts where it had to delete what was on the log already.
    fn heard(&mut self, pid: u32, said: &str) {
        let deleted =
            said.lines().filter(|line| line.contains("settled the last batch") && !line.contains("deleted=0"));
        self.kills.between += deleted.count() as u32;
        self.said.extend(said.lines().map(|line| format!("{pid}: {line}")));
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
        self.kill(active);
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
        for relay in std::mem::take(&mut self.two) {
            let pid = relay.pid();
            let ended = relay.end_within(Duration::from_secs(60));
            self.heard(pid, ended.stderr());
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
