//! Emitting: validate, encode, frame, headers, partition, append.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use coursebus_registry_tools::Registry;
use coursebus_schemas::{
    Event, EventId, EventType, Key, Metadata, Origin, encode,
    json::{from_json, key_of_json},
    wire::{FRAME_BYTES, frame},
};
use coursebus_transport::{Log, NewRecord, Offset, Receipt, Writer, WriterSettings};
use time::OffsetDateTime;

use crate::{
    EmitError,
    headers::Constant,
    partition::partition,
    route::{Route, Routes},
};

/// Who emits, and how.
#[derive(Debug, Clone)]
pub struct ProducerSettings {
    /// Stands before every topic, with a `-` between. Default `dev`.
    pub topic_prefix: String,
    /// `ce_source`. Default: by the type's owner, `openedx/<owner>/web`.
    pub source: Option<String>,
    /// The host that emits. Default: none.
    pub source_host: String,
    /// The emitting library's version. Default: this crate's.
    pub source_lib: String,
    /// How the log is written to: byte bound, delivery time-out, linger.
    pub writer: WriterSettings,
}

impl Default for ProducerSettings {
    fn default() -> Self {
        Self {
            topic_prefix: "dev".to_owned(),
            source: None,
            source_host: String::new(),
            source_lib: env!("CARGO_PKG_VERSION").to_owned(),
            writer: WriterSettings::default(),
        }
    }
}

/// Emits events. Make one a process and share it; events that one task emits one after the other keep their order.
pub struct Producer {
    log: Arc<dyn Log>,
    registry: Arc<dyn Registry>,
    settings: ProducerSettings,
    writer: Writer,
    routes: Routes,
    constant: Constant,
}

/// An event that the log has durably.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emitted {
    /// The full name of the topic.
    pub topic: Arc<str>,
    /// The partition of its record key.
    pub partition: i32,
    /// Its offset there.
    pub offset: Offset,
    /// The event's id.
    pub id: EventId,
}

/// An event on its way. Resolves when the log has it durably, or has not; dropping it does not take the event back.
#[derive(Debug)]
#[must_use = "a pending event may fail"]
pub struct Pending {
    receipt: Receipt,
    event_type: &'static EventType,
    topic: Arc<str>,
    id: EventId,
}

impl Future for Pending {
    type Output = Result<Emitted, EmitError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.receipt).poll(cx).map(|outcome| match outcome {
            Ok(at) => Ok(Emitted {
                topic: self.topic.clone(),
                partition: at.partition,
                offset: at.offset,
                id: self.id.clone(),
            }),
            Err(source) => Err(EmitError::Append { event_type: self.event_type.name, source }),
        })
    }
}

impl Producer {
    /// A producer on a log. Topics and schema ids are looked up at the first event of each type.
    pub async fn new(
        log: Arc<dyn Log>,
        registry: Arc<dyn Registry>,
        settings: ProducerSettings,
    ) -> Result<Self, EmitError> {
        let writer = log.writer(settings.writer.clone()).await.map_err(|source| EmitError::Open { source })?;
        let source = settings.source.clone().unwrap_or_default();
        let constant = Constant::new(&source, &settings.source_host, &settings.source_lib);
        Ok(Self { log, registry, settings, writer, routes: Routes::default(), constant })
    }

    /// Emits an event that happens now; returns when the log has it durably. An emit that returned success is never lost.
    ///
    /// # Errors
    /// Each [`EmitError`] has a class; only `Append` with an `Unconfirmed` leaves open whether the event is in the log.
    pub async fn emit<E: Event>(&self, event: &E) -> Result<Emitted, EmitError> {
        self.send(event, self.metadata(E::TYPE)).await?.await
    }

    /// Emits an event with metadata of the caller's own: its time, its id, what caused it.
    pub async fn emit_with<E: Event>(&self, event: &E, metadata: Metadata) -> Result<Emitted, EmitError> {
        self.send(event, metadata).await?.await
    }

