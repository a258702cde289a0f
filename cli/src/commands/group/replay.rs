//! `coursebus group replay`

use std::{io::IsTerminal, process::ExitCode, sync::Arc};

use coursebus_sinks_kit::{
    DbAddress, Store, open,
    replay::{Window, replay},
};
use serde_json::json;

use super::Whose;
use crate::{
    context::{Global, stopped},
    failure::{Code, Failure},
    output, when,
};

/// Applies what was emitted in a time to an empty database, and ends with a count. The sink's own tables, its group and its
/// positions are not touched.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  coursebus group replay discovery --from 2026-01-01T00:00:00Z --to 2026-02-01T00:00:00Z \
    --into-db sqlite:replayed\n  coursebus sink dump discovery --db sqlite:replayed"
)]
pub struct Args {
    /// The sink
    name: String,
    /// From the first record that was emitted then or later
    #[arg(long, value_name = "TIME")]
    from: String,
    /// Up to the first record that was emitted then or later, without it
    #[arg(long, value_name = "TIME")]
    to: String,
    /// Where the fresh tables go: sqlite:DIR, postgres://… or mysql://…, in which the sink has written nothing yet
    #[arg(long, value_name = "DB")]
    into_db: String,
}

pub async fn run(global: &Global, args: Args) -> Result<ExitCode, Failure> {
    let Whose::Sink(spec) = Whose::find(&args.name) else {
        let what = format!("there is no sink '{}'", args.name);
        return Err(Failure::usage(what, "only a sink can be replayed: coursebus sink list"));
    };
    let window = Window { from_ms: when::parse(&args.from, "--from")?, to_ms: when::parse(&args.to, "--to")? };
    if window.from_ms >= window.to_ms {
        return Err(Failure::usage("--to is not after --from", "give the later time as --to").about("--to"));
    }
    let target = target(global, spec.name, &args.into_db)?;
    let bus = global.open().await?;
    let store: Arc<dyn Store> = open(&target, &spec).await?.into();
    let progress = std::io::stderr().is_terminal();
    let tell = move |records: u64| {
        if progress {
            eprint!("\r{records} records");
        }
    };
    let (name, spec) = (spec.name, Arc::new(spec));
    let replaying = replay(bus.log, bus.registry, store, spec.clone(), &global.topic_prefix, window, tell);
    let replayed = tokio::select! {
        replayed = replaying => replayed,
        () = stopped() => {
            let next = "remove the target's tables and run the command again";
            return Err(Failure::new(Code::Replay, "the replay was stopped before its end", target.to_string(), next));
        }
    };
    if progress {
        eprintln!();
    }
    let replayed = replayed.map_err(|error| Failure::from(error).about(target.to_string()))?;
    output::line(&json!({
        "sink": name,
        "into": target.to_string(),
        "records": replayed.records,
        "held": replayed.held,
        "partitions": replayed.partitions,
    }))?;
    Ok(ExitCode::SUCCESS)
}

/// The sink's own database is refused also while it is empty: the sink would go on from the end of the replay.
fn target(global: &Global, sink: &str, given: &str) -> Result<DbAddress, Failure> {
    let target: DbAddress = given.parse().map_err(|error| {
        Failure::usage(format!("{error}"), "give --into-db sqlite:DIR, postgres://… or mysql://…").about("--into-db")
    })?;
    if same(&target, &global.database(sink)?) {
        let what = "the target is the sink's own database";
        return Err(Failure::usage(what, "give another database").about("--into-db"));
    }
    Ok(target)
}

fn same(one: &DbAddress, other: &DbAddress) -> bool {
    match (one, other) {
        (DbAddress::Sqlite { dir: one }, DbAddress::Sqlite { dir: other }) => {
            one == other || one.canonicalize().ok().is_some_and(|one| other.canonicalize().ok() == Some(one))
        }
        (one, other) => one == other,
    }
}
