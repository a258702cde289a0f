//! `coursebus schema list | show | register`

use std::{io::Read, path::PathBuf, process::ExitCode};

use coursebus_registry_tools::{Registration, SchemaId, VersionRef};
use serde_json::json;

use crate::{commands::topic::plain, context::Global, failure::Failure, output};

#[derive(clap::Args)]
pub struct Show {
    /// A subject, or a schema id
    subject: String,
    /// A version from 1, or latest
    #[arg(long, default_value = "latest")]
    version: String,
}

#[derive(clap::Args)]
pub struct Register {
    /// The subject
    subject: String,
    /// The schema; - reads standard input
    #[arg(value_name = "FILE", conflicts_with = "from")]
    file: Option<PathBuf>,
    /// The schema; - reads standard input
    #[arg(long = "file", id = "from", value_name = "FILE")]
    from: Option<PathBuf>,
}

pub async fn list(global: &Global) -> Result<ExitCode, Failure> {
    let registry = global.open_registry().await?;
    let mut rows = Vec::new();
    for subject in registry.subjects().await? {
        let versions = registry.versions(&subject).await?;
        let latest = registry.version(&subject, VersionRef::Latest).await?;
        let level = registry.compatibility(Some(&subject)).await?.map(|l| l.to_string());
        rows.push(json!({"subject": subject, "versions": versions, "id": latest.id.0, "compatibility": level}));
    }
    let columns = ["subject", "versions", "id", "compatibility"];
    output::list(global.output, &rows, &columns, |row| columns.map(|c| plain(&row[c])).into())?;
    Ok(ExitCode::SUCCESS)
}

pub async fn show(global: &Global, Show { subject, version }: Show) -> Result<ExitCode, Failure> {
    let registry = global.open_registry().await?;
    let (mut found, schema) = match subject.parse::<u32>() {
        Ok(id) => (json!({"id": id}), registry.schema(SchemaId(id)).await?),
        Err(_) => {
            let found = registry.version(&subject, version.parse()?).await?;
            (json!({"subject": found.subject, "version": found.version, "id": found.id.0}), found.schema)
        }
    };
    match global.output {
        output::Format::Json => {
            found["schema"] = schema.to_string().into();
            output::line(&found)?;
        }
        output::Format::Table => output::print(&pretty(&schema))?,
    }
    Ok(ExitCode::SUCCESS)
}

pub async fn register(global: &Global, args: Register) -> Result<ExitCode, Failure> {
    let Register { subject, file, from } = args;
    let schema = read(file.or(from))?;
    let registry = global.open_registry().await?;
    let registered = registry.register(Registration { subject: &subject, schema: &schema, import: None }).await?;
    let row = json!({"subject": registered.subject, "version": registered.version, "id": registered.id.0});
    one(global, &row, &["subject", "version", "id"])
}

/// Prints one thing: as an object, or as a table of one row.
pub fn one(global: &Global, row: &serde_json::Value, columns: &[&str]) -> Result<ExitCode, Failure> {
    match global.output {
        output::Format::Json => output::line(row)?,
        output::Format::Table => {
            output::print(&output::table(columns, [columns.iter().map(|c| plain(&row[*c])).collect()]))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A schema over several lines; as it is where it is not JSON.
pub fn pretty(schema: &str) -> String {
    let parsed: Result<serde_json::Value, _> = serde_json::from_str(schema);
    parsed.and_then(|parsed| serde_json::to_string_pretty(&parsed)).unwrap_or_else(|_| schema.to_owned())
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
