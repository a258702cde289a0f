//! From topic to topic: exactly once, in transactions, beside at least once, by a handler of batches.

use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use coursebus_consumer::{
    EngineSettings, HandlerError, Handlers, HandlersSettings, Outcome, Pipe, PipeSettings, Processor, Until,
    run as run_engine,
};
use coursebus_registry_tools::Registry;
use coursebus_schemas::learning::CourseEnrollmentCreated;
use coursebus_transport::{GroupSettings, Log, NewRecord, TopicSpec, Writer, WriterSettings};
use serde_json::json;

use super::scene::{RECORD_BYTES, Scene, TOPIC};
use crate::{
    line::{
        Bench,
        kafka::{TypedBus, delete_topics, unique_prefix},
    },
    measure::{Sample, paired},
};

const PARTITIONS: i32 = 4;
const BATCH: usize = 5_000;

/// Where events come from and what is made of them goes to.
struct Line {
    log: Arc<dyn Log>,
    registry: Arc<dyn Registry>,
    from: String,
    out: Arc<str>,
    count: usize,
}

pub(super) async fn embedded(bench: &mut Bench) -> Result<()> {
    let count = bench.plan.amount(500_000);
    let scene = Scene::new(bench, PARTITIONS).await?;
    let encoded = scene.encoded(10_000)?;
    scene
        .append(encoded.iter().cycle().take(count).zip(0..).map(|(record, n): (_, i32)| (n % PARTITIONS, record)))
        .await?;
    let (log, registry) = (scene.log.clone(), scene.registry.clone());
    let line = Line { log, registry, from: TOPIC.to_owned(), out: "bench-made".into(), count };
    line.log.create_topic(&TopicSpec::new(&*line.out, PARTITIONS)).await?;
    measure(bench, "Embedded: topic to topic, exactly once", &line).await
}

pub(super) async fn kafka(bench: &mut Bench, bootstrap: &str) -> Result<()> {
    let count = bench.plan.amount(500_000);
    let bus = TypedBus::open(bootstrap).await?;
    bus.emit(count - bus.count().await?).await?;
    let out: Arc<str> = format!("{}-made", bus.topic).into();
    let line = Line { log: bus.log.clone(), registry: bus.registry.clone(), from: bus.topic.clone(), out, count };
    line.log.create_topic(&TopicSpec::new(&*line.out, PARTITIONS)).await?;
    measure(bench, "Kafka: topic to topic, exactly once", &line).await?;
    bus.remove().await
}

async fn measure(bench: &mut Bench, work: &str, line: &Line) -> Result<()> {
    let measured = paired(&bench.plan, async || exactly_once(line).await, async || at_least_once(line).await);
    let measured = measured.await?;
    let settings = json!({
        "records": line.count, "made_bytes": RECORD_BYTES, "batch_records_max": BATCH, "partitions": PARTITIONS,
        "how": "one record made of each; from the first call until everything is committed",
    });
    bench.report.add((work, "the same at least once, by a handler of batches", "records/s"), measured, settings)
}

fn made(out: &Arc<str>, event: &CourseEnrollmentCreated) -> NewRecord {
    let user = event.enrollment.user.id;
    NewRecord {
        topic: out.clone(),
        partition: i32::try_from(user % i64::from(PARTITIONS)).unwrap_or_default(),
        timestamp_ms: None,
        key: Some(user.to_be_bytes().to_vec().into()),
        value: Some(vec![7; RECORD_BYTES].into()),
        headers: Vec::new(),
    }
}

async fn exactly_once(line: &Line) -> Result<Sample> {
    let group = unique_prefix();
    let (out, first) = (line.out.clone(), Arc::<OnceLock<Instant>>::default());
    let began = first.clone();
    let settings = PipeSettings { batch_records_max: BATCH, ..PipeSettings::default() };
    let topics = [line.from.clone()];
    let pipe = Pipe::new(line.log.clone(), line.registry.clone(), &group, &topics, settings).await?;
    let pipe = pipe.on(move |event: CourseEnrollmentCreated| {
        began.get_or_init(Instant::now);
        std::future::ready(Ok(vec![made(&out, &event)]))
    });
    run(line, &group, Arc::new(pipe), &first).await
}

async fn at_least_once(line: &Line) -> Result<Sample> {
    let group = unique_prefix();
    let (out, first) = (line.out.clone(), Arc::<OnceLock<Instant>>::default());
    let began = first.clone();
    let writer = line.log.writer(WriterSettings::default()).await?;
    let topics = [line.from.clone()];
    let settings = HandlersSettings::default();
    let handlers = Handlers::new(line.log.clone(), line.registry.clone(), &group, &topics, settings).await?;
    let handlers = handlers.on_batch(BATCH, move |events: Vec<CourseEnrollmentCreated>| {
        began.get_or_init(Instant::now);
        append(writer.clone(), events.iter().map(|event| made(&out, event)).collect())
    });
    run(line, &group, Arc::new(handlers), &first).await
}

async fn append(writer: Writer, records: Vec<NewRecord>) -> Result<(), HandlerError> {
    let mut receipts = Vec::with_capacity(records.len());
    for record in records {
        receipts.push(writer.append(record).await);
    }
    for receipt in receipts {
        receipt.await.map_err(|error| HandlerError::Transient(error.into()))?;
    }
    Ok(())
}

async fn run(line: &Line, group: &str, processor: Arc<dyn Processor>, first: &OnceLock<Instant>) -> Result<Sample> {
    let mut settings = EngineSettings::new(GroupSettings::new(group, vec![line.from.clone()]));
    settings.until = Until::CaughtUp;
    let outcome = run_engine(line.log.clone(), settings, processor, std::future::pending()).await?;
    let ended = Instant::now();
    ensure!(outcome == Outcome::CaughtUp, "it was stopped");
    delete_topics(line.log.as_ref(), &format!("{group}.held.")).await?;
    Ok(Sample::rate(line.count, ended - *first.get().context("there were calls")?))
}
