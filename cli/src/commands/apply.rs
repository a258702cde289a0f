//! `coursebus apply`

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use coursebus_registry_tools::plan::{Plan, PlanError};
use coursebus_transport::BusAddress;

use crate::{
    context::Global,
    failure::{Code, Failure},
    output,
};

/// Creates what the catalogue names and is missing: topics, schemas, compatibility levels.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  coursebus apply --bus kafka://127.0.0.1:9092 --registry http://127.0.0.1:8081
  coursebus apply plan.json                  what `plan --out plan.json` said, or nothing")]
pub struct Args {
    /// A saved plan: does what it says, or stops because the world has moved
    #[arg(value_name = "PLAN")]
    plan: Option<PathBuf>,
}

pub async fn run(global: &Global, Args { plan }: Args) -> Result<ExitCode, Failure> {
    needs_registry(global)?;
    let saved = plan.as_deref().map(read).transpose()?;
    let bus = global.connect().await?;
    let now = bus.plan(&global.topic_prefix).await?;
    let todo = match (&saved, plan) {
        (Some(saved), Some(file)) => saved.remaining(now).map_err(|error| refused(&error, &file))?,
        _ => now,
    };
    let applied = bus.execute(&todo).await?;
    match global.output {
        output::Format::Json => output::line(&serde_json::json!({
            "topics": applied.topics,
            "schemas": applied.schemas.iter().map(|(s, v)| serde_json::json!({"subject": s, "version": v})).collect::<Vec<_>>(),
            "levels": applied.levels,
        }))?,
        output::Format::Table if applied.is_empty() => output::print("everything is in line with the catalogue")?,
        output::Format::Table => output::print(&format!(
            "made {} topics, registered {} schemas, set {} compatibility levels",
            applied.topics.len(),
            applied.schemas.len(),
            applied.levels.len()
        ))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// On Kafka what stands without a registry is a view that only reads.
pub fn needs_registry(global: &Global) -> Result<(), Failure> {
    if matches!(global.address()?, BusAddress::Kafka { .. }) && global.registry.is_none() {
        return Err(Failure::usage(
            "on Kafka the catalogue is applied through a registry, and none is named",
            "give --registry URL; `coursebus registry serve` starts one",
        ));
    }
    Ok(())
}

fn read(file: &Path) -> Result<Plan, Failure> {
    let text = std::fs::read_to_string(file).map_err(|e| Failure::from(e).about(file.display().to_string()))?;
    Plan::parse(&text).map_err(|error| refused(&error, file))
}

fn refused(error: &PlanError, file: &Path) -> Failure {
    let next = match error {
        PlanError::Moved { .. } => {
            "nothing was done: look what changed, make a new plan (coursebus plan --out FILE) and apply that"
        }
        PlanError::Prefix { .. } => "give --topic-prefix as when the plan was made, or make a new plan",
        _ => "make a new plan: coursebus plan --out FILE",
    };
    Failure::new(Code::PlanRefused, error.to_string(), file.display().to_string(), next)
}
