//! What `cargo xtask faults outbox` runs: writers with random delays, rollbacks and long transactions on the outbox of each
//! database, while its relays are killed and the broker goes away; then the audit, from what was committed to the log.
#![allow(clippy::unwrap_used, reason = "a test")]

mod audit;
mod outage;
mod relays;
mod writers;

use std::{
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use coursebus_tests::{Cli, Line, OutboxDb, say, seed};

use self::{outage::Outage, relays::Relays, writers::Writers};

/// What is done, and for how long.
#[derive(Clone, Copy)]
pub struct Plan {
    /// How often the relay of each database is killed.
    kills: u64,
    /// Writers of each database.
    writers: u64,
    /// How long the longest transactions stay open.
    hold: Duration,
    /// How long the broker is away.
    outage: Duration,
    seed: u64,
}

/// How long the relays may need for what is left.
const CATCH_UP: Duration = Duration::from_secs(300);
/// SQLite, PostgreSQL, MariaDB.
const DATABASES: usize = 3;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse::<u64>().expect("a number"));
    let mut next = |default| args.next().unwrap_or(default);
    let plan = Plan {
        kills: next(5),
        writers: next(8),
        hold: Duration::from_secs(next(10)),
        outage: Duration::from_secs(next(20)),
        seed: next(seed()),
    };
    say(&format!(
        "faults: {} kills, {} writers, transactions up to {:?}, the broker away for {:?}; seed {}",
        plan.kills, plan.writers, plan.hold, plan.outage, plan.seed
    ));
    let embedded = Line::embedded();
    embedded.cli().run(["apply"]).ok();
    let kafka = Line::kafka();
    let mut scenes = vec![Scene::new(&embedded, OutboxDb::sqlite())];
    if let Some(kafka) = &kafka {
        scenes.extend([OutboxDb::postgres(), OutboxDb::mysql()].into_iter().flatten().map(|db| Scene::new(kafka, db)));
    }
    let outage = kafka.is_some().then(|| Outage::begin(plan.outage));
    let scenes: Vec<_> = scenes
        .into_iter()
        .map(|scene| {
            let broker = outage.as_ref().filter(|_| scene.backend == "kafka");
            let broker = broker.map_or_else(Outage::none, |(outage, _)| outage.clone());
            thread::spawn(move || scene.run(plan, &broker))
        })
        .collect();
    let clean: Vec<bool> = scenes.into_iter().map(|scene| scene.join().unwrap_or(false)).collect();
    outage.map(|(_, striker)| striker.join()).transpose().expect("an outage does not panic");
    if clean == [true; DATABASES] { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One database, and the log that its events go to.
struct Scene {
    db: OutboxDb,
    cli: Cli,
    backend: &'static str,
}

impl Scene {
    fn new(line: &Line, db: OutboxDb) -> Self {
        // An embedded bus lies in the folder of its first command.
        let cli = line.another_cli().limit(Duration::from_secs(300));
        let cli = match line.backend() {
            "embedded" => cli.env("COURSEBUS_BUS", format!("embedded:{}", line.cli().dir().join("bus").display())),
            _ => cli,
        };
        Self { db, cli, backend: line.backend() }
    }

    /// Whether nothing was lost, doubled or out of order.
    fn run(self, plan: Plan, broker: &Outage) -> bool {
        let name = self.db.name();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async { drop(self.db.connect().await) });
        self.cli.run(["outbox", "install", "--db", &self.db.url()]).ok();
        let began = Instant::now();
        let mut relays = Relays::start(&self.cli, &self.db.url(), plan.seed);
        let writers = Writers::start(&runtime, &self.db, plan);
        for _ in 0..plan.kills {
            relays.kill_one(&runtime, &self.db, broker);
        }
        relays.ride_out(broker);
        let (committed, wrote) = runtime.block_on(writers.finish(plan.hold));
        let drained = relays.until_empty(CATCH_UP);
        let report = audit::audit(&self.cli, name, &committed);
        say(&format!(
            "faults: {name} on {}: {report}; {}; {wrote}; what was left drained in {drained:.1?}, a relay had {} MiB at most; \
             {:.0?}",
            self.backend,
            relays.kills,
            relays.memory_kib / 1024,
            began.elapsed()
        ));
        if !report.is_clean() {
            say(&format!("faults: the relays on {name} said:\n{}", relays.said.join("\n")));
        }
        report.is_clean()
    }
}
