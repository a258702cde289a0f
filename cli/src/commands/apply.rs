//! `coursebus apply`

use std::process::ExitCode;

use coursebus_transport::BusAddress;

use crate::{context::Global, failure::Failure, output};

/// Creates what the catalogue names and is missing: topics, schemas, compatibility levels.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  coursebus apply --bus kafka://127.0.0.1:9092 --registry http://127.0.0.1:8081")]
pub struct Args {}

pub async fn run(global: &Global, Args {}: Args) -> Result<ExitCode, Failure> {
    if matches!(global.address()?, BusAddress::Kafka { .. }) && global.registry.is_none() {
        return Err(Failure::usage(
            "on Kafka the catalogue is applied through a registry, and none is named",
            "give --registry URL; `coursebus registry serve` starts one",
        ));
    }
    let bus = global.open().await?;
    let applied = bus.apply(&global.topic_prefix).await?;
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
