//! The transactional writer. Every call that may block runs on a thread where it may.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use tokio::sync::oneshot;

use super::{
    admin::{Admin, is_topic_name},
    config::{BATCH_BYTES_MAX, Configs, RECORD_BYTES_MAX, TOPIC_WAIT},
    delivery::Sent,
    limits::{TopicLimits, batch_bytes},
    native::{Code, Deliver, List, NativeError, Producer},
    pump::Pump,
};
use crate::{AppendError, Appended, MemberOf, Membership, NewRecord, Offset, TopicPartition, TxWriter};

/// A refusal on knowledge older than this is checked with the broker first.
const FRESH: Duration = Duration::from_secs(1);
/// How long to wait before asking again for a topic that is not there.
const BACKOFF: Duration = Duration::from_millis(50);
/// How long what is left in the producer may take when the writer is dropped.
const LINGER_ON: Duration = Duration::from_secs(5);

pub(super) struct KafkaTxWriter {
    id: String,
    pump: Pump<Delivery>,
    admin: Admin,
    open: bool,
    /// After a commit whose outcome is not known librdkafka lets the transaction only be committed again. It is settled
    /// by the next writer of the id.
    in_doubt: bool,
    /// One a record of the open transaction, in order.
    receipts: Vec<oneshot::Receiver<Outcome>>,
    /// How many of the receipts are known to be fine.
    confirmed: Vec<Appended>,
    topics: HashMap<Arc<str>, (TopicLimits, Instant)>,
    /// Bytes since the last flush, for topics whose limit is below the size of a batch.
    unflushed: HashMap<TopicPartition, usize>,
    /// Where nothing of an earlier writer of the id is open any more; as many as it writes to.
    swept: HashSet<TopicPartition>,
}

type Outcome = Result<Appended, (Sent, NativeError)>;

struct Delivery {
    sent: Sent,
    outcome: oneshot::Sender<Outcome>,
}

impl Deliver for Delivery {
    fn deliver(self, outcome: Result<i64, NativeError>) {
        let outcome = match outcome {
            Ok(offset) => Ok(Appended { partition: self.sent.partition.partition, offset: Offset(offset) }),
            Err(error) => Err((self.sent, error)),
        };
        // Nobody asks after a transaction that was aborted.
        let _ = self.outcome.send(outcome);
    }
}

impl KafkaTxWriter {
    /// Fences every earlier writer of the id.
    pub(super) async fn start(configs: &Configs, admin: Admin, id: &str) -> Result<Self, AppendError> {
        let refused =
            |error: NativeError| AppendError::Refused { topic: format!("of transaction {id}"), source: error.into() };
        let pump = Pump::start(&configs.transactional(id), LINGER_ON).map_err(refused)?;
        let writer = Self {
            id: id.to_owned(),
            pump,
            admin,
            open: false,
            in_doubt: false,
            receipts: Vec::new(),
            confirmed: Vec::new(),
            topics: HashMap::new(),
            unflushed: HashMap::new(),
            swept: HashSet::new(),
        };
        writer.blocking(|producer, left| producer.init_transactions(left)).await?;
        Ok(writer)
    }

    /// Makes a call until it succeeds, fails for good, or the request time-out has passed.
    async fn blocking(
        &self,
        call: impl Fn(&Producer<Delivery>, Duration) -> Result<(), NativeError> + Send + 'static,
    ) -> Result<(), AppendError> {
        self.blocking_raw(call).await?.map_err(|error| self.error(error))
    }

    /// The outer error is that of a runtime that is shutting down.
    async fn blocking_raw(
        &self,
        call: impl Fn(&Producer<Delivery>, Duration) -> Result<(), NativeError> + Send + 'static,
    ) -> Result<Result<(), NativeError>, AppendError> {
        let producer = self.pump.producer().clone();
        let until = Instant::now() + self.admin.request_timeout();
        let outcome = tokio::task::spawn_blocking(move || {
            loop {
                let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
                match call(&producer, left) {
                    Err(error) if error.retriable && !error.fatal && Instant::now() < until => {}
                    Err(error) => return Err(error.after(producer.last_failure())),
                    Ok(()) => return Ok(()),
                }
            }
        })
        .await;
        outcome.map_err(|join| self.unconfirmed(join.into()))
    }

    fn refused(&self, why: &str) -> AppendError {
        AppendError::Refused { topic: format!("of transaction {}", self.id), source: why.into() }
    }

