//! Server processes: started so that they outlive the task, and ended by pid, never by name.

use std::{
    fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::run::{self, Job};

/// How long a server may take to close its files before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(15);

/// Closes what the caller had open above stderr, then becomes the server. Without this a server started under `flock` or
/// in a pipeline would keep the lock or the pipe for its whole life. bash, because dash knows one-digit descriptors only.
const DETACH: &str = r#"for f in /dev/fd/*; do f=${f##*/}; [ "$f" -gt 2 ] && eval "exec $f>&-"; done; exec "$@""#;

/// One server process, known by its pid and by when it began: a pid alone may belong to someone else by now.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Process {
    /// What it is, for messages.
    pub what: String,
    /// Its process id.
    pub pid: u32,
    /// When it began, as the system tells it; compared, never computed with.
    began: String,
    /// The signal that asks it to stop.
    stop_signal: String,
    /// How it was started, so that it can be started again.
    #[serde(default)]
    command: Vec<String>,
    #[serde(default)]
    user: Option<User>,
    #[serde(default)]
    log: PathBuf,
}

/// Whom a server runs as, when not as the caller.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct User {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

/// Starts a server in a process group of its own, so that Ctrl-C in the terminal does not reach it. Its output goes to
/// the end of the file `log`.
///
/// The `Child` is returned for the exit status only: dropping it leaves the server running.
pub fn launch(
    what: &str,
    server: &Command,
    user: Option<User>,
    stop_signal: &str,
    log: &Path,
) -> Result<(Process, Child)> {
    let mut command = Command::new("bash");
    command.args(["-c", DETACH, "bash"]).arg(server.get_program()).args(server.get_args()).process_group(0);
    if let Some(user) = user {
        command.current_dir("/").uid(user.uid).gid(user.gid);
    }
    let child = run::to_log(&mut command, log)?.spawn().with_context(|| format!("starting {what}"))?;
    let began = began(child.id()).unwrap_or_default();
    let words = std::iter::once(server.get_program()).chain(server.get_args());
    let process = Process {
        what: what.to_owned(),
        pid: child.id(),
        began,
        stop_signal: stop_signal.to_owned(),
        command: words.map(|word| word.to_string_lossy().into_owned()).collect(),
        user,
        log: log.to_path_buf(),
    };
    Ok((process, child))
}

impl Process {
    /// This process itself.
    pub fn current(what: &str) -> Self {
        let pid = std::process::id();
        Self {
            what: what.to_owned(),
            pid,
            began: began(pid).unwrap_or_default(),
            stop_signal: "TERM".to_owned(),
            command: Vec::new(),
            user: None,
            log: PathBuf::new(),
        }
    }

    /// Starts it again as it was started before.
    pub fn again(&self) -> Result<Self> {
        let (program, args) = self.command.split_first().context("it is not known how this process was started")?;
        let mut server = Command::new(program);
        server.args(args);
        Ok(launch(&self.what, &server, self.user, &self.stop_signal, &self.log)?.0)
    }

    /// Whether this very process still runs. One that has ended but was not reaped yet does not count.
    pub fn alive(&self) -> bool {
        began(self.pid).is_some_and(|now| now == self.began)
    }

    /// Asks it to stop, and kills it when it does not.
    pub fn stop(&self) -> Result<()> {
        let gone = || Ok((!self.alive()).then_some(()));
        if self.alive() {
            self.signal(&self.stop_signal)?;
        }
        if Job::new().wait(&self.what, STOP_LIMIT, gone).is_err() {
            self.signal("KILL")?;
            Job::new().wait(&self.what, STOP_LIMIT, gone)?;
        }
        Ok(())
    }

    /// Sends a signal through the shell's `kill`: the program of that name is not on every machine.
    pub fn signal(&self, name: &str) -> Result<()> {
        // It fails when the process has just ended, which is what is wanted.
        let kill = format!("kill -{name} {}", self.pid);
        Command::new("sh").args(["-c", &kill]).stdin(Stdio::null()).stderr(Stdio::null()).status()?;
        Ok(())
    }
}

/// When a process began, or `None` if it does not run. On Linux from /proc, elsewhere from `ps`.
fn began(pid: u32) -> Option<String> {
    if Path::new("/proc/self/stat").exists() {
        return began_in(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?);
    }
    let told = run::ask(Command::new("ps").args(["-o", "lstart=", "-p", &pid.to_string()]), Duration::from_secs(5))?;
    Some(told.trim().to_owned()).filter(|began| !began.is_empty())
}

/// The 22nd field of a /proc/PID/stat, counted from behind the name, which may itself hold blanks and brackets.
fn began_in(stat: &str) -> Option<String> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    (!matches!(state, "Z" | "X")).then(|| fields.nth(18).map(str::to_owned))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginning_is_the_22nd_field_and_a_zombie_has_none() {
        let stat =
            |state: &str| format!("42 (a) b (c)) {state} {}", (4..=30).map(|n| format!("f{n} ")).collect::<String>());
        assert_eq!(began_in(&stat("S")), Some("f22".to_owned()));
        assert_eq!(began_in(&stat("Z")), None);
        assert_eq!(began_in("42 (cut"), None);
    }

    #[test]
    fn a_process_is_known_by_its_beginning_too() {
        let log = tempfile::NamedTempFile::new().unwrap();
        let mut server = Command::new("sleep");
        server.arg("60");
        let (process, mut child) = launch("sleeper", &server, None, "TERM", log.path()).unwrap();
        assert!(process.alive());
        let someone_else = Process { began: "0".to_owned(), ..process.clone() };
        assert!(!someone_else.alive());
        someone_else.stop().unwrap();
        assert!(process.alive(), "stopping someone else's process must not touch this one");
        process.stop().unwrap();
        assert!(!process.alive());
        child.wait().unwrap();
    }
}
