//! Typed emit on Kafka, beside rdkafka sending the very same records.

use std::time::Instant;

use anyhow::{Result, ensure};
use serde_json::json;

use super::{
    Bench,
    kafka::TypedBus,
    raw::{RawProducer, Template},
};
use crate::measure::{Sample, paired};

/// Records that the raw producer sends by turns: far more than one compressed batch holds.
pub(crate) const TEMPLATES: usize = 20_000;

pub(crate) async fn run(bench: &mut Bench, bootstrap: &str) -> Result<()> {
    let count = bench.plan.amount(300_000);
    let bus = TypedBus::open(bootstrap).await?;
    let raw = RawProducer::new(bootstrap, &bus.topic)?;
    bus.emit(TEMPLATES.min(count)).await?;
    let templates = bus.records(TEMPLATES).await?;
    let templates = templates.iter().map(Template::of).collect::<Result<Vec<_>>>()?;
    ensure!(templates.iter().all(|template| template.header_count() == 10), "every event has ten headers");
    raw.send(&templates, 1, true)?;

    let typed = async || {
        let started = Instant::now();
        bus.emit(count).await?;
        Ok(Sample::rate(count, started.elapsed()))
    };
    let sent = |with_headers| {
        let started = Instant::now();
        raw.send(&templates, count, with_headers)?;
        anyhow::Ok(Sample::rate(count, started.elapsed()))
    };
    let settings = json!({
        "records": count,
        "event": "org.openedx.learning.course.enrollment.created.v1",
        "client": "idempotent, acks=all, lz4, linger 5 ms, 4 partitions, 20,000 in flight",
    });
    let work = "Kafka: typed emit, pipelined";
    for (with_headers, other) in [
        (true, "rdkafka's BaseProducer sending the same keys, values and ten headers, made beforehand"),
        (false, "the same without headers"),
    ] {
        let measured = paired(&bench.plan, typed, async || sent(with_headers)).await?;
        bench.report.add((work, other, "records/s"), measured, settings.clone())?;
    }
    bus.remove().await
}
