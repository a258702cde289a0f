//! A consumer group in memory: who has which partition, and a member of it.
//!
//! As on the embedded log, `wanted` says who is to have a partition and `owner` who has it, so that one never has two. No
//! thread keeps a member alive: it is alive as long as its process is.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::{sync::oneshot, time::Instant};

use super::{
    MemoryLog,
    state::{Cursor, Found, State},
    world::Process,
};
use crate::{
    AdminError, Assignment, Committer, Event, Fetched, GroupInfo, GroupMember, GroupSettings, Member, Offset,
    ReadError, Revocation, Start, TopicPartition,
    embedded::assignor::{Candidate, assign},
    log::MemberOf,
    pattern,
};

/// How long a member waits before it looks again whether others are still there.
const LOOK_EVERY: Duration = Duration::from_millis(100);

#[derive(Default)]
pub(super) struct Group {
    members: BTreeMap<String, Membership>,
    wanted: BTreeMap<i64, String>,
    owner: BTreeMap<i64, String>,
    /// Until when an owner that is to let go may take.
    moving: BTreeMap<i64, Instant>,
    committed: BTreeMap<i64, Offset>,
}

struct Membership {
    topics: Vec<String>,
    instance: Option<String>,
    session_timeout: Duration,
    release_timeout: Duration,
    process: Process,
    /// Since when a member with a name of its own is gone: its place is kept for a session.
    gone: Option<Instant>,
}

impl Membership {
    fn subscribes(&self, topic: &str) -> bool {
        self.topics.iter().any(|entry| pattern::matches(entry, topic))
    }

    fn silent_since(&self) -> Option<Instant> {
        self.gone.or_else(|| self.process.silent_since())
    }
}

impl Group {
    /// Forgets a partition that was deleted.
    pub(super) fn forget(&mut self, partition: i64) {
        self.wanted.remove(&partition);
        self.owner.remove(&partition);
        self.moving.remove(&partition);
        self.committed.remove(&partition);
    }

    pub(super) fn committed(&self, partition: i64) -> Option<Offset> {
        self.committed.get(&partition).copied()
    }

    fn remove(&mut self, member: &str) {
        self.members.remove(member);
        self.owner.retain(|_, owner| owner != member);
    }

    fn release(&mut self, member: &str, partitions: &[i64]) {
        for partition in partitions {
            if self.owner.get(partition).is_some_and(|owner| owner == member) {
                self.owner.remove(partition);
                self.moving.remove(partition);
            }
        }
    }

    /// The member with this name of its own.
    fn instance(&self, name: &str) -> Option<String> {
        let found = self.members.iter().find(|(_, m)| m.instance.as_deref() == Some(name));
        found.map(|(id, _)| id.clone())
    }

    /// A member takes the place of another one, whose partitions are free for it.
    fn replace(&mut self, old: &str, new: &str) {
        self.members.remove(old);
        self.owner.retain(|_, owner| owner != old);
        self.wanted.values_mut().filter(|wanted| *wanted == old).for_each(|wanted| *wanted = new.to_owned());
        self.moving.retain(|partition, _| self.owner.contains_key(partition));
    }

    /// The members whose process has been silent for longer than their session.
    fn silent(&self) -> Vec<String> {
        let is_silent = |m: &Membership| m.silent_since().is_some_and(|at| at.elapsed() > m.session_timeout);
        self.members.iter().filter(|(_, m)| is_silent(m)).map(|(id, _)| id.clone()).collect()
    }
}

/// A group as of now.
pub(super) fn describe(state: &mut State, name: &str) -> GroupInfo {
    keep_order(state, name);
    let mut info = GroupInfo { name: name.to_owned(), members: Vec::new(), rebalancing: false, committed: Vec::new() };
    let Some(group) = state.groups.get(name) else { return info };
    let all = || {
        state.topics.iter().flat_map(|(topic, of)| {
            let named = |number: i32| TopicPartition::new(topic.clone(), number);
            (0..).zip(&of.partitions).map(move |(number, partition)| (partition.id, named(number)))
        })
    };
    info.committed = all().filter_map(|(id, name)| Some((name, group.committed(id)?))).collect();
    for id in group.members.keys() {
        let partitions = all().filter(|(p, _)| group.owner.get(p) == Some(id)).map(|(_, name)| name).collect();
        info.members.push(GroupMember { id: id.clone(), place: "memory".to_owned(), partitions });
    }
    info.rebalancing = !info.members.is_empty() && group.wanted.iter().any(|(p, m)| group.owner.get(p) != Some(m));
    info
}

