//! `cargo xtask bench NAME`: starts what the bench needs, runs it from a release build, ends what was started.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, bail};

use crate::{
    env,
    services::{Services, Wanted},
};

#[derive(clap::Parser)]
pub struct Args {
    #[command(flatten)]
    services: Wanted,
    /// The bench (`list` names them), then its own arguments; what is for this task goes before them
    #[arg(trailing_var_arg = true, required = true, value_names = ["NAME", "ARGS"])]
    bench: Vec<String>,
}

/// Runs one bench. Its services are its own, so that nothing else they do is measured; they come up while it compiles.
pub fn run(root: &Path, args: &Args) -> Result<()> {
    let mut services = Services::start(&args.services)?;
    let mut build = Command::new(env::cargo());
    build.current_dir(root).args(["build", "--release", "--package", "coursebus-bench", "--package", "coursebus-cli"]);
    succeed(&mut build)?;
    let endpoints = services.ready()?;
    let release = env::target_dir(root).join("release");
    let mut bench = Command::new(release.join("coursebus-bench"));
    bench.current_dir(root).args(&args.bench);
    for service in [env::KAFKA_BOOTSTRAP, env::DATABASE_URL, env::MYSQL_URL] {
        bench.env_remove(service);
    }
    bench.envs(endpoints.variables());
    succeed(bench.env(env::COURSEBUS_BIN, release.join("coursebus")))
}

fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{command:?}"))?;
    if !status.success() {
        bail!("{command:?}: {status}");
    }
    Ok(())
}
