//! The one loop: group events in, lanes fed, progress committed.
//!
//! Each partition that the member owns has a lane: a bounded queue and a task that runs the processor on it. A partition is
//! let go in this order: drain (what was taken is finished, what waits is dropped), commit, release.

mod fence;

use std::{collections::BTreeMap, future::Future, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use coursebus_transport::{
    Assignment, Class, Committer, Event, Fetched, GroupSettings, Log, Member, Offset, ReadError, Record, Revocation,
    TopicInfo, TopicPartition,
};
use futures::FutureExt;
use tokio::{
    sync::{Notify, mpsc},
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

use self::fence::Fence;
use crate::{
    Order, ProcessError, Processor,
    lane::{Progress, Queue, Reached},
};

/// How long a full lane may keep everything else that comes from the member waiting.
const PATIENCE: Duration = Duration::from_millis(200);

/// When the engine ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Never: it follows the topics until it is stopped.
    Stopped,
    /// When every partition of the group has been processed to its end once.
    CaughtUp,
}

/// How the engine behaves.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// The group and its topics.
    pub group: GroupSettings,
    /// Which of its topics may be given partitions while it runs. Default: those that the catalogue does not have.
    pub order: Order,
    /// When it ends by itself. Default: never.
    pub until: Until,
    /// How many bytes of one partition may wait for its processor. From half of them on nothing more is taken from the member
    /// while every partition has work, for 200 ms at most. At the bound, or after that time, the partition is paused until
    /// half of it is free. Default 8 MiB; what the member had fetched already comes on top.
    pub lane_bytes_max: usize,
    /// How long a partition that is let go may take to finish what it has begun. Then it is dropped, and what it had not
    /// committed is delivered again to the next owner. Default 20 s; keep it below the group's release time-out.
    pub drain_timeout: Duration,
    /// How often progress is committed to the group. Default 1 s.
    pub commit_every: Duration,
    /// How long the log may stay away before the engine gives up. Default 5 min.
    pub log_away_max: Duration,
}

impl EngineSettings {
    /// Defaults for a group.
    #[must_use]
    pub fn new(group: GroupSettings) -> Self {
        Self {
            group,
            order: Order::default(),
            until: Until::Stopped,
            lane_bytes_max: 8 << 20,
            drain_timeout: Duration::from_secs(20),
            commit_every: Duration::from_secs(1),
            log_away_max: Duration::from_secs(300),
        }
    }
}

/// How the engine ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was stopped.
    Stopped,
    /// Every partition was processed to its end.
    CaughtUp,
}

/// The engine cannot go on. Whatever was done is committed as far as that was possible.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The log cannot be read.
    #[error("group {group} cannot read the log")]
    Log {
        /// The group.
        group: String,
        /// What the log said.
        source: ReadError,
    },
    /// A topic whose records have an order was given partitions: records of one key may lie on two of them. Nothing of the new
    /// ones was processed.
    #[error(
        "group {group} stops: {partition} is beyond the {expected} partitions that its topic has by contract, so keys have moved and their order with them"
    )]
    Partitions {
        /// The group.
        group: String,
        /// The first partition that there should not be.
        partition: TopicPartition,
        /// How many there should be.
        expected: i32,
    },
    /// A partition cannot be processed.
    #[error("group {group} cannot process {partition}")]
    Process {
        /// The group.
        group: String,
        /// Topic and partition; the first one where it is about taking several over.
        partition: TopicPartition,
        /// What the processor said.
        source: ProcessError,
    },
}

impl EngineError {
    /// What a program should do about it.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Log { source, .. } => source.class(),
            Self::Partitions { .. } => Class::Fatal,
            Self::Process { source, .. } => source.class(),
        }
    }
}

/// Runs a processor as a member of its group until `stop` resolves, or as `until` says.
pub async fn run(
    log: Arc<dyn Log>,
    settings: EngineSettings,
    processor: Arc<dyn Processor>,
    stop: impl Future<Output = ()>,
) -> Result<Outcome, EngineError> {
    let group = settings.group.group.clone();
    let joined = log.join(settings.group.clone()).await;
    let mut member = joined.map_err(|source| EngineError::Log { group: group.clone(), source })?;
    let (report, failures) = mpsc::channel(64);
    let mut engine = Engine {
        log,
        committer: member.committer(),
        settings,
        processor,
        lanes: BTreeMap::new(),
        fenced: BTreeMap::new(),
        changed: Arc::new(Notify::new()),
        report,
        away_since: None,
    };
    let outcome = engine.live(member.as_mut(), failures, stop).await;
    let all: Vec<TopicPartition> = engine.lanes.keys().cloned().collect();
    engine.let_go(&all, true).await;
    member.leave(Duration::from_secs(10)).await;
    outcome
}

