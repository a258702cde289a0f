//! Reads a sink's topics from the beginning and tells what each record should have done.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use coursebus_registry_tools::{Registry, RegistryError};
use coursebus_schemas::{EventType, Identity, SchemaId, WriterSchema, catalog, json::to_json, wire::unframe};
use coursebus_transport::{Cause, Log, Offset, ReaderSettings, TopicPartition};
use serde_json::Value as Json;

use super::AuditError;
use crate::{AppliedEvent, Edited, HeldPlace, SinkSpec, Touch, chain::RowName, store::AuditState};

/// What a record of one of the sink's types should have done.
pub(super) enum Seen {
    /// It touched this row.
    Touched { row: RowName, partition: String, event: AppliedEvent },
    /// It is held.
    Held,
    /// It is behind the group's position.
    Waiting,
    /// It cannot be read and is not held: its effect is lost.
    Unreadable,
}

/// How long the end of the log may let itself be waited for.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) async fn walk(
    log: &dyn Log,
    registry: &dyn Registry,
    spec: &SinkSpec,
    topics: &[String],
    state: &AuditState,
    mut tell: impl FnMut(Seen),
) -> Result<(), AuditError> {
    let wrong = |what: String| {
        let group = spec.group();
        move |source: Cause| AuditError::Log { group, what, source }
    };
    let positions: HashMap<&TopicPartition, Offset> =
        state.positions.iter().filter_map(|p| Some((&p.id.partition, p.next?))).collect();
    let mut partitions = Vec::new();
    let mut ends: HashMap<TopicPartition, Offset> = HashMap::new();
    for topic in topics {
        let info = log.topic(topic).await.map_err(|e| wrong(format!("find topic {topic}"))(e.into()))?;
        for number in 0..info.partitions {
            let partition = TopicPartition::new(topic.as_str(), number);
            let range =
                log.range(&partition).await.map_err(|e| wrong(format!("find the ends of {partition}"))(e.into()))?;
            ends.insert(partition.clone(), range.latest);
            if range.latest > range.earliest {
                partitions.push((partition, range.earliest));
            }
        }
    }
    let mut open: HashSet<TopicPartition> = partitions.iter().map(|(p, _)| p.clone()).collect();
    let reader = log.reader(partitions, ReaderSettings::default()).await;
    let mut reader = reader.map_err(|e| wrong("open a reader".to_owned())(e.into()))?;
    let mut decoder = Decoder { registry, schemas: HashMap::new() };
    let mut seen_events = HashSet::new();
    let held: HashSet<&HeldPlace> = state.held.iter().collect();
    // What an operator has put in the place of a record is what should have taken effect.
    let edited: HashMap<&HeldPlace, &Edited> = state.edited.iter().map(|(place, edited)| (place, edited)).collect();
    while !open.is_empty() {
        let fetched = reader.next(PATIENCE).await.map_err(|e| wrong("read on".to_owned())(e.into()))?;
        if fetched.records.is_empty() && fetched.ends.is_empty() {
            return Err(wrong("reach the end".to_owned())(format!("nothing came for {PATIENCE:?}").into()));
        }
        for record in &fetched.records {
            let partition = record.topic_partition();
            if ends.get(&partition).is_some_and(|end| record.offset() >= *end) {
                open.remove(&partition);
                continue;
            }
            let place = HeldPlace { partition: partition.clone(), offset: record.offset() };
            if held.contains(&place) {
                tell(Seen::Held);
                continue;
            }
            let is_due = positions.get(&partition).is_some_and(|next| record.offset() < *next);
            let judged = match edited.get(&place) {
                Some(edited) => {
                    let headers = || edited.headers.iter().map(|(n, v)| (n.as_str(), v.as_deref())).collect();
                    decoder.judge(spec, Some(&edited.value), headers).await
                }
                None => decoder.judge(spec, record.value(), || record.headers()).await,
            };
            let judged =
                judged.map_err(|e| wrong(format!("decode {partition} offset {}", record.offset()))(e.into()))?;
            match judged {
                Judged::OtherType => {}
                Judged::Unreadable if is_due => tell(Seen::Unreadable),
                _ if !is_due => tell(Seen::Waiting),
                Judged::Unreadable => {}
                Judged::Event { event, rows } => {
                    // With an inbox the second of two equal events is expected to do nothing.
                    if spec.inbox && !seen_events.insert(event.clone()) {
                        continue;
                    }
                    for row in rows {
                        tell(Seen::Touched { row, partition: partition.to_string(), event: event.clone() });
                    }
                }
            }
        }
        for (partition, _) in fetched.ends {
            open.remove(&partition);
        }
    }
    Ok(())
}

enum Judged {
    Event { event: AppliedEvent, rows: Vec<RowName> },
    OtherType,
    Unreadable,
}

/// The auditor's own decoder: schema to JSON, no generated types.
struct Decoder<'a> {
    registry: &'a dyn Registry,
    schemas: HashMap<SchemaId, Option<(WriterSchema, Option<&'static EventType>)>>,
}

impl Decoder<'_> {
    async fn judge<'h>(
        &mut self,
        spec: &SinkSpec,
        value: Option<&[u8]>,
        headers: impl FnOnce() -> Vec<(&'h str, Option<&'h [u8]>)>,
    ) -> Result<Judged, RegistryError> {
        let Some((id, datum)) = value.and_then(|value| unframe(value).ok()) else {
            return Ok(Judged::Unreadable);
        };
        if !self.schemas.contains_key(&id) {
            let schema = match self.registry.schema(id).await {
                Ok(text) => WriterSchema::parse(&text).ok(),
                Err(RegistryError::UnknownId { .. }) => None,
                Err(error) => return Err(error),
            };
            let known = schema.map(|s| {
                let event_type = s.event_type().and_then(|name| catalog().by_name(name));
                (s, event_type)
            });
            self.schemas.insert(id, known);
        }
        let Some(Some((schema, Some(event_type)))) = self.schemas.get(&id) else { return Ok(Judged::Unreadable) };
        let Some(subscription) = spec.subscriptions.get(event_type.name) else { return Ok(Judged::OtherType) };
        let (Ok(identity), Ok(json)) = (Identity::read(headers()), to_json(schema, datum)) else {
            return Ok(Judged::Unreadable);
        };
        let event = AppliedEvent { source: identity.source.to_owned(), id: identity.id.to_owned() };
        let rows = subscription.touches.iter().map(|touch| row_name(touch, &json)).collect::<Option<Vec<_>>>();
        Ok(rows.map_or(Judged::Unreadable, |rows| Judged::Event { event, rows }))
    }
}

fn row_name(touch: &Touch, json: &Json) -> Option<RowName> {
    let field = |path: &&str| path.split('.').try_fold(json, |value, name| value.get(name)).cloned();
    let key: Vec<Json> = touch.key.iter().map(field).collect::<Option<_>>()?;
    Some((touch.table.name, Json::Array(key).to_string()))
}
