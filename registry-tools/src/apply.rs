//! Brings a log and its registry in line with the catalogue: topics, schemas, compatibility levels. Idempotent.

use std::collections::HashSet;

use coursebus_schemas::{Catalog, Topic, topic::Cleanup};
use coursebus_transport::{AdminError, Log, TopicSpec};

use crate::{Level, Registration, Registry, RegistryError};

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Topics that were made, by full name.
    pub topics: Vec<String>,
    /// Versions that were registered, as subject and version.
    pub schemas: Vec<(String, u32)>,
    /// Subjects whose level was set.
    pub levels: Vec<String>,
}

impl Applied {
    /// Whether everything was in line already.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.topics.is_empty() && self.schemas.is_empty() && self.levels.is_empty()
    }
}

/// The catalogue could not be applied whole; what was done before stays.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// A topic could not be made or looked at.
    #[error("a topic of the catalogue could not be made")]
    Topic(#[from] AdminError),
    /// A topic that exists has another number of partitions. Keys would move: it is never changed in passing.
    #[error("topic {topic} has {found} partitions, the catalogue says {expected}")]
    Partitions {
        /// The full name.
        topic: String,
        /// What it has.
        found: i32,
        /// What the catalogue says.
        expected: i32,
    },
    /// The registry refused.
    #[error("subject {subject} could not be brought in line")]
    Subject {
        /// The subject.
        subject: String,
        /// What the registry said.
        source: RegistryError,
    },
}

/// Makes what is missing.
pub async fn apply(
    log: &dyn Log,
    registry: &dyn Registry,
    catalog: &Catalog,
    prefix: &str,
) -> Result<Applied, ApplyError> {
    let mut applied = Applied::default();
    let existing = log.topics().await?;
    for topic in catalog.topics() {
        let name = topic.full_topic(prefix);
        match existing.iter().find(|t| t.name == name) {
            Some(found) if found.partitions != topic.partitions => {
                return Err(ApplyError::Partitions {
                    topic: name,
                    found: found.partitions,
                    expected: topic.partitions,
                });
            }
            Some(_) => {}
            None => match log.create_topic(&spec(topic, &name)).await {
                // Another process applies at the same time.
                Ok(()) | Err(AdminError::TopicExists { .. }) => applied.topics.push(name),
                Err(error) => return Err(error.into()),
            },
        }
    }
    // Asked once: a question for each would wait for the registry to see what was written just before.
    let subjects = registry.subjects().await.map_err(|source| wrap("of the catalogue", source))?;
    let mut known: HashSet<String> = subjects.into_iter().collect();
    for event in catalog.events() {
        let value = event.value_subject(prefix);
        let is_new = !known.contains(&value);
        for version in event.versions {
            ensure(registry, &mut known, &value, version.schema, &mut applied).await?;
        }
        ensure(registry, &mut known, &event.key_subject(prefix), event.key.schema, &mut applied).await?;
        let level: Level = event.compatibility.as_str().parse().map_err(|source| wrap(&value, source))?;
        if is_new || registry.compatibility(Some(&value)).await.map_err(|e| wrap(&value, e))? != Some(level) {
            registry.set_compatibility(Some(&value), level).await.map_err(|e| wrap(&value, e))?;
            applied.levels.push(value);
        }
    }
    Ok(applied)
}

async fn ensure(
    registry: &dyn Registry,
    known: &mut HashSet<String>,
    subject: &str,
    schema: &str,
    applied: &mut Applied,
) -> Result<(), ApplyError> {
    if known.contains(subject) {
        match registry.lookup(subject, schema).await {
            Ok(_) => return Ok(()),
            Err(RegistryError::UnknownSubject { .. } | RegistryError::UnknownSchema { .. }) => {}
            Err(error) => return Err(wrap(subject, error)),
        }
    }
    let registration = Registration { subject, schema, import: None };
    let registered = registry.register(registration).await.map_err(|e| wrap(subject, e))?;
    known.insert(subject.to_owned());
    applied.schemas.push((registered.subject, registered.version));
    Ok(())
}

fn wrap(subject: &str, source: RegistryError) -> ApplyError {
    ApplyError::Subject { subject: subject.to_owned(), source }
}

fn spec(topic: &Topic, name: &str) -> TopicSpec {
    let mut spec = TopicSpec::new(name, topic.partitions);
    spec.replication = topic.replication;
    spec.retention = topic.retention;
    if topic.cleanup == Cleanup::Compact {
        spec = spec.compacted();
    }
    spec
}
