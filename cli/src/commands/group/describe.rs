//! `coursebus group describe`

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    process::ExitCode,
};

use coursebus_sinks_kit::{HeldCount, Position, find_gap, open};
use coursebus_transport::{GroupInfo, Log, Offset, Range, TopicPartition};
use serde_json::{Value, json};

use super::{super::topic::plain, Whose, lag::first_emitted, partitions};
use crate::{context::Global, failure::Failure, output, when};

pub async fn run(global: &Global, name: &str) -> Result<ExitCode, Failure> {
    let log = global.open_log()?;
    let whose = Whose::find(name);
    let group = log.group(&whose.group()).await?;
    let sink = Sink::read(global, &whose).await?;
    let topics = match &whose {
        Whose::Sink(spec) => spec.topics(&global.topic_prefix),
        Whose::Plain(_) => topics_of(&group),
    };
    let rows = rows(log.as_ref(), &group, sink.as_ref(), &topics).await?;
    let held = sink.as_ref().map_or_else(Vec::new, |sink| causes(&sink.held));
    let members: Vec<Value> = group.members.iter().map(member).collect();
    match global.output {
        output::Format::Json => output::line(&json!({
            "group": group.name,
            "sink": sink.as_ref().map(|sink| sink.name),
            "rebalancing": group.rebalancing,
            "members": members,
            "partitions": rows,
            "held": held,
        }))?,
        output::Format::Table => print(&members, &rows, &held)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// What a sink's database says.
struct Sink {
    name: &'static str,
    positions: Vec<Position>,
    held: Vec<HeldCount>,
    gaps: Vec<(String, i32, u64)>,
}

impl Sink {
    async fn read(global: &Global, whose: &Whose) -> Result<Option<Self>, Failure> {
        let Whose::Sink(spec) = whose else { return Ok(None) };
        let store = open(&global.database(spec.name)?, spec).await?;
        let group = spec.group();
        Ok(Some(Self {
            name: spec.name,
            positions: store.positions(&group).await?,
            held: store.held_counts(&group).await?,
            gaps: store.gaps(&group).await?,
        }))
    }
}

fn topics_of(group: &GroupInfo) -> Vec<String> {
    let owned = group.members.iter().flat_map(|member| &member.partitions);
    let committed = group.committed.iter().map(|(partition, _)| partition);
    let topics: BTreeSet<String> = owned.chain(committed).map(|p| p.topic.to_string()).collect();
    topics.into_iter().collect()
}

async fn rows(log: &dyn Log, group: &GroupInfo, sink: Option<&Sink>, topics: &[String]) -> Result<Vec<Value>, Failure> {
    let committed: HashMap<&TopicPartition, Offset> = group.committed.iter().map(|(p, next)| (p, *next)).collect();
    let mut found: Vec<(Value, Option<(TopicPartition, Offset)>)> = Vec::new();
    for id in partitions(log, topics).await? {
        let partition = &id.partition;
        let range = log.range(partition).await?;
        let stored = sink.and_then(|sink| sink.positions.iter().find(|p| p.id.partition == *partition));
        let committed = committed.get(partition).copied();
        let position = if sink.is_some() { stored.and_then(|p| p.next) } else { committed };
        let gap = stored.and_then(|stored| find_gap(&id, stored, range));
        let owner = group.members.iter().find(|member| member.partitions.contains(partition));
        let count = |found: &Sink| {
            let gaps = found.gaps.iter().find(|(t, p, _)| (&**t, *p) == (&*partition.topic, partition.partition));
            gaps.map_or(0, |(_, _, count)| *count)
        };
        let row = json!({
            "topic": &*partition.topic,
            "partition": partition.partition,
            "member": owner.map(|member| member.id.clone()),
            "committed": committed.map(|next| next.0),
            "position": position.map(|next| next.0),
            "end": range.latest.0,
            "lag_bound": lag_bound(position, range),
            "lag_seconds": Value::Null,
            "epoch": stored.map(|p| p.epoch),
            "gaps": sink.map(count),
            "problem": gap.as_ref().map(ToString::to_string),
        });
        let next = position.unwrap_or(range.earliest);
        let readable = gap.is_none() && next >= range.earliest && next < range.latest;
        found.push((row, readable.then(|| (partition.clone(), next))));
    }
    let waiting = found.iter().filter_map(|(_, position)| position.clone()).collect();
    let emitted = first_emitted(log, waiting).await?;
    let now = when::now_ms();
    let with_lag = |(mut row, position): (Value, Option<(TopicPartition, Offset)>)| {
        row["lag_seconds"] = match position {
            // Nothing waits, or it cannot be read.
            None if row["problem"].is_null() => 0.into(),
            None => Value::Null,
            Some((partition, _)) => emitted.get(&partition).map_or(Value::Null, |ms| seconds(now - ms).into()),
        };
        row
    };
    Ok(found.into_iter().map(with_lag).collect())
}

/// An upper bound: transactions and compaction leave holes.
fn lag_bound(position: Option<Offset>, range: Range) -> i64 {
    (range.latest.0 - position.unwrap_or(range.earliest).0).max(0)
}

/// Whole milliseconds as seconds; a clock that stepped back makes no negative age.
fn seconds(ms: i64) -> f64 {
    ms.max(0) as f64 / 1000.0
}

/// Held records of the whole group by state and cause.
fn causes(held: &[HeldCount]) -> Vec<Value> {
    let mut causes: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for count in held {
        *causes.entry((&count.state, &count.code)).or_default() += count.count;
    }
    causes.into_iter().map(|((state, code), count)| json!({"state": state, "code": code, "count": count})).collect()
}

fn member(member: &coursebus_transport::GroupMember) -> Value {
    let partitions: Vec<String> = member.partitions.iter().map(ToString::to_string).collect();
    json!({"id": member.id, "place": member.place, "partitions": partitions})
}

fn print(members: &[Value], rows: &[Value], held: &[Value]) -> Result<(), Failure> {
    let shown = |columns: &[&str], rows: &[Value]| {
        let cell = |value: &Value| match value {
            Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join("\n"),
            value => plain(value),
        };
        let rows = rows.iter().map(|row| columns.iter().map(|column| cell(&row[*column])).collect());
        output::print(&output::table(columns, rows))
    };
    shown(&["id", "place", "partitions"], members)?;
    let columns =
        ["topic", "partition", "committed", "position", "end", "lag_bound", "lag_seconds", "epoch", "gaps", "problem"];
    shown(&columns, rows)?;
    if !held.is_empty() {
        shown(&["state", "code", "count"], held)?;
    }
    Ok(())
}
