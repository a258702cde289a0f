//! Held records that come back: in the partition's lane, between batches, so that their order against new records is a matter
//! of course.
//!
//! One walk over what is parked of the partition, by offset. A record behind an earlier one that stays, stays. A cause that
//! nobody has asked for stays. Everything else is tried: what was asked for, and what waited behind something that is gone.

use coursebus_consumer::{Backoff, Poison, ProcessError, open_value_patiently};
use coursebus_schemas::OrderKey;
use coursebus_transport::Offset;

use super::{
    lane::Lane,
    plan::{opened, order_key, refused_by_database},
};
use crate::{
    Effect, HeldBrief, HeldPlace, HeldRecord, HeldState, Settle, Settled, StoreError,
    effect::effect,
    held::{
        gate::{Cause, Draft, Gate, Keys},
        now_ms,
    },
    store::{Writing, bring_back},
};

/// How many held records one transaction brings back, and how many notes it makes.
const STEPS_MAX: usize = 1_000;
/// How many bytes of values it has in memory for that, beyond the first.
const BYTES_MAX: usize = 4 << 20;
/// How often a walk begins again because an operator has changed a record meanwhile. Then it goes on at the next look.
const WALKS_MAX: usize = 5;

/// What one transaction does to held records.
struct Step<'g> {
    effects: Vec<Effect>,
    settles: Vec<Settle>,
    /// What stays blocked, of those that were looked at.
    draft: Draft<'g>,
    looked_at: usize,
    /// The records that were tried.
    tried: Vec<Offset>,
    bytes: usize,
}

/// What became of a record that was tried.
enum Tried {
    Applied(Option<Effect>),
    Failed(Poison, Option<OrderKey>),
}

impl Lane<'_> {
    /// Tries what can be tried, and learns which keys are blocked.
    pub(super) async fn bring_back(&mut self) -> Result<(), ProcessError> {
        for _ in 0..WALKS_MAX {
            if let Some(gate) = self.walk().await? {
                self.gate = gate;
                return Ok(());
            }
        }
        tracing::warn!(partition = %self.partition, "held records change all the time: looking again later");
        Ok(())
    }

    /// One walk; what is blocked behind it. `None` when a record was changed meanwhile.
    async fn walk(&self) -> Result<Option<Gate>, ProcessError> {
        let (store, group) = (&self.sink.store, &self.sink.group);
        let briefs = self.sink.patiently("read what is parked", || store.waiting(group, &self.partition)).await?;
        let mut gate = Gate::default();
        let mut rest = briefs.as_slice();
        let mut backoff = Backoff::new(self.sink.settings.retry_budget);
        let (mut size, mut refused) = (STEPS_MAX, None);
        while !rest.is_empty() {
            let Some(step) = self.step(&gate, rest, size, refused).await? else { return Ok(None) };
            let Step { effects, settles, draft, looked_at, tried, .. } = step;
            let held = draft.finish();
            match self.commit_step(effects, &settles).await {
                Ok(false) => return Ok(None),
                Ok(true) => {
                    gate.merge(held);
                    rest = &rest[looked_at..];
                    (size, refused) = (STEPS_MAX, None);
                }
                // Divided until the record is found whose value the database refuses.
                Err(StoreError::Value { .. }) if tried.len() > 1 => size = tried.len() / 2,
                Err(StoreError::Value { .. }) if refused.is_none() => refused = tried.first().copied(),
                Err(error) => self.sink.wait_or_fail("bring held records back", error, &mut backoff).await?,
            }
        }
        Ok(Some(gate))
    }

    async fn commit_step(&self, effects: Vec<Effect>, settles: &[Settle]) -> Result<bool, StoreError> {
        if settles.is_empty() {
            return Ok(true);
        }
        let (sink, partition) = (self.sink, &self.partition);
        let how = Writing { group: &sink.group, partition, inbox: sink.spec.inbox, audit: sink.settings.audit };
        bring_back(sink.store.as_ref(), how, self.epoch, effects, settles, now_ms()).await
    }

    /// What the next transaction does. `refused` is a record whose value the database refuses. `None` when a record is not as
    /// it was any more.
    async fn step<'g>(
        &self,
        gate: &'g Gate,
        briefs: &[HeldBrief],
        size: usize,
        refused: Option<Offset>,
    ) -> Result<Option<Step<'g>>, ProcessError> {
        let mut step = Step::new(gate);
        for brief in briefs {
            let order = brief.order();
            let keys = Keys { record: brief.key.as_deref(), order: order.as_ref() };
            match what_to_do(&step.draft, brief, keys) {
                Do::Note(to) => step.settle(brief, to),
                Do::Stay => step.draft.hold(keys, brief.cause(), brief.size()),
                Do::StayBehind(cause) => step.stay_behind(brief, keys, cause),
                Do::Try if !step.has_room(brief, size) => break,
                Do::Try => {
                    let place = HeldPlace { partition: self.partition.clone(), offset: brief.offset };
                    let Some(record) = self.record(&place, brief.version).await? else { return Ok(None) };
                    let tried = if refused == Some(brief.offset) {
                        Tried::Failed(refused_by_database(), brief.order())
                    } else {
                        self.try_again(&record).await?
                    };
                    if let Tried::Failed(poison, _) = &tried {
                        let (sink, event_id, code) = (self.sink.spec.name, &record.event_id, poison.code);
                        tracing::warn!(sink, %place, ?event_id, %code, "tried again, held again");
                    }
                    step.note(brief, record.edited.is_some(), tried);
                }
            }
            step.looked_at += 1;
            if step.settles.len() >= STEPS_MAX {
                break;
            }
        }
        Ok(Some(step))
    }

    /// A held record, if it is as it was when it was looked at.
    async fn record(&self, place: &HeldPlace, version: i32) -> Result<Option<HeldRecord>, ProcessError> {
        let (store, group) = (&self.sink.store, &self.sink.group);
        let record = self.sink.patiently("read a held record", || store.held_at(group, place)).await?;
        Ok(record.filter(|record| record.version == version))
    }

    async fn try_again(&self, record: &HeldRecord) -> Result<Tried, ProcessError> {
        let (decoder, budget) = (&self.sink.decoder, self.sink.settings.retry_budget);
        let datum = open_value_patiently(decoder, record.effective_value(), budget).await;
        let datum = match opened(datum, || format!("read a held record of {}", self.partition))? {
            Ok(datum) => datum,
            Err(poison) => return Ok(Tried::Failed(poison, None)),
        };
        let Some(subscription) = self.sink.spec.subscriptions.get(datum.event_type.name) else {
            return Ok(Tried::Applied(None));
        };
        Ok(match effect(subscription, &datum, record.offset, &record.effective_headers()) {
            Ok(effect) => Tried::Applied(Some(effect)),
            Err(poison) => Tried::Failed(poison, order_key(subscription, &datum)),
        })
    }
}

