//! Transactions: records are kept in memory until they are written together.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    append,
    membership::{self, CommitError},
    store::{JobError, Store},
};
use crate::{AppendError, Appended, MemberOf, Membership, NewRecord, Offset, TopicPartition, TxWriter};

pub(super) struct EmbeddedTxWriter {
    store: Arc<Store>,
    id: String,
    epoch: i64,
    records: Vec<NewRecord>,
    positions: Vec<Positions>,
    request_timeout: Duration,
}

/// Positions of a group, to be committed with the records.
struct Positions {
    group: String,
    member: String,
    next: Vec<(TopicPartition, Offset)>,
}

enum TxError {
    Fenced,
    NotOwner { partition: TopicPartition, group: String },
    Refused(AppendError),
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for TxError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

/// Takes the id over from whoever has it.
pub(super) async fn open(
    store: &Arc<Store>,
    id: &str,
    request_timeout: Duration,
) -> Result<EmbeddedTxWriter, AppendError> {
    let name = id.to_owned();
    let answer = store.submit(request_timeout, move |c, _| {
        c.query_row(
            "INSERT INTO transactional VALUES (?1, 1) ON CONFLICT DO UPDATE SET epoch = epoch + 1 RETURNING epoch",
            [name],
            |row| row.get::<_, i64>(0),
        )
        .map_err(TxError::from)
    });
    let mut writer = EmbeddedTxWriter {
        store: store.clone(),
        id: id.to_owned(),
        epoch: 0,
        records: Vec::new(),
        positions: Vec::new(),
        request_timeout,
    };
    writer.epoch = writer.outcome(answer.await)?;
    Ok(writer)
}

impl EmbeddedTxWriter {
    fn outcome<T>(
        &self,
        answer: Result<Result<T, JobError<TxError>>, tokio::sync::oneshot::error::RecvError>,
    ) -> Result<T, AppendError> {
        let topic = self.records.first().map_or_else(String::new, |r| r.topic.to_string());
        let unconfirmed =
            |source| AppendError::Unconfirmed { topic: topic.clone(), waited: self.request_timeout, source };
        match answer {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(JobError::Job(TxError::Fenced))) => Err(AppendError::Fenced { id: self.id.clone() }),
            Ok(Err(JobError::Job(TxError::NotOwner { partition, group }))) => {
                Err(AppendError::NotOwner { partition, group })
            }
            Ok(Err(JobError::Job(TxError::Refused(error)))) => Err(error),
            Ok(Err(JobError::Job(TxError::Sql(error)))) => Err(unconfirmed(error.into())),
            Ok(Err(JobError::Commit(error))) => Err(unconfirmed(error)),
            Err(_expired) => Err(unconfirmed(self.store.holder())),
        }
    }
}

fn check_epoch(c: &Connection, id: &str, epoch: i64) -> Result<(), TxError> {
    let now: Option<i64> = c
        .prepare_cached("SELECT epoch FROM transactional WHERE id = ?1")?
        .query_row(params![id], |row| row.get(0))
        .optional()?;
    if now == Some(epoch) { Ok(()) } else { Err(TxError::Fenced) }
}

/// Whether the member owns the partitions is looked at in the transaction that writes.
fn commit_positions(c: &Connection, positions: &Positions) -> Result<(), TxError> {
    let Positions { group, member, next } = positions;
    membership::commit(c, group, member, next).map_err(|error| match error {
        CommitError::Fenced(partition) => TxError::NotOwner { partition, group: group.clone() },
        CommitError::Sql(error) => TxError::Sql(error),
    })
}

#[async_trait]
impl TxWriter for EmbeddedTxWriter {
    async fn begin(&mut self) -> Result<(), AppendError> {
        self.abort().await
    }

    async fn append(&mut self, record: NewRecord) -> Result<(), AppendError> {
        self.records.push(record);
        Ok(())
    }

    async fn positions(
        &mut self,
        member: &Membership,
        positions: &[(TopicPartition, Offset)],
    ) -> Result<(), AppendError> {
        let MemberOf::Embedded { group, member } = &member.0 else {
            let topic = format!("of transaction {}", self.id);
            return Err(AppendError::Refused { topic, source: "the member is of another log".into() });
        };
        self.positions.push(Positions { group: group.clone(), member: member.clone(), next: positions.to_vec() });
        Ok(())
    }

    async fn commit(&mut self) -> Result<Vec<Appended>, AppendError> {
        let (id, epoch, records) = (self.id.clone(), self.epoch, std::mem::take(&mut self.records));
        let positions = std::mem::take(&mut self.positions);
        let answer = self.store.submit(self.request_timeout, move |c, topics| {
            check_epoch(c, &id, epoch)?;
            positions.iter().try_for_each(|positions| commit_positions(c, positions))?;
            let appended = append::append(c, topics, records)?;
            appended.into_iter().collect::<Result<Vec<_>, _>>().map_err(TxError::Refused)
        });
        self.outcome(answer.await)
    }

    async fn abort(&mut self) -> Result<(), AppendError> {
        self.records.clear();
        self.positions.clear();
        Ok(())
    }
}
