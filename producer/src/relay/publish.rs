//! Publishing a batch: in a transaction of the log together with the batch's receipt, or plainly.

use std::{sync::Arc, time::Duration};

use coursebus_transport::{
    AdminError, AppendError, Class, Log, NewRecord, Offset, ReaderSettings, TopicPartition, TopicSpec, TxWriter,
    Writer, WriterSettings, partitions_of,
};

use super::{RelayTrouble, encode::Refusal, plan::Publish, receipt};
use crate::relay::receipt::Receipt;

/// How many offsets before the end of the relay's topic are looked at first. A transaction takes two.
const LOOK_BACK: i64 = 64;
/// How long reading the last receipt may take.
const READ_WAIT: Duration = Duration::from_secs(30);

/// Why a batch was not published.
#[derive(Debug)]
pub(crate) enum Unpublished {
    /// The log refuses this row.
    Row(i64, Refusal),
    /// The log refuses some row.
    Some(Refusal),
    /// A topic is not as it was known.
    Topic,
    /// The log is away, or another relay has taken over.
    Trouble(RelayTrouble),
}

/// The way into the log.
pub(crate) enum Publisher {
    /// Each batch is one transaction, with its receipt.
    Transactional {
        /// Fences every earlier relay of this outbox.
        writer: Box<dyn TxWriter>,
        /// The relay's own topic.
        topic: Arc<str>,
    },
    /// No transactions: what was published before a crash is published again.
    Plain(Writer),
}

impl Publisher {
    /// A transactional one. From when this returns, no earlier relay of the outbox publishes anything.
    pub(crate) async fn transactional(log: &dyn Log, topic: &str) -> Result<Self, RelayTrouble> {
        let trouble = |source: AdminError| RelayTrouble::Log { what: "make the relay's topic", source: source.into() };
        match log.topic(topic).await {
            Err(AdminError::UnknownTopic { .. }) => match log.create_topic(&own_topic(topic)).await {
                Ok(()) | Err(AdminError::TopicExists { .. }) => {}
                Err(error) => return Err(trouble(error)),
            },
            found => drop(found.map_err(trouble)?),
        }
        let writer = log.transactional(topic).await.map_err(appending)?;
        Ok(Self::Transactional { writer, topic: topic.into() })
    }

    /// One without transactions.
    pub(crate) async fn plain(log: &dyn Log) -> Result<Self, RelayTrouble> {
        Ok(Self::Plain(log.writer(WriterSettings::default()).await.map_err(appending)?))
    }

    /// Makes sure that the receipts on the relay's topic are all that there will be of earlier relays.
    pub(crate) async fn sweep_own(&mut self) -> Result<(), RelayTrouble> {
        match self {
            Self::Transactional { writer, topic } => {
                writer.sweep(&[TopicPartition::new(topic.clone(), 0)]).await.map_err(appending)
            }
            Self::Plain(_) => Ok(()),
        }
    }

    /// Publishes a batch, in order; when this returns, all of it is durable.
    pub(crate) async fn publish(&mut self, batch: Vec<Publish>, receipt: Receipt) -> Result<(), Unpublished> {
        match self {
            Self::Transactional { writer, topic } => {
                let published = in_transaction(writer.as_mut(), topic, batch, receipt).await;
                if matches!(published, Err(Unpublished::Row(..) | Unpublished::Some(_) | Unpublished::Topic)) {
                    writer.abort().await.map_err(|error| Unpublished::Trouble(appending(error)))?;
                }
                published
            }
            Self::Plain(writer) => plainly(writer, batch).await,
        }
    }
}

fn own_topic(name: &str) -> TopicSpec {
    let mut spec = TopicSpec::new(name, 1).compacted();
    // One record counts: segments are short, so that the others go.
    for (setting, value) in [("segment.bytes", "16777216"), ("min.cleanable.dirty.ratio", "0.1")] {
        spec.settings.insert(setting.to_owned(), value.to_owned());
    }
    spec
}

fn appending(source: AppendError) -> RelayTrouble {
    RelayTrouble::Log { what: "publish", source: source.into() }
}

