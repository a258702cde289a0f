//! An operator's version of a held event: checked against the writer's schema and the record's keys before it is kept.

use coursebus_registry_tools::{Registry, RegistryError};
use coursebus_schemas::{
    EventType, OrderKey, SchemaId, WriterSchema, catalog,
    json::{FitError, from_json, key_of_json, order_key_of_json, to_json},
    wire::{frame, unframe},
};
use serde_json::Value as Json;

use super::{Edited, Headers, HeldRecord};
use crate::SinkSpec;

/// An edit is not kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// The event does not fit the writer's schema.
    #[error("the event does not fit its schema: {0}")]
    Unfit(#[from] FitError),
    /// It is not a JSON object, or an envelope with fields of other kinds.
    #[error("{0}")]
    Shape(&'static str),
    /// Nothing says which type it is.
    #[error("neither the record nor the edit says which event type it is")]
    NoType,
    /// The sink does not read events of this type.
    #[error("the sink does not read {event_type}")]
    NotRead {
        /// The type.
        event_type: String,
    },
    /// The edit would move the event to another key: it would be applied among events that it has no order with.
    #[error("the edit changes the {key} key")]
    OtherKey {
        /// `record` or `order`.
        key: &'static str,
    },
    /// The registry cannot tell the schema.
    #[error("the registry could not tell the schema")]
    Registry(#[from] RegistryError),
}

/// The schema that an edit is written with.
pub struct Form {
    event_type: &'static EventType,
    id: SchemaId,
    schema: WriterSchema,
}

impl Form {
    /// The schema of the record's own value where that can be told; else the catalogue's, for the type that is given or that
    /// the record's headers name.
    pub async fn of(
        registry: &dyn Registry,
        record: &HeldRecord,
        event_type: Option<&str>,
        topic_prefix: &str,
    ) -> Result<Self, EditError> {
        if event_type.is_none()
            && let Some(form) = Self::own(registry, record).await?
        {
            return Ok(form);
        }
        let name = event_type.or(record.event_type.as_deref()).ok_or(EditError::NoType)?;
        let event_type = catalog().by_name(name).ok_or(EditError::NoType)?;
        let id = registry.lookup(&event_type.value_subject(topic_prefix), event_type.schema).await?.id;
        let schema = WriterSchema::parse(event_type.schema).map_err(|_| EditError::NoType)?;
        Ok(Self { event_type, id, schema })
    }

    async fn own(registry: &dyn Registry, record: &HeldRecord) -> Result<Option<Self>, EditError> {
        let Some(Ok((id, _))) = record.effective_value().map(unframe) else { return Ok(None) };
        let text = match registry.schema(id).await {
            Ok(text) => text,
            Err(RegistryError::UnknownId { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let Ok(schema) = WriterSchema::parse(&text) else { return Ok(None) };
        let event_type = schema.event_type().and_then(|name| catalog().by_name(name));
        Ok(event_type.map(|event_type| Self { event_type, id, schema }))
    }

    /// What an editor starts with: the event as it is, where it can be read.
    #[must_use]
    pub fn draft(&self, record: &HeldRecord) -> Json {
        let datum = record.effective_value().and_then(|value| unframe(value).ok());
        datum.and_then(|(_, datum)| to_json(&self.schema, datum).ok()).unwrap_or(Json::Null)
    }

    /// Checks an edit: the event itself, or `{"source"?, "id"?, "data"}`, which also replaces these headers.
    pub fn fill(&self, spec: &SinkSpec, record: &HeldRecord, edit: Json) -> Result<Edited, EditError> {
        let name = self.event_type.name;
        if !spec.event_types().any(|event_type| event_type.name == name) {
            return Err(EditError::NotRead { event_type: name.to_owned() });
        }
        let (data, source, id) = open(edit)?;
        let mut value = Vec::new();
        frame(self.id, &mut value);
        from_json(&self.schema, &data, &mut value)?;
        self.same_keys(record, &data)?;
        let mut headers = without(&record.headers, "ce_type");
        headers.push(("ce_type".to_owned(), Some(name.as_bytes().to_vec())));
        for (header, text) in [("ce_source", source), ("ce_id", id)] {
            if let Some(text) = text {
                headers = without(&headers, header);
                headers.push((header.to_owned(), Some(text.into_bytes())));
            }
        }
        Ok(Edited { value, headers })
    }

    fn same_keys(&self, record: &HeldRecord, data: &Json) -> Result<(), EditError> {
        let mut key = Vec::new();
        key_of_json(self.event_type, data)?.encode(&mut key);
        let framed = record.key.as_deref().map(unframe);
        if framed.is_some_and(|framed| framed.is_ok_and(|(_, datum)| datum != key)) {
            return Err(EditError::OtherKey { key: "record" });
        }
        let mut order = OrderKey::new();
        order_key_of_json(self.event_type, data, &mut order)?;
        if record.order_key.as_ref().is_some_and(|known| known != order.as_bytes()) {
            return Err(EditError::OtherKey { key: "order" });
        }
        Ok(())
    }
}

fn without(headers: &Headers, name: &str) -> Headers {
    headers.iter().filter(|(found, _)| found != name).cloned().collect()
}

type Parts = (Json, Option<String>, Option<String>);

/// Takes an envelope apart; anything else is the event itself.
fn open(edit: Json) -> Result<Parts, EditError> {
    const ENVELOPE: [&str; 3] = ["source", "id", "data"];
    let Json::Object(mut object) = edit else { return Err(EditError::Shape("an event is a JSON object")) };
    let is_envelope = object.contains_key("data") && object.keys().all(|name| ENVELOPE.contains(&name.as_str()));
    if !is_envelope {
        return Ok((Json::Object(object), None, None));
    }
    let mut text = |name: &str| match object.remove(name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) if !text.is_empty() => Ok(Some(text)),
        Some(_) => Err(EditError::Shape("source and id are text, and not empty")),
    };
    let (source, id) = (text("source")?, text("id")?);
    Ok((object.remove("data").unwrap_or_default(), source, id))
}
