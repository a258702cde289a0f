//! Real services for tests, without anything installed beforehand: `cargo xtask services up | down | status | env`.
//!
//! Each service comes from the first of: its environment variable; a container, where a Docker engine runs; a process of
//! this machine (Kafka from Maven Central, PostgreSQL and MariaDB from the distribution). Everything listens on loopback only, on
//! ports that were free at the start.
//!
//! What `up` starts stays until `down`. What a task starts for itself ([`Services`]) ends with the task, however that ends.

mod container;
mod group;
mod held;
mod home;
mod install;
mod jars;
mod kafka;
mod mariadb;
mod ports;
mod postgres;
mod process;
mod secure;

use std::{
    fs::{self, File},
    net::{TcpStream, ToSocketAddrs},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand, ValueEnum};
use group::{Group, Server, State};
pub use held::Services;
pub use install::find_or_install;
pub use jars::{avro as avro_jars, bench_peers};
use serde::{Deserialize, Serialize};

use crate::{env, run::Job};

/// The group of `services up`, unless another is named.
const DEFAULT_GROUP: &str = "default";

#[derive(Parser)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Starts what is missing and prints the variables for the tests: eval "$(cargo xtask services up)"
    Up {
        #[command(flatten)]
        wanted: Wanted,
        #[command(flatten)]
        name: Name,
    },
    /// Ends what `up` started, and removes its data
    Down {
        #[command(flatten)]
        name: Name,
    },
    /// Prints what runs, where, and where its logs are
    Status {
        #[command(flatten)]
        name: Name,
    },
    /// Prints the variables for the tests
    Env {
        #[command(flatten)]
        name: Name,
    },
    /// Sends a signal to one server of a group; START starts one again that has ended. For tests of faults
    #[command(hide = true)]
    Strike {
        /// As `status` names it: `kafka node 2`, `postgres`, `mariadb`
        what: String,
        /// KILL, STOP, CONT, INT, …, or START
        signal: String,
        #[command(flatten)]
        name: Name,
    },
    /// Starts services for the task at the other end of standard input, and ends them when that closes
    #[command(hide = true)]
    Hold {
        #[command(flatten)]
        wanted: Wanted,
    },
}

/// Which services, and how many nodes.
#[derive(clap::Args, Clone)]
pub struct Wanted {
    /// Nodes of the Kafka cluster: 1, or 3 with three replicas of everything
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=3))]
    pub nodes: u16,
    /// Only this service
    #[arg(long, value_enum)]
    pub only: Option<Service>,
}

impl Wanted {
    /// Everything, with so many nodes.
    pub fn all(nodes: u16) -> Self {
        Self { nodes, only: None }
    }

    fn includes(&self, service: Service) -> bool {
        self.only.is_none_or(|only| only == service)
    }
}

/// A service that can be had alone.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Service {
    /// Apache Kafka.
    Kafka,
    /// PostgreSQL.
    Postgres,
    /// MariaDB.
    Mariadb,
}

#[derive(clap::Args)]
struct Name {
    /// Several groups can be up beside each other, each under its name
    #[arg(long, default_value = DEFAULT_GROUP)]
    name: String,
}

/// Where the services of a task answer.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Endpoints {
    /// Bootstrap servers.
    pub kafka: Option<String>,
    /// The folder with what a client of Kafka's secure listener needs.
    pub kafka_secure: Option<String>,
    /// URL of a database on PostgreSQL, as a user that may create others.
    pub postgres: Option<String>,
    /// URL of a database on MariaDB or MySQL, as a user that may create others.
    pub mysql: Option<String>,
}

impl Endpoints {
    /// The variables by which the tests find the services.
    pub fn variables(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let kafka = self.kafka.as_deref().map(|value| (env::KAFKA_BOOTSTRAP, value));
        let secure = self.kafka_secure.as_deref().map(|value| (env::KAFKA_SECURE, value));
        let postgres = self.postgres.as_deref().map(|value| (env::DATABASE_URL, value));
        let mysql = self.mysql.as_deref().map(|value| (env::MYSQL_URL, value));
        [kafka, secure, postgres, mysql].into_iter().flatten()
    }
}

impl From<&State> for Endpoints {
    fn from(state: &State) -> Self {
        Self {
            kafka: state.kafka.clone(),
            kafka_secure: state.kafka_secure.clone(),
            postgres: state.postgres.clone(),
            mysql: state.mysql.clone(),
        }
    }
}

/// Runs `cargo xtask services …`.
pub fn run(root: &Path, args: &Args) -> Result<()> {
    match &args.action {
        Action::Up { wanted, name } => up(root, wanted, &name.name),
        Action::Down { name } => down(root, &name.name),
        Action::Status { name } => status(root, &name.name),
        Action::Env { name } => {
            print_env(&Endpoints::from(existing(root, &name.name)?.state()));
            Ok(())
        }
        Action::Strike { what, signal, name } => existing(root, &name.name)?.strike(what, signal),
        Action::Hold { wanted } => held::hold(root, wanted),
    }
}

fn up(root: &Path, wanted: &Wanted, name: &str) -> Result<()> {
    let dir = group_dir(root, name);
    let _one_at_a_time = lock(&dir.with_extension("lock"))?;
    held::sweep(root)?;
    if let Some(mut group) = Group::find(&dir)? {
        let state = group.state();
        if state.alive() && serves(state, wanted) {
            print_env(&Endpoints::from(state));
            return Ok(());
        }
        if state.alive() && state.kafka.is_some() && state.nodes != wanted.nodes {
            bail!("{name} is up with {} node(s): take it down first, or use --name", state.nodes);
        }
        if state.alive() && state.nodes == wanted.nodes {
            // What runs goes on running, and what is missing comes beside it.
            start_each(&Job::new(), root, &mut group, wanted)?;
            print_env(&Endpoints::from(group.state()));
            return Ok(());
        }
        group.end()?;
    }
    let group = start(&Job::new(), root, &dir, wanted, None)?;
    print_env(&Endpoints::from(group.state()));
    Ok(())
}

