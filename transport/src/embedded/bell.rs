//! Wakes the threads that wait for new records, in this process and in others.

use std::{
    fs::File,
    path::Path,
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use notify::{RecursiveMode, Watcher};

/// A counter that threads can wait on, rung by every commit to the log.
///
/// Other processes are told by touching a file that they watch. A ring can be missed where the platform has no watch left
/// to give; waiting is therefore bounded by [`Bell::patience`], which is short in that case.
pub(crate) struct Bell {
    rings: Mutex<u64>,
    rung: Condvar,
    file: File,
    patience: Duration,
}

/// Keeps the watch alive.
pub(crate) struct Watch {
    #[cfg_attr(not(test), expect(dead_code, reason = "dropping it ends the watch"))]
    watcher: Option<notify::RecommendedWatcher>,
}

impl Bell {
    /// Opens the file and watches it.
    pub(crate) fn hang(path: &Path) -> std::io::Result<(Arc<Self>, Watch)> {
        const WITH_WATCH: Duration = Duration::from_millis(500);
        const WITHOUT_WATCH: Duration = Duration::from_millis(10);
        let file = File::options().create(true).truncate(false).write(true).open(path)?;
        // The handler needs the bell, and the bell needs to know whether the watch took: the cell breaks the circle.
        let cell: Arc<std::sync::OnceLock<Arc<Self>>> = Arc::default();
        let heard = cell.clone();
        let handler = move |_: notify::Result<notify::Event>| {
            if let Some(bell) = heard.get() {
                bell.ring();
            }
        };
        let watcher = notify::recommended_watcher(handler)
            .and_then(|mut watcher| watcher.watch(path, RecursiveMode::NonRecursive).map(|()| watcher));
        if let Err(error) = &watcher {
            tracing::warn!(%error, "the embedded log cannot be watched; it is polled instead");
        }
        let patience = if watcher.is_ok() { WITH_WATCH } else { WITHOUT_WATCH };
        let bell = Arc::new(Self { rings: Mutex::new(0), rung: Condvar::new(), file, patience });
        let _ = cell.set(bell.clone());
        Ok((bell, Watch { watcher: watcher.ok() }))
    }

    /// Wakes this process' threads.
    pub(crate) fn ring(&self) {
        *self.rings.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.rung.notify_all();
    }

    /// Wakes all processes' threads, these at once.
    pub(crate) fn ring_all(&self) {
        self.ring();
        // A touch that fails costs the others their patience, not a record.
        #[expect(clippy::disallowed_methods, reason = "the file's time only has to change; nobody reads it")]
        let _ = self.file.set_modified(SystemTime::now());
    }

    /// How often it rang: taken before looking for records, so that a ring in between is not missed.
    pub(crate) fn rings(&self) -> u64 {
        *self.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a ring after `seen`, up to `wait`, and no longer than the bell's patience.
    pub(crate) fn wait(&self, seen: u64, wait: Duration) {
        let until = Instant::now() + wait.min(self.patience);
        let mut rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        while *rings == seen {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            rings = self.rung.wait_timeout(rings, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Watch {
    #[cfg(test)]
    pub(crate) fn works(&self) -> bool {
        self.watcher.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_in_another_process_is_heard() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("notify");
        let (here, watch) = Bell::hang(&path).expect("a bell");
        let (there, _watch) = Bell::hang(&path).expect("a second bell");
        assert!(watch.works(), "this platform has watches");
        let seen = here.rings();
        there.ring_all();
        let deadline = Instant::now() + Duration::from_secs(5);
        while here.rings() == seen && Instant::now() < deadline {
            here.wait(seen, Duration::from_secs(1));
        }
        assert_ne!(here.rings(), seen);
    }
}
