//! Writing: many changes in one transaction, by the one writer there is.
//!
//! Taking the log's transactional writer over fences every other registry on the same log (ADR 0006); then the topic is read
//! to its end, and only then is decided. The writer keeps a state of its own, one batch ahead of what is read: changes of one
//! batch are decided one after the other, each on what the ones before it come to, and become durable together (ADR 0018).

use std::{collections::VecDeque, sync::Arc, time::Duration};

use coursebus_transport::{AppendError, Class, NewRecord, NoSpace, Offset, TxWriter};
use tokio::sync::{mpsc, oneshot};

use super::{Core, TOPIC, unavailable};
use crate::{
    RegistryError,
    state::{Decision, State, Write},
};

/// The transactional id that all registries on one log contend for.
const WRITER_ID: &str = "coursebus-registry";
/// How many changes one transaction has. At the bound: the next transaction.
const BATCH_MAX: usize = 256;
/// How many bytes one transaction has, more or less one change. At the bound: the next transaction.
const BATCH_BYTES_MAX: usize = 4 << 20;

/// A change that waits for its decision.
pub(super) trait Job: Send {
    /// Decides, again where it was fenced meanwhile; what is to be written. A refusal writes nothing.
    fn decide(&mut self, state: &State) -> Vec<Write>;
    /// Tells the caller what came of it.
    fn finish(self: Box<Self>, failed: Option<RegistryError>);
    /// Whether the caller still waits. What nobody waits for is not written any more.
    fn is_wanted(&self) -> bool;
}

/// A change, and where its answer goes.
pub(super) struct Ask<F, T> {
    decide: F,
    decided: Option<Result<T, RegistryError>>,
    reply: oneshot::Sender<Result<T, RegistryError>>,
}

impl<F, T> Ask<F, T> {
    pub(super) fn new(decide: F, reply: oneshot::Sender<Result<T, RegistryError>>) -> Self {
        Self { decide, decided: None, reply }
    }
}

impl<T: Send, F: Fn(&State) -> Result<Decision<T>, RegistryError> + Send> Job for Ask<F, T> {
    fn decide(&mut self, state: &State) -> Vec<Write> {
        let (records, decided) = match (self.decide)(state) {
            Ok(Decision { records, answer }) => (records, Ok(answer)),
            Err(error) => (Vec::new(), Err(error)),
        };
        self.decided = Some(decided);
        records
    }

    fn finish(self: Box<Self>, failed: Option<RegistryError>) {
        let outcome = match (failed, self.decided) {
            // What was refused is refused, whatever became of the others.
            (_, Some(Err(refused))) => Err(refused),
            (Some(failed), _) => Err(failed),
            (None, Some(Ok(answer))) => Ok(answer),
            (None, None) => Err(unavailable("decide", "the change was dropped")),
        };
        // A caller that went needs no answer.
        let _ = self.reply.send(outcome);
    }

    fn is_wanted(&self) -> bool {
        !self.reply.is_closed()
    }
}

/// The log's writer, and the state that its next decision stands on.
struct Head {
    writer: Box<dyn TxWriter>,
    state: State,
}

/// Commits changes as they come, for ever.
pub(super) async fn run(core: Arc<Core>, mut queue: mpsc::Receiver<Box<dyn Job>>) {
    let mut head = None;
    let mut waiting: VecDeque<Box<dyn Job>> = VecDeque::new();
    loop {
        if waiting.is_empty() {
            let Some(job) = queue.recv().await else { return };
            waiting.push_back(job);
        }
        while waiting.len() < BATCH_MAX
            && let Ok(job) = queue.try_recv()
        {
            waiting.push_back(job);
        }
        waiting.retain(|job| job.is_wanted());
        commit(&core, &mut head, &mut waiting).await;
    }
}

