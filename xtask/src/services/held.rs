//! Services that end with the task that started them, even when the task is killed.
//!
//! They are started and ended by a process of their own (`cargo xtask services hold`), which reads a pipe from the task.
//! When the task ends, however it ends, the system closes the pipe, and the holder takes everything down. The holder is
//! in a process group of its own, so Ctrl-C reaches the task only.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use super::{DEFAULT_GROUP, Endpoints, Group, State, Wanted, container, group_dir, process::Process, serves, start};
use crate::{env, run::Job};

/// How long the holder may take to end everything.
const END_LIMIT: Duration = Duration::from_secs(60);

/// Services of one task; those that were started for it are ended when dropped.
pub enum Services {
    /// Those of `services up`, which stay.
    Up(Endpoints),
    /// Started for this task.
    Held(Child),
}

impl Services {
    /// Uses what `services up` started, if that is what is wanted; else as [`Services::start`].
    pub fn find_or_start(root: &Path, wanted: &Wanted) -> Result<Self> {
        match Group::find(&group_dir(root, DEFAULT_GROUP))? {
            Some(group) if group.state().alive() && serves(group.state(), wanted) && is_whole(group.state()) => {
                Job::new().say("services: using those that are up");
                Ok(Self::Up(group.state().into()))
            }
            _ => Self::start(wanted),
        }
    }

    /// Begins to start what is wanted, and returns at once: waiting overlaps with what the task does meanwhile.
    pub fn start(wanted: &Wanted) -> Result<Self> {
        let mut holder = Command::new(env::this_program()?);
        holder.args(["services", "hold", "--nodes", &wanted.nodes.to_string()]);
        if let Some(only) = wanted.only.and_then(|service| service.to_possible_value()) {
            holder.args(["--only", only.get_name()]);
        }
        let holder = holder.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0).spawn();
        Ok(Self::Held(holder.context("starting the holder of the services")?))
    }

    /// The name under which the other actions find them.
    pub fn name(&self) -> String {
        match self {
            Self::Up(_) => DEFAULT_GROUP.to_owned(),
            Self::Held(holder) => held_name(holder.id()),
        }
    }

    /// Waits until all of them answer. The holder bounds the wait.
    pub fn ready(&mut self) -> Result<Endpoints> {
        let holder = match self {
            Self::Up(endpoints) => return Ok(endpoints.clone()),
            Self::Held(holder) => holder,
        };
        let stdout = holder.stdout.take().context("the services were waited for already")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        if line.is_empty() {
            bail!("the services did not start, see above");
        }
        Ok(serde_json::from_str(&line)?)
    }
}

fn held_name(holder: u32) -> String {
    format!("held-{holder}")
}

/// Whether the Kafka has its secure listener: one that an older version of this program started has none.
fn is_whole(state: &State) -> bool {
    state.kafka.is_none() || state.kafka_secure.is_some() || container::engine_runs()
}

impl Drop for Services {
    fn drop(&mut self) {
        let Self::Held(holder) = self else { return };
        drop(holder.stdin.take());
        let ended = Job::new().wait("ending the services", END_LIMIT, || Ok(holder.try_wait()?));
        if let Err(error) = ended {
            eprintln!("{error:#}: see `cargo xtask services down`");
        }
    }
}

/// The holder: starts, says where on stdout, and ends everything when stdin closes.
pub fn hold(root: &Path, wanted: &Wanted) -> Result<()> {
    let job = Job::new();
    let waiter = job.clone();
    let closed = thread::spawn(move || {
        // An error means the same as the end: nobody is there.
        let _ = io::stdin().read_to_end(&mut Vec::new());
        waiter.give_up();
    });
    sweep(root)?;
    let dir = group_dir(root, &held_name(std::process::id()));
    let group = match start(&job, root, &dir, wanted, Some(Process::current("holder"))) {
        Ok(group) => group,
        // The task has ended meanwhile, and what had started is ended too: there is no one to tell.
        Err(_) if job.is_given_up() => return Ok(()),
        Err(error) => return Err(error),
    };
    println!("{}", serde_json::to_string(&Endpoints::from(group.state()))?);
    closed.join().expect("reading a pipe does not panic");
    group.end()
}

/// Ends the groups whose holder was killed.
pub fn sweep(root: &Path) -> Result<()> {
    let Ok(entries) = fs::read_dir(root.join("target/services")) else { return Ok(()) };
    for entry in entries {
        // Another task may be ending a group just now: what cannot be read is its business.
        let Ok(Some(group)) = Group::find(&entry?.path()) else { continue };
        if group.state().holder.as_ref().is_some_and(|holder| !holder.alive()) {
            Job::new().say(format!("ending what a killed task left in {}", group.dir().display()));
            if let Err(error) = group.end() {
                Job::new().say(format!("{error:#}"));
            }
        }
    }
    Ok(())
}
