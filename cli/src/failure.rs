//! How a command fails: three lines for a person, a code with a page in docs/errors/, and an exit code for a script.

use std::{error::Error, fmt};

use coursebus_consumer::{EngineError, ProcessError};
use coursebus_producer::{
    EmitError,
    relay::{OutboxError, RelayError},
};
use coursebus_registry_tools::{RegistryError, apply::ApplyError};
use coursebus_sinks_kit::{StoreError, audit::AuditError, replay::ReplayError};
use coursebus_transport::{AdminError, NoSpace, OpenError, ReadError};

/// Declares [`Code`], so that no code can be added without its being in `ALL`.
macro_rules! codes {
    ($($variant:ident = $text:literal,)*) => {
        /// A class of failure, for programs: each has a page of its name in docs/errors/.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code { $($variant,)* }

        #[cfg(test)]
        impl Code {
            const ALL: &[Self] = &[$(Self::$variant,)*];
        }

        impl From<Code> for &'static str {
            fn from(code: Code) -> Self {
                match code { $(Code::$variant => $text,)* }
            }
        }
    };
}

codes! {
    Apply = "apply",
    Audit = "audit",
    BusAddress = "bus-address",
    BusFormat = "bus-format",
    BusRefused = "bus-refused",
    BusUnavailable = "bus-unavailable",
    BusUnusable = "bus-unusable",
    CannotProcess = "cannot-process",
    Contracts = "contracts",
    Credentials = "credentials",
    Database = "database",
    DependencyUnavailable = "dependency-unavailable",
    DiskFull = "disk-full",
    Engine = "engine",
    EventLine = "event-line",
    Fenced = "fenced",
    HeldEdit = "held-edit",
    HeldWaiting = "held-waiting",
    GroupActive = "group-active",
    Internal = "internal",
    Io = "io",
    KafkaSettings = "kafka-settings",
    Listen = "listen",
    ListenOpen = "listen-open",
    NotAudited = "not-audited",
    NotFound = "not-found",
    NotHeld = "not-held",
    OtherLog = "other-log",
    OutboxNotInstalled = "outbox-not-installed",
    PartitionCount = "partition-count",
    PositionOutOfRange = "position-out-of-range",
    PlanRefused = "plan-refused",
    Registry = "registry",
    Replay = "replay",
    SchemaInUse = "schema-in-use",
    Timeout = "timeout",
    UnknownEventType = "unknown-event-type",
    UnknownTopic = "unknown-topic",
    Usage = "usage",
}

/// A command that did not do what it was asked.
#[derive(Debug)]
pub struct Failure {
    /// The page in docs/errors/.
    pub code: &'static str,
    /// What happened, with its causes.
    pub what: String,
    /// To what.
    pub to: String,
    /// What to do.
    pub next: String,
    /// 1 failed, 2 usage, 3 findings.
    pub exit: u8,
}

impl Failure {
    /// A failure (exit 1).
    pub fn new(
        code: impl Into<&'static str>,
        what: impl Into<String>,
        to: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self { code: code.into(), what: what.into(), to: to.into(), next: next.into(), exit: 1 }
    }

    /// A failure of usage (exit 2).
    pub fn usage(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { exit: 2, ..Self::new(Code::Usage, what, "the command line", next) }
    }

    /// Where what is wrong is that a file cannot grow, it says that, whatever was being done.
    fn unless_full(self, full: bool) -> Self {
        if full { Self { code: Code::DiskFull.into(), next: MAKE_ROOM.to_owned(), ..self } } else { self }
    }

    /// Names what it happened to.
    #[must_use]
    pub fn about(mut self, to: impl Into<String>) -> Self {
        self.to = to.into();
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error[{}]: {}\n   to: {}\n   do: {}", self.code, self.what, self.to, self.next)
    }
}

/// An error with its causes, in one line.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !line.ends_with(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        source = cause.source();
    }
    line
}

