//! Emitting: validate, encode, frame, headers, partition, append.

use std::{
    borrow::Cow,
    cell::RefCell,
    sync::{Arc, Weak},
    time::Duration,
};

use coursebus_registry_tools::Registry;
use coursebus_schemas::{
    Event, EventId, EventType, Key, Metadata, Origin, encode,
    event::Primitive,
    json::{from_json, key_of_json},
    metadata::TimeText,
    wire::frame,
};
use coursebus_transport::{Confirm, Log, NewRecord, RecordRef, Writer};
use time::OffsetDateTime;
use tokio::{task::JoinHandle, time::Instant};

use crate::{
    Cause, EmitError, Emitted, Pending, ProducerSettings, Report,
    headers::{HeaderSet, Said},
    partition::partition,
    pending::Ticket,
    route::{Route, Routes},
};

/// How long what is given up at [`Producer::close`] may take to say so.
const GIVING_UP: Duration = Duration::from_secs(2);

thread_local! {
    /// Where events are encoded: the log copies them out.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What a scratch buffer may keep between events.
const SCRATCH_BYTES_MAX: usize = 1 << 20;

/// Emits events. Make one a process and share it; events that one task emits one after the other keep their order.
///
/// **Bounded.** At most [`coursebus_transport::WriterSettings::in_flight_bytes_max`] bytes are on their way. At the bound a
/// call waits for room, up to the deadline of an event (`delivery_timeout`); nothing is ever dropped.
///
/// **At the end** call [`Producer::close`], which says what was not delivered. A producer that is dropped without it goes
/// on delivering for as long as the process lives, up to the deadline, and says in an error of `tracing` what it could not.
///
/// It never reads an event topic and never registers a schema.
pub struct Producer {
    settings: ProducerSettings,
    writer: Writer,
    routes: Arc<Routes>,
    looking_after: JoinHandle<()>,
}

impl Producer {
    /// A producer on a log. Topics and schema ids are looked up at the first event of each type, or by
    /// [`Producer::prepare`].
    pub async fn new(
        log: Arc<dyn Log>,
        registry: Arc<dyn Registry>,
        settings: ProducerSettings,
    ) -> Result<Self, EmitError> {
        let writer = log.writer(settings.writer.clone()).await.map_err(|source| EmitError::Open { source })?;
        let (prefix, source) = (settings.topic_prefix.clone(), settings.source.clone());
        let routes = Arc::new(Routes::new(log, registry, prefix, source, settings.partitions));
        let looking_after = tokio::spawn(look_after(Arc::downgrade(&routes), settings.look_again_every));
        Ok(Self { settings, writer, routes, looking_after })
    }

    /// Looks up where events of these types go, so that what is wrong shows at the start of a service and not at its
    /// first event.
    ///
    /// # Errors
    /// `Topic` and `NotRegistered` for what `coursebus apply` has not made, `Partitions` for a topic that was made otherwise.
    pub async fn prepare(&self, event_types: &[&'static EventType]) -> Result<(), EmitError> {
        for event_type in event_types {
            self.route(event_type).await?;
        }
        Ok(())
    }

    /// Emits an event that happens now; returns when the log has it durably. An emit that returned success is never lost.
    ///
    /// # Errors
    /// Each [`EmitError`] has a class, and says whether the event may be on the log all the same.
    pub async fn emit<E: Event>(&self, event: &E) -> Result<Emitted, EmitError> {
        self.send(event, None).await?.await
    }

    /// Emits an event with metadata of the caller's own: its time, its id, what caused it.
    pub async fn emit_with<E: Event>(&self, event: &E, metadata: Metadata) -> Result<Emitted, EmitError> {
        self.send(event, metadata).await?.await
    }

    /// Emits an event that must be on the log within `deadline`, the wait for room included.
    ///
    /// # Errors
    /// `NoRoom` where it was not sent, `Late` where it was not confirmed in time; others as [`Producer::emit`].
    pub async fn emit_within<E: Event>(
        &self,
        event: &E,
        metadata: impl Into<Option<Metadata>>,
        deadline: Duration,
    ) -> Result<Emitted, EmitError> {
        let until = Instant::now() + deadline;
        let sent = tokio::time::timeout_at(until, self.send(event, metadata)).await;
        let pending = sent.unwrap_or(Err(EmitError::NoRoom { event_type: E::TYPE.name, deadline }))?;
        pending.until(until, deadline).await
    }

    /// Emits events in their order, beside each other on the way; returns when each has its outcome, in the same order. One
    /// that fails stops none of the others.
    pub async fn emit_all<'a, E: Event>(
        &self,
        events: impl IntoIterator<Item = &'a E>,
    ) -> Vec<Result<Emitted, EmitError>> {
        let mut sent = Vec::new();
        for event in events {
            sent.push(self.send(event, None).await);
        }
        let mut outcomes = Vec::with_capacity(sent.len());
        for pending in sent {
            outcomes.push(match pending {
                Ok(pending) => pending.await,
                Err(error) => Err(error),
            });
        }
        outcomes
    }

    /// Hands an event to the log without waiting for its confirmation; without metadata it happens now. Waits for room
    /// within the byte bound, and at the first event of a type for its topic and schemas. Cancel-safe: a call that was
    /// dropped has sent nothing.
    pub async fn send<E: Event>(&self, event: &E, metadata: impl Into<Option<Metadata>>) -> Result<Pending, EmitError> {
        let route = self.route(E::TYPE).await?;
        let encode = |out: &mut Vec<u8>| {
            encode::encode(event, out).map_err(|source| EmitError::Encode { event_type: E::TYPE.name, source })?;
            Ok(event.key())
        };
        let step = self.offer(route, metadata.into(), encode)?;
        self.finish(step).await
    }

    /// As [`Producer::send`], for an event in JSON: unions untagged, fields with defaults may be left out.
    pub async fn send_json(
        &self,
        event_type: &'static EventType,
        event: &serde_json::Value,
        metadata: impl Into<Option<Metadata>>,
    ) -> Result<Pending, EmitError> {
        let route = self.route(event_type).await?;
        let unfit = |source| EmitError::Unfit { event_type: event_type.name, source };
        let encode = |out: &mut Vec<u8>| {
            from_json(event_type.writer_schema(), event, out).map_err(unfit)?;
            key_of_json(event_type, event).map_err(unfit)
        };
        let step = self.offer(route, metadata.into(), encode)?;
        self.finish(step).await
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

    /// Waits until every event is confirmed or has failed, or the deadline has passed; says what is not on the log.
    pub async fn flush(&self, deadline: Duration) -> Report {
        // What is left stands in the report.
        let _ = self.writer.flush(deadline).await;
        self.routes.ledger.report()
    }

    /// For the end of a process: waits as [`Producer::flush`] does, then gives up what is not confirmed, and says what
    /// may be lost. Returns within the deadline and two seconds.
    pub async fn close(self, deadline: Duration) -> Report {
        if self.writer.flush(deadline).await.is_err() {
            self.writer.give_up();
            let _ = self.writer.flush(GIVING_UP).await;
        }
        self.routes.ledger.report()
    }

    async fn route(&self, event_type: &'static EventType) -> Result<Arc<Route>, EmitError> {
        match self.routes.known(event_type)? {
            Some(route) => Ok(route),
            None => self.routes.look_up(event_type).await,
        }
    }

    /// Makes the record and hands it to the log, if there is room at once.
    fn offer<'e>(
        &self,
        route: Arc<Route>,
        metadata: Option<Metadata>,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<Key<'e>, EmitError>,
    ) -> Result<Step, EmitError> {
        let event_type = route.event_type;
        let now = metadata.is_none().then(now);
        let about = About::new(self, &route, metadata.as_ref(), now)?;
        SCRATCH.with_borrow_mut(|bytes| {
            bytes.clear();
            frame(route.value_id, bytes);
            let key = encode(bytes)?;
            let value_end = bytes.len();
            check_key(event_type, key)?;
            frame(route.key_id, bytes);
            key.encode(bytes);
            let (value, key) = bytes.split_at(value_end);
            let headers = HeaderSet::new(event_type, &about.said());
            let record = RecordRef {
                topic: &route.topic,
                partition: partition(event_type.topic.partitioner, key, route.partitions),
                timestamp_ms: None,
                key: Some(key),
                value: Some(value),
                headers: headers.as_slice(),
            };
            let ticket = Ticket::new(EventId::clone(&about.id), route.clone());
            route.tally.sent();
            let step = match self.writer.offer(&record, ticket.clone()) {
                Ok(()) => Step::Sent(ticket),
                Err(confirm) => Step::Wait { record: Box::new(record.to_record()), ticket, confirm },
            };
            if bytes.capacity() > SCRATCH_BYTES_MAX {
                *bytes = Vec::new();
            }
            Ok(step)
        })
    }

    /// Waits for room, where there was none.
    async fn finish(&self, step: Step) -> Result<Pending, EmitError> {
        let (record, ticket, confirm) = match step {
            Step::Sent(ticket) => return Ok(Pending(ticket)),
            Step::Wait { record, ticket, confirm } => (record, ticket, confirm),
        };
        let unsent = Unsent(&ticket);
        let deadline = self.settings.writer.delivery_timeout;
        let event_type = ticket.event_type().name;
        let sent = tokio::time::timeout(deadline, self.writer.append_to(*record, confirm)).await;
        sent.map_err(|_elapsed| EmitError::NoRoom { event_type, deadline })?;
        std::mem::forget(unsent);
        Ok(Pending(ticket))
    }
}

impl std::fmt::Debug for Producer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Producer").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.looking_after.abort();
    }
}

