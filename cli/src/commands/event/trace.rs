//! `coursebus event trace`

mod outbox;

use std::{
    collections::{HashMap, HashSet},
    io::IsTerminal,
    process::ExitCode,
    time::Duration,
};

use coursebus_schemas::{EventType, catalog};
use coursebus_sinks_kit::{HeldRecord, Position, SinkSpec, open};
use coursebus_transport::{Log, Offset, ReaderSettings, Record, TopicId, TopicPartition};
use serde_json::{Value, json};

use super::super::topic::plain;
use crate::{
    context::{Global, stopped},
    failure::{Code, Failure},
    output, when,
};

/// How long nothing at all may come before the search gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where an event is: its row in the outbox while it is not published, its place on the bus, and per sink whether it is
/// applied, held or waiting. The search ends at what was the end of the topics when it began; exit 1 where nothing was found.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  coursebus event trace 0b9d3c1e-54f2-11ee-8c99-0242ac120002\n  \
    coursebus event trace 0b9d3c1e-54f2-11ee-8c99-0242ac120002 --type org.openedx.learning.course.enrollment.created.v1 \
    --from 2026-01-01T00:00:00Z")]
pub struct Args {
    /// The event's id, as in ce_id
    id: String,
    /// Its type: only that type's topic is searched
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// Only records that were emitted then or later: the topics' index by time spares the others
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// A service's outbox to look at: its database is --db NAME=URL, else --db. May be given several times. Default: `outbox`,
    /// if it is there
    #[arg(long, value_name = "NAME")]
    outbox: Vec<String>,
}

pub async fn run(global: &Global, args: Args) -> Result<ExitCode, Failure> {
    let from_ms = args.from.as_deref().map(|text| when::parse(text, "--from")).transpose()?;
    let topics = topics(args.event_type.as_deref(), &global.topic_prefix)?;
    // First: what is published meanwhile is found on the bus.
    let rows = outbox::rows(global, &args.outbox, &args.id).await?;
    let log = global.open_log()?;
    let search = Search::plan(log.as_ref(), &topics, from_ms).await?;
    let found = search.run(log.as_ref(), &args.id).await?;
    if found.is_empty() && rows.is_empty() {
        let what = format!("no event with this id is on the bus; looked at {}", search.looked_at(args.from.as_deref()));
        let next = "give an earlier --from, or leave --from and --type out; retention may have removed it";
        return Err(Failure::new(Code::NotFound, what, args.id, next));
    }
    let mut shown = Vec::new();
    let mut groups = Groups::default();
    for place in &found {
        let mut row = place.json();
        row["groups"] = groups.of(global, &search, place).await?.into();
        shown.push(row);
    }
    print(global, &rows, &shown)?;
    Ok(ExitCode::SUCCESS)
}

/// The topics that may hold the event.
fn topics(event_type: Option<&str>, prefix: &str) -> Result<Vec<String>, Failure> {
    let known = |name: &str| -> Result<&'static EventType, Failure> {
        catalog().by_name(name).ok_or_else(|| {
            let what = format!("'{name}' is not in the catalogue");
            Failure::new(Code::UnknownEventType, what, "--type", "see what there is: coursebus event list")
        })
    };
    match event_type {
        Some(name) => Ok(vec![known(name)?.topic.full_topic(prefix)]),
        None => Ok(catalog().topics().iter().map(|topic| topic.full_topic(prefix)).collect()),
    }
}

/// What is to be read: each partition from where to where.
struct Search {
    cluster: String,
    topics: HashMap<String, TopicId>,
    ranges: Vec<(TopicPartition, Offset, Offset)>,
}

impl Search {
    async fn plan(log: &dyn Log, topics: &[String], from_ms: Option<i64>) -> Result<Self, Failure> {
        let there: HashMap<String, _> = log.topics().await?.into_iter().map(|info| (info.name.clone(), info)).collect();
        let mut search = Self { cluster: log.cluster().await?.0, topics: HashMap::new(), ranges: Vec::new() };
        for topic in topics {
            // A catalogue's topic that is not there yet holds nothing.
            let Some(info) = there.get(topic) else { continue };
            search.topics.insert(topic.clone(), info.id.clone());
            for number in 0..info.partitions {
                let partition = TopicPartition::new(topic.as_str(), number);
                let range = log.range(&partition).await?;
                let from = match from_ms {
                    Some(ms) => log.offset_at(&partition, ms).await?,
                    None => range.earliest,
                };
                search.ranges.push((partition, from, range.latest));
            }
        }
        Ok(search)
    }