const APPLY: &str = "create the catalogue's topics and schemas: coursebus apply (on Kafka with --registry URL)";
const LOG_AWAY: &str = "check that the bus is running and reachable (coursebus doctor), then run the command again";

const MAKE_ROOM: &str = "make room on the disk of the file that is named (df -h; quota; ulimit -f), then run the command \
                         again: what was confirmed is kept, and it goes on from there";

/// Whether somewhere below an error a file cannot grow.
fn is_full(error: &(dyn Error + 'static)) -> bool {
    NoSpace::among(error).is_some()
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let (code, next) = match &error {
            OpenError::Address { .. } => {
                let next = "give --bus embedded:DIR or --bus kafka://host:port";
                return Self { exit: 2, ..Self::new(Code::BusAddress, chain(&error), "--bus", next) };
            }
            OpenError::Embedded { .. } => {
                (Code::BusUnusable, "give --bus embedded:DIR a folder that can be written to")
            }
            OpenError::Format { .. } => {
                (Code::BusFormat, "use the version of coursebus that made this bus, or another folder")
            }
            OpenError::Settings { .. } => (Code::KafkaSettings, "correct the file that COURSEBUS_KAFKA_CONFIG names"),
            _ => (Code::BusUnusable, "check --bus and the file that COURSEBUS_KAFKA_CONFIG names"),
        };
        Self::new(code, chain(&error), "the bus", next).unless_full(is_full(&error))
    }
}

impl From<AdminError> for Failure {
    fn from(error: AdminError) -> Self {
        let (what, full) = (chain(&error), is_full(&error));
        let failure = match error {
            AdminError::UnknownTopic { topic } => Self::new(Code::UnknownTopic, what, topic, APPLY),
            AdminError::Unavailable { .. } => Self::new(Code::BusUnavailable, what, "the bus", LOG_AWAY),
            _ => Self::new(
                Code::BusRefused,
                what,
                "the bus",
                "check the name, the settings and, on Kafka, the access rights of this user (docs/operations/kafka-security.md)",
            ),
        };
        failure.unless_full(full)
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        let (what, full) = (chain(&error), is_full(&error));
        let failure = match error {
            ReadError::UnknownTopic { topic } => Self::new(Code::UnknownTopic, what, topic, APPLY),
            ReadError::Unavailable { .. } => Self::new(Code::BusUnavailable, what, "the bus", LOG_AWAY),
            ReadError::Replaced { instance, .. } => {
                let next = "give each process that runs at the same time another --instance";
                Self::new(Code::Fenced, what, instance, next)
            }
            ReadError::OutOfRange { partition, .. } => {
                let next = "the records are gone: decide what that means for your data before you go on";
                Self::new(Code::PositionOutOfRange, what, partition.to_string(), next)
            }
            _ => Self::new(
                Code::BusRefused,
                what,
                "the bus",
                "check the bus's files or, on Kafka, the access rights of this user (docs/operations/kafka-security.md)",
            ),
        };
        failure.unless_full(full)
    }
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Self {
        let next = match &error {
            RegistryError::Unavailable { .. } => "check that the registry is running and --registry names it",
            RegistryError::ReadOnly => "give --registry URL; `coursebus registry serve` starts one",
            RegistryError::TopicUnsafe { .. } => "put the topic in order as the sentence says, then start anew",
            RegistryError::Store { .. } => "look why the bus refuses; nothing was changed",
            RegistryError::Incompatible { .. } => "make the schema compatible, or publish a new major",
            RegistryError::InvalidSchema { .. } => "correct the schema at the place that is named",
            RegistryError::UnknownSubject { .. } => "see what there is: coursebus schema list",
            RegistryError::UnknownVersion { .. } => "see its versions: coursebus schema show SUBJECT",
            _ => "see docs/errors/registry.md",
        };
        Self::new(Code::Registry, chain(&error), format!("the registry (code {})", error.code()), next)
    }
}

