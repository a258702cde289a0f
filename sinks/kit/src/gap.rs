//! Whether a stored position can still be read, and what is missing where it cannot. Pure.

use std::fmt;

use coursebus_transport::{Offset, Range};

use crate::{PartitionId, Position};

/// Why a stored position cannot be read. The names are stored with accepted gaps: they stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GapCause {
    /// Retention, or someone, deleted records before they were applied.
    Deleted,
    /// The topic was deleted and made again, or this is another log.
    Recreated,
    /// The log ends before the position: it lost its end, or was restored from an older copy.
    Truncated,
}

impl GapCause {
    /// The name under which it is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Recreated => "recreated",
            Self::Truncated => "truncated",
        }
    }
}

/// A part of the log that is not there, between a stored position and where reading can go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The partition as the log has it now.
    pub id: PartitionId,
    /// The stored position, and the log that it is of.
    pub stored: PartitionId,
    /// Why it cannot be read.
    pub cause: GapCause,
    /// The next offset that was to be applied.
    pub position: Offset,
    /// Where reading can go on: nothing between `position` and this will be applied.
    pub resume: Offset,
}

/// What is missing between a stored position and a partition as the log has it now, if anything is.
#[must_use]
pub fn find(id: &PartitionId, stored: &Position, range: Range) -> Option<Gap> {
    let position = stored.next?;
    let (cause, resume) = if stored.id != *id {
        (GapCause::Recreated, range.earliest)
    } else if position < range.earliest {
        (GapCause::Deleted, range.earliest)
    } else if position > range.latest {
        (GapCause::Truncated, range.latest)
    } else {
        return None;
    };
    Some(Gap { id: id.clone(), stored: stored.id.clone(), cause, position, resume })
}

/// Names the gap, for a person.
impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (position, partition) = (self.position, &self.id.partition);
        match self.cause {
            GapCause::Recreated => write!(
                f,
                "position {position} of {partition} is of a topic that is gone: it was deleted and made again, or this is another log"
            ),
            GapCause::Deleted => write!(
                f,
                "records {position} to {} of {partition} were deleted before they were applied",
                Offset(self.resume.0 - 1)
            ),
            GapCause::Truncated => {
                write!(f, "position {position} of {partition} is behind the end of the log, which is {}", self.resume)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use coursebus_transport::TopicPartition;

    use super::*;

    fn id(topic_id: &str) -> PartitionId {
        let partition = TopicPartition::new("t", 0);
        PartitionId { partition, cluster: "c".to_owned(), topic_id: topic_id.to_owned() }
    }

    #[test]
    fn positions_in_the_log_have_no_gap_and_others_are_named() {
        let range = Range { earliest: Offset(10), latest: Offset(20) };
        let check = |topic_id: &str, next: Option<i64>, expected: Option<(GapCause, i64)>| {
            let stored = Position { id: id(topic_id), epoch: 1, next: next.map(Offset) };
            let found = find(&id("a"), &stored, range);
            assert_eq!(found.as_ref().map(|g| (g.cause, g.resume.0)), expected, "{topic_id} {next:?}");
            found.map(|gap| gap.to_string())
        };
        check("a", None, None);
        check("b", None, None);
        check("a", Some(10), None);
        check("a", Some(20), None);
        let deleted = check("a", Some(4), Some((GapCause::Deleted, 10)));
        assert_eq!(deleted.as_deref(), Some("records 4 to 9 of t/0 were deleted before they were applied"));
        check("a", Some(21), Some((GapCause::Truncated, 20)));
        check("b", Some(15), Some((GapCause::Recreated, 10)));
    }
}
