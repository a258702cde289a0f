//! `coursebus held log`

use std::process::ExitCode;

use coursebus_sinks_kit::{held::shown, open};
use serde_json::Value;

use super::{
    super::{sink::sinks, topic::plain},
    relay,
};
use crate::{context::Global, failure::Failure, output};

/// Who did what to held records, and what came of it
#[derive(clap::Args)]
#[command(after_help = "Example:\n  coursebus held log discovery --last 20")]
pub struct Args {
    /// Sinks, or relay for an outbox (relay:NAME); all sinks where none is given
    names: Vec<String>,
    /// The last so many of each sink
    #[arg(long, default_value_t = 100, value_name = "N")]
    last: u32,
}

pub async fn run(global: &Global, args: Args) -> Result<ExitCode, Failure> {
    let mut rows: Vec<Value> = Vec::new();
    let (outboxes, names): (Vec<String>, Vec<String>) =
        args.names.iter().cloned().partition(|name| relay::name(name).is_some());
    for name in outboxes.iter().filter_map(|name| relay::name(name)) {
        rows.extend(relay::Rows::open(global, name).await?.log(args.last).await?);
    }
    let specs = if outboxes.is_empty() || !names.is_empty() { sinks(&names)? } else { Vec::new() };
    for spec in specs {
        let store = open(&global.database(spec.name)?, &spec).await?;
        let group = spec.group();
        rows.extend(store.held_log(&group, args.last).await?.iter().map(|entry| shown::entry(&group, entry)));
    }
    let columns = ["time", "verb", "by", "group", "topic", "partition", "offset", "detail"];
    output::list(global.output, &rows, &columns, |row| columns.map(|c| plain(&row[c])).into())?;
    Ok(ExitCode::SUCCESS)
}
