//! Slow handlers: the whole time beside the least that it could be, the largest sum of durations of one key.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use coursebus_consumer::{EngineSettings, HandlersSettings, Outcome, Random, Until, run as run_engine};
use coursebus_schemas::learning::CourseEnrollmentCreated;
use coursebus_transport::GroupSettings;
use serde_json::json;

use super::scene::Scene;
use crate::{
    line::Bench,
    measure::{Measured, Sample, paired},
};

pub(super) const KEYS: usize = 100;
pub(super) const PARTITIONS: usize = 3;
pub(super) const AT_ONCE: usize = 100;
pub(super) const LONGEST: Duration = Duration::from_millis(5);

pub(super) async fn run(bench: &mut Bench) -> Result<()> {
    let count = bench.plan.amount(100_000);
    let scene = Scene::new(bench, i32::try_from(PARTITIONS)?).await?;
    let encoded = scene.encoded(KEYS)?;
    scene.append(at_random(count).into_iter().map(|(partition, key)| (partition, &encoded[key]))).await?;
    let mut group = 0;
    let ideal = Mutex::new(0.0);
    let measured = paired(
        &bench.plan,
        async || {
            group += 1;
            let (took, least) = handled(&scene, &format!("keys-{group}"), count).await?;
            *ideal.lock().expect("one task") = least.as_secs_f64();
            Ok(Sample { value: took.as_secs_f64(), count })
        },
        // The ideal is that of the run just before: it is measured, not computed.
        async || Ok(Sample { value: *ideal.lock().expect("one task"), count }),
    );
    let Measured { runs, mut notes } = measured.await?;
    notes.remove("cpu_us_each");
    let work = "Embedded: 100,000 records, handlers of 0 to 5 ms, 100 keys on 3 partitions, 100 at once";
    let settings = json!({ "records": count, "how": "from the first call to the end of the last, through the engine" });
    let other = "the largest sum of measured durations of one key";
    bench.report.add((work, other, "s"), Measured { runs, notes }, settings)
}

/// So many records: each with its partition and its key.
pub(super) fn at_random(count: usize) -> Vec<(i32, usize)> {
    let mut random = Random::new(Some(1));
    let mut pick = |of: usize| (random.up_to(Duration::from_secs(1)).as_secs_f64() * of as f64) as usize % of;
    let partitions: Vec<i32> = (0..KEYS).map(|_| i32::try_from(pick(PARTITIONS)).unwrap_or_default()).collect();
    (0..count).map(|_| pick(KEYS)).map(|key| (partitions[key], key)).collect()
}

/// What the calls took.
struct Times {
    of_key: Vec<Duration>,
    first: Option<Instant>,
    last: Option<Instant>,
    count: usize,
    random: Random,
}

/// From the first call to the end of the last, and the largest sum of one key.
pub(super) async fn handled(scene: &Scene, group: &str, count: usize) -> Result<(Duration, Duration)> {
    let times =
        Times { of_key: vec![Duration::ZERO; KEYS], first: None, last: None, count: 0, random: Random::new(Some(2)) };
    let times = Arc::new(Mutex::new(times));
    let settings = HandlersSettings { concurrency: AT_ONCE, ..HandlersSettings::default() };
    let noted = times.clone();
    let handlers = scene.handlers(group, settings).await?.on(move |event: CourseEnrollmentCreated| {
        let noted = noted.clone();
        async move {
            let begun = Instant::now();
            let wait = {
                let mut times = noted.lock().expect("no panic");
                times.first.get_or_insert(begun);
                times.random.up_to(LONGEST)
            };
            tokio::time::sleep(wait).await;
            let mut times = noted.lock().expect("no panic");
            let ended = Instant::now();
            let key = usize::try_from(event.enrollment.user.id).unwrap_or_default() - 10_000;
            times.of_key[key] += ended - begun;
            times.last = Some(ended);
            times.count += 1;
            Ok(())
        }
    });
    let mut settings = EngineSettings::new(GroupSettings::new(group, vec![scene.topic.clone()]));
    settings.until = Until::CaughtUp;
    let outcome = run_engine(scene.log.clone(), settings, Arc::new(handlers), std::future::pending()).await?;
    let times = times.lock().expect("no panic");
    ensure!(outcome == Outcome::CaughtUp && times.count == count, "{} of {count} records were handled", times.count);
    let (first, last) = times.first.zip(times.last).context("there were calls")?;
    Ok((last - first, times.of_key.iter().copied().max().unwrap_or_default()))
}