impl From<EmitError> for Failure {
    fn from(error: EmitError) -> Self {
        let next = match error.code() {
            "unknown-event-type" => "see what there is: coursebus event list",
            "event-does-not-fit" => "correct the field that is named; coursebus event show TYPE prints the schema",
            "schema-not-registered" | "unknown-topic" => APPLY,
            "registry-unavailable" => "check that the registry is running and --registry names it",
            "bus-refused" => {
                "read the cause; on Kafka check the access rights of this user (docs/operations/kafka-security.md)"
            }
            "record-too-large" => "make the event smaller, or raise the topic's max.message.bytes",
            "record-key" => "give the field that is the record key a value; coursebus event show TYPE names it",
            "partition-count" => {
                "stop the producers and bring topic and catalogue in line; no event goes there before (docs/errors/partition-count.md)"
            }
            "not-sent" => {
                "nothing was written: check that the bus is running and reachable (coursebus doctor), then run the command again"
            }
            _ => LOG_AWAY,
        };
        let to = if let EmitError::Partitions { topic, .. } = &error { topic } else { "the event" };
        Self::new(error.code(), chain(&error), to, next).unless_full(is_full(&error))
    }
}

impl From<ApplyError> for Failure {
    fn from(error: ApplyError) -> Self {
        match &error {
            ApplyError::Partitions { topic, .. } => {
                let next = "keys would move: keep the catalogue's number, or make a new topic";
                Self::new(Code::PartitionCount, chain(&error), topic.clone(), next)
            }
            ApplyError::Subject { source: RegistryError::Unavailable { .. }, .. } => {
                let next = "check that the registry is running and --registry names it";
                Self::new(Code::Apply, chain(&error), "the catalogue", next)
            }
            _ => Self::new(Code::Apply, chain(&error), "the catalogue", LOG_AWAY),
        }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let (what, full) = (chain(&error), is_full(&error));
        let failure = match error {
            EngineError::Log { source, .. } => Self { what, ..source.into() },
            EngineError::Partitions { partition, .. } => Self::new(
                Code::PartitionCount,
                what,
                partition.to_string(),
                "stop the producers, let every group read the topic to its end, and only then raise the number in the catalogue too (docs/errors/partition-count.md)",
            ),
            EngineError::Process { partition, source, .. } => {
                let (code, next) = match source {
                    ProcessError::Fenced { .. } => {
                        (Code::Fenced, "another process has the partition: look for a second one that runs this sink")
                    }
                    ProcessError::Gap { .. } => (
                        Code::PositionOutOfRange,
                        "decide what the gap means for your data; --accept-gap notes it and goes on",
                    ),
                    ProcessError::Unavailable { .. } => (
                        Code::DependencyUnavailable,
                        "check the database and the registry; what was done is kept, and the sink goes on where it stopped",
                    ),
                    _ => (Code::CannotProcess, "read the cause above; nothing was skipped"),
                };
                Self::new(code, what, partition.to_string(), next)
            }
            _ => Self::new(Code::Engine, what, "the sink", "read the cause above"),
        };
        failure.unless_full(full)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let next = match &error {
            StoreError::Away { .. } => "check that the database is running and --db names it",
            _ => "check --db, the access rights and the database's version",
        };
        Self::new(Code::Database, chain(&error), "the sink's database", next).unless_full(is_full(&error))
    }
}

impl From<OutboxError> for Failure {
    fn from(error: OutboxError) -> Self {
        let (code, next) = match &error {
            OutboxError::NotInstalled { .. } => {
                (Code::OutboxNotInstalled, "make its tables: coursebus outbox install --db URL")
            }
            OutboxError::Away { .. } => (Code::Database, "check that the database is running and --db names it"),
            _ => (Code::Database, "check --db, the access rights and the database's version"),
        };
        Self::new(code, chain(&error), "the outbox's database", next)
    }
}

impl From<RelayError> for Failure {
    fn from(error: RelayError) -> Self {
        match error {
            RelayError::Outbox { source } => source.into(),
            error => Self::new(Code::Internal, chain(&error), "the relay", "see docs/errors/internal.md"),
        }
    }
}

