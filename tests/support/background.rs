//! A process in the background: bounded waits for what it prints and for its end, and never left behind.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::Duration,
};

use serde_json::Value;

use crate::{Output, wait_until};

/// How long a server may take from its start to its line of readiness.
const READY_LIMIT: Duration = Duration::from_secs(60);
/// How long the end of the output may lag behind the end of the process.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);

/// A process with all that it started; killed when dropped.
#[derive(Debug)]
pub struct Background {
    what: String,
    child: Child,
    stdout: Stream,
    stderr: Stream,
}

#[derive(Debug)]
struct Stream {
    text: Arc<Mutex<String>>,
    reader: JoinHandle<()>,
}

impl Background {
    /// Starts a command in a process group of its own, so that all of it can be ended together.
    pub(crate) fn start(mut command: Command, input: Option<String>) -> Self {
        let what = describe(&command);
        let stdin = if input.is_some() { Stdio::piped() } else { Stdio::null() };
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("`{what}`: {error}"));
        if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
            // On a thread: it may be more than the pipe holds. A command that stops reading is no error here.
            thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
        }
        let stdout = Stream::read(child.stdout.take().expect("piped"));
        let stderr = Stream::read(child.stderr.take().expect("piped"));
        Self { what, child, stdout, stderr }
    }

    /// Whether it has not ended.
    ///
    /// # Panics
    /// Never: a child can be asked.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child can be asked").is_none()
    }

    /// Its process id, which is also that of its process group.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed on standard output so far, in whole lines.
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// What it has printed on standard error so far, in whole lines.
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Waits for the line that a server prints when it is ready, `{"registry":"http://…","node":"http://…"}`.
    ///
    /// # Panics
    /// When it ends before, or after 60 s; both streams are in the message.
    #[track_caller]
    pub fn ready(&mut self) -> Value {
        self.wait_for("a JSON line on stdout", READY_LIMIT, |process| {
            process.stdout().lines().next().and_then(|line| serde_json::from_str(line).ok())
        })
    }

    /// Waits until `look` finds something in the process, for example a line in its output.
    ///
    /// # Panics
    /// When it ends before, or after `limit`; both streams are in the message.
    #[track_caller]
    pub fn wait_for<T>(&mut self, what: &str, limit: Duration, look: impl Fn(&Self) -> Option<T>) -> T {
        let deadline = std::time::Instant::now() + limit;
        wait_until(what, limit + DRAIN_LIMIT, || {
            let ended = self.child.try_wait().expect("a child can be asked").is_some();
            let found = look(self);
            let late = std::time::Instant::now() > deadline;
            let over = ended && self.stdout.ended() && self.stderr.ended();
            assert!(found.is_some() || !(late || over), "no {what} from {}", self.so_far());
            found
        })
    }

    /// Asks it to finish, as Ctrl-C does.
    pub fn interrupt(&self) {
        self.signal("INT");
    }

    /// Stops it where it stands, and waits until every thread of it does; [`Background::resume`] lets it go on.
    ///
    /// # Panics
    /// When it has ended.
    pub fn pause(&self) {
        self.signal("STOP");
        wait_until("the stop of every thread", DRAIN_LIMIT, || self.stands().then_some(()));
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal("CONT");
    }

    /// From now on no file that it writes may grow past so many bytes; `None` for no limit.
    ///
    /// # Panics
    /// Where `prlimit` (util-linux) does not work.
    pub fn limit_file_size(&self, bytes: Option<u64>) {
        let limit = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        let mut prlimit = Command::new("prlimit");
        prlimit.args([format!("--pid={}", self.pid()), format!("--fsize={limit}:")]).stderr(Stdio::null());
        let status = prlimit.status().expect("prlimit of util-linux");
        // It may have ended meanwhile.
        assert!(status.success() || !Path::new(&format!("/proc/{}", self.pid())).exists(), "{prlimit:?}: {status}");
    }

    /// Ends it with SIGKILL, with all that it started: no handler runs, nothing is flushed.
    pub fn kill(mut self) -> Output {
        self.kill_group();
        self.output(None)
    }

    /// Waits until it ends by itself.
    ///
    /// # Panics
    /// After `limit`; it is killed then, and both streams are in the message.
    #[track_caller]
    pub fn end_within(mut self, limit: Duration) -> Output {
        let deadline = std::time::Instant::now() + limit;
        let code = wait_until("the end", limit + DRAIN_LIMIT, || {
            let status = self.child.try_wait().expect("a child can be asked");
            if status.is_none() && std::time::Instant::now() > deadline {
                self.kill_group();
                panic!("not ended within {limit:?}: {}", self.so_far());
            }
            status
        });
        self.output(code.code())
    }

    /// Whether no thread of it runs.
    fn stands(&self) -> bool {
        let threads = fs::read_dir(format!("/proc/{}/task", self.pid())).expect("a process that is there");
        // A thread may end between the listing and the look at it.
        let mut states = threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("stat")).ok());
        states.all(|stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T')))
    }

    fn so_far(&self) -> Output {
        Output { command: self.what.clone(), code: None, stdout: self.stdout(), stderr: self.stderr() }
    }

    /// A process that it left in the background may hold the output open: the wait for its end is bounded.
    fn output(&self, code: Option<i32>) -> Output {
        wait_until("the end of the output", DRAIN_LIMIT, || (self.stdout.ended() && self.stderr.ended()).then_some(()));
        Output { code, ..self.so_far() }
    }

    fn kill_group(&mut self) {
        self.signal("KILL");
        // Reaped, so that its pid is free again; it cannot refuse.
        let _ = self.child.wait();
    }

    /// Through the shell's `kill`: the standard library knows SIGKILL only, and only for one process.
    fn signal(&self, name: &str) {
        let kill = format!("kill -{name} -{}", self.pid());
        // It fails when the whole group has ended, which is what is wanted of most signals.
        let _ = Command::new("sh").args(["-c", &kill]).stdin(Stdio::null()).stderr(Stdio::null()).status();
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.kill_group();
    }
}

