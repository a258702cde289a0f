//! Order keys that are held for handlers: parked, brought back in order, across restarts.

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use coursebus_consumer::{
    BreakerSettings, HandlerError, Handlers, HandlersSettings, HeldFilter, OnPoison, ProcessError, RetryPolicy,
};
use coursebus_schemas::learning::CourseEnrollmentCreated;
use coursebus_transport::Offset;
use support::{Scene, Seen, name, within};

fn settings() -> HandlersSettings {
    HandlersSettings {
        retry: RetryPolicy {
            first: Duration::from_millis(1),
            max: Duration::from_millis(5),
            budget: Duration::from_millis(20),
        },
        breaker: BreakerSettings { keys: 100, ..BreakerSettings::default() },
        parked_first: Duration::from_millis(10),
        parked_max: Duration::from_millis(40),
        ..HandlersSettings::default()
    }
}

/// How names that begin with `bad` fail.
#[derive(Clone, Copy, PartialEq)]
enum How {
    Poison,
    ForNow,
}

/// Handlers that note what succeeds, and fail as long as they are told to.
async fn fragile(
    scene: &Scene,
    group: &str,
    settings: HandlersSettings,
    how: How,
    fails: &Arc<AtomicBool>,
) -> (Arc<Handlers>, Seen) {
    let seen = Seen::default();
    let (noted, fails) = (seen.clone(), fails.clone());
    let handlers = scene.handlers(group, settings).await.on(move |event: CourseEnrollmentCreated| {
        let name = name(&event);
        let fails = name.starts_with("bad") && fails.load(Ordering::SeqCst);
        let outcome = match how {
            How::Poison if fails => Err(HandlerError::Poison("no".to_owned())),
            How::ForNow if fails => Err(HandlerError::Transient("not now".into())),
            _ => {
                noted.note(name);
                Ok(())
            }
        };
        std::future::ready(outcome)
    });
    (Arc::new(handlers), seen)
}

fn told() -> Arc<AtomicBool> {
    Arc::new(AtomicBool::new(true))
}

fn states(held: &[(String, String, i64)]) -> Vec<String> {
    held.iter().map(|(state, _, offset)| format!("{state} {offset}")).collect()
}

