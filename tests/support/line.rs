//! A bus of a test's own, with what is needed to run `coursebus` on it.

use std::{sync::MutexGuard, time::Duration};

use crate::{Background, Cli, Output, kafka_bootstrap, services::kafka_turn, unique};

/// How long one command may take on a whole history.
const LIMIT: Duration = Duration::from_secs(240);

/// A bus with the catalogue's topics and schemas, and nothing on it. What runs on it must end before it is dropped.
#[derive(Debug)]
pub struct Line {
    /// The registry's server on Kafka; ends before the folder goes.
    _registry: Option<Background>,
    cli: Cli,
    backend: &'static str,
    _turn: Option<MutexGuard<'static, ()>>,
}

impl Line {
    /// An embedded bus in a fresh folder; not made yet, so that the first command, or several at once, make it.
    pub fn embedded() -> Self {
        let cli = Cli::new().limit(LIMIT);
        let bus = format!("embedded:{}", cli.dir().join("bus").display());
        let cli = cli.env("COURSEBUS_BUS", bus);
        Self { _registry: None, cli, backend: "embedded", _turn: None }
    }

    /// Topics with a prefix of their own on the shared Kafka, and a registry. Waits for its turn: sinks of two tests would be
    /// members of one group. Says loudly where there is no Kafka.
    ///
    /// # Panics
    /// When the registry does not start or the catalogue cannot be applied; under `CI=true` also when there is no Kafka.
    pub fn kafka() -> Option<Self> {
        let bootstrap = kafka_bootstrap()?;
        let turn = kafka_turn();
        let cli = Cli::new()
            .limit(LIMIT)
            .env("COURSEBUS_BUS", format!("kafka://{bootstrap}"))
            .env("COURSEBUS_TOPIC_PREFIX", unique("test").replace('_', "-"));
        let mut registry = cli.start(["registry", "serve", "--listen", "127.0.0.1:0"]);
        let url = registry.ready()["registry"].as_str().expect("it prints its URL").to_owned();
        let cli = cli.env("COURSEBUS_REGISTRY", url);
        cli.run(["apply"]).ok();
        Some(Self { _registry: Some(registry), cli, backend: "kafka", _turn: Some(turn) })
    }

    /// The command, on this bus.
    pub fn cli(&self) -> &Cli {
        &self.cli
    }

    /// The command on this bus in another folder, for a thread of its own.
    pub fn another_cli(&self) -> Cli {
        self.cli.another()
    }

    /// `embedded` or `kafka`.
    pub fn backend(&self) -> &'static str {
        self.backend
    }

    /// Rows of a sink in a database, as `sink dump` prints them; with `--audit` also their audit columns.
    ///
    /// # Panics
    /// When the command fails.
    #[track_caller]
    pub fn dump(&self, sink: &str, db: &str, audit: bool) -> Output {
        let args = ["sink", "dump", sink, "--db", db].into_iter().chain(audit.then_some("--audit"));
        self.cli.run(args).ok()
    }
}
