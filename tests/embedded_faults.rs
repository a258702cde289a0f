//! The faults of the simulations in real processes, shortly: several sinks and emitters on one embedded bus and one SQLite
//! file, killed, stopped past their session and left without room; then the audit. Not repeatable; the seed repeats the
//! choices.

#[path = "faults/emitter.rs"]
mod emitter;
#[path = "faults/members.rs"]
mod members;

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use coursebus_tests::{Line, matrix, say, seed};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};

use self::{emitter::Emitter, members::Members};

const MEMBERS: usize = 3;
/// Each kind of fault at least twice; the last ones are left out on a slow machine.
const DECK: [Kind; 7] =
    [Kind::Killed, Kind::Stopped, Kind::Full, Kind::Killed, Kind::Stopped, Kind::Full, Kind::Killed];
const STORM: Duration = Duration::from_secs(35);
/// Past the session of 6 s.
const STOPPED: Duration = Duration::from_millis(7_500);
/// No room for anything that is not there already.
const FULL_BYTES: u64 = 4_096;

#[derive(Debug, Clone, Copy)]
enum Kind {
    Killed,
    Stopped,
    Full,
}

#[test]
fn embedded_faults() {
    matrix("faults", "embedded", "sqlite");
    let (line, seed) = (Line::embedded(), seed());
    let mut random = StdRng::seed_from_u64(seed);
    line.cli().run(["apply"]).ok();
    let db = format!("sqlite:{}", line.cli().dir().join("tables").display());
    let emitters = [Emitter::licenses(&line), Emitter::plans(&line)];
    let mut members = Members::start(&line, &db, MEMBERS);
    let mut deck = DECK.to_vec();
    deck.shuffle(&mut random);
    let (began, mut hits) = (Instant::now(), BTreeMap::new());
    for kind in deck {
        if began.elapsed() > STORM {
            break;
        }
        // Not a wait for something: the line is at work meanwhile.
        thread::sleep(Duration::from_millis(random.random_range(0..1_500)));
        let at = random.random_range(0..MEMBERS);
        *hits.entry(format!("{kind:?}")).or_insert(0) += 1;
        strike(&mut members, at, kind);
        members.start_again_who_gave_up();
    }
    let confirmed: Vec<_> = emitters.into_iter().flat_map(Emitter::finish).collect();
    members.end();
    say(&format!(
        "FAULTS embedded, sqlite: {hits:?}, {} gave up, {} events, seed {seed}",
        members.gave_up(),
        confirmed.len()
    ));
    let run =
        ["sink", "run", "license_manager", "--audit", "--session-timeout", "6s", "--until-caught-up", "--db", &db];
    line.cli().run([&run[..], &["--timeout", "60s"]].concat()).ok();
    assert_eq!(emitter::missing(&line, &confirmed), 0, "events that were confirmed are not on the bus; seed {seed}");
    let audit = line.cli().run(["sink", "audit", "license_manager", "--db", &db, "-o", "json"]).ok().json();
    let report = &audit[0];
    for wrong in ["lost", "duplicated", "out_of_order", "held"] {
        assert_eq!(report[wrong], 0, "seed {seed}: {report}");
    }
    assert!(report["expected"].as_u64() >= Some(confirmed.len() as u64), "{report}");
}

fn strike(members: &mut Members, at: usize, kind: Kind) {
    match kind {
        Kind::Killed => members.kill(at),
        Kind::Stopped => {
            members.pause(at);
            thread::sleep(STOPPED);
            members.resume(at);
        }
        Kind::Full => {
            members.limit_file_size(at, Some(FULL_BYTES));
            thread::sleep(Duration::from_secs(2));
            members.limit_file_size(at, None);
        }
    }
}
