//! `cargo xtask faults`: the line on three brokers and PostgreSQL, while they and the sinks are killed and stopped; or, with
//! `outbox`, the outboxes of the three databases while their relays are killed and the broker is away.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, bail};

use crate::{
    env, planted,
    services::{Services, Wanted},
};

#[derive(clap::Parser)]
pub struct Args {
    /// What is struck: the line, or the outboxes of the three databases with their relays
    #[arg(value_enum, default_value_t = Struck::Line)]
    what: Struck,
    /// Outbox: how often each relay is killed
    #[arg(long, default_value_t = 50)]
    kills: u32,
    /// Outbox: how many writers each database has
    #[arg(long, default_value_t = 32)]
    writers: u32,
    /// Outbox: how many seconds the longest transactions stay open
    #[arg(long, default_value_t = 60)]
    hold: u32,
    /// Outbox: how many seconds the broker is away; with `--kills 0 --outage 300`, relays under load for so long without it
    #[arg(long, default_value_t = 60)]
    outage: u32,
    /// Outbox: the shortened run of CI, 5 kills, 8 writers, 10 s transactions, 20 s outage
    #[arg(long)]
    short: bool,
    /// How long faults strike
    #[arg(long, default_value_t = 5)]
    minutes: u32,
    /// Repeats the choices of an earlier run, though not its timing
    #[arg(long)]
    seed: Option<u64>,
}

/// What faults strike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Struck {
    /// Emitters, brokers, sinks and PostgreSQL
    Line,
    /// Writers, outboxes and relays
    Outbox,
    /// Nothing that runs: holds that the simulations catch each planted bug, and prints after how many seeds
    Planted,
}

impl Args {
    /// The program, what it is told, and how many brokers there are to strike. None where nothing is struck.
    fn program(&self) -> Option<(&'static str, Vec<u64>, u16)> {
        match self.what {
            Struck::Line => Some(("coursebus-faults", vec![self.minutes.into()], 3)),
            Struck::Outbox if self.short => Some(("coursebus-faults-outbox", vec![5, 8, 10, 20], 1)),
            Struck::Outbox => {
                let numbers = [self.kills, self.writers, self.hold, self.outage].map(u64::from);
                Some(("coursebus-faults-outbox", numbers.into(), 1))
            }
            Struck::Planted => None,
        }
    }
}

/// Starts services of its own, which nothing else uses, and lets the faults loose on them.
pub fn run(root: &Path, args: &Args) -> Result<()> {
    let Some((program, mut numbers, nodes)) = args.program() else { return planted::run(root) };
    numbers.extend(args.seed);
    let mut services = Services::start(&Wanted::all(nodes))?;
    let mut build = Command::new(env::cargo());
    // As `cargo xtask test` builds: what it has built is not built again with other features.
    build.current_dir(root).args(["build", "--workspace", "--bins", "--tests"]);
    succeed(&mut build)?;
    let endpoints = services.ready()?;
    let debug = env::target_dir(root).join("debug");
    let mut faults = Command::new(debug.join(program));
    faults.current_dir(root).args(numbers.iter().map(u64::to_string));
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
