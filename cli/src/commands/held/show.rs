//! `coursebus held show`

use std::process::ExitCode;

use coursebus_sinks_kit::held::shown;

use super::{
    Desk, Which,
    relay::{self, Rows},
};
use crate::{context::Global, failure::Failure, output};

/// One held record, whole: bytes, headers, and what its value says where it can be read
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  coursebus held show discovery dev-course-run-lifecycle/0 17\n  coursebus held show relay 4711"
)]
pub struct Args {
    #[command(flatten)]
    which: Which,
}

pub async fn run(global: &Global, args: Args) -> Result<ExitCode, Failure> {
    let whole = match relay::name(&args.which.sink) {
        Some(name) => Rows::open(global, name).await?.whole(&args.which.partition)?,
        None => {
            let desk = Desk::open(global, &args.which.sink).await?;
            let found = desk.find(&args.which.partition, args.which.offset()?).await?;
            shown::whole(desk.bus.registry.as_ref(), &desk.spec.group(), &found).await
        }
    };
    match global.output {
        output::Format::Json => output::line(&whole)?,
        output::Format::Table => output::print(&serde_json::to_string_pretty(&whole).unwrap_or_default())?,
    }
    Ok(ExitCode::SUCCESS)
}