    fn error(&self, error: NativeError) -> AppendError {
        let is_fenced = |error: &NativeError| error.code.is_fenced();
        if is_fenced(&error) || self.pump.producer().fatal_error().as_ref().is_some_and(is_fenced) {
            return AppendError::Fenced { id: self.id.clone() };
        }
        if error.code.is_transient() || error.retriable {
            return self.unconfirmed(error.into());
        }
        AppendError::Refused { topic: format!("of transaction {}", self.id), source: error.into() }
    }

    fn unconfirmed(&self, source: crate::Cause) -> AppendError {
        let waited = self.admin.request_timeout();
        AppendError::Unconfirmed { topic: format!("of transaction {}", self.id), waited, source }
    }

    /// What a record that was not delivered means for the transaction.
    fn undelivered(&self, sent: &Sent, error: NativeError) -> AppendError {
        match self.error(error.clone()) {
            fenced @ AppendError::Fenced { .. } => fenced,
            _ => sent.error(error, self.admin.request_timeout(), RECORD_BYTES_MAX),
        }
    }

    async fn limits(&mut self, record: &NewRecord) -> Result<TopicLimits, AppendError> {
        let fresh = |learnt: &Instant| learnt.elapsed() < FRESH;
        if let Some((limits, learnt)) = self.topics.get(&record.topic)
            && (limits.check(record).is_ok() || fresh(learnt))
        {
            return Ok(*limits);
        }
        let until = Instant::now() + self.admin.request_timeout();
        let mut missing_since = None;
        loop {
            let (admin, names) = (self.admin.clone(), vec![record.topic.to_string()]);
            let found = tokio::task::spawn_blocking(move || admin.limits(&names)).await;
            let found = found.unwrap_or_else(|join| Err(NativeError::with_text(Code::TIMED_OUT, join.to_string())));
            match found
                .and_then(|mut found| found.pop().map_or(Err(NativeError::new(Code::TIMED_OUT)), |(_, limits)| limits))
            {
                Ok(limits) => {
                    self.topics.insert(record.topic.clone(), (limits, Instant::now()));
                    return Ok(limits);
                }
                Err(error) if error.code.is_unknown_topic() => {
                    if missing_since.get_or_insert_with(Instant::now).elapsed() >= TOPIC_WAIT {
                        return Err(AppendError::UnknownTopic { topic: record.topic.to_string() });
                    }
                }
                Err(error) if error.code.is_transient() && Instant::now() < until => {}
                Err(error) => {
                    return Err(Sent::new(record).error(error, self.admin.request_timeout(), RECORD_BYTES_MAX));
                }
            }
            tokio::time::sleep(BACKOFF).await;
        }
    }

    /// Keeps a batch below a small limit: librdkafka knows one size of batches for all topics.
    async fn make_room(&mut self, record: &NewRecord, limits: TopicLimits) -> Result<(), AppendError> {
        if limits.batch_bytes_max >= BATCH_BYTES_MAX {
            return Ok(());
        }
        let partition = TopicPartition::new(record.topic.clone(), record.partition);
        let bytes = batch_bytes(record);
        if self.unflushed.get(&partition).is_some_and(|unflushed| unflushed + bytes > limits.batch_bytes_max) {
            self.confirm_all().await?;
        }
        *self.unflushed.entry(partition).or_default() += bytes;
        Ok(())
    }

    /// Waits for all records so far. Each has an outcome within librdkafka's own time-out.
    async fn confirm_all(&mut self) -> Result<(), AppendError> {
        for receipt in std::mem::take(&mut self.receipts) {
            match receipt.await {
                Ok(Ok(appended)) => self.confirmed.push(appended),
                Ok(Err((sent, error))) => return Err(self.undelivered(&sent, error)),
                Err(_dropped) => return Err(AppendError::Closed),
            }
        }
        self.unflushed.clear();
        Ok(())
    }

    fn forget(&mut self) {
        self.open = false;
        self.receipts.clear();
        self.confirmed.clear();
        self.unflushed.clear();
    }
}

#[async_trait]
impl TxWriter for KafkaTxWriter {
    async fn begin(&mut self) -> Result<(), AppendError> {
        self.check_settled()?;
        if self.open {
            self.abort().await?;
        }
        self.blocking(|producer, _| producer.begin_transaction()).await?;
        self.open = true;
        Ok(())
    }

