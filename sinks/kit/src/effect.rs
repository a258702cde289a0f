//! From a record to what it does: an effect, nothing, or a held record.

use coursebus_consumer::{Datum, Poison, PoisonCode};
use coursebus_transport::{Offset, Record};

use crate::{
    Change, HeldRecord, SinkSpec,
    spec::{EffectFailure, Subscription},
};

/// Who an applied event is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Event {
    /// `ce_source`
    pub source: String,
    /// `ce_id`
    pub id: String,
}

/// What one record does to the tables.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// The record's offset.
    pub offset: Offset,
    /// The event.
    pub event: Event,
    /// Its changes, in order.
    pub changes: Vec<Change>,
}

/// What a run of records does.
#[derive(Debug, Default)]
pub struct Effects {
    /// Effects, in the order of their offsets.
    pub effects: Vec<Effect>,
    /// Records that cannot be applied.
    pub held: Vec<HeldRecord>,
}

/// The effect of a record of a type that the sink reads. Headers are read here, because the identity is needed.
pub(crate) fn effect(spec: &SinkSpec, datum: &Datum<'_>, record: &Record) -> Result<Option<Effect>, Poison> {
    let Some(subscription) = spec.subscriptions.get(datum.event_type.name) else { return Ok(None) };
    let headers = record.headers();
    let identity = datum.identity(&headers)?;
    let event = Event { source: identity.source.to_owned(), id: identity.id.to_owned() };
    let changes = changes(subscription, datum)?;
    Ok(Some(Effect { offset: record.offset(), event, changes }))
}

fn changes(subscription: &Subscription, datum: &Datum<'_>) -> Result<Vec<Change>, Poison> {
    (subscription.effect)(&datum.writer, datum.bytes).map_err(|failure| match failure {
        EffectFailure::Decode(error) => error.into(),
        EffectFailure::Refused(error) => Poison::new(PoisonCode::Refused, error.to_string()),
    })
}
