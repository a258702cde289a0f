//! A member of a consumer group: a thread that fetches ahead, keeps the member alive and moves partitions.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{
    fetch::{Cursor, refused},
    membership::{self, CommitError, JoinError},
    reader::{size, turn},
    sign_of_life::{self, SignOfLife, Watchman},
    store::{JobError, Store},
    topics,
};
use crate::{
    Assignment, Committer, Event, Fetched, GroupSettings, Member, MemberOf, Membership, Offset, ReadError, Revocation,
    Start, TopicPartition,
    handoff::{Giver, NotGiven, Taker, handoff},
};

pub(super) struct EmbeddedMember {
    taker: Taker<Result<Event, ReadError>>,
    control: Arc<Control>,
    store: Arc<Store>,
    committer: Arc<EmbeddedCommitter>,
    gone: oneshot::Receiver<()>,
}

#[derive(Default)]
struct Control {
    paused: Mutex<HashSet<TopicPartition>>,
    leaving: AtomicBool,
}

/// Joins a group. Blocks: not for the async threads.
pub(super) fn join(
    store: &Arc<Store>,
    settings: GroupSettings,
    request_timeout: Duration,
) -> Result<EmbeddedMember, ReadError> {
    settings.check()?;
    let connection = store.connect().map_err(refused)?;
    let id = membership::new_id(settings.instance.as_deref());
    let life = SignOfLife::start(store.dir(), &id)
        .map_err(|e| ReadError::Refused { what: "make a member's file".to_owned(), source: e.into() })?;
    let (giver, taker) = handoff(settings.ahead_bytes_max);
    let (going, gone) = oneshot::channel();
    let control = Arc::new(Control::default());
    let group = settings.group.clone();
    let thread = MemberThread {
        store: store.clone(),
        connection,
        control: control.clone(),
        giver,
        watchman: Watchman::default(),
        last_sign: Instant::now(),
        id: id.clone(),
        life,
        cursors: Vec::new(),
        waiting: Vec::new(),
        releasing: None,
        stalled: None,
        generation_seen: None,
        told_first: false,
        replaced: false,
        request_timeout,
        settings,
    };
    thread.enter()?;
    let spawned = std::thread::Builder::new().name("coursebus-log-group".to_owned()).spawn(move || {
        thread.run();
        let _ = going.send(());
    });
    spawned.map_err(|e| ReadError::Refused { what: "start a member's thread".to_owned(), source: e.into() })?;
    let committer = Arc::new(EmbeddedCommitter { store: store.clone(), group, member: id, request_timeout });
    Ok(EmbeddedMember { taker, control, store: store.clone(), committer, gone })
}

/// Partitions that were handed out and wait for their start.
struct Waiting {
    partitions: Vec<(i64, TopicPartition)>,
    start: oneshot::Receiver<Vec<(TopicPartition, Start)>>,
}

/// Partitions that the caller is asked to let go.
struct Releasing {
    partitions: Vec<i64>,
    released: oneshot::Receiver<()>,
    deadline: Instant,
}

struct MemberThread {
    store: Arc<Store>,
    connection: Connection,
    settings: GroupSettings,
    request_timeout: Duration,
    control: Arc<Control>,
    giver: Giver<Result<Event, ReadError>>,
    id: String,
    life: SignOfLife,
    watchman: Watchman,
    last_sign: Instant,
    cursors: Vec<Cursor>,
    waiting: Vec<Waiting>,
    releasing: Option<Releasing>,
    /// What was fetched and found no room.
    stalled: Option<Fetched>,
    generation_seen: Option<i64>,
    told_first: bool,
    /// Another member has its name and its place.
    replaced: bool,
}

impl MemberThread {
    fn run(mut self) {
        self.live();
        if self.settings.instance.is_some() {
            // Its place is kept until the session has passed, or is another's already.
            return;
        }
        let (group, id) = (self.settings.group.clone(), self.id.clone());
        // Should this fail, the others notice the silence.
        let _ =
            self.store.submit(self.request_timeout, move |c, _| membership::remove(c, &group, &[id])).blocking_recv();
    }

