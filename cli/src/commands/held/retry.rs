//! `coursebus held retry`

use std::{
    collections::HashMap,
    process::ExitCode,
    time::{Duration, Instant},
};

use coursebus_producer::relay::HeldMark;
use coursebus_sinks_kit::{
    HeldPlace, Mark,
    held::{
        desk::{self, Outcome, Watch},
        select::{Filter, Target, to_retry},
        shown::Shown,
    },
};
use serde_json::{Value, json};

use super::{
    super::topic::plain,
    By, Desk,
    choose::Choose,
    relay::{self, Rows},
};
use crate::{
    context::Global,
    failure::{Code, Failure},
    output,
};

/// How often the outcome is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Ask the running sink to apply held records; those behind them follow in their order
///
/// A record behind another comes back with it, in their order; nothing is put on
/// the topic again. Exit 3 when some failed again, 1 when no running sink took them in time: then the request stays.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  coursebus held retry discovery --code unknown-schema --dry-run
  coursebus held retry discovery dev-course-run-lifecycle/0 17")]
pub struct Args {
    #[command(flatten)]
    choose: Choose,
    /// Say what would be tried, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Ask for so many a second at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// How long to wait for the outcome once all are asked for
    #[arg(long, default_value = "30s", value_name = "DURATION", value_parser = humantime::parse_duration)]
    timeout: Duration,
    #[command(flatten)]
    by: By,
}

pub async fn run(global: &Global, args: Args) -> Result<ExitCode, Failure> {
    let sink = args.choose.sink()?;
    let filter = args.choose.filter()?;
    if let Some(name) = relay::name(sink) {
        return of_relay(global, &Rows::open(global, name).await?, &filter, &args).await;
    }
    let desk = Desk::open(global, sink).await?;
    let all = desk.all().await?;
    let targets = to_retry(&all, &filter);
    if targets.is_empty() {
        return Err(desk.not_held("nothing that is parked or dead is chosen by this"));
    }
    if args.dry_run {
        print(global, &targets, &HashMap::new())?;
        return Ok(ExitCode::SUCCESS);
    }
    if targets.iter().any(|target| target.cause.record.state == "dead") {
        eprintln!("dead records are applied out of their order: their key has gone on without them");
    }
    let outcomes = ask_and_watch(&desk, &targets, &args).await?;
    print(global, &targets, &outcomes)?;
    conclude(&desk, &outcomes)
}

/// Of an outbox: the running relay publishes them. `--rate` is of no use there: it takes one key after the other.
async fn of_relay(global: &Global, rows: &Rows, filter: &Filter, args: &Args) -> Result<ExitCode, Failure> {
    let targets = rows.to_retry(filter)?;
    if args.dry_run {
        print(global, &targets, &HashMap::new())?;
        return Ok(ExitCode::SUCCESS);
    }
    let ids: Vec<i64> = targets.iter().map(|target| target.cause.record.offset.0).collect();
    rows.mark(&ids, &HeldMark::Retry, &args.by.by, "").await?;
    let outcomes = rows.watch(&targets, args.timeout).await?;
    print(global, &targets, &outcomes)?;
    rows.conclude(&outcomes)
}

async fn ask_and_watch(
    desk: &Desk,
    targets: &[Target<'_>],
    args: &Args,
) -> Result<HashMap<HeldPlace, Outcome>, Failure> {
    let (store, group) = (desk.store.as_ref(), desk.spec.group());
    let watch = Watch::new(&group, targets);
    let places: Vec<HeldPlace> = targets.iter().map(|target| target.cause.record.place()).collect();
    let size = args.rate.map_or(places.len(), |rate| rate as usize);
    let mut second = tokio::time::interval(Duration::from_secs(1));
    for chunk in places.chunks(size) {
        second.tick().await;
        desk::mark(store, &group, chunk, &Mark::Retry, &args.by.by, "").await?;
    }
    let deadline = Instant::now() + args.timeout;
    loop {
        let outcomes = watch.look(store).await?;
        let is_over = outcomes.iter().all(|(_, outcome)| *outcome != Outcome::Waiting);
        if is_over || Instant::now() >= deadline {
            return Ok(outcomes.into_iter().collect());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn print(global: &Global, targets: &[Target<'_>], outcomes: &HashMap<HeldPlace, Outcome>) -> Result<(), Failure> {
    let row = |shown: &Shown| {
        let record = &shown.record;
        let outcome = outcomes.get(&record.place());
        let code = if let Some(Outcome::Failed(code)) = outcome { code } else { &record.code };
        json!({
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset.0,
            "key": shown.key,
            "type": record.event_type,
            "id": record.event_id,
            "state": record.state,
            "code": code,
            "behind": record.behind.map(|offset| offset.0),
            "outcome": outcome.map_or("would be tried", Outcome::as_str),
        })
    };
    let all = targets.iter().flat_map(|target| std::iter::once(&target.cause).chain(&target.behind));
    let rows: Vec<Value> = all.map(|shown| row(shown)).collect();
    let columns = ["topic", "partition", "offset", "key", "id", "state", "code", "behind", "outcome"];
    Ok(output::list(global.output, &rows, &columns, |row| columns.map(|c| plain(&row[c])).into())?)
}

fn conclude(desk: &Desk, outcomes: &HashMap<HeldPlace, Outcome>) -> Result<ExitCode, Failure> {
    let any = |is: fn(&Outcome) -> bool| outcomes.values().any(is);
    if any(|outcome| matches!(outcome, Outcome::Failed(_) | Outcome::Behind)) {
        return Ok(ExitCode::from(3));
    }
    if any(|outcome| *outcome == Outcome::Waiting) {
        let what = "no running sink has taken the request in time; it stays";
        let next = format!("run the sink: coursebus sink run {}", desk.spec.name);
        return Err(Failure::new(Code::HeldWaiting, what, desk.spec.group(), next));
    }
    Ok(ExitCode::SUCCESS)
}
