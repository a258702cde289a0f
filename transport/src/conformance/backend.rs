//! What a backend gives to be tested.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::Log;

/// A backend under test.
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    /// Opens the log anew, as another process would. All openings are of the same log.
    async fn open(&self) -> Arc<dyn Log>;

    /// The address of the log, for a process of its own. `None` where another process cannot reach it: then the cases
    /// about processes show nothing.
    fn address(&self) -> Option<String>;

    /// A log whose backend does not answer, with a request time-out of two seconds. `None` where that cannot be.
    async fn open_absent(&self) -> Option<Arc<dyn Log>>;

    /// How fast things happen there.
    fn profile(&self) -> Profile;
}

/// How fast things happen on a backend, and what it can show.
#[derive(Debug, Clone)]
pub struct Profile {
    /// How long a condition may take to come true before the case fails.
    pub patience: Duration,
    /// How long compaction and retention may take.
    pub cleanup_patience: Duration,
    /// The shortest session time-out that the backend takes.
    pub session_timeout: Duration,
    /// Settings of a topic that make compaction and retention quick.
    pub quick_cleanup: BTreeMap<String, String>,
    /// Whether a reader can be shown records of open transactions.
    pub shows_uncommitted: bool,
}

impl Profile {
    /// The settings of a topic that make compaction and retention quick on Kafka, by their names there.
    #[must_use]
    pub fn quick_cleanup() -> BTreeMap<String, String> {
        [("segment.ms", "100"), ("min.cleanable.dirty.ratio", "0"), ("delete.retention.ms", "100")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }
}
