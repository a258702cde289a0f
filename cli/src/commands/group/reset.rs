//! `coursebus group reset`

use std::{collections::HashMap, process::ExitCode};

use coursebus_sinks_kit::{Move, PartitionId, SinkSpec, Store, open};
use coursebus_transport::{AdminError, GroupInfo, Log, Offset, Range};
use serde_json::{Value, json};

use super::{super::topic::plain, Whose, partitions};
use crate::{
    context::Global,
    failure::{Code, Failure},
    output, when,
};

const HELP: &str =
    "A sink's position is moved in its database, with a new epoch: a process that still has the partition can
write nothing more. What else happens to a sink, in the same transaction:
  going back      events from there on are applied again, in their order. Upserts leave the rows as they
                  are in the end, but a row shows its older states on the way: readers may see them. Where
                  the sink remembers events (an inbox), all that it remembers is forgotten.
  going forward   events in between are never applied.
  held records    those at or after the new position are removed, because they are met again; also
                  discarded ones. --dry-run says how many.
  audit columns   they are removed, and `sink audit` refuses this database from then on: it would count
                  what was skipped or repeated on purpose as faults.
While members run, a reset is refused. --fence makes it all the same: the members of a sink then end with
error[fenced], within seconds of their next event; start them again.

Examples:
  coursebus group reset discovery --to earliest --dry-run
  coursebus group reset discovery --to 2026-01-01T00:00:00Z --topic dev-course-run-lifecycle
  coursebus group reset discovery --shift -100 --topic dev-course-run-lifecycle/0";

/// Moves a group's positions.
#[derive(clap::Args)]
#[command(after_help = HELP)]
#[command(group = clap::ArgGroup::new("where").required(true))]
pub struct Args {
    /// A sink, or a group by its name
    name: String,
    /// earliest, latest, a time (the first record emitted then or later), or an offset
    #[arg(long, group = "where", value_name = "earliest|latest|TIME|OFFSET")]
    to: Option<String>,
    /// The next offset to read
    #[arg(long, group = "where", value_name = "OFFSET")]
    to_offset: Option<i64>,
    /// So many offsets on, or back where negative; not past the ends of the log
    #[arg(long, group = "where", value_name = "N", allow_negative_numbers = true)]
    shift: Option<i64>,
    /// Only this topic, or only one partition of it; all of the group where none is given
    #[arg(long, value_name = "TOPIC[/PARTITION]")]
    topic: Option<String>,
    /// Say what would be moved from where to where, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Move a sink's positions though members run: they can write nothing more
    #[arg(long)]
    fence: bool,
}

/// Where to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Earliest,
    Latest,
    Time(i64),
    At(Offset),
    Shift(i64),
}

impl Args {
    fn target(&self) -> Result<Target, Failure> {
        if let Some(shift) = self.shift {
            return Ok(Target::Shift(shift));
        }
        if let Some(offset) = self.to_offset {
            return Ok(Target::At(Offset(offset)));
        }
        match self.to.as_deref().unwrap_or_default() {
            "earliest" => Ok(Target::Earliest),
            "latest" => Ok(Target::Latest),
            text => match text.parse::<i64>() {
                Ok(offset) => Ok(Target::At(Offset(offset))),
                Err(_) => when::parse(text, "--to").map(Target::Time),
            },
        }
    }
}

/// A partition that is to be moved.
struct Step {
    id: PartitionId,
    from: Option<Offset>,
    to: Offset,
    /// How many held records go.
    held: Option<u64>,
}

pub async fn run(global: &Global, args: Args) -> Result<ExitCode, Failure> {
    let target = args.target()?;
    let log = global.open_log()?;
    let whose = Whose::find(&args.name);
    let group = log.group(&whose.group()).await?;
    check_members(&whose, &group, &args)?;
    let store = match &whose {
        Whose::Sink(spec) => Some(open(&global.database(spec.name)?, spec).await?),
        Whose::Plain(_) => None,
    };
    let steps = plan(global, log.as_ref(), &whose, &group, store.as_deref(), &args, target).await?;
    if !args.dry_run {
        carry_out(log.as_ref(), &whose, store.as_deref(), &steps).await?;
    }
    print(global, &steps)?;
    Ok(ExitCode::SUCCESS)
}

