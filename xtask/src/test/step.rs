//! The steps: their commands, their budgets, and running one with its output passed on as it comes.

use std::{
    io::{self, BufRead, BufReader, PipeReader, Write},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use anyhow::{Context, Result};
use clap::ValueEnum;

use super::notes::Notes;
use crate::{
    env,
    run::{self, Job},
};

/// One step, in the order in which they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Step {
    /// The code is formatted
    Fmt,
    /// The generated types are those of the schemas
    Codegen,
    /// No warnings
    Clippy,
    /// The documentation builds without warnings
    Docs,
    /// Binaries and tests compile
    Build,
    /// All tests pass
    Tests,
    /// The Python package is formatted, typed and tested, and its wheel builds
    Python,
    /// Nothing is lost while brokers, members and the database are killed and stopped
    Faults,
    /// Outboxes lose and double nothing while their relays are killed and the broker is away
    OutboxFaults,
}

/// Long enough for each kind of fault to strike several times.
const FAULTS_MINUTES: &str = "5";

impl Step {
    /// As `--only` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fmt => "fmt",
            Self::Codegen => "codegen",
            Self::Clippy => "clippy",
            Self::Docs => "docs",
            Self::Build => "build",
            Self::Tests => "tests",
            Self::Python => "python",
            Self::Faults => "faults",
            Self::OutboxFaults => "outbox-faults",
        }
    }

    /// How long it may take on two cores when nothing is built yet. The steps that compile share most of the work, so
    /// the first of them has the largest part.
    pub fn budget(self) -> Duration {
        Duration::from_secs(match self {
            Self::Fmt | Self::Codegen => 60,
            Self::Clippy => 9 * 60,
            Self::Docs => 3 * 60,
            Self::Build => 9 * 60,
            Self::Python => 2 * 60,
            Self::Tests => 10 * 60,
            Self::Faults => 7 * 60,
            Self::OutboxFaults => 3 * 60,
        })
    }

    /// When a step is ended because it hangs: in CI at twice its budget, at which it has failed anyway.
    pub fn limit(self, ci: bool) -> Duration {
        self.budget() * if ci { 2 } else { 6 }
    }

    /// Whether it builds the C libraries.
    pub fn compiles(self) -> bool {
        !matches!(self, Self::Fmt | Self::Codegen | Self::Python)
    }

    /// Whether its tests find real services in their environment.
    pub fn uses_services(self) -> bool {
        matches!(self, Self::Tests | Self::Python)
    }

    /// The program to run; `filter` is for tests only.
    pub fn command(self, filter: &[String]) -> Result<Command> {
        let mut command = Command::new(env::cargo());
        match self {
            Self::Fmt => command.args(["fmt", "--all", "--check"]),
            Self::Codegen => {
                command = Command::new(env::this_program()?);
                command.args(["codegen", "--check"])
            }
            Self::Clippy => command.args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
            Self::Docs => command.args(["doc", "--no-deps", "--workspace"]).env("RUSTDOCFLAGS", "-D warnings"),
            // With the tests, so that both have the same features and nothing is compiled twice.
            Self::Build => command.args(["build", "--workspace", "--bins", "--tests"]),
            Self::Python => {
                command = Command::new(env::this_program()?);
                command.arg("python")
            }
            Self::Faults => {
                command = Command::new(env::this_program()?);
                command.args(["faults", "--minutes", FAULTS_MINUTES])
            }
            Self::OutboxFaults => {
                command = Command::new(env::this_program()?);
                command.args(["faults", "outbox", "--short"])
            }
            // With the output of tests that pass: it says which services they ran on, and what was skipped.
            Self::Tests => command.args(["test", "--workspace", "--", "--show-output"]).args(filter),
        };
        Ok(command)
    }
}

/// Runs a program with its output passed on to `out` as it comes, stdout and stderr in their order, and noted. Returns
/// whether it succeeded; at `limit` it is ended.
pub fn stream(
    mut command: Command,
    limit: Duration,
    notes: &mut Notes,
    out: impl Write + Send + 'static,
) -> Result<bool> {
    let what = command.get_program().to_string_lossy().into_owned();
    let (reader, writer) = io::pipe()?;
    let spawned = command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer).spawn();
    let mut child = spawned.with_context(|| what.clone())?;
    // It holds the pipe's other end: the output would never end.
    drop(command);

    let shared = Arc::new(Mutex::new(std::mem::take(notes)));
    let copier = thread::spawn({
        let shared = Arc::clone(&shared);
        move || pass_on(reader, &shared, out)
    });
    let ended = Job::new().wait(&what, limit, || Ok(child.try_wait()?));
    if ended.is_err() {
        run::end_tree(&mut child);
    }
    // A program that a test left behind may hold the pipe open: that must not hang the run.
    let drained = Job::new().wait("the output", Duration::from_secs(10), || Ok(copier.is_finished().then_some(())));
    if drained.is_err() {
        eprintln!("warning: a process that was started here still runs, and holds the output open");
    }
    *notes = std::mem::take(&mut *shared.lock().expect("noting does not panic"));
    Ok(ended?.success())
}

fn pass_on(pipe: PipeReader, notes: &Mutex<Notes>, mut out: impl Write) {
    let mut reader = BufReader::new(pipe);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
        let shown = notes.lock().expect("noting does not panic").note(String::from_utf8_lossy(&line).trim_end());
        if shown {
            // When nobody reads our output any more, the steps still run to their end.
            let _ = out.write_all(&line).and_then(|()| out.flush());
        }
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_steps_together_stay_within_45_minutes() {
        let total: Duration = Step::value_variants().iter().map(|step| step.budget()).sum();
        assert!(total <= Duration::from_mins(45), "{total:?}");
    }

    #[test]
    fn output_of_both_streams_is_noted_and_failure_told() {
        let mut notes = Notes::default();
        let mut command = Command::new("sh");
        command.args(["-c", "echo SKIPPED one; echo SKIPPED two >&2; read line || exit 3"]);
        assert!(!stream(command, Duration::from_secs(10), &mut notes, io::sink()).unwrap());
        assert_eq!(notes.skipped().len(), 2);
    }

    #[test]
    fn a_step_that_hangs_is_ended_with_what_it_started() {
        let began = std::time::Instant::now();
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 61 & sleep 62; true"]);
        assert!(stream(command, Duration::from_millis(200), &mut Notes::default(), io::sink()).is_err());
        assert!(began.elapsed() < Duration::from_secs(5), "the sleeping processes held the output open");
    }
}
