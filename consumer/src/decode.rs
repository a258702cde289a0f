//! What a record is: event type and writer's schema, from the five bytes before its datum. No header is looked at here.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use coursebus_registry_tools::{Registry, RegistryError};
use coursebus_schemas::{EventType, Identity, Metadata, SchemaId, WriterSchema, catalog, wire::unframe};
use coursebus_transport::Record;
use time::OffsetDateTime;

use crate::{Poison, PoisonCode};

/// How many schemas are kept parsed. Past the bound all are forgotten and parsed again: ids are few, unless someone makes
/// them up.
const SCHEMAS_MAX: usize = 10_000;

/// Tells records apart by their schema id. Share one a process.
pub struct Decoder {
    registry: Arc<dyn Registry>,
    known: RwLock<HashMap<SchemaId, Known>>,
}

#[derive(Clone)]
enum Known {
    Event(&'static EventType, Arc<WriterSchema>),
    Poison(Poison),
}

/// An event's bytes, and what they are.
#[derive(Debug, Clone)]
pub struct Datum<'a> {
    /// The type in the catalogue.
    pub event_type: &'static EventType,
    /// The schema it was written with.
    pub writer: Arc<WriterSchema>,
    /// The id of that schema.
    pub schema_id: SchemaId,
    /// The Avro datum.
    pub bytes: &'a [u8],
}

/// A record cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It never can.
    #[error("{}", .0.reason)]
    Poison(Poison),
    /// The registry did not answer: try again.
    #[error("the registry could not tell schema {id}")]
    Registry {
        /// The schema's id.
        id: SchemaId,
        /// What it said.
        source: RegistryError,
    },
}

impl From<Poison> for OpenError {
    fn from(poison: Poison) -> Self {
        Self::Poison(poison)
    }
}

impl Decoder {
    /// A decoder that asks this registry.
    pub fn new(registry: Arc<dyn Registry>) -> Self {
        Self { registry, known: RwLock::default() }
    }

    /// Tells what a record is. Asks the registry at the first record of a schema.
    pub async fn open<'a>(&self, record: &'a Record) -> Result<Datum<'a>, OpenError> {
        self.open_value(record.value()).await
    }

    /// As [`Decoder::open`], of a record's value alone: of one that is held, and not in a log.
    pub async fn open_value<'a>(&self, value: Option<&'a [u8]>) -> Result<Datum<'a>, OpenError> {
        let value = value.ok_or_else(|| Poison::new(PoisonCode::NoValue, "the value is null"))?;
        let (schema_id, bytes) = unframe(value).map_err(Poison::from)?;
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).get(&schema_id).cloned();
        let known = match known {
            Some(known) => known,
            None => self.learn(schema_id).await?,
        };
        match known {
            Known::Event(event_type, writer) => Ok(Datum { event_type, writer, schema_id, bytes }),
            Known::Poison(poison) => Err(poison.into()),
        }
    }

    async fn learn(&self, id: SchemaId) -> Result<Known, OpenError> {
        let text = match self.registry.schema(id).await {
            Ok(text) => text,
            // Not remembered: it may be registered later.
            Err(RegistryError::UnknownId { .. }) => {
                return Err(Poison::new(PoisonCode::UnknownSchema, format!("the registry has no schema {id}")).into());
            }
            Err(source) => return Err(OpenError::Registry { id, source }),
        };
        let known = judge(id, &text);
        let mut all = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= SCHEMAS_MAX {
            all.clear();
        }
        all.insert(id, known.clone());
        Ok(known)
    }
}

fn judge(id: SchemaId, text: &str) -> Known {
    let writer = match WriterSchema::parse(text) {
        Ok(writer) => writer,
        Err(error) => return Known::Poison(Poison::new(PoisonCode::UnusableSchema, format!("schema {id}: {error}"))),
    };
    match writer.event_type().and_then(|name| catalog().by_name(name)) {
        Some(event_type) => Known::Event(event_type, Arc::new(writer)),
        None => {
            let name = writer.full_name().unwrap_or("a type without a name").chars().take(200).collect::<String>();
            let reason = format!("schema {id} is of {name}, which is no event type of the catalogue");
            Known::Poison(Poison::new(PoisonCode::UnknownEventType, reason))
        }
    }
}

impl Datum<'_> {
    /// Reads the identity from the record's headers, and checks that they name the schema's type.
    pub fn identity<'r, H: AsRef<[u8]>>(
        &self,
        headers: impl IntoIterator<Item = (H, Option<&'r [u8]>)>,
    ) -> Result<Identity<'r>, Poison> {
        identity(self.event_type, headers)
    }

    /// Reads all metadata from the record's headers, and checks that they name the schema's type.
    pub fn metadata(&self, record: &Record) -> Result<Metadata, Poison> {
        metadata(self.event_type, record)
    }
}

/// The identity in a record's headers, which must name this type.
pub(crate) fn identity<'r, H: AsRef<[u8]>>(
    event_type: &EventType,
    headers: impl IntoIterator<Item = (H, Option<&'r [u8]>)>,
) -> Result<Identity<'r>, Poison> {
    let identity = Identity::read(headers)?;
    same_type(event_type, identity.event_type)?;
    Ok(identity)
}

/// All metadata in a record's headers, which must name this type.
pub(crate) fn metadata(event_type: &EventType, record: &Record) -> Result<Metadata, Poison> {
    let emitted = OffsetDateTime::from_unix_timestamp_nanos(i128::from(record.timestamp_ms()) * 1_000_000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (named, metadata) = Metadata::read(record.header_iter(), emitted)?;
    same_type(event_type, named)?;
    Ok(metadata)
}

fn same_type(event_type: &EventType, named: &str) -> Result<(), Poison> {
    if named == event_type.name {
        return Ok(());
    }
    let named: String = named.chars().take(200).collect();
    let reason = format!("the headers name {named}, the schema is of {}", event_type.name);
    Err(Poison::new(PoisonCode::TypeMismatch, reason))
}