    /// Until the caller leaves. An error is handed out, and the member goes on: the caller decides.
    fn live(&mut self) {
        while !self.replaced && !self.giver.closed() && !self.control.leaving.load(Ordering::Relaxed) {
            let seen = self.store.bell().rings();
            let outcome = self.keep_alive().and_then(|()| self.reconcile()).and_then(|()| self.fetch());
            let busy = outcome.unwrap_or_else(|error| {
                self.giver.give_now(Err(error));
                false
            });
            if !busy {
                self.store.bell().wait(seen, self.patience());
            }
        }
    }

    fn enter(&self) -> Result<(), ReadError> {
        let (group, id, topics) = (self.settings.group.clone(), self.id.clone(), self.settings.topics.clone());
        let answer = self.store.submit(self.request_timeout, move |c, _| membership::join(c, &group, &id, &topics));
        match answer.blocking_recv() {
            Ok(Ok(before)) => {
                if let Some(before) = before {
                    sign_of_life::remove(self.store.dir(), &before);
                }
                Ok(())
            }
            Ok(Err(JobError::Job(JoinError::UnknownTopic(topic)))) => Err(ReadError::UnknownTopic { topic }),
            Ok(Err(JobError::Job(JoinError::Sql(error)))) => Err(refused(error)),
            Ok(Err(JobError::Commit(error))) => Err(self.unavailable("join a group", error)),
            Err(_expired) => Err(self.unavailable("join a group", self.store.holder())),
        }
    }

    fn unavailable(&self, what: &str, source: crate::Cause) -> ReadError {
        ReadError::Unavailable { what: what.to_owned(), waited: self.request_timeout, source }
    }

    /// Short while an answer of the caller is awaited, else until the next sign of life is due.
    fn patience(&self) -> Duration {
        let answer_due = !self.waiting.is_empty() || self.releasing.is_some() || self.stalled.is_some();
        if answer_due { Duration::from_millis(2) } else { self.settings.session_timeout / 4 }
    }

    /// Gives a sign of life, and takes out members that give none.
    fn keep_alive(&mut self) -> Result<(), ReadError> {
        if self.told_first && self.last_sign.elapsed() < (self.settings.session_timeout / 4).min(Duration::from_secs(1))
        {
            return Ok(());
        }
        self.life.give();
        self.last_sign = Instant::now();
        let others = membership::others(&self.connection, &self.settings.group, &self.id).map_err(refused)?;
        let silent = self.watchman.silent(self.store.dir(), others, self.settings.session_timeout);
        if silent.is_empty() {
            return Ok(());
        }
        tracing::warn!(
            group = self.settings.group,
            members = silent.len(),
            "members gave no sign of life and are removed"
        );
        let group = self.settings.group.clone();
        self.job("remove silent members", move |c, _| membership::remove(c, &group, &silent))
    }

