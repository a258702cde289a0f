//! `line`: every step of the line beside the raw thing that it stands on.

mod append;
pub(crate) mod consume;
pub(crate) mod emit;
pub(crate) mod event;
pub(crate) mod kafka;
mod oulad;
pub(crate) mod raw;
mod read;
pub mod tail;

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::{
    env,
    measure::{Machine, Plan, Report, Side},
};

/// How a bench is run.
#[derive(clap::Args)]
pub struct Args {
    /// A tenth of the work and two pairs: tries the bench out, measures nothing
    #[arg(long)]
    quick: bool,
    /// How many pairs count
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pairs: Option<u16>,
    /// Only the parts with this in their name (line: append, tail, read, emit, consume, oulad; consumer: dispatch, keys,
    /// poison, hang, pipe, kafka-consume, peer, kafka-pipe; producer: emit,
    /// batches-none, batches-lz4, batches-zstd)
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// Runs one side only, for a profiler; what it prints is no figure and goes to NAME-profile.json
    #[arg(long, value_name = "SIDE")]
    profile: Option<Side>,
    /// Where the figures go
    #[arg(long, value_name = "FOLDER", default_value = "target/bench")]
    out: PathBuf,
}

impl Args {
    /// Whether a part was asked for.
    pub(crate) fn wants(&self, part: &str) -> bool {
        part.contains(&self.only)
    }
}

/// What the works share.
pub(crate) struct Bench {
    pub(crate) plan: Plan,
    scratch: TempDir,
    pub(crate) report: Report,
}

impl Bench {
    /// An empty report of the bench `name`.
    pub(crate) fn start(args: &Args, name: &str) -> Result<Self> {
        let machine = Machine::look();
        std::fs::create_dir_all(&args.out).with_context(|| args.out.display().to_string())?;
        let pairs = args.pairs.map_or(if args.quick { 2 } else { 7 }, usize::from);
        let file = if args.profile.is_some() { format!("{name}-profile.json") } else { format!("{name}.json") };
        Ok(Self {
            plan: Plan { pairs, shorten: if args.quick { 10 } else { 1 }, side: args.profile },
            scratch: tempfile::Builder::new().prefix("scratch-").tempdir_in(&args.out)?,
            report: Report::new(args.out.join(file), machine),
        })
    }

    /// An empty folder, on the disk that the figures go to: a folder for temporary files may be in memory.
    pub(crate) fn folder(&self) -> Result<TempDir> {
        Ok(tempfile::tempdir_in(self.scratch.path())?)
    }
}

/// Runs what was asked for.
pub async fn run(args: &Args) -> Result<ExitCode> {
    let mut bench = Bench::start(args, "line")?;
    let wanted = |part: &str| args.wants(part);
    if wanted("append") {
        let outcome = append::run(&mut bench).await;
        bench.note("append", outcome);
    }
    if wanted("tail") {
        let outcome = tail::run(&mut bench).await;
        bench.note("tail", outcome);
    }
    if wanted("read") {
        let outcome = read::run(&mut bench).await;
        bench.note("read", outcome);
    }
    match env::kafka_bootstrap() {
        None => bench.report.skip("emit and consume on Kafka", "KAFKA_BOOTSTRAP is not set"),
        Some(bootstrap) => {
            if wanted("emit") {
                let outcome = emit::run(&mut bench, &bootstrap).await;
                bench.note("emit", outcome);
            }
            if wanted("consume") {
                let outcome = consume::run(&mut bench, &bootstrap).await;
                bench.note("consume", outcome);
            }
        }
    }
    if wanted("oulad") {
        let outcome = oulad::run(&mut bench).await;
        bench.note("oulad", outcome);
    }
    Ok(if bench.report.finish() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Bench {
    /// A part that fails does not take the others with it.
    pub(crate) fn note(&mut self, part: &str, outcome: Result<()>) {
        if let Err(error) = outcome {
            self.report.fail(part, &error);
        }
    }
}
