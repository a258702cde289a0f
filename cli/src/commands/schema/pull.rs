//! `coursebus schema pull`

use std::{fs, path::PathBuf, process::ExitCode};

use coursebus_registry_tools::VersionRef;
use serde_json::json;

use super::stored::pretty;
use crate::{commands::topic::plain, context::Global, failure::Failure, output};

#[derive(clap::Args)]
pub struct Args {
    /// The subjects; without any, all
    subjects: Vec<String>,
    /// The folder to write to: a folder a subject, a file a version
    #[arg(long, value_name = "DIR")]
    into: PathBuf,
}

pub async fn run(global: &Global, args: Args) -> Result<ExitCode, Failure> {
    let registry = global.open_registry().await?;
    let subjects = if args.subjects.is_empty() { registry.subjects().await? } else { args.subjects };
    let mut rows = Vec::new();
    for subject in subjects {
        let folder = args.into.join(file_name(&subject));
        fs::create_dir_all(&folder).map_err(|e| Failure::from(e).about(folder.display().to_string()))?;
        for version in registry.versions(&subject).await? {
            let found = registry.version(&subject, VersionRef::Number(version)).await?;
            let file = folder.join(format!("{version}.avsc"));
            let text = pretty(&found.schema) + "\n";
            fs::write(&file, text).map_err(|e| Failure::from(e).about(file.display().to_string()))?;
            rows.push(
                json!({"subject": subject, "version": version, "id": found.id.0, "file": file.display().to_string()}),
            );
        }
    }
    let columns = ["subject", "version", "id", "file"];
    output::list(global.output, &rows, &columns, |row| columns.map(|c| plain(&row[c])).into())?;
    Ok(ExitCode::SUCCESS)
}

/// A subject as the name of a folder. It comes from a registry: no part of it may be a path.
fn file_name(subject: &str) -> String {
    let plain = |at: usize, c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_') || (c == '.' && at > 0);
    let encode = |(at, c): (usize, char)| if plain(at, c) { c.to_string() } else { format!("%{:X}", u32::from(c)) };
    subject.char_indices().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn no_subject_leaves_the_folder() {
        assert_eq!(file_name("dev-grades-coursebus.a.v1.CloudEvent"), "dev-grades-coursebus.a.v1.CloudEvent");
        assert_eq!(file_name("../x"), "%2E.%2Fx");
        assert_eq!(file_name(":.ctx:a"), "%3A.ctx%3Aa");
    }
}