    /// How much it is at most: differences of offsets count holes.
    fn size(&self) -> i64 {
        self.ranges.iter().map(|(_, from, to)| (to.0 - from.0).max(0)).sum()
    }

    fn looked_at(&self, from: Option<&str>) -> String {
        let topics = self.topics.len();
        let from = from.map_or_else(|| "from the first record on".to_owned(), |time| format!("emitted since {time}"));
        format!("{} offsets in {} partitions of {topics} topics, {from}", self.size(), self.ranges.len())
    }

    async fn run(&self, log: &dyn Log, id: &str) -> Result<Vec<Place>, Failure> {
        let starts: Vec<_> =
            self.ranges.iter().filter(|(_, from, to)| from < to).map(|(p, from, _)| (p.clone(), *from)).collect();
        let ends: HashMap<&TopicPartition, Offset> = self.ranges.iter().map(|(p, _, to)| (p, *to)).collect();
        let mut open: HashSet<TopicPartition> = starts.iter().map(|(p, _)| p.clone()).collect();
        let mut found = Vec::new();
        if open.is_empty() {
            return Ok(found);
        }
        let mut progress = Progress::new(self.size());
        let mut reader = log.reader(starts, ReaderSettings::default()).await?;
        let stop = stopped();
        tokio::pin!(stop);
        while !open.is_empty() {
            let fetched = tokio::select! {
                fetched = reader.next(PATIENCE) => fetched?,
                () = &mut stop => break,
            };
            if fetched.records.is_empty() && fetched.ends.is_empty() {
                let what = format!("nothing came for {PATIENCE:?} before the end of the search");
                return Err(Failure::new(
                    Code::BusUnavailable,
                    what,
                    "the bus",
                    "run the command again: coursebus doctor",
                ));
            }
            progress.add(fetched.records.len());
            for record in &fetched.records {
                let partition = record.topic_partition();
                let end = ends.get(&partition).copied().unwrap_or_default();
                found.extend((record.offset() < end).then(|| Place::of(record, id)).flatten());
                if record.offset().next() >= end {
                    open.remove(&partition);
                }
            }
            for (partition, _) in fetched.ends {
                open.remove(&partition);
            }
        }
        progress.end();
        found.sort_by_key(|place: &Place| place.emitted_ms);
        Ok(found)
    }
}

/// On standard error, where a person sees it.
struct Progress {
    shown: bool,
    seen: usize,
    of: i64,
    next: usize,
}

impl Progress {
    fn new(of: i64) -> Self {
        Self { shown: std::io::stderr().is_terminal(), seen: 0, of, next: 0 }
    }

    fn add(&mut self, records: usize) {
        const EVERY: usize = 10_000;
        self.seen += records;
        if self.shown && self.seen >= self.next {
            self.next = self.seen + EVERY;
            eprint!("\r{} of at most {} records", self.seen, self.of);
        }
    }

    fn end(&self) {
        if self.shown && self.next > 0 {
            eprintln!();
        }
    }
}

/// A record that carries the event.
struct Place {
    partition: TopicPartition,
    offset: Offset,
    emitted_ms: i64,
    event_type: Option<String>,
    source: Option<String>,
    time: Option<String>,
}

impl Place {
    fn of(record: &Record, id: &str) -> Option<Self> {
        let headers = record.headers();
        let header = |name: &str| headers.iter().find(|(n, _)| *n == name).and_then(|(_, value)| *value);
        if header("ce_id") != Some(id.as_bytes()) {
            return None;
        }
        let text = |name: &str| header(name).map(|value| String::from_utf8_lossy(value).into_owned());
        Some(Self {
            partition: record.topic_partition(),
            offset: record.offset(),
            emitted_ms: record.timestamp_ms(),
            event_type: text("ce_type"),
            source: text("ce_source"),
            time: text("ce_time"),
        })
    }

    fn json(&self) -> Value {
        json!({
            "topic": &*self.partition.topic,
            "partition": self.partition.partition,
            "offset": self.offset.0,
            "emitted": when::text(self.emitted_ms),
            "type": self.event_type,
            "source": self.source,
            "time": self.time,
        })
    }
}

