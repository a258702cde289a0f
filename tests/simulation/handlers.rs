//! Handlers under faults: each event is handled, held or given up; each key in its order; nothing beyond the bounds.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use coursebus_consumer::{
    BreakerSettings, EngineSettings, HandlerError, Handlers, HandlersSettings, HeldFilter, Input, OnPoison,
    ProcessError, Processor, Progress, RetryPolicy,
};
use coursebus_schemas::learning::{CourseEnrollmentChanged, CourseEnrollmentCreated};
use coursebus_transport::{
    GroupSettings, Log, Start, TopicPartition, TopicSpec,
    memory::{MemoryLog, Process, World},
};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep, timeout},
};

use super::{
    cast::{PARTITIONS, cast, event_of, topic},
    check_repeats,
    crew::{Crew, SESSION},
    ledger::{Bounds, Ledger},
    play_many,
    script::{EventId, Script},
};

/// How long faults strike, and how long the group may take afterwards to come to rest.
const STORM: Duration = Duration::from_secs(60);
const REST: Duration = Duration::from_secs(600);
/// How long a call may take.
const LIMIT: Duration = Duration::from_secs(1);
/// How often it is looked whether something is committed that is not done.
const LOOK_EVERY: Duration = Duration::from_millis(20);
const GROUP: &str = "handlers";

#[test]
fn simulation_handlers() {
    play_many("simulation_handlers", 1_000, storm);
}

#[test]
fn simulation_handlers_repeats() {
    check_repeats(storm);
}

/// What lives through the whole of a simulation.
struct Stage {
    world: World,
    /// The log as one sees it whom no fault hits.
    log: MemoryLog,
    script: Arc<Script>,
    ledger: Arc<Ledger>,
    settings: HandlersSettings,
    batch: Option<usize>,
    /// Every process that ever was.
    actors: Mutex<Vec<Arc<Actor>>>,
    /// Until when what the handlers depend on is down.
    down_until: Mutex<Instant>,
}

/// A process.
struct Actor {
    number: u64,
    process: Process,
    stage: Arc<Stage>,
    /// The handlers that it runs.
    current: Mutex<Option<Arc<Handlers>>>,
}

async fn storm(world: World) -> Vec<String> {
    let stage = Stage::new(&world).await;
    stage.raise();
    let writing = tokio::spawn(stage.script.write(&stage.log, &world, STORM));
    let looking = tokio::spawn({
        let ledger = stage.ledger.clone();
        async move {
            loop {
                ledger.check_commits();
                sleep(LOOK_EVERY).await;
            }
        }
    });
    let start = stage.clone();
    let mut crew = Crew::new(&world, move |process, stopped| start.start(process, stopped));
    let until = Instant::now() + STORM;
    while Instant::now() < until && stage.ledger.wrong().is_empty() {
        sleep(world.time_up_to(Duration::from_secs(4))).await;
        crew.strike();
        stage.strike();
        stage.operate(0.3).await;
    }
    world.calm_down();
    crew.go_on();
    writing.await.unwrap();
    let mut wrong = if stage.ledger.wrong().is_empty() { stage.comes_to_rest().await } else { Vec::new() };
    if wrong.is_empty() && stage.ledger.wrong().is_empty() {
        stage.ledger.check_end();
    }
    looking.abort();
    for _ in 0..stage.ledger.repeats() {
        world.count("an effect was repeated");
    }
    wrong.extend(stage.ledger.wrong());
    wrong.extend(stage.ledger.journal());
    wrong
}

fn settings(world: &World) -> HandlersSettings {
    let drawn = |least: u64, below: u64| Duration::from_millis(least + world.below(below));
    let settings = match world.below(10) {
        0 | 1 => HandlersSettings::at_most_once(),
        2 | 3 => HandlersSettings { on_poison: OnPoison::Skip, ..HandlersSettings::default() },
        _ => HandlersSettings::default(),
    };
    HandlersSettings {
        concurrency: 1 + world.below(8) as usize,
        in_flight_max: 1 + world.below(30) as usize,
        in_flight_bytes_max: 200 + world.below(5_000) as usize,
        retry: RetryPolicy { first: drawn(20, 100), max: drawn(100, 500), budget: drawn(500, 4_000) },
        call_limit: Some(LIMIT),
        breaker: BreakerSettings { keys: 2 + world.below(4) as usize, first: drawn(50, 200), max: drawn(500, 2_000) },
        parked_first: drawn(50, 500),
        parked_max: drawn(1_000, 4_000),
        seed: Some(world.below(u64::MAX)),
        ..settings
    }
}

