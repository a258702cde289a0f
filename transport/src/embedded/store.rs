//! The file below an embedded log: connections for reading, and one thread that does all of this process' writing.
//!
//! What waits is written together in one transaction (group commit). Between processes an outer file lock is taken before
//! SQLite's own, because SQLite's busy handler alone can starve a process.

use std::{
    collections::VecDeque,
    fs::File,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use tokio::sync::oneshot;

use super::{
    append::{self, TopicCache},
    bell::{Bell, Watch},
};
use crate::{Ack, AppendError, Cause, NewRecord, NoSpace, OpenError, Sync};

/// `application_id` of the file: the letters CBUS.
const APPLICATION_ID: i64 = 0x4342_5553;
/// `user_version` of the file.
const FORMAT: i64 = 1;
/// What one transaction takes on at most; the rest waits for the next.
const TRANSACTION_BYTES_MAX: usize = 4 << 20;

/// One embedded log, opened.
pub(crate) struct Store {
    dir: PathBuf,
    bell: Arc<Bell>,
    queue: Arc<Queue>,
    readers: Mutex<Vec<Connection>>,
    threads: Vec<JoinHandle<()>>,
    _watch: Watch,
}

impl Store {
    /// Opens the log in `dir`, and makes it where there is none.
    pub(crate) fn open(dir: &Path, sync: Sync) -> Result<Self, OpenError> {
        let wrong = |source: Cause| OpenError::Embedded { path: dir.to_owned(), source };
        std::fs::create_dir_all(dir.join("members")).map_err(|e| wrong(e.into()))?;
        let dir = dir.canonicalize().map_err(|e| wrong(e.into()))?;
        let lock_path = dir.join("bus.lock");
        let lock = File::options().create(true).truncate(false).read(true).write(true).open(lock_path);
        let lock = lock.map_err(|e| wrong(e.into()))?;
        // Two processes may open a new log at once: one makes the tables, the other finds them.
        lock.lock().map_err(|e| wrong(e.into()))?;
        let made = make_tables(&dir, sync);
        lock.unlock().map_err(|e| wrong(e.into()))?;
        let connection = made?;
        let (bell, watch) = Bell::hang(&dir.join("notify")).map_err(|e| wrong(e.into()))?;
        let queue = Arc::new(Queue::default());
        let writer = WriterThread { connection, lock, queue: queue.clone(), bell: bell.clone() };
        let expiry = (queue.clone(), dir.join("bus.lock"));
        let threads = vec![
            spawn("coursebus-log-write", move || writer.run()).map_err(&wrong)?,
            spawn("coursebus-log-expiry", move || expiry.0.expire_until_closed(&expiry.1)).map_err(&wrong)?,
        ];
        Ok(Self { dir, bell, queue, readers: Mutex::default(), threads, _watch: watch })
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn bell(&self) -> &Arc<Bell> {
        &self.bell
    }

    /// A connection of the caller's own, which cannot write.
    pub(crate) fn connect(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(self.dir.join("bus.db"), flags)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    }

    /// Reads with a connection from the pool. Blocks: not for the async threads.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        const POOL: usize = 4;
        let pooled = || self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = pooled().pop();
        let connection = connection.map_or_else(|| self.connect(), Ok)?;
        let result = read(&connection);
        let mut pool = pooled();
        if pool.len() < POOL {
            pool.push(connection);
        }
        result
    }

    /// Hands a record of the writer with this number to the writing thread.
    pub(crate) fn append(&self, writer: u64, record: NewRecord, ack: Ack, delivery_timeout: Duration) {
        let expires = Instant::now() + delivery_timeout;
        self.queue.push(Work::Append { writer, record, ack, expires, waited: delivery_timeout });
    }

    /// Gives up what the writer with this number has in the queue: it was never written.
    pub(crate) fn give_up(&self, writer: u64) {
        let is_of = |work: &Work| matches!(work, Work::Append { writer: of, .. } if *of == writer);
        give_up(self.queue.take_out(is_of), &self.dir.join("bus.lock"));
    }

    /// Runs `job` on the writing thread, inside a transaction of its own savepoint. The answer comes when the transaction
    /// is durable; an error of the job undoes the job and nothing else. `None` when the lock could not be had within
    /// `timeout`; the job has then not been run and never will be.
    pub(crate) fn submit<T, E>(
        &self,
        timeout: Duration,
        job: impl FnOnce(&Connection, &mut TopicCache) -> Result<T, E> + Send + 'static,
    ) -> oneshot::Receiver<Result<T, JobError<E>>>
    where
        T: Send + 'static,
        E: From<rusqlite::Error> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(move |connection: &Connection, topics: &mut TopicCache| -> AfterCommit {
            let outcome = in_savepoint(connection, |connection| job(connection, topics));
            Box::new(move |committed| {
                let outcome = match committed {
                    Ok(()) => outcome.map_err(JobError::Job),
                    Err(failed) => Err(JobError::Commit(failed.cause())),
                };
                let _ = reply.send(outcome);
            })
        });
        self.queue.push(Work::Job { job, expires: Instant::now() + timeout });
        answer
    }

    /// Which process holds the log's lock, for an error that a person reads.
    pub(crate) fn holder(&self) -> Cause {
        holder(&self.dir.join("bus.lock"))
    }
}

