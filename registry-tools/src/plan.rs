//! What it takes to bring a log and its registry in line with the catalogue, before anything is done: looked up, then pure.

use std::{collections::HashSet, fmt, time::Duration};

use coursebus_schemas::{Catalog, EventType, Topic, topic::Cleanup};
use coursebus_transport::{Log, TopicSpec};
use serde::{Deserialize, Serialize};

use crate::{Level, Registry, RegistryError, apply::ApplyError};

/// The shape of a saved plan.
const FORMAT: u32 = 1;

/// The steps that are missing, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    format: u32,
    /// What stands before the topics' names.
    pub prefix: String,
    /// What is to be done. Each says what was seen, so that it is another step once the world has moved.
    pub steps: Vec<Step>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// The topic is not there.
    MakeTopic {
        /// Its full name.
        topic: String,
        /// How many partitions.
        partitions: i32,
        /// How many brokers hold each record; none: the log's own choice.
        replication: Option<i32>,
        /// Whether it keeps the last record of each key, not those of a time.
        compacted: bool,
        /// How long records are kept, in milliseconds; none: for ever.
        retention_ms: Option<u64>,
    },
    /// The subject lacks this schema.
    Register {
        /// The subject.
        subject: String,
        /// How many versions it has before.
        after: usize,
        /// The schema.
        schema: String,
    },
    /// The subject has another level.
    SetLevel {
        /// The subject.
        subject: String,
        /// The level of its own that it has now.
        from: Option<String>,
        /// The catalogue's.
        to: String,
    },
}

/// A saved plan cannot be done any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The file is no plan.
    #[error("this is no plan: {reason}")]
    Unreadable {
        /// What is wrong with it.
        reason: String,
    },
    /// It was made for topics with another prefix.
    #[error("the plan is for the prefix '{planned}', not '{given}'")]
    Prefix {
        /// The plan's.
        planned: String,
        /// The one asked for.
        given: String,
    },
    /// What is missing now is not what was missing then.
    #[error("the plan does not say what would have to be done now: {step}")]
    Moved {
        /// The first step that the plan does not have.
        step: Box<Step>,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MakeTopic { topic, partitions, .. } => write!(f, "make topic {topic} with {partitions} partitions"),
            Self::Register { subject, after, .. } => write!(f, "register version {} of {subject}", after + 1),
            Self::SetLevel { subject, from, to } => {
                let from = from.as_ref().map_or_else(String::new, |from| format!(" from {from}"));
                write!(f, "set the compatibility of {subject}{from} to {to}")
            }
        }
    }
}

impl Plan {
    /// Reads a saved plan.
    ///
    /// # Errors
    /// It is not one, or of another format.
    pub fn parse(text: &str) -> Result<Self, PlanError> {
        let plan: Self = serde_json::from_str(text).map_err(|e| PlanError::Unreadable { reason: e.to_string() })?;
        match plan.format {
            FORMAT => Ok(plan),
            other => Err(PlanError::Unreadable { reason: format!("it has format {other}, this build knows {FORMAT}") }),
        }
    }

    /// What of a saved plan is still to be done, when `now` is what is missing now. What was done since is left out, so that a
    /// plan can be applied again.
    ///
    /// # Errors
    /// Something is missing that the plan does not have: the world has moved, or the catalogue.
    pub fn remaining(&self, now: Self) -> Result<Self, PlanError> {
        if self.prefix != now.prefix {
            return Err(PlanError::Prefix { planned: self.prefix.clone(), given: now.prefix });
        }
        match now.steps.iter().find(|step| !self.steps.contains(step)) {
            Some(step) => Err(PlanError::Moved { step: Box::new(step.clone()) }),
            None => Ok(now),
        }
    }
}

/// Looks up what is missing. Changes nothing.
///
/// # Errors
/// A topic that is there has another number of partitions; the log or the registry does not answer.
pub async fn plan(log: &dyn Log, registry: &dyn Registry, catalog: &Catalog, prefix: &str) -> Result<Plan, ApplyError> {
    let mut steps = topics(log, catalog, prefix).await?;
    // Asked once: a question for each would wait for the registry to see what was written just before.
    let subjects = registry.subjects().await.map_err(|source| wrap("of the catalogue", source))?;
    let known: HashSet<String> = subjects.into_iter().collect();
    let mut planned = HashSet::new();
    for event in catalog.events() {
        let value = event.value_subject(prefix);
        let schemas: Vec<&str> = event.versions.iter().map(|version| version.schema).collect();
        steps.extend(missing(registry, known.contains(&value), &value, &schemas).await?);
        let key = event.key_subject(prefix);
        // Several types of a topic share it.
        if planned.insert(key.clone()) {
            steps.extend(missing(registry, known.contains(&key), &key, &[event.key.schema]).await?);
        }
        steps.extend(level(registry, known.contains(&value), &value, event).await?);
    }
    Ok(Plan { format: FORMAT, prefix: prefix.to_owned(), steps })
}

