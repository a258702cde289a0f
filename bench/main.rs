//! Whole-system benches, each beside what it is compared with: `cargo xtask bench NAME`.
//!
//! A bench is a list of works; each work is measured in turn with the thing beside it (A B A B) and becomes one
//! [`measure::Figure`]. `docs/figures.md` says how to read them.
//!
//! What is not here: starting services (xtask does that), and any assertion: a bench reports.

mod consumer;
mod env;
mod line;
mod measure;
mod producer;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "coursebus-bench", about = "Benches of the whole system, each beside what it is compared with")]
struct Cli {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Subcommand)]
enum Bench {
    /// The benches there are
    List,
    /// Every step of the line: emit, consume, the embedded log, a real platform's history
    Line(line::Args),
    /// The consumer engine: dispatch by order key, slow handlers, poison, a call that hangs, typed consume on Kafka
    Consumer(line::Args),
    /// Typed emit on Kafka, and what compression and linger do to it
    Producer(line::Args),
    /// The writing half of the bench of tails; runs in a process of its own
    #[command(hide = true)]
    TailWriter(line::tail::WriterArgs),
}

fn main() -> Result<ExitCode> {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Runtime::new()?;
    let outcome = match cli.bench {
        Bench::List => {
            println!("line\nconsumer\nproducer");
            Ok(ExitCode::SUCCESS)
        }
        Bench::Line(args) => runtime.block_on(line::run(&args)),
        Bench::Consumer(args) => runtime.block_on(consumer::run(&args)),
        Bench::Producer(args) => runtime.block_on(producer::run(&args)),
        Bench::TailWriter(args) => runtime.block_on(line::tail::write(&args)).map(|()| ExitCode::SUCCESS),
    };
    // A client that is still closing need not finish.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    outcome
}