/// Commits the first of the changes that wait, as many as fit into one transaction.
async fn commit(core: &Core, head: &mut Option<Head>, waiting: &mut VecDeque<Box<dyn Job>>) {
    let mut count_max = BATCH_MAX;
    for _ in 0..core.settings.attempts {
        let ahead = match take_over(core, head).await {
            Ok(ahead) => ahead,
            Err(error) => return fail(waiting.drain(..), error),
        };
        if let Some(reason) = ahead.state.trouble().map(str::to_owned) {
            let refusals = waiting.drain(..);
            return refusals.for_each(|job| job.finish(Some(RegistryError::TopicUnsafe { reason: reason.clone() })));
        }
        let (count, records) = decide(&mut ahead.state, waiting, count_max);
        if records.is_empty() {
            return waiting.drain(..count).for_each(|job| job.finish(None));
        }
        match append(ahead.writer.as_mut(), records).await {
            Ok(at) => {
                // Not to the end of the topic, which on Kafka is behind the transaction's marker and is told late. It is
                // durable also where it cannot be read yet.
                let read = core.follow_to(at.next()).await;
                let is_alone = core.state().applied == ahead.state.applied;
                if read.is_err() || !is_alone {
                    *head = None;
                }
                return waiting.drain(..count).for_each(|job| job.finish(None));
            }
            // Another registry has taken over meanwhile: look at what it wrote, and decide again.
            Err(AppendError::Fenced { .. }) => {
                *head = None;
                tokio::time::sleep(jitter()).await;
            }
            // One of them is too large for the topic: alone it fails alone.
            Err(AppendError::TooLarge { .. }) if count > 1 => {
                *head = None;
                count_max = 1;
            }
            Err(error) => {
                *head = None;
                let error = Arc::new(error);
                waiting.drain(..count).for_each(|job| job.finish(Some(refused(&error))));
                return;
            }
        }
    }
    fail(waiting.drain(..), unavailable("become its topic's writer", "other registries took over each time"));
}

/// The writer, taken over where it is not ours; behind it nobody else writes.
async fn take_over<'h>(core: &Core, head: &'h mut Option<Head>) -> Result<&'h mut Head, RegistryError> {
    if let Some(head) = head {
        return Ok(head);
    }
    let writer = core.log.transactional(WRITER_ID).await;
    let writer = writer.map_err(|error| unavailable("become its topic's writer", error))?;
    core.catch_up().await?;
    let state = core.state().clone();
    Ok(head.insert(Head { writer, state }))
}

/// Decides changes one after the other; how many, and what they write.
fn decide(state: &mut State, waiting: &mut VecDeque<Box<dyn Job>>, count_max: usize) -> (usize, Vec<Write>) {
    let (mut count, mut bytes, mut records) = (0, 0, Vec::new());
    for job in waiting.iter_mut().take(count_max) {
        let writes = job.decide(state);
        for (key, value) in &writes {
            bytes += key.len() + value.as_ref().map_or(0, String::len);
            state.absorb(-1, Some(key), value.as_deref().map(str::as_bytes));
        }
        records.extend(writes);
        count += 1;
        if bytes >= BATCH_BYTES_MAX {
            break;
        }
    }
    (count, records)
}

/// Fails changes that were not written.
fn fail(jobs: impl Iterator<Item = Box<dyn Job>>, error: RegistryError) {
    let error = Arc::new(error);
    jobs.for_each(|job| job.finish(Some(unavailable("write to its topic", error.clone()))));
}

/// What a failed transaction means for one of its changes.
fn refused(error: &Arc<AppendError>) -> RegistryError {
    if let AppendError::TooLarge { bytes, bytes_max, .. } = **error {
        return RegistryError::TooLarge { bytes, bytes_max };
    }
    let is_full = NoSpace::among(error.as_ref()).is_some();
    if error.class() == Class::Transient && !is_full {
        return unavailable("confirm in time; look what is there before you try again", error.clone());
    }
    let what = if is_full { "write: no space is left for its topic" } else { "write to its topic" };
    RegistryError::Store { what: what.to_owned(), source: error.clone().into() }
}

async fn append(writer: &mut dyn TxWriter, records: Vec<Write>) -> Result<Offset, AppendError> {
    writer.begin().await?;
    for (key, value) in records {
        let (key, value) = (Some(key.into()), value.map(Into::into));
        let (timestamp_ms, headers) = (None, Vec::new());
        writer.append(NewRecord { topic: TOPIC.into(), partition: 0, timestamp_ms, key, value, headers }).await?;
    }
    let appended = writer.commit().await?;
    Ok(appended.last().map_or(Offset(0), |at| at.offset))
}

/// Between 1 and 20 ms, so that two that contend do not meet again and again.
fn jitter() -> Duration {
    use std::hash::{BuildHasher, RandomState};
    Duration::from_millis(1 + RandomState::new().hash_one(0) % 20)
}