async fn topics(log: &dyn Log, catalog: &Catalog, prefix: &str) -> Result<Vec<Step>, ApplyError> {
    let existing = log.topics().await?;
    let mut steps = Vec::new();
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
            None => steps.push(make(topic, name)),
        }
    }
    Ok(steps)
}

fn make(topic: &Topic, name: String) -> Step {
    Step::MakeTopic {
        topic: name,
        partitions: topic.partitions,
        replication: topic.replication,
        compacted: topic.cleanup == Cleanup::Compact,
        retention_ms: topic.retention.map(|kept| u64::try_from(kept.as_millis()).unwrap_or(u64::MAX)),
    }
}

async fn missing(
    registry: &dyn Registry,
    is_known: bool,
    subject: &str,
    schemas: &[&str],
) -> Result<Vec<Step>, ApplyError> {
    let mut lacking = Vec::new();
    for schema in schemas {
        let found = if is_known { Some(registry.lookup(subject, schema).await) } else { None };
        match found {
            Some(Ok(_)) => {}
            None | Some(Err(RegistryError::UnknownSubject { .. } | RegistryError::UnknownSchema { .. })) => {
                lacking.push((*schema).to_owned());
            }
            Some(Err(error)) => return Err(wrap(subject, error)),
        }
    }
    if lacking.is_empty() {
        return Ok(Vec::new());
    }
    let count = match is_known {
        true => registry.versions(subject).await.map_err(|e| wrap(subject, e))?.len(),
        false => 0,
    };
    let step = |(at, schema)| Step::Register { subject: subject.to_owned(), after: count + at, schema };
    Ok(lacking.into_iter().enumerate().map(step).collect())
}

async fn level(
    registry: &dyn Registry,
    is_known: bool,
    subject: &str,
    event: &EventType,
) -> Result<Option<Step>, ApplyError> {
    let to: Level = event.compatibility.as_str().parse().map_err(|source| wrap(subject, source))?;
    let from = match is_known {
        true => registry.compatibility(Some(subject)).await.map_err(|e| wrap(subject, e))?,
        false => None,
    };
    let step = || Step::SetLevel {
        subject: subject.to_owned(),
        from: from.map(|level| level.to_string()),
        to: to.to_string(),
    };
    Ok((from != Some(to)).then(step))
}

/// The topic that a step makes.
pub(crate) fn spec(
    name: &str,
    partitions: i32,
    replication: Option<i32>,
    compacted: bool,
    retention_ms: Option<u64>,
) -> TopicSpec {
    let mut spec = TopicSpec::new(name, partitions);
    spec.replication = replication;
    spec.retention = retention_ms.map(Duration::from_millis);
    if compacted { spec.compacted() } else { spec }
}

pub(crate) fn wrap(subject: &str, source: RegistryError) -> ApplyError {
    ApplyError::Subject { subject: subject.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(steps: &[Step]) -> Plan {
        Plan { format: FORMAT, prefix: "dev".to_owned(), steps: steps.to_vec() }
    }

    fn register(subject: &str, after: usize) -> Step {
        Step::Register { subject: subject.to_owned(), after, schema: "\"int\"".to_owned() }
    }

    #[test]
    fn a_plan_is_done_as_it_says_or_not_at_all() {
        let level = Step::SetLevel { subject: "a".to_owned(), from: None, to: "FULL".to_owned() };
        let saved = of(&[register("a", 0), register("a", 1), level.clone()]);
        // All of it, the rest of it, nothing.
        assert_eq!(saved.remaining(saved.clone()), Ok(saved.clone()));
        assert_eq!(saved.remaining(of(&[register("a", 1), level.clone()])), Ok(of(&[register("a", 1), level])));
        assert_eq!(saved.remaining(of(&[])), Ok(of(&[])));
        // Another has registered a version, or set a level.
        let moved = saved.remaining(of(&[register("a", 2)])).expect_err("it moved");
        assert_eq!(moved.to_string(), "the plan does not say what would have to be done now: register version 3 of a");
        let other = Step::SetLevel { subject: "a".to_owned(), from: Some("NONE".to_owned()), to: "FULL".to_owned() };
        assert!(saved.remaining(of(&[other])).is_err());
        let elsewhere = Plan { prefix: "prod".to_owned(), ..of(&[]) };
        assert!(matches!(saved.remaining(elsewhere), Err(PlanError::Prefix { .. })));
    }

    #[test]
    fn a_saved_plan_is_read_back_and_nothing_else_is() {
        let topic = Step::MakeTopic {
            topic: "dev-t".to_owned(),
            partitions: 4,
            replication: None,
            compacted: false,
            retention_ms: Some(1),
        };
        let saved = of(&[topic, register("a", 0)]);
        let text = serde_json::to_string(&saved).expect("JSON");
        assert_eq!(Plan::parse(&text), Ok(saved));
        for broken in
            ["", "{}", "[]", &text.replace("\"format\":1", "\"format\":2"), &text.replace("\"after\"", "\"x\"")]
        {
            assert!(Plan::parse(broken).is_err(), "{broken}");
        }
    }
}
