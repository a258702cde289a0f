//! Typed consume on Kafka through the engine, beside an rdkafka consumer that only touches the records.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use anyhow::{Result, ensure};
use coursebus_consumer::{EngineSettings, Handlers, HandlersSettings, Outcome, Until, run as run_engine};
use coursebus_schemas::learning::CourseEnrollmentCreated;
use coursebus_transport::GroupSettings;
use serde_json::json;

use super::{
    Bench,
    kafka::{TypedBus, delete_topics, unique_prefix},
    raw::{self, Look},
};
use crate::measure::{Sample, paired};

pub(crate) async fn run(bench: &mut Bench, bootstrap: &str) -> Result<()> {
    let count = bench.plan.amount(1_000_000);
    let bus = TypedBus::open(bootstrap).await?;
    bus.emit(count - bus.count().await?).await?;
    let settings = json!({
        "records": count,
        "event": "org.openedx.learning.course.enrollment.created.v1",
        "client": "one member, 4 partitions, read_committed; from the first record to the last, joining left out",
    });
    for (look, work, other) in [
        (Look::Value, "Kafka: typed consume, handler without metadata", "rdkafka's BaseConsumer touching values"),
        (
            Look::ValueAndId,
            "Kafka: typed consume, handler with source and id",
            "rdkafka's BaseConsumer touching values and looking ce_id up",
        ),
    ] {
        let measured = paired(
            &bench.plan,
            async || typed(&bus, count, look).await,
            async || Ok(Sample::rate(count, raw::consume(bootstrap, &unique_prefix(), &bus.topic, count, look)?)),
        );
        let measured = measured.await?;
        bench.report.add((work, other, "records/s"), measured, settings.clone())?;
    }
    bus.remove().await
}

/// What the handler does: it counts.
#[derive(Default)]
struct Seen {
    count: AtomicUsize,
    first: OnceLock<Instant>,
    last: OnceLock<Instant>,
}

impl Seen {
    fn one(&self, of: usize) {
        match self.count.fetch_add(1, Ordering::Relaxed) {
            0 => drop(self.first.set(Instant::now())),
            before if before + 1 == of => drop(self.last.set(Instant::now())),
            _ => {}
        }
    }
}

async fn typed(bus: &TypedBus, count: usize, look: Look) -> Result<Sample> {
    let (group, topics) = (unique_prefix(), vec![bus.topic.clone()]);
    let seen: Arc<Seen> = Arc::default();
    let handlers =
        Handlers::new(bus.log.clone(), bus.registry.clone(), &group, &topics, HandlersSettings::default()).await?;
    let counted = seen.clone();
    let handlers = match look {
        Look::Value => handlers.on(move |_: CourseEnrollmentCreated| {
            counted.one(count);
            std::future::ready(Ok(()))
        }),
        Look::ValueAndId => handlers.on_with_name(move |_: CourseEnrollmentCreated, _| {
            counted.one(count);
            std::future::ready(Ok(()))
        }),
    };
    let mut settings = EngineSettings::new(GroupSettings::new(&group, topics));
    settings.until = Until::CaughtUp;
    let outcome = run_engine(bus.log.clone(), settings, Arc::new(handlers), std::future::pending()).await?;
    let handled = seen.count.load(Ordering::Relaxed);
    ensure!(outcome == Outcome::CaughtUp && handled == count, "{handled} of {count} events were handled");
    delete_topics(bus.log.as_ref(), &group).await?;
    let times = seen.first.get().zip(seen.last.get());
    Ok(Sample::rate(count, times.map(|(first, last)| last.duration_since(*first)).unwrap_or_default()))
}
