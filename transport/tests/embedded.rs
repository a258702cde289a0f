//! The contract of a log, on the embedded one, in a folder of its own for each case.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use coursebus_transport::{
    Log, Settings, Sync,
    conformance::{Backend, Profile},
    embedded::EmbeddedLog,
};

coursebus_transport::conformance_tests! { backend = backend() }

struct Embedded {
    folder: tempfile::TempDir,
}

#[expect(clippy::unnecessary_wraps, reason = "the suite takes backends that may be missing")]
fn backend() -> Option<Arc<dyn Backend>> {
    Some(Arc::new(Embedded { folder: tempfile::tempdir().expect("a temporary folder") }))
}

#[async_trait]
impl Backend for Embedded {
    async fn open(&self) -> Arc<dyn Log> {
        Arc::new(EmbeddedLog::open(self.folder.path(), Sync::Disk, &Settings::default()).expect("the log opens"))
    }

    fn address(&self) -> Option<String> {
        Some(format!("embedded:{}", self.folder.path().display()))
    }

    async fn open_absent(&self) -> Option<Arc<dyn Log>> {
        None
    }

    fn profile(&self) -> Profile {
        Profile {
            patience: Duration::from_secs(20),
            cleanup_patience: Duration::from_secs(60),
            session_timeout: Duration::from_secs(2),
            quick_cleanup: Profile::quick_cleanup(),
            shows_uncommitted: false,
        }
    }
}
