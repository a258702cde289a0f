//! What `cargo xtask faults` runs: paced events through eight members into PostgreSQL, while brokers, members and the
//! database are killed and stopped; then the audit, from what the emitters had confirmed to the rows.
#![allow(clippy::unwrap_used, reason = "a test")]

mod emitter;
mod members;
mod outside;

use std::{
    collections::BTreeMap,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use coursebus_tests::{Database, Line, say, seed, strike};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};

use self::{emitter::Emitter, members::Members, outside::Outside};

const BROKERS: u64 = 3;
/// As many as the topics have partitions.
const MEMBERS: usize = 8;
/// The calm between two faults: the cluster is whole again before the next broker goes.
const CALM_MAX: Duration = Duration::from_secs(3);
const CATCH_UP: &str = "240s";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse::<u64>().expect("a number"));
    let minutes = args.next().unwrap_or(5);
    let seed = args.next().unwrap_or_else(seed);
    let (Some(database), Some(line)) = (Database::fresh(), Line::kafka()) else { return ExitCode::FAILURE };
    say(&format!("faults: {minutes} minutes on three brokers, eight members, PostgreSQL; seed {seed}"));
    let emitters = [Emitter::licenses(&line), Emitter::plans(&line)];
    let mut storm = Storm {
        members: Members::start(&line, &database.url(), MEMBERS),
        outside: Outside::new(&database.url()),
        random: StdRng::seed_from_u64(seed),
        hits: BTreeMap::new(),
        deck: Vec::new(),
    };
    storm.outside.slow_down_transactions();
    let until = Instant::now() + Duration::from_secs(60 * minutes);
    while Instant::now() < until {
        storm.strike();
        storm.members.start_again_who_gave_up();
        thread::sleep(storm.time_up_to(CALM_MAX));
    }
    let confirmed: Vec<_> = emitters.into_iter().flat_map(Emitter::finish).collect();
    say(&format!("faults: {} events confirmed; catching up", confirmed.len()));
    storm.members.end();
    judge(&line, &database.url(), &confirmed, &storm)
}

/// Everything confirmed is on the topics, and everything on the topics took effect once, in order.
fn judge(line: &Line, db: &str, confirmed: &[emitter::Confirmed], storm: &Storm) -> ExitCode {
    let cli = line.cli();
    let run =
        ["sink", "run", "license_manager", "--audit", "--session-timeout", "6s", "--until-caught-up", "--timeout"];
    cli.run([&run[..], &[CATCH_UP, "--db", db]].concat()).ok();
    let missing = emitter::missing(line, confirmed);
    let audit = cli.run(["sink", "audit", "license_manager", "--db", db, "-o", "json"]);
    for (fault, hits) in &storm.hits {
        say(&format!("faults: {hits:4} x {fault}"));
    }
    say(&format!("faults: {:4} x a member gave up and was started again", storm.members.gave_up()));
    say(&format!("faults: confirmed and not on the topic: {missing}"));
    print!("{}", audit.stdout());
    let report = &audit.json()[0];
    let is_right = ["lost", "duplicated", "out_of_order", "held"].iter().all(|name| report[*name] == 0);
    if missing == 0 && is_right && report["expected"].as_u64() >= Some(confirmed.len() as u64) {
        return ExitCode::SUCCESS;
    }
    ExitCode::FAILURE
}

struct Storm {
    members: Members,
    outside: Outside,
    random: StdRng,
    hits: BTreeMap<&'static str, u32>,
    deck: Vec<Kind>,
}

impl Storm {
    fn below(&mut self, bound: u64) -> u64 {
        self.random.random_range(0..bound)
    }

    fn time_up_to(&mut self, bound: Duration) -> Duration {
        Duration::from_millis(self.below(bound.as_millis() as u64))
    }

    fn hit(&mut self, fault: &'static str) {
        *self.hits.entry(fault).or_default() += 1;
    }

    /// One fault, and its end where it has one. All kinds come equally often.
    fn strike(&mut self) {
        if self.deck.is_empty() {
            self.deck = KINDS.to_vec();
            self.deck.shuffle(&mut self.random);
        }
        match self.deck.pop() {
            Some(Kind::BrokerKilled) => {
                let broker = self.broker();
                self.hit("a broker was killed");
                strike(&broker, "KILL");
                thread::sleep(Duration::from_secs(1) + self.time_up_to(Duration::from_secs(5)));
                strike(&broker, "START");
                // Two of three must be in sync before another goes.
                thread::sleep(Duration::from_secs(10));
            }
            Some(Kind::BrokerStopped) => {
                let broker = self.broker();
                self.hit("a broker stood still");
                strike(&broker, "STOP");
                thread::sleep(Duration::from_secs(2) + self.time_up_to(Duration::from_secs(8)));
                strike(&broker, "CONT");
                thread::sleep(Duration::from_secs(3));
            }
            Some(Kind::MemberKilled) => self.kill_a_member(),
            Some(Kind::MemberStopped) => self.stop_a_member(),
            Some(Kind::DatabaseRestarted) | None => {
                self.hit("PostgreSQL was restarted");
                let how = if self.below(2) == 0 { "INT" } else { "QUIT" };
                strike("postgres", how);
                thread::sleep(Duration::from_secs(1));
                self.outside.started_again(|| strike("postgres", "START"));
            }
        }
    }

    fn broker(&mut self) -> String {
        format!("kafka node {}", 1 + self.below(BROKERS))
    }

    fn kill_a_member(&mut self) {
        let at = self.stopped_member();
        let inside = self.outside.transaction_idle_for_a_while();
        self.hit(if inside { "a member was killed inside a transaction" } else { "a member was killed" });
        self.members.kill(at);
    }

    /// A member stands still for longer than its session, and then goes on.
    fn stop_a_member(&mut self) {
        let at = self.stopped_member();
        let inside = self.outside.transaction_idle_for_a_while();
        self.hit(if inside { "a member stood still inside a transaction" } else { "a member stood still" });
        thread::sleep(Duration::from_secs(7) + self.time_up_to(Duration::from_secs(6)));
        self.members.resume(at);
    }

    /// Stops a member, for long enough that what it has open on the server shows. Half of the time one that is inside a
    /// transaction, if it comes there soon.
    fn stopped_member(&mut self) -> usize {
        let at = self.below(MEMBERS as u64) as usize;
        let tries = if self.below(2) == 0 { 1 } else { AIM_TRIES };
        for attempt in 1..=tries {
            self.members.pause(at);
            thread::sleep(outside::SHOWS_AFTER);
            if attempt == tries || self.outside.transaction_idle_for_a_while() {
                break;
            }
            self.members.resume(at);
            let pause = self.time_up_to(Duration::from_millis(300));
            thread::sleep(pause);
        }
        at
    }
}

/// What may happen.
#[derive(Clone, Copy)]
enum Kind {
    BrokerKilled,
    BrokerStopped,
    MemberKilled,
    MemberStopped,
    DatabaseRestarted,
}

/// Members more often than what they stand on.
const KINDS: [Kind; 7] = [
    Kind::BrokerKilled,
    Kind::BrokerStopped,
    Kind::MemberKilled,
    Kind::MemberKilled,
    Kind::MemberStopped,
    Kind::MemberStopped,
    Kind::DatabaseRestarted,
];
/// How often a member is stopped to find it inside a transaction.
const AIM_TRIES: u32 = 8;