    async fn sweep(&mut self, partitions: &[TopicPartition]) -> Result<(), AppendError> {
        let unswept: HashSet<_> = partitions.iter().filter(|p| !self.swept.contains(*p)).cloned().collect();
        if unswept.is_empty() {
            return Ok(());
        }
        self.begin().await?;
        for partition in &unswept {
            self.append(broom(partition)).await?;
        }
        // A partition gets the marker of an abort only when a record has reached it.
        self.confirm_all().await?;
        self.abort().await?;
        self.swept.extend(unswept);
        Ok(())
    }

    async fn append(&mut self, record: NewRecord) -> Result<(), AppendError> {
        self.check_settled()?;
        if !is_topic_name(&record.topic) {
            return Err(AppendError::UnknownTopic { topic: record.topic.to_string() });
        }
        let limits = self.limits(&record).await?;
        limits.check(&record)?;
        self.make_room(&record, limits).await?;
        let (outcome, receipt) = oneshot::channel();
        let delivery = Delivery { sent: Sent::new(&record), outcome };
        match self.pump.producer().produce(&record, delivery) {
            Ok(()) => {
                self.receipts.push(receipt);
                Ok(())
            }
            Err((error, delivery)) => Err(self.undelivered(&delivery.sent, error)),
        }
    }

    async fn positions(
        &mut self,
        member: &Membership,
        positions: &[(TopicPartition, Offset)],
    ) -> Result<(), AppendError> {
        self.check_settled()?;
        let MemberOf::Kafka(member) = &member.0 else {
            return Err(self.refused("the member is of another log"));
        };
        let Some((first, _)) = positions.first() else { return Ok(()) };
        let group = member.group().to_owned();
        if let Some(partition) = member.not_owned(positions) {
            return Err(AppendError::NotOwner { partition, group });
        }
        let Some(metadata) = member.metadata() else {
            return Err(AppendError::NotOwner { partition: first.clone(), group });
        };
        let list = List::new(positions.iter().map(|(p, offset)| (&*p.topic, p.partition, offset.0)));
        let call = move |producer: &Producer<Delivery>, left| producer.send_offsets(&list, &metadata, left);
        match self.blocking_raw(call).await? {
            Ok(()) => Ok(()),
            Err(error) => Err(match error.code {
                Code::UNKNOWN_MEMBER | Code::FENCED_INSTANCE => {
                    AppendError::NotOwner { partition: first.clone(), group }
                }
                Code::ILLEGAL_GENERATION | Code::REBALANCE_IN_PROGRESS => {
                    AppendError::Rebalancing { group, source: error.into() }
                }
                _ => self.error(error),
            }),
        }
    }

    async fn commit(&mut self) -> Result<Vec<Appended>, AppendError> {
        self.check_settled()?;
        let committed = self.blocking(|producer, left| producer.commit_transaction(left)).await;
        match committed {
            Ok(()) => {
                self.confirm_all().await?;
                let appended = std::mem::take(&mut self.confirmed);
                self.forget();
                Ok(appended)
            }
            Err(outcome @ AppendError::Unconfirmed { .. }) => {
                self.in_doubt = true;
                Err(outcome)
            }
            Err(fenced @ AppendError::Fenced { .. }) => Err(fenced),
            // A record was refused: say which, and why.
            Err(outcome) => Err(self.refused_record().unwrap_or(outcome)),
        }
    }

    async fn abort(&mut self) -> Result<(), AppendError> {
        self.check_settled()?;
        self.forget();
        self.blocking(|producer, left| producer.abort_transaction(left)).await
    }
}

/// A record that is only ever written to be aborted. Compacted topics want a key.
fn broom(partition: &TopicPartition) -> NewRecord {
    NewRecord {
        topic: partition.topic.clone(),
        partition: partition.partition,
        timestamp_ms: None,
        key: Some("aborted".into()),
        value: None,
        headers: Vec::new(),
    }
}

impl KafkaTxWriter {
    fn check_settled(&self) -> Result<(), AppendError> {
        if self.in_doubt { Err(AppendError::Closed) } else { Ok(()) }
    }

    /// The first record that librdkafka reported as failed.
    fn refused_record(&mut self) -> Option<AppendError> {
        let outcome = |receipt: &mut oneshot::Receiver<Outcome>| receipt.try_recv().ok()?.err();
        let (sent, error) = self.receipts.iter_mut().find_map(outcome)?;
        Some(self.undelivered(&sent, error))
    }
}
