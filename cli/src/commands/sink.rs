//! `coursebus sink list | run | status | dump | audit`

use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use coursebus_consumer::{EngineSettings, Outcome, Until};
use coursebus_registry_tools::Registry;
use coursebus_sinks_kit::{
    SinkProcessor, SinkSettings, SinkSpec, Store, Watch, audit::Report, dump::dump, held_api, monitor, open, read_api,
};
use coursebus_transport::{GroupSettings, Log, Offset, TopicPartition};
use serde_json::{Value, json};
use tokio::{sync::watch, task::JoinSet};

use super::topic::plain;
use crate::{
    context::{Bus, Global, sink, stopped},
    failure::{Code, Failure},
    node::{self, Watched},
    otlp, output, serve,
};

#[derive(clap::Subcommand)]
pub enum Command {
    /// The sinks there are
    #[command(after_help = "Example:\n  coursebus sink list")]
    List,
    /// Keep the tables of sinks current
    Run(RunArgs),
    /// How far each sink is
    #[command(after_help = "Example:\n  coursebus sink status credentials")]
    Status {
        /// Sinks; all where none is given
        names: Vec<String>,
    },
    /// Print all rows of a sink as JSON lines, sorted
    #[command(after_help = "Example:\n  coursebus sink dump credentials")]
    Dump {
        /// The sink
        name: String,
        /// Add the audit columns
        #[arg(long)]
        audit: bool,
    },
    /// Prove from the topics that each event took effect once, in order; exit 3 where it did not
    #[command(after_help = "Example:\n  coursebus sink audit credentials -o json")]
    Audit {
        /// Sinks; all where none is given
        names: Vec<String>,
    },
}

/// Keeps the tables of sinks current: each is a consumer group of its own.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  coursebus sink run discovery credentials --until-caught-up --timeout 60s")]
pub struct RunArgs {
    /// Sinks
    #[arg(required = true)]
    names: Vec<String>,
    /// End when every event that is on the topics is applied
    #[arg(long)]
    until_caught_up: bool,
    /// Give up after so long (exit 1)
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    timeout: Option<Duration>,
    /// Keep the audit columns
    #[arg(long)]
    audit: bool,
    /// How many records one transaction takes at most
    #[arg(long, default_value_t = 5_000, value_name = "N")]
    batch_records: usize,
    /// After so long without a sign of life a member's partitions go to others
    #[arg(long, default_value = "10s", value_name = "DURATION", value_parser = humantime::parse_duration)]
    session_timeout: Duration,
    /// A name that this process keeps when it is started again: back within the session time-out it has its partitions again
    /// and no other member is interrupted. Give each process another one
    #[arg(long, env = "COURSEBUS_INSTANCE", value_name = "NAME")]
    instance: Option<String>,
    /// Go on behind records that are gone (retention, a recreated topic); the gap is noted in the database
    #[arg(long)]
    accept_gap: bool,
    #[command(flatten)]
    node: NodeArgs,
    #[command(flatten)]
    traces: otlp::TraceArgs,
}

/// Where `sink run` serves what it says of itself.
#[derive(clap::Args)]
struct NodeArgs {
    /// Serve the tables, /healthz, /readyz and /metrics there
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// A file with lines user:password; needed to listen beyond this machine
    #[arg(long, env = "COURSEBUS_CREDENTIALS", value_name = "FILE")]
    credentials: Option<PathBuf>,
    /// A partition in which records wait and nothing moves for so long is stuck: /readyz says 503
    #[arg(long, default_value = "60s", value_name = "DURATION", value_parser = humantime::parse_duration)]
    stuck_after: Duration,
}