/// What the sinks' databases say, each read once.
#[derive(Default)]
struct Groups {
    read: HashMap<&'static str, Result<Stored, String>>,
}

struct Stored {
    positions: Vec<Position>,
    held: Vec<HeldRecord>,
}

impl Groups {
    /// Every sink that reads events of this type.
    async fn of(&mut self, global: &Global, search: &Search, place: &Place) -> Result<Vec<Value>, Failure> {
        let mut groups = Vec::new();
        for spec in coursebus_sinks::all() {
            let reads = |name: &String| spec.event_types().any(|t| t.name == name);
            if !place.event_type.as_ref().is_some_and(reads) {
                continue;
            }
            if !self.read.contains_key(spec.name) {
                // One database that is away does not hide what the others say.
                let stored = read(global, &spec).await.map_err(|failure| failure.what);
                self.read.insert(spec.name, stored);
            }
            let state = match self.read.get(spec.name) {
                Some(Ok(stored)) => stored.state(search, place),
                Some(Err(why)) => json!({ "state": "unknown", "why": why }),
                None => Value::Null,
            };
            let mut row = json!({ "group": spec.group(), "sink": spec.name });
            if let (Some(row), Value::Object(state)) = (row.as_object_mut(), state) {
                row.extend(state);
            }
            groups.push(row);
        }
        Ok(groups)
    }
}

async fn read(global: &Global, spec: &SinkSpec) -> Result<Stored, Failure> {
    let store = open(&global.database(spec.name)?, spec).await?;
    let group = spec.group();
    Ok(Stored { positions: store.positions(&group).await?, held: store.held(&group).await? })
}

impl Stored {
    fn state(&self, search: &Search, place: &Place) -> Value {
        let held = self.held.iter().find(|held| {
            (held.topic.as_str(), held.partition, held.offset)
                == (&*place.partition.topic, place.partition.partition, place.offset)
        });
        if let Some(held) = held {
            return json!({
                "state": held.state, "code": held.code, "reason": held.reason, "held": when::text(held.held_ms),
            });
        }
        let position = self.positions.iter().find(|p| p.id.partition == place.partition);
        let Some((position, next)) = position.and_then(|p| Some((p, p.next?))) else {
            return json!({ "state": "waiting", "why": "the sink has applied nothing of this partition yet" });
        };
        let topic_id = search.topics.get(&*place.partition.topic);
        if position.id.cluster != search.cluster || topic_id.is_none_or(|id| id.0 != position.id.topic_id) {
            return json!({ "state": "unknown", "why": "the sink's position is of another log or topic" });
        }
        if next > place.offset {
            return json!({ "state": "applied", "position": next.0 });
        }
        json!({ "state": "waiting", "position": next.0, "behind_bound": place.offset.0 - next.0 + 1 })
    }
}

fn print(global: &Global, rows: &[Value], places: &[Value]) -> Result<(), Failure> {
    if global.output == output::Format::Json {
        return Ok(output::line(&[rows, places].concat())?);
    }
    if !rows.is_empty() {
        let columns = ["outbox", "row", "state", "written", "type", "source", "code", "reason"];
        let rows = rows.iter().map(|row| columns.map(|c| plain(&row[c])).into());
        output::print(&output::table(&columns, rows))?;
    }
    if places.is_empty() {
        return Ok(());
    }
    let columns = ["topic", "partition", "offset", "emitted", "type", "source"];
    let rows = places.iter().map(|place| columns.map(|c| plain(&place[c])).into());
    output::print(&output::table(&columns, rows))?;
    let groups = places.iter().flat_map(|place| {
        let of = format!("{}/{} {}", plain(&place["topic"]), place["partition"], place["offset"]);
        place["groups"].as_array().into_iter().flatten().map(move |group| (of.clone(), group))
    });
    let detail = |group: &Value| match plain(&group["state"]).as_str() {
        "applied" => format!("the sink is at {}", group["position"]),
        "waiting" if !group["behind_bound"].is_null() => {
            format!("the sink is at {}, at most {} records before it", group["position"], group["behind_bound"])
        }
        "waiting" | "unknown" => plain(&group["why"]),
        _ => format!("{}: {}", plain(&group["code"]), plain(&group["reason"])),
    };
    let rows = groups.map(|(of, group)| vec![of, plain(&group["group"]), plain(&group["state"]), detail(group)]);
    Ok(output::print(&output::table(&["record", "group", "state", ""], rows))?)
}
