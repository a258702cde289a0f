//! A registry on the `_schemas` topic of a log.
//!
//! A task follows the topic and keeps [`State`] current. Writing goes through the log's transactional writer: taking it
//! over fences every other registry on the same log, then the topic is read to its end, and only then is decided. So two
//! registries that write at once never give one id to two schemas: the one that was fenced starts again.

use std::{
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
    time::Duration,
};

use async_trait::async_trait;
use coursebus_schemas::SchemaId;
use coursebus_transport::{
    AdminError, AppendError, Log, NewRecord, Offset, ReadError, Reader, ReaderSettings, TopicPartition, TopicSpec,
    TxWriter,
};
use tokio::sync::{Mutex, watch};

use crate::{
    Level, Mode, Registered, Registration, Registry, RegistryError, VersionRef,
    record::{self, TOPIC},
    state::{Plan, State, absorb},
};

/// The transactional id that all registries on one log contend for.
const WRITER_ID: &str = "coursebus-registry";

/// How a registry on a log behaves.
#[derive(Debug, Clone)]
pub struct StoreSettings {
    /// Whether it may write. Default true.
    pub writable: bool,
    /// How long a call may take. Default 15 s.
    pub timeout: Duration,
    /// How often a write starts again after another registry has fenced it. Default 20; then `Unavailable`.
    pub attempts: u32,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self { writable: true, timeout: Duration::from_secs(15), attempts: 20 }
    }
}

/// A registry that keeps its contents on a log.
pub struct LogRegistry {
    log: Arc<dyn Log>,
    settings: StoreSettings,
    state: Arc<RwLock<State>>,
    /// The next offset of `_schemas` that the follower will read.
    position: watch::Receiver<Followed>,
    writer: Mutex<Option<Box<dyn TxWriter>>>,
    follower: tokio::task::JoinHandle<()>,
}

#[derive(Clone, Default)]
struct Followed {
    next: Offset,
    failed: Option<Arc<ReadError>>,
}

