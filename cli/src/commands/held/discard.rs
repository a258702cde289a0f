//! `coursebus held discard`

use std::process::ExitCode;

use coursebus_producer::relay::HeldMark;
use coursebus_sinks_kit::{
    HeldPlace, Mark,
    held::{
        desk,
        select::{Filter, to_discard},
        shown,
    },
};
use serde_json::Value;

use super::{
    super::topic::plain,
    By, Desk,
    choose::Choose,
    relay::{self, Rows},
};
use crate::{context::Global, failure::Failure, output};

/// Give held records up; those behind them are applied
///
/// They are kept, as discarded, and take no effect. Those that wait behind them are applied by the
/// running sink. A record behind another is discarded only where it is named, by offset or id.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  coursebus held discard discovery --id 4711 --reason 'sent by mistake'")]
pub struct Args {
    #[command(flatten)]
    choose: Choose,
    /// Why; kept in the log of what was done
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Say what would be given up, and do nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    by: By,
}

pub async fn run(global: &Global, args: Args) -> Result<ExitCode, Failure> {
    args.choose.sink()?;
    let filter = args.choose.filter()?;
    if args.reason.trim().is_empty() {
        return Err(Failure::usage("the reason is empty", "give --reason TEXT"));
    }
    let sink = args.choose.sink()?;
    if let Some(name) = relay::name(sink) {
        return of_relay(global, &Rows::open(global, name).await?, &filter, &args).await;
    }
    let desk = Desk::open(global, sink).await?;
    let all = desk.all().await?;
    let chosen = to_discard(&all, &filter);
    if chosen.is_empty() {
        return Err(desk.not_held("nothing that is parked or dead is chosen by this"));
    }
    let group = desk.spec.group();
    let mut places: Vec<HeldPlace> = chosen.iter().map(|shown| shown.record.place()).collect();
    if !args.dry_run {
        places = desk::mark(desk.store.as_ref(), &group, &places, &Mark::Discard, &args.by.by, &args.reason).await?;
    }
    let mut rows = shown::flat(&group, &chosen.into_iter().cloned().collect::<Vec<_>>());
    rows.retain(|row| {
        places.iter().any(|place| row["offset"] == place.offset.0 && row["topic"] == *place.partition.topic)
    });
    print(global, rows, args.dry_run)
}

/// Of an outbox: those behind a row are published by the running relay.
async fn of_relay(global: &Global, held: &Rows, filter: &Filter, args: &Args) -> Result<ExitCode, Failure> {
    let chosen = held.to_discard(filter)?;
    let mut ids: Vec<i64> = chosen.iter().map(|shown| shown.record.offset.0).collect();
    if !args.dry_run {
        ids = held.mark(&ids, &HeldMark::Discard, &args.by.by, &args.reason).await?;
    }
    let mut rows = shown::flat("relay", &chosen.into_iter().cloned().collect::<Vec<_>>());
    rows.retain(|row| ids.iter().any(|id| row["offset"] == *id));
    print(global, rows, args.dry_run)
}

fn print(global: &Global, mut rows: Vec<Value>, dry_run: bool) -> Result<ExitCode, Failure> {
    for row in rows.iter_mut().filter(|_| !dry_run) {
        row["state"] = "discarded".into();
    }
    let columns = ["topic", "partition", "offset", "state", "code", "key", "type", "id"];
    output::list(global.output, &rows, &columns, |row| columns.map(|c| plain(&row[c])).into())?;
    Ok(ExitCode::SUCCESS)
}