/// How long a transaction may keep the last commit of a partition that is let go waiting. Then that commit is left out, and
/// what it would have said is delivered again.
const TURN_MAX: Duration = Duration::from_secs(5);

struct Engine {
    log: Arc<dyn Log>,
    committer: Arc<dyn Committer>,
    settings: EngineSettings,
    processor: Arc<dyn Processor>,
    lanes: BTreeMap<TopicPartition, Lane>,
    /// Partitions that a processor found taken over. Either the group is about to say so, or it was not the group's doing.
    fenced: BTreeMap<TopicPartition, Fence>,
    changed: Arc<Notify>,
    report: mpsc::Sender<(TopicPartition, ProcessError)>,
    away_since: Option<Instant>,
}

struct Lane {
    queue: Arc<Queue>,
    reached: Arc<Reached>,
    committed: Option<Offset>,
    /// When half of the bound was reached, until there is no more than a quarter.
    full_since: Option<Instant>,
    paused: bool,
    /// It cannot go on, and is kept until it goes to another member.
    stopped: bool,
    task: JoinHandle<()>,
}

impl Engine {
    async fn live(
        &mut self,
        member: &mut dyn Member,
        mut failures: mpsc::Receiver<(TopicPartition, ProcessError)>,
        stop: impl Future<Output = ()>,
    ) -> Result<Outcome, EngineError> {
        let changed = self.changed.clone();
        let mut commit = interval(self.settings.commit_every);
        commit.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut breathe = interval(Duration::from_millis(20));
        breathe.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tokio::pin!(stop);
        let mut assigned = false;
        loop {
            let holding_until = self.hold_back(member);
            tokio::select! {
                // In this order, so that a simulation repeats itself; records come last, because there may always be more.
                biased;
                () = &mut stop => return Ok(Outcome::Stopped),
                Some((partition, error)) = failures.recv() => self.on_failure(partition, error, member)?,
                _ = breathe.tick() => self.resume(member),
                _ = commit.tick() => {
                    self.commit().await;
                    self.check_fenced().await?;
                    if assigned && self.is_done_elsewhere().await {
                        return Ok(Outcome::CaughtUp);
                    }
                }
                () = changed.notified() => {
                    if self.lanes.values().any(|lane| lane.reached.wants_commit()) {
                        self.commit().await;
                    }
                }
                () = sleep_until(holding_until.unwrap_or_else(Instant::now)), if holding_until.is_some() => {}
                event = member.next(), if holding_until.is_none() => match event {
                    Ok(event) => {
                        self.away_since = None;
                        assigned |= matches!(event, Event::Assigned(_));
                        self.on_event(event).await?;
                    }
                    Err(error) => self.on_error(error)?,
                },
            }
            if self.settings.until == Until::CaughtUp && self.is_caught_up() {
                return Ok(Outcome::CaughtUp);
            }
        }
    }

    async fn on_event(&mut self, event: Event) -> Result<(), EngineError> {
        match event {
            Event::Fetched(fetched) => self.feed(fetched),
            Event::Assigned(assignment) => self.take(assignment).await?,
            Event::Revoked(revocation) => self.release(revocation).await,
        }
        Ok(())
    }

    /// A log that is away may come back: the member goes on trying, up to a bound.
    fn on_error(&mut self, error: ReadError) -> Result<(), EngineError> {
        let since = *self.away_since.get_or_insert_with(Instant::now);
        if error.class() == Class::Transient && since.elapsed() < self.settings.log_away_max {
            tracing::warn!(group = self.settings.group.group, %error, "the log is away");
            return Ok(());
        }
        Err(EngineError::Log { group: self.settings.group.group.clone(), source: error })
    }

    fn on_failure(
        &mut self,
        partition: TopicPartition,
        error: ProcessError,
        member: &dyn Member,
    ) -> Result<(), EngineError> {
        if matches!(error, ProcessError::Stopped { .. })
            && self.settings.until == Until::Stopped
            && let Some(lane) = self.lanes.get_mut(&partition)
        {
            tracing::error!(group = self.settings.group.group, %error, "the partition stops; the others go on");
            // What it has done is still committed, and nothing of it is fetched any more.
            lane.stopped = true;
            lane.queue.close();
            member.pause(&[partition], true);
            return Ok(());
        }
        let was_here = self.lanes.remove(&partition).is_some();
        if matches!(error, ProcessError::Fenced { .. }) {
            // What was let go meanwhile is another's by now, as it should be.
            if was_here {
                tracing::warn!(%partition, "the partition was taken over by another process");
                self.fenced.insert(partition, Fence::new());
            }
            return Ok(());
        }
        Err(self.process_error(partition, error))
    }

