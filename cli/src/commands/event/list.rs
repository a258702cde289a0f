//! `coursebus event list` and `event show TYPE`

use std::process::ExitCode;

use coursebus_schemas::{EventType, catalog};
use serde_json::{Value, json};

use super::registered;
use crate::{
    commands::topic::plain,
    context::Global,
    failure::{Code, Failure},
    output,
};

pub async fn list(global: &Global, registered: bool) -> Result<ExitCode, Failure> {
    let mut rows: Vec<Value> = catalog().events().iter().map(|t| described(t, &global.topic_prefix)).collect();
    if registered {
        rows.extend(registered::all(global).await?.iter().map(registered::described));
    }
    rows.sort_by_cached_key(|row| row["type"].to_string());
    let columns = ["type", "owner", "topic", "description"];
    output::list(global.output, &rows, &columns, |row| columns.map(|c| plain(&row[c])).into())?;
    Ok(ExitCode::SUCCESS)
}

pub async fn show(global: &Global, name: &str) -> Result<ExitCode, Failure> {
    let (mut row, schema) = match find(name) {
        Ok(event_type) => (described(event_type, &global.topic_prefix), event_type.schema.to_owned()),
        Err(unknown) => match registered::find(global, name).await? {
            Some(found) => (registered::described(&found), found.schema.to_string()),
            None => return Err(unknown),
        },
    };
    let schema: Value = serde_json::from_str(&schema).unwrap_or_default();
    match global.output {
        output::Format::Json => {
            row["schema"] = schema;
            output::line(&row)?;
        }
        output::Format::Table => {
            let pairs = row.as_object().into_iter().flatten();
            let pairs = pairs.map(|(name, value)| vec![name.clone(), plain(value)]);
            output::print(&output::table(&["", name], pairs))?;
            output::print(&serde_json::to_string_pretty(&schema).unwrap_or_default())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The event type of this name.
pub fn find(name: &str) -> Result<&'static EventType, Failure> {
    catalog().by_name(name).ok_or_else(|| {
        let what = format!("event type '{}' is not in the catalogue", name.chars().take(200).collect::<String>());
        Failure::new(Code::UnknownEventType, what, "TYPE", "see what there is: coursebus event list")
    })
}

fn described(t: &EventType, prefix: &str) -> Value {
    let paths: Vec<String> = t.order_by.iter().map(|path| path.join(".")).collect();
    json!({
        "type": t.name,
        "owner": t.owner,
        "topic": t.topic.full_topic(prefix),
        "version": format!("{}.{}", t.major, t.minor),
        "key": t.key.path.join("."),
        "order_by": paths,
        "partitioner": t.topic.partitioner.as_str(),
        "compatibility": t.compatibility.as_str(),
        "personal_data": t.personal_data,
        "subject": t.value_subject(prefix),
        "description": t.description,
    })
}
