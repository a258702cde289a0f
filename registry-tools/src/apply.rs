//! Brings a log and its registry in line with the catalogue: topics, schemas, compatibility levels. Idempotent.

use coursebus_schemas::Catalog;
use coursebus_transport::{AdminError, Log};

use crate::{
    Registration, Registry, RegistryError,
    plan::{Plan, Step, plan, spec, wrap},
};

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
    execute(log, registry, &plan(log, registry, catalog, prefix).await?).await
}

/// Does the steps of a plan, in their order. One that was done meanwhile is left as it is.
pub async fn execute(log: &dyn Log, registry: &dyn Registry, plan: &Plan) -> Result<Applied, ApplyError> {
    let mut applied = Applied::default();
    for step in &plan.steps {
        match step {
            Step::MakeTopic { topic, partitions, replication, compacted, retention_ms } => {
                let spec = spec(topic, *partitions, *replication, *compacted, *retention_ms);
                match log.create_topic(&spec).await {
                    // Another process applies at the same time.
                    Ok(()) | Err(AdminError::TopicExists { .. }) => applied.topics.push(topic.clone()),
                    Err(error) => return Err(error.into()),
                }
            }
            Step::Register { subject, schema, .. } => {
                let registered = registry.register(Registration { subject, schema, import: None }).await;
                let registered = registered.map_err(|e| wrap(subject, e))?;
                applied.schemas.push((registered.subject, registered.version));
            }
            Step::SetLevel { subject, to, .. } => {
                let level = to.parse().map_err(|e| wrap(subject, e))?;
                registry.set_compatibility(Some(subject), level).await.map_err(|e| wrap(subject, e))?;
                applied.levels.push(subject.clone());
            }
        }
    }
    Ok(applied)
}
