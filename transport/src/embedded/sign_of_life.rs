//! How members of a group know that another one is alive: each has a file that it keeps locked and touches.
//!
//! The lock goes with the process, however that ends; the touch stops when a process is stopped. Neither costs a write to
//! the log.

use std::{
    collections::HashMap,
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use super::membership::instance_of;

/// A member's own file. Removed when the member goes; that of one with a name of its own stays, because its place does.
pub(super) struct SignOfLife {
    file: File,
    path: PathBuf,
    stays: bool,
}

impl SignOfLife {
    pub(super) fn start(dir: &Path, member: &str) -> std::io::Result<Self> {
        let path = path(dir, member);
        let file = File::options().create_new(true).write(true).open(&path)?;
        file.try_lock().map_err(|_| std::io::Error::other("a new member's file is locked by another"))?;
        Ok(Self { file, path, stays: instance_of(member).is_some() })
    }

    /// The member's place is another's: the file goes with it.
    pub(super) fn forget(&mut self) {
        self.stays = false;
    }

    pub(super) fn give(&self) {
        // A touch that fails looks like silence to the others, who then take over: safe, if not wanted.
        #[expect(clippy::disallowed_methods, reason = "the file's time only has to change; nobody reads it")]
        let _ = self.file.set_modified(SystemTime::now());
    }
}

impl Drop for SignOfLife {
    fn drop(&mut self) {
        if !self.stays {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Removes the file of a member whose place another one has.
pub(super) fn remove(dir: &Path, member: &str) {
    let _ = std::fs::remove_file(path(dir, member));
}

/// What one member has seen of the others.
#[derive(Default)]
pub(super) struct Watchman {
    seen: HashMap<String, (SystemTime, Instant)>,
}

impl Watchman {
    /// Those whose process has ended (one with a name of its own may come back, and is waited for), or whose file was not touched for `silence_max` by this observer's own monotonic
    /// clock, so that a jump of the wall clock evicts nobody.
    pub(super) fn silent(&mut self, dir: &Path, members: Vec<String>, silence_max: Duration) -> Vec<String> {
        self.seen.retain(|member, _| members.contains(member));
        members.into_iter().filter(|member| self.is_silent(dir, member, silence_max)).collect()
    }

    fn is_silent(&mut self, dir: &Path, member: &str, silence_max: Duration) -> bool {
        let path = path(dir, member);
        let Ok(file) = File::open(&path) else { return true };
        let has_ended = match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => false,
            Err(TryLockError::Error(_)) => return false,
        };
        if has_ended && instance_of(member).is_none() {
            let _ = std::fs::remove_file(&path);
            return true;
        }
        let Ok(touched) = file.metadata().and_then(|m| m.modified()) else { return false };
        let seen = self.seen.entry(member.to_owned()).or_insert_with(|| (touched, Instant::now()));
        if seen.0 != touched {
            *seen = (touched, Instant::now());
        }
        let silent = seen.1.elapsed() > silence_max;
        if silent && has_ended {
            let _ = std::fs::remove_file(&path);
        }
        silent
    }
}

/// Whether the process of a member has ended. One that stands still has not.
pub(super) fn has_ended(dir: &Path, member: &str) -> bool {
    // Only a process that is gone leaves its lock to others; it is given back at once.
    File::open(path(dir, member)).map_or(true, |file| file.try_lock().is_ok())
}

fn path(dir: &Path, member: &str) -> PathBuf {
    dir.join("members").join(member)
}
