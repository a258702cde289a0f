//! How a member of a group is asked to be.

use std::time::Duration;

use crate::{ReadError, pattern};

/// How a member of a group behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSettings {
    /// The group's name.
    pub group: String,
    /// The topics, by full name, or by patterns ([`crate::pattern`]), whose topics may come later. Topics that match, and
    /// partitions that a topic is given, are read from their first record on, within [`crate::NEW_TOPICS_WITHIN`].
    pub topics: Vec<String>,
    /// A name that the member keeps when its process is started again: back within the session, it has its partitions again
    /// and no other member is interrupted. In return nobody takes over at once when it leaves: its partitions wait for it
    /// until the session has passed. Of two members with one name the older is out ([`ReadError::Replaced`]). Up to 100
    /// letters, digits, `.`, `_`, `-`. Default none. Source: KIP-345.
    pub instance: Option<String>,
    /// After this long without a sign of life a member's partitions go to others. Default 45 s on Kafka (its own default)
    /// and on an embedded log; a member whose **process** ended is noticed there at once. At least 6 s on Kafka, 100 ms
    /// embedded.
    pub session_timeout: Duration,
    /// How long the owner may take to let go of partitions that others are to have. At the bound they go all the same, and
    /// what the owner commits afterwards is refused as fenced. Default 30 s.
    pub release_timeout: Duration,
    /// How many bytes may be fetched ahead. At the bound fetching stops until the records are taken. Default 16 MiB.
    pub ahead_bytes_max: usize,
}

impl GroupSettings {
    /// A member with defaults.
    pub fn new(group: impl Into<String>, topics: Vec<String>) -> Self {
        Self {
            group: group.into(),
            topics,
            instance: None,
            session_timeout: Duration::from_secs(45),
            release_timeout: Duration::from_secs(30),
            ahead_bytes_max: 16 << 20,
        }
    }
}

impl GroupSettings {
    /// The topics that are named in full.
    pub fn named_topics(&self) -> impl Iterator<Item = &String> {
        self.topics.iter().filter(|entry| !pattern::is_pattern(entry))
    }

    /// Whether a topic is meant, by name or by pattern.
    #[must_use]
    pub fn subscribes(&self, topic: &str) -> bool {
        self.topics.iter().any(|entry| pattern::matches(entry, topic))
    }

    /// Whether a member can be like this.
    pub(crate) fn check(&self) -> Result<(), ReadError> {
        let refuse = |why: &str| {
            Err(ReadError::Refused { what: format!("join group {}", self.group), source: why.to_owned().into() })
        };
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if self.instance.as_ref().is_some_and(|name| name.is_empty() || name.len() > 100 || !name.chars().all(good)) {
            return refuse("a member's name has 1 to 100 letters, digits, '.', '_' and '-'");
        }
        let patterns = self.topics.iter().filter(|entry| pattern::is_pattern(entry));
        patterns.map(|entry| pattern::check(entry)).find_map(Result::err).map_or(Ok(()), refuse)
    }
}
