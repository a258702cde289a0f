//! What becomes of a record that can never be processed, and of those behind it.

use std::fmt;

/// A subscription's choice. The words are an interface: configuration and status use them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OnPoison {
    /// The record and the later ones of its order key are held; all other keys flow. Order is kept when they come back.
    Park,
    /// The record is held as dead, and its key goes on without it: the order of the key is given up.
    Skip,
    /// The partition stops at the record, visibly; other partitions go on.
    Stop,
}

impl OnPoison {
    /// The word: `park`, `skip`, `stop`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Park => "park",
            Self::Skip => "skip",
            Self::Stop => "stop",
        }
    }
}

impl fmt::Display for OnPoison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