impl Stage {
    async fn new(world: &World) -> Arc<Self> {
        let log = MemoryLog::new(Process::observer(world));
        log.create_topic(&TopicSpec::new(topic(), PARTITIONS)).await.unwrap();
        let (script, settings) = (Arc::new(Script::new(world)), settings(world));
        let bounds = Bounds {
            guarantee: settings.guarantee,
            parks: settings.on_poison == OnPoison::Park,
            open_max: settings.concurrency,
            records_max: settings.in_flight_max,
            bytes_max: settings.in_flight_bytes_max,
        };
        Arc::new(Self {
            ledger: Arc::new(Ledger::new(log.clone(), GROUP, bounds, script.clone())),
            batch: world.chance(0.3).then(|| 2 + world.below(5) as usize),
            actors: Mutex::default(),
            down_until: Mutex::new(Instant::now()),
            world: world.clone(),
            log,
            script,
            settings,
        })
    }

    /// Turns the faults on that strike calls.
    fn raise(&self) {
        self.world.slow_down(Duration::from_millis(4), Duration::from_secs(3));
        for (fault, probability) in [
            ("a question to the log fails", 0.03),
            ("a commit of positions fails", 0.1),
            ("the answer to a commit of positions is lost", 0.1),
            ("a transaction fails", 0.05),
            ("the outcome of a transaction is lost", 0.05),
            ("a handler was slow", 0.3),
            ("a handler failed for now", 0.1),
            ("a handler failed after its effect", 0.03),
            ("a handler hung past its limit", 0.02),
        ] {
            self.world.set(fault, probability);
        }
    }

