//! `coursebus event list | show | emit | tail | trace | import`

mod emit;
mod import;
mod list;
mod tail;
mod trace;

use std::process::ExitCode;

use crate::{context::Global, failure::Failure};

#[derive(clap::Subcommand)]
pub enum Command {
    /// The event types of the catalogue
    #[command(after_help = "Example:\n  coursebus event list -o json")]
    List,
    /// One event type: topic, key, order, schema
    #[command(after_help = "Example:\n  coursebus event show coursebus.subscription.plan.created.v1")]
    Show {
        /// The event type
        #[arg(value_name = "TYPE")]
        event_type: String,
    },
    /// Emit events of a type, one JSON line each
    Emit(emit::Args),
    /// Print the events on topics as JSON lines
    Tail(tail::Args),
    /// Where an event is: topic, partition, offset, and per sink applied, held or waiting
    Trace(trace::Args),
    /// Emit the history of another platform's export
    #[command(subcommand)]
    Import(import::Source),
}

pub async fn run(global: &Global, command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::List => list::list(global),
        Command::Show { event_type } => list::show(global, &event_type),
        Command::Emit(args) => emit::run(global, args).await,
        Command::Tail(args) => tail::run(global, args).await,
        Command::Trace(args) => trace::run(global, args).await,
        Command::Import(source) => import::run(global, source).await,
    }
}
