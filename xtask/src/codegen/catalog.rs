//! `schemas/catalog.toml` as it is written. The file itself says what the fields mean.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalog {
    pub topics: BTreeMap<String, Topic>,
    pub events: Vec<Event>,
    #[serde(default)]
    pub flows: Vec<Flow>,
    #[serde(default)]
    pub docs: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    pub partitioner: Partitioner,
    #[serde(default = "default_partitions")]
    pub partitions: i32,
    pub replication: Option<i32>,
    #[serde(default)]
    pub cleanup: Cleanup,
    pub retention_days: Option<u64>,
    pub description: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Partitioner {
    Crc32,
    Murmur2,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cleanup {
    #[default]
    Delete,
    Compact,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    pub name: String,
    pub owner: String,
    pub topic: String,
    pub key: String,
    #[serde(default)]
    pub order_by: Vec<String>,
    pub compatibility: Option<Compatibility>,
    #[serde(default)]
    pub personal_data: Vec<String>,
    #[serde(default)]
    pub flows: Vec<u8>,
    pub description: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flow {
    pub number: u8,
    pub name: String,
    /// From whom to whom.
    pub way: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Compatibility {
    None,
    Backward,
    BackwardTransitive,
    Forward,
    ForwardTransitive,
    Full,
    FullTransitive,
}

impl Event {
    pub fn is_openedx(&self) -> bool {
        self.name.starts_with("org.openedx.")
    }

    /// The paths of `order_by`; the key where the catalogue names none.
    pub fn order_by(&self) -> &[String] {
        if self.order_by.is_empty() { std::slice::from_ref(&self.key) } else { &self.order_by }
    }

    pub fn compatibility(&self) -> Compatibility {
        let default = if self.is_openedx() { Compatibility::Backward } else { Compatibility::FullTransitive };
        self.compatibility.unwrap_or(default)
    }
}

fn default_partitions() -> i32 {
    4
}
