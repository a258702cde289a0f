//! `coursebus registry serve`

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use coursebus_registry_tools::{LogRegistry, StoreSettings, server};
use serde_json::json;

use crate::{
    context::{Global, stopped},
    failure::Failure,
    output, serve,
};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Serve the registry of the bus over HTTP, in Confluent's API
    #[command(after_help = "Example:\n  coursebus registry serve --bus kafka://127.0.0.1:9092 --listen 127.0.0.1:8081")]
    Serve {
        /// Where to listen; port 0 takes a free one and prints it
        #[arg(long, default_value = "127.0.0.1:8081", value_name = "ADDRESS")]
        listen: String,
        /// A file with lines user:password; needed to listen beyond this machine
        #[arg(long, env = "COURSEBUS_CREDENTIALS", value_name = "FILE")]
        credentials: Option<PathBuf>,
    },
}

pub async fn run(global: &Global, command: Command) -> Result<ExitCode, Failure> {
    let Command::Serve { listen, credentials } = command;
    let credentials = serve::Credentials::read(credentials.as_ref())?;
    let listener = serve::bind(&listen, credentials.as_ref()).await?;
    let log = global.open_log()?;
    let registry = Arc::new(LogRegistry::open(log, StoreSettings::default()).await?);
    output::line(&json!({ "registry": listener.url }))?;
    listener.serve(server::routes(registry), credentials, stopped()).await?;
    Ok(ExitCode::SUCCESS)
}