async fn until_nothing_is_parked(handlers: &Handlers) {
    let asking = async {
        while !handlers.parked(&HeldFilter::all()).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    within("nothing is parked", asking).await;
}

/// Poison holds its key and no other; asked for, the key comes back in its order, and then flows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poison_key_waits_until_someone_asks() {
    let scene = Scene::new(1).await;
    for (user, name) in [(1, "bad"), (2, "b0"), (1, "a1"), (2, "b1"), (1, "a2")] {
        scene.append(0, "course", user, name).await;
    }
    let fails = told();
    let (handlers, seen) = fragile(&scene, "poison", settings(), How::Poison, &fails).await;
    let member = scene.member("poison", handlers.clone());
    seen.until("the other key flows", |all| all == ["b0", "b1"]).await;
    scene.append(0, "course", 1, "a3").await;
    scene.append(0, "course", 2, "b2").await;
    seen.until("the other key flows", |all| all == ["b0", "b1", "b2"]).await;
    assert_eq!(states(&scene.held("poison").await), ["parked 0", "parked 2", "parked 4", "parked 5"]);
    let parked = handlers.parked(&HeldFilter::all()).await;
    assert_eq!(
        parked.iter().map(|held| held.behind).collect::<Vec<_>>(),
        [None, Some(Offset(0)), Some(Offset(0)), Some(Offset(0))]
    );
    assert!(parked.iter().all(|held| held.code == "refused" && !held.automatic));

    // Asked for too early it is parked again.
    let asked = handlers.retry(&HeldFilter { code: Some("refused".to_owned()), ..HeldFilter::all() }).await;
    assert_eq!(asked.iter().map(|held| held.offset.0).collect::<Vec<_>>(), [0]);
    assert_eq!(handlers.retry(&HeldFilter { code: Some("other".to_owned()), ..HeldFilter::all() }).await, []);
    fails.store(false, Ordering::SeqCst);
    let asking = async {
        while handlers.retry(&HeldFilter::all()).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    within("it can be asked for again", asking).await;
    until_nothing_is_parked(&handlers).await;
    scene.append(0, "course", 1, "a4").await;
    seen.until("the key flows again", |all| all.last().is_some_and(|n| n == "a4")).await;
    let of_key: Vec<String> = seen.all().into_iter().filter(|n| !n.starts_with('b') || n == "bad").collect();
    assert_eq!(of_key, ["bad", "a1", "a2", "a3", "a4"]);
    member.stop().await.expect("it was stopped");
    assert_eq!(scene.committed("poison", 0).await, Some(Offset(8)));
}

/// What failed for now comes back by itself, also after a restart, before anything later of its key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_failed_for_now_comes_back_by_itself_and_survives_a_restart() {
    let scene = Scene::new(1).await;
    for (user, name) in [(1, "bad"), (2, "b0"), (1, "a1")] {
        scene.append(0, "course", user, name).await;
    }
    let fails = told();
    let (handlers, seen) = fragile(&scene, "away", settings(), How::ForNow, &fails).await;
    scene.until_caught_up("away", handlers).await.expect("it is caught up, with a key held");
    assert_eq!(seen.all(), ["b0"]);
    assert_eq!(scene.committed("away", 0).await, Some(Offset(3)));
    let before = scene.held("away").await;
    assert_eq!(states(&before), ["parked 0", "parked 2"]);
    assert!(before.iter().all(|(_, code, _)| code == "dependency-unavailable"));

    // Another member finds them, and holds what comes later of the key.
    scene.append(0, "course", 1, "a2").await;
    scene.append(0, "course", 2, "b1").await;
    let (handlers, seen) = fragile(&scene, "away", settings(), How::ForNow, &fails).await;
    let member = scene.member("away", handlers.clone());
    seen.until("the other key flows", |all| all == ["b1"]).await;
    fails.store(false, Ordering::SeqCst);
    seen.until("the key comes back", |all| all.len() == 4).await;
    assert_eq!(seen.all(), ["b1", "bad", "a1", "a2"]);
    until_nothing_is_parked(&handlers).await;
    member.stop().await.expect("it was stopped");
    let (handlers, seen) = fragile(&scene, "away", settings(), How::ForNow, &told()).await;
    scene.append(0, "course", 1, "a3").await;
    scene.until_caught_up("away", handlers).await.expect("it is caught up");
    assert_eq!(seen.all(), ["a3"], "nothing is left of what was held");
}

/// A crash after records were parked and before their position was committed delivers them again: they are parked once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_delivered_again_is_parked_once() {
    let scene = Scene::new(1).await;
    for name in ["bad", "a1", "a2"] {
        scene.append(0, "course", 1, name).await;
    }
    let fails = told();
    let (handlers, _) = fragile(&scene, "twice", settings(), How::Poison, &fails).await;
    // Fed by hand: nothing is committed.
    let fed = scene.fed(&handlers).await;
    fed.caught_up().await;
    fed.close().await;
    let (handlers, seen) = fragile(&scene, "twice", settings(), How::Poison, &fails).await;
    let member = scene.member("twice", handlers.clone());
    let asking = async {
        while scene.committed("twice", 0).await != Some(Offset(3)) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    within("all were delivered again", asking).await;
    assert_eq!(handlers.parked(&HeldFilter::all()).await.len(), 3);
    fails.store(false, Ordering::SeqCst);
    handlers.retry(&HeldFilter::all()).await;
    until_nothing_is_parked(&handlers).await;
    assert_eq!(seen.all(), ["bad", "a1", "a2"]);
    member.stop().await.expect("it was stopped");
}

