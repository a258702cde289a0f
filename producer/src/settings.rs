//! Who emits, and how.

use std::time::Duration;

use coursebus_transport::WriterSettings;

/// Who emits, and how.
#[derive(Debug, Clone)]
pub struct ProducerSettings {
    /// Stands before every topic, with a `-` between. Default `dev`.
    pub topic_prefix: String,
    /// `ce_source`. Default: by the type's owner, `openedx/<owner>/web`.
    pub source: Option<String>,
    /// The host that emits. Default: none.
    pub source_host: String,
    /// The emitting library's version. Default: this crate's.
    pub source_lib: String,
    /// How the log is written to: byte bound, deadline of each event, linger.
    pub writer: WriterSettings,
    /// How many partitions a topic must have. Default: as many as the catalogue says.
    pub partitions: PartitionCount,
    /// How often topics are looked at again while the producer lives, for partitions that somebody added. Default 30 s.
    pub look_again_every: Duration,
    /// Tells the W3C trace context of the caller's current span, for events that have none from their metadata or a
    /// [`crate::Cause`]. Called for each such event, so it must be quick. Default: none.
    pub traceparent: Option<fn() -> Option<String>>,
}

/// What the partitions of a key are counted by. All writers of a topic must agree, so that a key keeps its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PartitionCount {
    /// The catalogue: a topic that has more or fewer is refused.
    #[default]
    Catalogue,
    /// The topic, as it is found at the first event: for topics that somebody else makes. One that changes afterwards is
    /// refused.
    AsFound,
}

impl Default for ProducerSettings {
    fn default() -> Self {
        Self {
            topic_prefix: "dev".to_owned(),
            source: None,
            source_host: String::new(),
            source_lib: env!("CARGO_PKG_VERSION").to_owned(),
            writer: WriterSettings::default(),
            partitions: PartitionCount::default(),
            look_again_every: Duration::from_secs(30),
            traceparent: None,
        }
    }
}