/// What became of an event at once.
enum Step {
    Sent(Arc<Ticket>),
    Wait { record: Box<NewRecord>, ticket: Arc<Ticket>, confirm: Arc<dyn Confirm> },
}

/// An event that the log does not have yet; one that it never gets is taken off the tally when this is dropped.
struct Unsent<'a>(&'a Ticket);

impl Drop for Unsent<'_> {
    fn drop(&mut self) {
        self.0.never_sent();
    }
}

/// What the headers say, from the caller's metadata or made now.
struct About<'a> {
    id: Cow<'a, EventId>,
    time: TimeText,
    source: &'a str,
    minor: Cow<'static, str>,
    source_host: &'a str,
    source_lib: &'a str,
    subject: Option<&'a str>,
    traceparent: Option<Cow<'a, str>>,
    causation_id: Option<Cow<'a, str>>,
}

impl<'a> About<'a> {
    fn new(
        producer: &'a Producer,
        route: &'a Route,
        metadata: Option<&'a Metadata>,
        now: Option<OffsetDateTime>,
    ) -> Result<Self, EmitError> {
        let cause = Cause::current().unwrap_or_default();
        let settings = &producer.settings;
        let own = |text: Option<String>| text.map(Cow::Owned);
        let given = |text: Option<&'a String>| text.map(|text| Cow::Borrowed(text.as_str()));
        let of_span = || own(settings.traceparent.and_then(|current| current()));
        let traceparent = given(metadata.and_then(|said| said.traceparent.as_ref()));
        let causation_id = given(metadata.and_then(|said| said.causation_id.as_ref()));
        let minor = metadata.map_or(route.event_type.minor, |said| said.minor);
        let about = Self {
            id: metadata.map_or_else(|| Cow::Owned(uuid::Uuid::new_v4().into()), |said| Cow::Borrowed(&said.id)),
            time: TimeText::new(metadata.map(|said| said.time).or(now).unwrap_or(OffsetDateTime::UNIX_EPOCH)),
            source: metadata.map_or(&route.source, |said| &said.source),
            minor: minor_text(minor),
            source_host: metadata.map_or(&settings.source_host, |said| &said.source_host),
            source_lib: metadata.map_or(&settings.source_lib, |said| &said.source_lib),
            subject: metadata.and_then(|said| said.subject.as_deref()),
            traceparent: traceparent.or_else(|| own(cause.traceparent)).or_else(of_span),
            causation_id: causation_id.or_else(|| own(cause.causation_id)),
        };
        // Readers refuse an empty `ce_source`, and by then it is too late. (An id is never empty.)
        let event_type = route.event_type.name;
        if about.source.is_empty() { Err(EmitError::NoSource { event_type }) } else { Ok(about) }
    }

