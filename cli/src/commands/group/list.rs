//! `coursebus group list`

use std::{collections::BTreeSet, process::ExitCode};

use serde_json::{Value, json};

use super::{super::topic::plain, Whose};
use crate::{context::Global, failure::Failure, output};

pub async fn run(global: &Global) -> Result<ExitCode, Failure> {
    let log = global.open_log()?;
    let mut names: BTreeSet<String> = log.groups().await?.into_iter().collect();
    names.extend(coursebus_sinks::all().iter().map(|spec| spec.group()));
    let mut rows: Vec<Value> = Vec::new();
    for name in names {
        let group = log.group(&name).await?;
        let sink = match Whose::find(&name) {
            Whose::Sink(spec) => Some(spec.name),
            Whose::Plain(_) => None,
        };
        rows.push(json!({
            "group": name,
            "sink": sink,
            "members": group.members.len(),
            "rebalancing": group.rebalancing,
            "committed_partitions": group.committed.len(),
        }));
    }
    let columns = ["group", "sink", "members", "rebalancing", "committed_partitions"];
    output::list(global.output, &rows, &columns, |row| columns.map(|c| plain(&row[c])).into())?;
    Ok(ExitCode::SUCCESS)
}
