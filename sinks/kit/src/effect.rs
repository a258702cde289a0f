//! From a record to what it does. Pure.

use coursebus_consumer::{Datum, Poison, PoisonCode};
use coursebus_transport::Offset;

use crate::{
    Change,
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

/// The effect of a record of a type that the sink reads. Headers are asked for here, because the identity is needed.
pub(crate) fn effect<'h>(
    subscription: &Subscription,
    datum: &Datum<'_>,
    offset: Offset,
    headers: &[(&'h str, Option<&'h [u8]>)],
) -> Result<Effect, Poison> {
    let identity = datum.identity(headers.iter().copied())?;
    let event = Event { source: identity.source.to_owned(), id: identity.id.to_owned() };
    let changes = changes(subscription, datum)?;
    Ok(Effect { offset, event, changes })
}

fn changes(subscription: &Subscription, datum: &Datum<'_>) -> Result<Vec<Change>, Poison> {
    (subscription.effect)(&datum.writer, datum.bytes).map_err(|failure| match failure {
        EffectFailure::Decode(error) => error.into(),
        EffectFailure::Refused(error) => Poison::new(PoisonCode::Refused, error.to_string()),
    })
}
