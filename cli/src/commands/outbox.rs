//! `coursebus outbox install | status`

use std::process::ExitCode;

use coursebus_producer::relay::{Outbox, OutboxAddress, migration};
use serde_json::json;

use super::topic::plain;
use crate::{
    context::Global,
    failure::Failure,
    output::{self, Format},
};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Make the outbox's tables in a service's database; changes nothing that is there
    #[command(after_help = "Example:\n  coursebus outbox install --db postgres://127.0.0.1/lms --print")]
    Install {
        /// The outbox: its database is --db NAME=URL, else --db
        #[arg(default_value = "outbox", value_name = "NAME")]
        name: String,
        /// Only print the SQL
        #[arg(long)]
        print: bool,
    },
    /// What waits in an outbox, and which relay is active
    #[command(after_help = "Example:\n  coursebus outbox status --db postgres://127.0.0.1/lms")]
    Status {
        /// The outbox: its database is --db NAME=URL, else --db
        #[arg(default_value = "outbox", value_name = "NAME")]
        name: String,
    },
}

pub async fn run(global: &Global, command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Install { name, print } => install(&global.outbox(&name)?, print).await?,
        Command::Status { name } => status(global, &name).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn install(address: &OutboxAddress, print: bool) -> Result<(), Failure> {
    if print {
        return Ok(output::print(migration(address).trim_end())?);
    }
    if let OutboxAddress::Sqlite { file } = address
        && let Some(dir) = file.parent()
    {
        std::fs::create_dir_all(dir).map_err(|error| Failure::from(error).about(dir.display().to_string()))?;
    }
    let installed = Outbox::install(address).await;
    installed.map_err(|error| Failure::from(error).about(address.to_string()))?;
    eprintln!("the outbox is in {address}");
    Ok(())
}

async fn status(global: &Global, name: &str) -> Result<(), Failure> {
    let address = global.outbox(name)?;
    let about = |failure: Failure| failure.about(address.to_string());
    let outbox = Outbox::open(&address).await.map_err(|error| about(error.into()))?;
    let status = outbox.status().await.map_err(|error| about(error.into()))?;
    let whole = json!({
        "outbox": address.to_string(),
        "identity": status.identity,
        "waiting": status.waiting,
        "oldest_seconds": status.oldest_ms.map(|ms| ms as f64 / 1_000.0),
        "held": status.held,
        "relay": status.relay,
        "batches": status.batches,
    });
    match global.output {
        Format::Json => output::line(&whole)?,
        Format::Table => {
            let rows = whole.as_object().into_iter().flatten().map(|(name, value)| vec![name.clone(), plain(value)]);
            output::print(&output::table(&["what", "is"], rows))?;
        }
    }
    Ok(())
}