impl Stream {
    fn read(pipe: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let reader = thread::spawn({
            let text = Arc::clone(&text);
            move || {
                let mut pipe = BufReader::new(pipe);
                let mut line = Vec::new();
                while pipe.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
                    text.lock().expect("nobody panics holding it").push_str(&String::from_utf8_lossy(&line));
                    line.clear();
                }
            }
        });
        Self { text, reader }
    }

    fn text(&self) -> String {
        self.text.lock().expect("nobody panics holding it").clone()
    }

    fn ended(&self) -> bool {
        self.reader.is_finished()
    }
}

/// As one would type it.
fn describe(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cli;

    const LIMIT: Duration = Duration::from_secs(10);

    /// With the default for SIGINT: a shell cannot trap what was ignored when it began, as it is in a background job.
    fn shell(script: &str) -> Background {
        Cli::of(Path::new("env")).start(["--default-signal=INT", "sh", "-c", script])
    }

    fn runs(pid: &str) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
    }

    #[test]
    fn a_server_is_ready_and_ends_on_interrupt() {
        let mut server =
            shell("trap 'echo bye; exit 0' INT; echo '{\"node\":\"http://x\"}'; while :; do sleep 0.05; done");
        assert_eq!(server.ready()["node"], "http://x");
        server.interrupt();
        assert!(server.end_within(LIMIT).ok().stdout().ends_with("bye\n"));
    }

    #[test]
    fn dropping_it_ends_what_it_started_too() {
        let mut server = shell("sleep 61 & echo $!; wait");
        let pid = server.wait_for("the pid", LIMIT, |server| server.stdout().lines().next().map(str::to_owned));
        assert!(runs(&pid));
        drop(server);
        wait_until("the end of both", LIMIT, || (!runs(&pid)).then_some(()));
    }

    #[test]
    #[should_panic(expected = "cannot bind")]
    fn a_server_that_ends_before_it_is_ready_says_why() {
        shell("echo cannot bind >&2; exit 1").ready();
    }

    #[test]
    fn killed_it_has_no_exit_code() {
        let mut server = shell("echo up; sleep 61");
        server.wait_for("up", LIMIT, |server| server.stdout().contains("up").then_some(()));
        assert_eq!(server.kill().code, None);
    }
}
