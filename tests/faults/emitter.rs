//! Emits events at a pace, again until each is confirmed, and remembers which were.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use coursebus_tests::{Line, say};

/// Events of one run of the command, and how long it should take.
const CHUNK: usize = 300;
const PACE: Duration = Duration::from_secs(2);
/// Keys of the events, each many times.
const KEYS: usize = 500;

/// An event that the emitter was told is on the log: topic, partition, offset, id.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Confirmed(String, i64, i64, String);

/// A thread that runs `event emit` again and again.
pub struct Emitter {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Confirmed>>,
}

impl Emitter {
    pub fn licenses(line: &Line) -> Self {
        Self::start(line, "coursebus.subscription.license.renewed.v1", |number| {
            let (key, user) = (number % KEYS, number % 97);
            format!(
                r#"{{"license":{{"license_uuid":"license-{key}","plan_uuid":"p","user_id":{user},"status":"activated","expires":"2027-01-01T00:00:00Z"}}}}"#
            )
        })
    }

    pub fn plans(line: &Line) -> Self {
        Self::start(line, "coursebus.subscription.plan.created.v1", |number| {
            let key = number % KEYS;
            format!(
                r#"{{"plan":{{"plan_uuid":"plan-{key}","title":"{number}","starts":"2026-01-01T00:00:00Z","expires":"2027-01-01T00:00:00Z"}}}}"#
            )
        })
    }

    fn start(line: &Line, event_type: &'static str, data: impl Fn(usize) -> String + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (cli, stopped) = (line.another_cli().limit(Duration::from_secs(180)), stop.clone());
        let thread = thread::spawn(move || {
            let (mut confirmed, mut number) = (Vec::new(), 0);
            while !stopped.load(Ordering::Relaxed) {
                let began = Instant::now();
                let event =
                    |number: usize| (number, format!(r#"{{"id":"{event_type}-{number}","data":{}}}"#, data(number)));
                let mut left: Vec<(usize, String)> = (number..number + CHUNK).map(event).collect();
                number += CHUNK;
                while !left.is_empty() {
                    let input: String = left.iter().flat_map(|(_, line)| [line.as_str(), "\n"]).collect();
                    let output = cli.run_with(["event", "emit", event_type], &input);
                    let told: Vec<Confirmed> = output.stdout().lines().filter_map(read).collect();
                    let ids: HashSet<&str> = told.iter().map(|Confirmed(.., id)| id.as_str()).collect();
                    left.retain(|(number, _)| !ids.contains(format!("{event_type}-{number}").as_str()));
                    if !left.is_empty() {
                        say(&format!("faults: {} events were not confirmed and are emitted again", left.len()));
                        thread::sleep(Duration::from_secs(1));
                    }
                    confirmed.extend(told);
                }
                thread::sleep(PACE.saturating_sub(began.elapsed()));
            }
            confirmed
        });
        Self { stop, thread }
    }

    /// Ends with the chunk that is under way, when all of it is confirmed.
    pub fn finish(self) -> Vec<Confirmed> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the emitter does not panic")
    }
}

fn read(line: &str) -> Option<Confirmed> {
    let told: serde_json::Value = serde_json::from_str(line).ok()?;
    let (topic, id) = (told["topic"].as_str()?, told["id"].as_str()?);
    Some(Confirmed(topic.to_owned(), told["partition"].as_i64()?, told["offset"].as_i64()?, id.to_owned()))
}

/// How many confirmed events are not where the emitter was told that they are.
pub fn missing(line: &Line, confirmed: &[Confirmed]) -> usize {
    let tail = line.cli().run(["event", "tail", "--from", "earliest", "--until-end"]).ok();
    let there: HashSet<Confirmed> = tail.stdout().lines().filter_map(read).collect();
    confirmed.iter().filter(|event| !there.contains(event)).count()
}
