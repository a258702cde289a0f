//! What most commands share: the bus, the registry, the databases. The only place that knows environment variables.

use std::{path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use clap::Args;
use coursebus_producer::{Producer, ProducerSettings, relay::OutboxAddress};
use coursebus_registry_tools::{
    ClientSettings, HttpRegistry, LogRegistry, Registry, StoreSettings,
    apply::{Applied, execute},
    plan::{Plan, plan},
};
use coursebus_schemas::catalog;
use coursebus_sinks_kit::{DbAddress, SinkSpec};
use coursebus_transport::{BusAddress, Log, Settings, embedded::EmbeddedLog, kafka::KafkaSettings, open};

use crate::{
    failure::{Code, Failure},
    output::{Choice, Format},
};

/// Options of every command, in the help behind a command's own.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// The bus: embedded:DIR (a folder on this machine) or kafka://host:port,…
    #[arg(long, global = true, env = "COURSEBUS_BUS", default_value = "embedded:.coursebus", value_name = "BUS")]
    pub bus: String,
    /// The schema registry's URL. Without it: in this process on an embedded bus, read-only on Kafka
    #[arg(long, global = true, env = "COURSEBUS_REGISTRY", value_name = "URL", hide_env_values = true)]
    pub registry: Option<String>,
    /// A file of name=value lines for the registry: token, or user and password; ca; snapshot
    #[arg(long, global = true, env = "COURSEBUS_REGISTRY_CONFIG", value_name = "FILE", hide = true)]
    pub registry_config: Option<PathBuf>,
    /// The sinks' databases: sqlite:DIR, postgres://…, mysql://…; or NAME=URL for one sink. May be repeated
    #[arg(long, global = true, env = "COURSEBUS_DB", value_name = "DB", value_delimiter = ' ', hide_env_values = true)]
    pub db: Vec<String>,
    /// Stands before every topic's name, with a dash between
    #[arg(long, global = true, env = "COURSEBUS_TOPIC_PREFIX", default_value = "dev", value_name = "PREFIX")]
    pub topic_prefix: String,
    /// A file of librdkafka settings, name=value lines, for secrets and TLS
    #[arg(long, global = true, env = "COURSEBUS_KAFKA_CONFIG", value_name = "FILE")]
    pub kafka_config: Option<PathBuf>,
    /// How things are printed; junit and github are for the findings of schema lint and schema check
    #[arg(
        short = 'o',
        long = "output",
        id = "output",
        global = true,
        value_enum,
        default_value = "table",
        value_name = "OUTPUT"
    )]
    pub choice: Choice,
    /// The same, for commands that know tables and JSON.
    #[arg(skip)]
    pub output: Format,
}

/// An opened bus with its registry.
pub struct Bus {
    /// The log.
    pub log: Arc<dyn Log>,
    /// The registry.
    pub registry: Arc<dyn Registry>,
}

impl Global {
    /// The bus's address.
    pub fn address(&self) -> Result<BusAddress, Failure> {
        Ok(BusAddress::from_str(&self.bus)?)
    }

    /// Opens the log alone. A new embedded one is announced.
    pub fn open_log(&self) -> Result<Arc<dyn Log>, Failure> {
        let address = self.address()?;
        let kafka = match &self.kafka_config {
            Some(path) => KafkaSettings::from_file(path)?,
            None => KafkaSettings::default(),
        };
        let is_new = matches!(&address, BusAddress::Embedded { dir, .. } if !EmbeddedLog::exists(dir));
        let log = open(&address, &Settings { request_timeout: Duration::from_secs(15), kafka })?;
        if let (true, BusAddress::Embedded { dir, .. }) = (is_new, &address) {
            let path = dir.canonicalize().unwrap_or_else(|_| dir.clone());
            eprintln!("new empty bus in {}", path.display());
        }
        Ok(log)
    }

    /// Opens the bus if there is one; an embedded one is not made.
    pub async fn open_existing(&self) -> Result<Option<Bus>, Failure> {
        match self.address()? {
            BusAddress::Embedded { dir, .. } if !EmbeddedLog::exists(&dir) => Ok(None),
            _ => self.open().await.map(Some),
        }
    }

    /// Opens the bus. On an embedded one the catalogue is applied by itself.
    pub async fn open(&self) -> Result<Bus, Failure> {
        let bus = self.connect().await?;
        if matches!(self.address()?, BusAddress::Embedded { .. }) {
            bus.apply(&self.topic_prefix).await?;
        }
        Ok(bus)
    }

    /// How the registry at a URL is asked.
    pub fn registry_settings(&self, url: &str) -> Result<ClientSettings, Failure> {
        let settings = ClientSettings::new(url);
        let Some(file) = &self.registry_config else { return Ok(settings) };
        let about = || file.display().to_string();
        let text = std::fs::read_to_string(file).map_err(|e| Failure::from(e).about(about()))?;
        settings.configured(&text).map_err(|what| {
            let next = "give lines name=value with token, or user and password; ca; snapshot";
            Failure::new(Code::Credentials, what, about(), next)
        })
    }

