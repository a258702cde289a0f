//! `coursebus schema diff`

use std::{path::PathBuf, process::ExitCode};

use coursebus_registry_tools::contracts::diff::diff;

use crate::{
    context::Global,
    contracts::{Source, load},
    failure::Failure,
    output,
};

#[derive(clap::Args)]
pub struct Args {
    /// The folder of the contracts
    #[arg(value_name = "DIR", default_value = "schemas")]
    contracts: PathBuf,
    /// What was there before: git:REV (the same folder in a revision), or a folder
    #[arg(long, value_name = "WHAT")]
    against: String,
}

pub fn run(global: &Global, args: &Args) -> Result<ExitCode, Failure> {
    let old = load(&Source::parse(&args.against, &args.contracts))?;
    let told = diff(&old, &load(&Source::Folder(args.contracts.clone()))?);
    match global.output {
        output::Format::Json => output::line(&told)?,
        output::Format::Table if told.is_empty() => output::print("nothing changed")?,
        output::Format::Table => output::print(&told.join("\n"))?,
    }
    Ok(ExitCode::SUCCESS)
}