fn check_members(whose: &Whose, group: &GroupInfo, args: &Args) -> Result<(), Failure> {
    if args.fence && matches!(whose, Whose::Plain(_)) {
        let what = "--fence is for sinks: only a database can keep a member from writing";
        return Err(Failure::usage(what, "stop the members, and leave --fence out").about(group.name.clone()));
    }
    if args.dry_run || args.fence || group.members.is_empty() {
        return Ok(());
    }
    Err(active(&group.name, group.members.len(), matches!(whose, Whose::Sink(_))))
}

fn active(group: &str, members: usize, is_sink: bool) -> Failure {
    let next = if is_sink {
        "stop the processes that run it (on Kafka a killed one counts until its session time-out), or give --fence"
    } else {
        "stop the processes that run it (on Kafka a killed one counts until its session time-out)"
    };
    Failure::new(Code::GroupActive, format!("the group has {members} active member(s)"), group, next)
}

async fn plan(
    global: &Global,
    log: &dyn Log,
    whose: &Whose,
    group: &GroupInfo,
    store: Option<&dyn Store>,
    args: &Args,
    target: Target,
) -> Result<Vec<Step>, Failure> {
    let topics = match whose {
        Whose::Sink(spec) => spec.topics(&global.topic_prefix),
        Whose::Plain(_) => {
            let mut topics: Vec<String> = group.committed.iter().map(|(p, _)| p.topic.to_string()).collect();
            // A group without positions may get some: of the topic that is named.
            topics.extend(args.topic.as_deref().map(|given| split(given).0.to_owned()));
            topics.sort_unstable();
            topics.dedup();
            topics
        }
    };
    let chosen = choose(&topics, args.topic.as_deref(), &group.name)?;
    let from = positions(whose, group, store).await?;
    let mut steps = Vec::new();
    for id in partitions(log, &chosen.topics).await? {
        if chosen.partition.is_some_and(|number| number != id.partition.partition) {
            continue;
        }
        let from = from.get(&id.partition.to_string()).copied();
        let range = log.range(&id.partition).await?;
        let to = match target {
            Target::Time(ms) => log.offset_at(&id.partition, ms).await?,
            target => place(target, from, range).ok_or_else(|| out_of_range(&id, target, range))?,
        };
        let held = match (whose, store) {
            (Whose::Sink(_), Some(store)) => Some(store.held_from(&group.name, &Move { id: id.clone(), to }).await?),
            _ => None,
        };
        steps.push(Step { id, from, to, held });
    }
    if steps.is_empty() {
        let what = "there is no partition to move";
        let next = "give --topic TOPIC or TOPIC/PARTITION of this group: coursebus group describe NAME";
        return Err(Failure::usage(what, next).about(group.name.clone()));
    }
    Ok(steps)
}

/// Which topics, and which partition of them.
struct Chosen {
    topics: Vec<String>,
    partition: Option<i32>,
}

fn choose(topics: &[String], given: Option<&str>, group: &str) -> Result<Chosen, Failure> {
    let Some(given) = given else { return Ok(Chosen { topics: topics.to_vec(), partition: None }) };
    let (topic, partition) = split(given);
    if !topics.iter().any(|t| t == topic) {
        let what = format!("the group does not read topic {topic}");
        let next = format!("give one of: {}", topics.join(", "));
        return Err(Failure::usage(what, next).about(group));
    }
    Ok(Chosen { topics: vec![topic.to_owned()], partition })
}

/// `topic/3` or `topic`: no topic has a slash in its name.
fn split(given: &str) -> (&str, Option<i32>) {
    match given.rsplit_once('/') {
        Some((topic, number)) => (topic, Some(number.parse().unwrap_or(-1))),
        None => (given, None),
    }
}

async fn positions(
    whose: &Whose,
    group: &GroupInfo,
    store: Option<&dyn Store>,
) -> Result<HashMap<String, Offset>, Failure> {
    match (whose, store) {
        (Whose::Sink(_), Some(store)) => {
            let stored = store.positions(&group.name).await?;
            Ok(stored.into_iter().filter_map(|p| Some((p.id.partition.to_string(), p.next?))).collect())
        }
        _ => Ok(group.committed.iter().map(|(partition, next)| (partition.to_string(), *next)).collect()),
    }
}

