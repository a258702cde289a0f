//! Writing held records: one task and one transactional writer a member, so that only the owner of a partition can.
//!
//! What waits goes into one transaction, with the position of each partition it is of. The group takes positions from a
//! partition's owner only, so a member that stood still while its partitions moved writes nothing. Source: KIP-447.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use coursebus_transport::{AppendError, Class, Log, NewRecord, Offset, TopicPartition, TxWriter, partitions_of};
use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::{Backoff, ProcessError, Progress};

/// How many events one transaction takes at most. Others wait for the next.
const EVENTS: usize = 1_000;
/// How many bytes of events may wait. At the bound whoever holds a record waits; one that is larger goes alone.
const BYTES: usize = 32 << 20;
/// How long transactions may fail before what waits is given up, and the engine with it.
const AWAY_MAX: Duration = Duration::from_secs(60);

/// The writer of a member. Its task ends when this is gone and all is written.
pub(crate) struct HeldWriter {
    orders: mpsc::Sender<Order>,
    room: Arc<Semaphore>,
}

/// An event to be written, for a partition whose lane waits for it.
struct Order {
    source: TopicPartition,
    event: NewRecord,
    progress: Progress,
    done: oneshot::Sender<Result<(), HeldError>>,
    _room: OwnedSemaphorePermit,
}

/// Why an event was not written.
#[derive(Debug)]
pub(crate) enum HeldError {
    /// Another member has the partition.
    Fenced(TopicPartition),
    /// The log did not take it, for as long as was tried.
    Failed(Arc<AppendError>),
    /// The writer is gone.
    Closed,
}

impl From<HeldError> for ProcessError {
    fn from(error: HeldError) -> Self {
        let what = "hold a record".to_owned();
        match error {
            HeldError::Fenced(partition) => Self::Fenced { partition },
            HeldError::Failed(source) if source.class() == Class::Transient => {
                Self::Unavailable { what, source: source.into() }
            }
            HeldError::Failed(source) => {
                Self::Refused { what: format!("could not {what}"), source: Some(source.into()) }
            }
            HeldError::Closed => Self::Refused { what: format!("could not {what}: its writer is gone"), source: None },
        }
    }
}

/// Resolves when an event is durable, or will not be.
pub(crate) struct HeldReceipt(oneshot::Receiver<Result<(), HeldError>>);

impl Future for HeldReceipt {
    type Output = Result<(), HeldError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|outcome| outcome.unwrap_or(Err(HeldError::Closed)))
    }
}

impl HeldWriter {
    /// Starts the task. The log is asked for nothing before the first event.
    pub(crate) fn start(log: Arc<dyn Log>, group: &str) -> Self {
        // A name that no other has: what keeps a stale member out is its membership, not the name. The broker gives an
        // open transaction of a member that died up after its time-out, and the next owner waits for that.
        let id = format!("{group}.held.{}", uuid::Uuid::new_v4().simple());
        let (orders, waiting) = mpsc::channel(EVENTS);
        tokio::spawn(Task { log, id, writer: None }.run(waiting));
        Self { orders, room: Arc::new(Semaphore::new(BYTES)) }
    }

    /// Hands an event over. Waits only at the bound. Events of one partition are written in this order.
    pub(crate) async fn append(&self, source: &TopicPartition, event: NewRecord, progress: &Progress) -> HeldReceipt {
        let (done, receipt) = oneshot::channel();
        let bytes = u32::try_from(event.size().min(BYTES)).unwrap_or(u32::MAX);
        if let Ok(room) = self.room.clone().acquire_many_owned(bytes).await {
            let order = Order { source: source.clone(), event, progress: progress.clone(), done, _room: room };
            // A task that is gone drops the order, which the receipt tells.
            let _ = self.orders.send(order).await;
        }
        HeldReceipt(receipt)
    }
}

struct Task {
    log: Arc<dyn Log>,
    id: String,
    /// None before the first transaction, and after one whose outcome is not known: the next writer of the id settles it.
    writer: Option<Box<dyn TxWriter>>,
}

