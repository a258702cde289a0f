//! Where events of a type go: topic, partitions, schema ids. Looked up once a type.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use coursebus_registry_tools::{Registry, RegistryError};
use coursebus_schemas::{EventType, SchemaId};
use coursebus_transport::Log;

use crate::EmitError;

/// What emitting an event of one type needs to know.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) topic: Arc<str>,
    pub(crate) partitions: i32,
    pub(crate) value_id: SchemaId,
    pub(crate) key_id: SchemaId,
}

/// The routes that were looked up; at most one a type of the catalogue.
#[derive(Default)]
pub(crate) struct Routes(RwLock<HashMap<&'static str, Arc<Route>>>);

impl Routes {
    /// The route of a type. Two first events at once look it up twice, which is harmless.
    pub(crate) async fn get(
        &self,
        event_type: &'static EventType,
        log: &dyn Log,
        registry: &dyn Registry,
        prefix: &str,
    ) -> Result<Arc<Route>, EmitError> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(event_type.name).cloned();
        if let Some(route) = known {
            return Ok(route);
        }
        let route = Arc::new(look_up(event_type, log, registry, prefix).await?);
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(event_type.name, route.clone());
        Ok(route)
    }
}

async fn look_up(
    event_type: &'static EventType,
    log: &dyn Log,
    registry: &dyn Registry,
    prefix: &str,
) -> Result<Route, EmitError> {
    let topic = event_type.topic.full_topic(prefix);
    let info = log.topic(&topic).await;
    let info = info.map_err(|source| EmitError::Topic { event_type: event_type.name, source })?;
    let value_id = schema_id(event_type, registry, event_type.value_subject(prefix), event_type.schema).await?;
    let key_id = schema_id(event_type, registry, event_type.key_subject(prefix), event_type.key.schema).await?;
    Ok(Route { topic: topic.into(), partitions: info.partitions, value_id, key_id })
}

async fn schema_id(
    event_type: &'static EventType,
    registry: &dyn Registry,
    subject: String,
    schema: &str,
) -> Result<SchemaId, EmitError> {
    match registry.lookup(&subject, schema).await {
        Ok(registered) => Ok(registered.id),
        Err(RegistryError::UnknownSubject { .. } | RegistryError::UnknownSchema { .. }) => {
            Err(EmitError::NotRegistered { event_type: event_type.name, subject })
        }
        Err(source) => Err(EmitError::Registry { event_type: event_type.name, source }),
    }
}
