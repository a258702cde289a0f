//! Handlers on the embedded log: order, bounds, retries, guarantees.

mod support;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use coursebus_consumer::{
    BreakerSettings, HandlerError, Handlers, HandlersSettings, HeldFilter, OnPoison, ProcessError, RetryPolicy,
};
use coursebus_schemas::learning::CourseEnrollmentCreated;
use coursebus_transport::Class;
use support::{Scene, Seen, name, until, within};
use tokio::sync::Semaphore;

fn transient() -> HandlerError {
    HandlerError::Transient("not now".into())
}

fn quick() -> RetryPolicy {
    RetryPolicy { first: Duration::from_millis(2), max: Duration::from_millis(10), budget: Duration::from_millis(60) }
}

/// Many keys beside each other, each in its order, never more at once than allowed, and all of them at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_handled_beside_each_other_and_in_their_order() {
    let scene = Scene::new(2).await;
    for number in 0..40 {
        for user in 0..8 {
            scene.append(i32::try_from(user % 2).unwrap(), "course", user, &number.to_string()).await;
        }
    }
    let (seen, open, most) = (Seen::default(), Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let settings = HandlersSettings { concurrency: 6, ..HandlersSettings::default() };
    let (noted, running, peak) = (seen.clone(), open.clone(), most.clone());
    let handlers = scene.handlers("order", settings).await.on(move |event: CourseEnrollmentCreated| {
        let (noted, running, peak) = (noted.clone(), running.clone(), peak.clone());
        async move {
            peak.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(1)).await;
            running.fetch_sub(1, Ordering::SeqCst);
            noted.note(format!("{}:{}", event.enrollment.user.id, name(&event)));
            Ok(())
        }
    });
    scene.until_caught_up("order", Arc::new(handlers)).await.expect("it is caught up");
    let mut by_key: HashMap<String, Vec<usize>> = HashMap::new();
    for seen in seen.all() {
        let (user, number) = seen.split_once(':').expect("both");
        by_key.entry(user.to_owned()).or_default().push(number.parse().expect("a number"));
    }
    assert_eq!(by_key.len(), 8);
    for (user, numbers) in by_key {
        assert_eq!(numbers, (0..40).collect::<Vec<_>>(), "user {user}");
    }
    // One partition alone would be at four: the bound is the member's.
    let most = most.load(Ordering::SeqCst);
    assert!((5..=6).contains(&most), "{most} at once");
    assert_eq!(scene.committed("order", 0).await.map(|o| o.0), Some(160));
}

/// A type without a handler and events that are ready at once leave nothing in hand.
#[tokio::test]
async fn batches_take_what_is_there_in_order() {
    let scene = Scene::new(1).await;
    for number in 0..100 {
        scene.append(0, "course", number % 3, &number.to_string()).await;
    }
    let (seen, sizes) = (Seen::default(), Seen::default());
    let (noted, noted_sizes) = (seen.clone(), sizes.clone());
    let handlers = scene.handlers("batch", HandlersSettings::default()).await;
    let handlers = handlers.on_batch(10, move |events: Vec<CourseEnrollmentCreated>| {
        noted_sizes.note(events.len().to_string());
        events.iter().for_each(|event| noted.note(name(event)));
        async {
            tokio::task::yield_now().await;
            Ok(())
        }
    });
    let fed = scene.fed(&Arc::new(handlers)).await;
    fed.caught_up().await;
    fed.close().await;
    let mut all: Vec<usize> = seen.all().iter().map(|n| n.parse().expect("a number")).collect();
    for key in 0..3 {
        let of_key: Vec<usize> = all.iter().copied().filter(|n| n % 3 == key).collect();
        assert!(of_key.is_sorted(), "{of_key:?}");
    }
    all.sort_unstable();
    assert_eq!(all, (0..100).collect::<Vec<_>>());
    let sizes: Vec<usize> = sizes.all().iter().map(|size| size.parse().expect("a number")).collect();
    assert!(sizes.len() <= 13 && sizes.iter().all(|size| *size <= 10), "{sizes:?}");
}

