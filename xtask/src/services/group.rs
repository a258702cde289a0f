//! A group of services that were started together: its folder, what runs, where it listens, and how all of it is ended.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::process::Process;
use crate::run::Job;

const REMOVE_LIMIT: Duration = Duration::from_secs(10);
const STATE: &str = "state.json";

/// A server that the group started and will end.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Server {
    /// A process of this machine.
    Process(Process),
    /// A container, by its name.
    Container(String),
    /// A network of containers, by its name.
    Network(String),
}

/// What stands in the group's file; written before and after each step, so that a start that was cut short can be undone.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub struct State {
    /// The process that ends the group when it ends; none when it stays up until `services down`.
    pub holder: Option<Process>,
    /// Nodes of the Kafka cluster that was asked for.
    pub nodes: u16,
    /// `KAFKA_BOOTSTRAP`, once Kafka answers.
    pub kafka: Option<String>,
    /// `KAFKA_SECURE`, the folder of the secure listener, once Kafka answers and has one.
    pub kafka_secure: Option<String>,
    /// `DATABASE_URL`, once PostgreSQL answers.
    pub postgres: Option<String>,
    /// `MYSQL_URL`, once MariaDB answers.
    pub mysql: Option<String>,
    /// In the order in which they were started.
    servers: Vec<Server>,
    /// Folders outside the group's own that go with it.
    folders: Vec<PathBuf>,
}

impl State {
    /// The servers, in the order in which they were started.
    pub fn servers(&self) -> &[Server] {
        &self.servers
    }

    /// Whether every server that was started still runs.
    pub fn alive(&self) -> bool {
        self.servers.iter().all(|server| match server {
            Server::Process(process) => process.alive(),
            Server::Container(_) | Server::Network(_) => true,
        })
    }
}

/// The group in one folder. It does not end anything when dropped.
pub struct Group {
    dir: PathBuf,
    state: State,
}

impl Group {
    /// Begins a new group, in a folder that does not exist yet or is empty.
    pub fn create(dir: &Path, nodes: u16, holder: Option<Process>) -> Result<Self> {
        fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
        let group = Self { dir: dir.to_path_buf(), state: State { holder, nodes, ..State::default() } };
        group.save()?;
        Ok(group)
    }

    /// The group in a folder, or `None` if there is none.
    pub fn find(dir: &Path) -> Result<Option<Self>> {
        let file = dir.join(STATE);
        if !file.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let state = serde_json::from_str(&text).with_context(|| file.display().to_string())?;
        Ok(Some(Self { dir: dir.to_path_buf(), state }))
    }

    /// What runs and where.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The group's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Notes a server that was just started.
    pub fn add(&mut self, server: Server) -> Result<()> {
        self.state.servers.push(server);
        self.save()
    }

    /// Sends a signal to a server that is a process, or starts it again when `signal` is `START` and it has ended.
    pub fn strike(&mut self, what: &str, signal: &str) -> Result<()> {
        let processes = self.state.servers.iter_mut().filter_map(|server| match server {
            Server::Process(process) => Some(process),
            Server::Container(_) | Server::Network(_) => None,
        });
        let mut named = processes.filter(|process| process.what == what);
        let process = named.next().with_context(|| format!("there is no process '{what}' among the services"))?;
        match signal {
            "START" if process.alive() => return Ok(()),
            "START" => *process = process.again()?,
            signal => return process.signal(signal),
        }
        self.save()
    }

    /// Notes a folder outside the group's own that is to be removed with it.
    pub fn own(&mut self, folder: PathBuf) -> Result<()> {
        self.state.folders.push(folder);
        self.save()
    }

    /// Notes that Kafka answers.
    pub fn kafka_is_at(&mut self, bootstrap: String) -> Result<()> {
        self.state.kafka = Some(bootstrap);
        self.save()
    }

    /// Notes the folder of Kafka's secure listener.
    pub fn secure_kafka_is_at(&mut self, folder: String) -> Result<()> {
        self.state.kafka_secure = Some(folder);
        self.save()
    }

    /// Notes that PostgreSQL answers.
    pub fn postgres_is_at(&mut self, url: String) -> Result<()> {
        self.state.postgres = Some(url);
        self.save()
    }

    /// Notes that MariaDB answers.
    pub fn mysql_is_at(&mut self, url: String) -> Result<()> {
        self.state.mysql = Some(url);
        self.save()
    }

    /// Forgets processes that have ended, when their start is to be tried again.
    pub fn forget_dead(&mut self) -> Result<()> {
        self.state.servers.retain(|server| !matches!(server, Server::Process(process) if !process.alive()));
        self.save()
    }

    /// Ends every server, the last started first, and removes the folders. Goes on when one cannot be ended, and then
    /// keeps the file so that it can be tried again.
    pub fn end(self) -> Result<()> {
        // Together, because each may take seconds to close.
        std::thread::scope(|scope| {
            let (networks, servers): (Vec<_>, Vec<_>) =
                self.state.servers.iter().partition(|server| matches!(server, Server::Network(_)));
            let ends: Vec<_> = servers.iter().map(|server| scope.spawn(|| end(server))).collect();
            let ended = ends.into_iter().map(|thread| thread.join().expect("ending a server does not panic"));
            let ended = ended.fold(Ok(()), Result::and);
            networks.into_iter().map(end).fold(ended, Result::and)
        })?;
        self.state.folders.iter().chain([&self.dir]).try_for_each(|folder| remove(folder))
    }

    /// Writes beside and renames: a reader sees the old state or the new one.
    fn save(&self) -> Result<()> {
        let next = self.dir.join("state.json.new");
        fs::write(&next, serde_json::to_string_pretty(&self.state)?)?;
        fs::rename(next, self.dir.join(STATE)).context("writing the state of the services")
    }
}

/// Removes a folder. Tries again for a while: a program that was just killed may leave others that still write there.
fn remove(folder: &Path) -> Result<()> {
    Job::new().wait(&format!("removing {}", folder.display()), REMOVE_LIMIT, || {
        Ok((fs::remove_dir_all(folder).is_ok() || !folder.exists()).then_some(()))
    })
}

fn end(server: &Server) -> Result<()> {
    let docker = |args: &[&str]| {
        // Output goes nowhere: a container that is gone already is what is wanted.
        Command::new("docker").args(args).output().map(drop).context("docker")
    };
    match server {
        Server::Process(process) => process.stop(),
        Server::Container(name) => docker(&["rm", "--force", "--volumes", name]),
        Server::Network(name) => docker(&["network", "rm", name]),
    }
}