impl<'g> Step<'g> {
    fn new(gate: &'g Gate) -> Self {
        let (effects, settles, tried) = (Vec::new(), Vec::new(), Vec::new());
        Self { effects, settles, draft: Draft::new(gate), looked_at: 0, tried, bytes: 0 }
    }

    fn has_room(&self, brief: &HeldBrief, size: usize) -> bool {
        self.tried.is_empty() || (self.tried.len() < size && self.bytes + brief.size() <= BYTES_MAX)
    }

    fn settle(&mut self, brief: &HeldBrief, to: Settled) {
        self.settles.push(Settle { offset: brief.offset, version: brief.version, to });
    }

    fn stay_behind(&mut self, brief: &HeldBrief, keys: Keys<'_>, cause: Cause) {
        if let Some(news) = behind(brief, &cause) {
            self.settle(brief, news);
        }
        self.draft.hold(keys, Cause { offset: brief.offset, code: cause.code }, brief.size());
    }

    /// Notes what became of a record that was tried. One that failed blocks its key again, but for a dead one.
    fn note(&mut self, brief: &HeldBrief, edited: bool, tried: Tried) {
        self.tried.push(brief.offset);
        self.bytes += brief.size();
        match tried {
            Tried::Applied(effect) => {
                self.effects.extend(effect);
                self.settle(brief, Settled::Applied { edited });
            }
            Tried::Failed(poison, order) => {
                if brief.state == HeldState::Parked.as_str() {
                    let keys = Keys { record: brief.key.as_deref(), order: order.as_ref() };
                    let cause = Cause { offset: brief.offset, code: poison.code.as_str().into() };
                    self.draft.hold(keys, cause, brief.size());
                }
                self.settle(brief, failed(&poison, order.as_ref()));
            }
        }
    }
}

/// What is to be done with a record on the walk.
#[derive(Debug, PartialEq, Eq)]
enum Do {
    Try,
    Stay,
    StayBehind(Cause),
    Note(Settled),
}

/// Pure: from what stays of the earlier ones.
fn what_to_do(draft: &Draft<'_>, brief: &HeldBrief, keys: Keys<'_>) -> Do {
    if brief.state == HeldState::Discarded.as_str() {
        return Do::Note(Settled::Answered);
    }
    if brief.state != HeldState::Parked.as_str() {
        // Dead: its key went on without it, and nothing waits.
        return if brief.asked { Do::Try } else { Do::Note(Settled::Answered) };
    }
    match draft.blocks(keys) {
        Some(cause) => Do::StayBehind(cause.clone()),
        None if brief.asked || brief.behind.is_some() => Do::Try,
        None => Do::Stay,
    }
}

/// What is noted of a record behind another, if anything is new. A cause that waits itself stays a cause.
fn behind(brief: &HeldBrief, cause: &Cause) -> Option<Settled> {
    let is_new = brief.behind.is_some_and(|behind| behind != cause.offset || brief.code != *cause.code);
    if is_new {
        return Some(Settled::Behind { cause: cause.offset, code: cause.code.to_string() });
    }
    brief.asked.then_some(Settled::Answered)
}

fn failed(poison: &Poison, order: Option<&OrderKey>) -> Settled {
    Settled::Failed {
        code: poison.code.as_str().to_owned(),
        reason: poison.reason.replace('\0', "\u{fffd}"),
        order_key: order.map(|key| key.as_bytes().to_vec()),
    }
}

#[cfg(test)]
mod tests;
