//! `coursebus schema list | show | register`

use std::{io::Read, path::PathBuf, process::ExitCode};

use coursebus_registry_tools::{Registration, SchemaId, VersionRef};
use serde_json::json;

use super::topic::plain;
use crate::{context::Global, failure::Failure, output};

#[derive(clap::Subcommand)]
pub enum Command {
    /// All subjects with their versions
    #[command(after_help = "Example:\n  coursebus schema list")]
    List,
    /// One version of a subject, or the schema of an id
    #[command(after_help = "Example:\n  coursebus schema show my-subject --version 1")]
    Show {
        /// A subject, or a schema id
        subject: String,
        /// A version from 1, or latest
        #[arg(long, default_value = "latest")]
        version: String,
    },
    /// Register a schema under a subject; answers with what is there where it is there already
    #[command(after_help = "Example:\n  coursebus schema register my-subject --file event.avsc")]
    Register {
        /// The subject
        subject: String,
        /// The schema; - reads standard input
        #[arg(value_name = "FILE", conflicts_with = "from")]
        file: Option<PathBuf>,
        /// The schema; - reads standard input
        #[arg(long = "file", id = "from", value_name = "FILE")]
        from: Option<PathBuf>,
    },
}

pub async fn run(global: &Global, command: Command) -> Result<ExitCode, Failure> {
    let bus = global.open().await?;
    let registry = bus.registry.as_ref();
    match command {
        Command::List => {
            let mut rows = Vec::new();
            for subject in registry.subjects().await? {
                let versions = registry.versions(&subject).await?;
                let latest = registry.version(&subject, VersionRef::Latest).await?;
                let level = registry.compatibility(Some(&subject)).await?.map(|l| l.to_string());
                rows.push(json!({"subject": subject, "versions": versions, "id": latest.id.0, "compatibility": level}));
            }
            let columns = ["subject", "versions", "id", "compatibility"];
            output::list(global.output, &rows, &columns, |row| columns.map(|c| plain(&row[c])).into())?;
        }
        Command::Show { subject, version } => {
            let (found, schema) = match subject.parse::<u32>() {
                Ok(id) => {
                    let schema = registry.schema(SchemaId(id)).await?;
                    (json!({"id": id}), schema)
                }
                Err(_) => {
                    let found = registry.version(&subject, version.parse()?).await?;
                    (json!({"subject": found.subject, "version": found.version, "id": found.id.0}), found.schema)
                }
            };
            match global.output {
                output::Format::Json => {
                    let mut found = found;
                    found["schema"] = schema.to_string().into();
                    output::line(&found)?;
                }
                output::Format::Table => {
                    let parsed: serde_json::Value =
                        serde_json::from_str(&schema).unwrap_or_else(|_| schema.to_string().into());
                    output::print(&serde_json::to_string_pretty(&parsed).unwrap_or_else(|_| schema.to_string()))?;
                }
            }
        }
        Command::Register { subject, file, from } => {
            let schema = read(file.or(from))?;
            let registered =
                registry.register(Registration { subject: &subject, schema: &schema, import: None }).await?;
            let row = json!({"subject": registered.subject, "version": registered.version, "id": registered.id.0});
            match global.output {
                output::Format::Json => output::line(&row)?,
                output::Format::Table => {
                    let columns = ["subject", "version", "id"];
                    output::print(&output::table(&columns, [columns.map(|c| plain(&row[c])).into()]))?;
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A file's text, or standard input's.
fn read(file: Option<PathBuf>) -> Result<String, Failure> {
    match file {
        Some(path) if path.as_os_str() != "-" => {
            std::fs::read_to_string(&path).map_err(|e| Failure::from(e).about(path.display().to_string()))
        }
        _ => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text)?;
            Ok(text)
        }
    }
}
