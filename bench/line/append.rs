//! Durable appends to the embedded log, beside writing and syncing the same bytes to a file.
//!
//! To sync a file that grows costs more than to sync one that has its length, because the length is synced too. Both are
//! shown: a plain log grows, and a write-ahead log is written over.

use std::{
    fs::File,
    io::{Seek, Write},
    path::Path,
    sync::Arc,
    time::Instant,
};

use anyhow::{Context, Result};
use coursebus_transport::{Log, NewRecord, Settings, Sync, TopicSpec, Writer, WriterSettings, embedded::EmbeddedLog};
use serde_json::json;

use super::Bench;
use crate::measure::{Sample, paired};

/// The one topic, of one partition.
pub(super) const TOPIC: &str = "bench";
const KEY_BYTES: usize = 24;
const VALUE_BYTES: usize = 336;
/// Key and value together.
pub(super) const RECORD_BYTES: usize = KEY_BYTES + VALUE_BYTES;

/// Producers beside each other, for group commit.
const PRODUCERS: usize = 64;

pub(super) async fn run(bench: &mut Bench) -> Result<()> {
    for (batch, waves) in [(1, 2000), (100, 1000), (1000, 300)] {
        for shape in [Shape::Grows, Shape::HasItsLength] {
            waves_of(bench, batch, waves, shape).await?;
        }
    }
    group_commit(bench).await
}

/// How the raw file is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// At its end.
    Grows,
    /// From its beginning on, over what the run before has left.
    HasItsLength,
}

impl Shape {
    fn describe(self) -> &'static str {
        match self {
            Self::Grows => "write + fdatasync of the same batches, at the end of a file",
            Self::HasItsLength => "write + fdatasync of the same batches, over a file that has its length",
        }
    }
}

async fn waves_of(bench: &mut Bench, batch: usize, waves: usize, shape: Shape) -> Result<()> {
    let waves = bench.plan.amount(waves);
    let place = bench.folder()?;
    let (_log, writer) = log(place.path()).await?;
    let mut file = File::create(place.path().join("raw"))?;
    let measured = paired(
        &bench.plan,
        async || append_waves(&writer, batch, waves).await,
        async || write_waves(&mut file, batch, waves, shape),
    );
    let measured = measured.await?;
    let work = format!("embedded: durable append, waves of {batch}");
    let settings = json!({ "batch": batch, "waves": waves, "record_bytes": RECORD_BYTES });
    bench.report.add((&work, shape.describe(), "records/s"), measured, settings)
}

async fn group_commit(bench: &mut Bench) -> Result<()> {
    let each = bench.plan.amount(2000);
    let place = bench.folder()?;
    let (_log, writer) = log(place.path()).await?;
    let mut file = File::create(place.path().join("raw"))?;
    let measured = paired(
        &bench.plan,
        async || append_beside_each_other(&writer, each).await,
        async || write_waves(&mut file, PRODUCERS, each, Shape::HasItsLength),
    );
    let measured = measured.await?;
    let work = format!("embedded: durable append, {PRODUCERS} producers, each one at a time");
    let other = format!("write + fdatasync of batches of {PRODUCERS}, over a file that has its length");
    let settings = json!({ "producers": PRODUCERS, "each": each, "record_bytes": RECORD_BYTES });
    bench.report.add((&work, &other, "records/s"), measured, settings)
}

/// A new log with one topic of one partition, and a writer.
pub(super) async fn log(place: &Path) -> Result<(Arc<EmbeddedLog>, Writer)> {
    let log = Arc::new(EmbeddedLog::open(&place.join("bus"), Sync::Disk, &Settings::default())?);
    log.create_topic(&TopicSpec::new(TOPIC, 1)).await?;
    let writer = log.writer(WriterSettings::default()).await?;
    Ok((log, writer))
}

/// A record of the usual size. Its bytes are those of no other, so that nothing can be compressed away.
pub(super) fn record(number: usize) -> NewRecord {
    let bytes: Vec<u8> = noise(number).take(VALUE_BYTES).collect();
    NewRecord {
        topic: TOPIC.into(),
        partition: 0,
        timestamp_ms: None,
        key: Some(format!("{number:0KEY_BYTES$}").into()),
        value: Some(bytes.into()),
        headers: Vec::new(),
    }
}

fn noise(seed: usize) -> impl Iterator<Item = u8> {
    // splitmix64: eight bytes a step.
    let mut state = seed as u64;
    std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)).to_le_bytes()
    })
    .flatten()
}

/// Appends batches one after the other; within a batch all at once. Records are made before the clock starts.
pub(super) async fn append_waves(writer: &Writer, batch: usize, waves: usize) -> Result<Sample> {
    let template: Vec<NewRecord> = (0..batch).map(record).collect();
    let started = Instant::now();
    let mut receipts = Vec::with_capacity(batch);
    for _ in 0..waves {
        for record in &template {
            receipts.push(writer.append(record.clone()).await);
        }
        for receipt in receipts.drain(..) {
            receipt.await?;
        }
    }
    Ok(Sample::rate(batch * waves, started.elapsed()))
}

fn write_waves(file: &mut File, batch: usize, waves: usize, shape: Shape) -> Result<Sample> {
    let bytes: Vec<u8> = (0..batch).map(record).flat_map(|record| bytes_of(&record)).collect();
    if shape == Shape::HasItsLength {
        file.rewind()?;
    }
    let started = Instant::now();
    for _ in 0..waves {
        file.write_all(&bytes).context("writing the raw file")?;
        file.sync_data().context("syncing the raw file")?;
    }
    Ok(Sample::rate(batch * waves, started.elapsed()))
}

async fn append_beside_each_other(writer: &Writer, each: usize) -> Result<Sample> {
    let started = Instant::now();
    let mut producers = tokio::task::JoinSet::new();
    for number in 0..PRODUCERS {
        let (writer, record) = (writer.clone(), record(number));
        producers.spawn(async move {
            for _ in 0..each {
                writer.append(record.clone()).await.await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(ended) = producers.join_next().await {
        ended??;
    }
    Ok(Sample::rate(PRODUCERS * each, started.elapsed()))
}

/// Key and value, one behind the other.
pub(super) fn bytes_of(record: &NewRecord) -> Vec<u8> {
    [record.key.as_deref(), record.value.as_deref()].map(Option::unwrap_or_default).concat()
}
