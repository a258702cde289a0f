//! Running the built `coursebus`.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::Duration,
};

use tempfile::TempDir;

use crate::{Background, Output, env};

/// How long a run may take unless the test says otherwise.
const LIMIT: Duration = Duration::from_secs(60);

/// The path of the built command: `COURSEBUS_BIN`, else built once into the folder that these tests were built into.
pub fn coursebus() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| env::get("COURSEBUS_BIN").map_or_else(build, PathBuf::from))
}

fn build() -> PathBuf {
    // TARGET/PROFILE/deps/TEST-HASH
    let test = std::env::current_exe().expect("a test knows its own file");
    let profile = test.ancestors().nth(2).expect("cargo builds tests into PROFILE/deps");
    let mut cargo = Command::new(env::get("CARGO").unwrap_or_else(|| "cargo".to_owned()));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args(["build", "--quiet", "--package", "coursebus-cli"]);
    cargo.arg("--target-dir").arg(profile.parent().expect("PROFILE lies in the target folder"));
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    let status = cargo.status().expect("cargo runs");
    assert!(status.success(), "{cargo:?}: {status}");
    profile.join("coursebus")
}

/// Runs of the command in a folder of their own, with no `COURSEBUS_…` variable but those that the test sets.
///
/// The folder is removed with the value; what runs in the background must end before.
#[derive(Debug)]
pub struct Cli {
    dir: TempDir,
    program: PathBuf,
    variables: Vec<(String, OsString)>,
    limit: Duration,
}

impl Cli {
    /// In a fresh folder.
    #[expect(clippy::new_without_default, reason = "it creates a folder, and builds the command where it is not built")]
    pub fn new() -> Self {
        Self::of(coursebus())
    }

    /// As [`Cli::new`], of another program.
    pub(crate) fn of(program: &Path) -> Self {
        let dir = tempfile::Builder::new().prefix("coursebus-test-").tempdir().expect("a temporary folder");
        Self { dir, program: program.to_path_buf(), variables: Vec::new(), limit: LIMIT }
    }

    /// Another one with the same variables, in a folder of its own.
    #[must_use]
    pub fn another(&self) -> Self {
        Self { variables: self.variables.clone(), ..Self::of(&self.program) }
    }

    /// The folder that the command runs in.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Sets a variable for all further runs.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    /// How long a run may take before it is killed and the test fails; 60 s unless set.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs the command to its end.
    ///
    /// # Panics
    /// When it takes longer than the limit; what it has printed so far is in the message.
    #[track_caller]
    pub fn run<A: Into<OsString>>(&self, args: impl IntoIterator<Item = A>) -> Output {
        self.start(args).end_within(self.limit)
    }

    /// As [`Cli::run`], with this text on standard input.
    ///
    /// # Panics
    /// As [`Cli::run`].
    #[track_caller]
    pub fn run_with<A: Into<OsString>>(&self, args: impl IntoIterator<Item = A>, input: &str) -> Output {
        Background::start(self.command(args), Some(input.to_owned())).end_within(self.limit)
    }

    /// Starts the command in the background; it is killed when the value is dropped.
    #[track_caller]
    pub fn start<A: Into<OsString>>(&self, args: impl IntoIterator<Item = A>) -> Background {
        Background::start(self.command(args), None)
    }

    /// As [`Cli::start`], where no file may grow past `bytes`: a write beyond that fails, as on a full disk.
    /// [`Background::limit_file_size`] changes it.
    #[track_caller]
    pub fn start_with_file_size<A: Into<OsString>>(&self, bytes: u64, args: impl IntoIterator<Item = A>) -> Background {
        let mut limited = Command::new("prlimit");
        let command = self.command(args);
        // The soft limit alone: the process, and who started it, may raise it again.
        limited.arg(format!("--fsize={bytes}:")).arg("--").arg(command.get_program()).args(command.get_args());
        limited.current_dir(self.dir()).envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        for (name, _) in command.get_envs().filter(|(_, value)| value.is_none()) {
            limited.env_remove(name);
        }
        Background::start(limited, None)
    }

    fn command<A: Into<OsString>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(&self.program);
        for name in env::of_coursebus() {
            command.env_remove(name);
        }
        command.current_dir(self.dir()).args(args.into_iter().map(Into::into)).env("NO_COLOR", "1");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell() -> Cli {
        Cli::of(Path::new("sh"))
    }

    #[test]
    fn output_and_exit_code_are_kept_apart() {
        let output = shell().env("ANSWER", "42").run(["-c", "echo $ANSWER; echo oops >&2; exit 3"]).code(3);
        assert_eq!((output.stdout(), output.stderr()), ("42\n", "oops\n"));
    }

    #[test]
    fn runs_in_a_folder_of_its_own_that_is_removed() {
        let cli = shell();
        let dir = cli.dir().to_path_buf();
        cli.run(["-c", "pwd -P > here"]).ok();
        assert!(dir.join("here").exists());
        drop(cli);
        assert!(!dir.exists());
    }

    #[test]
    fn reads_what_it_is_given_and_prints_json() {
        let output = shell().run_with(["-c", "cat"], "{\"a\":1}\n{\"a\":2}\n").ok();
        let lines = output.json_lines();
        assert_eq!(lines[1]["a"], 2);
    }

    #[test]
    #[should_panic(expected = "said so far")]
    fn a_run_that_hangs_is_killed_and_shows_what_it_said() {
        shell().limit(Duration::from_millis(300)).run(["-c", "echo said so far; sleep 60"]);
    }

    #[test]
    #[should_panic(expected = "why it failed")]
    fn an_unexpected_exit_code_shows_both_streams() {
        shell().run(["-c", "echo why it failed >&2; exit 1"]).ok();
    }
}