/// A batch with a poison event is divided until that one is alone; the others take effect, the later ones of its key wait.
#[tokio::test]
async fn a_batch_with_poison_is_divided() {
    let scene = Scene::new(1).await;
    for number in 0..16 {
        scene.append(0, "course", number % 4, &number.to_string()).await;
    }
    let seen = Seen::default();
    let noted = seen.clone();
    let handlers = scene.handlers("divided", HandlersSettings::default()).await;
    let handlers = handlers.on_batch(100, move |events: Vec<CourseEnrollmentCreated>| {
        let bad = events.iter().any(|event| name(event) == "5");
        if !bad {
            events.iter().for_each(|event| noted.note(name(event)));
        }
        std::future::ready(if bad { Err(HandlerError::Poison("no".to_owned())) } else { Ok(()) })
    });
    let fed = scene.fed(&Arc::new(handlers)).await;
    fed.caught_up().await;
    let mut all: Vec<usize> = seen.all().iter().map(|n| n.parse().expect("a number")).collect();
    all.sort_unstable();
    assert_eq!(all, [0, 1, 2, 3, 4, 6, 7, 8, 10, 11, 12, 14, 15], "5, 9 and 13 are of the held key");
    let held = scene.held("divided").await;
    assert_eq!(held, [5, 9, 13].map(|offset| ("parked".to_owned(), "refused".to_owned(), offset)));
    fed.close().await;
}

/// What fails for now is tried again in place: its key waits, others do not.
#[tokio::test]
async fn transient_failures_are_tried_again_while_their_key_waits() {
    let scene = Scene::new(1).await;
    for (user, name) in [(1, "a0"), (1, "a1"), (2, "b0"), (2, "b1")] {
        scene.append(0, "course", user, name).await;
    }
    let seen = Seen::default();
    let noted = seen.clone();
    let handlers = scene.handlers("again", HandlersSettings { retry: quick(), ..HandlersSettings::default() }).await;
    let handlers = handlers.on(move |event: CourseEnrollmentCreated| {
        let name = name(&event);
        noted.note(name.clone());
        let fails = name == "a0" && noted.count("a0") < 3;
        std::future::ready(if fails { Err(transient()) } else { Ok(()) })
    });
    let fed = scene.fed(&Arc::new(handlers)).await;
    fed.caught_up().await;
    fed.close().await;
    let all = seen.all();
    assert_eq!(all.iter().filter(|n| n.starts_with('b')).collect::<Vec<_>>(), ["b0", "b1"]);
    assert_eq!(all.iter().filter(|n| n.starts_with('a')).collect::<Vec<_>>(), ["a0", "a0", "a0", "a1"]);
    let b1 = all.iter().position(|n| n == "b1").expect("b1");
    let a1 = all.iter().position(|n| n == "a1").expect("a1");
    assert!(b1 < a1, "the other key did not wait: {all:?}");
    assert!(scene.held("again").await.is_empty());
}

/// Failures of several keys pause the dispatch: nothing is parked, one record at a time finds out, and all goes on.
#[tokio::test]
async fn a_dependency_that_is_down_pauses_the_dispatch() {
    let scene = Scene::new(1).await;
    for user in 0..200 {
        scene.append(0, "course", user, &user.to_string()).await;
    }
    let (down, calls, done) = (Arc::new(AtomicBool::new(true)), Arc::<AtomicUsize>::default(), Seen::default());
    let (is_down, counted, noted) = (down.clone(), calls.clone(), done.clone());
    let settings = HandlersSettings {
        retry: quick(),
        breaker: BreakerSettings { keys: 5, first: Duration::from_millis(5), max: Duration::from_millis(20) },
        ..HandlersSettings::default()
    };
    let handlers = scene.handlers("breaker", settings).await.on(move |event: CourseEnrollmentCreated| {
        counted.fetch_add(1, Ordering::SeqCst);
        if is_down.load(Ordering::SeqCst) {
            return std::future::ready(Err(transient()));
        }
        noted.note(name(&event));
        std::future::ready(Ok(()))
    });
    let fed = scene.fed(&Arc::new(handlers)).await;
    // Much longer than any budget: without the pause all would be parked by then.
    until("it probes for a while", || calls.load(Ordering::SeqCst) >= 25).await;
    assert!(done.all().is_empty());
    assert!(calls.load(Ordering::SeqCst) < 60, "200 keys are not all tried");
    down.store(false, Ordering::SeqCst);
    fed.caught_up().await;
    fed.close().await;
    let mut all: Vec<usize> = done.all().iter().map(|n| n.parse().expect("a number")).collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 200);
    let held = scene.held("breaker").await;
    assert!(held.is_empty(), "what is down is not on the account of the records: {held:?}");
}

