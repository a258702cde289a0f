//! What the services need of the machine: found, installed (Debian as root), or named in one command to run.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Result, bail};

use super::lock;
use crate::{
    env,
    run::{self, Job},
};

/// How long apt may take, waiting for another apt included.
const APT_LIMIT: Duration = Duration::from_secs(600);

/// Everything that the tasks need of Debian, so that a person who may not install is told once.
const ALL: &str = "default-jdk-headless maven postgresql mariadb-server python3-venv openssl make perl g++";

/// Returns what `find` finds; when it finds nothing, installs the Debian package and looks again.
pub fn find_or_install(job: &Job, package: &str, find: impl Fn() -> Option<PathBuf>) -> Result<PathBuf> {
    if let Some(found) = find() {
        return Ok(found);
    }
    apt_install(job, package, || find().is_some())?;
    match find() {
        Some(found) => Ok(found),
        None => bail!("{package} is installed, but what it should bring is not there"),
    }
}

/// Whether this process runs as root.
pub fn is_root() -> bool {
    run::ask(Command::new("id").arg("-u"), Duration::from_secs(5)).is_some_and(|uid| uid.trim() == "0")
}

fn apt_install(job: &Job, package: &str, meanwhile: impl Fn() -> bool) -> Result<()> {
    if !Path::new("/etc/debian_version").exists() || !is_root() {
        bail!(
            "{package} is missing. Run this, or its like on your system, then try again:\n    sudo apt-get install --yes {ALL}"
        );
    }
    let cache = env::cache_dir();
    let _one_at_a_time = lock(&cache.join("apt.lock"))?;
    if meanwhile() {
        return Ok(());
    }
    job.say(format!("apt: installing {package}"));
    let log = cache.join("apt.log");
    let apt = |args: &[&str]| {
        let mut command = Command::new("apt-get");
        // RUNLEVEL=1 is what invoke-rc.d takes for single-user mode: the databases' packages then start no server.
        command.args(["--yes", "--option", "DPkg::Lock::Timeout=300"]).args(args);
        command.env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1");
        job.run(&mut command, APT_LIMIT, &log)
    };
    // A machine with stale lists still installs what it knows: an update that fails is no reason to stop.
    if apt(&["update"]).is_err() {
        job.say("apt: the lists could not be updated, going on with those at hand");
    }
    apt(&["install", "--no-install-recommends", package])
}
