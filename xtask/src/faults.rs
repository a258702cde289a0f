//! `cargo xtask faults`: the line on three brokers and PostgreSQL, while they and the sinks are killed and stopped.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, bail};

use crate::{
    env,
    services::{Services, Wanted},
};

#[derive(clap::Parser)]
pub struct Args {
    /// How long faults strike
    #[arg(long, default_value_t = 5)]
    minutes: u32,
    /// Repeats the choices of an earlier run, though not its timing
    #[arg(long)]
    seed: Option<u64>,
}

/// Starts services of its own, which nothing else uses, and lets the faults loose on them.
pub fn run(root: &Path, args: &Args) -> Result<()> {
    let mut services = Services::start(&Wanted::all(3))?;
    let mut build = Command::new(env::cargo());
    // As `cargo xtask test` builds: what it has built is not built again with other features.
    build.current_dir(root).args(["build", "--workspace", "--bins", "--tests"]);
    succeed(&mut build)?;
    let endpoints = services.ready()?;
    let debug = env::target_dir(root).join("debug");
    let mut faults = Command::new(debug.join("coursebus-faults"));
    faults.current_dir(root).arg(args.minutes.to_string()).args(args.seed.map(|seed| seed.to_string()));
    for service in [env::KAFKA_BOOTSTRAP, env::DATABASE_URL, env::MYSQL_URL] {
        faults.env_remove(service);
    }
    faults.envs(endpoints.variables());
    faults.env(env::COURSEBUS_BIN, debug.join("coursebus"));
    faults.env(env::SERVICES, services.name()).env(env::XTASK, env::this_program()?);
    succeed(&mut faults)
}

fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{command:?}"))?;
    if !status.success() {
        bail!("{command:?}: {status}");
    }
    Ok(())
}