/// Sets positions of a group without members, all or none.
pub(super) fn set_positions(
    state: &mut State,
    name: &str,
    positions: &[(TopicPartition, Offset)],
) -> Result<(), AdminError> {
    keep_order(state, name);
    let members = state.groups.get(name).map_or(0, |group| group.members.len());
    if members > 0 {
        return Err(AdminError::GroupActive { group: name.to_owned(), members });
    }
    let mut rows = Vec::with_capacity(positions.len());
    for (partition, next) in positions {
        let unknown_partition = || AdminError::UnknownPartition { partition: partition.clone() };
        state.info(&partition.topic)?;
        rows.push((state.partition(partition).ok_or_else(unknown_partition)?.id, *next));
    }
    state.groups.entry(name.to_owned()).or_default().committed.extend(rows);
    Ok(())
}

/// Divides the partitions of a group anew.
fn divide(state: &mut State, name: &str) {
    let State { topics, groups, .. } = state;
    let Some(group) = groups.get_mut(name) else { return };
    let eligible = |membership: &Membership| -> BTreeSet<i64> {
        let topics = topics.iter().filter(|(name, _)| membership.subscribes(name));
        topics.flat_map(|(_, topic)| topic.partitions.iter().map(|partition| partition.id)).collect()
    };
    let members: Vec<Candidate> =
        group.members.iter().map(|(id, m)| Candidate { id: id.clone(), eligible: eligible(m) }).collect();
    group.wanted = assign(&members, &group.wanted);
    group.moving.retain(|partition, _| group.owner.get(partition) != group.wanted.get(partition));
    for (partition, owner) in &group.owner {
        if group.wanted.get(partition) != Some(owner)
            && let Some(membership) = group.members.get(owner)
        {
            group.moving.entry(*partition).or_insert_with(|| Instant::now() + membership.release_timeout);
        }
    }
}

/// Gives a new topic to the groups with a pattern that it matches.
pub(super) fn topic_came(state: &mut State, topic: &str) {
    divide_where(state, |member| member.topics.iter().any(|e| pattern::is_pattern(e) && pattern::matches(e, topic)));
}

/// Gives new partitions to the groups that read the topic.
pub(super) fn topic_grew(state: &mut State, topic: &str) {
    divide_where(state, |member| member.subscribes(topic));
}

fn divide_where(state: &mut State, is_meant: impl Fn(&Membership) -> bool) {
    let groups = state.groups.iter().filter(|(_, group)| group.members.values().any(&is_meant));
    let names: Vec<String> = groups.map(|(name, _)| name.clone()).collect();
    names.iter().for_each(|name| divide(state, name));
}

/// Takes out who is silent, and partitions that were not let go in time.
fn keep_order(state: &mut State, name: &str) {
    let Some(group) = state.groups.get_mut(name) else { return };
    let late: Vec<i64> =
        group.moving.iter().filter(|(_, until)| Instant::now() >= **until).map(|(partition, _)| *partition).collect();
    for partition in &late {
        group.owner.remove(partition);
        group.moving.remove(partition);
    }
    let silent = group.silent();
    if !silent.is_empty() {
        silent.iter().for_each(|member| group.remove(member));
        divide(state, name);
    }
}

/// A member of a group.
pub(super) struct MemoryMember {
    log: MemoryLog,
    settings: GroupSettings,
    id: String,
    cursors: Vec<Cursor>,
    waiting: Vec<Waiting>,
    /// What the caller was asked to let go and has not yet.
    releasing: bool,
    released: Option<oneshot::Receiver<()>>,
    told_first: bool,
    /// Where the next round of fetching begins, so that no partition starves another.
    turn: usize,
    paused: Arc<Mutex<BTreeSet<TopicPartition>>>,
}