    /// Opens the bus as it is, for commands that say themselves what the catalogue lacks.
    pub async fn connect(&self) -> Result<Bus, Failure> {
        let log = self.open_log()?;
        let embedded = matches!(self.address()?, BusAddress::Embedded { .. });
        let registry: Arc<dyn Registry> = match &self.registry {
            Some(url) => Arc::new(HttpRegistry::with(self.registry_settings(url)?)?),
            None => {
                let settings = StoreSettings { writable: embedded, ..StoreSettings::default() };
                Arc::new(LogRegistry::open(log.clone(), settings).await?)
            }
        };
        Ok(Bus { log, registry })
    }

    /// Opens the registry alone: where `--registry` names one, no bus is needed.
    pub async fn open_registry(&self) -> Result<Arc<dyn Registry>, Failure> {
        match &self.registry {
            Some(url) => Ok(Arc::new(HttpRegistry::with(self.registry_settings(url)?)?)),
            None => Ok(self.open().await?.registry),
        }
    }

    /// The database of a sink: its own `--db NAME=URL`, else the last without a name, else SQLite in `.coursebus/db`.
    pub fn database(&self, sink: &str) -> Result<DbAddress, Failure> {
        self.database_url(sink).parse().map_err(|error| {
            Failure::usage(
                format!("{error}"),
                "give --db sqlite:DIR, --db postgres://…, --db mysql://… or --db NAME=URL",
            )
            .about("--db")
        })
    }

    /// The database of a service's outbox, chosen in the same way. In a SQLite folder it is the file `<name>.db`.
    pub fn outbox(&self, name: &str) -> Result<OutboxAddress, Failure> {
        let address = self.database_url(name).parse().map_err(|error| {
            let next = "give --db sqlite:FILE, --db postgres://…, --db mysql://… or --db NAME=URL";
            Failure::usage(format!("{error}"), next).about("--db")
        })?;
        Ok(match address {
            // A name without an ending is a folder's, unless there is a file.
            OutboxAddress::Sqlite { file } if file.is_dir() || (file.extension().is_none() && !file.is_file()) => {
                OutboxAddress::Sqlite { file: file.join(format!("{name}.db")) }
            }
            address => address,
        })
    }

    fn database_url(&self, name: &str) -> String {
        let named = |entry: &'_ str| {
            let (name, url) = entry.split_once('=')?;
            let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            is_name.then(|| (name.to_owned(), url.to_owned()))
        };
        let own = self.db.iter().rev().filter_map(|e| named(e)).find(|(found, _)| found == name).map(|(_, url)| url);
        let shared = || self.db.iter().rev().find(|e| named(e).is_none()).cloned();
        own.or_else(shared).unwrap_or_else(|| "sqlite:.coursebus/db".to_owned())
    }

    /// How this process emits.
    pub fn producer_settings(&self) -> ProducerSettings {
        ProducerSettings { topic_prefix: self.topic_prefix.clone(), source_host: host(), ..ProducerSettings::default() }
    }
}

impl Bus {
    /// Brings topics and schemas in line with the catalogue.
    pub async fn apply(&self, prefix: &str) -> Result<Applied, Failure> {
        self.execute(&self.plan(prefix).await?).await
    }

    /// What it takes to bring topics and schemas in line with the catalogue.
    pub async fn plan(&self, prefix: &str) -> Result<Plan, Failure> {
        Ok(plan(self.log.as_ref(), self.registry.as_ref(), catalog(), prefix).await?)
    }

    /// Does what a plan says.
    pub async fn execute(&self, plan: &Plan) -> Result<Applied, Failure> {
        Ok(execute(self.log.as_ref(), self.registry.as_ref(), plan).await?)
    }

    /// A producer on this bus.
    pub async fn producer(&self, settings: ProducerSettings) -> Result<Producer, Failure> {
        Ok(Producer::new(self.log.clone(), self.registry.clone(), settings).await?)
    }
}

/// The sink of this name.
pub fn sink(name: &str) -> Result<SinkSpec, Failure> {
    let found = coursebus_sinks::all().into_iter().find(|s| s.name == name);
    found.ok_or_else(|| {
        let names: Vec<&str> = coursebus_sinks::all().iter().map(|s| s.name).collect();
        Failure::usage(format!("there is no sink '{name}'"), format!("give one of: {}", names.join(", ")))
    })
}

/// The host's name, for the `sourcehost` header; empty where the system does not tell.
fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").map(|name| name.trim().to_owned()).unwrap_or_default()
}

/// Resolves at the first Ctrl-C or termination signal; a second one ends the process at once.
pub async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let wait = async || match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        },
        Err(_) => drop(tokio::signal::ctrl_c().await),
    };
    wait().await;
    tokio::spawn(async move {
        wait().await;
        std::process::exit(130);
    });
}
