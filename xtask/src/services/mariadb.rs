//! MariaDB: the distribution's server in a folder of its own.

use std::{
    fs,
    net::TcpStream,
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Result, bail};

use super::{
    container,
    group::{Group, Server},
    home, install, ports,
    process::{self, User},
};
use crate::{
    env,
    run::{self, Job},
};

/// How long the server may take to answer; measured under 2 s.
const READY_LIMIT: Duration = Duration::from_secs(30);
/// Measured 3 s.
const INSTALL_LIMIT: Duration = Duration::from_secs(60);
/// Many tests at once, each with a pool of its own.
pub const CONNECTIONS: &str = "--max-connections=300";
/// What a test connects as; it may do anything. Nothing beyond loopback can reach the server, and it ends with the task.
const ACCOUNT: &str = "coursebus";

/// Runs at every start, before the server takes connections.
const INIT: &str = "CREATE USER IF NOT EXISTS coursebus@'%' IDENTIFIED BY 'coursebus';
GRANT ALL PRIVILEGES ON *.* TO coursebus@'%' WITH GRANT OPTION;
CREATE DATABASE IF NOT EXISTS coursebus;
";

/// Makes a data folder, starts the server and waits until it accepts connections.
pub fn start(job: &Job, group: &mut Group) -> Result<()> {
    let url = if container::engine_runs() { container::mariadb(job, group)? } else { start_process(job, group)? };
    job.say(format!("mariadb: ready at {url}"));
    group.mysql_is_at(url)
}

fn start_process(job: &Job, group: &mut Group) -> Result<String> {
    let server = install::find_or_install(job, "mariadb-server", find_server)?;
    let user = home::server_user("mysql")?;
    let home = home::make(group, "mariadb", user)?;
    let log = group.dir().join("mariadb.log");
    job.say("mariadb: creating a data folder");
    install_db(job, &home, user, &log)?;
    let init = home.join("init.sql");
    fs::write(&init, INIT)?;
    fs::set_permissions(&init, fs::Permissions::from_mode(0o644))?;

    let port = ports::free(1)?[0];
    let mut command = Command::new(server);
    // Nothing of the machine's own configuration, and its time zone must not matter.
    command.args(["--no-defaults", "--bind-address=127.0.0.1", "--skip-name-resolve", CONNECTIONS]);
    command.arg(format!("--port={port}"));
    for (setting, file) in [("datadir", "data"), ("tmpdir", ""), ("socket", "socket"), ("pid-file", "pid")] {
        command.arg(format!("--{setting}={}", home.join(file).display()));
    }
    command.arg(format!("--init-file={}", init.display()));
    let (process, mut child) = process::launch("mariadb", &command, user, "TERM", &log)?;
    group.add(Server::Process(process))?;
    job.wait("mariadb", READY_LIMIT, || {
        if let Some(status) = child.try_wait()? {
            bail!("ended with {status}; {}", run::tail(&log));
        }
        let ready = fs::read_to_string(&log)?.contains("ready for connections");
        Ok((ready && TcpStream::connect(("127.0.0.1", port)).is_ok()).then_some(()))
    })?;
    Ok(format!("mysql://{ACCOUNT}:{ACCOUNT}@127.0.0.1:{port}/{ACCOUNT}"))
}

/// Makes the system tables. Their own superuser can log in through the socket only, which lies in a closed folder.
fn install_db(job: &Job, home: &Path, user: Option<User>, log: &Path) -> Result<()> {
    let data = home.join("data");
    fs::create_dir(&data)?;
    let mut install = Command::new(find_installer().unwrap_or_else(|| "mariadb-install-db".into()));
    install.args([
        "--no-defaults",
        "--skip-test-db",
        "--skip-name-resolve",
        "--auth-root-authentication-method=socket",
    ]);
    install.arg(format!("--datadir={}", data.display()));
    if let Some(user) = user {
        chown(&data, Some(user.uid), Some(user.gid))?;
        install.current_dir("/").uid(user.uid).gid(user.gid);
    }
    job.run(&mut install, INSTALL_LIMIT, log)
}

/// The server: in `PATH`, or where Debian puts it, which is not in everyone's `PATH`.
fn find_server() -> Option<PathBuf> {
    let debian = PathBuf::from("/usr/sbin/mariadbd");
    let server = env::find_program("mariadbd").or_else(|| debian.is_file().then_some(debian))?;
    find_installer().map(|_| server)
}

fn find_installer() -> Option<PathBuf> {
    env::find_program("mariadb-install-db")
}
