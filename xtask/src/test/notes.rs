//! What the tests' output tells: which suites ran on which services, how long each took, what was skipped.

use std::{collections::BTreeSet, time::Duration};

/// Suites (test binaries) that may take longer than the others, with their budgets.
const BUDGETS: &[(&str, Duration)] = &[("kafka", Duration::from_secs(180)), ("system", Duration::from_secs(420))];
/// The budget of every other suite.
const BUDGET: Duration = Duration::from_secs(90);

/// How long the suite of this name may take.
pub fn budget(suite: &str) -> Duration {
    BUDGETS.iter().find(|(name, _)| *name == suite).map_or(BUDGET, |(_, budget)| *budget)
}

/// One test binary, or the examples in one crate's documentation.
#[derive(Debug, PartialEq, Eq)]
pub struct Suite {
    /// The binary's name.
    pub name: String,
    /// As the test harness measured it.
    pub took: Duration,
}

/// A line `MATRIX suite=… backend=… database=…`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ran {
    /// What was tested.
    pub suite: String,
    /// `embedded` or `kafka`.
    pub backend: String,
    /// `sqlite`, `postgres`, `mysql` or `none`.
    pub database: String,
}

/// Notes on one run, taken line by line.
#[derive(Debug, Default)]
pub struct Notes {
    running: String,
    in_successes: bool,
    suites: Vec<Suite>,
    matrix: BTreeSet<Ran>,
    skipped: BTreeSet<String>,
}

impl Notes {
    /// Suites that have ended.
    pub fn suites(&self) -> &[Suite] {
        &self.suites
    }

    /// What ran where.
    pub fn matrix(&self) -> &BTreeSet<Ran> {
        &self.matrix
    }

    /// The lines that tests printed when they could not run.
    pub fn skipped(&self) -> &BTreeSet<String> {
        &self.skipped
    }

    /// Notes a line of output, and returns whether it is worth showing: what tests that pass have printed is not.
    pub fn note(&mut self, line: &str) -> bool {
        let plain = without_colours(line);
        // A test harness with one thread has written `test NAME ... ` before.
        let text = plain.rsplit_once(" ... ").map_or(plain.as_str(), |(_, text)| text);
        if text.starts_with("SKIPPED") {
            return self.skipped.insert(text.to_owned());
        }
        if let Some(ran) = matrix_line(text) {
            self.matrix.insert(ran);
            return !self.in_successes;
        }
        match plain.as_str() {
            "successes:" => self.in_successes = true,
            "failures:" => self.in_successes = false,
            line if line.starts_with("test result:") => {
                self.in_successes = false;
                self.suites.extend(finished_in(line).map(|took| Suite { name: self.running.clone(), took }));
            }
            line => self.running = suite_begins(line).unwrap_or_else(|| std::mem::take(&mut self.running)),
        }
        !self.in_successes
    }
}

/// `Running unittests src/lib.rs (target/debug/deps/NAME-HASH)` or `Doc-tests NAME`, as cargo announces a suite.
fn suite_begins(line: &str) -> Option<String> {
    let line = line.trim_start();
    if let Some(name) = line.strip_prefix("Doc-tests ") {
        return Some(format!("{name} (examples in documentation)"));
    }
    let path = line.strip_prefix("Running ")?.rsplit_once('(')?.1.strip_suffix(')')?;
    let file = path.rsplit('/').next()?;
    Some(file.rsplit_once('-').map_or(file, |(name, _)| name).to_owned())
}

/// `test result: ok. …; finished in 1.25s`.
fn finished_in(line: &str) -> Option<Duration> {
    let seconds = line.rsplit_once("finished in ")?.1.strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

fn matrix_line(text: &str) -> Option<Ran> {
    let mut ran = Ran { suite: String::new(), backend: String::new(), database: String::new() };
    for pair in text.strip_prefix("MATRIX ")?.split_whitespace() {
        let (name, value) = pair.split_once('=')?;
        match name {
            "suite" => ran.suite = value.to_owned(),
            "backend" => ran.backend = value.to_owned(),
            "database" => ran.database = value.to_owned(),
            _ => return None,
        }
    }
    Some(ran)
}

/// Without terminal colour codes: `ESC [ … m`.
fn without_colours(line: &str) -> String {
    let mut parts = line.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').map_or(part, |(_, rest)| rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "   Compiling coursebus-transport v0.1.0
     Running unittests src/lib.rs (target/debug/deps/coursebus_transport-0a1b2c3d)
running 2 tests
test a ... SKIPPED kafka: no KAFKA_BOOTSTRAP
test b ... ok

successes:

---- b stdout ----
chatter
MATRIX suite=conformance backend=embedded database=none

successes:
    b

test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.25s

\u{1b}[1m\u{1b}[92m   Doc-tests\u{1b}[0m coursebus_schemas
test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";

    #[test]
    fn a_run_is_noted_and_chatter_hidden() {
        let mut notes = Notes::default();
        let shown: Vec<&str> = OUTPUT.lines().filter(|line| notes.note(line)).collect();
        let suites = notes.suites().iter().map(|suite| (suite.name.as_str(), suite.took.as_millis()));
        let expected = [("coursebus_transport", 1250), ("coursebus_schemas (examples in documentation)", 0)];
        assert!(suites.eq(expected), "{:?}", notes.suites());
        let ran = Ran { suite: "conformance".into(), backend: "embedded".into(), database: "none".into() };
        assert!(notes.matrix().iter().eq([&ran]));
        assert!(notes.skipped().iter().eq(["SKIPPED kafka: no KAFKA_BOOTSTRAP"]));
        assert!(shown.contains(&"test b ... ok") && !shown.contains(&"chatter"));
        assert_eq!(shown.iter().filter(|line| line.starts_with("test result")).count(), 2);
    }

    #[test]
    fn failures_are_shown_after_successes() {
        let mut notes = Notes::default();
        let lines = ["successes:", "hidden", "failures:", "---- a stdout ----", "why"];
        let shown: Vec<&str> = lines.into_iter().filter(|line| notes.note(line)).collect();
        assert_eq!(shown, ["failures:", "---- a stdout ----", "why"]);
    }

    #[test]
    fn a_line_that_only_looks_like_one_is_no_matrix() {
        for text in ["MATRIX", "MATRIX suite", "MATRIX colour=red", "a MATRIX suite=x"] {
            assert_eq!(matrix_line(text), None, "{text}");
        }
    }
}
