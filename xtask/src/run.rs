//! Running other programs: bounded in time, and given up when nobody waits for the result any more.

use std::{
    fs,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

/// How often a wait looks again.
const POLL: Duration = Duration::from_millis(50);

/// What the steps of one start share: when it began, and whether someone still waits for it.
#[derive(Clone)]
pub struct Job {
    began: Instant,
    given_up: Arc<AtomicBool>,
}

impl Job {
    /// Begins a job now.
    pub fn new() -> Self {
        Self { began: Instant::now(), given_up: Arc::default() }
    }

    /// Makes every wait of the job end with an error.
    pub fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
    }

    /// Whether nobody waits for it any more.
    pub fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Relaxed)
    }

    /// Says on stderr what happened, with the time since the job began.
    pub fn say(&self, what: impl std::fmt::Display) {
        eprintln!("[{:6.1}s] {what}", self.began.elapsed().as_secs_f64());
    }

    /// Waits until `done` returns something, at most for `limit`.
    pub fn wait<T>(&self, what: &str, limit: Duration, mut done: impl FnMut() -> Result<Option<T>>) -> Result<T> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(result) = done()? {
                return Ok(result);
            }
            if self.is_given_up() {
                bail!("{what}: given up, nobody waits for it any more");
            }
            if Instant::now() > deadline {
                bail!("{what}: not done after {} s", limit.as_secs());
            }
            thread::sleep(POLL);
        }
    }

    /// Runs a program to its end with its output in the file `log`; on failure the error carries the output's last lines.
    pub fn run(&self, command: &mut Command, limit: Duration, log: &Path) -> Result<()> {
        let what = format!("{command:?}");
        let mut child = to_log(command, log)?.spawn().with_context(|| what.clone())?;
        match self.wait(&what, limit, || Ok(child.try_wait()?)) {
            Ok(status) => succeeded(status, &what, log),
            Err(error) => {
                end(&mut child);
                Err(error.context(tail(log)))
            }
        }
    }
}

/// Sends a program's output to the end of a file, and gives it nothing to read.
pub fn to_log<'a>(command: &'a mut Command, log: &Path) -> Result<&'a mut Command> {
    let file = fs::File::options().create(true).append(true).open(log).with_context(|| log.display().to_string())?;
    Ok(command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file))
}

/// What a short program prints, or `None` if it fails or takes longer than `limit`. For questions whose answer may be no.
pub fn ask(command: &mut Command, limit: Duration) -> Option<String> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let done = Job::new().wait("question", limit, || Ok(child.try_wait()?));
    match done {
        Ok(status) if status.success() => std::io::read_to_string(child.stdout.take()?).ok(),
        Ok(_) => None,
        Err(_) => {
            end(&mut child);
            None
        }
    }
}

/// The last lines of a log, for an error message.
pub fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    format!("{} ends with:\n{}", log.display(), lines[lines.len().saturating_sub(20)..].join("\n"))
}

fn succeeded(status: ExitStatus, what: &str, log: &Path) -> Result<()> {
    if !status.success() {
        bail!("{what}: {status}; {}", tail(log));
    }
    Ok(())
}

/// Ends a program and everything it started, as far as the system tells what that is (it does on Linux).
pub fn end_tree(child: &mut Child) {
    let mut tree = vec![child.id()];
    let parents = parents();
    let mut next = 0;
    while let Some(&parent) = tree.get(next) {
        tree.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    let pids: Vec<String> = tree.iter().map(u32::to_string).collect();
    // What has ended by itself cannot be killed any more, which is fine.
    let _ = Command::new("sh").args(["-c", &format!("kill -KILL {}", pids.join(" "))]).stderr(Stdio::null()).status();
    end(child);
}

/// Every process with its parent.
fn parents() -> Vec<(u32, u32)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
            Some((pid, parent))
        })
        .collect()
}

fn end(child: &mut Child) {
    // It may have ended between the last look and now; then there is nothing to kill.
    let _ = child.kill();
    let _ = child.wait();
}