    fn actors(&self) -> Vec<Arc<Actor>> {
        self.actors.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn start(self: &Arc<Self>, process: Process, stopped: oneshot::Receiver<()>) -> tokio::task::JoinHandle<()> {
        let mut actors = self.actors.lock().unwrap_or_else(PoisonError::into_inner);
        let (number, stage) = (actors.len() as u64, self.clone());
        let actor = Arc::new(Actor { number, process, stage, current: Mutex::default() });
        actors.push(actor.clone());
        tokio::spawn(async move { actor.process.living(actor.run(stopped)).await })
    }

    /// Now and then what all handlers depend on is down for a while.
    fn strike(&self) {
        if self.world.chance(0.1) {
            self.world.count("what handlers depend on was down");
            let until = Instant::now() + self.world.time_up_to(Duration::from_secs(10));
            *self.down_until.lock().unwrap_or_else(PoisonError::into_inner) = until;
        }
    }

    fn is_down(&self) -> bool {
        Instant::now() < *self.down_until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What an operator does with each record that is parked, with a probability: gives poison up, or has it tried again; a
    /// record that waits behind poison is never given up. Every process is asked, as an operator who knows no owner does.
    async fn operate(&self, probability: f64) {
        for (partition, offset, event) in self.ledger.parked() {
            if !self.world.chance(probability) {
                continue;
            }
            let give_up = self.script.is_poison(event) && self.world.chance(0.7);
            self.world.count(if give_up { "a held record was discarded" } else { "a held record was retried" });
            let filter = HeldFilter {
                partition: Some(partition),
                from: Some(offset),
                until: Some(offset.next()),
                ..HeldFilter::all()
            };
            for actor in self.actors().into_iter().filter(|actor| !actor.process.is_killed()) {
                let Some(handlers) = actor.current() else { continue };
                let asked = async {
                    if give_up { handlers.discard(&filter, "given up").await } else { handlers.retry(&filter).await }
                };
                // One that stands still does not answer.
                let _ = timeout(Duration::from_millis(500), asked).await;
            }
        }
    }

    /// Waits until everything is handled, or held and given up, with the members that are there: what a stale member had parked
    /// no owner would know of, and it would wait for ever.
    async fn comes_to_rest(&self) -> Vec<String> {
        let until = Instant::now() + REST;
        loop {
            self.operate(1.0).await;
            let left = self.ledger.left();
            if left.is_empty() || !self.ledger.wrong().is_empty() {
                return Vec::new();
            }
            if Instant::now() > until {
                return vec![format!("not at rest after {REST:?}: {}", left.join(", "))];
            }
            sleep(Duration::from_secs(1)).await;
        }
    }
}

impl Actor {
    fn current(&self) -> Option<Arc<Handlers>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What a process does: runs the handlers, and again when the engine gave up.
    async fn run(self: &Arc<Self>, mut stopped: oneshot::Receiver<()>) {
        let log: Arc<dyn Log> = Arc::new(self.stage.log.for_process(self.process.clone()));
        let world = &self.stage.world;
        loop {
            if let Ok(handlers) = self.handlers(&log).await {
                let handlers = Arc::new(handlers);
                *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(handlers.clone());
                let played = Arc::new(Played { actor: self.clone(), handlers });
                let stop = async { drop((&mut stopped).await) };
                if coursebus_consumer::run(log.clone(), engine(world), played, stop).await.is_ok() {
                    return;
                }
                world.count("the engine gave up and was started again");
            }
            sleep(Duration::from_secs(1)).await;
        }
    }

    async fn handlers(self: &Arc<Self>, log: &Arc<dyn Log>) -> Result<Handlers, ProcessError> {
        let (registry, settings) = (cast().registry.clone(), self.stage.settings.clone());
        let handlers = Handlers::new(log.clone(), registry, GROUP, &[topic()], settings).await?;
        let actor = self.clone();
        let handlers =
            handlers.on(move |event: CourseEnrollmentCreated| actor.clone().handle(vec![event_of(&event.enrollment)]));
        let actor = self.clone();
        Ok(match self.stage.batch {
            None => handlers
                .on(move |event: CourseEnrollmentChanged| actor.clone().handle(vec![event_of(&event.enrollment)])),
            Some(max) => handlers.on_batch(max, move |events: Vec<CourseEnrollmentChanged>| {
                actor.clone().handle(events.iter().map(|event| event_of(&event.enrollment)).collect())
            }),
        })
    }

    /// The handler: it takes its time, has its effect, and answers; or not.
    async fn handle(self: Arc<Self>, events: Vec<EventId>) -> Result<(), HandlerError> {
        let (world, stage) = (&self.stage.world, &self.stage);
        let is_refused = events.iter().any(|event| stage.script.refused.contains(event));
        let call = stage.ledger.begin(self.number, events);
        if world.strikes("a handler was slow") {
            sleep(world.time_up_to(LIMIT / 4)).await;
        }
        if stage.is_down() || world.strikes("a handler failed for now") {
            call.ends(false);
            return Err(HandlerError::Transient("down".into()));
        }
        if is_refused {
            call.ends(false);
            return Err(HandlerError::Poison("refused".to_owned()));
        }
        if world.strikes("a handler hung past its limit") {
            sleep(LIMIT + world.time_up_to(LIMIT * 8)).await;
        }
        call.takes_effect();
        if world.strikes("a handler was slow") {
            sleep(world.time_up_to(LIMIT / 4)).await;
        }
        let is_lost = world.strikes("a handler failed after its effect");
        call.ends(!is_lost);
        if is_lost { Err(HandlerError::Transient("no answer".into())) } else { Ok(()) }
    }
}

fn engine(world: &World) -> EngineSettings {
    let group = GroupSettings {
        session_timeout: SESSION,
        release_timeout: SESSION * 2,
        ..GroupSettings::new(GROUP, vec![topic()])
    };
    let lane_bytes_max = 500 + world.below(20_000) as usize;
    EngineSettings { drain_timeout: SESSION, lane_bytes_max, ..EngineSettings::new(group) }
}

/// The handlers, in their process, with the ledger told of what partitions they have.
struct Played {
    actor: Arc<Actor>,
    handlers: Arc<Handlers>,
}

struct Lane<'a>(&'a Actor, i32);

impl Drop for Lane<'_> {
    fn drop(&mut self) {
        self.0.stage.ledger.lane_ends(self.0.number, self.1);
    }
}

#[async_trait]
impl Processor for Played {
    async fn take_over(&self, partitions: &[TopicPartition]) -> Result<Vec<(TopicPartition, Start)>, ProcessError> {
        self.handlers.take_over(partitions).await
    }

    async fn run(&self, partition: TopicPartition, input: Input, progress: Progress) -> Result<(), ProcessError> {
        let actor = &self.actor;
        let work = async {
            actor.stage.ledger.lane_begins(actor.number, partition.partition);
            let _lane = Lane(actor, partition.partition);
            self.handlers.run(partition.clone(), input, progress).await
        };
        actor.process.living(work).await
    }
}
