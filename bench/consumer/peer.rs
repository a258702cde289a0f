//! Confluent's Parallel Consumer in KEY mode, on the same Kafka and the same work: see `bench/peers/`.

use std::{
    hint::black_box,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use coursebus_consumer::{EngineSettings, HandlersSettings, Outcome, Until, run as run_engine};
use coursebus_schemas::learning::CourseEnrollmentCreated;
use coursebus_transport::{GroupSettings, NewRecord, TopicSpec, WriterSettings};
use serde_json::json;

use super::{
    keys::{self, AT_ONCE, KEYS, LONGEST, PARTITIONS},
    scene::{Encoded, RECORD_BYTES, Scene},
};
use crate::{
    line::{Bench, kafka::unique_prefix},
    measure::{Plan, Sample, paired},
};

/// What its documentation recommends least and what serves it best here: the default lets it wait for the broker.
const BUFFER: usize = 50_000;
/// Its runs are long: so many pairs at most.
const PAIRS_MAX: usize = 5;
const ORDER_KEYS: usize = 100_000;

/// Where the peer is and what it reads.
struct Peer {
    jars: PathBuf,
    bootstrap: String,
    topic: String,
}

/// What it says of a run.
#[derive(serde::Deserialize)]
struct Said {
    handled: usize,
    seconds: f64,
    ideal: f64,
}

pub(super) async fn run(bench: &mut Bench, bootstrap: &str, jars: &Path) -> Result<()> {
    let plan = Plan { pairs: bench.plan.pairs.min(PAIRS_MAX), ..bench.plan };
    slow_handlers(bench, plan, bootstrap, jars).await?;
    no_op(bench, plan, bootstrap, jars).await
}

async fn slow_handlers(bench: &mut Bench, plan: Plan, bootstrap: &str, jars: &Path) -> Result<()> {
    let count = plan.amount(100_000);
    let scene = Scene::on_kafka(bootstrap, i32::try_from(PARTITIONS)?).await?;
    let encoded = scene.encoded(KEYS)?;
    let records = keys::at_random(count);
    scene.append(records.iter().map(|(partition, key)| (*partition, &encoded[*key]))).await?;
    let peer = Peer::fed(&scene, bootstrap, jars, &encoded, &records).await?;
    let measured = paired(
        &plan,
        async || {
            let (took, ideal) = keys::handled(&scene, &unique_prefix(), count).await?;
            Ok(Sample { value: took.as_secs_f64() / ideal.as_secs_f64(), count })
        },
        async || {
            let said = peer.run(count, LONGEST, AT_ONCE).await?;
            Ok(Sample { value: said.seconds / said.ideal, count })
        },
    );
    let mut measured = measured.await?;
    measured.notes.remove("cpu_us_each");
    let settings = json!({
        "records": count, "record_bytes": RECORD_BYTES, "messageBufferSize": BUFFER,
        "how": "from the first call to the end of the last, over the largest sum of measured durations of one key",
    });
    let work = "Kafka: 100,000 records, handlers of 0 to 5 ms, 100 keys on 3 partitions, 100 at once";
    bench.report.add(
        (work, "Parallel Consumer 0.5.3.3, KEY", "times the ideal, less is better"),
        measured,
        settings,
    )?;
    scene.remove().await
}

async fn no_op(bench: &mut Bench, plan: Plan, bootstrap: &str, jars: &Path) -> Result<()> {
    let count = plan.amount(200_000);
    let scene = Scene::on_kafka(bootstrap, i32::try_from(PARTITIONS)?).await?;
    let encoded = scene.encoded(ORDER_KEYS)?;
    let place = |key: usize| (i32::try_from(key % PARTITIONS).unwrap_or_default(), key);
    let records: Vec<_> = (0..count).map(|at| place(at % ORDER_KEYS)).collect();
    scene.append(records.iter().map(|(partition, key)| (*partition, &encoded[*key]))).await?;
    let peer = Peer::fed(&scene, bootstrap, jars, &encoded, &records).await?;
    let measured = paired(
        &plan,
        async || idle_handler(&scene, count).await,
        async || {
            let said = peer.run(count, Duration::ZERO, AT_ONCE).await?;
            Ok(Sample::rate(count, Duration::from_secs_f64(said.seconds)))
        },
    );
    let mut measured = measured.await?;
    measured.notes.remove("cpu_us_each");
    let settings = json!({ "records": count, "record_bytes": RECORD_BYTES, "order_keys": ORDER_KEYS,
        "messageBufferSize": BUFFER, "how": "a handler that does nothing; from the first call to the last" });
    let work = "Kafka: in the order of 100,000 keys, a handler that does nothing";
    bench.report.add((work, "Parallel Consumer 0.5.3.3, KEY", "records/s"), measured, settings)?;
    scene.remove().await
}

async fn idle_handler(scene: &Scene, count: usize) -> Result<Sample> {
    use std::sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    };
    let seen: Arc<(AtomicUsize, OnceLock<Instant>, OnceLock<Instant>)> = Arc::default();
    let (noted, group) = (seen.clone(), unique_prefix());
    let settings = HandlersSettings { concurrency: AT_ONCE, ..HandlersSettings::default() };
    let handlers = scene.handlers(&group, settings).await?.on(move |event: CourseEnrollmentCreated| {
        black_box(&event);
        match noted.0.fetch_add(1, Ordering::Relaxed) {
            0 => drop(noted.1.set(Instant::now())),
            before if before + 1 == count => drop(noted.2.set(Instant::now())),
            _ => {}
        }
        std::future::ready(Ok(()))
    });
    let mut settings = EngineSettings::new(GroupSettings::new(&group, vec![scene.topic.clone()]));
    settings.until = Until::CaughtUp;
    let outcome = run_engine(scene.log.clone(), settings, Arc::new(handlers), std::future::pending()).await?;
    let handled = seen.0.load(Ordering::Relaxed);
    ensure!(outcome == Outcome::CaughtUp && handled == count, "{handled} of {count} records were handled");
    let (first, last) = seen.1.get().zip(seen.2.get()).context("there were calls")?;
    Ok(Sample::rate(count, last.duration_since(*first)))
}

