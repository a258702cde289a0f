//! What the records of a batch do: effects, held records, or a stop.

use std::fmt;

use coursebus_consumer::{Datum, OnPoison, OpenError, Poison, PoisonCode, ProcessError, RecordError, open_patiently};
use coursebus_schemas::OrderKey;
use coursebus_transport::Record;

use super::lane::Lane;
use crate::{
    Effect, HeldRecord, HeldState,
    effect::effect,
    held::gate::{Draft, Full, Gate, Keys},
    spec::Subscription,
};

/// What a run of records does, in one transaction.
pub(super) struct Plan {
    /// In the order of their offsets.
    pub(super) effects: Vec<Effect>,
    pub(super) held: Vec<HeldRecord>,
    /// What the parked ones block, once the transaction is committed.
    pub(super) gate: Gate,
    /// How many records this is of: all, or those before the stop.
    pub(super) taken: usize,
    pub(super) stop: Option<Stop>,
}

/// Why a partition takes no more records for now.
#[derive(Debug, Clone)]
pub(super) enum Stop {
    /// A record that can never be applied, where that stops the partition.
    Poison(RecordError),
    /// No room to hold a record that must be held.
    Full(Full),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Poison(error) => write!(f, "stopped at a record that cannot be applied: {error}"),
            Self::Full(full) => write!(f, "{full}: retry or discard some (coursebus held list)"),
        }
    }
}

enum Verdict {
    /// The sink does not read its type.
    Nothing,
    Apply(Effect),
    Hold(Box<HeldRecord>),
    Stop(RecordError),
}

impl Lane<'_> {
    /// What records do. Types that the sink does not read do nothing, also when their key is blocked.
    pub(super) async fn plan(&self, records: &[Record]) -> Result<Plan, ProcessError> {
        let mut plan = Planning::new(&self.gate);
        for record in records {
            let verdict = self.judge(record, &plan.draft).await?;
            if !self.note(&mut plan, verdict) {
                break;
            }
        }
        Ok(plan.finish())
    }

    /// What a record does that is poison because the database refuses its values.
    pub(super) async fn plan_refused(&self, record: &Record) -> Result<Plan, ProcessError> {
        let mut plan = Planning::new(&self.gate);
        let poison = refused_by_database();
        let verdict = match self.open(record).await? {
            Err(other) => self.poisoned(record, None, None, other),
            Ok(datum) => {
                let order = self.subscription(&datum).and_then(|s| order_key(s, &datum));
                self.poisoned(record, Some(datum.event_type.name), order.as_ref(), poison)
            }
        };
        let _is_taken = self.note(&mut plan, verdict);
        Ok(plan.finish())
    }

    /// Notes a verdict; false at a stop.
    fn note(&self, plan: &mut Planning<'_>, verdict: Verdict) -> bool {
        match verdict {
            Verdict::Nothing => {}
            Verdict::Apply(effect) => plan.effects.push(effect),
            Verdict::Hold(held) => {
                if let Err(full) = self.park(&mut plan.draft, &held) {
                    plan.stop = Some(Stop::Full(full));
                    return false;
                }
                plan.held.push(*held);
            }
            Verdict::Stop(error) => {
                plan.stop = Some(Stop::Poison(error));
                return false;
            }
        }
        plan.taken += 1;
        true
    }

    /// Blocks the key of a parked record, if there is room.
    fn park(&self, draft: &mut Draft<'_>, held: &HeldRecord) -> Result<(), Full> {
        if held.state != HeldState::Parked.as_str() {
            return Ok(());
        }
        let order = held.order();
        let keys = held.keys(order.as_ref());
        draft.room(self.sink.settings.held, keys, held.size())?;
        draft.hold(keys, held.cause(), held.size());
        Ok(())
    }

    async fn judge(&self, record: &Record, draft: &Draft<'_>) -> Result<Verdict, ProcessError> {
        let datum = match self.open(record).await? {
            Ok(datum) => datum,
            Err(poison) => return Ok(self.poisoned(record, None, None, poison)),
        };
        let Some(subscription) = self.subscription(&datum) else { return Ok(Verdict::Nothing) };
        let name = Some(datum.event_type.name);
        if draft.touches(record.key()) {
            let order = order_key(subscription, &datum);
            let keys = Keys { record: record.key(), order: order.as_ref() };
            if let Some(cause) = draft.blocks(keys) {
                // The code and the reason are the cause's.
                let poison = Poison::new(PoisonCode::Refused, "");
                let held = HeldRecord::new(record, name, order.as_ref(), &poison, HeldState::Parked);
                return Ok(Verdict::Hold(Box::new(held.behind(cause))));
            }
        }
        match effect(subscription, &datum, record.offset(), &record.headers()) {
            Ok(effect) => Ok(Verdict::Apply(effect)),
            Err(poison) => {
                let order = order_key(subscription, &datum);
                Ok(self.poisoned(record, name, order.as_ref(), poison))
            }
        }
    }

    fn poisoned(&self, record: &Record, event_type: Option<&str>, order: Option<&OrderKey>, poison: Poison) -> Verdict {
        let state = match self.sink.spec.on_poison {
            OnPoison::Park => HeldState::Parked,
            OnPoison::Skip => HeldState::Dead,
            OnPoison::Stop => return Verdict::Stop(poison.of(record)),
        };
        let held = HeldRecord::new(record, event_type, order, &poison, state);
        let (sink, event_id) = (self.sink.spec.name, &held.event_id);
        tracing::warn!(sink, ?event_id, error = %poison.of(record), "held as {state}");
        Verdict::Hold(Box::new(held))
    }

    fn subscription(&self, datum: &Datum<'_>) -> Option<&Subscription> {
        self.sink.spec.subscriptions.get(datum.event_type.name)
    }

    /// Tells what a record is, waiting for the registry.
    async fn open<'r>(&self, record: &'r Record) -> Result<Result<Datum<'r>, Poison>, ProcessError> {
        opened(open_patiently(&self.sink.decoder, record, self.sink.settings.retry_budget).await, || {
            format!("read records of {}", self.partition)
        })
    }
}

/// The verdict on a record with a value that the database does not take.
pub(super) fn refused_by_database() -> Poison {
    Poison::new(PoisonCode::Refused, "the database refuses a value of this event")
}

/// Poison is a verdict, a registry that stays away an error.
pub(super) fn opened<'d>(
    outcome: Result<Datum<'d>, OpenError>,
    what: impl FnOnce() -> String,
) -> Result<Result<Datum<'d>, Poison>, ProcessError> {
    match outcome {
        Ok(datum) => Ok(Ok(datum)),
        Err(OpenError::Poison(poison)) => Ok(Err(poison)),
        Err(error) => Err(ProcessError::Unavailable { what: what(), source: error.into() }),
    }
}

/// The order key of a datum, where it can be read.
pub(super) fn order_key(subscription: &Subscription, datum: &Datum<'_>) -> Option<OrderKey> {
    (subscription.order)(&datum.writer, datum.bytes)
}

/// A plan that is being made.
struct Planning<'g> {
    draft: Draft<'g>,
    effects: Vec<Effect>,
    held: Vec<HeldRecord>,
    taken: usize,
    stop: Option<Stop>,
}

impl<'g> Planning<'g> {
    fn new(gate: &'g Gate) -> Self {
        Self { draft: Draft::new(gate), effects: Vec::new(), held: Vec::new(), taken: 0, stop: None }
    }

    fn finish(self) -> Plan {
        let Self { draft, effects, held, taken, stop } = self;
        Plan { effects, held, gate: draft.finish(), taken, stop }
    }
}
