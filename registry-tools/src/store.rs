//! A registry on the `_schemas` topic of a log.
//!
//! A task follows the topic and keeps [`State`] current; reading asks that state alone. Writing goes through one task that
//! decides many changes at once and writes them in one transaction ([`commit`]).

mod commit;
mod follow;
mod guard;

use std::{
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
    time::Duration,
};

use async_trait::async_trait;
use coursebus_schemas::SchemaId;
use coursebus_transport::{AdminError, Log, Offset, ReadError, TopicPartition, TopicSpec};
use tokio::sync::{mpsc, oneshot, watch};

use self::commit::{Ask, Job};
use crate::{
    Kept, Level, Mode, Registered, Registration, Registry, RegistryError, VersionRef,
    record::TOPIC,
    settings::Config,
    state::{Decision, Draft, Filter, Found, State},
    subject,
};

/// How many changes wait to be decided. At the bound callers wait, as long as a call may take.
const QUEUE_MAX: usize = 256;

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
    core: Arc<Core>,
    queue: mpsc::Sender<Box<dyn Job>>,
    tasks: [tokio::task::JoinHandle<()>; 2],
}

/// What callers and tasks share.
struct Core {
    log: Arc<dyn Log>,
    settings: StoreSettings,
    state: RwLock<State>,
    /// The next offset of `_schemas` that the follower will read.
    position: watch::Receiver<Followed>,
    /// Why the topic as a whole is not safe to write to.
    unsafe_topic: Option<String>,
}

#[derive(Clone, Default)]
struct Followed {
    next: Offset,
    failed: Option<Arc<ReadError>>,
}

impl LogRegistry {
    /// Opens the registry of a log and reads it to its end. Makes the topic where there is none, if it may write; a
    /// read-only registry of a log without the topic is empty until it appears. On a topic that is not safe to write to (not
    /// compacted, several partitions, a record that cannot be read) it opens, and only reads: [`LogRegistry::trouble`].
    pub async fn open(log: Arc<dyn Log>, settings: StoreSettings) -> Result<Self, RegistryError> {
        let topic = match log.topic(TOPIC).await {
            Ok(topic) => Some(topic),
            Err(AdminError::UnknownTopic { .. }) if settings.writable => Some(make_topic(log.as_ref()).await?),
            Err(AdminError::UnknownTopic { .. }) => None,
            Err(error) => return Err(unavailable("find its topic", error)),
        };
        let mut unsafe_topic = topic.as_ref().and_then(guard::unsafe_topic);
        if settings.writable && unsafe_topic.is_none() {
            let others = log.groups_speaking(guard::ELECTION).await;
            unsafe_topic =
                guard::others_at_work(&others.map_err(|error| unavailable("look for other registries", error))?);
        }
        let (tell, position) = watch::channel(Followed::default());
        let state = RwLock::default();
        let core = Arc::new(Core { log, settings, state, position, unsafe_topic });
        let follower = tokio::spawn(follow::follow(core.clone(), topic.as_ref().map(|t| t.partitions), tell));
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let committer = tokio::spawn(commit::run(core.clone(), jobs));
        let registry = Self { core, queue, tasks: [follower, committer] };
        if topic.is_some() {
            registry.core.catch_up().await?;
        }
        if let (true, Some(reason)) = (registry.core.settings.writable, registry.trouble()) {
            tracing::error!(%reason, "the registry only reads until its topic is in order");
        }
        Ok(registry)
    }

    /// Why this registry only reads though it may write; the record by its offset where it is one.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let unsafe_topic = self.core.unsafe_topic.clone();
        unsafe_topic.or_else(|| self.core.state().trouble().map(str::to_owned))
    }

    /// The identity of the log's cluster; empty where it does not tell.
    pub(crate) async fn cluster(&self) -> String {
        self.core.log.cluster().await.map(|cluster| cluster.0).unwrap_or_default()
    }

    /// Asks the state as it is now.
    pub(crate) fn read<T>(&self, ask: impl FnOnce(&State) -> T) -> T {
        ask(&self.core.state())
    }

    /// Asks the state; what it does not know is asked again after all that is on the topic now has been read, for another
    /// process may have written it a moment ago.
    pub(crate) async fn find<T>(&self, ask: impl Fn(&State) -> Result<T, RegistryError>) -> Result<T, RegistryError> {
        let first = self.read(&ask);
        match first {
            Err(error) if (40400..40500).contains(&error.code()) => {
                self.core.catch_up().await?;
                self.read(ask)
            }
            known => known,
        }
    }

    /// Asks the state after all that is on the topic now has been read.
    async fn current<T>(&self, ask: impl FnOnce(&State) -> T) -> Result<T, RegistryError> {
        self.core.catch_up().await?;
        Ok(self.read(ask))
    }

    /// Decides on current state and writes what was decided, all of it or nothing. Durable when it returns.
    ///
    /// # Errors
    /// Those of `decide`; `ReadOnly` and `TopicUnsafe`; `Store` where the log refuses (nothing was written); `Unavailable`
    /// where it did not answer in time (look before you try again).
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        decide: impl Fn(&State) -> Result<Decision<T>, RegistryError> + Send + 'static,
    ) -> Result<T, RegistryError> {
        // What is there already needs no writer, and what is refused is refused on what is known.
        let Decision { records, answer } = match self.read(&decide) {
            Ok(decision) => decision,
            Err(_) => self.current(&decide).await??,
        };
        if records.is_empty() {
            return Ok(answer);
        }
        if !self.core.settings.writable {
            return Err(RegistryError::ReadOnly);
        }
        if let Some(reason) = self.trouble() {
            return Err(RegistryError::TopicUnsafe { reason });
        }
        let (reply, told) = oneshot::channel();
        let job: Box<dyn Job> = Box::new(Ask::new(decide, reply));
        let asked = async {
            self.queue.send(job).await.map_err(|gone| unavailable("write to its topic", gone.to_string()))?;
            told.await.map_err(|gone| unavailable("write to its topic", gone))?
        };
        match tokio::time::timeout(self.core.settings.timeout, asked).await {
            Ok(outcome) => outcome,
            Err(elapsed) => Err(unavailable("confirm in time; look what is there before you try again", elapsed)),
        }
    }
}