impl Drop for Store {
    /// Writes what waits, as far as the lock can be had, and ends the threads.
    fn drop(&mut self) {
        self.queue.close();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// A job did not take effect.
pub(crate) enum JobError<E> {
    /// It refused, and was undone.
    Job(E),
    /// The transaction could not be committed.
    Commit(Cause),
}

/// A transaction that could not be committed.
struct Uncommitted {
    error: rusqlite::Error,
    file: Option<PathBuf>,
}

impl Uncommitted {
    /// For each that waited for it.
    fn cause(&self) -> Cause {
        NoSpace::or_cause(&self.error, self.file.clone())
    }
}

type AfterCommit = Box<dyn FnOnce(Result<(), &Uncommitted>)>;
type Job = Box<dyn FnOnce(&Connection, &mut TopicCache) -> AfterCommit + Send>;

enum Work {
    Append { writer: u64, record: NewRecord, ack: Ack, expires: Instant, waited: Duration },
    Job { job: Job, expires: Instant },
}

impl Work {
    fn expires(&self) -> Instant {
        match self {
            Self::Append { expires, .. } | Self::Job { expires, .. } => *expires,
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Append { record, .. } => record.size(),
            Self::Job { .. } => 0,
        }
    }
}

/// What waits for the writing thread. Bounded by the byte budget of the writers, and by one job a caller.
#[derive(Default)]
struct Queue {
    state: Mutex<QueueState>,
    changed: Condvar,
}

#[derive(Default)]
struct QueueState {
    work: VecDeque<Work>,
    closed: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, work: Work) {
        let mut state = self.lock();
        if !state.closed {
            let was_empty = state.work.is_empty();
            state.work.push_back(work);
            drop(state);
            if was_empty {
                self.changed.notify_all();
            }
        }
    }

    fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Waits for work; false when the log is closed and nothing is left.
    fn wait(&self) -> bool {
        let idle = |state: &mut QueueState| state.work.is_empty() && !state.closed;
        let state = self.changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        !state.work.is_empty()
    }

    fn take(&self, bytes_max: usize) -> Vec<Work> {
        let mut state = self.lock();
        let mut bytes = 0;
        let mut count = 0;
        for work in &state.work {
            bytes += work.size();
            if count > 0 && bytes > bytes_max {
                break;
            }
            count += 1;
        }
        state.work.drain(..count).collect()
    }

    fn take_out(&self, unwanted: impl Fn(&Work) -> bool) -> VecDeque<Work> {
        let mut state = self.lock();
        let (out, kept) = state.work.drain(..).partition(unwanted);
        state.work = kept;
        out
    }

    /// Gives up what has waited too long, which happens only while another process holds the lock. What is given up here
    /// was never written.
    fn expire_until_closed(&self, lock_path: &Path) {
        const EVERY: Duration = Duration::from_millis(50);
        loop {
            let mut state = self.lock();
            if state.closed {
                return;
            }
            let now = Instant::now();
            let (expired, waiting) = state.work.drain(..).partition(|work| work.expires() <= now);
            state.work = waiting;
            let idle = state.work.is_empty();
            drop(state);
            give_up(expired, lock_path);
            let state = self.lock();
            if state.closed {
                return;
            }
            let wait = if idle { Duration::from_secs(3600) } else { EVERY };
            let _ = self.changed.wait_timeout(state, wait);
        }
    }
}

fn give_up(expired: VecDeque<Work>, lock_path: &Path) {
    for work in expired {
        if let Work::Append { record, ack, .. } = work {
            let source = holder(lock_path);
            ack.complete(Err(AppendError::NotSent { topic: record.topic.to_string(), source }));
        }
    }
}

fn holder(lock_path: &Path) -> Cause {
    let pid = std::fs::read_to_string(lock_path).unwrap_or_default();
    match pid.trim() {
        "" => "another process holds the log's lock".into(),
        pid => format!("process {pid} holds the log's lock").into(),
    }
}

struct WriterThread {
    connection: Connection,
    lock: File,
    queue: Arc<Queue>,
    bell: Arc<Bell>,
}

impl WriterThread {
    fn run(mut self) {
        let mut topics = TopicCache::default();
        while self.queue.wait() {
            if let Err(error) = self.lock.lock() {
                tracing::error!(%error, "the embedded log's lock cannot be taken");
                std::thread::sleep(Duration::from_millis(100));
                continue;
            }
            let _ = self.lock.write_at(format!("{:<10}\n", std::process::id()).as_bytes(), 0);
            let work = self.queue.take(TRANSACTION_BYTES_MAX);
            let finish = write(&mut self.connection, &mut topics, work);
            let unlocked = self.lock.unlock();
            finish();
            self.bell.ring_all();
            if let Err(error) = unlocked {
                tracing::error!(%error, "the embedded log's lock cannot be given back");
            }
        }
    }
}

/// Does the work in one transaction, and returns what is to be told once the lock is free again.
fn write(connection: &mut Connection, topics: &mut TopicCache, work: Vec<Work>) -> Box<dyn FnOnce()> {
    let mut appends = Vec::new();
    let mut acks = Vec::new();
    let mut afters: Vec<AfterCommit> = Vec::new();
    let outcome = (|| {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        topics.refresh(&transaction)?;
        for item in work {
            match item {
                Work::Append { record, ack, waited, .. } => {
                    acks.push((ack, record.topic.clone(), waited));
                    appends.push(record);
                }
                Work::Job { job, .. } => afters.push(job(&transaction, topics)),
            }
        }
        let appended = append::append(&transaction, topics, appends)?;
        transaction.commit()?;
        Ok::<_, rusqlite::Error>(appended)
    })();
    if outcome.is_err() {
        // What was looked up may have been made by the very transaction that is undone.
        topics.forget();
    }
    let file = connection.path().map(PathBuf::from);
    let outcome = outcome.map_err(|error| Uncommitted { error, file });
    Box::new(move || match outcome {
        Ok(appended) => {
            for ((ack, ..), result) in acks.into_iter().zip(appended) {
                ack.complete(result);
            }
            afters.into_iter().for_each(|after| after(Ok(())));
        }
        Err(failed) => {
            let cause = failed.cause();
            if NoSpace::among(cause.as_ref()).is_some() {
                tracing::warn!(error = %cause, "the bus takes no more: make room, and it goes on");
            }
            for (ack, topic, waited) in acks {
                let source = failed.cause();
                ack.complete(Err(AppendError::Unconfirmed { topic: topic.to_string(), waited, source }));
            }
            afters.into_iter().for_each(|after| after(Err(&failed)));
        }
    })
}

fn in_savepoint<T, E: From<rusqlite::Error>>(
    connection: &Connection,
    job: impl FnOnce(&Connection) -> Result<T, E>,
) -> Result<T, E> {
    connection.execute_batch("SAVEPOINT job")?;
    let outcome = job(connection);
    connection.execute_batch(if outcome.is_ok() { "RELEASE job" } else { "ROLLBACK TO job; RELEASE job" })?;
    outcome
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Cause> {
    Ok(std::thread::Builder::new().name(name.to_owned()).spawn(run)?)
}

fn make_tables(dir: &Path, sync: Sync) -> Result<Connection, OpenError> {
    let wrong = |e: rusqlite::Error| OpenError::Embedded {
        path: dir.to_owned(),
        source: NoSpace::or_cause(&e, Some(dir.join("bus.db"))),
    };
    let connection = Connection::open(dir.join("bus.db")).map_err(wrong)?;
    let found = prepare(&connection, sync).map_err(wrong)?;
    if found != FORMAT {
        return Err(OpenError::Format { path: dir.to_owned(), found, supported: FORMAT });
    }
    Ok(connection)
}

/// Sets the connection up and makes the tables of a new file; answers with the file's format.
fn prepare(connection: &Connection, sync: Sync) -> rusqlite::Result<i64> {
    connection.busy_timeout(Duration::from_secs(5))?;
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (application, format) = (pragma("application_id")?, pragma("user_version")?);
    let new = application == 0 && format == 0;
    if !new && application != APPLICATION_ID {
        return Ok(-1);
    }
    connection.pragma_update(None, "journal_mode", "wal")?;
    // FULL syncs the write-ahead log at every commit; NORMAL leaves that to the operating system.
    connection.pragma_update(None, "synchronous", if sync == Sync::Disk { "full" } else { "normal" })?;
    connection.pragma_update(None, "wal_autocheckpoint", 4000)?;
    connection.pragma_update(None, "cache_size", -16_000)?;
    connection.set_prepared_statement_cache_capacity(64);
    if new {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        connection.execute_batch(include_str!("schema.sql"))?;
        let cluster = uuid::Uuid::new_v4().to_string();
        connection.execute("INSERT OR IGNORE INTO meta VALUES ('cluster', ?1), ('topics_version', '0')", [cluster])?;
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
        connection.pragma_update(None, "user_version", FORMAT)?;
        connection.execute_batch("COMMIT")?;
    }
    pragma("user_version")
}
