//! Key-ordered dispatch with a handler that does nothing, beside a loop that does no more than decode and call.

use std::{hint::black_box, sync::Arc, time::Instant};

use anyhow::{Context, Result};
use coursebus_consumer::{HandFed, Handlers, HandlersSettings, Processor};
use coursebus_schemas::{Event, decode, learning::CourseEnrollmentCreated, wire::unframe};
use coursebus_transport::{Offset, TopicPartition};
use serde_json::json;

use super::scene::{Encoded, RECORD_BYTES, Scene, TOPIC};
use crate::{
    line::Bench,
    measure::{Measured, Sample, paired},
};

const KEYS: usize = 100_000;

pub(super) async fn run(bench: &mut Bench) -> Result<()> {
    let count = bench.plan.amount(500_000);
    let scene = Scene::new(bench, 1).await?;
    let encoded = scene.encoded(KEYS)?;
    let settings = json!({
        "records": count, "record_bytes": RECORD_BYTES, "order_keys": KEYS,
        "how": "records in memory, one partition on one thread; decoding is on both sides",
    });
    let ready = scene.handlers("dispatch-ready", HandlersSettings::default()).await?;
    let ready = Arc::new(ready.on(|event: CourseEnrollmentCreated| {
        black_box(&event);
        std::future::ready(Ok(()))
    }));
    let waits = scene.handlers("dispatch-waits", HandlersSettings::default()).await?;
    let waits = Arc::new(waits.on(|event: CourseEnrollmentCreated| async move {
        tokio::task::yield_now().await;
        black_box(&event);
        Ok(())
    }));
    let loop_is = "a loop that decodes and calls";
    for (work, handlers) in [
        ("Dispatch by order key: handler ready at once", &ready),
        ("Dispatch by order key: handler that waits once", &waits),
    ] {
        let measured = paired(
            &bench.plan,
            async || dispatched(handlers, &encoded, count).await,
            async || plain_loop(&encoded, count),
        );
        let measured = with_cost(measured.await?);
        bench.report.add((work, loop_is, "records/s"), measured, settings.clone())?;
    }
    Ok(())
}

/// Everything is on one thread: what a record takes is what it costs.
fn with_cost(mut measured: Measured) -> Measured {
    let cost = |rate: f64| (1e8 / rate).round() / 100.0;
    let ours: Vec<f64> = measured.runs.iter().map(|(ours, _)| cost(*ours)).collect();
    let other: Vec<f64> = measured.runs.iter().filter_map(|(_, other)| other.map(cost)).collect();
    // What the process used holds the making of the records too.
    measured.notes.remove("cpu_us_each");
    measured.notes.insert("us_each".to_owned(), json!({ "ours": ours, "other": other }));
    measured
}

/// Feeds all records at once; from then on until all are done.
pub(super) async fn dispatched(handlers: &Arc<Handlers>, encoded: &[Encoded], count: usize) -> Result<Sample> {
    let records = Scene::records(encoded, count);
    let (feed, input, progress) = HandFed::new();
    let running = handlers.clone();
    let lane = tokio::spawn(async move { running.run(TopicPartition::new(TOPIC, 0), input, progress).await });
    let started = Instant::now();
    feed.push(records);
    feed.end(Offset(i64::try_from(count)?));
    feed.caught_up().await;
    let sample = Sample::rate(count, started.elapsed());
    feed.close();
    lane.await??;
    Ok(sample)
}

fn plain_loop(encoded: &[Encoded], count: usize) -> Result<Sample> {
    let records = Scene::records(encoded, count);
    let writer = CourseEnrollmentCreated::TYPE.writer_schema();
    let started = Instant::now();
    for record in records {
        let (id, datum) = unframe(record.value().context("a value")?)?;
        black_box(id);
        let event: CourseEnrollmentCreated = decode::decode(writer, datum)?;
        black_box(&event);
    }
    Ok(Sample::rate(count, started.elapsed()))
}