/// Partitions that were handed out and wait for their start.
struct Waiting {
    partitions: Vec<(i64, TopicPartition)>,
    start: oneshot::Receiver<Vec<(TopicPartition, Start)>>,
}

pub(super) fn join(log: &MemoryLog, settings: GroupSettings) -> Result<MemoryMember, ReadError> {
    settings.check()?;
    let id = log.with(|state| format!("member-{:06}", state.new_id()));
    let member = MemoryMember {
        log: log.clone(),
        id,
        cursors: Vec::new(),
        waiting: Vec::new(),
        releasing: false,
        released: None,
        told_first: false,
        turn: 0,
        paused: Arc::default(),
        settings,
    };
    member.enter()?;
    Ok(member)
}

impl MemoryMember {
    fn enter(&self) -> Result<(), ReadError> {
        let GroupSettings { group, topics, instance, session_timeout, release_timeout, .. } = self.settings.clone();
        self.log.change(|state| {
            let mut named = self.settings.named_topics();
            if let Some(topic) = named.find(|topic| !state.topics.contains_key(topic.as_str())) {
                return Err(ReadError::UnknownTopic { topic: topic.clone() });
            }
            let process = self.log.process().clone();
            let of = state.groups.entry(group.clone()).or_default();
            if let Some(old) = instance.as_deref().and_then(|name| of.instance(name)) {
                of.replace(&old, &self.id);
            }
            let membership = Membership { topics, instance, session_timeout, release_timeout, process, gone: None };
            of.members.insert(self.id.clone(), membership);
            divide(state, &group);
            Ok(())
        })
    }

    /// What there is to tell now.
    fn look(&mut self, state: &mut State) -> Result<Option<Event>, ReadError> {
        let name = self.settings.group.clone();
        keep_order(state, &name);
        if self.released.as_mut().is_some_and(|r| !matches!(r.try_recv(), Err(oneshot::error::TryRecvError::Empty))) {
            (self.releasing, self.released) = (false, None);
        }
        let Some(group) = state.groups.get_mut(&name) else { return Ok(None) };
        if !group.members.contains_key(&self.id) {
            if let Some(instance) = self.settings.instance.as_ref().filter(|name| group.instance(name).is_some()) {
                return Err(ReadError::Replaced { group: name, instance: instance.clone() });
            }
            return self.lost(|_| true).map_or(Ok(None), |event| Ok(Some(event)));
        }
        let taken: BTreeSet<i64> =
            self.mine().filter(|id| group.owner.get(id).is_none_or(|owner| *owner != self.id)).collect();
        if !taken.is_empty() {
            return Ok(self.lost(|id| taken.contains(&id)));
        }
        let unwanted: Vec<i64> =
            self.mine().filter(|id| group.wanted.get(id).is_none_or(|wanted| *wanted != self.id)).collect();
        if !unwanted.is_empty() && !self.releasing {
            return Ok(Some(self.let_go(&unwanted)));
        }
        if let Some(event) = self.take(state, &name) {
            return Ok(Some(event));
        }
        self.start_answered(state)?;
        self.fetch(state)
    }

    /// The partitions that this member holds for its own.
    fn mine(&self) -> impl Iterator<Item = i64> {
        let waiting = self.waiting.iter().flat_map(|waiting| waiting.partitions.iter().map(|(id, _)| *id));
        self.cursors.iter().map(|cursor| cursor.id).chain(waiting)
    }

