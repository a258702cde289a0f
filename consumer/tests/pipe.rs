//! From topic to topic, exactly once, on the embedded log: crashes, a member that was away, poison.

mod support;

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use coursebus_consumer::{HandlerError, OnPoison, Pipe, PipeSettings, ProcessError, Processor, run};
use coursebus_schemas::learning::CourseEnrollmentCreated;
use coursebus_transport::{NewRecord, Offset, TopicSpec};
use support::{Scene, TOPIC, name, until};
use tokio::sync::Semaphore;

const OUT: &str = "made";

fn made(name: &str) -> NewRecord {
    NewRecord {
        topic: OUT.into(),
        partition: 0,
        timestamp_ms: None,
        key: None,
        value: Some(name.to_owned().into()),
        headers: Vec::new(),
    }
}

async fn scene(count: usize) -> Scene {
    let scene = Scene::new(1).await;
    scene.log.create_topic(&TopicSpec::new(OUT, 1)).await.expect("a topic");
    for number in 0..count {
        scene.append(0, "course", 1, &number.to_string()).await;
    }
    scene
}

async fn pipe(scene: &Scene, settings: PipeSettings) -> Pipe {
    let topics = [TOPIC.to_owned()];
    Pipe::new(scene.log.clone(), scene.registry.clone(), "pipe", &topics, settings).await.expect("a pipe")
}

fn small() -> PipeSettings {
    PipeSettings { batch_records_max: 7, ..PipeSettings::default() }
}

async fn out(scene: &Scene) -> Vec<String> {
    let records = scene.records(OUT).await;
    records.iter().map(|r| String::from_utf8_lossy(r.value().expect("a value")).into_owned()).collect()
}

fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|n| n.to_string()).collect()
}

/// A pipe that ends in the middle of a batch goes on at its last transaction: each event is made something of once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_neither_loses_nor_repeats() {
    let scene = scene(100).await;
    for crash in [30, 31, 69, 200] {
        let pipe = pipe(&scene, small()).await.on(move |event: CourseEnrollmentCreated| async move {
            let name = name(&event);
            assert!(name != crash.to_string(), "a crash");
            Ok(vec![made(&name)])
        });
        let ended = scene.until_caught_up("pipe", Arc::new(pipe)).await;
        assert_eq!(ended.is_ok(), crash == 200, "{ended:?}");
        let (out, committed) = (out(&scene).await, scene.committed("pipe", 0).await);
        assert_eq!(out, numbers(out.len()));
        assert_eq!(committed, Some(Offset(out.len() as i64)), "records and position are of one transaction");
    }
    assert_eq!(out(&scene).await.len(), 100);
}

/// A member that was away while its partition moved commits nothing of what it had in hand.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_was_away_adds_nothing() {
    let scene = scene(20).await;
    let (gate, waits) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicBool::new(false)));
    let (opened, waiting) = (gate.clone(), waits.clone());
    let stale = pipe(&scene, small()).await.on(move |event: CourseEnrollmentCreated| {
        let (opened, waiting) = (opened.clone(), waiting.clone());
        async move {
            if name(&event) == "10" {
                waiting.store(true, Ordering::SeqCst);
                drop(opened.acquire().await);
            }
            Ok(vec![made(&name(&event))])
        }
    });
    let stale: Arc<dyn Processor> = Arc::new(stale);
    let remains = Arc::downgrade(&stale);
    let engine = tokio::spawn(run(scene.log.clone(), scene.settings("pipe"), stale, std::future::pending()));
    until("it is in the middle of its second batch", || waits.load(Ordering::SeqCst)).await;
    // The member is gone, without a drain; the task of its partition is still there, as in a process that stood still.
    engine.abort();

    let next =
        pipe(&scene, small()).await.on(|event: CourseEnrollmentCreated| async move { Ok(vec![made(&name(&event))]) });
    scene.until_caught_up("pipe", Arc::new(next)).await.expect("the next member goes on");
    assert_eq!(out(&scene).await, numbers(20));
    gate.add_permits(1);
    until("the stale one has tried to commit, and ended", || remains.strong_count() == 0).await;
    assert_eq!(out(&scene).await, numbers(20));
    assert_eq!(scene.committed("pipe", 0).await, Some(Offset(20)));
}

