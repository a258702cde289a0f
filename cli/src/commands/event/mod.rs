//! `coursebus event list | show | emit | tail | trace | import`

mod emit;
mod import;
mod list;
mod registered;
mod tail;
mod trace;

use std::process::ExitCode;

use crate::{context::Global, failure::Failure};

#[derive(clap::Subcommand)]
pub enum Command {
    /// The event types of the catalogue
    #[command(after_help = "Examples:\n  coursebus event list -o json\n  coursebus event list --registered")]
    List {
        /// Also those that only the registry knows: other services' types
        #[arg(long)]
        registered: bool,
    },
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
        Command::List { registered } => list::list(global, registered).await,
        Command::Show { event_type } => list::show(global, &event_type).await,
        Command::Emit(args) => emit::run(global, args).await,
        Command::Tail(args) => tail::run(global, args).await,
        Command::Trace(args) => trace::run(global, args).await,
        Command::Import(source) => import::run(global, source).await,
    }
}
