//! One partition of a pipe: a batch in, one transaction out.

use coursebus_transport::{
    AppendError, Class, Membership, NewRecord, Offset, Record, TopicPartition, TxWriter, partitions_of,
};
use tokio::time::{Instant, sleep};

use super::Pipe;
use crate::{
    Attempts, HandlerError, Input, OnPoison, Poison, PoisonCode, ProcessError, Progress, Random,
    handlers::{caller::Raw, schemas::Schemas},
    held::{HeldState, Note, new_event},
};

pub(super) struct PipeLane<'a> {
    pipe: &'a Pipe,
    partition: TopicPartition,
    writer: Box<dyn TxWriter>,
    member: Membership,
    schemas: Schemas,
    random: Random,
    /// The position that was committed last. Nobody else commits positions of the partition: one that the engine commits
    /// beside a transaction could come after it, and move the group back.
    committed: Option<Offset>,
}

/// What was made of a batch.
#[derive(Default)]
struct Made {
    records: Vec<NewRecord>,
    /// The record at which it stopped, and why.
    stopped: Option<(Offset, ProcessError)>,
}

impl<'a> PipeLane<'a> {
    pub(super) fn new(
        pipe: &'a Pipe,
        partition: TopicPartition,
        writer: Box<dyn TxWriter>,
        member: Membership,
    ) -> Self {
        let random = Random::new(pipe.settings.seed);
        Self { pipe, partition, writer, member, schemas: Schemas::default(), random, committed: None }
    }

    pub(super) async fn run(mut self, mut input: Input, progress: Progress) -> Result<(), ProcessError> {
        let settings = &self.pipe.settings;
        while let Some(taken) = input.next(settings.batch_records_max, settings.batch_bytes_max).await {
            if let Some(last) = taken.records.last() {
                let made = self.make(&taken.records).await;
                let (next, stopped) = match made.stopped {
                    Some((at, error)) => (at, Some(error)),
                    None => (last.offset().next(), None),
                };
                // Also what was made before the record at which it stopped.
                if taken.records.first().is_some_and(|first| first.offset() < next) {
                    self.commit(&made.records, next, &progress).await?;
                }
                if let Some(error) = stopped {
                    return Err(error);
                }
            }
            if let Some(end) = taken.end {
                // Behind the last record there may be holes.
                if self.committed != Some(end) {
                    self.commit(&[], end, &progress).await?;
                }
                progress.caught_up(end);
            }
        }
        Ok(())
    }

    async fn make(&mut self, records: &[Record]) -> Made {
        let mut made = Made::default();
        for record in records {
            if let Err(error) = self.make_of(record, &mut made.records).await {
                made.stopped = Some((record.offset(), error));
                break;
            }
        }
        made
    }

    async fn make_of(&mut self, record: &Record, out: &mut Vec<NewRecord>) -> Result<(), ProcessError> {
        let pipe = self.pipe;
        let (index, datum) = match self.schemas.find(record) {
            Some(found) => found,
            None => match self.schemas.learn(&pipe.decoder, record, pipe.settings.retry.budget, &pipe.by_type).await? {
                Ok(_) => self.schemas.find(record).unwrap_or_default(),
                Err(poison) => return self.poisoned(record, poison, out),
            },
        };
        let known = self.schemas.get(index);
        let Some(maker) = known.handler else { return Ok(()) };
        let mut attempts = Attempts::default();
        loop {
            let began = Instant::now();
            let making = pipe.makers[maker].make(Raw { known: self.schemas.get(index), datum, record });
            let outcome = match making {
                Ok(making) => making.await,
                Err(poison) => return self.poisoned(record, poison, out),
            };
            match outcome {
                Ok(records) => {
                    out.extend(records);
                    return Ok(());
                }
                Err(HandlerError::Poison(reason)) => {
                    return self.poisoned(record, Poison::new(PoisonCode::Refused, reason), out);
                }
                Err(HandlerError::Fatal(source)) => {
                    let what = format!("the handler of {} offset {} gave up", self.partition, record.offset());
                    return Err(ProcessError::Refused { what, source: Some(source) });
                }
                Err(HandlerError::Transient(source)) => {
                    match pipe.settings.retry.wait(&mut attempts, began.elapsed(), &mut self.random) {
                        Some(wait) => sleep(wait).await,
                        None => {
                            let what = format!("handle {} offset {}", self.partition, record.offset());
                            return Err(ProcessError::Unavailable { what, source });
                        }
                    }
                }
            }
        }
    }

