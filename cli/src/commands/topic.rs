//! `coursebus topic list | describe`

use std::process::ExitCode;

use coursebus_transport::TopicPartition;
use serde_json::json;

use crate::{context::Global, failure::Failure, output};

#[derive(clap::Subcommand)]
pub enum Command {
    /// All topics of the bus
    #[command(after_help = "Example:\n  coursebus topic list")]
    List,
    /// One topic with its partitions
    #[command(after_help = "Example:\n  coursebus topic describe dev-course-run-lifecycle")]
    Describe {
        /// The full name
        topic: String,
    },
}

pub async fn run(global: &Global, command: Command) -> Result<ExitCode, Failure> {
    let log = global.open_log()?;
    match command {
        Command::List => {
            let topics = log.topics().await?;
            let rows: Vec<_> = topics
                .iter()
                .map(|t| json!({"topic": t.name, "partitions": t.partitions, "replication": t.replication, "id": t.id.0}))
                .collect();
            output::list(global.output, &rows, &["topic", "partitions", "replication"], |row| {
                ["topic", "partitions", "replication"].map(|c| plain(&row[c])).into()
            })?;
        }
        Command::Describe { topic } => {
            let info = log.topic(&topic).await?;
            let mut partitions = Vec::new();
            for number in 0..info.partitions {
                let range = log.range(&TopicPartition::new(topic.as_str(), number)).await?;
                partitions.push(json!({"partition": number, "earliest": range.earliest.0, "latest": range.latest.0}));
            }
            match global.output {
                output::Format::Json => output::line(&json!({
                    "topic": info.name, "id": info.id.0, "replication": info.replication,
                    "settings": info.settings, "partitions": partitions
                }))?,
                output::Format::Table => {
                    let columns = ["partition", "earliest", "latest"];
                    let rows = partitions.iter().map(|p| columns.map(|c| plain(&p[c])).into());
                    output::print(&output::table(&columns, rows))?;
                    let settings = info.settings.iter().map(|(name, value)| vec![name.clone(), value.clone()]);
                    output::print(&output::table(&["setting", "value"], settings))?;
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A JSON value as people read it.
pub fn plain(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Null => String::new(),
        other => other.to_string(),
    }
}
