//! The `coursebus` command. One file a command; [`context`] is the only place that reads environment variables.

mod commands;
mod context;
mod contracts;
mod failure;
mod findings;
mod metrics;
mod node;
mod otlp;
mod oulad;
mod output;
mod serve;
mod when;

use std::{io::IsTerminal, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::{context::Global, failure::Failure, output::Choice};

/// An event bus for the services of a learning platform, with a schema registry and sinks that keep each service's tables
/// current.
#[derive(Parser)]
#[command(name = "coursebus", version, disable_help_subcommand = true, after_help = EXAMPLES)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "Examples:
  coursebus demo                                   the whole line, in a fresh directory
  coursebus event list                             the event types there are
  coursebus event tail --from earliest --until-end what is on the bus
  coursebus sink run discovery --until-caught-up   bring a service's tables up to date";

#[derive(Subcommand)]
enum Command {
    /// Run the whole line in a fresh directory: emit, sink, audit
    Demo(commands::demo::Args),
    /// Run everything in one process: registry, sinks, read APIs
    Up(commands::up::Args),
    /// Say what `apply` would do, and save it
    Plan(commands::plan::Args),
    /// Create the catalogue's topics, schemas and compatibility levels; changes nothing that is there
    Apply(commands::apply::Args),
    /// Event types, and events on the bus
    #[command(subcommand)]
    Event(commands::event::Command),
    /// Schemas in the registry
    #[command(subcommand)]
    Schema(commands::schema::Command),
    /// The services' tables
    #[command(subcommand)]
    Sink(commands::sink::Command),
    /// Consumer groups: where they are, and moving them
    #[command(subcommand)]
    Group(commands::group::Command),
    /// Records that could not be applied
    #[command(subcommand)]
    Held(commands::held::Command),
    /// Events that services write as rows of their own databases
    #[command(subcommand)]
    Outbox(commands::outbox::Command),
    /// Publishing those rows
    #[command(subcommand)]
    Relay(commands::relay::Command),
    /// Topics of the bus
    #[command(subcommand)]
    Topic(commands::topic::Command),
    /// The schema registry's server
    #[command(subcommand)]
    Registry(commands::registry::Command),
    /// Check the bus, the registry and the databases, and say what is wrong
    Doctor(commands::doctor::Args),
}

/// What is logged unless `COURSEBUS_LOG` says otherwise. While a broker is away librdkafka says so twenty times a second; what
/// comes of it stands in the errors.
const LOG: &str = "warn,librdkafka=error";

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return not_understood(&error),
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("COURSEBUS_LOG");
    tracing_subscriber::fmt()
        .with_env_filter(filter.unwrap_or_else(|_| LOG.into()))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("{}", Failure::from(error).about("the runtime"));
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(async {
        outlive_file_size_limit();
        run(cli).await
    });
    // What still reads ahead or follows a topic need not finish.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    match outcome {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(failure.exit)
        }
    }
}

/// A write past a limit of file sizes is to be an error that says so: by default the system ends the process without a word.
fn outlive_file_size_limit() {
    /// On Linux (but on MIPS), macOS and the BSDs.
    const SIGXFSZ: i32 = 25;
    use tokio::signal::unix::{SignalKind, signal};
    // Once it was listened for it ends no process, also when nobody listens any more.
    if let Err(error) = signal(SignalKind::from_raw(SIGXFSZ)) {
        tracing::warn!(%error, "a limit of file sizes would end this process without a word");
    }
}

/// Prints the help that was asked for, or what is wrong with the command line in the shape of all errors.
fn not_understood(error: &clap::Error) -> ExitCode {
    use clap::error::ErrorKind;
    if !error.use_stderr() || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        error.exit();
    }
    let failure = Failure::from(error);
    eprintln!("{failure}");
    ExitCode::from(failure.exit)
}

async fn run(mut cli: Cli) -> Result<ExitCode, Failure> {
    let reports = matches!(&cli.command, Command::Schema(command) if command.reports());
    if !reports && matches!(cli.global.choice, Choice::Junit | Choice::Github) {
        return Err(
            Failure::usage("this command has no findings to print so", "give -o table or -o json").about("--output")
        );
    }
    cli.global.output = cli.global.choice.into();
    let global = &cli.global;
    match cli.command {
        Command::Demo(args) => commands::demo::run(args).await,
        Command::Up(args) => commands::up::run(global, args).await,
        Command::Plan(args) => commands::plan::run(global, args).await,
        Command::Apply(args) => commands::apply::run(global, args).await,
        Command::Event(command) => commands::event::run(global, command).await,
        Command::Schema(command) => commands::schema::run(global, command).await,
        Command::Sink(command) => commands::sink::run(global, command).await,
        Command::Group(command) => commands::group::run(global, command).await,
        Command::Held(command) => commands::held::run(global, command).await,
        Command::Outbox(command) => commands::outbox::run(global, command).await,
        Command::Relay(command) => commands::relay::run(global, command).await,
        Command::Topic(command) => commands::topic::run(global, command).await,
        Command::Registry(command) => commands::registry::run(global, command).await,
        Command::Doctor(args) => commands::doctor::run(global, args).await,
    }
}
