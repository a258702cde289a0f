//! Measuring in turn: ours, other, ours, other.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::{cpu, figure::median};

/// How often a work is measured, and how much of it.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Pairs that count; one more before them does not.
    pub pairs: usize,
    /// Divides the amount of work, for trying a bench out.
    pub shorten: usize,
    /// Only this side is run, for a profiler.
    pub side: Option<Side>,
}

/// One of the two that are measured in turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Side {
    /// The project.
    Ours,
    /// What it is compared with.
    Other,
}

impl Plan {
    /// So many, or fewer in a shortened bench.
    pub fn amount(&self, full: usize) -> usize {
        (full / self.shorten).max(1)
    }
}

/// What one run gave.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// In the figure's unit.
    pub value: f64,
    /// How many records or events it was about.
    pub count: usize,
}

impl Sample {
    /// So many in so long, as a rate a second.
    pub fn rate(count: usize, elapsed: Duration) -> Self {
        Self { value: count as f64 / elapsed.as_secs_f64().max(1e-9), count }
    }
}

/// Pairs, and what is worth to know about them.
pub struct Measured {
    /// Ours and the other's, in order.
    pub runs: Vec<(f64, Option<f64>)>,
    /// For the settings of the figure.
    pub notes: Map<String, Value>,
}

/// Runs both in turn, after one pair that does not count. For a profiler one side is run so often, and each run counts.
pub async fn paired(
    plan: &Plan,
    mut ours: impl AsyncFnMut() -> Result<Sample>,
    mut other: impl AsyncFnMut() -> Result<Sample>,
) -> Result<Measured> {
    let (mut runs, mut our_cpu, mut other_cpu) = (Vec::new(), Vec::new(), Vec::new());
    for pair in 0..=plan.pairs {
        if let Some(side) = plan.side {
            let sample = if side == Side::Ours { ours().await? } else { other().await? };
            runs.push((sample.value, None));
            continue;
        }
        let (mine, my_cpu) = timed(&mut ours).await?;
        let (theirs, their_cpu) = timed(&mut other).await?;
        if pair > 0 {
            runs.push((mine.value, Some(theirs.value)));
            our_cpu.extend(my_cpu);
            other_cpu.extend(their_cpu);
        }
    }
    let mut notes = Map::new();
    if let (Some(ours), Some(other)) = (median(our_cpu), median(other_cpu)) {
        notes.insert("cpu_us_each".to_owned(), json!({ "ours": round(ours), "other": round(other) }));
    }
    Ok(Measured { runs, notes })
}

/// Runs of what has nothing beside it.
pub fn alone(values: impl IntoIterator<Item = f64>) -> Measured {
    Measured { runs: values.into_iter().map(|value| (value, None)).collect(), notes: Map::new() }
}

/// A run, and the processor time of this process for each record, in microseconds.
async fn timed(run: &mut impl AsyncFnMut() -> Result<Sample>) -> Result<(Sample, Option<f64>)> {
    let before = cpu::used();
    let sample = run().await?;
    let used = cpu::used().zip(before).map(|(after, before)| after.saturating_sub(before));
    Ok((sample, used.map(|used| used.as_secs_f64() * 1e6 / sample.count.max(1) as f64)))
}

fn round(microseconds: f64) -> f64 {
    (microseconds * 100.0).round() / 100.0
}