    /// Hands an event to the log without waiting for its confirmation. Waits for room within the byte bound.
    pub async fn send<E: Event>(&self, event: &E, metadata: Metadata) -> Result<Pending, EmitError> {
        has_source(E::TYPE, &metadata)?;
        let route = self.route(E::TYPE).await?;
        let mut value = Vec::with_capacity(256);
        frame(route.value_id, &mut value);
        encode::encode(event, &mut value).map_err(|source| EmitError::Encode { event_type: E::TYPE.name, source })?;
        Ok(self.append(E::TYPE, &route, event.key(), value, metadata).await)
    }

    /// As [`Producer::send`], for an event in JSON: unions untagged, fields with defaults may be left out.
    pub async fn send_json(
        &self,
        event_type: &'static EventType,
        event: &serde_json::Value,
        metadata: Metadata,
    ) -> Result<Pending, EmitError> {
        has_source(event_type, &metadata)?;
        let route = self.route(event_type).await?;
        let unfit = |source| EmitError::Unfit { event_type: event_type.name, source };
        let mut value = Vec::with_capacity(256);
        frame(route.value_id, &mut value);
        from_json(event_type.writer_schema(), event, &mut value).map_err(unfit)?;
        let key = key_of_json(event_type, event).map_err(unfit)?;
        Ok(self.append(event_type, &route, key, value, metadata).await)
    }

    /// Metadata for an event of this type that happens now, from this producer's source, with a new id.
    #[must_use]
    pub fn metadata(&self, event_type: &EventType) -> Metadata {
        let source = self.settings.source.clone().unwrap_or_else(|| default_source(event_type));
        let mut metadata = Metadata::new(event_type, uuid::Uuid::new_v4().into(), source, now());
        metadata.source_host.clone_from(&self.settings.source_host);
        metadata.source_lib.clone_from(&self.settings.source_lib);
        metadata
    }

    /// Waits until every event is confirmed or has failed, or the deadline has passed.
    pub async fn flush(&self, deadline: Duration) -> Result<(), EmitError> {
        Ok(self.writer.flush(deadline).await?)
    }

    async fn route(&self, event_type: &'static EventType) -> Result<Arc<Route>, EmitError> {
        self.routes.get(event_type, self.log.as_ref(), self.registry.as_ref(), &self.settings.topic_prefix).await
    }

    async fn append(
        &self,
        event_type: &'static EventType,
        route: &Route,
        key: Key<'_>,
        value: Vec<u8>,
        metadata: Metadata,
    ) -> Pending {
        let key = framed_key(route, key);
        // A null key has no order, so any partition will do; its id spreads such events.
        let hashed = key.as_deref().unwrap_or(metadata.id.as_str().as_bytes());
        let partition = partition(event_type.topic.partitioner, hashed, route.partitions);
        let id = metadata.id.clone();
        let record = NewRecord {
            topic: route.topic.clone(),
            partition,
            timestamp_ms: None,
            key: key.map(Into::into),
            value: Some(value.into()),
            headers: self.constant.headers(event_type, metadata),
        };
        let receipt = self.writer.append(record).await;
        Pending { receipt, event_type, topic: route.topic.clone(), id }
    }
}

/// Who says so where nobody says otherwise.
pub(crate) fn default_source(event_type: &EventType) -> String {
    match event_type.origin {
        Origin::OpenEdx => format!("openedx/{}/web", event_type.owner),
        Origin::Coursebus => format!("coursebus/{}", event_type.owner),
    }
}

/// Readers refuse an empty `ce_source`, and by then it is too late. (An id is never empty.)
fn has_source(event_type: &'static EventType, metadata: &Metadata) -> Result<(), EmitError> {
    if metadata.source.is_empty() { Err(EmitError::NoSource { event_type: event_type.name }) } else { Ok(()) }
}

pub(crate) fn framed_key(route: &Route, key: Key<'_>) -> Option<Vec<u8>> {
    if key == Key::Null {
        return None;
    }
    let mut framed = Vec::with_capacity(FRAME_BYTES + 48);
    frame(route.key_id, &mut framed);
    key.encode(&mut framed);
    Some(framed)
}

#[expect(clippy::disallowed_methods, reason = "the one place where a producer asks for the time of day")]
pub(crate) fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
