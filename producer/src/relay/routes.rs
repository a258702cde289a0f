//! Where rows of a type go: topic, partitions, schema ids. Looked up once for each type and minor version.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use coursebus_registry_tools::{Registry, RegistryError};
use coursebus_schemas::{EventType, SchemaId, WriterSchema, catalog};
use coursebus_transport::{AdminError, Log};

use super::{RelayTrouble, encode::Refusal, row::Row};

/// How long it is believed that a topic or a schema is not there.
const MISSING_FOR: Duration = Duration::from_secs(2);

/// A type at one minor version.
pub(crate) type RouteName = (&'static str, u32);
/// The routes of a batch.
pub(crate) type RouteTable = HashMap<RouteName, Arc<Found>>;

/// Where records of one type and minor version go.
#[derive(Debug)]
pub(crate) struct RelayRoute {
    pub(crate) topic: Arc<str>,
    pub(crate) partitions: i32,
    pub(crate) value_id: SchemaId,
    pub(crate) key_id: SchemaId,
    /// The topic's `max.message.bytes`, where it is told.
    pub(crate) record_bytes_max: Option<usize>,
}

/// What was found of a route.
#[derive(Debug)]
pub(crate) struct Found {
    schema: Schema,
    route: Result<RelayRoute, Refusal>,
    at: Instant,
}

#[derive(Debug)]
enum Schema {
    /// The newest version's.
    Newest(&'static EventType),
    /// An older one's.
    Older(WriterSchema),
}

impl Found {
    /// The schema that the payload is read or written with.
    pub(crate) fn schema(&self) -> &WriterSchema {
        match &self.schema {
            Schema::Newest(event_type) => event_type.writer_schema(),
            Schema::Older(schema) => schema,
        }
    }

    /// The route, where topic and schema are there.
    pub(crate) fn usable(&self) -> Result<&RelayRoute, Refusal> {
        self.route.as_ref().map_err(Clone::clone)
    }

    fn is_fresh(&self) -> bool {
        self.route.is_ok() || self.at.elapsed() < MISSING_FOR
    }
}

/// The minor version that a row is of; `None` where the catalogue has none such.
pub(crate) fn version(event_type: &EventType, minor: Option<i32>) -> Option<u32> {
    let Some(minor) = minor else { return Some(event_type.minor) };
    event_type.versions.iter().map(|version| version.minor).find(|found| i64::from(*found) == i64::from(minor))
}

/// The routes that were looked up; at most one a type and minor version of the catalogue.
pub(crate) struct Routes {
    log: Arc<dyn Log>,
    registry: Arc<dyn Registry>,
    prefix: String,
    known: HashMap<RouteName, Arc<Found>>,
}

impl Routes {
    pub(crate) fn new(log: Arc<dyn Log>, registry: Arc<dyn Registry>, prefix: &str) -> Self {
        Self { log, registry, prefix: prefix.to_owned(), known: HashMap::new() }
    }

    /// The routes of the rows whose type is known.
    pub(crate) async fn of(&mut self, rows: &[Row]) -> Result<RouteTable, RelayTrouble> {
        let mut table = RouteTable::new();
        for row in rows {
            let Some(event_type) = catalog().by_name(&row.event_type) else { continue };
            let Some(minor) = version(event_type, row.minor_version) else { continue };
            let name = (event_type.name, minor);
            if table.contains_key(&name) {
                continue;
            }
            let found = match self.known.get(&name).filter(|found| found.is_fresh()) {
                Some(found) => found.clone(),
                None => {
                    let found = Arc::new(self.look_up(event_type, minor).await?);
                    self.known.insert(name, found.clone());
                    found
                }
            };
            table.insert(name, found);
        }
        Ok(table)
    }

    /// Looks everything up again: a topic was not as it was known.
    pub(crate) fn forget(&mut self) {
        self.known.clear();
    }

    async fn look_up(&self, event_type: &'static EventType, minor: u32) -> Result<Found, RelayTrouble> {
        let version = event_type.versions.iter().find(|version| version.minor == minor);
        let text = version.map_or(event_type.schema, |version| version.schema);
        let schema = if minor == event_type.minor {
            Schema::Newest(event_type)
        } else {
            let parsed = WriterSchema::parse(text);
            Schema::Older(parsed.map_err(|error| RelayTrouble::Catalogue { reason: error.to_string() })?)
        };
        let route = self.route(event_type, text).await?;
        Ok(Found { schema, route, at: Instant::now() })
    }

    async fn route(&self, event_type: &EventType, text: &str) -> Result<Result<RelayRoute, Refusal>, RelayTrouble> {
        let topic = event_type.topic.full_topic(&self.prefix);
        let info = match self.log.topic(&topic).await {
            Ok(info) => info,
            Err(error @ AdminError::UnknownTopic { .. }) => {
                return Ok(Err(Refusal::new("unknown-topic", error.to_string())));
            }
            Err(source) => return Err(RelayTrouble::Log { what: "look at a topic", source: source.into() }),
        };
        let value = self.schema_id(event_type.value_subject(&self.prefix), text).await?;
        let key = self.schema_id(event_type.key_subject(&self.prefix), event_type.key.schema).await?;
        Ok(value.and_then(|value_id| {
            Ok(RelayRoute {
                topic: topic.into(),
                partitions: info.partitions,
                value_id,
                key_id: key?,
                record_bytes_max: info.settings.get("max.message.bytes").and_then(|max| max.parse().ok()),
            })
        }))
    }

    async fn schema_id(&self, subject: String, text: &str) -> Result<Result<SchemaId, Refusal>, RelayTrouble> {
        match self.registry.lookup(&subject, text).await {
            Ok(registered) => Ok(Ok(registered.id)),
            Err(RegistryError::UnknownSubject { .. } | RegistryError::UnknownSchema { .. }) => {
                let reason = format!("its schema is not registered under subject {subject}");
                Ok(Err(Refusal::new("schema-not-registered", reason)))
            }
            Err(source) => Err(RelayTrouble::Registry { source }),
        }
    }
}
