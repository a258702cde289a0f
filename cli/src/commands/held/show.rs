//! `coursebus held show`

use std::process::ExitCode;

use coursebus_sinks_kit::held::shown;

use super::Desk;
use crate::{context::Global, failure::Failure, output};

/// One held record, whole: bytes, headers, and what its value says where it can be read
#[derive(clap::Args)]
#[command(after_help = "Example:\n  coursebus held show discovery dev-course-run-lifecycle/0 17")]
pub struct Args {
    /// The sink that holds it
    sink: String,
    /// topic/partition
    partition: String,
    /// The record's offset
    offset: i64,
}

pub async fn run(global: &Global, args: Args) -> Result<ExitCode, Failure> {
    let desk = Desk::open(global, &args.sink).await?;
    let found = desk.find(&args.partition, args.offset).await?;
    let whole = shown::whole(desk.bus.registry.as_ref(), &desk.spec.group(), &found).await;
    match global.output {
        output::Format::Json => output::line(&whole)?,
        output::Format::Table => output::print(&serde_json::to_string_pretty(&whole).unwrap_or_default())?,
    }
    Ok(ExitCode::SUCCESS)
}
