//! Compression and linger: how fast, how many bytes on the wire, how late at a steady rate.
//!
//! The bytes are those of rdkafka with the same settings and the same records, because only its statistics tell them.

use std::time::{Duration, Instant};

use anyhow::Result;
use coursebus_transport::{WriterSettings, kafka::KafkaSettings};
use serde_json::json;

use crate::{
    line::{
        Bench,
        emit::TEMPLATES,
        kafka::TypedBus,
        raw::{RawProducer, Template},
    },
    measure::{alone, cpu},
};

/// What is compared.
pub(super) const CODECS: [&str; 3] = ["none", "lz4", "zstd"];
const LINGERS_MS: [u64; 3] = [0, 5, 20];
/// The steady rate.
const PER_SECOND: u32 = 1_000;
/// How often the throughput is measured.
const RUNS: usize = 3;

pub(super) async fn run(bench: &mut Bench, bootstrap: &str, codecs: &[&str]) -> Result<()> {
    let bus = TypedBus::open(bootstrap).await?;
    bus.emit(TEMPLATES).await?;
    let templates = bus.records(TEMPLATES).await?.iter().map(Template::of).collect::<Result<Vec<_>>>()?;
    println!("| codec | linger | events/s | CPU of the client, µs each | bytes on the wire each | p50, ms | p99, ms |");
    println!("|---|---:|---:|---:|---:|---:|---:|");
    for codec in codecs {
        for linger_ms in LINGERS_MS {
            one(bench, bootstrap, (codec, linger_ms), &templates, &bus.topic).await?;
        }
    }
    bus.remove().await
}

async fn one(
    bench: &mut Bench,
    bootstrap: &str,
    (codec, linger_ms): (&str, u64),
    templates: &[Template],
    topic: &str,
) -> Result<()> {
    let count = bench.plan.amount(100_000);
    let file = bench.folder()?.keep().join("kafka.properties");
    std::fs::write(&file, format!("compression.type={codec}\n"))?;
    let writer = WriterSettings { linger: Duration::from_millis(linger_ms), ..WriterSettings::default() };
    let bus = TypedBus::open_with(bootstrap, KafkaSettings::from_file(&file)?, writer).await?;
    bus.emit(count).await?;
    let (mut rates, before) = (Vec::new(), cpu::used());
    for _ in 0..RUNS {
        let began = Instant::now();
        bus.emit(count).await?;
        rates.push(count as f64 / began.elapsed().as_secs_f64());
    }
    let used = cpu::used().zip(before).map_or(Duration::ZERO, |(after, before)| after.saturating_sub(before));
    let cpu_us = used.as_secs_f64() * 1e6 / (count * RUNS) as f64;
    let took = bus.latencies(bench.plan.amount(2_000), PER_SECOND).await?;
    let ms = |percent: usize| took[(took.len() - 1) * percent / 100].as_secs_f64() * 1e3;
    bus.remove().await?;

    let linger = linger_ms.to_string();
    let settings = [("compression.type", codec), ("linger.ms", &linger), ("statistics.interval.ms", "500")];
    let raw = RawProducer::with(bootstrap, topic, &settings)?;
    raw.send(templates, 1, true)?;
    let idle = raw.sent_bytes()?;
    raw.send(templates, count, true)?;
    let bytes_each = raw.sent_bytes()?.saturating_sub(idle) as f64 / count as f64;

    rates.sort_by(f64::total_cmp);
    let (rate, p50, p99) = (rates[RUNS / 2], ms(50), ms(99));
    println!("| {codec} | {linger_ms} ms | {rate:.0} | {cpu_us:.2} | {bytes_each:.0} | {p50:.1} | {p99:.1} |");
    let settings = json!({
        "codec": codec,
        "linger_ms": linger_ms,
        "events": count,
        "cpu_us_each": cpu_us,
        "bytes_on_the_wire_each": bytes_each,
        "steady_per_second": PER_SECOND,
        "latency_p50_ms": p50,
        "latency_p99_ms": p99,
    });
    let work = format!("Kafka: typed emit, {codec}, linger {linger_ms} ms");
    bench.report.add((&work, "none", "events/s"), alone(rates), settings)
}