fn down(root: &Path, name: &str) -> Result<()> {
    let dir = group_dir(root, name);
    let _one_at_a_time = lock(&dir.with_extension("lock"))?;
    held::sweep(root)?;
    let job = Job::new();
    match Group::find(&dir)? {
        Some(group) => group.end()?,
        None => job.say(format!("{name}: nothing is up")),
    }
    job.say(format!("{name}: down"));
    Ok(())
}

fn status(root: &Path, name: &str) -> Result<()> {
    let group = existing(root, name)?;
    for server in group.state().servers() {
        match server {
            Server::Process(process) => {
                let state = if process.alive() { "runs" } else { "has ended" };
                println!("{} {state}, pid {}", process.what, process.pid);
            }
            Server::Container(name) | Server::Network(name) => println!("container or network {name}"),
        }
    }
    print_env(&Endpoints::from(group.state()));
    println!("logs and data: {}", group.dir().display());
    Ok(())
}

/// Starts what is wanted as a group in `dir`; on failure nothing of it is left.
fn start(job: &Job, root: &Path, dir: &Path, wanted: &Wanted, holder: Option<process::Process>) -> Result<Group> {
    let mut group = Group::create(dir, wanted.nodes, holder)?;
    match start_each(job, root, &mut group, wanted) {
        Ok(()) => Ok(group),
        Err(error) => match group.end() {
            Ok(()) => Err(error),
            Err(left) => Err(error.context(format!("and what had started could not be ended: {left:#}"))),
        },
    }
}

/// Starts what is wanted and not there yet.
fn start_each(job: &Job, root: &Path, group: &mut Group, wanted: &Wanted) -> Result<()> {
    if wanted.includes(Service::Postgres) && group.state().postgres.is_none() {
        match env::get(env::DATABASE_URL) {
            Some(url) => {
                answers(env::DATABASE_URL, url_host(&url))?;
                group.postgres_is_at(url)?;
            }
            None => postgres::start(job, group)?,
        }
    }
    if wanted.includes(Service::Mariadb) && group.state().mysql.is_none() {
        match env::get(env::MYSQL_URL) {
            Some(url) => {
                answers(env::MYSQL_URL, url_host(&url))?;
                group.mysql_is_at(url)?;
            }
            None => mariadb::start(job, group)?,
        }
    }
    if wanted.includes(Service::Kafka) && group.state().kafka.is_none() {
        match env::get(env::KAFKA_BOOTSTRAP) {
            Some(bootstrap) => {
                answers(env::KAFKA_BOOTSTRAP, bootstrap.split(',').next().unwrap_or_default())?;
                group.kafka_is_at(bootstrap)?;
                if let Some(folder) = env::get(env::KAFKA_SECURE) {
                    group.secure_kafka_is_at(folder)?;
                }
            }
            None => kafka::start(job, root, group)?,
        }
    }
    Ok(())
}

/// Whether a group that is up has what is wanted.
fn serves(state: &State, wanted: &Wanted) -> bool {
    let has = |service, up: bool| up || !wanted.includes(service);
    has(Service::Kafka, state.kafka.is_some() && state.nodes == wanted.nodes)
        && has(Service::Postgres, state.postgres.is_some())
        && has(Service::Mariadb, state.mysql.is_some())
}

/// A variable that points to nothing is said at once, not by the tests one by one.
fn answers(variable: &str, host: &str) -> Result<()> {
    let addresses = host.to_socket_addrs().with_context(|| format!("{variable} names {host}"))?;
    for address in addresses {
        if TcpStream::connect_timeout(&address, std::time::Duration::from_secs(5)).is_ok() {
            return Ok(());
        }
    }
    bail!("{variable} names {host}, where nothing answers: unset it to have the service started")
}

/// `host:port` of a database URL.
fn url_host(url: &str) -> &str {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest).split(['/', '?']).next().unwrap_or_default();
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

fn existing(root: &Path, name: &str) -> Result<Group> {
    Group::find(&group_dir(root, name))?.with_context(|| format!("{name} is not up: cargo xtask services up"))
}

fn group_dir(root: &Path, name: &str) -> PathBuf {
    root.join("target/services").join(name)
}

fn print_env(endpoints: &Endpoints) {
    for (name, value) in endpoints.variables() {
        println!("export {name}={value}");
    }
}

/// Waits for a lock between processes; the system releases it when the file is dropped or the process ends.
pub fn lock(path: &Path) -> Result<File> {
    fs::create_dir_all(path.parent().context("a lock lies in a folder")?)?;
    let file = File::create(path).with_context(|| path.display().to_string())?;
    file.lock().with_context(|| path.display().to_string())?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_of_a_database_url() {
        for (url, host) in [
            ("postgres://postgres@127.0.0.1:20001/postgres", "127.0.0.1:20001"),
            ("postgres://u:p@db:5432?sslmode=require", "db:5432"),
            ("postgres://db:5432", "db:5432"),
            ("mysql://u:p@127.0.0.1:20002/db", "127.0.0.1:20002"),
        ] {
            assert_eq!(url_host(url), host);
        }
    }
}
