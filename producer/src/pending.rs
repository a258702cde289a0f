//! An event on its way, and what becomes of it.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use coursebus_schemas::{EventId, EventType};
use coursebus_transport::{AppendError, Appended, Confirm, Offset, OutcomeCell};
use tokio::time::Instant;

use crate::{EmitError, route::Route};

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

/// An event on its way. Resolves once, when the log has it durably, or has not; dropping it does not take the event back.
#[derive(Debug)]
#[must_use = "a pending event may fail"]
pub struct Pending(pub(crate) Arc<Ticket>);

impl Pending {
    /// The event's id.
    #[must_use]
    pub fn id(&self) -> &EventId {
        &self.0.id
    }

    /// Waits no longer than this.
    ///
    /// # Errors
    /// `Late` at the deadline: the event may still come to the log. Others as without a deadline.
    pub async fn within(self, deadline: Duration) -> Result<Emitted, EmitError> {
        self.until(Instant::now() + deadline, deadline).await
    }

    pub(crate) async fn until(self, until: Instant, deadline: Duration) -> Result<Emitted, EmitError> {
        let event_type = self.0.route.event_type.name;
        let outcome = tokio::time::timeout_at(until, self).await;
        outcome.unwrap_or(Err(EmitError::Late { event_type, deadline }))
    }
}

impl Future for Pending {
    type Output = Result<Emitted, EmitError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let ticket = &self.0;
        ticket.outcome.poll(cx).map(|outcome| match outcome {
            Ok(at) => Ok(Emitted {
                topic: ticket.route.topic.clone(),
                partition: at.partition,
                offset: at.offset,
                id: ticket.id.clone(),
            }),
            Err(source) => Err(EmitError::Append { event_type: ticket.route.event_type.name, source }),
        })
    }
}

/// Between the log and the handle of one event.
#[derive(Debug)]
pub(crate) struct Ticket {
    outcome: OutcomeCell,
    pub(crate) id: EventId,
    route: Arc<Route>,
}

impl Ticket {
    pub(crate) fn new(id: EventId, route: Arc<Route>) -> Arc<Self> {
        Arc::new(Self { outcome: OutcomeCell::default(), id, route })
    }

    pub(crate) fn event_type(&self) -> &'static EventType {
        self.route.event_type
    }

    /// The event was counted and is not going on its way after all.
    pub(crate) fn never_sent(&self) {
        self.route.tally.taken_back();
    }
}

impl Confirm for Ticket {
    fn confirm(&self, outcome: Result<Appended, AppendError>) {
        match &outcome {
            Ok(_) => self.route.tally.delivered(),
            Err(error) => self.route.failed(&self.id, error),
        }
        self.outcome.confirm(outcome);
    }
}