/// A member that was away may take the name of the owner's transactions when it wakes. The owner goes on all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_member_does_not_stop_the_owner() {
    let scene = scene(20).await;
    let all =
        pipe(&scene, small()).await.on(|event: CourseEnrollmentCreated| async move { Ok(vec![made(&name(&event))]) });
    let member = scene.member("pipe", Arc::new(all));
    for round in 1..4 {
        let asking = async {
            while scene.committed("pipe", 0).await != Some(Offset(20 * round)) {
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
        };
        support::within("it is at the end", asking).await;
        // What a stale member does that does not know what became of its transaction.
        drop(scene.log.transactional(&format!("pipe.{TOPIC}.0")).await.expect("a writer"));
        for number in 20 * round..20 * round + 20 {
            scene.append(0, "course", 1, &number.to_string()).await;
        }
    }
    let asking = async {
        while scene.committed("pipe", 0).await != Some(Offset(80)) {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    };
    support::within("the owner goes on", asking).await;
    assert_eq!(out(&scene).await, numbers(80));
    member.stop().await.expect("it was stopped");
}

/// Poison is held in the transaction of its batch, once.
#[tokio::test]
async fn poison_is_held_with_its_batch() {
    let scene = scene(20).await;
    scene.append_raw(0, Some("course"), Some(b"no frame".to_vec())).await;
    let make = |event: CourseEnrollmentCreated| async move {
        match name(&event).as_str() {
            "9" => Err(HandlerError::Poison("no".to_owned())),
            name => Ok(vec![made(name), made(name)]),
        }
    };
    let pipe_of = pipe(&scene, small()).await.on(make);
    scene.until_caught_up("pipe", Arc::new(pipe_of)).await.expect("it is caught up");
    let names: BTreeSet<String> = out(&scene).await.into_iter().collect();
    assert_eq!((out(&scene).await.len(), names.len(), names.contains("9")), (38, 19, false));
    let held = scene.held("pipe").await;
    assert_eq!(
        held,
        [("dead", "refused", 9), ("dead", "malformed-frame", 20)].map(|(s, c, o)| (s.into(), c.into(), o))
    );
    assert_eq!(scene.committed("pipe", 0).await, Some(Offset(21)));
}

/// With `stop` what lies before the poison is committed, and nothing behind it.
#[tokio::test]
async fn poison_may_stop_a_pipe() {
    let scene = scene(20).await;
    let settings = PipeSettings { on_poison: OnPoison::Stop, ..small() };
    let pipe = pipe(&scene, settings).await.on(|event: CourseEnrollmentCreated| async move {
        let name = name(&event);
        if name == "9" { Err(HandlerError::Poison("no".to_owned())) } else { Ok(vec![made(&name)]) }
    });
    let error = scene.until_caught_up("pipe", Arc::new(pipe)).await.expect_err("it stops");
    assert!(format!("{error:?}").contains("Stopped"), "{error:?}");
    assert_eq!(out(&scene).await, numbers(9));
    assert_eq!(scene.committed("pipe", 0).await, Some(Offset(9)));
}

#[tokio::test]
async fn a_pipe_cannot_park() {
    let scene = scene(0).await;
    let settings = PipeSettings { on_poison: OnPoison::Park, ..PipeSettings::default() };
    let refused = Pipe::new(scene.log.clone(), scene.registry.clone(), "g", &[TOPIC.to_owned()], settings).await.err();
    assert!(matches!(refused, Some(ProcessError::Refused { .. })), "{refused:?}");
}