    fn job<T: Send + 'static>(
        &self,
        what: &str,
        job: impl FnOnce(&Connection, &mut super::append::TopicCache) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ReadError> {
        match self.store.submit(self.request_timeout, job).blocking_recv() {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(JobError::Job(error))) => Err(refused(error)),
            Ok(Err(JobError::Commit(error))) => Err(self.unavailable(what, error)),
            Err(_expired) => Err(self.unavailable(what, self.store.holder())),
        }
    }

    /// Brings what this member has in line with what it is to have.
    fn reconcile(&mut self) -> Result<(), ReadError> {
        self.start_answered()?;
        self.finish_release()?;
        let generation = membership::generation(&self.connection, &self.settings.group).map_err(refused)?;
        if self.generation_seen == Some(generation) {
            return Ok(());
        }
        let view = membership::view(&self.connection, &self.settings.group, &self.id).map_err(refused)?;
        if view.replaced {
            self.replaced = true;
            self.life.forget();
            let (group, instance) = (self.settings.group.clone(), self.settings.instance.clone().unwrap_or_default());
            return Err(ReadError::Replaced { group, instance });
        }
        if !view.member {
            self.lose_all();
            return self.enter();
        }
        if !view.unwanted.is_empty() && self.releasing.is_none() {
            self.let_go(view.unwanted);
        }
        if view.free {
            let (group, id) = (self.settings.group.clone(), self.id.clone());
            let taken = self.job("take partitions", move |c, _| membership::acquire(c, &group, &id))?;
            self.hand_out(taken);
        } else if !self.told_first {
            self.hand_out(Vec::new());
        }
        // The generation as it was before the view was read: what another process has changed meanwhile is looked at again.
        // While something is being released the view is looked at again once that is done.
        self.generation_seen = self.releasing.is_none().then_some(generation);
        Ok(())
    }

    fn hand_out(&mut self, partitions: Vec<(i64, TopicPartition)>) {
        let (start, answer) = oneshot::channel();
        let names = partitions.iter().map(|(_, name)| name.clone()).collect();
        self.waiting.push(Waiting { partitions, start: answer });
        self.told_first = true;
        let event = Event::Assigned(Assignment { partitions: names, start: Some(start) });
        self.giver.give_ahead(Ok(event), is_fetched);
    }

    /// Starts partitions whose start the caller has given.
    fn start_answered(&mut self) -> Result<(), ReadError> {
        let mut outcome = Ok(());
        let mut still = Vec::new();
        for mut waiting in std::mem::take(&mut self.waiting) {
            match waiting.start.try_recv() {
                Ok(positions) => {
                    for (id, name) in waiting.partitions {
                        // A pause is of the time before: whoever gets a partition anew knows nothing of it.
                        self.control.paused.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
                        let given = positions.iter().find(|(partition, _)| *partition == name);
                        let start = given.map_or(Start::Committed, |(_, start)| *start);
                        match self.cursor(id, name, start) {
                            Ok(cursor) => self.cursors.push(cursor),
                            Err(error) => outcome = Err(error),
                        }
                    }
                }
                Err(oneshot::error::TryRecvError::Empty) => still.push(waiting),
                // The caller dropped the assignment: it does not want the partitions now.
                Err(oneshot::error::TryRecvError::Closed) => {}
            }
        }
        self.waiting = still;
        outcome
    }

    fn cursor(&self, id: i64, name: TopicPartition, start: Start) -> Result<Cursor, ReadError> {
        let stored = match start {
            Start::At(position) => Some(position),
            Start::Committed => membership::committed(&self.connection, &self.settings.group, id).map_err(refused)?,
        };
        let next = match stored {
            Some(position) => position,
            None => {
                let range = topics::range(&self.connection, id).map_err(refused)?;
                range.ok_or_else(|| ReadError::UnknownTopic { topic: name.topic.to_string() })?.earliest
            }
        };
        let cursor = Cursor::new(name, id, next);
        cursor.check(&self.connection)?;
        Ok(cursor)
    }

    /// Stops fetching partitions and asks the caller to let them go.
    fn let_go(&mut self, partitions: Vec<i64>) {
        let names = self.forget(|id| partitions.contains(&id));
        let (releasing, released) = oneshot::channel();
        self.releasing =
            Some(Releasing { partitions, released, deadline: Instant::now() + self.settings.release_timeout });
        let event = Event::Revoked(Revocation { partitions: names, lost: false, _released: releasing });
        self.giver.give_ahead(Ok(event), is_fetched);
    }

    fn finish_release(&mut self) -> Result<(), ReadError> {
        let Some(releasing) = &mut self.releasing else { return Ok(()) };
        let late = Instant::now() >= releasing.deadline;
        if matches!(releasing.released.try_recv(), Err(oneshot::error::TryRecvError::Empty)) && !late {
            return Ok(());
        }
        if late {
            tracing::warn!(
                group = self.settings.group,
                "partitions were not released in time and go to others all the same"
            );
        }
        let (group, id, partitions) = (self.settings.group.clone(), self.id.clone(), releasing.partitions.clone());
        self.job("release partitions", move |c, _| membership::release(c, &group, &id, &partitions))?;
        self.releasing = None;
        self.generation_seen = None;
        Ok(())
    }

    /// The group went on without this member.
    fn lose_all(&mut self) {
        let names = self.forget(|_| true);
        self.releasing = None;
        self.generation_seen = None;
        let (releasing, _released) = oneshot::channel();
        let event = Event::Revoked(Revocation { partitions: names, lost: true, _released: releasing });
        self.giver.give_ahead(Ok(event), is_fetched);
    }

    /// Drops all that is known and fetched of partitions, and names them.
    fn forget(&mut self, gone: impl Fn(i64) -> bool) -> Vec<TopicPartition> {
        let mut names: Vec<TopicPartition> = Vec::new();
        self.cursors.retain(|cursor| {
            let gone = gone(cursor.id);
            names.extend(gone.then(|| cursor.name.clone()));
            !gone
        });
        for waiting in &mut self.waiting {
            waiting.partitions.retain(|(id, name)| {
                let gone = gone(*id);
                names.extend(gone.then(|| name.clone()));
                !gone
            });
        }
        let keep = |fetched: &mut Fetched| {
            fetched.records.retain(|r| !names.contains(&r.topic_partition()));
            fetched.ends.retain(|(partition, _)| !names.contains(partition));
            !fetched.records.is_empty() || !fetched.ends.is_empty()
        };
        self.giver.revise(|item| match item {
            Ok(Event::Fetched(fetched)) => keep(fetched),
            _ => true,
        });
        self.stalled = self.stalled.take().and_then(|mut fetched| keep(&mut fetched).then_some(fetched));
        names
    }

    /// Fetches a round; false when there is nothing to do before the bell rings.
    fn fetch(&mut self) -> Result<bool, ReadError> {
        if let Some(fetched) = self.stalled.take()
            && !self.give(fetched)
        {
            return Ok(true);
        }
        let paused = self.control.paused.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut busy = false;
        for i in 0..self.cursors.len() {
            let cursor = &mut self.cursors[i];
            cursor.paused = paused.contains(&cursor.name);
            if cursor.paused {
                continue;
            }
            if let Some(fetched) = turn(&self.connection, cursor)? {
                busy = true;
                if !self.give(fetched) {
                    break;
                }
            }
        }
        Ok(busy)
    }

    /// Hands out what was fetched; false when there was no room, and it is kept.
    fn give(&mut self, fetched: Fetched) -> bool {
        const WAIT: Duration = Duration::from_millis(20);
        let bytes = size(&fetched);
        match self.giver.give(Ok(Event::Fetched(fetched)), bytes, WAIT) {
            Ok(()) | Err(NotGiven::Closed) => true,
            Err(NotGiven::Full(Ok(Event::Fetched(fetched)))) => {
                self.stalled = Some(fetched);
                false
            }
            Err(NotGiven::Full(_)) => true,
        }
    }
}

