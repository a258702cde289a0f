//! The embedded log: durable topics in one folder, shared by all processes on this machine that open it.
//!
//! A folder holds `bus.db` (SQLite in WAL mode: records, positions and groups in one file, so that a transaction spans
//! them), `bus.lock` (taken around every write; holds the writer's process id), `notify` (touched at every write, watched
//! by readers) and `members/` (a locked file a group member). See ADR 0002.

mod append;
pub(crate) mod assignor;
pub(crate) mod batch;
mod bell;
mod fetch;
mod group;
mod groups;
mod housekeeping;
mod membership;
mod reader;
mod sign_of_life;
mod store;
pub(crate) mod topics;
mod transaction;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;

use self::{
    store::{JobError, Store},
    topics::TopicError,
};
use crate::{
    Ack, AdminError, Append, AppendError, Cause, ClusterId, GroupInfo, GroupSettings, Log, Member, NewRecord, Offset,
    OpenError, Range, ReadError, Reader, ReaderSettings, Settings, Sync, TopicInfo, TopicPartition, TopicSpec,
    TxWriter, Writer, WriterSettings,
};

/// A log in a folder.
pub struct EmbeddedLog {
    store: Arc<Store>,
    request_timeout: Duration,
}

impl EmbeddedLog {
    /// Opens the log in `dir`; makes the folder and the log where there is none.
    pub fn open(dir: &Path, sync: Sync, settings: &Settings) -> Result<Self, OpenError> {
        let store = Arc::new(Store::open(dir, sync)?);
        housekeeping::start(&store).map_err(|source| OpenError::Embedded { path: dir.to_owned(), source })?;
        Ok(Self { store, request_timeout: settings.request_timeout })
    }

    /// Whether `dir` holds a log already.
    #[must_use]
    pub fn exists(dir: &Path) -> bool {
        dir.join("bus.db").exists()
    }

    fn unavailable(&self, what: &str, source: Cause) -> AdminError {
        AdminError::Unavailable { what: what.to_owned(), waited: self.request_timeout, source }
    }

    async fn read<T: Send + 'static>(
        &self,
        what: &'static str,
        read: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, AdminError> {
        let store = self.store.clone();
        let refused = |source: Cause| AdminError::Refused { what: what.to_owned(), source };
        let outcome = tokio::task::spawn_blocking(move || store.read(read)).await;
        outcome.map_err(|e| refused(e.into()))?.map_err(|e| refused(e.into()))
    }

    async fn change(
        &self,
        what: String,
        job: impl FnOnce(&rusqlite::Connection, &mut append::TopicCache) -> Result<(), TopicError> + Send + 'static,
    ) -> Result<(), AdminError> {
        match self.store.submit(self.request_timeout, job).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(JobError::Job(TopicError::Admin(error)))) => Err(error),
            Ok(Err(JobError::Job(TopicError::Sql(error)))) => Err(AdminError::Refused { what, source: error.into() }),
            Ok(Err(JobError::Commit(error))) => Err(self.unavailable(&what, error)),
            Err(_expired) => Err(self.unavailable(&what, self.store.holder())),
        }
    }
}

#[async_trait]
impl Log for EmbeddedLog {
    async fn cluster(&self) -> Result<ClusterId, AdminError> {
        let query = "SELECT value FROM meta WHERE name = 'cluster'";
        self.read("tell its identity", |c| c.query_row(query, [], |row| row.get(0).map(ClusterId))).await
    }

    async fn create_topic(&self, spec: &TopicSpec) -> Result<(), AdminError> {
        let spec = spec.clone();
        self.change(format!("create topic {}", spec.name), move |c, cache| topics::create(c, cache, &spec)).await
    }

    async fn grow_topic(&self, name: &str, partitions: i32) -> Result<(), AdminError> {
        let name = name.to_owned();
        self.change(format!("grow topic {name}"), move |c, cache| topics::grow(c, cache, &name, partitions)).await
    }

    async fn delete_topic(&self, name: &str) -> Result<(), AdminError> {
        let name = name.to_owned();
        self.change(format!("delete topic {name}"), move |c, cache| topics::delete(c, cache, &name)).await
    }

    async fn topics(&self) -> Result<Vec<TopicInfo>, AdminError> {
        self.read("list topics", topics::all).await
    }

    async fn topic(&self, name: &str) -> Result<TopicInfo, AdminError> {
        let topic = name.to_owned();
        let found = self.read("describe a topic", move |c| topics::one(c, &topic)).await?;
        found.ok_or_else(|| AdminError::UnknownTopic { topic: name.to_owned() })
    }