    /// Takes the partitions that it is to have and nobody has.
    fn take(&mut self, state: &mut State, name: &str) -> Option<Event> {
        let State { topics, groups, .. } = state;
        let group = groups.get_mut(name)?;
        let mut partitions = Vec::new();
        for (topic, of) in topics.iter() {
            for (number, partition) in (0..).zip(&of.partitions) {
                let wanted = group.wanted.get(&partition.id).is_some_and(|wanted| *wanted == self.id);
                if wanted && !group.owner.contains_key(&partition.id) {
                    group.owner.insert(partition.id, self.id.clone());
                    partitions.push((partition.id, TopicPartition::new(topic.clone(), number)));
                }
            }
        }
        if partitions.is_empty() && self.told_first {
            return None;
        }
        self.told_first = true;
        let (start, answer) = oneshot::channel();
        let names = partitions.iter().map(|(_, name)| name.clone()).collect();
        self.waiting.push(Waiting { partitions, start: answer });
        Some(Event::Assigned(Assignment { partitions: names, start: Some(start) }))
    }

    /// Asks the caller to let partitions go; they are free when it has, or when its time is over.
    fn let_go(&mut self, partitions: &[i64]) -> Event {
        let names = self.forget(|id| partitions.contains(&id));
        let (releasing, released) = oneshot::channel();
        let (told, done) = oneshot::channel::<()>();
        (self.releasing, self.released) = (true, Some(done));
        let (log, group, id, partitions) =
            (self.log.clone(), self.settings.group.clone(), self.id.clone(), partitions.to_vec());
        tokio::spawn(async move {
            // An error means that it was dropped, which lets go as well.
            let _ = released.await;
            log.process().gate().await;
            log.change(|state| {
                if let Some(group) = state.groups.get_mut(&group) {
                    group.release(&id, &partitions);
                }
            });
            drop(told);
        });
        Event::Revoked(Revocation { partitions: names, lost: false, _released: releasing })
    }

    /// Partitions went to others without this member's doing. When it was taken out of the group it enters again.
    fn lost(&mut self, gone: impl Fn(i64) -> bool) -> Option<Event> {
        let names = self.forget(gone);
        let (releasing, _released) = oneshot::channel();
        let event = Event::Revoked(Revocation { partitions: names, lost: true, _released: releasing });
        Some(event)
    }

    fn forget(&mut self, gone: impl Fn(i64) -> bool) -> Vec<TopicPartition> {
        let mut names = Vec::new();
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
        names
    }

    /// Starts partitions whose start the caller has given.
    fn start_answered(&mut self, state: &mut State) -> Result<(), ReadError> {
        let mut outcome = Ok(());
        for mut waiting in std::mem::take(&mut self.waiting) {
            match waiting.start.try_recv() {
                Ok(positions) => {
                    for (id, name) in waiting.partitions {
                        // A pause is of the time before: whoever gets a partition anew knows nothing of it.
                        self.paused.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
                        let given = positions.iter().find(|(partition, _)| *partition == name);
                        match self.cursor(state, id, name, given.map_or(Start::Committed, |(_, start)| *start)) {
                            Ok(cursor) => self.cursors.push(cursor),
                            Err(error) => outcome = Err(error),
                        }
                    }
                }
                Err(oneshot::error::TryRecvError::Empty) => self.waiting.push(waiting),
                // The caller dropped the assignment: it does not want the partitions now.
                Err(oneshot::error::TryRecvError::Closed) => {}
            }
        }
        outcome
    }

    fn cursor(&self, state: &mut State, id: i64, name: TopicPartition, start: Start) -> Result<Cursor, ReadError> {
        let unknown = || ReadError::UnknownTopic { topic: name.topic.to_string() };
        let committed = state.groups.get(&self.settings.group).and_then(|group| group.committed(id));
        let range = state.kept(&name, self.log.now_ms()).map_err(|_| unknown())?.range();
        let next = match start {
            Start::At(position) => position,
            Start::Committed => committed.unwrap_or(range.earliest),
        };
        if next < range.earliest || next > range.latest {
            let (earliest, latest) = (range.earliest, range.latest);
            return Err(ReadError::OutOfRange { partition: name, position: next, earliest, latest });
        }
        Ok(Cursor::new(name, id, next))
    }

