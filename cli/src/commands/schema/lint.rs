//! `coursebus schema lint`

use std::{path::PathBuf, process::ExitCode};

use coursebus_registry_tools::contracts::lint::lint;

use crate::{
    context::Global,
    contracts::{Source, load},
    failure::Failure,
    findings,
};

#[derive(clap::Args)]
pub struct Args {
    /// The folder of the contracts: catalog.toml, avro/, lint.toml
    #[arg(value_name = "DIR", default_value = "schemas")]
    contracts: PathBuf,
}

pub fn run(global: &Global, args: &Args) -> Result<ExitCode, Failure> {
    let contracts = load(&Source::Folder(args.contracts.clone()))?;
    findings::report(global, "schema lint", &args.contracts, &lint(&contracts))
}