    /// A poison record is held in the transaction of its batch.
    fn poisoned(&self, record: &Record, poison: Poison, out: &mut Vec<NewRecord>) -> Result<(), ProcessError> {
        let error = poison.clone().of(record);
        if self.pipe.settings.on_poison != OnPoison::Skip {
            return Err(ProcessError::Stopped { partition: self.partition.clone(), what: error.to_string() });
        }
        tracing::warn!(%error, "held as dead");
        let note = Note { code: poison.code.as_str().to_owned(), reason: poison.reason, order_key: None, behind: None };
        out.push(new_event(&self.pipe.held.name(record.topic()), record, HeldState::Dead, &note));
        Ok(())
    }

    /// Writes what was made, with the position, until that is certain or the budget is used up.
    async fn commit(&mut self, records: &[NewRecord], next: Offset, progress: &Progress) -> Result<(), ProcessError> {
        self.settle(records, next).await?;
        self.committed = Some(next);
        progress.advance_committed(next);
        Ok(())
    }

    async fn settle(&mut self, records: &[NewRecord], next: Offset) -> Result<(), ProcessError> {
        let mut attempts = Attempts::default();
        loop {
            let began = Instant::now();
            let error = match self.transaction(records, next).await {
                Ok(()) => return Ok(()),
                Err(AppendError::NotOwner { .. }) => {
                    return Err(ProcessError::Fenced { partition: self.partition.clone() });
                }
                Err(error) => error,
            };
            let is_doubtful = is_doubtful(&error);
            if error.class() != Class::Transient && !is_doubtful {
                let what = format!("write what was made of {}", self.partition);
                return Err(ProcessError::Refused { what, source: Some(error.into()) });
            }
            tracing::warn!(partition = %self.partition, %error, "a transaction is tried again");
            let Some(wait) = self.pipe.settings.retry.wait(&mut attempts, began.elapsed(), &mut self.random) else {
                let what = format!("write what was made of {}", self.partition);
                return Err(ProcessError::Unavailable { what, source: error.into() });
            };
            sleep(wait).await;
            if is_doubtful && self.settled(next).await? {
                return Ok(());
            }
        }
    }

    async fn transaction(&mut self, records: &[NewRecord], next: Offset) -> Result<(), AppendError> {
        self.writer.sweep(&partitions_of(records)).await?;
        self.writer.begin().await?;
        for record in records {
            self.writer.append(record.clone()).await?;
        }
        self.writer.positions(&self.member, &[(self.partition.clone(), next)]).await?;
        self.writer.commit().await.map(drop)
    }

    /// Finds out what became of a transaction whose outcome is not known: a new writer of the id settles it, and the position
    /// tells. True when it was committed after all.
    ///
    /// A member that stood still and woke up comes here as well, and fences the owner, whose next transaction then comes here
    /// in turn. Who goes on is what the group says to the positions of the transaction after that: the owner does.
    async fn settled(&mut self, next: Offset) -> Result<bool, ProcessError> {
        let away = |source: coursebus_transport::Cause| ProcessError::Unavailable {
            what: format!("settle a transaction of {}", self.partition),
            source,
        };
        self.writer = self.pipe.writer(&self.partition).await.map_err(|e| away(e.into()))?;
        let partition = [self.partition.clone()];
        let committed = self.pipe.log.committed(&self.pipe.group, &partition).await.map_err(|e| away(e.into()))?;
        Ok(committed.first() == Some(&Some(next)))
    }
}

/// Whether the transaction may have been committed. `Fenced` belongs here: the answer to a commit may be lost, and the next
/// writer be there before the commit is asked for again.
fn is_doubtful(error: &AppendError) -> bool {
    matches!(error, AppendError::Unconfirmed { .. } | AppendError::Fenced { .. } | AppendError::Closed)
}
