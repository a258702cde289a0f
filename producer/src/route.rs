//! Where events of a type go: topic, partitions, schema ids. Looked up once a type, and looked after from then on.

use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicI32, Ordering},
    },
};

use coursebus_registry_tools::{Registry, RegistryError};
use coursebus_schemas::{EventId, EventType, SchemaId};
use coursebus_transport::{AppendError, Log};

use crate::{
    EmitError, PartitionCount,
    report::{Ledger, Tally},
};

/// What emitting an event of one type needs to know.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) event_type: &'static EventType,
    pub(crate) topic: Arc<str>,
    /// What keys are divided by.
    pub(crate) partitions: i32,
    pub(crate) value_id: SchemaId,
    pub(crate) key_id: SchemaId,
    /// `ce_source` where the caller says none.
    pub(crate) source: String,
    pub(crate) tally: Arc<Tally>,
    /// How many partitions the topic had at the last look.
    found: AtomicI32,
    /// The log contradicted what is known here.
    outdated: AtomicBool,
}

impl Route {
    /// An event is not on the log, or not known to be.
    pub(crate) fn failed(&self, id: &EventId, error: &AppendError) {
        self.tally.failed(id, error);
        if matches!(error, AppendError::UnknownTopic { .. } | AppendError::UnknownPartition { .. }) {
            self.outdated.store(true, Ordering::Relaxed);
        }
    }

    fn check(&self) -> Result<(), EmitError> {
        check_partitions(&self.topic, self.found.load(Ordering::Relaxed), self.partitions)
    }
}

/// The routes that were looked up; at most one a type of the catalogue.
pub(crate) struct Routes {
    log: Arc<dyn Log>,
    registry: Arc<dyn Registry>,
    prefix: String,
    source: Option<String>,
    partitions: PartitionCount,
    pub(crate) ledger: Ledger,
    /// By the place of the type's description, which is one for the life of the process.
    known: RwLock<HashMap<usize, Arc<Route>>>,
}

impl Routes {
    pub(crate) fn new(
        log: Arc<dyn Log>,
        registry: Arc<dyn Registry>,
        prefix: String,
        source: Option<String>,
        partitions: PartitionCount,
    ) -> Self {
        let (ledger, known) = (Ledger::default(), RwLock::default());
        Self { log, registry, prefix, source, partitions, ledger, known }
    }

    /// The route of a type, if it is known and as it should be.
    pub(crate) fn known(&self, event_type: &'static EventType) -> Result<Option<Arc<Route>>, EmitError> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        match known.get(&place(event_type)) {
            Some(route) if !route.outdated.load(Ordering::Relaxed) => {
                route.check()?;
                Ok(Some(route.clone()))
            }
            _ => Ok(None),
        }
    }

    /// Looks a route up. Two first events at once do it twice, which is harmless.
    pub(crate) async fn look_up(&self, event_type: &'static EventType) -> Result<Arc<Route>, EmitError> {
        let topic = event_type.topic.full_topic(&self.prefix);
        let info = self.log.topic(&topic).await;
        let info = info.map_err(|source| EmitError::Topic { event_type: event_type.name, source })?;
        let partitions = match self.partitions {
            PartitionCount::Catalogue => event_type.topic.partitions,
            PartitionCount::AsFound => info.partitions,
        };
        check_partitions(&topic, info.partitions, partitions)?;
        let value_id = self.schema_id(event_type, event_type.value_subject(&self.prefix), event_type.schema).await?;
        let key_id = self.schema_id(event_type, event_type.key_subject(&self.prefix), event_type.key.schema).await?;
        let route = Arc::new(Route {
            event_type,
            tally: self.ledger.tally(&topic),
            topic: topic.into(),
            partitions,
            value_id,
            key_id,
            source: self.source.clone().unwrap_or_else(|| crate::emit::default_source(event_type)),
            found: AtomicI32::new(info.partitions),
            outdated: AtomicBool::new(false),
        });
        self.known.write().unwrap_or_else(PoisonError::into_inner).insert(place(event_type), route.clone());
        Ok(route)
    }

    /// Looks how many partitions the topics have now. One that cannot be looked at is left as it was.
    pub(crate) async fn look_after(&self) {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect::<Vec<_>>();
        for route in known {
            if let Ok(info) = self.log.topic(&route.topic).await {
                let before = route.found.swap(info.partitions, Ordering::Relaxed);
                if before != info.partitions && info.partitions != route.partitions {
                    let (topic, found, expected) = (&*route.topic, info.partitions, route.partitions);
                    tracing::error!(
                        topic,
                        found,
                        expected,
                        "the topic's partitions have changed: no more events go there"
                    );
                }
            }
        }
    }

    async fn schema_id(
        &self,
        event_type: &'static EventType,
        subject: String,
        schema: &str,
    ) -> Result<SchemaId, EmitError> {
        match self.registry.lookup(&subject, schema).await {
            Ok(registered) => Ok(registered.id),
            Err(RegistryError::UnknownSubject { .. } | RegistryError::UnknownSchema { .. }) => {
                Err(EmitError::NotRegistered { event_type: event_type.name, subject })
            }
            Err(source) => Err(EmitError::Registry { event_type: event_type.name, source }),
        }
    }
}

fn place(event_type: &'static EventType) -> usize {
    std::ptr::from_ref(event_type).addr()
}

fn check_partitions(topic: &str, found: i32, expected: i32) -> Result<(), EmitError> {
    if found == expected { Ok(()) } else { Err(EmitError::Partitions { topic: topic.to_owned(), found, expected }) }
}