    fn fetch(&mut self, state: &mut State) -> Result<Option<Event>, ReadError> {
        let paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let count = self.log.records_at_once();
        for i in 0..self.cursors.len() {
            let at = (self.turn + i) % self.cursors.len();
            let cursor = &mut self.cursors[at];
            if paused.contains(&cursor.name) {
                continue;
            }
            let fetched = match cursor.read(state, self.log.now_ms(), count, self.settings.ahead_bytes_max)? {
                Found::Records(records) => Fetched { records, ends: Vec::new() },
                Found::End(end) => Fetched { records: Vec::new(), ends: vec![(cursor.name.clone(), end)] },
                Found::Nothing => continue,
            };
            self.turn = at + 1;
            return Ok(Some(Event::Fetched(fetched)));
        }
        Ok(None)
    }
}

#[async_trait]
impl Member for MemoryMember {
    async fn next(&mut self) -> Result<Event, ReadError> {
        loop {
            self.log.process().step().await;
            let log = self.log.clone();
            let changed = log.changes();
            if let Some(event) = log.with(|state| self.look(state))? {
                if matches!(&event, Event::Revoked(revocation) if revocation.lost) {
                    // The group went on without it: it comes back as if it were new.
                    self.enter()?;
                }
                log.rang();
                return Ok(event);
            }
            // Either way it looks again.
            let _ = tokio::time::timeout(LOOK_EVERY, changed).await;
        }
    }

    fn committer(&self) -> Arc<dyn Committer> {
        let (log, group, member) = (self.log.clone(), self.settings.group.clone(), self.id.clone());
        Arc::new(MemoryCommitter { log, group, member })
    }

    fn pause(&self, partitions: &[TopicPartition], paused: bool) {
        let mut set = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        for partition in partitions {
            if paused {
                set.insert(partition.clone());
            } else {
                set.remove(partition);
            }
        }
        drop(set);
        self.log.rang();
    }

    async fn leave(self: Box<Self>, deadline: Duration) {
        // What is left to do is done when it is dropped.
        let _ = tokio::time::timeout(deadline, self.log.process().step()).await;
    }
}

impl Drop for MemoryMember {
    fn drop(&mut self) {
        if self.log.process().is_killed() {
            return;
        }
        let (group, id) = (&self.settings.group, &self.id);
        self.log.change(|state| {
            let Some(of) = state.groups.get_mut(group) else { return };
            if let Some(membership) = of.members.get_mut(id).filter(|membership| membership.instance.is_some()) {
                membership.gone = Some(Instant::now());
                return;
            }
            of.remove(id);
            divide(state, group);
        });
    }
}

struct MemoryCommitter {
    log: MemoryLog,
    group: String,
    member: String,
}

/// Commits positions of partitions that a member owns, all of them; or none, and names one that it does not own.
pub(super) fn commit(
    state: &mut State,
    name: &str,
    member: &str,
    positions: &[(TopicPartition, Offset)],
) -> Result<(), TopicPartition> {
    let mut rows = Vec::with_capacity(positions.len());
    for (partition, next) in positions {
        let id = state.partition(partition).map(|p| p.id);
        let owner = id.and_then(|id| state.groups.get(name)?.owner.get(&id));
        match (id, owner) {
            (Some(id), Some(owner)) if owner == member => rows.push((id, *next)),
            _ => return Err(partition.clone()),
        }
    }
    if let Some(group) = state.groups.get_mut(name) {
        group.committed.extend(rows);
    }
    Ok(())
}

#[async_trait]
impl Committer for MemoryCommitter {
    fn membership(&self) -> crate::Membership {
        crate::Membership(MemberOf::Memory { group: self.group.clone(), member: self.member.clone() })
    }

    async fn commit(&self, positions: &[(TopicPartition, Offset)]) -> Result<(), ReadError> {
        self.log.process().step().await;
        self.log.fails("a commit of positions fails").map_err(|f| f.read("commit positions"))?;
        let committed = self.log.change(|state| commit(state, &self.group, &self.member, positions));
        committed.map_err(|partition| ReadError::Fenced { partition, group: self.group.clone() })?;
        self.log.process().gate().await;
        self.log.fails("the answer to a commit of positions is lost").map_err(|f| f.read("commit positions"))
    }
}