impl Drop for LogRegistry {
    fn drop(&mut self) {
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

impl Core {
    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the follower has read all that is on the topic now.
    async fn catch_up(&self) -> Result<(), RegistryError> {
        let range = match self.log.range(&partition(0)).await {
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
}

async fn make_topic(log: &dyn Log) -> Result<coursebus_transport::TopicInfo, RegistryError> {
    match log.create_topic(&TopicSpec::new(TOPIC, 1).compacted()).await {
        Ok(()) | Err(AdminError::TopicExists { .. }) => {}
        Err(error) => return Err(unavailable("make its topic", error)),
    }
    log.topic(TOPIC).await.map_err(|error| unavailable("find its topic", error))
}

fn partition(number: i32) -> TopicPartition {
    TopicPartition::new(TOPIC, number)
}

fn unavailable(what: &str, source: impl Into<coursebus_transport::Cause>) -> RegistryError {
    RegistryError::Unavailable { what: what.to_owned(), source: source.into() }
}

#[async_trait]
impl Registry for LogRegistry {
    async fn schema(&self, id: SchemaId) -> Result<Arc<str>, RegistryError> {
        let ask = |state: &State| state.standalone(id.0, None).ok_or(RegistryError::UnknownId { id })?;
        self.find(ask).await
    }

    async fn lookup(&self, subject: &str, schema: &str) -> Result<Registered, RegistryError> {
        let draft = Draft { schema: schema.to_owned(), ..Draft::default() };
        self.find(|state| state.lookup(subject, &draft, false)).await.map(Into::into)
    }

    async fn register(&self, registration: Registration<'_>) -> Result<Registered, RegistryError> {
        let Registration { subject, schema, import } = registration;
        let (id, version) = import.map_or((None, None), |(id, version)| (Some(id), version));
        let draft = Draft { schema: schema.to_owned(), id, version, ..Draft::default() };
        let subject = subject.to_owned();
        let found: Found = self.write(move |state| state.register(&subject, &draft)).await?;
        Ok(found.into())
    }

    async fn subjects(&self) -> Result<Vec<String>, RegistryError> {
        self.current(|state| state.subjects(crate::subject::ALL_CONTEXTS, Filter::Live)).await
    }

    async fn versions(&self, subject: &str) -> Result<Vec<u32>, RegistryError> {
        self.current(|state| state.versions(subject, Filter::Live)).await?
    }

    async fn version(&self, subject: &str, version: VersionRef) -> Result<Registered, RegistryError> {
        self.current(|state| state.version(subject, version, false)).await?.map(Into::into)
    }

    async fn kept(&self, subject: &str) -> Result<Vec<Kept>, RegistryError> {
        let kept = |state: &State| {
            let numbers = state.versions(subject, Filter::All)?;
            let found = |number| state.version(subject, VersionRef::Number(number), true);
            let kept = |found: Found| Kept { version: found.version, id: found.id, deleted: found.deleted };
            numbers.into_iter().map(|number| found(number).map(kept)).collect()
        };
        self.current(kept).await?
    }

    async fn users(&self, id: SchemaId, subject: &str) -> Result<Vec<(String, u32)>, RegistryError> {
        let context = subject::context_key(subject);
        self.current(|state| state.versions_of(id, context.as_deref(), true)).await.map(Option::unwrap_or_default)
    }

    async fn delete(&self, subject: &str, version: Option<u32>, permanent: bool) -> Result<Vec<u32>, RegistryError> {
        let subject = subject::normalize(subject);
        match version.map(VersionRef::Number) {
            Some(version) => {
                let gone = self.write(move |state| state.delete_version(&subject, version, permanent)).await?;
                Ok(vec![gone])
            }
            None => self.write(move |state| state.delete_subject(&subject, permanent)).await,
        }
    }

    async fn compatibility(&self, subject: Option<&str>) -> Result<Option<Level>, RegistryError> {
        self.current(|state| state.level(subject)).await
    }

    async fn set_compatibility(&self, subject: Option<&str>, level: Level) -> Result<(), RegistryError> {
        // Written also where it seems to be set: another registry may just have changed it.
        let change = serde_json::Map::from_iter([("compatibility".to_owned(), level.to_string().into())]);
        let subject = subject.map(str::to_owned);
        let _: Config = self.write(move |state| state.set_config(subject.as_deref(), &change)).await?;
        Ok(())
    }

    async fn mode(&self, subject: Option<&str>) -> Result<Option<Mode>, RegistryError> {
        self.current(|state| state.mode(subject)).await
    }

    async fn set_mode(&self, subject: Option<&str>, mode: Mode) -> Result<(), RegistryError> {
        let subject = subject.map(str::to_owned);
        self.write(move |state| state.set_mode(subject.as_deref(), mode, true)).await
    }
}
