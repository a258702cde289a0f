//! What a subscription promises about each event.

use std::fmt;

/// How often an event takes effect when members crash, stall and come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Guarantee {
    /// The position is committed before the handler is called: an event is handled once or, after a crash or a failure,
    /// not at all. Nothing is tried again and nothing is parked.
    AtMostOnce,
    /// The position is committed after the handler has succeeded: a crash delivers again what was in hand.
    #[default]
    AtLeastOnce,
    /// Effect and position are one transaction: of the sink's database, or, from topic to topic, of the log.
    ExactlyOnce,
}

impl fmt::Display for Guarantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AtMostOnce => "at most once",
            Self::AtLeastOnce => "at least once",
            Self::ExactlyOnce => "exactly once",
        })
    }
}
