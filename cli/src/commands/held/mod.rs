//! `coursebus held list | show | retry | edit | discard | log`, of sinks and of the relay

mod choose;
mod discard;
mod edit;
mod list;
mod log;
mod on_topics;
mod relay;
mod retry;
mod show;

use std::process::ExitCode;

use coursebus_sinks_kit::{
    SinkSpec, Store,
    held::{desk, shown::Shown},
    open,
};

use crate::{
    context::{Bus, Global, sink},
    failure::{Code, Failure},
};

#[derive(clap::Subcommand)]
pub enum Command {
    List(list::Args),
    Show(show::Args),
    Retry(retry::Args),
    Edit(edit::Args),
    Discard(discard::Args),
    Log(log::Args),
}

pub async fn run(global: &Global, command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::List(args) => list::run(global, args).await,
        Command::Show(args) => show::run(global, args).await,
        Command::Retry(args) => retry::run(global, args).await,
        Command::Edit(args) => edit::run(global, args).await,
        Command::Discard(args) => discard::run(global, args).await,
        Command::Log(args) => log::run(global, args).await,
    }
}

/// A sink with its database, and a registry to read records with.
struct Desk {
    bus: Bus,
    spec: SinkSpec,
    store: Box<dyn Store>,
}

impl Desk {
    async fn open(global: &Global, name: &str) -> Result<Self, Failure> {
        let spec = sink(name)?;
        let bus = global.open().await?;
        let store = open(&global.database(name)?, &spec).await?;
        Ok(Self { bus, spec, store })
    }

    /// Everything that the sink holds.
    async fn all(&self) -> Result<Vec<Shown>, Failure> {
        Ok(desk::all(self.store.as_ref(), self.bus.registry.as_ref(), &self.spec).await?)
    }

    /// The held record at a place, `topic/partition` and offset.
    async fn find(&self, partition: &str, offset: i64) -> Result<Shown, Failure> {
        let is = |shown: &Shown| shown.record.place().to_string() == format!("{partition} offset {offset}");
        let found = self.all().await?.into_iter().find(is);
        found.ok_or_else(|| self.not_held(format!("no record at {partition} offset {offset} is held")))
    }

    fn not_held(&self, what: impl Into<String>) -> Failure {
        Failure::new(Code::NotHeld, what, self.spec.group(), "see what is held: coursebus held list --flat")
    }
}

/// One held record.
#[derive(clap::Args)]
struct Which {
    /// The sink that holds it; or relay, for a row of an outbox (relay:NAME)
    sink: String,
    /// topic/partition; the row's id where the relay holds it
    #[arg(value_name = "PARTITION")]
    partition: String,
    /// The record's offset
    offset: Option<i64>,
}

impl Which {
    /// The offset, which only a row of an outbox has not.
    fn offset(&self) -> Result<i64, Failure> {
        let next = "give topic/partition and the offset, as coursebus held list --flat shows them";
        self.offset.ok_or_else(|| Failure::usage("the record's offset is missing", next))
    }
}

/// Who is noted with a verb.
#[derive(clap::Args)]
struct By {
    /// Who is noted in the log of what was done
    #[arg(long, env = "USER", default_value = "unknown", value_name = "WHO", hide_env_values = true)]
    by: String,
}
