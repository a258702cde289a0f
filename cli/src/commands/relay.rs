//! `coursebus relay run`

use std::{process::ExitCode, time::Duration};

use coursebus_producer::relay::{self, Outbox, RelaySettings};
use serde_json::json;

use crate::{
    context::{Global, stopped},
    failure::{Code, Failure},
    output,
};

#[derive(clap::Subcommand)]
pub enum Command {
    Run(RunArgs),
}

/// Publish the rows of a service's outbox, and delete them
///
/// Several may run for one outbox: one is active, the others take over when it
/// has gone. Prints what it did when it ends.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  coursebus relay run --db postgres://127.0.0.1/lms --until-empty")]
pub struct RunArgs {
    /// The outbox: its database is --db NAME=URL, else --db
    #[arg(default_value = "outbox", value_name = "NAME")]
    name: String,
    /// End when there are no rows
    #[arg(long)]
    until_empty: bool,
    /// Give up after so long (exit 1)
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    timeout: Option<Duration>,
    /// Without transactions: seen sooner, and after a crash the last rows may be published twice
    #[arg(long)]
    plain: bool,
    /// After so long without a sign of life another relay takes over; 1s at least
    #[arg(long, default_value = "10s", value_name = "DURATION", value_parser = humantime::parse_duration)]
    lease: Duration,
    /// How many rows one transaction publishes at most
    #[arg(long, default_value_t = 4_000, value_name = "N")]
    batch_rows: usize,
}

pub async fn run(global: &Global, command: Command) -> Result<ExitCode, Failure> {
    let Command::Run(args) = command;
    let address = global.outbox(&args.name)?;
    let about = |failure: Failure| failure.about(address.to_string());
    let outbox = Outbox::open(&address).await.map_err(|error| about(error.into()))?;
    // Before a bus is made for nothing.
    outbox.status().await.map_err(|error| about(error.into()))?;
    let bus = global.open().await?;
    let host = global.producer_settings().source_host;
    let settings = RelaySettings {
        topic_prefix: global.topic_prefix.clone(),
        holder: format!("{host} process {}", std::process::id()),
        source_host: host,
        plain: args.plain,
        until_empty: args.until_empty,
        lease: args.lease,
        batch_rows_max: args.batch_rows,
    };
    let relay = relay::run(&outbox, bus.log, bus.registry, settings, stopped());
    let summary = match args.timeout {
        None => relay.await,
        Some(limit) => tokio::time::timeout(limit, relay).await.map_err(|_| {
            let next = "look at what is in the way: coursebus outbox status, coursebus doctor";
            let what = format!("the relay had not ended within {}", humantime::format_duration(limit));
            about(Failure::new(Code::Timeout, what, "", next))
        })?,
    };
    let summary = summary.map_err(|error| about(error.into()))?;
    output::line(&json!({
        "published": summary.published,
        "recovered": summary.recovered,
        "held": summary.held,
    }))?;
    Ok(ExitCode::SUCCESS)
}
