//! PostgreSQL: the distribution's server in a folder of its own.

use std::{
    fs,
    net::TcpStream,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Result, bail};

use super::{
    container,
    group::{Group, Server},
    home, install, ports, process,
};
use crate::{
    env,
    run::{self, Job},
};

/// How long the server may take to answer; measured 1.5 s with initdb.
const READY_LIMIT: Duration = Duration::from_secs(30);
const INITDB_LIMIT: Duration = Duration::from_secs(60);

/// Creates a cluster, starts it and waits until it accepts connections.
pub fn start(job: &Job, group: &mut Group) -> Result<()> {
    let url = if container::engine_runs() { container::postgres(job, group)? } else { start_process(job, group)? };
    job.say(format!("postgres: ready at {url}"));
    group.postgres_is_at(url)
}

fn start_process(job: &Job, group: &mut Group) -> Result<String> {
    let bin = install::find_or_install(job, "postgresql", find_bin)?;
    let user = home::server_user("postgres")?;
    let home = home::make(group, "postgres", user)?;
    let log = group.dir().join("postgres.log");
    job.say("postgres: creating a cluster");
    let mut initdb = Command::new(bin.join("initdb"));
    initdb.arg("-D").arg(home.join("data")).args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"]);
    if let Some(user) = user {
        initdb.current_dir("/").uid(user.uid).gid(user.gid);
    }
    job.run(&mut initdb, INITDB_LIMIT, &log)?;

    let port = ports::free(1)?[0];
    let mut server = Command::new(bin.join("postgres"));
    server.arg("-D").arg(home.join("data")).args(["-p", &port.to_string()]);
    // Many tests at once, each with a pool of its own; no socket file, so that the path's length does not matter.
    for setting in ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=300", "timezone=UTC"] {
        server.args(["-c", setting]);
    }
    // SIGINT is PostgreSQL's fast shutdown: TERM would wait for clients to go.
    let (process, mut child) = process::launch("postgres", &server, user, "INT", &log)?;
    group.add(Server::Process(process))?;
    job.wait("postgres", READY_LIMIT, || {
        if let Some(status) = child.try_wait()? {
            bail!("ended with {status}; {}", run::tail(&log));
        }
        let ready = fs::read_to_string(&log)?.contains("ready to accept connections");
        Ok((ready && TcpStream::connect(("127.0.0.1", port)).is_ok()).then_some(()))
    })?;
    Ok(format!("postgres://postgres@127.0.0.1:{port}/postgres"))
}

/// The folder of `initdb` and `postgres`: the newest under Debian's, or that of a `postgres` in PATH.
fn find_bin() -> Option<PathBuf> {
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path());
    let mut versions: Vec<(u32, PathBuf)> =
        debian.filter_map(|path| Some((path.file_name()?.to_str()?.parse().ok()?, path.join("bin")))).collect();
    versions.sort();
    let newest_first = versions.into_iter().rev().map(|(_, bin)| bin);
    let in_path = env::find_program("postgres").and_then(|program| program.parent().map(Path::to_path_buf));
    newest_first.chain(in_path).find(|bin| bin.join("initdb").is_file() && bin.join("postgres").is_file())
}