/// A row of poison is the fault of something else.
#[tokio::test]
async fn too_much_poison_in_a_row_stops_the_engine() {
    let scene = Scene::new(1).await;
    for user in 0..50 {
        scene.append(0, "course", user, if user < 20 && user % 4 == 0 { "good" } else { "bad" }).await;
    }
    let settings =
        HandlersSettings { poison_in_a_row_max: 10, on_poison: OnPoison::Skip, ..HandlersSettings::default() };
    let handlers = scene.handlers("row", settings).await.on(|event: CourseEnrollmentCreated| {
        let bad = name(&event) == "bad";
        std::future::ready(if bad { Err(HandlerError::Poison("no".to_owned())) } else { Ok(()) })
    });
    let error = scene.until_caught_up("row", Arc::new(handlers)).await.expect_err("it stops");
    assert_eq!(error.class(), Class::Fatal);
    let text = format!("{error:?}");
    assert!(text.contains("10 records in a row"), "{text}");
    // Sixteen to nineteen, and the first six from twenty on.
    assert!(scene.held("row").await.len() <= 15 + 9);
}

/// With `stop` a poison record stops its partition, visibly; the others go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn poison_may_stop_its_partition() {
    let scene = Scene::new(2).await;
    for (partition, name) in [(0, "a"), (0, "bad"), (0, "never"), (1, "b")] {
        scene.append(partition, &format!("course{partition}"), 1, name).await;
    }
    let seen = Seen::default();
    let handlers = |seen: Seen| async {
        let settings = HandlersSettings { on_poison: OnPoison::Stop, ..HandlersSettings::default() };
        Arc::new(scene.handlers("stop", settings).await.on(move |event: CourseEnrollmentCreated| {
            let name = name(&event);
            seen.note(name.clone());
            std::future::ready(if name == "bad" { Err(HandlerError::Poison("no".to_owned())) } else { Ok(()) })
        }))
    };
    let member = scene.member("stop", handlers(seen.clone()).await);
    seen.until("both partitions are handled", |all| all.iter().any(|n| n == "bad") && all.iter().any(|n| n == "b"))
        .await;
    scene.append(1, "course1", 1, "b2").await;
    seen.until("the other partition goes on", |all| all.iter().any(|n| n == "b2")).await;
    member.stop().await.expect("it runs until it is stopped");
    assert_eq!(scene.committed("stop", 0).await.map(|o| o.0), Some(1), "the poison is not passed");
    assert_eq!(scene.committed("stop", 1).await.map(|o| o.0), Some(2));
    assert_eq!(seen.count("never"), 0);
    // Whoever ends by itself ends with the error.
    let error = scene.until_caught_up("stop", handlers(Seen::default()).await).await.expect_err("it is stopped");
    assert!(format!("{error:?}").contains("Stopped"), "{error:?}");
}

/// A call past its limit keeps its key, and the others flow; what it does in the end counts.
#[tokio::test]
async fn a_call_that_takes_too_long_keeps_its_key() {
    let scene = Scene::new(1).await;
    for (user, name) in [(1, "slow"), (1, "after"), (2, "b0"), (2, "b1")] {
        scene.append(0, "course", user, name).await;
    }
    let (seen, gate) = (Seen::default(), Arc::new(Semaphore::new(0)));
    let settings = HandlersSettings {
        call_limit: Some(Duration::from_millis(10)),
        retry: RetryPolicy { budget: Duration::from_millis(40), ..quick() },
        ..HandlersSettings::default()
    };
    let (noted, waits) = (seen.clone(), gate.clone());
    let handlers = Arc::new(scene.handlers("limit", settings).await.on(move |event: CourseEnrollmentCreated| {
        let (noted, waits) = (noted.clone(), waits.clone());
        async move {
            noted.note(name(&event));
            if name(&event) == "slow" {
                drop(waits.acquire().await);
                noted.note("slow ended");
            }
            Ok(())
        }
    }));
    let fed = scene.fed(&handlers).await;
    // Past limit and budget the record is parked, and the position passes it; its call goes on.
    fed.caught_up().await;
    assert_eq!(seen.all().iter().filter(|n| n.starts_with('b')).count(), 2);
    assert_eq!(seen.count("slow"), 1, "it is not called again while the old call may have its effect");
    assert_eq!(seen.count("after"), 0);
    let held = scene.held("limit").await;
    let parked = |offset| ("parked".to_owned(), "dependency-unavailable".to_owned(), offset);
    assert_eq!(held, [parked(0), parked(1)]);
    assert_eq!(handlers.retry(&HeldFilter::all()).await, [], "nor when someone asks for it");
    gate.add_permits(1);
    seen.until("the later one comes back", |all| all.last().is_some_and(|n| n == "after")).await;
    assert_eq!(seen.count("slow"), 1, "the old call had its effect");
    within("the key is free", async { while !handlers.parked(&HeldFilter::all()).await.is_empty() {} }).await;
    fed.close().await;
}