impl From<AuditError> for Failure {
    fn from(error: AuditError) -> Self {
        match error {
            AuditError::NotAudited { ref group } => {
                let next = "run the sink with --audit into an empty database, then audit that";
                Self::new(Code::NotAudited, chain(&error), group.clone(), next)
            }
            AuditError::OtherLog { ref group, .. } => {
                let next = "give --bus the bus that the sink was fed from, or --db another database";
                Self::new(Code::OtherLog, chain(&error), group.clone(), next)
            }
            AuditError::Store(error) => error.into(),
            error => Self::new(Code::Audit, chain(&error), "the sink's topics", LOG_AWAY),
        }
    }
}

impl From<ReplayError> for Failure {
    fn from(error: ReplayError) -> Self {
        let what = chain(&error);
        match error {
            ReplayError::Admin(error) => error.into(),
            ReplayError::Read(error) => error.into(),
            ReplayError::Store(error) => error.into(),
            ReplayError::NotEmpty => Self::new(
                Code::Replay,
                what,
                "the target",
                "give --into-db a database in which the sink has written nothing",
            ),
            _ => Self::new(Code::Replay, what, "the target", "remove the target's tables and run the command again"),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        let full = NoSpace::is_io(error.kind());
        Self::new(Code::Io, error.to_string(), "a file or the output", "check the path and the access rights")
            .unless_full(full)
    }
}

/// What clap says in paragraphs (what is wrong, a tip, the usage), in three lines.
impl From<&clap::Error> for Failure {
    fn from(error: &clap::Error) -> Self {
        let text = error.render().to_string();
        let one_line = |paragraph: &str| paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut paragraphs = text.split("\n\n").map(one_line);
        let what = paragraphs.next().unwrap_or_default();
        let mut next: Vec<String> = paragraphs.filter(|p| p.starts_with("tip:") || p.starts_with("Usage:")).collect();
        next.push("--help tells more".to_owned());
        Self::usage(what.strip_prefix("error: ").unwrap_or(&what), next.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use coursebus_consumer::PoisonCode;

    use super::{Code, Failure};

    #[test]
    fn a_command_line_that_is_not_understood_is_told_in_three_lines() {
        let command = clap::Command::new("coursebus").arg(clap::Arg::new("max").long("max").value_name("N"));
        let error = command.try_get_matches_from(["coursebus", "--mix", "3"]).expect_err("there is no --mix");
        let told = Failure::from(&error);
        assert_eq!(
            told.to_string(),
            "error[usage]: unexpected argument '--mix' found\n   to: the command line\n   do: tip: a similar argument \
             exists: '--max'; Usage: coursebus --max <N>; --help tells more"
        );
        assert_eq!(told.exit, 2);
    }

    /// The codes of the producer's errors, of rows that the relay holds and of the import's, which are passed on as they are.
    const PASSED_ON: [&str; 11] = [
        "event-does-not-fit",
        "event-id-used",
        "import-invalid",
        "import-unreadable",
        "not-confirmed",
        "not-sent",
        "outbox-row",
        "record-key",
        "record-too-large",
        "registry-unavailable",
        "schema-not-registered",
    ];

    #[test]
    fn every_code_has_a_page_and_every_page_a_code() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/errors");
        let pages: BTreeSet<String> = fs::read_dir(folder)
            .expect("the pages")
            .filter_map(|e| e.expect("an entry").path().file_stem()?.to_str().map(str::to_owned))
            .filter(|name| name != "README")
            .collect();
        let own = Code::ALL.iter().map(|&code| <&str>::from(code));
        let poison = PoisonCode::ALL.iter().map(|code| code.as_str());
        let codes: BTreeSet<String> = own.chain(poison).chain(PASSED_ON).map(str::to_owned).collect();
        assert_eq!(pages, codes);
    }
}