impl Peer {
    /// A topic of the same values, in which the record key is the key: the peer knows no other.
    async fn fed(
        scene: &Scene,
        bootstrap: &str,
        jars: &Path,
        encoded: &[Encoded],
        records: &[(i32, usize)],
    ) -> Result<Self> {
        let topic = format!("{}-peer", scene.topic);
        scene.log.create_topic(&TopicSpec::new(&topic, i32::try_from(PARTITIONS)?)).await?;
        let writer = scene.log.writer(WriterSettings::default()).await?;
        let name: Arc<str> = topic.as_str().into();
        for (partition, key) in records {
            let record = NewRecord {
                topic: name.clone(),
                partition: *partition,
                timestamp_ms: None,
                key: Some(format!("k{key}").into()),
                value: Some(encoded[*key].1.clone().into()),
                headers: Vec::new(),
            };
            drop(writer.append(record).await);
        }
        writer.flush(Duration::from_secs(60)).await?;
        Ok(Self { jars: jars.to_owned(), bootstrap: bootstrap.to_owned(), topic })
    }

    async fn run(&self, count: usize, longest: Duration, at_once: usize) -> Result<Said> {
        let mut java = tokio::process::Command::new("java");
        java.arg("-Xmx1g").arg("-cp").arg(self.jars.join("*")).arg("bench/peers/KeyedPeer.java");
        java.args([&self.bootstrap, &self.topic, &unique_prefix()]);
        java.args([count, usize::try_from(longest.as_micros())?, at_once, BUFFER].map(|number| number.to_string()));
        let output = java.stdin(Stdio::null()).kill_on_drop(true).output().await.context("java")?;
        let said = String::from_utf8_lossy(&output.stdout);
        let failed = || format!("the peer failed: {}", String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), failed());
        let said: Said = serde_json::from_str(said.trim()).with_context(failed)?;
        ensure!(said.handled == count, "the peer handled {} of {count} records", said.handled);
        Ok(said)
    }
}
