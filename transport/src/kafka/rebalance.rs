//! The thread of a member: it polls, and moves partitions as the group asks.
//!
//! librdkafka waits for an answer to each rebalance. Assigned partitions are acknowledged at once, with nothing, and
//! begin to be fetched when the caller has said where; so a slow caller holds up nobody. Revoked ones are answered when
//! the caller has let go, or at the release time-out. The thread polls meanwhile, so the member stays in its group;
//! librdkafka itself fetches nothing for as long as a revocation waits.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::oneshot::{self, error::TryRecvError};

use super::{
    committer::Owned,
    feed::Item,
    group::Orders,
    native::{Code, List, NativeError, Rebalance},
    stream::{Stream, list},
};
use crate::{Assignment, GroupSettings, ReadError, Revocation, Start, TopicPartition};

/// How long the thread waits for records while nothing else is due. Orders wake it.
const TICK: Duration = Duration::from_millis(200);
/// The same while an answer of the caller is awaited: it does not wake the thread.
const ANSWER_DUE: Duration = Duration::from_millis(5);
/// How long the question for committed positions may hold up polling; it is asked again.
const QUESTION: Duration = Duration::from_millis(500);

pub(super) struct MemberThread {
    stream: Stream,
    owned: Arc<Owned>,
    orders: Arc<Orders>,
    settings: GroupSettings,
    /// Handed to the caller, and not started.
    starting: Vec<Starting>,
    /// Known to librdkafka as assigned: it is asked to take away no others.
    fetching: HashSet<TopicPartition>,
    releasing: Option<Releasing>,
    told_first: bool,
}

struct Starting {
    partitions: Vec<TopicPartition>,
    answer: Answer,
}

enum Answer {
    Awaited(oneshot::Receiver<Vec<(TopicPartition, Start)>>),
    Given(HashMap<TopicPartition, Start>),
}

struct Releasing {
    partitions: HashSet<TopicPartition>,
    released: oneshot::Receiver<()>,
    deadline: Instant,
}

impl MemberThread {
    pub(super) fn new(stream: Stream, owned: Arc<Owned>, orders: Arc<Orders>, settings: GroupSettings) -> Self {
        Self {
            stream,
            owned,
            orders,
            settings,
            starting: Vec::new(),
            fetching: HashSet::new(),
            releasing: None,
            told_first: false,
        }
    }

    /// Until the caller leaves.
    pub(super) fn run(mut self) {
        let deadline = loop {
            if let Some(deadline) = *self.orders.leave.lock().unwrap_or_else(PoisonError::into_inner) {
                break deadline;
            }
            let is_due = !self.starting.is_empty() || self.releasing.is_some();
            self.stream.turn(if is_due { ANSWER_DUE } else { TICK });
            self.obey();
            for rebalance in self.stream.consumer.take_rebalances() {
                self.rebalance(rebalance);
            }
            self.start_answered();
            self.finish_release();
        };
        self.owned.lock().clear();
        if !self.stream.consumer.close(deadline) {
            tracing::warn!(
                group = self.settings.group,
                "left without an answer: the group notices after the session time-out"
            );
        }
        self.stream.feed.close();
    }

    fn obey(&mut self) {
        let orders = std::mem::take(&mut *self.orders.pause.lock().unwrap_or_else(PoisonError::into_inner));
        for (partitions, paused) in orders {
            self.stream.pause(partitions, paused);
        }
    }

    fn rebalance(&mut self, rebalance: Rebalance) {
        // Topics come as text; the names that the caller knows are shared.
        let mut names: HashMap<String, Arc<str>> = HashMap::new();
        let partitions = rebalance.partitions.into_iter().map(|(topic, partition)| {
            let topic = names.entry(topic).or_insert_with_key(|topic| topic.as_str().into()).clone();
            TopicPartition { topic, partition }
        });
        let partitions: Vec<_> = partitions.collect();
        if rebalance.assigned {
            self.assigned(partitions);
        } else {
            self.revoked(partitions, rebalance.lost);
        }
    }

    fn assigned(&mut self, partitions: Vec<TopicPartition>) {
        self.answer("assignment", self.stream.consumer.incremental_assign(&List::new([])));
        if partitions.is_empty() && self.told_first {
            return;
        }
        self.told_first = true;
        self.owned.lock().extend(partitions.iter().cloned());
        let (start, answer) = oneshot::channel();
        if !partitions.is_empty() {
            self.starting.push(Starting { partitions: partitions.clone(), answer: Answer::Awaited(answer) });
        }
        self.stream.feed.push_ahead(Item::Assigned(Assignment { partitions, start: Some(start) }));
    }

