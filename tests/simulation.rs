//! Simulations: the engine with sinks, handlers and pipes on a log and a database in memory, with faults by a seed.
//!
//! Time is tokio's paused clock and chance is one seeded generator, so a seed that fails fails again:
//! `COURSEBUS_SIMULATION_SEED=N cargo test -p coursebus-tests --test system simulation`. `COURSEBUS_SIMULATION_SEEDS=N`
//! says how many to try. See docs/adr/0010-simulation.md.

mod cast;
mod crew;
mod handlers;
mod ledger;
mod pipe;
mod script;
mod sink;

use std::{collections::BTreeMap, future::Future, io::Write};

use coursebus_transport::memory::{World, tell};

/// What one seed came to.
struct Outcome {
    hits: BTreeMap<&'static str, u64>,
    /// What was wrong; empty when nothing was.
    wrong: Vec<String>,
}

/// Runs a scenario in a world of its own, in which nothing depends on the machine.
fn play<F: Future<Output = Vec<String>>>(seed: u64, scenario: impl FnOnce(World) -> F) -> Outcome {
    // In a runtime of its own, once.
    cast::cast();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let world = World::calm(seed);
        let wrong = scenario(world.clone()).await;
        Outcome { hits: world.hits(), wrong }
    })
}

/// Plays seeds until `count` of them had faults, and tells how often each fault struck.
fn play_many<F: Future<Output = Vec<String>>>(name: &str, count: u64, scenario: impl Fn(World) -> F) {
    let mut total: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut counted = 0;
    for seed in seeds(count) {
        let outcome = play(seed, &scenario);
        assert!(
            outcome.wrong.is_empty(),
            "{name}, seed {seed}: {}\nfaults: {}\nagain: COURSEBUS_SIMULATION_SEED={seed} cargo test -p coursebus-tests \
             --test system {name}",
            outcome.wrong.join("\n"),
            tell(&outcome.hits)
        );
        counted += u64::from(outcome.hits.values().any(|hits| *hits > 0));
        for (fault, hits) in outcome.hits {
            *total.entry(fault).or_default() += hits;
        }
    }
    say(&format!("SIMULATION {name}: {counted} seeds with faults: {}", tell(&total)));
    assert!(counted > 0, "no fault struck in any seed");
}

/// Plays a seed twice: what happens in it, to the last draw and the last moment, is the same.
fn check_repeats<F: Future<Output = Vec<String>>>(scenario: impl Fn(World) -> F) {
    let [one, two] = [(); 2].map(|()| {
        play(7, |world| {
            let scenario = scenario(world.clone());
            async move {
                let wrong = scenario.await;
                let end = format!("{} draws next {}", world.now_ms(), world.below(u64::MAX));
                [wrong, vec![end]].concat()
            }
        })
    });
    assert_eq!((one.wrong, one.hits), (two.wrong, two.hits), "a seed repeats itself");
}

#[expect(clippy::disallowed_methods, reason = "a test is told by a variable which seed to repeat")]
fn seeds(count: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("COURSEBUS_SIMULATION_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("COURSEBUS_SIMULATION_SEEDS").unwrap_or(count),
    }
}

/// In one write to the stream itself: the test harness captures only what the print macros print.
fn say(line: &str) {
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
}