    fn process_error(&self, partition: TopicPartition, source: ProcessError) -> EngineError {
        EngineError::Process { group: self.settings.group.group.clone(), partition, source }
    }

    async fn take(&mut self, assignment: Assignment) -> Result<(), EngineError> {
        let partitions = assignment.partitions.clone();
        if partitions.is_empty() {
            assignment.start(Vec::new());
            return Ok(());
        }
        if let Some((partition, expected)) = self.settings.order.broken_by(&partitions) {
            let (group, partition) = (self.settings.group.group.clone(), partition.clone());
            return Err(EngineError::Partitions { group, partition, expected });
        }
        tracing::info!(group = self.settings.group.group, count = partitions.len(), "partitions assigned");
        let starts = self.processor.take_over(&partitions).await;
        let starts = starts.map_err(|error| self.process_error(partitions[0].clone(), error))?;
        for partition in partitions {
            self.fenced.remove(&partition);
            let lane = self.open(partition.clone());
            self.lanes.insert(partition, lane);
        }
        assignment.start(starts);
        Ok(())
    }

    fn open(&self, partition: TopicPartition) -> Lane {
        let (queue, input) = Queue::new(self.changed.clone());
        let (progress, reached) = Progress::new(self.changed.clone(), Some(self.committer.membership()));
        let (processor, report) = (self.processor.clone(), self.report.clone());
        let task = tokio::spawn(async move {
            // A panic is a bug of a handler or a sink. The engine ends with an error then: waiting for a lane that makes no
            // more progress would have no end.
            let run = AssertUnwindSafe(processor.run(partition.clone(), input, progress)).catch_unwind();
            let panicked = |_| ProcessError::Refused { what: "the processor panicked".to_owned(), source: None };
            if let Err(error) = run.await.map_err(panicked).flatten() {
                // Only an engine that has ended does not listen.
                let _ = report.send((partition, error)).await;
            }
        });
        Lane { queue, reached, committed: None, full_since: None, paused: false, stopped: false, task }
    }

    fn feed(&mut self, fetched: Fetched) {
        let mut records = fetched.records.into_iter().peekable();
        while let Some(first) = records.peek().map(Record::topic_partition) {
            // Most records are of the same partition as the one before: they go in together.
            let run = std::iter::from_fn(|| {
                records.next_if(|r| r.partition() == first.partition && *r.topic() == first.topic)
            });
            match self.lanes.get(&first) {
                Some(lane) => lane.queue.push(run),
                // A record of a partition that is fenced, stopped or let go is of no use.
                None => run.for_each(drop),
            }
        }
        for (partition, end) in fetched.ends {
            if let Some(lane) = self.lanes.get(&partition) {
                lane.queue.push_end(end);
            }
        }
        for lane in self.lanes.values_mut() {
            lane.queue.wake();
            if !lane.paused && lane.queue.bytes() > self.settings.lane_bytes_max / 2 {
                lane.full_since.get_or_insert_with(Instant::now);
            }
        }
    }

    /// Until when nothing is taken from the member, because lanes are full. To pause a partition throws away what the log's
    /// client has fetched ahead of it, so that is put off: as long as no lane starves everything waits, up to a bound (events of
    /// the group come the same way); and where one does, those that are full may take more, up to theirs.
    fn hold_back(&mut self, member: &dyn Member) -> Option<Instant> {
        let max = self.settings.lane_bytes_max;
        for lane in self.lanes.values_mut().filter(|lane| lane.full_since.is_some()) {
            if lane.queue.is_below(max / 4) {
                lane.full_since = None;
            }
        }
        let until = self.lanes.values().filter_map(|lane| lane.full_since).min()? + PATIENCE;
        let now = Instant::now();
        let starving = |lane: &Lane| !lane.paused && !lane.stopped && lane.queue.is_starved();
        if now < until && !self.lanes.values().any(starving) {
            return Some(until);
        }
        let mut pause = Vec::new();
        for (partition, lane) in &mut self.lanes {
            if lane.full_since.is_some_and(|since| now >= since + PATIENCE || lane.queue.bytes() > max) {
                (lane.full_since, lane.paused) = (None, true);
                pause.push(partition.clone());
            }
        }
        if !pause.is_empty() {
            member.pause(&pause, true);
        }
        None
    }

    fn resume(&mut self, member: &dyn Member) {
        let half = self.settings.lane_bytes_max / 2;
        let mut resume = Vec::new();
        for (partition, lane) in &mut self.lanes {
            if lane.paused && !lane.stopped && lane.queue.bytes() <= half {
                lane.paused = false;
                resume.push(partition.clone());
            }
        }
        if !resume.is_empty() {
            member.pause(&resume, false);
        }
    }

