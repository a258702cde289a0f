//! `coursebus plan`

use std::{path::PathBuf, process::ExitCode};

use super::apply::needs_registry;
use crate::{context::Global, failure::Failure, output};

/// Says what `apply` would do, and saves it so that `apply FILE` does that or nothing.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  coursebus plan --out plan.json --bus kafka://127.0.0.1:9092 --registry http://127.0.0.1:8081"
)]
pub struct Args {
    /// Where to save the plan
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub async fn run(global: &Global, Args { out }: Args) -> Result<ExitCode, Failure> {
    needs_registry(global)?;
    let plan = global.connect().await?.plan(&global.topic_prefix).await?;
    if let Some(file) = &out {
        let text = serde_json::to_string_pretty(&plan).map_err(std::io::Error::other)? + "\n";
        std::fs::write(file, text).map_err(|e| Failure::from(e).about(file.display().to_string()))?;
    }
    match global.output {
        output::Format::Json => output::line(&plan)?,
        output::Format::Table if plan.steps.is_empty() => output::print("everything is in line with the catalogue")?,
        output::Format::Table => {
            let steps: Vec<String> = plan.steps.iter().map(ToString::to_string).collect();
            output::print(&steps.join("\n"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