fn is_fetched(item: &Result<Event, ReadError>) -> bool {
    matches!(item, Ok(Event::Fetched(_)))
}

#[async_trait]
impl Member for EmbeddedMember {
    async fn next(&mut self) -> Result<Event, ReadError> {
        self.taker.take().await.unwrap_or(Err(ReadError::Closed))
    }

    fn committer(&self) -> Arc<dyn Committer> {
        self.committer.clone()
    }

    fn pause(&self, partitions: &[TopicPartition], paused: bool) {
        let mut set = self.control.paused.lock().unwrap_or_else(PoisonError::into_inner);
        for partition in partitions {
            if paused {
                set.insert(partition.clone());
            } else {
                set.remove(partition);
            }
        }
        drop(set);
        self.store.bell().ring();
    }

    async fn leave(self: Box<Self>, deadline: Duration) {
        self.control.leaving.store(true, Ordering::Relaxed);
        self.store.bell().ring();
        let _ = tokio::time::timeout(deadline, self.gone).await;
    }
}

struct EmbeddedCommitter {
    store: Arc<Store>,
    group: String,
    member: String,
    request_timeout: Duration,
}

#[async_trait]
impl Committer for EmbeddedCommitter {
    fn membership(&self) -> Membership {
        Membership(MemberOf::Embedded { group: self.group.clone(), member: self.member.clone() })
    }

    async fn commit(&self, positions: &[(TopicPartition, Offset)]) -> Result<(), ReadError> {
        let (group, member, positions) = (self.group.clone(), self.member.clone(), positions.to_vec());
        let answer =
            self.store.submit(self.request_timeout, move |c, _| membership::commit(c, &group, &member, &positions));
        let unavailable = |source| ReadError::Unavailable {
            what: "commit positions".to_owned(),
            waited: self.request_timeout,
            source,
        };
        match answer.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(JobError::Job(CommitError::Fenced(partition)))) => {
                Err(ReadError::Fenced { partition, group: self.group.clone() })
            }
            Ok(Err(JobError::Job(CommitError::Sql(error)))) => Err(refused(error)),
            Ok(Err(JobError::Commit(error))) => Err(unavailable(error)),
            Err(_expired) => Err(unavailable(self.store.holder())),
        }
    }
}
