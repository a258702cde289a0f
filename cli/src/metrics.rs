//! The node's metrics as text for Prometheus (OpenMetrics).
//!
//! Nothing is counted here: a scrape reads what the sinks' watches know, so that a record costs nothing. Names and labels
//! are those of OpenTelemetry's conventions for messaging where those have one, with underscores.

use std::{fmt, time::Duration};

use coursebus_sinks_kit::{PartitionView, SECONDS, monitor::is_late};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text::encode},
    metrics::MetricType,
    registry::{Registry, Unit},
};

use crate::{node::Watched, when};

/// What the text is.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All metrics as of now.
pub fn text(sinks: Vec<Watched>, stuck_after: Duration) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Sinks { sinks, stuck_after }));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

#[derive(Debug)]
struct Sinks {
    sinks: Vec<Watched>,
    stuck_after: Duration,
}

type Rows<'a> = [(&'a str, PartitionView)];
type Labels<'a> = [(&'static str, &'a str); 3];

fn labels<'a>(group: &'a str, topic: &'a str, partition: &'a str) -> Labels<'a> {
    [
        ("messaging_consumer_group_name", group),
        ("messaging_destination_name", topic),
        ("messaging_destination_partition_id", partition),
    ]
}

impl Collector for Sinks {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let now = when::now_ms();
        let rows: Vec<(&str, PartitionView)> = self
            .sinks
            .iter()
            .flat_map(|sink| sink.watch.view(now).into_iter().map(|view| (sink.group.as_str(), view)))
            .collect();
        counts(&mut encoder, &rows)?;
        lags(&mut encoder, &rows)?;
        gauge(
            &mut encoder,
            "coursebus_partition_stuck",
            "1 where records wait and nothing moves, or the sink says that it goes no further",
            None,
            &rows,
            |view| Some(f64::from(u8::from(view.is_stuck(self.stuck_after)))),
        )?;
        self.held(&mut encoder)
    }
}

impl Sinks {
    fn held(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let help = "Held records in the sink's database, by state and cause";
        let mut metric = encoder.encode_descriptor("coursebus_held_records", help, None, MetricType::Gauge)?;
        for sink in &self.sinks {
            for held in sink.watch.held() {
                let partition = held.partition.to_string();
                let [group, topic, partition] = labels(&sink.group, &held.topic, &partition);
                let labels = [group, topic, partition, ("state", &held.state), ("error_type", &held.code)];
                metric.encode_family(&labels)?.encode_gauge(&(held.count as f64))?;
            }
        }
        Ok(())
    }
}

fn counts(encoder: &mut DescriptorEncoder<'_>, rows: &Rows<'_>) -> Result<(), fmt::Error> {
    let help = "Records that were processed: applied, held, or of a type that the sink does not read";
    counter(encoder, "messaging_client_consumed_messages", help, rows, |view| view.totals.records)?;
    let help = "Transactions that were tried again";
    counter(encoder, "coursebus_retries", help, rows, |view| view.totals.retries)?;
    let help = "How long a batch of records took";
    let name = "messaging_process_duration";
    let mut metric = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?;
    each(&mut metric, rows, |mut family, view| {
        let buckets = buckets(&view.totals.within, view.totals.batches);
        family.encode_histogram::<NoLabelSet>(view.totals.seconds, view.totals.batches, &buckets, None)
    })
}

fn lags(encoder: &mut DescriptorEncoder<'_>, rows: &Rows<'_>) -> Result<(), fmt::Error> {
    let seconds = Some(&Unit::Seconds);
    let help = "How long ago the first record that is not applied was emitted";
    gauge(encoder, "coursebus_lag", help, seconds, rows, |view| Some(view.lag.as_secs_f64()))?;
    let help = "How many records wait at most: a difference of offsets, which counts holes";
    gauge(encoder, "coursebus_lag_offsets_bound", help, None, rows, |view| view.lag_bound.map(|n| n as f64))?;
    let help = "How long the batch that is being applied has been so";
    let in_flight = |view: &PartitionView| Some(view.in_flight.unwrap_or_default().as_secs_f64());
    gauge(encoder, "coursebus_oldest_in_flight", help, seconds, rows, in_flight)?;
    let help = "1 where the lag is past half of the topic's retention";
    let late = |view: &PartitionView| Some(f64::from(u8::from(is_late(view.lag, view.retention))));
    gauge(encoder, "coursebus_retention_near", help, None, rows, late)
}

fn counter(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    rows: &Rows<'_>,
    value: impl Fn(&PartitionView) -> u64,
) -> Result<(), fmt::Error> {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    each(&mut metric, rows, |mut family, view| family.encode_counter::<NoLabelSet, u64, f64>(&value(view), None))
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    rows: &Rows<'_>,
    value: impl Fn(&PartitionView) -> Option<f64>,
) -> Result<(), fmt::Error> {
    let mut metric = encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?;
    each(&mut metric, rows, |mut family, view| value(view).map_or(Ok(()), |value| family.encode_gauge(&value)))
}

fn each(
    metric: &mut MetricEncoder<'_>,
    rows: &Rows<'_>,
    encode: impl Fn(MetricEncoder<'_>, &PartitionView) -> Result<(), fmt::Error>,
) -> Result<(), fmt::Error> {
    for (group, view) in rows {
        let partition = view.partition.partition.to_string();
        encode(metric.encode_family(&labels(group, &view.partition.topic, &partition))?, view)?;
    }
    Ok(())
}

/// The encoder adds the counts up itself; a watch has them added up.
fn buckets(within: &[u64; SECONDS.len()], all: u64) -> Vec<(f64, u64)> {
    let mut below = 0;
    let bounds = SECONDS.iter().copied().zip(within.iter().copied()).chain([(f64::MAX, all)]);
    bounds
        .map(|(bound, within)| {
            let bucket = (bound, within.saturating_sub(below));
            below = within;
            bucket
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_taken_apart_again() {
        let mut within = [2; SECONDS.len()];
        within[0] = 1;
        let found = buckets(&within, 5);
        assert_eq!((found[0].1, found[1].1, found[2].1, found.last().map(|b| b.1)), (1, 1, 0, Some(3)));
    }

    #[test]
    fn without_a_partition_the_text_has_no_values() {
        let text = text(Vec::new(), Duration::ZERO).expect("a text");
        assert!(text.ends_with("# EOF\n") && text.lines().all(|line| line.starts_with('#')), "{text}");
    }
}