impl LogRegistry {
    /// Opens the registry of a log and reads it to its end. Makes the topic where there is none, if it may write; a
    /// read-only registry of a log without the topic is empty until it appears.
    pub async fn open(log: Arc<dyn Log>, settings: StoreSettings) -> Result<Self, RegistryError> {
        let exists = match log.topic(TOPIC).await {
            Ok(_) => true,
            Err(AdminError::UnknownTopic { .. }) if settings.writable => {
                match log.create_topic(&TopicSpec::new(TOPIC, 1).compacted()).await {
                    Ok(()) | Err(AdminError::TopicExists { .. }) => true,
                    Err(error) => return Err(unavailable("make its topic", error)),
                }
            }
            Err(AdminError::UnknownTopic { .. }) => false,
            Err(error) => return Err(unavailable("find its topic", error)),
        };
        let state = Arc::new(RwLock::new(State::default()));
        let (tell, position) = watch::channel(Followed::default());
        let follower = tokio::spawn(follow(log.clone(), exists, state.clone(), tell));
        let registry = Self { log, settings, state, position, writer: Mutex::new(None), follower };
        if exists {
            registry.catch_up().await?;
        }
        Ok(registry)
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the follower has read all that is on the topic now.
    async fn catch_up(&self) -> Result<(), RegistryError> {
        let range = match self.log.range(&partition()).await {
            Ok(range) => range,
            Err(AdminError::UnknownTopic { .. }) => return Ok(()),
            Err(error) => return Err(unavailable("find the end of its topic", error)),
        };
        self.follow_to(range.latest).await
    }

    /// Waits until the follower stands at an offset or behind it.
    async fn follow_to(&self, next: Offset) -> Result<(), RegistryError> {
        let mut position = self.position.clone();
        let reached = position.wait_for(|at| at.next >= next || at.failed.is_some());
        match tokio::time::timeout(self.settings.timeout, reached).await {
            Err(elapsed) => Err(unavailable("read its topic in time", elapsed)),
            Ok(Err(gone)) => Err(unavailable("read its topic", gone)),
            Ok(Ok(at)) => match &at.failed {
                Some(error) => Err(unavailable("read its topic", error.clone())),
                None => Ok(()),
            },
        }
    }

    /// Decides on current state and writes what was decided, as the only writer.
    async fn write<T>(
        &self,
        decide: impl Fn(&State) -> Result<Result<T, record::Bytes>, RegistryError>,
        then: impl Fn(&State) -> Result<T, RegistryError>,
    ) -> Result<T, RegistryError> {
        // What is there already needs no writer.
        if let Ok(done) = decide(&self.state())? {
            return Ok(done);
        }
        if !self.settings.writable {
            return Err(RegistryError::ReadOnly);
        }
        let mut slot = self.writer.lock().await;
        for _ in 0..self.settings.attempts {
            let mut writer = match slot.take() {
                // Nobody else has written since this writer last did, or it will be fenced below.
                Some(writer) => writer,
                None => {
                    let opened = self.log.transactional(WRITER_ID).await;
                    let writer = opened.map_err(|error| unavailable("become its topic's writer", error))?;
                    self.catch_up().await?;
                    writer
                }
            };
            let (key, value) = match decide(&self.state())? {
                Ok(done) => {
                    *slot = Some(writer);
                    return Ok(done);
                }
                Err(bytes) => bytes,
            };
            match append(writer.as_mut(), key, value).await {
                Ok(at) => {
                    *slot = Some(writer);
                    // Not to the end of the topic, which on Kafka is behind the transaction's marker and is told late.
                    self.follow_to(at.next()).await?;
                    return then(&self.state());
                }
                // Another registry has taken over meanwhile: look at what it wrote, and decide again.
                Err(AppendError::Fenced { .. }) => tokio::time::sleep(jitter()).await,
                Err(error) => return Err(unavailable("write to its topic", error)),
            }
        }
        Err(unavailable("become its topic's writer", "other registries took over each time"))
    }
}

impl Drop for LogRegistry {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

async fn append(writer: &mut dyn TxWriter, key: String, value: Option<String>) -> Result<Offset, AppendError> {
    writer.begin().await?;
    let (key, value) = (Some(key.into()), value.map(Into::into));
    let headers = Vec::new();
    writer.append(NewRecord { topic: TOPIC.into(), partition: 0, timestamp_ms: None, key, value, headers }).await?;
    let appended = writer.commit().await?;
    Ok(appended.last().map_or(Offset(0), |at| at.offset))
}

/// Between 1 and 20 ms, so that two that contend do not meet again and again.
fn jitter() -> Duration {
    use std::hash::{BuildHasher, RandomState};
    Duration::from_millis(1 + RandomState::new().hash_one(0) % 20)
}

fn partition() -> TopicPartition {
    TopicPartition::new(TOPIC, 0)
}

fn unavailable(what: &str, source: impl Into<coursebus_transport::Cause>) -> RegistryError {
    RegistryError::Unavailable { what: what.to_owned(), source: source.into() }
}

/// Reads the topic for ever.
async fn follow(log: Arc<dyn Log>, exists: bool, state: Arc<RwLock<State>>, tell: watch::Sender<Followed>) {
    const LOOK_AGAIN: Duration = Duration::from_secs(1);
    let mut exists = exists;
    while !exists {
        tokio::time::sleep(LOOK_AGAIN).await;
        exists = log.topic(TOPIC).await.is_ok();
    }
    // Confluent's reader sets no isolation level either: ids of transactions that were given up are used up.
    let settings = ReaderSettings { uncommitted: true, ..ReaderSettings::default() };
    let mut next = match log.range(&partition()).await {
        Ok(range) => range.earliest,
        Err(_) => Offset(0),
    };
    let mut reader: Option<Box<dyn Reader>> = None;
    loop {
        let outcome = match &mut reader {
            Some(reader) => reader.next(LOOK_AGAIN).await,
            None => match log.reader(vec![(partition(), next)], settings.clone()).await {
                Ok(opened) => {
                    reader = Some(opened);
                    continue;
                }
                Err(error) => Err(error),
            },
        };
        match outcome {
            Ok(fetched) => {
                {
                    let mut state = state.write().unwrap_or_else(PoisonError::into_inner);
                    for record in &fetched.records {
                        absorb(&mut state, record.offset().0, record.key(), record.value());
                        next = record.offset().next();
                    }
                }
                for (_, end) in fetched.ends {
                    next = next.max(end);
                }
                tell.send_if_modified(|at| {
                    let changed = at.next != next || at.failed.is_some();
                    *at = Followed { next, failed: None };
                    changed
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the registry cannot read its topic");
                reader = None;
                tell.send_modify(|at| at.failed = Some(Arc::new(error)));
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        }
    }
}

#[async_trait]
impl Registry for LogRegistry {
    async fn schema(&self, id: SchemaId) -> Result<Arc<str>, RegistryError> {
        if let Some(found) = self.state().schema(id) {
            return Ok(found);
        }
        // It may have been registered by another process a moment ago.
        self.catch_up().await?;
        self.state().schema(id).ok_or(RegistryError::UnknownId { id })
    }

    async fn lookup(&self, subject: &str, schema: &str) -> Result<Registered, RegistryError> {
        let first = self.state().lookup(subject, schema);
        match first {
            Err(RegistryError::UnknownSubject { .. } | RegistryError::UnknownSchema { .. }) => {
                self.catch_up().await?;
                self.state().lookup(subject, schema)
            }
            found => found,
        }
    }

    async fn register(&self, registration: Registration<'_>) -> Result<Registered, RegistryError> {
        let decide = |state: &State| match state.plan(&registration)? {
            Plan::Present(registered) => Ok(Ok(registered)),
            Plan::Write(value) => Ok(Err(record::schema(&value))),
        };
        self.write(decide, |state| state.lookup(registration.subject, registration.schema)).await
    }

    async fn subjects(&self) -> Result<Vec<String>, RegistryError> {
        self.catch_up().await?;
        Ok(self.state().subjects())
    }

    async fn versions(&self, subject: &str) -> Result<Vec<u32>, RegistryError> {
        self.catch_up().await?;
        self.state().versions(subject)
    }

    async fn version(&self, subject: &str, version: VersionRef) -> Result<Registered, RegistryError> {
        self.catch_up().await?;
        self.state().version(subject, version)
    }

    async fn compatibility(&self, subject: Option<&str>) -> Result<Option<Level>, RegistryError> {
        self.catch_up().await?;
        Ok(self.state().level(subject))
    }

    async fn set_compatibility(&self, subject: Option<&str>, level: Level) -> Result<(), RegistryError> {
        // Written also where it seems to be set: another registry may just have changed it.
        self.write(|_| Ok(Err(record::config(subject, level))), |_| Ok(())).await
    }

    async fn mode(&self, subject: Option<&str>) -> Result<Option<Mode>, RegistryError> {
        self.catch_up().await?;
        Ok(self.state().mode(subject))
    }

    async fn set_mode(&self, subject: Option<&str>, mode: Mode) -> Result<(), RegistryError> {
        self.write(|_| Ok(Err(record::mode(subject, mode))), |_| Ok(())).await
    }
}

impl LogRegistry {
    /// The versions that have this schema id, as subject and version.
    pub async fn versions_of(&self, id: SchemaId) -> Result<Vec<(String, u32)>, RegistryError> {
        self.schema(id).await?;
        Ok(self.state().versions_of(id))
    }
}
