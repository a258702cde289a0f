//! Pipes under faults: what is made of each event is on the other topic exactly once, in the order of the log, and at every
//! moment exactly for the events before the committed position.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use coursebus_consumer::{
    EngineSettings, HandlerError, HeldState, Input, Pipe, PipeSettings, ProcessError, Processor, Progress, RetryPolicy,
    held_event, held_topic,
};
use coursebus_schemas::learning::{CourseEnrollmentChanged, CourseEnrollmentCreated};
use coursebus_transport::{
    GroupSettings, Log, NewRecord, Offset, Record, Start, TopicPartition, TopicSpec,
    memory::{MemoryLog, Process, World},
};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep},
};

use super::{
    cast::{PARTITIONS, cast, event_of, topic},
    check_repeats,
    crew::{Crew, SESSION},
    play_many,
    script::{EventId, Script, partition_of, partitions},
};

const STORM: Duration = Duration::from_secs(60);
const REST: Duration = Duration::from_secs(600);
const LOOK_EVERY: Duration = Duration::from_millis(20);
const GROUP: &str = "pipe";
/// The topic that is written to.
const MADE: &str = "sim-made";

#[test]
fn simulation_pipe() {
    play_many("simulation_pipe", 500, storm);
}

#[test]
fn simulation_pipe_repeats() {
    check_repeats(storm);
}

struct Stage {
    world: World,
    log: MemoryLog,
    script: Arc<Script>,
    settings: PipeSettings,
    wrong: Mutex<Vec<String>>,
}

async fn storm(world: World) -> Vec<String> {
    let stage = Stage::new(&world).await;
    stage.raise();
    let writing = tokio::spawn(stage.script.write(&stage.log, &world, STORM));
    let looking = tokio::spawn(stage.clone().look());
    let start = stage.clone();
    let mut crew = Crew::new(&world, move |process, stopped| {
        let stage = start.clone();
        tokio::spawn(async move { process.living(stage.run(process.clone(), stopped)).await })
    });
    let until = Instant::now() + STORM;
    while Instant::now() < until && stage.wrong().is_empty() {
        sleep(world.time_up_to(Duration::from_secs(4))).await;
        crew.strike();
    }
    world.calm_down();
    crew.go_on();
    writing.await.unwrap();
    if stage.wrong().is_empty() {
        stage.comes_to_rest().await;
    }
    looking.abort();
    stage.wrong()
}

/// What is made of an event.
fn made(event: EventId) -> Vec<NewRecord> {
    let record = |part: u32| NewRecord {
        topic: MADE.into(),
        partition: partition_of(event.0),
        timestamp_ms: None,
        key: Some(event.0.to_string().into()),
        value: Some(format!("{event:?} {part}").into()),
        headers: Vec::new(),
    };
    // Of some nothing, of others two.
    (0..(event.0 + event.1) as u32 % 3).map(record).collect()
}

impl Stage {
    async fn new(world: &World) -> Arc<Self> {
        let log = MemoryLog::new(Process::observer(world));
        for name in [topic(), MADE.to_owned()] {
            log.create_topic(&TopicSpec::new(name, PARTITIONS)).await.unwrap();
        }
        let drawn = |least: u64, below: u64| Duration::from_millis(least + world.below(below));
        let settings = PipeSettings {
            retry: RetryPolicy { first: drawn(20, 100), max: drawn(100, 500), budget: drawn(500, 8_000) },
            batch_records_max: 1 + world.below(20) as usize,
            batch_bytes_max: 500 + world.below(10_000) as usize,
            seed: Some(world.below(u64::MAX)),
            ..PipeSettings::default()
        };
        let (script, wrong) = (Arc::new(Script::new(world)), Mutex::default());
        Arc::new(Self { world: world.clone(), log, script, settings, wrong })
    }

    fn raise(&self) {
        self.world.slow_down(Duration::from_millis(4), Duration::from_secs(3));
        for (fault, probability) in [
            ("a question to the log fails", 0.03),
            ("a transaction fails", 0.1),
            ("the outcome of a transaction is lost", 0.1),
            ("a function was slow", 0.3),
            ("a function failed for now", 0.1),
        ] {
            self.world.set(fault, probability);
        }
    }

    fn claim(&self, is_right: bool, wrong: impl FnOnce() -> String) {
        let mut all = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_right && all.len() < 5 {
            all.push(wrong());
        }
    }

