//! `coursebus held list`

use std::process::ExitCode;

use coursebus_sinks_kit::{
    held::{desk, shown},
    open,
};
use serde_json::Value;

use super::{
    super::{sink::sinks, topic::plain},
    on_topics,
    relay::{self, Rows},
};
use crate::{context::Global, failure::Failure, output};

/// Held records by cause, or one row a record
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  coursebus held list --flat\n  coursebus held list --group coursebus-mailer")]
pub struct Args {
    /// Sinks, or relay for an outbox (relay:NAME); all where none is given
    #[arg(conflicts_with = "group")]
    names: Vec<String>,
    /// Of a group of handlers or a pipe, which hold on topics; or of a sink, by its group
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
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
        && args.group.is_none()
        && let Some(held) = Rows::if_there(global).await?
    {
        rows.extend(held.list(args.flat));
    }
    let specs = match &args.group {
        Some(group) => coursebus_sinks::all().into_iter().filter(|spec| spec.group() == *group).collect(),
        None if outboxes.is_empty() || !names.is_empty() => sinks(&names)?,
        None => Vec::new(),
    };
    let bus = global.open().await?;
    let mut add = |group: &str, all: &[shown::Shown]| {
        rows.extend(if args.flat { shown::flat(group, all) } else { shown::by_cause(group, all) });
    };
    for spec in &specs {
        let store = open(&global.database(spec.name)?, spec).await?;
        add(&spec.group(), &desk::all(store.as_ref(), bus.registry.as_ref(), spec).await?);
    }
    if let (Some(group), []) = (&args.group, &*specs) {
        add(group, &on_topics::all(bus.log.as_ref(), bus.registry.as_ref(), group).await?);
    }
    let columns: &[&str] = if args.flat {
        &["group", "topic", "partition", "offset", "state", "code", "behind", "key", "type", "id"]
    } else {
        &["group", "topic", "partition", "offset", "state", "code", "type", "count", "waiting", "first", "last"]
    };
    output::list(global.output, &rows, columns, |row| columns.iter().map(|c| plain(&row[*c])).collect())?;
    Ok(ExitCode::SUCCESS)
}
