//! A member of a group that does what a good one does, and remembers what happened.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::oneshot, task::JoinHandle};

use super::{Fixture, fixture::Seen};
use crate::{Assignment, Event, Fetched, GroupSettings, Log, Member, Offset, Revocation, TopicPartition};

/// How long a worker may take to leave.
const LEAVE: Duration = Duration::from_secs(10);

/// A task that starts what is assigned, takes records, commits after each answer, and releases what is revoked.
pub(super) struct Worker {
    state: Arc<Mutex<State>>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// What happened to a worker so far.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) owned: BTreeSet<TopicPartition>,
    pub(super) seen: Vec<Seen>,
    pub(super) assigned: Vec<Vec<TopicPartition>>,
    pub(super) revoked: Vec<Vec<TopicPartition>>,
}

impl Worker {
    pub(super) async fn join(log: &Arc<dyn Log>, settings: GroupSettings) -> Self {
        let member = log.join(settings).await.expect("the member joins");
        let state = Arc::<Mutex<State>>::default();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(work(member, state.clone(), stopped));
        Self { state, stop, task }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn owns(&self, count: usize) -> bool {
        assert!(!self.task.is_finished() || self.state.lock().is_ok(), "the worker failed");
        self.state().owned.len() == count
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.state().seen.clone()
    }

    /// Leaves the group after what it has taken is committed.
    pub(super) async fn leave(self) -> State {
        let _ = self.stop.send(());
        self.task.await.expect("the worker did not panic");
        std::mem::take(&mut *self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn work(mut member: Box<dyn Member>, state: Arc<Mutex<State>>, mut stopped: oneshot::Receiver<()>) {
    let committer = member.committer();
    let lock = || state.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let event = tokio::select! {
            event = member.next() => event.expect("an event"),
            _ = &mut stopped => break,
        };
        match event {
            Event::Assigned(assignment) => {
                {
                    let mut state = lock();
                    for partition in &assignment.partitions {
                        assert!(state.owned.insert(partition.clone()), "{partition} was assigned twice");
                    }
                    state.assigned.push(assignment.partitions.clone());
                }
                assignment.start(Vec::new());
            }
            Event::Revoked(revocation) => {
                {
                    let mut state = lock();
                    for partition in &revocation.partitions {
                        assert!(state.owned.remove(partition), "{partition} was revoked and not owned");
                    }
                    state.revoked.push(revocation.partitions.clone());
                }
                revocation.release();
            }
            Event::Fetched(fetched) => {
                let positions = positions(&fetched);
                {
                    let state = lock();
                    for (partition, _) in &positions {
                        assert!(state.owned.contains(partition), "a record of {partition}, which is not owned");
                    }
                }
                committer.commit(&positions).await.expect("the owner's commit is taken");
                lock().seen.extend(fetched.records.iter().map(Seen::from));
            }
        }
    }
    member.leave(LEAVE).await;
}

/// The positions behind the records of an answer.
pub(super) fn positions(fetched: &Fetched) -> Vec<(TopicPartition, Offset)> {
    let next = fetched.records.iter().map(|record| (record.topic_partition(), record.offset().next()));
    next.collect::<BTreeMap<_, _>>().into_iter().collect()
}

/// Ways of a case to drive a member itself.
impl Fixture {
    /// The next assignment; records and ends before it are dropped.
    pub(super) async fn assigned(&self, member: &mut dyn Member) -> Assignment {
        let waiting = async {
            loop {
                match member.next().await.expect("an event") {
                    Event::Assigned(assignment) => return assignment,
                    Event::Fetched(_) => {}
                    Event::Revoked(revocation) => panic!("{revocation:?} instead of an assignment"),
                }
            }
        };
        self.within("partitions are assigned", waiting).await
    }

    /// The next revocation; records and ends before it are dropped, assignments of nothing too.
    pub(super) async fn revoked(&self, member: &mut dyn Member) -> Revocation {
        let waiting = async {
            loop {
                match member.next().await.expect("an event") {
                    Event::Revoked(revocation) => return revocation,
                    Event::Fetched(_) => {}
                    Event::Assigned(assignment) => panic!("{assignment:?} instead of a revocation"),
                }
            }
        };
        self.within("partitions are revoked", waiting).await
    }

    /// Takes until that many records are there; nothing may be assigned or revoked meanwhile.
    pub(super) async fn taken(&self, member: &mut dyn Member, count: usize) -> Vec<Seen> {
        let mut seen = Vec::new();
        let taking = async {
            while seen.len() < count {
                match member.next().await.expect("an event") {
                    Event::Fetched(fetched) => seen.extend(fetched.records.iter().map(Seen::from)),
                    other => panic!("{other:?} instead of records"),
                }
            }
        };
        self.within("the records are taken", taking).await;
        seen
    }

    /// A member that has all partitions of its topics, started where the group stands.
    pub(super) async fn only_member(&self, settings: GroupSettings) -> Box<dyn Member> {
        let mut member = self.log.join(settings).await.expect("the member joins");
        self.assigned(&mut *member).await.start(Vec::new());
        member
    }

    pub(super) async fn leave(&self, member: Box<dyn Member>) {
        self.within("the member has left", member.leave(LEAVE)).await;
    }
}