    fn wrong(&self) -> Vec<String> {
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What a process does: runs the pipe, and again when the engine gave up.
    async fn run(self: Arc<Self>, process: Process, mut stopped: oneshot::Receiver<()>) {
        let log: Arc<dyn Log> = Arc::new(self.log.for_process(process.clone()));
        loop {
            if let Ok(pipe) = self.pipe(&log).await {
                let group = GroupSettings {
                    session_timeout: SESSION,
                    release_timeout: SESSION * 2,
                    ..GroupSettings::new(GROUP, vec![topic()])
                };
                let engine = EngineSettings { drain_timeout: SESSION, ..EngineSettings::new(group) };
                let played = Arc::new(Played { process: process.clone(), pipe });
                let stop = async { drop((&mut stopped).await) };
                if coursebus_consumer::run(log.clone(), engine, played, stop).await.is_ok() {
                    return;
                }
                self.world.count("the engine gave up and was started again");
            }
            sleep(Duration::from_secs(1)).await;
        }
    }

    async fn pipe(self: &Arc<Self>, log: &Arc<dyn Log>) -> Result<Pipe, ProcessError> {
        let (registry, settings) = (cast().registry.clone(), self.settings.clone());
        let pipe = Pipe::new(log.clone(), registry, GROUP, &[topic()], settings).await?;
        let (one, two) = (self.clone(), self.clone());
        Ok(pipe
            .on(move |event: CourseEnrollmentCreated| one.clone().make(event_of(&event.enrollment)))
            .on(move |event: CourseEnrollmentChanged| two.clone().make(event_of(&event.enrollment))))
    }

    /// The function of the pipe.
    async fn make(self: Arc<Self>, event: EventId) -> Result<Vec<NewRecord>, HandlerError> {
        self.check_batch(event);
        if self.world.strikes("a function was slow") {
            sleep(self.world.time_up_to(Duration::from_millis(300))).await;
        }
        if self.world.strikes("a function failed for now") {
            return Err(HandlerError::Transient("down".into()));
        }
        if self.script.refused.contains(&event) {
            return Err(HandlerError::Poison("refused".to_owned()));
        }
        Ok(made(event))
    }

    /// No transaction takes more than it may: nothing further ahead of the committed position is touched.
    fn check_batch(&self, event: EventId) {
        let partition = TopicPartition::new(topic(), partition_of(event.0));
        let committed = self.log.peek_committed(GROUP, &partition).unwrap_or_default();
        let ahead = self.log.peek(&partition, committed);
        let at = ahead.iter().position(|record| self.event(record) == event);
        let max = self.settings.batch_records_max;
        self.claim(at.is_none_or(|at| at < max), || {
            format!("{event:?} is {at:?} records ahead of {committed} of {max}")
        });
    }

    fn event(&self, record: &Record) -> EventId {
        let id = record.headers().iter().find(|(name, _)| *name == "ce_id").and_then(|(_, value)| *value);
        self.script.event(std::str::from_utf8(id.unwrap()).unwrap())
    }

    /// Looks again and again whether what is made is what is committed.
    async fn look(self: Arc<Self>) {
        let mut seen = vec![None; PARTITIONS as usize];
        loop {
            for (partition, seen) in partitions().iter().zip(&mut seen) {
                let committed = self.log.peek_committed(GROUP, partition);
                if *seen != committed {
                    self.check(partition, committed.unwrap_or_default());
                    *seen = committed;
                }
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// What is on the other topic, and held, is what was made of the events before the committed position: each once, in
    /// their order, and nothing else.
    fn check(&self, partition: &TopicPartition, committed: Offset) {
        let (mut due, mut dead) = (Vec::new(), Vec::new());
        for record in self.log.peek(partition, Offset(0)).iter().filter(|record| record.offset() < committed) {
            let event = self.event(record);
            if self.script.is_poison(event) {
                dead.push(record.offset());
            } else {
                due.extend(made(event).into_iter().map(|record| record.value));
            }
        }
        let there = self.log.peek(&TopicPartition::new(MADE, partition.partition), Offset(0));
        let there: Vec<_> = there.iter().map(|record| record.value().map(|value| value.to_vec().into())).collect();
        let difference = due.iter().zip(&there).position(|(due, there)| due != there);
        let (many, count) = (due.len(), there.len());
        self.claim(due == there, || {
            format!("{partition} at {committed}: {count} records are made and {many} due; the first that differs: {difference:?}")
        });
        let held = self.log.peek(&TopicPartition::new(held_topic(GROUP, &topic()), partition.partition), Offset(0));
        let held: Vec<_> = held.iter().map(|record| held_event(record).unwrap()).collect();
        let held: Vec<_> =
            held.iter().filter(|event| event.state == HeldState::Dead).map(|event| event.record.offset()).collect();
        self.claim(dead == held, || {
            format!("{partition} at {committed}: {held:?} are held as dead, {dead:?} are poison")
        });
    }

    async fn comes_to_rest(&self) {
        let until = Instant::now() + REST;
        loop {
            let behind = |partition: &TopicPartition| {
                let committed = self.log.peek_committed(GROUP, partition).unwrap_or_default();
                self.log.peek(partition, committed).len()
            };
            let left: usize = partitions().iter().map(behind).sum();
            if left == 0 || !self.wrong().is_empty() {
                break;
            }
            self.claim(Instant::now() < until, || format!("not at rest after {REST:?}: {left} records are left"));
            sleep(Duration::from_secs(1)).await;
        }
        for partition in partitions() {
            self.check(&partition, Offset(i64::MAX));
        }
    }
}

/// The pipe, in its process.
struct Played {
    process: Process,
    pipe: Pipe,
}

#[async_trait]
impl Processor for Played {
    async fn take_over(&self, partitions: &[TopicPartition]) -> Result<Vec<(TopicPartition, Start)>, ProcessError> {
        self.pipe.take_over(partitions).await
    }

    async fn run(&self, partition: TopicPartition, input: Input, progress: Progress) -> Result<(), ProcessError> {
        self.process.living(self.pipe.run(partition, input, progress)).await
    }
}