    async fn release(&mut self, revocation: Revocation) {
        let partitions = revocation.partitions.clone();
        if !partitions.is_empty() {
            tracing::info!(
                group = self.settings.group.group,
                count = partitions.len(),
                lost = revocation.lost,
                "partitions revoked"
            );
        }
        for partition in &partitions {
            self.fenced.remove(partition);
        }
        self.let_go(&partitions, !revocation.lost).await;
        revocation.release();
    }

    /// Drain, commit, forget.
    async fn let_go(&mut self, partitions: &[TopicPartition], commit: bool) {
        let mut lanes: Vec<(TopicPartition, Lane)> =
            partitions.iter().filter_map(|p| self.lanes.remove(p).map(|lane| (p.clone(), lane))).collect();
        for (_, lane) in &lanes {
            lane.queue.close();
            lane.reached.close();
        }
        let deadline = Instant::now() + self.settings.drain_timeout;
        for (partition, lane) in &mut lanes {
            if tokio::time::timeout_at(deadline, &mut lane.task).await.is_err() {
                tracing::warn!(%partition, "what was begun did not finish in time and is given up");
                lane.task.abort();
                let _ = (&mut lane.task).await;
            }
        }
        if commit {
            let mut turns = Vec::with_capacity(lanes.len());
            let mut positions = Vec::with_capacity(lanes.len());
            for (partition, lane) in &lanes {
                // A transaction of a lane that was given up: without its end nobody knows which position is the later one.
                let Ok(turn) = tokio::time::timeout(TURN_MAX, lane.reached.turn()).await else { continue };
                turns.push(turn);
                positions.extend(uncommitted(partition, lane));
            }
            commit_positions(self.committer.as_ref(), &mut positions).await;
        }
    }

    async fn commit(&mut self) {
        // What a transaction commits at this moment is left to it; the lane asks again afterwards.
        let mut turns = Vec::new();
        let mut positions = Vec::new();
        for (partition, lane) in &self.lanes {
            if let Some(turn) = lane.reached.try_turn() {
                turns.push(turn);
                positions.extend(uncommitted(partition, lane));
            }
        }
        if commit_positions(self.committer.as_ref(), &mut positions).await {
            for (partition, next) in positions {
                if let Some(lane) = self.lanes.get_mut(&partition) {
                    lane.committed = Some(next);
                    lane.reached.committed(next);
                }
            }
        }
    }

    /// Whether all partitions of this member have been processed to their end.
    fn is_caught_up(&self) -> bool {
        !self.lanes.is_empty() && self.fenced.is_empty() && self.lanes.values().all(|lane| lane.reached.caught_up())
    }

    /// A member without partitions is done when the others are: when all the group's positions are at the end.
    async fn is_done_elsewhere(&self) -> bool {
        if self.settings.until != Until::CaughtUp || !self.lanes.is_empty() {
            return false;
        }
        let Some(partitions) = self.all_partitions().await else { return false };
        let Ok(committed) = self.log.committed(&self.settings.group.group, &partitions).await else { return false };
        for (partition, committed) in partitions.iter().zip(committed) {
            let Ok(range) = self.log.range(partition).await else { return false };
            if committed.unwrap_or(range.earliest) < range.latest {
                return false;
            }
        }
        true
    }
}

impl Engine {
    /// The partitions of all topics of the group; none where the log does not tell.
    async fn all_partitions(&self) -> Option<Vec<TopicPartition>> {
        let group = &self.settings.group;
        let mut topics = Vec::new();
        for topic in group.named_topics() {
            topics.push(self.log.topic(topic).await.ok()?);
        }
        if group.topics.len() > topics.len() {
            topics = self.log.topics().await.ok()?.into_iter().filter(|topic| group.subscribes(&topic.name)).collect();
        }
        let of = |topic: &TopicInfo| {
            let name: Arc<str> = topic.name.as_str().into();
            (0..topic.partitions).map(move |number| TopicPartition::new(name.clone(), number))
        };
        Some(topics.iter().flat_map(of).collect())
    }
}

fn uncommitted(partition: &TopicPartition, lane: &Lane) -> Option<(TopicPartition, Offset)> {
    let next = lane.reached.next()?;
    let known = lane.committed == Some(next) || lane.reached.is_committed(next);
    (!known).then(|| (partition.clone(), next))
}

/// Commits, and says whether that worked. What is not committed is delivered again, which the guarantees allow for.
async fn commit_positions(committer: &dyn Committer, positions: &mut [(TopicPartition, Offset)]) -> bool {
    if positions.is_empty() {
        return false;
    }
    positions.sort_unstable();
    match committer.commit(positions).await {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(%error, "progress was not committed to the group");
            false
        }
    }
}