    async fn range(&self, partition: &TopicPartition) -> Result<Range, AdminError> {
        let id = self.partition(partition).await?;
        let range = self.read("tell a range", move |c| topics::range(c, id)).await?;
        range.ok_or_else(|| AdminError::UnknownPartition { partition: partition.clone() })
    }

    async fn offset_at(&self, partition: &TopicPartition, timestamp_ms: i64) -> Result<Offset, AdminError> {
        let id = self.partition(partition).await?;
        let found = self.read("look up a time", move |c| {
            let found = fetch::offset_at(c, id, timestamp_ms)?;
            found.map_or_else(|| append::next_offset(c, id).map(Offset), Ok)
        });
        found.await
    }

    async fn committed(&self, group: &str, partitions: &[TopicPartition]) -> Result<Vec<Option<Offset>>, AdminError> {
        let (group, partitions) = (group.to_owned(), partitions.to_vec());
        self.read("tell a group's positions", move |c| {
            let position = |p| topics::partition_id(c, p)?.map_or(Ok(None), |id| membership::committed(c, &group, id));
            partitions.iter().map(position).collect()
        })
        .await
    }

    async fn groups(&self) -> Result<Vec<String>, AdminError> {
        self.read("list groups", groups::names).await
    }

    async fn group(&self, name: &str) -> Result<GroupInfo, AdminError> {
        let (dir, name) = (self.store.dir().to_owned(), name.to_owned());
        self.read("describe a group", move |c| groups::describe(c, &dir, &name)).await
    }

    async fn set_positions(&self, group: &str, positions: &[(TopicPartition, Offset)]) -> Result<(), AdminError> {
        let what = format!("set the positions of group {group}");
        let (dir, group, positions) = (self.store.dir().to_owned(), group.to_owned(), positions.to_vec());
        self.change(what, move |c, _| groups::set_positions(c, &dir, &group, &positions)).await
    }

    async fn writer(&self, settings: WriterSettings) -> Result<Writer, AppendError> {
        static WRITERS: AtomicU64 = AtomicU64::new(0);
        let number = WRITERS.fetch_add(1, Ordering::Relaxed);
        let backend = EmbeddedWriter { store: self.store.clone(), number, delivery_timeout: settings.delivery_timeout };
        Ok(Writer::new(Arc::new(backend), settings.in_flight_bytes_max))
    }

    async fn transactional(&self, id: &str) -> Result<Box<dyn TxWriter>, AppendError> {
        Ok(Box::new(transaction::open(&self.store, id, self.request_timeout).await?))
    }

    async fn reader(
        &self,
        from: Vec<(TopicPartition, Offset)>,
        settings: ReaderSettings,
    ) -> Result<Box<dyn Reader>, ReadError> {
        let store = self.store.clone();
        let opened = tokio::task::spawn_blocking(move || reader::open(&store, from, &settings)).await;
        let reader =
            opened.map_err(|e| ReadError::Refused { what: "open a reader".to_owned(), source: e.into() })??;
        Ok(Box::new(reader))
    }

    async fn join(&self, settings: GroupSettings) -> Result<Box<dyn Member>, ReadError> {
        let (store, timeout) = (self.store.clone(), self.request_timeout);
        let joined = tokio::task::spawn_blocking(move || group::join(&store, settings, timeout)).await;
        let member = joined.map_err(|e| ReadError::Refused { what: "join a group".to_owned(), source: e.into() })??;
        Ok(Box::new(member))
    }
}

impl EmbeddedLog {
    async fn partition(&self, partition: &TopicPartition) -> Result<i64, AdminError> {
        let name = partition.clone();
        let found = self
            .read("look a partition up", move |c| {
                Ok((topics::one(c, &name.topic)?.is_some(), topics::partition_id(c, &name)?))
            })
            .await?;
        match found {
            (_, Some(id)) => Ok(id),
            (true, None) => Err(AdminError::UnknownPartition { partition: partition.clone() }),
            (false, None) => Err(AdminError::UnknownTopic { topic: partition.topic.to_string() }),
        }
    }
}

struct EmbeddedWriter {
    store: Arc<Store>,
    /// Tells its records from those of other writers in the queue.
    number: u64,
    delivery_timeout: Duration,
}

impl Append for EmbeddedWriter {
    fn enqueue(&self, record: NewRecord, ack: Ack) {
        self.store.append(self.number, record, ack, self.delivery_timeout);
    }

    fn give_up(&self) {
        self.store.give_up(self.number);
    }
}
