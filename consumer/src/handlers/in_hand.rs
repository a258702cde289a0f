//! A call that goes on: polled until it ends, and reported when it takes too long.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, Sleep, sleep},
};

use super::{
    caller::{HandlerError, Running},
    shared::Shared,
};

/// An open call, for `W`. Resolves when it ends and, once a limit, when it takes too long; the old call then goes on.
pub(super) struct InHand<W>(Option<Open<W>>);

/// The call and all that belongs to it.
pub(super) struct Open<W> {
    call: Running,
    limit: Option<Pin<Box<Sleep>>>,
    pub(super) work: W,
    pub(super) began: Instant,
    /// How often a limit was passed.
    pub(super) overdue: u32,
    pub(super) probe: Option<Probe>,
    /// Its place among the open calls.
    _place: OwnedSemaphorePermit,
}

impl<W> Open<W> {
    pub(super) fn new(
        call: Running,
        work: W,
        limit: Option<Duration>,
        place: OwnedSemaphorePermit,
        probe: Option<Probe>,
    ) -> Self {
        let limit = limit.map(|limit| Box::pin(sleep(limit)));
        Self { call, limit, work, began: Instant::now(), overdue: 0, probe, _place: place }
    }

    /// Goes on, and is reported again after `limit`.
    pub(super) fn wait_on(mut self, limit: Option<Duration>) -> InHand<W> {
        self.limit = limit.map(|limit| Box::pin(sleep(limit)));
        InHand(Some(self))
    }

    pub(super) fn polled(self) -> InHand<W> {
        InHand(Some(self))
    }
}

/// What happened to an open call.
pub(super) enum Turn<W> {
    /// It ended.
    Ended(Open<W>, Result<(), HandlerError>),
    /// It takes too long. It is to be waited for further.
    Overdue(Open<W>),
}

impl<W: Unpin> Future for InHand<W> {
    type Output = Turn<W>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let open = self.0.as_mut().expect("not polled after its end");
        let ended = match open.call.as_mut().poll(cx) {
            Poll::Ready(outcome) => Some(outcome),
            Poll::Pending => {
                let limit = open.limit.as_mut().map(|limit| limit.as_mut().poll(cx));
                if !matches!(limit, Some(Poll::Ready(()))) {
                    return Poll::Pending;
                }
                None
            }
        };
        let mut open = self.0.take().expect("it was there just now");
        Poll::Ready(match ended {
            Some(outcome) => Turn::Ended(open, outcome),
            None => {
                open.limit = None;
                open.overdue += 1;
                Turn::Overdue(open)
            }
        })
    }
}

/// The right to find out whether handlers are answered again. Dropped without a word, it is given back.
pub(super) struct Probe(Arc<Shared>);

impl Probe {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }
}

impl Drop for Probe {
    /// After an answer this does nothing.
    fn drop(&mut self) {
        self.0.abandoned();
    }
}