/// At most once: the position is committed before the call; nothing is tried again, nothing is parked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_most_once_commits_first() {
    let scene = Arc::new(Scene::new(1).await);
    for number in 0..10 {
        scene.append(0, "course", number, &number.to_string()).await;
    }
    let (seen, late) = (Seen::default(), Arc::<AtomicUsize>::default());
    let handlers = |seen: Seen, scene: Arc<Scene>, late: Arc<AtomicUsize>| async move {
        let handlers = scene.handlers("once", HandlersSettings::at_most_once()).await;
        handlers.on(move |event: CourseEnrollmentCreated| {
            let (seen, scene, late) = (seen.clone(), scene.clone(), late.clone());
            async move {
                let number: i64 = name(&event).parse().expect("a number");
                let committed = scene.committed("once", 0).await.map_or(0, |offset| offset.0);
                if committed <= number {
                    late.fetch_add(1, Ordering::SeqCst);
                }
                seen.note(name(&event));
                match number {
                    3 => Err(transient()),
                    5 => Err(HandlerError::Poison("no".to_owned())),
                    _ => Ok(()),
                }
            }
        })
    };
    let made = handlers(seen.clone(), scene.clone(), late.clone()).await;
    scene.until_caught_up("once", Arc::new(made)).await.expect("it is caught up");
    assert_eq!(late.load(Ordering::SeqCst), 0, "every position was committed before its call");
    let mut all = seen.all();
    all.sort();
    assert_eq!(all, (0..10).map(|n| n.to_string()).collect::<Vec<_>>(), "each once, also the one that failed");
    assert_eq!(scene.held("once").await, [("dead".to_owned(), "refused".to_owned(), 5)]);
}

#[tokio::test]
async fn exactly_once_is_refused_at_the_start() {
    let scene = Scene::new(1).await;
    let settings =
        HandlersSettings { guarantee: coursebus_consumer::Guarantee::ExactlyOnce, ..HandlersSettings::default() };
    let topics = [support::TOPIC.to_owned()];
    let refused = Handlers::new(scene.log.clone(), scene.registry.clone(), "g", &topics, settings).await.err();
    assert!(matches!(refused, Some(ProcessError::Refused { .. })), "{refused:?}");
}

/// A partition stops taking records in while one hangs: what is in hand stays within its bound.
#[tokio::test]
async fn a_hanging_call_holds_no_more_than_the_bound() {
    let scene = Scene::new(1).await;
    scene.append(0, "course", 0, "hangs").await;
    for user in 1..300 {
        scene.append(0, "course", user, "fine").await;
    }
    let settings = HandlersSettings { in_flight_max: 100, call_limit: None, ..HandlersSettings::default() };
    let seen = Seen::default();
    let noted = seen.clone();
    let handlers = Arc::new(scene.handlers("hangs", settings).await.on(move |event: CourseEnrollmentCreated| {
        let noted = noted.clone();
        async move {
            noted.note(name(&event));
            if name(&event) == "hangs" {
                std::future::pending::<()>().await;
            }
            Ok(())
        }
    }));
    let fed = scene.fed(&handlers).await;
    seen.until("the others are handled up to the bound", |all| all.len() == 100).await;
    assert!(fed.feed.waiting_bytes() > 0, "the rest waits");
    assert_eq!(fed.feed.next(), None, "nothing is committed past the one that hangs");
    fed.feed.close();
    fed.task.abort();
}
