//! `coursebus held list`

use std::process::ExitCode;

use coursebus_sinks_kit::{
    held::{desk, shown},
    open,
};
use serde_json::Value;

use super::{
    super::{sink::sinks, topic::plain},
    relay::{self, Rows},
};
use crate::{context::Global, failure::Failure, output};

/// Held records by cause, or one row a record
#[derive(clap::Args)]
#[command(after_help = "Example:\n  coursebus held list --flat")]
pub struct Args {
    /// Sinks, or relay for an outbox (relay:NAME); all where none is given
    names: Vec<String>,
    /// One row a record
    #[arg(long)]
    flat: bool,
}

pub async fn run(global: &Global, args: Args) -> Result<ExitCode, Failure> {
    let (outboxes, names): (Vec<String>, Vec<String>) =
        args.names.iter().cloned().partition(|name| relay::name(name).is_some());
    let mut rows: Vec<Value> = Vec::new();
    for name in outboxes.iter().filter_map(|name| relay::name(name)) {
        rows.extend(Rows::open(global, name).await?.list(args.flat));
    }
    if args.names.is_empty()
        && let Some(held) = Rows::if_there(global).await?
    {
        rows.extend(held.list(args.flat));
    }
    let specs = if outboxes.is_empty() || !names.is_empty() { sinks(&names)? } else { Vec::new() };
    let bus = global.open().await?;
    for spec in specs {
        let store = open(&global.database(spec.name)?, &spec).await?;
        let all = desk::all(store.as_ref(), bus.registry.as_ref(), &spec).await?;
        rows.extend(if args.flat { shown::flat(&spec.group(), &all) } else { shown::by_cause(&spec.group(), &all) });
    }
    let columns: &[&str] = if args.flat {
        &["group", "topic", "partition", "offset", "state", "code", "behind", "key", "type", "id"]
    } else {
        &["group", "topic", "partition", "offset", "state", "code", "type", "count", "waiting", "first", "last"]
    };
    output::list(global.output, &rows, columns, |row| columns.iter().map(|c| plain(&row[*c])).collect())?;
    Ok(ExitCode::SUCCESS)
}