/// Where a target is in a partition; none where it is not in the log. Pure.
fn place(target: Target, from: Option<Offset>, range: Range) -> Option<Offset> {
    match target {
        Target::Earliest => Some(range.earliest),
        Target::Latest | Target::Time(_) => Some(range.latest),
        Target::At(offset) => (range.earliest..=range.latest).contains(&offset).then_some(offset),
        Target::Shift(by) => {
            let shifted = from.unwrap_or(range.earliest).0.saturating_add(by);
            Some(Offset(shifted.clamp(range.earliest.0, range.latest.0)))
        }
    }
}

fn out_of_range(id: &PartitionId, target: Target, range: Range) -> Failure {
    let Target::At(offset) = target else { unreachable!("only an offset can be outside") };
    let what = format!("offset {offset} is outside the log, which has {} to {}", range.earliest, range.latest);
    let next = "give an offset within, or --to earliest or latest; --topic TOPIC/PARTITION for one partition alone";
    Failure::new(Code::PositionOutOfRange, what, id.partition.to_string(), next)
}

async fn carry_out(log: &dyn Log, whose: &Whose, store: Option<&dyn Store>, steps: &[Step]) -> Result<(), Failure> {
    let group = whose.group();
    let committed: Vec<_> = steps.iter().map(|step| (step.id.partition.clone(), step.to)).collect();
    let (Whose::Sink(spec), Some(store)) = (whose, store) else {
        return log.set_positions(&group, &committed).await.map_err(|error| match error {
            AdminError::GroupActive { members, .. } => active(&group, members, false),
            error => error.into(),
        });
    };
    move_sink(spec, store, steps).await?;
    // For lag tools only: the database is what counts.
    if let Err(error) = log.set_positions(&group, &committed).await {
        tracing::warn!(%error, "the group's committed positions, which only lag tools read, stay as they were");
    }
    Ok(())
}

async fn move_sink(spec: &SinkSpec, store: &dyn Store, steps: &[Step]) -> Result<(), Failure> {
    let moves: Vec<Move> = steps.iter().map(|step| Move { id: step.id.clone(), to: step.to }).collect();
    let moved = store.move_positions(&spec.group(), &moves).await?;
    if moved.held > 0 {
        eprintln!("{}: {} held records were removed: they are met again", spec.name, moved.held);
    }
    if moved.inbox > 0 {
        eprintln!("{}: {} remembered events were forgotten: they are applied again", spec.name, moved.inbox);
    }
    if moved.audit {
        eprintln!("{0}: the audit columns were removed: `sink audit {0}` refuses this database from now on", spec.name);
    }
    Ok(())
}

fn print(global: &Global, steps: &[Step]) -> Result<(), Failure> {
    let rows: Vec<Value> = steps
        .iter()
        .map(|step| {
            json!({
                "topic": &*step.id.partition.topic,
                "partition": step.id.partition.partition,
                "from": step.from.map(|from| from.0),
                "to": step.to.0,
                "held_removed": step.held,
            })
        })
        .collect();
    let columns = ["topic", "partition", "from", "to", "held_removed"];
    Ok(output::list(global.output, &rows, &columns, |row| columns.map(|c| plain(&row[c])).into())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_become_places() {
        let range = Range { earliest: Offset(10), latest: Offset(20) };
        let check = |target, from: Option<i64>, expected: Option<i64>| {
            assert_eq!(place(target, from.map(Offset), range), expected.map(Offset), "{target:?} from {from:?}");
        };
        check(Target::Earliest, Some(15), Some(10));
        check(Target::Latest, None, Some(20));
        check(Target::At(Offset(10)), None, Some(10));
        check(Target::At(Offset(20)), None, Some(20));
        check(Target::At(Offset(9)), None, None);
        check(Target::At(Offset(21)), None, None);
        check(Target::Shift(-3), Some(15), Some(12));
        check(Target::Shift(-30), Some(15), Some(10));
        check(Target::Shift(i64::MAX), Some(15), Some(20));
        check(Target::Shift(2), None, Some(12));
    }

    #[test]
    fn a_topic_may_be_given_with_a_partition() {
        assert_eq!(split("dev-x"), ("dev-x", None));
        assert_eq!(split("dev-x/3"), ("dev-x", Some(3)));
        assert_eq!(split("dev-x/three"), ("dev-x", Some(-1)));
    }
}
