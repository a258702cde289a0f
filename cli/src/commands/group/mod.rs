//! `coursebus group list | describe | reset | replay`

mod describe;
mod lag;
mod list;
mod replay;
mod reset;

use std::process::ExitCode;

use coursebus_sinks_kit::{PartitionId, SinkSpec};
use coursebus_transport::{Log, TopicPartition};

use crate::{context::Global, failure::Failure};

#[derive(clap::Subcommand)]
pub enum Command {
    /// The consumer groups of the bus, and those of the sinks
    #[command(after_help = "Example:\n  coursebus group list -o json")]
    List,
    /// One group: members, and per partition positions, lag and epoch; held records by cause
    #[command(after_help = "Example:\n  coursebus group describe discovery")]
    Describe {
        /// A sink, or a group by its name
        name: String,
    },
    /// Move a group's positions; --dry-run shows from where to where
    Reset(reset::Args),
    /// Apply what was emitted in a time to a fresh set of tables, and end with a count
    Replay(replay::Args),
}

pub async fn run(global: &Global, command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::List => list::run(global).await,
        Command::Describe { name } => describe::run(global, &name).await,
        Command::Reset(args) => reset::run(global, args).await,
        Command::Replay(args) => replay::run(global, args).await,
    }
}

/// Whose group it is.
enum Whose {
    /// A sink's: its database says where it is.
    Sink(SinkSpec),
    /// Anyone's: what it has committed is its position.
    Plain(String),
}

impl Whose {
    fn find(name: &str) -> Self {
        let sink = coursebus_sinks::all().into_iter().find(|spec| spec.name == name || spec.group() == name);
        sink.map_or_else(|| Self::Plain(name.to_owned()), Self::Sink)
    }

    fn group(&self) -> String {
        match self {
            Self::Sink(spec) => spec.group(),
            Self::Plain(name) => name.clone(),
        }
    }
}

/// All partitions of topics, with the identity that they have now.
async fn partitions(log: &dyn Log, topics: &[String]) -> Result<Vec<PartitionId>, Failure> {
    let cluster = log.cluster().await?.0;
    let mut partitions = Vec::new();
    for topic in topics {
        let info = log.topic(topic).await?;
        partitions.extend((0..info.partitions).map(|number| PartitionId {
            partition: TopicPartition::new(topic.as_str(), number),
            cluster: cluster.clone(),
            topic_id: info.id.0.clone(),
        }));
    }
    Ok(partitions)
}