impl Task {
    async fn run(mut self, mut waiting: mpsc::Receiver<Order>) {
        let mut orders = Vec::new();
        while waiting.recv_many(&mut orders, EVENTS).await > 0 {
            while let Some(batch) = batch(&mut orders) {
                self.settle(batch).await;
            }
        }
    }

    /// Writes a batch, or says of each of its events why not. An event may be written twice, where the answer to a
    /// transaction was lost; it says the same both times.
    async fn settle(&mut self, mut batch: Vec<Order>) {
        let mut backoff = Backoff::new(AWAY_MAX);
        while !batch.is_empty() {
            let Err(error) = self.transaction(&batch).await else {
                batch.drain(..).for_each(|order| order.answer(Ok(())));
                return;
            };
            self.give_up(&error).await;
            match error {
                AppendError::NotOwner { partition, .. } if batch.iter().any(|order| order.source == partition) => {
                    for order in batch.extract_if(.., |order| order.source == partition) {
                        order.answer(Err(HeldError::Fenced(partition.clone())));
                    }
                }
                // Of a name that nobody else has: the writer was away for longer than its transaction may be open.
                AppendError::Fenced { .. } | AppendError::Closed if backoff.wait().await => {}
                error if error.class() == Class::Transient && backoff.wait().await => {
                    tracing::warn!(%error, "a transaction of held records is tried again");
                }
                error if batch.len() > 1 && error.class() == Class::Poison => {
                    // One of them is to blame: each goes alone.
                    for order in batch.drain(..) {
                        Box::pin(self.settle(vec![order])).await;
                    }
                }
                error => {
                    let error = Arc::new(error);
                    batch.drain(..).for_each(|order| order.answer(Err(HeldError::Failed(error.clone()))));
                }
            }
        }
    }

    /// After a transaction that failed: gives it up, or the writer, where the outcome is not known.
    async fn give_up(&mut self, error: &AppendError) {
        let is_known = error.class() == Class::Poison
            || matches!(error, AppendError::NotOwner { .. } | AppendError::Rebalancing { .. });
        if let Some(mut writer) = self.writer.take()
            && is_known
            && writer.abort().await.is_ok()
        {
            self.writer = Some(writer);
        }
    }

    /// One transaction: the events, and for each of their partitions the position before which all is done.
    async fn transaction(&mut self, batch: &[Order]) -> Result<(), AppendError> {
        let partitions: BTreeMap<&TopicPartition, &Progress> =
            batch.iter().map(|order| (&order.source, &order.progress)).collect();
        // Nobody else commits these meanwhile, so that an older position never overtakes a newer one.
        let mut turns: Vec<OwnedMutexGuard<()>> = Vec::with_capacity(partitions.len());
        for progress in partitions.values() {
            turns.push(progress.turn().await);
        }
        let positions: Vec<(TopicPartition, Offset)> = partitions
            .iter()
            .filter_map(|(partition, progress)| Some(((*partition).clone(), progress.done_before()?)))
            .collect();
        let membership = batch.first().and_then(|order| order.progress.membership());
        let writer = match &mut self.writer {
            Some(writer) => writer,
            None => self.writer.insert(self.log.transactional(&self.id).await?),
        };
        let outcome = async {
            writer.sweep(&partitions_of(batch.iter().map(|order| &order.event))).await?;
            writer.begin().await?;
            if let Some(membership) = membership {
                writer.positions(membership, &positions).await?;
            }
            for order in batch {
                writer.append(order.event.clone()).await?;
            }
            writer.commit().await.map(drop)
        };
        let outcome = outcome.await;
        if outcome.is_ok() {
            for (partition, next) in &positions {
                partitions[partition].is_committed(*next);
            }
        }
        outcome
    }
}

impl Order {
    fn answer(self, outcome: Result<(), HeldError>) {
        // A lane that was given up does not listen.
        let _ = self.done.send(outcome);
    }
}

/// The next events that go together: those of one membership. What nobody waits for any more is dropped.
fn batch(orders: &mut Vec<Order>) -> Option<Vec<Order>> {
    orders.retain(|order| !order.done.is_closed());
    let first = orders.first()?.progress.clone();
    Some(orders.extract_if(.., |order| order.progress.is_of_same_member(&first)).collect())
}
