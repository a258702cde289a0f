//! How late another process sees a record: the embedded log's tail, beside a file that is polled.

use std::{
    fs::File,
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command},
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result, ensure};
use coursebus_transport::{
    Log, NewRecord, Offset, Reader, ReaderSettings, Settings, Sync, TopicPartition, WriterSettings,
    embedded::EmbeddedLog,
};
use serde_json::json;
use tokio::time::Instant;

use super::{
    Bench,
    append::{RECORD_BYTES, TOPIC, log},
};
use crate::measure::{Measured, Plan, Sample, paired};

/// Between two records of the writing process.
const EVERY: Duration = Duration::from_millis(2);
/// How often the plain file is looked at.
const POLL: Duration = Duration::from_millis(1);
/// Of a record: when it was handed over, in nanoseconds since 1970.
const STAMP_BYTES: usize = 16;
/// Records at the start of a run that do not count.
const WARM_UP: usize = 50;
/// How long a run may take beyond its records.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the writing process is told.
#[derive(clap::Args)]
pub struct WriterArgs {
    /// Append to the plain file at this path and not to the log in this folder
    #[arg(long)]
    plain: bool,
    /// How many records
    #[arg(long)]
    count: usize,
    /// The log's folder, or the file
    path: PathBuf,
}

pub(super) async fn run(bench: &mut Bench) -> Result<()> {
    let count = WARM_UP + bench.plan.amount(1000);
    let (p50, p99) = measure(&bench.plan, bench.folder()?.path(), count).await?;
    let other = "write + fdatasync to a file that the other process polls each 1 ms";
    for (quantile, measured) in [("p50", p50), ("p99", p99)] {
        let work = format!("embedded: from append to seen by another process, {quantile}");
        let settings = json!({ "records": count, "every_ms": 2, "record_bytes": RECORD_BYTES });
        bench.report.add((&work, other, "µs, less is better"), measured, settings)?;
    }
    Ok(())
}

/// The medians and the 99th percentiles of the same runs.
async fn measure(plan: &Plan, place: &Path, count: usize) -> Result<(Measured, Measured)> {
    let (log, _) = log(place).await?;
    let (bus, plain) = (place.join("bus"), place.join("raw"));
    File::create(&plain)?;
    let from = vec![(TopicPartition::new(TOPIC, 0), Offset(0))];
    let mut reader = log.reader(from, ReaderSettings::default()).await?;
    let (mut ours, mut others) = (Vec::new(), Vec::new());
    let p50 = paired(
        plan,
        async || {
            let late = follow_log(reader.as_mut(), &bus, count).await?;
            ours.push(quantile(&late, 0.99));
            Ok(Sample { value: quantile(&late, 0.5), count })
        },
        async || {
            let late = poll_file(&plain, count)?;
            others.push(quantile(&late, 0.99));
            Ok(Sample { value: quantile(&late, 0.5), count })
        },
    )
    .await?;
    let p99 = ours.into_iter().zip(others.into_iter().map(Some)).skip(1).collect();
    Ok((Measured { notes: serde_json::Map::new(), ..p50 }, Measured { runs: p99, notes: serde_json::Map::new() }))
}

async fn follow_log(reader: &mut dyn Reader, bus: &Path, count: usize) -> Result<Vec<f64>> {
    let mut writer = Ended(start_writer(bus, count, false)?);
    let until = deadline(count);
    let mut late = Vec::with_capacity(count);
    while late.len() < count {
        ensure!(Instant::now() < until, "only {} of {count} records were seen", late.len());
        for record in reader.next(Duration::from_secs(1)).await?.records {
            late.push(lateness(record.value().context("a record has a value")?)?);
        }
    }
    writer.success()?;
    Ok(late)
}