    fn revoked(&mut self, partitions: Vec<TopicPartition>, lost: bool) {
        let gone: HashSet<_> = partitions.iter().cloned().collect();
        self.stream.remove(&gone);
        self.stream.feed.discard(&gone);
        for starting in &mut self.starting {
            starting.partitions.retain(|partition| !gone.contains(partition));
        }
        self.starting.retain(|starting| !starting.partitions.is_empty());
        let (released_by_caller, released) = oneshot::channel();
        if lost || partitions.is_empty() {
            self.let_go(&gone);
        } else {
            let deadline = Instant::now() + self.settings.release_timeout;
            self.releasing = Some(Releasing { partitions: gone, released, deadline });
        }
        if !partitions.is_empty() {
            let revocation = Revocation { partitions, lost, _released: released_by_caller };
            self.stream.feed.push_ahead(Item::Revoked(revocation));
        }
    }

    fn finish_release(&mut self) {
        let Some(releasing) = &mut self.releasing else { return };
        let late = Instant::now() >= releasing.deadline;
        if releasing.released.try_recv() == Err(TryRecvError::Empty) && !late {
            return;
        }
        if late {
            tracing::warn!(
                group = self.settings.group,
                partitions = releasing.partitions.len(),
                "partitions were not released in time and go to others all the same"
            );
        }
        if let Some(releasing) = self.releasing.take() {
            self.let_go(&releasing.partitions);
        }
    }

    /// No commit of these is sent from here on; those that were sent are worked off before others get the partitions.
    fn let_go(&mut self, partitions: &HashSet<TopicPartition>) {
        self.owned.lock().retain(|owned| !partitions.contains(owned));
        let fetching: Vec<_> = partitions.iter().filter(|partition| self.fetching.remove(*partition)).collect();
        self.answer("revocation", self.stream.consumer.incremental_unassign(&list(fetching.into_iter())));
    }

    /// Starts partitions whose start the caller has given.
    fn start_answered(&mut self) {
        let mut still = Vec::new();
        for mut starting in std::mem::take(&mut self.starting) {
            if let Answer::Awaited(answer) = &mut starting.answer {
                match answer.try_recv() {
                    Ok(positions) => starting.answer = Answer::Given(positions.into_iter().collect()),
                    Err(TryRecvError::Empty) => {}
                    // The caller dropped the assignment: it does not want the partitions now.
                    Err(TryRecvError::Closed) => continue,
                }
            }
            if let Some(starting) = self.start(starting) {
                still.push(starting);
            }
        }
        self.starting.append(&mut still);
    }

    /// Gives it back when it cannot be started yet.
    fn start(&mut self, starting: Starting) -> Option<Starting> {
        let Answer::Given(given) = &starting.answer else { return Some(starting) };
        let (mut positions, mut unknown) = (Vec::new(), Vec::new());
        for partition in &starting.partitions {
            match given.get(partition) {
                Some(Start::At(offset)) if offset.0 < 0 => {
                    let error = self.stream.out_of_range(partition.clone(), offset.0);
                    self.stream.feed.push(Item::Failed(error));
                }
                Some(Start::At(offset)) => positions.push((partition.clone(), offset.0)),
                Some(Start::Committed) | None => unknown.push(partition.clone()),
            }
        }
        match self.committed(unknown) {
            Ok(found) => positions.extend(found),
            Err(error) if error.code.is_transient() => return Some(starting),
            Err(error) => {
                let what = format!("tell the positions of group {}", self.settings.group);
                self.stream.feed.push(Item::Failed(ReadError::Refused { what, source: error.into() }));
                return None;
            }
        }
        for (partition, from) in &positions {
            self.stream.add(partition.clone(), *from);
        }
        let started = List::new(positions.iter().map(|(p, from)| (&*p.topic, p.partition, *from)));
        // librdkafka remembers a pause from the last time that the partition was here.
        self.stream.consumer.pause(&started, false);
        match self.stream.consumer.incremental_assign(&started) {
            Ok(()) => {
                let partitions: Vec<_> = positions.into_iter().map(|(partition, _)| partition).collect();
                self.stream.hold_back(&partitions);
                self.fetching.extend(partitions);
            }
            Err(error) => self.answer("start", Err(error)),
        }
        None
    }

    /// Where the group stands; where it has not been, at the first record.
    fn committed(&self, partitions: Vec<TopicPartition>) -> Result<Vec<(TopicPartition, i64)>, NativeError> {
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        let found = self.stream.consumer.committed(&list(partitions.iter()), QUESTION)?;
        if let Some(bad) = found.iter().find(|position| position.code != Code::NONE) {
            return Err(NativeError::new(bad.code));
        }
        let position = |partition: &TopicPartition| {
            let found = found.iter().find(|p| p.partition == partition.partition && *p.topic == *partition.topic);
            found.map_or(List::BEGINNING, |found| if found.offset < 0 { List::BEGINNING } else { found.offset })
        };
        Ok(partitions.into_iter().map(|partition| (partition.clone(), position(&partition))).collect())
    }

    fn answer(&self, what: &str, outcome: Result<(), NativeError>) {
        if let Err(error) = outcome {
            let what = format!("move partitions of group {} ({what})", self.settings.group);
            self.stream.feed.push(Item::Failed(ReadError::Refused { what, source: error.into() }));
        }
    }
}