    fn said(&self) -> Said<'_> {
        Said {
            id: &self.id,
            source: self.source,
            time: &self.time,
            minor: &self.minor,
            source_host: self.source_host,
            source_lib: self.source_lib,
            traceparent: self.traceparent.as_deref(),
            subject: self.subject,
            causation_id: self.causation_id.as_deref(),
        }
    }
}

fn minor_text(minor: u32) -> Cow<'static, str> {
    match minor {
        0 => Cow::Borrowed("0"),
        1 => Cow::Borrowed("1"),
        minor => Cow::Owned(minor.to_string()),
    }
}

/// Looks topics over from time to time, as long as the producer lives.
async fn look_after(routes: Weak<Routes>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        let Some(routes) = routes.upgrade() else { return };
        routes.look_after().await;
    }
}

/// Who says so where nobody says otherwise.
pub(crate) fn default_source(event_type: &EventType) -> String {
    match event_type.origin {
        Origin::OpenEdx => format!("openedx/{}/web", event_type.owner),
        Origin::Coursebus => format!("coursebus/{}", event_type.owner),
    }
}

/// Bytes of another kind under the id of the topic's key schema would be a key that nobody can read.
fn check_key(event_type: &'static EventType, key: Key<'_>) -> Result<(), EmitError> {
    let found = match (event_type.key.primitive, key) {
        (Primitive::Boolean, Key::Bool(_))
        | (Primitive::Int, Key::Int(_))
        | (Primitive::Long, Key::Long(_))
        | (Primitive::String, Key::Str(_)) => return Ok(()),
        (_, Key::Null) => "null",
        (_, Key::Bool(_)) => "a boolean",
        (_, Key::Int(_)) => "an int",
        (_, Key::Long(_)) => "a long",
        (_, Key::Str(_)) => "a string",
    };
    Err(EmitError::RecordKey { event_type: event_type.name, path: event_type.key.path.join("."), found })
}

#[expect(clippy::disallowed_methods, reason = "the one place where a producer asks for the time of day")]
pub(crate) fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