/// A discarded record does not come back, and the later ones of its key do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_discarded_record_frees_its_key() {
    let scene = Scene::new(1).await;
    for name in ["bad", "a1", "a2"] {
        scene.append(0, "course", 1, name).await;
    }
    let (handlers, seen) = fragile(&scene, "discard", settings(), How::Poison, &told()).await;
    let member = scene.member("discard", handlers.clone());
    let asking = async {
        while handlers.parked(&HeldFilter::all()).await.len() < 3 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    within("all three are parked", asking).await;
    let filter = HeldFilter { until: Some(Offset(1)), ..HeldFilter::all() };
    let gone = handlers.discard(&filter, "a test").await;
    assert_eq!(gone.iter().map(|held| held.offset.0).collect::<Vec<_>>(), [0]);
    seen.until("the later ones come back", |all| all == ["a1", "a2"]).await;
    until_nothing_is_parked(&handlers).await;
    member.stop().await.expect("it was stopped");
    let held = scene.held("discard").await;
    assert_eq!(states(&held)[..4], ["parked 0", "parked 1", "parked 2", "discarded 0"]);
    assert!(states(&held).ends_with(&["resolved 1".to_owned(), "resolved 2".to_owned()]), "{held:?}");
}

/// A value that cannot be decoded holds its record key: it might be of any order key of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_decoded_holds_its_record_key() {
    let scene = Scene::new(1).await;
    scene.append(0, "course", 1, "a0").await;
    scene.append_raw(0, Some("course"), Some(b"no frame".to_vec())).await;
    scene.append(0, "course", 1, "a1").await;
    scene.append(0, "other", 1, "b0").await;
    scene.append_raw(0, None, None).await;
    scene.append(0, "course", 2, "a2").await;
    let (handlers, seen) = fragile(&scene, "undecodable", settings(), How::Poison, &told()).await;
    let member = scene.member("undecodable", handlers.clone());
    seen.until("the other record key flows", |all| all == ["a0", "b0"]).await;
    let asking = async {
        while handlers.parked(&HeldFilter::all()).await.len() < 4 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    within("four are parked", asking).await;
    handlers
        .discard(
            &HeldFilter { code: Some("malformed-frame".to_owned()), until: Some(Offset(2)), ..HeldFilter::all() },
            "broken",
        )
        .await;
    seen.until("the record key is free", |all| all == ["a0", "b0", "a1", "a2"]).await;
    // The last is resolved when that is durable, which is after it was handled.
    let asking = async {
        while handlers.parked(&HeldFilter::all()).await.len() > 1 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    within("only the one without a key is parked", asking).await;
    assert_eq!(handlers.parked(&HeldFilter::all()).await[0].code, "no-value");
    member.stop().await.expect("it was stopped");
}

/// At the bound the partition stops and says so.
#[tokio::test]
async fn too_many_parked_keys_stop_the_partition() {
    let scene = Scene::new(1).await;
    for user in 0..10 {
        scene.append(0, "course", user, "bad").await;
    }
    let settings = HandlersSettings { parked_keys_max: 4, ..settings() };
    let (handlers, _) = fragile(&scene, "full", settings, How::Poison, &told()).await;
    let error = scene.fed(&handlers).await.error().await;
    assert!(
        matches!(&error, ProcessError::Stopped { what, .. } if what.contains("5 order keys are parked")),
        "{error:?}"
    );
}

/// With `skip` the record is dead and its key goes on.
#[tokio::test]
async fn skip_gives_the_order_up() {
    let scene = Scene::new(1).await;
    for name in ["bad", "a1"] {
        scene.append(0, "course", 1, name).await;
    }
    let settings = HandlersSettings { on_poison: OnPoison::Skip, ..settings() };
    let (handlers, seen) = fragile(&scene, "skip", settings, How::Poison, &told()).await;
    let fed = scene.fed(&handlers).await;
    fed.caught_up().await;
    assert_eq!(seen.all(), ["a1"]);
    assert_eq!(scene.held("skip").await, [("dead".to_owned(), "refused".to_owned(), 0)]);
    fed.close().await;
}
