//! What a run of the command left: its exit code and both streams.

use serde_json::Value;

/// The end of a run.
#[derive(Debug)]
pub struct Output {
    pub(crate) command: String,
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Output {
    /// Holds that it succeeded.
    #[track_caller]
    pub fn ok(self) -> Self {
        self.code(0)
    }

    /// Holds that it ended with this exit code: 1 failed, 2 usage, 3 findings.
    #[track_caller]
    pub fn code(self, expected: i32) -> Self {
        assert_eq!(self.code, Some(expected), "exit code (None: ended by a signal) of {self}");
        self
    }

    /// Standard output.
    pub fn stdout(&self) -> &str {
        &self.stdout
    }

    /// Standard error.
    pub fn stderr(&self) -> &str {
        &self.stderr
    }

    /// Standard output as one JSON document.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in stdout of {self}"))
    }

    /// Standard output as JSON Lines.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in `{line}` of {self}"));
        self.stdout.lines().map(parse).collect()
    }
}

impl std::fmt::Display for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { command, code, stdout, stderr } = self;
        write!(f, "`{command}`, which ended with {code:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}\n---")
    }
}
