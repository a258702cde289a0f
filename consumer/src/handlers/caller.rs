//! The typed end of the dispatch: bytes become an event, and the event a call.
//!
//! A lane has one [`Caller`] a handler, which knows the event's type; the lane knows it only as a trait object. A call that
//! is ready when it is begun costs no allocation: its future lives in a box that the caller keeps.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use coursebus_schemas::{Event, EventType, Metadata, OrderKey, WriterSchema};
use coursebus_transport::{Cause, Record};
use futures::{FutureExt, future::Fuse};

use crate::{Poison, decode};

/// A handler could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum HandlerError {
    /// It may work later: tried again with growing waits, while its order key waits.
    #[error("the handler failed for now")]
    Transient(#[source] Cause),
    /// It never will. The sentence must hold nothing of the event's contents.
    #[error("the handler refused the event: {0}")]
    Poison(String),
    /// Nothing will: the engine stops.
    #[error("the handler cannot go on")]
    Fatal(#[source] Cause),
}

/// Which event it is: no two events of one source share an id. What a handler needs to tell a repetition.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EventName {
    /// `ce_source`, never empty.
    pub source: String,
    /// `ce_id`, never empty.
    pub id: String,
}

/// A call that is open.
pub(super) type Running = Pin<Box<dyn Future<Output = Result<(), HandlerError>> + Send>>;

/// A schema that a record was written with, looked up.
pub(crate) struct Known {
    pub(crate) event_type: &'static EventType,
    pub(crate) writer: Arc<WriterSchema>,
    /// Which handler, if any.
    pub(crate) handler: Option<usize>,
}

/// A record's datum with its schema.
#[derive(Clone, Copy)]
pub(crate) struct Raw<'a> {
    pub(crate) known: &'a Known,
    pub(crate) datum: &'a [u8],
    pub(crate) record: &'a Record,
}

impl Raw<'_> {
    pub(crate) fn decode<E: Event>(&self) -> Result<E, Poison> {
        Ok(coursebus_schemas::decode::decode(&self.known.writer, self.datum)?)
    }

    pub(crate) fn metadata(&self) -> Result<Metadata, Poison> {
        decode::metadata(self.known.event_type, self.record)
    }

    fn name(&self) -> Result<EventName, Poison> {
        let identity = decode::identity(self.known.event_type, self.record.header_iter())?;
        Ok(EventName { source: identity.source.to_owned(), id: identity.id.to_owned() })
    }
}

/// What a lane says to a call before it is begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// Now.
    Go,
    /// Not now.
    Keep,
}

/// What became of a call.
pub(super) enum Called {
    /// It is over already.
    Ready(Result<(), HandlerError>),
    /// It goes on.
    Open(Running),
    /// The gate kept it.
    Kept,
    /// The record cannot be read.
    Unreadable(Poison),
}

/// Decodes records of one event type and calls its handler. One a lane.
pub(super) trait Caller: Send {
    /// How many events a call takes at most; 1 for a handler of single events.
    fn batch_max(&self) -> usize;

