//! Members that stood still, were taken over, or get more to do while they run.

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use coursebus_consumer::{
    EngineError, EngineSettings, HandlerError, Handlers, HandlersSettings, Input, ProcessError, Processor, Progress,
    run,
};
use coursebus_schemas::learning::CourseEnrollmentCreated;
use coursebus_transport::{
    GroupSettings, Log, Offset, Start, TopicPartition, TopicSpec,
    memory::{MemoryLog, Process, World},
};
use support::{Scene, Seen, TOPIC, name, until, within};
use tokio::sync::Semaphore;

/// A handler that says when it was called and then waits for the gate; what comes of it is poison.
struct Gated {
    gate: Arc<Semaphore>,
    is_called: Arc<AtomicBool>,
}

impl Gated {
    fn new() -> Self {
        Self { gate: Arc::new(Semaphore::new(0)), is_called: Arc::default() }
    }

    fn handlers(&self, handlers: Handlers) -> Handlers {
        let (gate, is_called) = (self.gate.clone(), self.is_called.clone());
        handlers.on(move |_: CourseEnrollmentCreated| {
            let (gate, is_called) = (gate.clone(), is_called.clone());
            async move {
                is_called.store(true, Ordering::SeqCst);
                drop(gate.acquire().await);
                Err(HandlerError::Poison("too late".to_owned()))
            }
        })
    }
}

fn noting(handlers: Handlers, seen: &Seen) -> Handlers {
    let seen = seen.clone();
    handlers.on(move |event: CourseEnrollmentCreated| {
        seen.note(name(&event));
        std::future::ready(Ok(()))
    })
}

/// A member that is gone from its group, while the task of its partition is still there, parks nothing: the next owner has
/// read what is held, and would not know of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_was_away_parks_nothing() {
    let scene = Scene::new(1).await;
    scene.append(0, "course", 1, "a").await;
    let gated = Gated::new();
    let stale: Arc<dyn Processor> = Arc::new(gated.handlers(scene.handlers("away", HandlersSettings::default()).await));
    let remains = Arc::downgrade(&stale);
    let engine = tokio::spawn(run(scene.log.clone(), scene.settings("away"), stale, std::future::pending()));
    until("it handles the record", || gated.is_called.load(Ordering::SeqCst)).await;
    engine.abort();

    let seen = Seen::default();
    let next = noting(scene.handlers("away", HandlersSettings::default()).await, &seen);
    scene.until_caught_up("away", Arc::new(next)).await.expect("the next member goes on");
    gated.gate.add_permits(1);
    until("the stale one has tried to park, and ended", || remains.strong_count() == 0).await;
    assert_eq!(scene.held("away").await, []);
    assert_eq!((seen.all(), scene.committed("away", 0).await), (vec!["a".to_owned()], Some(Offset(1))));
}

/// The same of a process that stands still as a whole, and wakes: it writes nothing, is told what it lost, and goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_stood_still_parks_nothing_and_goes_on() {
    let world = World::calm(1);
    let log = MemoryLog::new(Process::observer(&world));
    let (first, second) = (Process::start(&world), Process::start(&world));
    let scene = Scene::on(Arc::new(log.clone()), None, 1).await;
    scene.append(0, "course", 1, "a").await;
    let mut settings = scene.settings("still");
    settings.group.session_timeout = Duration::from_millis(300);
    let member = |process: &Process| -> Arc<dyn Log> { Arc::new(log.for_process(process.clone())) };
    let handlers = async |log: &Arc<dyn Log>| {
        let (topics, settings) = ([TOPIC.to_owned()], HandlersSettings::default());
        Handlers::new(log.clone(), scene.registry.clone(), "still", &topics, settings).await.expect("handlers")
    };

    let gated = Gated::new();
    let (its_log, stop) = (member(&first), Arc::new(Semaphore::new(0)));
    let stale = Arc::new(gated.handlers(handlers(&its_log).await));
    let (stopped, its_settings) = (stop.clone(), settings.clone());
    let engine = tokio::spawn(run(its_log, its_settings, stale, async move { drop(stopped.acquire().await) }));
    until("it handles the record", || gated.is_called.load(Ordering::SeqCst)).await;
    first.stop();

    let (its_log, seen) = (member(&second), Seen::default());
    let next = Arc::new(noting(handlers(&its_log).await, &seen));
    let other_stop = Arc::new(Semaphore::new(0));
    let stopped = other_stop.clone();
    let other = tokio::spawn(run(its_log, settings, next, async move { drop(stopped.acquire().await) }));
    seen.until("the other has the partition", |all| all == ["a"]).await;
    let committed = async {
        while scene.committed("still", 0).await != Some(Offset(1)) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    within("the other has committed it", committed).await;

    gated.gate.add_permits(1);
    first.go_on();
    // It takes part again, so that it gets what the other leaves.
    other_stop.add_permits(1);
    within("the other ends", other).await.expect("no panic").expect("it was stopped");
    let owner = async {
        while scene.log.group("still").await.expect("a group").members.iter().all(|m| m.partitions.is_empty()) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    within("it has the partition again", owner).await;
    assert_eq!(scene.held("still").await, []);
    assert_eq!(scene.committed("still", 0).await, Some(Offset(1)));
    stop.add_permits(1);
    within("it ends", engine).await.expect("no panic").expect("it was stopped, not fenced");
}

/// A processor whose partition is always taken over by someone.
struct Taken;

#[async_trait]
impl Processor for Taken {
    async fn take_over(&self, _: &[TopicPartition]) -> Result<Vec<(TopicPartition, Start)>, ProcessError> {
        Ok(Vec::new())
    }

    async fn run(&self, partition: TopicPartition, mut input: Input, _: Progress) -> Result<(), ProcessError> {
        input.begins().await;
        Err(ProcessError::Fenced { partition })
    }
}

/// Taken over by someone who is no member of the group: the engine ends as soon as the group has said so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_that_is_fenced_from_outside_ends_at_once() {
    let scene = Scene::new(1).await;
    scene.append(0, "course", 1, "a").await;
    let began = Instant::now();
    let ended = scene.member("fenced", Arc::new(Taken)).ended().await;
    assert!(matches!(&ended, Err(EngineError::Process { source: ProcessError::Fenced { .. }, .. })), "{ended:?}");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}: before its session is over", began.elapsed());
}

