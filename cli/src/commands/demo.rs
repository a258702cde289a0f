//! `coursebus demo`

use std::{process::ExitCode, str::FromStr, sync::Arc};

use coursebus_consumer::Until;
use coursebus_registry_tools::{LogRegistry, Registry, StoreSettings};
use coursebus_sinks_kit::{DbAddress, SinkSettings, Table, Watch, dump::dump, open};
use coursebus_transport::{BusAddress, ReaderSettings, Settings, TopicPartition};
use serde_json::Value;

use super::{
    sink::{Running, SinkOptions, Why, audit_one, follow, print_reports, sinks},
    topic::plain,
};
use crate::{
    context::Bus,
    failure::{Failure, chain},
    oulad, output,
};

/// How many rows of a table are shown.
const ROWS_SHOWN: usize = 5;
const PREFIX: &str = "demo";

/// Runs the whole line in a fresh directory: emits the history of a small made-up platform, lets every sink apply it, shows
/// what each service now knows, and audits that each event took effect once, in order.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  coursebus demo --keep")]
pub struct Args {
    /// Keep the directory, and say where it is
    #[arg(long)]
    keep: bool,
}

pub async fn run(args: Args) -> Result<ExitCode, Failure> {
    let dir = tempfile::Builder::new().prefix("coursebus-demo-").tempdir()?;
    let place = dir.path().to_owned();
    if args.keep {
        let kept = dir.keep();
        eprintln!("the bus and the databases stay in {}", kept.display());
        return line(&kept).await;
    }
    line(&place).await
}

async fn line(dir: &std::path::Path) -> Result<ExitCode, Failure> {
    let address = BusAddress::from_str(&format!("embedded:{}", dir.join("bus").display()))?;
    let log = coursebus_transport::open(&address, &Settings::default())?;
    let registry: Arc<dyn Registry> = Arc::new(LogRegistry::open(log.clone(), StoreSettings::default()).await?);
    let bus = Bus { log, registry };
    bus.apply(PREFIX).await?;

    let settings = coursebus_producer::ProducerSettings { topic_prefix: PREFIX.to_owned(), ..Default::default() };
    let producer = bus.producer(settings).await?;
    let history = oulad::demo_history();
    let emitted = oulad::emit(&producer, &history, &oulad::EmitOptions::default(), |_| {}).await;
    let emitted = emitted.map_err(|e| Failure::new(e.code(), chain(&e), "the demo's events", "report this"))?;
    let rows = emitted.counts.iter().map(|(kind, n)| vec![kind.as_str().to_owned(), n.to_string()]);
    output::print("The services emitted, as events on their topics:")?;
    output::print(&output::table(&["what happened", "events"], rows))?;

    let mut running = Vec::new();
    for spec in sinks(&[])? {
        let db = DbAddress::Sqlite { dir: dir.join("db") };
        let store = open(&db, &spec).await?.into();
        running.push(Running { spec: Arc::new(spec), store, watch: Watch::default() });
    }
    let options = SinkOptions {
        until: Until::CaughtUp,
        settings: SinkSettings { audit: true, ..SinkSettings::default() },
        session_timeout: std::time::Duration::from_secs(10),
        instance: None,
    };
    let never = std::future::pending::<Why>();
    follow(&bus, PREFIX, running.clone(), &options, never).await?;

    let mut reports = Vec::new();
    for Running { spec, store, .. } in &running {
        let rows = dump(store.as_ref(), spec, false).await?;
        for table in spec.tables {
            show_table(
                spec.name,
                table,
                &rows
                    .iter()
                    .filter(|r| r.table == format!("{}.{}", spec.name, table.name))
                    .map(|r| &r.row)
                    .collect::<Vec<_>>(),
            )?;
        }
        reports.push(audit_one(&bus, store.as_ref(), spec, PREFIX).await?);
    }
    output::print("\nThe audit, from the topics and with a decoder of its own:")?;
    print_reports(output::Format::Table, &reports)?;

    let on_topics = count_records(&bus).await?;
    let sum = |count: fn(&coursebus_sinks_kit::audit::Report) -> u64| reports.iter().map(count).sum::<u64>();
    let agrees = reports.iter().all(|r| r.agrees() && r.applied == r.expected && r.waiting == 0);
    output::print(&format!(
        "demo: emitted {on_topics}, applied {}, lost {}, duplicated {}, out of order {}",
        sum(|r| r.applied),
        sum(|r| r.lost),
        sum(|r| r.duplicated),
        sum(|r| r.out_of_order)
    ))?;
    Ok(if agrees { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn show_table(sink: &str, table: &Table, rows: &[&Value]) -> std::io::Result<()> {
    let columns: Vec<&str> = table.all_columns().map(|c| c.name).collect();
    let shown = rows.iter().take(ROWS_SHOWN).map(|row| columns.iter().map(|c| plain(&row[*c])).collect());
    output::print(&format!(
        "\n{sink}.{} has {} rows{}",
        table.name,
        rows.len(),
        if rows.len() > ROWS_SHOWN { "; the first:" } else { ":" }
    ))?;
    output::print(&output::table(&columns, shown))
}

/// The records in the event topics, counted from the topics themselves.
async fn count_records(bus: &Bus) -> Result<u64, Failure> {
    let mut from = Vec::new();
    for topic in coursebus_schemas::catalog().topics() {
        let name = topic.full_topic(PREFIX);
        for number in 0..bus.log.topic(&name).await?.partitions {
            let partition = TopicPartition::new(name.as_str(), number);
            let range = bus.log.range(&partition).await?;
            from.push((partition, range.earliest));
        }
    }
    let mut open = from.len();
    let mut reader = bus.log.reader(from, ReaderSettings::default()).await?;
    let mut count = 0;
    while open > 0 {
        let fetched = reader.next(std::time::Duration::from_secs(10)).await?;
        count += fetched.records.len() as u64;
        open -= fetched.ends.len();
    }
    Ok(count)
}