    /// Writes a record's order key.
    fn order_key(&mut self, raw: Raw<'_>, key: &mut OrderKey) -> Result<(), Poison>;

    /// Decodes a record, asks the gate with its order key, and begins the call.
    fn call(&mut self, raw: Raw<'_>, key: &mut OrderKey, gate: &mut dyn FnMut(&OrderKey) -> Gate) -> Called;

    /// Begins one call with several records, all of which could be decoded before.
    fn call_batch(&mut self, batch: &[Raw<'_>]) -> Called;
}

/// A handler, for any lane.
pub(super) trait Handler: Send + Sync {
    fn caller(&self) -> Box<dyn Caller>;
}

/// A function of one event, or of one event and what its headers say.
pub(super) struct Single<E, M, F> {
    handle: Arc<F>,
    read: fn(&Raw<'_>) -> Result<M, Poison>,
    event: std::marker::PhantomData<fn(E)>,
}

impl<E: Event, F> Single<E, (), F> {
    pub(super) fn plain(handle: F) -> Self {
        Self { handle: Arc::new(handle), read: |_| Ok(()), event: std::marker::PhantomData }
    }
}

impl<E: Event, F> Single<E, Metadata, F> {
    pub(super) fn with_metadata(handle: F) -> Self {
        Self { handle: Arc::new(handle), read: |raw| raw.metadata(), event: std::marker::PhantomData }
    }
}

impl<E: Event, F> Single<E, EventName, F> {
    pub(super) fn with_name(handle: F) -> Self {
        Self { handle: Arc::new(handle), read: |raw| raw.name(), event: std::marker::PhantomData }
    }
}

impl<E, M, F, Fut> Handler for Single<E, M, F>
where
    E: Event,
    M: Send + 'static,
    F: Fn(E, M) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), HandlerError>> + Send + 'static,
{
    fn caller(&self) -> Box<dyn Caller> {
        let (handle, read) = (self.handle.clone(), self.read);
        Box::new(SingleCaller::<E, M, F, Fut> { handle, read, spare: None, event: std::marker::PhantomData })
    }
}

struct SingleCaller<E, M, F, Fut: Future> {
    handle: Arc<F>,
    read: fn(&Raw<'_>) -> Result<M, Poison>,
    /// The box of the last call that was ready at once.
    spare: Option<Pin<Box<Fuse<Fut>>>>,
    event: std::marker::PhantomData<fn(E)>,
}

impl<E, M, F, Fut> Caller for SingleCaller<E, M, F, Fut>
where
    E: Event,
    M: Send + 'static,
    F: Fn(E, M) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), HandlerError>> + Send + 'static,
{
    fn batch_max(&self) -> usize {
        1
    }

    fn order_key(&mut self, raw: Raw<'_>, key: &mut OrderKey) -> Result<(), Poison> {
        raw.decode::<E>()?.order_key(key);
        Ok(())
    }

    fn call(&mut self, raw: Raw<'_>, key: &mut OrderKey, gate: &mut dyn FnMut(&OrderKey) -> Gate) -> Called {
        let event: E = match raw.decode() {
            Ok(event) => event,
            Err(poison) => return Called::Unreadable(poison),
        };
        event.order_key(key);
        if gate(key) == Gate::Keep {
            return Called::Kept;
        }
        let metadata = match (self.read)(&raw) {
            Ok(metadata) => metadata,
            Err(poison) => return Called::Unreadable(poison),
        };
        let future = (self.handle)(event, metadata).fuse();
        let mut call = match self.spare.take() {
            Some(mut spare) => {
                spare.set(future);
                spare
            }
            None => Box::pin(future),
        };
        // Whoever goes on with an open call polls it again, with a waker that wakes.
        match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(outcome) => {
                self.spare = Some(call);
                Called::Ready(outcome)
            }
            Poll::Pending => Called::Open(call),
        }
    }

    fn call_batch(&mut self, batch: &[Raw<'_>]) -> Called {
        match batch {
            [raw] => self.call(*raw, &mut OrderKey::new(), &mut |_| Gate::Go),
            _ => unreachable!("a handler of single events is given one"),
        }
    }
}

/// A function of several events.
pub(super) struct Several<E, F> {
    max: usize,
    handle: Arc<F>,
    event: std::marker::PhantomData<fn(E)>,
}

impl<E: Event, F> Several<E, F> {
    pub(super) fn new(max: usize, handle: F) -> Self {
        Self { max: max.max(1), handle: Arc::new(handle), event: std::marker::PhantomData }
    }
}

impl<E, F, Fut> Handler for Several<E, F>
where
    E: Event,
    F: Fn(Vec<E>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), HandlerError>> + Send + 'static,
{
    fn caller(&self) -> Box<dyn Caller> {
        Box::new(Self { max: self.max, handle: self.handle.clone(), event: std::marker::PhantomData })
    }
}

impl<E, F, Fut> Caller for Several<E, F>
where
    E: Event,
    F: Fn(Vec<E>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), HandlerError>> + Send + 'static,
{
    fn batch_max(&self) -> usize {
        self.max
    }

    fn order_key(&mut self, raw: Raw<'_>, key: &mut OrderKey) -> Result<(), Poison> {
        raw.decode::<E>()?.order_key(key);
        Ok(())
    }

    /// Records of a batch wait for their batch.
    fn call(&mut self, raw: Raw<'_>, key: &mut OrderKey, gate: &mut dyn FnMut(&OrderKey) -> Gate) -> Called {
        match self.order_key(raw, key) {
            Err(poison) => Called::Unreadable(poison),
            Ok(()) if gate(key) == Gate::Keep => Called::Kept,
            Ok(()) => self.call_batch(&[raw]),
        }
    }

    fn call_batch(&mut self, batch: &[Raw<'_>]) -> Called {
        let mut events = Vec::with_capacity(batch.len());
        for raw in batch {
            match raw.decode() {
                Ok(event) => events.push(event),
                Err(poison) => return Called::Unreadable(poison),
            }
        }
        let mut call: Running = Box::pin((self.handle)(events));
        match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(outcome) => Called::Ready(outcome),
            Poll::Pending => Called::Open(call),
        }
    }
}
