//! The contract of a log, on the one in memory, so that what is simulated on it holds of the others.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use coursebus_transport::{
    Log,
    conformance::{Backend, Profile},
    memory::{MemoryLog, Process, World},
};

coursebus_transport::conformance_tests! { backend = backend() }

struct Memory(MemoryLog);

#[expect(clippy::unnecessary_wraps, reason = "the suite takes backends that may be missing")]
fn backend() -> Option<Arc<dyn Backend>> {
    let world = World::calm(0);
    // The suite compares times with ours.
    world.jump_clock(now_ms() - world.now_ms());
    Some(Arc::new(Memory(MemoryLog::new(Process::start(&world)))))
}

#[expect(clippy::disallowed_methods, reason = "the clock of the world is set once, here")]
fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_millis()).expect("before the year 292278994")
}

#[async_trait]
impl Backend for Memory {
    async fn open(&self) -> Arc<dyn Log> {
        Arc::new(self.0.for_process(Process::start(self.0.process().world())))
    }

    fn address(&self) -> Option<String> {
        None
    }

    async fn open_absent(&self) -> Option<Arc<dyn Log>> {
        None
    }

    fn profile(&self) -> Profile {
        Profile {
            patience: Duration::from_secs(20),
            cleanup_patience: Duration::from_secs(20),
            session_timeout: Duration::from_millis(500),
            quick_cleanup: Profile::quick_cleanup(),
            shows_uncommitted: false,
        }
    }
}
