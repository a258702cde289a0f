//! Reading the embedded log from its beginning, beside reading a plain file of the same records.

use std::{
    fs::File,
    hint::black_box,
    io::{BufReader, BufWriter, Read, Write},
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use coursebus_transport::{Log, Offset, ReaderSettings, TopicPartition};
use serde_json::json;

use super::{
    Bench,
    append::{RECORD_BYTES, TOPIC, append_waves, bytes_of, log, record},
};
use crate::measure::{Sample, paired};

/// How the log is filled: what group commit makes of many producers.
const BATCH: usize = 1000;

pub(super) async fn run(bench: &mut Bench) -> Result<()> {
    let waves = bench.plan.amount(1000);
    let count = waves * BATCH;
    let place = bench.folder()?;
    let (log, writer) = log(place.path()).await?;
    append_waves(&writer, BATCH, waves).await?;
    let raw = place.path().join("raw");
    write_plain(&raw, waves)?;
    let measured = paired(&bench.plan, async || read_log(log.as_ref(), count).await, async || read_plain(&raw, count));
    let measured = measured.await?;
    let settings = json!({ "records": count, "record_bytes": RECORD_BYTES, "appended_in_waves_of": BATCH });
    let other = "a plain file of lengths and records through a buffer of 1 MiB";
    bench.report.add(("embedded: read from the beginning", other, "records/s"), measured, settings)
}

async fn read_log(log: &dyn Log, count: usize) -> Result<Sample> {
    let started = Instant::now();
    let from = vec![(TopicPartition::new(TOPIC, 0), Offset(0))];
    let mut reader = log.reader(from, ReaderSettings::default()).await?;
    let mut read = 0;
    while read < count {
        let fetched = reader.next(Duration::from_secs(10)).await?;
        ensure!(!fetched.records.is_empty() || !fetched.ends.is_empty(), "the reader got nothing");
        for record in &fetched.records {
            black_box((record.key(), record.value()));
        }
        read += fetched.records.len();
    }
    Ok(Sample::rate(count, started.elapsed()))
}

fn write_plain(path: &Path, waves: usize) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let records: Vec<Vec<u8>> = (0..BATCH).map(|number| bytes_of(&record(number))).collect();
    for bytes in records.iter().cycle().take(BATCH * waves) {
        file.write_all(&u32::try_from(bytes.len())?.to_le_bytes())?;
        file.write_all(bytes)?;
    }
    Ok(file.flush()?)
}

fn read_plain(path: &Path, count: usize) -> Result<Sample> {
    let started = Instant::now();
    let mut file = BufReader::with_capacity(1 << 20, File::open(path)?);
    let mut record = vec![0; RECORD_BYTES];
    for _ in 0..count {
        let mut length = [0; 4];
        file.read_exact(&mut length).context("reading a length")?;
        record.resize(u32::from_le_bytes(length) as usize, 0);
        file.read_exact(&mut record).context("reading a record")?;
        black_box(&record);
    }
    Ok(Sample::rate(count, started.elapsed()))
}
