//! What a log is: topics of ordered, durable records, read from positions or by consumer groups.
//!
//! [`Log`] and its companions are the contract; [`embedded`] and [`kafka`] are the backends; the `conformance` feature
//! has the test that both pass. Nothing above this crate knows which backend it runs on: [`open`] turns an address into a [`Log`].

mod address;
mod clock;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod embedded;
mod error;
mod group_info;
mod group_settings;
mod handoff;
pub mod kafka;
mod log;
#[cfg(feature = "memory")]
pub mod memory;
mod no_space;
pub mod pattern;
mod record;
mod topic;
mod writer;

use std::{sync::Arc, time::Duration};

pub use address::{BusAddress, Sync};
pub use error::{AdminError, AppendError, Cause, Class, OpenError, ReadError};
pub use group_info::{GroupInfo, GroupMember};
pub use group_settings::GroupSettings;
pub(crate) use log::MemberOf;
pub use log::{
    Assignment, Committer, Event, Fetched, Log, Member, Membership, Range, Reader, ReaderSettings, Revocation, Start,
    TxWriter, partitions_of,
};
pub use no_space::NoSpace;
pub(crate) use record::Outgoing;
pub use record::{Header, NewRecord, Offset, Record, RecordRef, TopicPartition};
pub use topic::{Cleanup, ClusterId, TopicId, TopicInfo, TopicSpec};
pub(crate) use writer::{Ack, Append};
pub use writer::{Appended, Confirm, OutcomeCell, Receipt, Unflushed, Writer, WriterSettings};

/// How soon members see topics that match a pattern of theirs, and new partitions, before the group divides them: at once on
/// an embedded log; Kafka is asked this often (`topic.metadata.refresh.interval.ms`, which the settings file may change).
pub const NEW_TOPICS_WITHIN: Duration = Duration::from_secs(10);

/// What all calls on a log share.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long one request may take, retries included, before it fails with an `Unavailable`. Default 15 s.
    pub request_timeout: Duration,
    /// Settings for librdkafka, from the file that `COURSEBUS_KAFKA_CONFIG` names. Unused by an embedded log.
    pub kafka: kafka::KafkaSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self { request_timeout: Duration::from_secs(15), kafka: kafka::KafkaSettings::default() }
    }
}

/// Opens the log at an address. An embedded one is created when its folder does not exist or is empty; no connection to
/// Kafka is made yet.
pub fn open(address: &BusAddress, settings: &Settings) -> Result<Arc<dyn Log>, OpenError> {
    match address {
        BusAddress::Embedded { dir, sync } => Ok(Arc::new(embedded::EmbeddedLog::open(dir, *sync, settings)?)),
        BusAddress::Kafka { bootstrap } => Ok(Arc::new(kafka::KafkaLog::open(bootstrap, settings)?)),
    }
}
