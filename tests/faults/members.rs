//! The members of the sink's group, each a process.

use std::time::Duration;

use coursebus_tests::{Background, Cli, Line, say};

pub struct Members {
    cli: Cli,
    db: String,
    processes: Vec<Background>,
    gave_up: u32,
}

impl Members {
    pub fn start(line: &Line, db: &str, count: usize) -> Self {
        let cli = line.another_cli();
        let processes = (0..count).map(|_| run(&cli, db)).collect();
        Self { cli, db: db.to_owned(), processes, gave_up: 0 }
    }

    /// Kills one and starts another in its place.
    pub fn kill(&mut self, at: usize) {
        let other = run(&self.cli, &self.db);
        std::mem::replace(&mut self.processes[at], other).kill();
    }

    pub fn pause(&mut self, at: usize) {
        if self.processes[at].is_running() {
            self.processes[at].pause();
        }
    }

    pub fn resume(&self, at: usize) {
        self.processes[at].resume();
    }

    /// Files that it writes may not grow past so many bytes; `None` ends that.
    #[allow(dead_code, reason = "each program that has this file uses a part of it")]
    pub fn limit_file_size(&self, at: usize, bytes: Option<u64>) {
        self.processes[at].limit_file_size(bytes);
    }

    /// What an operating system's supervisor does.
    pub fn start_again_who_gave_up(&mut self) {
        for at in 0..self.processes.len() {
            if !self.processes[at].is_running() {
                let ended = std::mem::replace(&mut self.processes[at], run(&self.cli, &self.db));
                self.gave_up += 1;
                let said = ended.stderr();
                let why = said.lines().find(|line| line.starts_with("error[")).unwrap_or("without a word");
                say(&format!("faults: a member gave up: {why}"));
            }
        }
    }

    pub fn gave_up(&self) -> u32 {
        self.gave_up
    }

    /// Asks all to finish.
    pub fn end(&mut self) {
        self.processes.iter().for_each(Background::interrupt);
        for process in self.processes.drain(..) {
            process.end_within(Duration::from_secs(60));
        }
    }
}

fn run(cli: &Cli, db: &str) -> Background {
    cli.start(["sink", "run", "license_manager", "--audit", "--session-timeout", "6s", "--db", db])
}
