//! A call that never ends, with millions of records behind it: the memory of the process beside its bound.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use coursebus_consumer::{EngineSettings, HandlersSettings, run as run_engine};
use coursebus_schemas::learning::CourseEnrollmentCreated;
use coursebus_transport::GroupSettings;
use serde_json::json;

use super::scene::{RECORD_BYTES, Scene, TOPIC};
use crate::{line::Bench, measure::alone};

const PARTITIONS: usize = 4;
const KEYS: usize = 10_000;
/// How long the process is watched once it takes no more records in.
const WATCHED: Duration = Duration::from_secs(5);

pub(super) async fn run(bench: &mut Bench) -> Result<()> {
    let count = bench.plan.amount(5_000_000);
    let scene = Scene::new(bench, i32::try_from(PARTITIONS)?).await?;
    let encoded = scene.encoded(KEYS)?;
    let records = encoded.iter().cycle().take(count).zip((0..PARTITIONS).cycle());
    scene.append(records.map(|(encoded, partition)| (i32::try_from(partition).unwrap_or_default(), encoded))).await?;
    drop(encoded);

    let mut settings = EngineSettings::new(GroupSettings::new("hang", vec![TOPIC.to_owned()]));
    settings.drain_timeout = Duration::from_millis(100);
    let handlers_settings = HandlersSettings { call_limit: None, ..HandlersSettings::default() };
    let bound =
        settings.group.ahead_bytes_max + PARTITIONS * settings.lane_bytes_max + handlers_settings.in_flight_bytes_max;
    let begun = Arc::<AtomicUsize>::default();
    let counted = begun.clone();
    // The first learners are on a partition each: every partition has one key that hangs.
    let handlers = scene.handlers("hang", handlers_settings).await?.on(move |event: CourseEnrollmentCreated| {
        counted.fetch_add(1, Ordering::Relaxed);
        let hangs = event.enrollment.user.id < 10_000 + PARTITIONS as i64;
        async move { if hangs { std::future::pending().await } else { Ok(()) } }
    });
    let before = forget_peak()?;
    let engine = run_engine(scene.log.clone(), settings, Arc::new(handlers), watched(&begun));
    engine.await?;
    let peak = peak()?;
    let handled = begun.load(Ordering::Relaxed);
    ensure!(handled < count, "nothing hung");
    let mb = |bytes: usize| bytes as f64 / 1e6;
    let settings = json!({
        "records": count, "record_bytes": RECORD_BYTES, "partitions": PARTITIONS,
        "begun_before_it_stood": handled,
        "memory_before_mb": mb(before), "bound_mb": mb(bound), "allowed_mb": mb(bound) + 100.0,
        "bound_is": "fetched ahead, waiting in each partition, in hand",
    });
    let work = "Embedded: a hanging call and millions of records behind it, most memory more than before";
    bench.report.add((work, "none", "MB"), alone([mb(peak.saturating_sub(before))]), settings)
}

/// Until nothing new is begun for a while.
async fn watched(begun: &AtomicUsize) {
    let mut before = usize::MAX;
    loop {
        let now = begun.load(Ordering::Relaxed);
        if now == before && now > 0 {
            return;
        }
        before = now;
        tokio::time::sleep(WATCHED).await;
    }
}

/// Lets the kernel count the peak anew, and says what is in memory now.
fn forget_peak() -> Result<usize> {
    std::fs::write("/proc/self/clear_refs", "5").context("resetting the peak of memory")?;
    status("VmRSS:")
}

fn peak() -> Result<usize> {
    status("VmHWM:")
}

fn status(field: &str) -> Result<usize> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with(field)).context("no such field")?;
    let kib: usize = line.split_whitespace().nth(1).context("no number")?.parse()?;
    Ok(kib * 1024)
}