/// A topic of the catalogue that is given partitions while a group runs stops the engine, and nothing of them is handled.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_partitions_of_a_topic_with_an_order_stop_the_engine() {
    const ORDERED: &str = "x-course-enrollment-lifecycle";
    let scene = Scene::new(1).await;
    scene.log.create_topic(&TopicSpec::new(ORDERED, 4)).await.expect("a topic");
    scene.append_on(ORDERED, "course", 1, "a").await;
    let topics = [ORDERED.to_owned()];
    let handlers =
        Handlers::new(scene.log.clone(), scene.registry.clone(), "ordered", &topics, HandlersSettings::default());
    let seen = Seen::default();
    let handlers = Arc::new(noting(handlers.await.expect("handlers"), &seen));
    let settings = EngineSettings::new(GroupSettings::new("ordered", topics.to_vec()));
    let engine = tokio::spawn(run(scene.log.clone(), settings, handlers, std::future::pending()));
    seen.until("it runs", |all| all == ["a"]).await;
    scene.log.grow_topic(ORDERED, 5).await.expect("it grows");
    match within("the engine ends", engine).await.expect("no panic") {
        Err(EngineError::Partitions { partition, expected, .. }) => {
            assert_eq!((partition, expected), (TopicPartition::new(ORDERED, 4), 4));
        }
        other => panic!("{other:?}"),
    }
    let committed = scene.log.committed("ordered", &[TopicPartition::new(ORDERED, 0)]).await.expect("positions");
    assert_eq!(committed, [Some(Offset(1))], "what was done is committed");
}

/// A topic without an order may grow: the new partitions are handled from their first record on, and can park.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_partitions_of_a_topic_without_an_order_are_handled() {
    let scene = Scene::new(1).await;
    scene.append(0, "course", 1, "a").await;
    let seen = Seen::default();
    let handlers = noting(scene.handlers("grows", HandlersSettings::default()).await, &seen);
    let member = scene.member("grows", Arc::new(handlers));
    seen.until("it runs", |all| all == ["a"]).await;
    scene.log.grow_topic(TOPIC, 3).await.expect("it grows");
    scene.append(2, "course", 1, "b").await;
    scene.append_raw(2, Some("course"), Some(b"no frame".to_vec())).await;
    seen.until("the new partition is handled", |all| all == ["a", "b"]).await;
    let parked = async {
        while scene.held("grows").await.is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    within("what cannot be read is parked", parked).await;
    member.stop().await.expect("it was stopped");
    assert_eq!(scene.held("grows").await, [("parked".to_owned(), "malformed-frame".to_owned(), 1)]);
    assert_eq!(scene.committed("grows", 2).await, Some(Offset(2)));
}

/// A subscription by a pattern reads what matches it, also what comes later; what the group holds itself does not match.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_that_match_a_pattern_are_handled() {
    let scene = Scene::new(1).await;
    scene.append(0, "course", 1, "a").await;
    scene.append_raw(0, Some("other"), Some(b"no frame".to_vec())).await;
    let topics = ["life*".to_owned()];
    let handlers =
        Handlers::new(scene.log.clone(), scene.registry.clone(), "life", &topics, HandlersSettings::default());
    let seen = Seen::default();
    let handlers = Arc::new(noting(handlers.await.expect("handlers"), &seen));
    let mut settings = scene.settings("life");
    settings.group.topics = topics.to_vec();
    let stop = Arc::new(Semaphore::new(0));
    let stopped = stop.clone();
    let engine = tokio::spawn(run(scene.log.clone(), settings, handlers, async move { drop(stopped.acquire().await) }));
    seen.until("it runs", |all| all == ["a"]).await;
    scene.log.create_topic(&TopicSpec::new("life-two", 1)).await.expect("a topic");
    scene.append_on("life-two", "course", 1, "b").await;
    seen.until("the new topic is handled", |all| all == ["a", "b"]).await;
    let members = scene.log.group("life").await.expect("a group").members;
    let owned: Vec<_> = members.iter().flat_map(|m| m.partitions.iter().map(|p| p.topic.to_string())).collect();
    assert_eq!(owned, ["life-two", TOPIC]);
    stop.add_permits(1);
    within("it ends", engine).await.expect("no panic").expect("it was stopped");
    assert_eq!(scene.held("life").await.len(), 1);
}