fn poll_file(path: &Path, count: usize) -> Result<Vec<f64>> {
    let mut file = File::open(path)?;
    let mut passed = Vec::new();
    file.read_to_end(&mut passed)?;
    let mut writer = Ended(start_writer(path, count, true)?);
    let until = deadline(count);
    let (mut late, mut bytes) = (Vec::with_capacity(count), Vec::new());
    while late.len() < count {
        ensure!(Instant::now() < until, "only {} of {count} records were seen", late.len());
        std::thread::sleep(POLL);
        file.read_to_end(&mut bytes)?;
        let whole = bytes.len() - bytes.len() % RECORD_BYTES;
        for record in bytes.drain(..whole).collect::<Vec<_>>().chunks_exact(RECORD_BYTES) {
            late.push(lateness(record)?);
        }
    }
    writer.success()?;
    Ok(late)
}

/// The writing process: appends one record after the other, each when the one before is durable.
pub async fn write(args: &WriterArgs) -> Result<()> {
    let mut ticks = tokio::time::interval(EVERY);
    if args.plain {
        let mut file = File::options().append(true).open(&args.path)?;
        for _ in 0..args.count {
            ticks.tick().await;
            file.write_all(&stamped())?;
            file.sync_data()?;
        }
        return Ok(());
    }
    let log = EmbeddedLog::open(&args.path, Sync::Disk, &Settings::default())?;
    let writer = log.writer(WriterSettings::default()).await?;
    for _ in 0..args.count {
        ticks.tick().await;
        let (topic, value) = (TOPIC.into(), Some(stamped().into()));
        let record = NewRecord { topic, partition: 0, timestamp_ms: None, key: None, value, headers: Vec::new() };
        writer.append(record).await.await?;
    }
    Ok(())
}

fn start_writer(path: &Path, count: usize, plain: bool) -> Result<Child> {
    let mut writer = Command::new(std::env::current_exe()?);
    writer.arg("tail-writer").args(plain.then_some("--plain")).args(["--count", &count.to_string()]).arg(path);
    writer.spawn().context("starting the writing process")
}

/// The writing process; it ends with the run, whatever becomes of that.
struct Ended(Child);

impl Ended {
    fn success(&mut self) -> Result<()> {
        let status = self.0.wait()?;
        ensure!(status.success(), "the writing process ended with {status}");
        Ok(())
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        // Fails where it has ended, which is what is wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn deadline(count: usize) -> Instant {
    Instant::now() + EVERY * 10 * u32::try_from(count).unwrap_or(u32::MAX) + PATIENCE
}

/// A record that holds the time.
fn stamped() -> Vec<u8> {
    let mut record = now_nanos().to_le_bytes().to_vec();
    debug_assert_eq!(record.len(), STAMP_BYTES);
    record.resize(RECORD_BYTES, 0);
    record
}

/// How many microseconds ago a record was handed over.
fn lateness(record: &[u8]) -> Result<f64> {
    let stamp = record.first_chunk::<STAMP_BYTES>().context("a record begins with its time")?;
    Ok(now_nanos().saturating_sub(u128::from_le_bytes(*stamp)) as f64 / 1e3)
}

#[expect(clippy::disallowed_methods, reason = "two processes have no other clock in common")]
fn now_nanos() -> u128 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos()
}

/// Of the records after the warm-up.
fn quantile(late: &[f64], quantile: f64) -> f64 {
    let mut sorted = late.get(WARM_UP..).unwrap_or_default().to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * quantile).round() as usize).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_leave_the_warm_up_out() {
        let late: Vec<f64> = std::iter::repeat_n(1e9, WARM_UP).chain((0..=100).map(f64::from)).collect();
        assert_eq!((quantile(&late, 0.5), quantile(&late, 0.99)), (50.0, 99.0));
        assert!(quantile(&late[..WARM_UP], 0.5).is_nan());
    }

    #[test]
    fn a_record_tells_when_it_was_made() {
        let late = lateness(&stamped()).expect("a stamp");
        assert!((0.0..5e6).contains(&late), "{late}");
    }
}
