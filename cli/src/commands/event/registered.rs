//! Event types that the registry knows and the catalogue does not: those of other services.

use std::{collections::BTreeMap, sync::Arc};

use coursebus_registry_tools::{Registry, VersionRef};
use coursebus_schemas::{WriterSchema, catalog};
use serde_json::{Value, json};

use crate::{context::Global, failure::Failure};

/// How the subject of an event's value ends.
const VALUE: &str = ".CloudEvent";

/// A type as the registry has it: its newest schema under one subject.
pub struct Registered {
    name: String,
    topic: String,
    subject: String,
    level: Option<String>,
    /// The text.
    pub schema: Arc<str>,
}

/// All of them, each once; none where there is no bus yet.
pub async fn all(global: &Global) -> Result<Vec<Registered>, Failure> {
    look(global, |_| true).await
}

/// The one of this name.
pub async fn find(global: &Global, name: &str) -> Result<Option<Registered>, Failure> {
    let end = format!("-{name}{VALUE}");
    Ok(look(global, |subject| subject.ends_with(&end)).await?.into_iter().find(|found| found.name == name))
}

async fn look(global: &Global, wanted: impl Fn(&str) -> bool) -> Result<Vec<Registered>, Failure> {
    let Some(bus) = global.open_existing().await? else { return Ok(Vec::new()) };
    let mut found = BTreeMap::new();
    for subject in bus.registry.subjects().await? {
        let ours = || catalog().events().iter().any(|event| subject.ends_with(&format!("-{}{VALUE}", event.name)));
        if !subject.ends_with(VALUE) || !wanted(&subject) || ours() {
            continue;
        }
        if let Some(registered) = read(bus.registry.as_ref(), subject).await? {
            found.entry(registered.name.clone()).or_insert(registered);
        }
    }
    Ok(found.into_values().collect())
}

/// The type is what the schema says; a subject of something else is none.
async fn read(registry: &dyn Registry, subject: String) -> Result<Option<Registered>, Failure> {
    let latest = registry.version(&subject, VersionRef::Latest).await?;
    let Ok(schema) = WriterSchema::parse(&latest.schema) else { return Ok(None) };
    let Some(name) = schema.event_type() else { return Ok(None) };
    let Some(topic) = subject.strip_suffix(&format!("-{name}{VALUE}")) else { return Ok(None) };
    let level = registry.compatibility(Some(&subject)).await?.map(|level| level.to_string());
    let (name, topic) = (name.to_owned(), topic.to_owned());
    Ok(Some(Registered { name, topic, subject, level, schema: latest.schema }))
}

/// The fields of a type of the catalogue; null where only the catalogue could tell.
pub fn described(registered: &Registered) -> Value {
    json!({
        "type": registered.name,
        "owner": null,
        "topic": registered.topic,
        "version": null,
        "key": null,
        "order_by": null,
        "partitioner": null,
        "compatibility": registered.level,
        "personal_data": null,
        "subject": registered.subject,
        "description": null,
    })
}
