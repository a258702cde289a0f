//! The events of a history that are on their way.

use std::collections::VecDeque;

use coursebus_producer::{EmitError, Emitted, Pending};
use futures::FutureExt;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::{Dated, Stopped};

/// What was handed over and is not confirmed yet, in order.
pub(super) struct Flight<'a, F> {
    history: &'a [Dated],
    pending: VecDeque<(usize, Pending)>,
    pending_max: usize,
    confirmed: u64,
    on_progress: F,
}

impl<'a, F: FnMut(u64)> Flight<'a, F> {
    pub(super) fn new(history: &'a [Dated], pending_max: usize, on_progress: F) -> Self {
        Self { history, pending: VecDeque::new(), pending_max, confirmed: 0, on_progress }
    }

    /// An event was handed over: the one with this index.
    pub(super) fn push(&mut self, index: usize, pending: Pending) {
        self.pending.push_back((index, pending));
    }

    /// Takes what is confirmed already, and waits only where too much is not.
    pub(super) async fn make_room(&mut self) -> Result<(), Stopped> {
        while let Some((index, outcome)) =
            self.pending.front_mut().and_then(|(index, pending)| Some((*index, pending.now_or_never()?)))
        {
            self.settled(index, outcome).await?;
        }
        while self.pending.len() >= self.pending_max {
            self.settle_oldest().await?;
        }
        Ok(())
    }

    /// Waits for all.
    pub(super) async fn settle_all(&mut self) -> Result<(), Stopped> {
        while !self.pending.is_empty() {
            self.settle_oldest().await?;
        }
        Ok(())
    }

    /// Uses the time until the next event is due.
    pub(super) async fn settle_until(&mut self, due: Instant) -> Result<(), Stopped> {
        while !self.pending.is_empty() && Instant::now() < due {
            let Some((index, pending)) = self.pending.front_mut() else { break };
            match timeout_at(due, pending).await {
                Ok(outcome) => {
                    let index = *index;
                    self.settled(index, outcome).await?;
                }
                Err(_due) => return Ok(()),
            }
        }
        sleep_until(due).await;
        Ok(())
    }

    /// Learns what became of the rest. Bounded by the writer's delivery time-out.
    pub(super) async fn stop(&mut self, mut index: usize, mut source: EmitError) -> Stopped {
        while let Some((at, pending)) = self.pending.pop_front() {
            match pending.await {
                Ok(_) => self.confirmed += 1,
                Err(earlier) if at < index => (index, source) = (at, earlier),
                Err(_later) => {}
            }
        }
        Stopped {
            confirmed: self.confirmed,
            total: self.history.len() as u64,
            event_type: self.history[index].fact.event_type().name,
            id: self.history[index].id.clone(),
            source,
        }
    }

    /// Waits for the oldest. Cancel-safe: one that is not confirmed stays.
    async fn settle_oldest(&mut self) -> Result<(), Stopped> {
        let Some((index, pending)) = self.pending.front_mut() else { return Ok(()) };
        let (index, outcome) = (*index, pending.await);
        self.settled(index, outcome).await
    }

    async fn settled(&mut self, index: usize, outcome: Result<Emitted, EmitError>) -> Result<(), Stopped> {
        self.pending.pop_front();
        match outcome {
            Ok(_) => {
                self.confirmed += 1;
                (self.on_progress)(self.confirmed);
                Ok(())
            }
            Err(source) => Err(self.stop(index, source).await),
        }
    }
}