async fn in_transaction(
    writer: &mut dyn TxWriter,
    own: &Arc<str>,
    batch: Vec<Publish>,
    receipt: Receipt,
) -> Result<(), Unpublished> {
    let trouble = |error| Unpublished::Trouble(appending(error));
    let partitions = partitions_of(batch.iter().map(|row| &row.record));
    writer.sweep(&partitions).await.map_err(|error| refused(error, None, own))?;
    writer.begin().await.map_err(trouble)?;
    for row in batch {
        let id = row.id;
        writer.append(row.record).await.map_err(|error| refused(error, Some(id), own))?;
    }
    let record = NewRecord {
        topic: own.clone(),
        partition: 0,
        timestamp_ms: None,
        key: Some(receipt::KEY.into()),
        value: Some(receipt.to_bytes().into()),
        headers: Vec::new(),
    };
    writer.append(record).await.map_err(trouble)?;
    writer.commit().await.map(drop).map_err(|error| refused(error, None, own))
}

/// Whose fault it is.
fn refused(error: AppendError, row: Option<i64>, own: &str) -> Unpublished {
    match &error {
        AppendError::UnknownTopic { topic } if topic != own => Unpublished::Topic,
        AppendError::UnknownPartition { partition } if &*partition.topic != own => Unpublished::Topic,
        _ if error.class() == Class::Poison => {
            let code = if matches!(error, AppendError::TooLarge { .. }) { "record-too-large" } else { "record-key" };
            let refusal = Refusal::new(code, error.to_string());
            row.map_or(Unpublished::Some(refusal.clone()), |row| Unpublished::Row(row, refusal))
        }
        _ => Unpublished::Trouble(appending(error)),
    }
}

/// Waits for all, also behind one that failed: what is in the log is known then.
async fn plainly(writer: &Writer, batch: Vec<Publish>) -> Result<(), Unpublished> {
    let mut receipts = Vec::with_capacity(batch.len());
    for row in batch {
        receipts.push((row.id, writer.append(row.record).await));
    }
    let mut failed = None;
    for (row, receipt) in receipts {
        if let Err(error) = receipt.await {
            failed.get_or_insert(refused(error, Some(row), ""));
        }
    }
    failed.map_or(Ok(()), Err)
}

/// The last receipt on the relay's topic. To be read after the earlier relays are fenced and their traces swept: what then lies
/// before the topic's end is all settled, and is waited for.
pub(crate) async fn last_receipt(log: &dyn Log, topic: &str) -> Result<Option<Receipt>, RelayTrouble> {
    let partition = TopicPartition::new(topic, 0);
    let range = log.range(&partition).await;
    let range = range.map_err(|error| RelayTrouble::Log { what: "read the relay's topic", source: error.into() })?;
    let mut back = LOOK_BACK;
    loop {
        let from = Offset(range.latest.0.saturating_sub(back).max(range.earliest.0));
        let found = read_between(log, &partition, from, range.latest).await?;
        if found.is_some() || from == range.earliest {
            return Ok(found);
        }
        // What was aborted takes offsets too.
        back = back.saturating_mul(16);
    }
}

async fn read_between(
    log: &dyn Log,
    partition: &TopicPartition,
    from: Offset,
    to: Offset,
) -> Result<Option<Receipt>, RelayTrouble> {
    let trouble = |source: coursebus_transport::Cause| RelayTrouble::Log { what: "read the relay's topic", source };
    let reader = log.reader(vec![(partition.clone(), from)], ReaderSettings::default()).await;
    let mut reader = reader.map_err(|error| trouble(error.into()))?;
    let until = tokio::time::Instant::now() + READ_WAIT;
    let mut last = None;
    while tokio::time::Instant::now() < until {
        let fetched = reader.next(Duration::from_secs(1)).await.map_err(|error| trouble(error.into()))?;
        for record in &fetched.records {
            if record.key() == Some(receipt::KEY.as_bytes()) {
                let value = record.value().unwrap_or_default();
                last = Some(Receipt::from_bytes(value).map_err(|error| trouble(error.into()))?);
            }
        }
        if fetched.ends.iter().any(|(_, end)| *end >= to) {
            return Ok(last);
        }
    }
    Err(trouble("its end was not reached in 30 s".into()))
}
