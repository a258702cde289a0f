//! The project's tasks: `cargo xtask test | services | codegen | bench | faults`. One file a command.

mod bench;
mod codegen;
mod env;
mod faults;
mod run;
mod services;
mod test;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's tasks", disable_help_subcommand = true)]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Checks and tests everything, on real services; this is what CI runs
    Test(test::Args),
    /// Starts and stops a real Kafka, PostgreSQL and MariaDB for tests
    Services(services::Args),
    /// Writes the Rust types of the event schemas
    Codegen {
        /// Only checks that what is committed is what would be written
        #[arg(long)]
        check: bool,
    },
    /// Measures one thing beside what it is compared with, in target/bench/NAME.json
    Bench(bench::Args),
    /// Kills and stops brokers, the database and sinks on a line under load, and audits what is left
    Faults(faults::Args),
}

fn main() -> ExitCode {
    let root = root();
    let done = match Args::parse().task {
        Task::Test(args) => test::run(&root, &args),
        Task::Services(args) => services::run(&root, &args),
        Task::Codegen { check } => codegen::run(&root, check),
        Task::Bench(args) => bench::run(&root, &args),
        Task::Faults(args) => faults::run(&root, &args),
    };
    if let Err(error) = done {
        eprintln!("error: {error:#}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// The workspace's folder: the tasks may be called from any folder inside it.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace").to_path_buf()
}
