//! Records come in: those whose call is ready at once are done at once, others queue by order key.

use std::time::Duration;

use coursebus_schemas::{OrderKey, wire::FRAME_BYTES};
use coursebus_transport::Record;
use tokio::time::Instant;

use super::{Item, Lane, Work};
use crate::{
    Attempts, Guarantee, Job, KeyHash, Poison, ProcessError, Progress, Taken,
    handlers::{
        Handlers,
        caller::{Called, Gate, HandlerError, Known, Raw},
        in_hand::Open,
    },
};

/// What could not be settled in passing.
enum Slow {
    /// Its schema has to be asked for.
    Unknown(Record),
    /// Its call failed at once.
    Failed(Job<Item>, HandlerError),
    /// Its key is held.
    Parked(Record),
    /// It cannot be read.
    Unreadable(Record, Poison),
}

/// What the gate found out about a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Begin,
    Wait,
    Park,
}

impl Lane<'_> {
    /// Dispatches what was taken.
    pub(super) async fn take_in(&mut self, taken: Taken, progress: &Progress) -> Result<(), ProcessError> {
        if self.handlers.settings.guarantee == Guarantee::AtMostOnce
            && let Some(last) = taken.records.last()
            && !progress.commit(last.offset().next()).await
        {
            // The partition is let go. Nothing of this was handled, and the next owner gets it.
            return Ok(());
        }
        if let Some(first) = taken.records.first().filter(|_| !self.settled.is_empty()) {
            self.settled = self.settled.split_off(&first.offset());
        }
        let read_to = taken.end.or_else(|| taken.records.last().map(|last| last.offset().next()));
        for record in taken.records {
            if !self.settled.is_empty() && self.settled.remove(&record.offset()) {
                self.dispatch.pass(record.offset());
                continue;
            }
            let mut slow = self.take(record);
            while let Some(what) = slow.take() {
                slow = self.take_slowly(what).await?;
            }
        }
        self.end = taken.end;
        if let Some(read_to) = read_to {
            self.book.read(read_to, Instant::now());
        }
        Ok(())
    }

    async fn take_slowly(&mut self, what: Slow) -> Result<Option<Slow>, ProcessError> {
        match what {
            Slow::Unknown(record) => match self.learn(&record).await? {
                Ok(_index) => return Ok(self.take(record)),
                Err(poison) => self.hold_unreadable(record, None, poison).await?,
            },
            Slow::Failed(job, error) => self.failed(job, error, Duration::ZERO, None).await?,
            Slow::Parked(record) => {
                let ticket = self.dispatch.note(record.offset(), record.size());
                let order_key = Some(self.key.as_bytes().into());
                self.park_behind(&record, order_key, ticket).await?;
            }
            Slow::Unreadable(record, poison) => {
                let order_key = (!self.key.is_empty()).then(|| self.key.as_bytes().into());
                self.hold_unreadable(record, order_key, poison).await?;
            }
        }
        Ok(None)
    }

    /// The way of nearly all records. Takes no lock and allocates nothing of its own.
    fn take(&mut self, record: Record) -> Option<Slow> {
        let Some((index, datum)) = self.schemas.find(&record) else { return Some(Slow::Unknown(record)) };
        let known = self.schemas.get(index);
        let offset = record.offset();
        let Some(handler) = known.handler else {
            self.dispatch.pass(offset);
            return None;
        };
        let shared = &self.handlers.shared;
        let caller = &mut self.callers[handler];
        let mut may_begin = caller.batch_max() == 1 && shared.is_calm();
        if may_begin && self.place.is_none() {
            self.place = shared.place();
            may_begin = self.place.is_some();
        }
        let (mut fate, mut hash) = (Fate::Begin, None);
        let (dispatch, book) = (&mut self.dispatch, &self.book);
        self.key.clear();
        let called = caller.call(Raw { known, datum, record: &record }, &mut self.key, &mut |key: &OrderKey| {
            hash = record.key().map(|_| KeyHash::of(key.as_bytes()));
            fate = match () {
                () if !book.is_empty() && book.hold_of(Some(key.as_bytes()), record.key(), offset).is_some() => {
                    Fate::Park
                }
                () if may_begin && dispatch.is_free(hash) => Fate::Begin,
                () => Fate::Wait,
            };
            if fate == Fate::Begin { Gate::Go } else { Gate::Keep }
        });
        let size = record.size();
        let item = |record| Item { record, known: index, handler, hash, attempts: Attempts::default() };
        match called {
            Called::Ready(Ok(())) => {
                dispatch.pass(offset);
                shared.succeeded();
                None
            }
            Called::Ready(Err(error)) => {
                let ticket = dispatch.occupy(offset, hash, size);
                Some(Slow::Failed(Job { ticket, item: item(record) }, error))
            }
            Called::Open(call) => {
                let ticket = dispatch.occupy(offset, hash, size);
                let place = self.place.take().expect("a call is begun with a place");
                let work = Work::One(Job { ticket, item: item(record) });
                self.running.push(Open::new(call, work, self.handlers.settings.call_limit, place, None).polled());
                None
            }
            Called::Kept if fate == Fate::Park => Some(Slow::Parked(record)),
            Called::Kept => {
                dispatch.offer(offset, hash, size, item(record));
                None
            }
            Called::Unreadable(poison) => Some(Slow::Unreadable(record, poison)),
        }
    }

    pub(super) async fn learn(&mut self, record: &Record) -> Result<Result<usize, Poison>, ProcessError> {
        let Handlers { decoder, settings, by_type, .. } = self.handlers;
        self.schemas.learn(decoder, record, settings.retry.budget, by_type).await
    }

    /// A record that no handler was called with can never be read.
    async fn hold_unreadable(
        &mut self,
        record: Record,
        order_key: Option<Box<[u8]>>,
        poison: Poison,
    ) -> Result<(), ProcessError> {
        let ticket = self.dispatch.note(record.offset(), record.size());
        if self.handlers.shared.unreadable() {
            return Err(self.too_much_poison());
        }
        self.poisoned(&record, order_key, ticket, poison).await
    }

    /// The datum of a record whose schema is known.
    pub(super) fn raw<'r>(known: &'r Known, record: &'r Record) -> Raw<'r> {
        let datum = record.value().and_then(|value| value.get(FRAME_BYTES..)).unwrap_or_default();
        Raw { known, datum, record }
    }

    /// The order key of a record that its handler could decode before.
    pub(super) fn order_key(&mut self, item: &Item) -> Option<Box<[u8]>> {
        let raw = Self::raw(self.schemas.get(item.known), &item.record);
        self.callers[item.handler].order_key(raw, &mut self.key).ok()?;
        Some(self.key.as_bytes().into())
    }
}
