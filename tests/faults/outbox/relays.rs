//! The relays of one outbox: two run, and one of them is killed again and again.

use std::{
    thread,
    time::{Duration, Instant},
};

use coursebus_tests::{Background, Cli, OutboxDb, say};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::runtime::Runtime;

/// How long a relay may need to publish while its deletes are held up.
const PUBLISH_WAIT: Duration = Duration::from_secs(4);

pub struct Relays {
    cli: Cli,
    db: String,
    /// The first has been there longer: it is the active one unless it has failed.
    two: Vec<Background>,
    random: StdRng,
    pub between: u32,
}

impl Relays {
    pub fn start(cli: &Cli, db: &str, seed: u64) -> Self {
        let two = (0..2).map(|_| run(cli, db)).collect();
        let random = StdRng::seed_from_u64(seed);
        Self { cli: cli.another(), db: db.to_owned(), two, random, between: 0 }
    }

    /// Kills the active relay with -9, at any moment or between publishing and deleting, and starts another one.
    pub fn kill_one(&mut self, runtime: &Runtime, db: &OutboxDb) {
        let pause = Duration::from_millis(self.random.random_range(500..3_500));
        thread::sleep(pause);
        let is_aimed = self.random.random_range(0..2) == 0 && self.hold_deletes(runtime, db);
        if !is_aimed {
            self.kill_active();
        }
        let other = run(&self.cli, &self.db);
        self.two.push(other);
    }

    fn kill_active(&mut self) {
        let active = self.active();
        self.two.remove(active).kill();
    }

    /// Which of the two has the lease, as the database says.
    fn active(&mut self) -> usize {
        let status = self.cli.run(["outbox", "status", "--db", &self.db, "-o", "json"]).ok();
        let holder = status.json()["relay"].as_str().unwrap_or_default().to_owned();
        self.two.iter().position(|relay| holder.ends_with(&format!(" {}", relay.pid()))).unwrap_or(0)
    }

    /// Locks the rows that are there, so that what the relay publishes it cannot delete; kills it when it has published.
    fn hold_deletes(&mut self, runtime: &Runtime, db: &OutboxDb) -> bool {
        let active = self.active();
        let before = self.receipts();
        let mut connection = runtime.block_on(db.connect());
        let lock = match db {
            OutboxDb::Sqlite(_) => "BEGIN IMMEDIATE",
            OutboxDb::Postgres(_) => "BEGIN; SELECT id FROM coursebus_outbox FOR UPDATE",
            // Without the gaps between the rows, which writers need.
            OutboxDb::MySql(_) => {
                "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; BEGIN; SELECT id FROM coursebus_outbox FOR UPDATE"
            }
        };
        runtime.block_on(connection.execute(lock)).expect("rows can be locked");
        let until = Instant::now() + PUBLISH_WAIT;
        let mut published = false;
        while !published && Instant::now() < until {
            published = before.is_some() && self.receipts() > before;
        }
        self.two.remove(active).kill();
        runtime.block_on(connection.execute("ROLLBACK")).expect("the lock goes");
        self.between += u32::from(published);
        true
    }

    /// Where the relay's own topic ends.
    fn receipts(&self) -> Option<i64> {
        let status = self.cli.run(["outbox", "status", "--db", &self.db, "-o", "json"]).ok();
        let identity = status.json()["identity"].as_str()?.to_owned();
        let topics = self.cli.run(["topic", "list", "-o", "json"]);
        let topics = topics.json();
        let own = topics.as_array()?.iter().find_map(|topic| {
            let name = topic["topic"].as_str()?;
            name.ends_with(&identity).then(|| name.to_owned())
        })?;
        let topic = self.cli.run(["topic", "describe", &own, "-o", "json"]);
        topic.json()["partitions"][0]["latest"].as_i64()
    }

    /// Lets them finish.
    pub fn until_empty(&mut self, limit: Duration) {
        for relay in &self.two {
            relay.interrupt();
        }
        for relay in self.two.drain(..) {
            let ended = relay.end_within(Duration::from_secs(60));
            if !ended.stderr().is_empty() {
                say(&format!("faults: a relay said: {}", ended.stderr().lines().next().unwrap_or_default()));
            }
        }
        let limit = format!("{}s", limit.as_secs());
        self.cli.run(["relay", "run", "--db", &self.db, "--until-empty", "--timeout", &limit]).ok();
    }
}

fn run(cli: &Cli, db: &str) -> Background {
    cli.start(["relay", "run", "--db", db, "--lease", "1s", "--batch-rows", "500"])
}