pub async fn run(global: &Global, command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::List => list(global),
        Command::Run(args) => run_sinks(global, args).await,
        Command::Status { names } => status(global, &names).await,
        Command::Dump { name, audit } => {
            let spec = sink(&name)?;
            let store = open(&global.database(&name)?, &spec).await?;
            for row in dump(store.as_ref(), &spec, audit).await? {
                output::line(&row)?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Audit { names } => audit(global, &names).await,
    }
}

fn list(global: &Global) -> Result<ExitCode, Failure> {
    let rows: Vec<Value> = coursebus_sinks::all()
        .iter()
        .map(|spec| {
            let tables: Vec<String> = spec.tables.iter().map(|t| format!("{}.{}", spec.name, t.name)).collect();
            json!({
                "sink": spec.name,
                "group": spec.group(),
                "tables": tables,
                "topics": spec.topics(&global.topic_prefix),
                "types": spec.event_types().map(|t| t.name).collect::<Vec<_>>(),
                "description": spec.description,
            })
        })
        .collect();
    output::list(global.output, &rows, &["sink", "tables", "description"], |row| {
        vec![plain(&row["sink"]), lines(&row["tables"]), plain(&row["description"])]
    })?;
    Ok(ExitCode::SUCCESS)
}

fn lines(values: &Value) -> String {
    values.as_array().into_iter().flatten().map(plain).collect::<Vec<_>>().join("\n")
}

/// The named sinks, or all.
pub fn sinks(names: &[String]) -> Result<Vec<SinkSpec>, Failure> {
    if names.is_empty() { Ok(coursebus_sinks::all()) } else { names.iter().map(|name| sink(name)).collect() }
}

/// A sink that is to run, with its opened database.
#[derive(Clone)]
pub struct Running {
    /// The sink.
    pub spec: Arc<SinkSpec>,
    /// Its database.
    pub store: Arc<dyn Store>,
    /// What it is doing.
    pub watch: Watch,
}

impl Running {
    /// Opens the database that the command line names.
    pub async fn open(global: &Global, spec: SinkSpec) -> Result<Self, Failure> {
        let store: Arc<dyn Store> = open(&global.database(spec.name)?, &spec).await?.into();
        Ok(Self { spec: Arc::new(spec), store, watch: Watch::default() })
    }
}

/// The routes of a node with these sinks.
pub fn node_routes(
    global: &Global,
    sinks: &[Running],
    registry: Arc<dyn Registry>,
    stuck_after: Duration,
) -> axum::Router {
    let served: Vec<_> =
        sinks.iter().map(|sink| read_api::Served { spec: sink.spec.clone(), store: sink.store.clone() }).collect();
    let watched = sinks.iter().map(|sink| Watched { group: sink.spec.group(), watch: sink.watch.clone() }).collect();
    let held = held_api::routes(served.clone(), registry, global.topic_prefix.clone());
    node::routes(watched, stuck_after).merge(held).merge(read_api::routes(served))
}

/// The node's server, where one was asked for.
struct Server {
    tell: watch::Sender<bool>,
    serving: JoinSet<Result<(), Failure>>,
}

impl Server {
    async fn start(
        global: &Global,
        args: &NodeArgs,
        sinks: &[Running],
        registry: Arc<dyn Registry>,
    ) -> Result<Self, Failure> {
        let (tell, mut told) = watch::channel(false);
        let mut serving = JoinSet::new();
        if let Some(address) = &args.listen {
            let credentials = serve::Credentials::read(args.credentials.as_ref())?;
            let listener = serve::bind(address, credentials.as_ref()).await?;
            output::line(&json!({ "node": listener.url }))?;
            let stop = async move { drop(told.wait_for(|stop| *stop).await) };
            serving.spawn(listener.serve(node_routes(global, sinks, registry, args.stuck_after), credentials, stop));
        }
        Ok(Self { tell, serving })
    }

    /// Finishes the requests under way.
    async fn end(mut self) -> Result<(), Failure> {
        let _ = self.tell.send(true);
        while let Some(ended) = self.serving.join_next().await {
            ended.unwrap_or(Ok(()))?;
        }
        Ok(())
    }
}

/// How sinks are run.
#[derive(Clone)]
pub struct SinkOptions {
    /// Whether to end at the end of the topics.
    pub until: Until,
    /// The kit's settings.
    pub settings: SinkSettings,
    /// The group's session time-out.
    pub session_timeout: Duration,
    /// The name that the members keep when they are started again.
    pub instance: Option<String>,
}

async fn run_sinks(global: &Global, args: RunArgs) -> Result<ExitCode, Failure> {
    let mut names = args.names;
    names.sort_unstable();
    names.dedup();
    let specs = sinks(&names)?;
    let bus = global.open().await?;
    let traces = otlp::Traces::start(&args.traces)?;
    let options = SinkOptions {
        until: if args.until_caught_up { Until::CaughtUp } else { Until::Stopped },
        settings: SinkSettings {
            audit: args.audit,
            batch_records_max: args.batch_records.max(1),
            accept_gap: args.accept_gap,
            tracer: traces.tracer(),
            ..SinkSettings::default()
        },
        session_timeout: args.session_timeout,
        instance: args.instance,
    };
    let mut running = Vec::new();
    for spec in specs {
        running.push(Running::open(global, spec).await?);
    }
    let server = Server::start(global, &args.node, &running, bus.registry.clone()).await?;
    let stop = async {
        match args.timeout {
            Some(timeout) => tokio::select! {
                () = stopped() => Why::Asked,
                () = tokio::time::sleep(timeout) => Why::TimedOut,
            },
            None => {
                stopped().await;
                Why::Asked
            }
        }
    };
    let outcome = follow(&bus, &global.topic_prefix, running, &options, stop).await;
    drop(options);
    traces.end().await;
    server.end().await?;
    match outcome? {
        Some(Why::TimedOut) if args.until_caught_up => Err(Failure::new(
            Code::Timeout,
            "the sinks had not caught up in time",
            names.join(", "),
            "what was applied is kept: run the command again, with a longer --timeout",
        )),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Why running ended before the sinks did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Someone asked for it.
    Asked,
    /// The time was up.
    TimedOut,
}

/// Runs sinks beside each other until all have ended, one fails, or `stop` resolves.
pub async fn follow(
    bus: &Bus,
    prefix: &str,
    sinks: Vec<Running>,
    options: &SinkOptions,
    stop: impl Future<Output = Why>,
) -> Result<Option<Why>, Failure> {
    let (tell, told) = watch::channel(false);
    let mut running = JoinSet::new();
    let mut monitors = JoinSet::new();
    for Running { spec, store, watch } in sinks {
        check_topics(bus.log.as_ref(), &spec.topics(prefix)).await?;
        let mut group = GroupSettings::new(spec.group(), spec.topics(prefix));
        group.session_timeout = options.session_timeout;
        group.instance.clone_from(&options.instance);
        let mut settings = EngineSettings::new(group);
        settings.until = options.until;
        let (log, registry) = (bus.log.clone(), bus.registry.clone());
        let group = spec.group();
        monitors.spawn(monitor::monitor(watch.clone(), log.clone(), store.clone(), group, monitor::EVERY));
        let sink = SinkSettings { watch, ..options.settings.clone() };
        let processor = SinkProcessor::new(spec, store, log.clone(), registry, sink).await?;
        let mut told = told.clone();
        running.spawn(async move {
            let stop = async move { drop(told.wait_for(|stop| *stop).await) };
            coursebus_consumer::run(log, settings, Arc::new(processor), stop).await
        });
    }
    tokio::pin!(stop);
    let mut why = None;
    let mut failed = None;
    loop {
        tokio::select! {
            ended = running.join_next() => match ended {
                None => break,
                Some(Ok(Ok(Outcome::CaughtUp | Outcome::Stopped))) => {}
                Some(Ok(Err(error))) => {
                    // The others stop in order, too: a node that runs half its sinks looks well from outside.
                    failed.get_or_insert(Failure::from(error));
                    let _ = tell.send(true);
                }
                Some(Err(error)) => {
                    failed.get_or_insert(Failure::new(Code::Internal, error.to_string(), "a sink's task", "report this"));
                    let _ = tell.send(true);
                }
            },
            reason = &mut stop, if why.is_none() => {
                why = Some(reason);
                let _ = tell.send(true);
            }
        }
    }
    failed.map_or(Ok(why), Err)
}

/// A missing topic is told before anything is joined.
async fn check_topics(log: &dyn Log, topics: &[String]) -> Result<(), Failure> {
    for topic in topics {
        log.topic(topic).await?;
    }
    Ok(())
}

async fn status(global: &Global, names: &[String]) -> Result<ExitCode, Failure> {
    let log = global.open_log()?;
    let mut rows = Vec::new();
    for spec in sinks(names)? {
        let store = open(&global.database(spec.name)?, &spec).await?;
        let positions = store.positions(&spec.group()).await?;
        for topic in spec.topics(&global.topic_prefix) {
            for number in 0..log.topic(&topic).await?.partitions {
                let partition = TopicPartition::new(topic.as_str(), number);
                let range = log.range(&partition).await?;
                let stored = positions.iter().find(|p| p.id.partition == partition).and_then(|p| p.next);
                let next = stored.unwrap_or(range.earliest);
                rows.push(json!({
                    "sink": spec.name,
                    "topic": topic,
                    "partition": number,
                    "position": stored.map(|Offset(next)| next),
                    "end": range.latest.0,
                    "lag_bound": (range.latest.0 - next.0).max(0),
                }));
            }
        }
    }
    let columns = ["sink", "topic", "partition", "position", "end", "lag_bound"];
    output::list(global.output, &rows, &columns, |row| columns.map(|c| plain(&row[c])).into())?;
    Ok(ExitCode::SUCCESS)
}

async fn audit(global: &Global, names: &[String]) -> Result<ExitCode, Failure> {
    let bus = global.open().await?;
    let mut reports = Vec::new();
    for spec in sinks(names)? {
        let store = open(&global.database(spec.name)?, &spec).await?;
        reports.push(audit_one(&bus, store.as_ref(), &spec, &global.topic_prefix).await?);
    }
    print_reports(global.output, &reports)?;
    for report in reports.iter().filter(|r| r.waiting > 0) {
        eprintln!("{}: {} events behind the group's positions are not due yet", report.group, report.waiting);
    }
    Ok(if reports.iter().all(Report::agrees) { ExitCode::SUCCESS } else { ExitCode::from(3) })
}

/// Audits one sink.
pub async fn audit_one(bus: &Bus, store: &dyn Store, spec: &SinkSpec, prefix: &str) -> Result<Report, Failure> {
    Ok(coursebus_sinks_kit::audit::audit(bus.log.as_ref(), bus.registry.as_ref(), store, spec, prefix).await?)
}

/// Prints audit reports.
pub fn print_reports(format: output::Format, reports: &[Report]) -> std::io::Result<()> {
    let columns = ["group", "expected", "applied", "held", "lost", "duplicated", "out of order"];
    output::list(format, reports, &columns, |r| {
        let counts = [r.expected, r.applied, r.held, r.lost, r.duplicated, r.out_of_order];
        std::iter::once(r.group.clone()).chain(counts.map(|n| n.to_string())).collect()
    })
}
