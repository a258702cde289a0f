//! What an event is emitted because of.

use std::future::Future;

use coursebus_schemas::Metadata;

tokio::task_local! {
    static CAUSE: Cause;
}

/// The trace and the event that led to the events of a piece of work. Whoever handles an event emits others within
/// [`Cause::scope`], and they carry both on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cause {
    /// The W3C trace context: `traceparent` of the caller's span, or of the event that is handled.
    pub traceparent: Option<String>,
    /// The id of the event that is handled.
    pub causation_id: Option<String>,
}

impl Cause {
    /// An event as the cause of others.
    #[must_use]
    pub fn of(event: &Metadata) -> Self {
        Self { traceparent: event.traceparent.clone(), causation_id: Some(event.id.as_str().to_owned()) }
    }

    /// Runs a piece of work. Each event that it emits takes from here what its metadata does not say itself; tasks that it
    /// spawns do not.
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        CAUSE.scope(self, work).await
    }

    /// That of this piece of work, if somebody has said.
    pub(crate) fn current() -> Option<Self> {
        CAUSE.try_with(Clone::clone).ok()
    }
}
