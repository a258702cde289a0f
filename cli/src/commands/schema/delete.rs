//! `coursebus schema delete`

use std::process::ExitCode;

use coursebus_registry_tools::{
    RegistryError,
    retire::{Care, Request, RetireError, Retired, retire},
};
use serde_json::json;

use super::stored::one;
use crate::{
    context::Global,
    failure::{Code, Failure, chain},
    output, when,
};

#[derive(clap::Args)]
pub struct Args {
    /// The subject
    subject: String,
    /// This version; without it all
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    version: Option<u32>,
    /// For good, what was deleted softly before. Refused until the topic's retention has passed since
    #[arg(long)]
    permanent: bool,
    /// Do not wait, but look at each record of the topic, and refuse where one needs it
    #[arg(long, requires = "permanent", conflicts_with = "force")]
    scan: bool,
    /// Whatever needs it; says how many records nobody can read any more
    #[arg(long, requires = "permanent")]
    force: bool,
    /// The topic of the subject's records, where its name does not begin with it
    #[arg(long, requires = "permanent", value_name = "TOPIC")]
    topic: Option<String>,
}

pub async fn run(global: &Global, args: Args) -> Result<ExitCode, Failure> {
    let gone = if args.permanent {
        for_good(global, &args).await?
    } else {
        // Not by `open`: it would bring back what of the catalogue is missing.
        let registry = match &global.registry {
            Some(_) => global.open_registry().await?,
            None => global.connect().await?.registry,
        };
        let versions = registry.delete(&args.subject, args.version, false).await?;
        Retired { versions, stranded: Vec::new() }
    };
    let stranded = gone.stranded.iter().map(|found| {
        json!({"topic": found.topic, "records": found.records, "partition": found.partition, "offset": found.offset})
    });
    let stranded: Vec<_> = stranded.collect();
    let row = json!({
        "subject": args.subject, "versions": gone.versions, "permanent": args.permanent, "stranded": stranded,
    });
    let code = one(global, &row, &["subject", "versions", "permanent"])?;
    if matches!(global.output, output::Format::Table) {
        for found in &gone.stranded {
            output::print(&format!(
                "nobody can read {} records of {} any more, the first at partition {}, offset {}",
                found.records, found.topic, found.partition, found.offset
            ))?;
        }
    }
    Ok(code)
}

async fn for_good(global: &Global, args: &Args) -> Result<Retired, Failure> {
    let bus = global.connect().await?;
    let care = match (args.scan, args.force) {
        (true, _) => Care::Scan,
        (_, true) => Care::Force,
        _ => Care::Retention,
    };
    let Args { subject, version, topic, .. } = args;
    let request = Request { subject, version: *version, topic: topic.as_deref(), care, now_ms: when::now_ms() };
    retire(bus.log.as_ref(), bus.registry.as_ref(), request).await.map_err(|error| refused(error, subject))
}

fn refused(error: RetireError, subject: &str) -> Failure {
    let next = match error {
        RetireError::Registry(
            error @ (RegistryError::SubjectNotSoftDeleted { .. } | RegistryError::VersionNotSoftDeleted { .. }),
        ) => {
            let next = "delete it without --permanent first, wait, then come back";
            return Failure { next: next.to_owned(), ..Failure::from(error) };
        }
        RetireError::Registry(error) => return error.into(),
        RetireError::Topics(error) => return error.into(),
        RetireError::Read(error) => return error.into(),
        RetireError::TooEarly { .. } => "wait, or let --scan look at each record",
        RetireError::KeptForever { .. } => "let --scan look at each record",
        RetireError::NoTopic { .. } => "give --topic, or let --scan look at each record of all topics",
        RetireError::NoTime { .. } => {
            "give the --bus that the registry keeps its schemas on, or let --scan look at each record"
        }
        _ => "keep it while they are kept; --force deletes it all the same, and nobody can read them any more",
    };
    Failure::new(Code::SchemaInUse, chain(&error), subject, next)
}
