//! One measured work. Pure.

use serde::Serialize;
use serde_json::{Map, Value};

/// A work beside what it is compared with, as it stands in `target/bench/NAME.json`.
#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    /// What was done.
    pub work: String,
    /// The median of our runs.
    pub ours: f64,
    /// The median of the other's runs.
    pub other: Option<f64>,
    /// What the other is; `none` where nothing fair exists.
    pub other_is: String,
    /// Of both.
    pub unit: &'static str,
    /// The median of the pairs' ratios, ours to other.
    pub ratio: Option<f64>,
    /// Each pair, in the order in which they were measured.
    pub runs: Vec<(f64, Option<f64>)>,
    /// What it was measured with.
    pub settings: Map<String, Value>,
}

impl Figure {
    /// Sums pairs up.
    pub fn new(work: &str, other_is: &str, unit: &'static str, runs: Vec<(f64, Option<f64>)>) -> Self {
        let others: Option<Vec<f64>> = runs.iter().map(|(_, other)| *other).collect();
        Self {
            work: work.to_owned(),
            ours: median(runs.iter().map(|(ours, _)| *ours)).unwrap_or(f64::NAN),
            other: others.and_then(median),
            other_is: other_is.to_owned(),
            unit,
            ratio: median(ratios(&runs)),
            runs,
            settings: Map::new(),
        }
    }

    /// The smallest and the largest ratio of a pair: how far to trust the median.
    pub fn spread(&self) -> Option<(f64, f64)> {
        let all: Vec<f64> = ratios(&self.runs).collect();
        let smallest = all.iter().copied().reduce(f64::min)?;
        Some((smallest, all.iter().copied().reduce(f64::max)?))
    }
}

fn ratios(runs: &[(f64, Option<f64>)]) -> impl Iterator<Item = f64> {
    runs.iter().filter_map(|(ours, other)| Some(ours / (*other)?))
}

/// The middle one, or the mean of the two in the middle.
pub(super) fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let (last, middle) = (values.len().checked_sub(1)?, values.len() / 2);
    Some(f64::midpoint(values[last / 2], values[middle]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_the_median_of_pairs_and_not_of_medians() {
        let runs = vec![(1.0, Some(1.0)), (10.0, Some(2.0)), (3.0, Some(6.0))];
        let figure = Figure::new("w", "o", "u", runs);
        assert_eq!((figure.ours, figure.other, figure.ratio), (3.0, Some(2.0), Some(1.0)));
        assert_eq!(figure.spread(), Some((0.5, 5.0)));
    }

    #[test]
    fn without_another_there_is_no_ratio() {
        let figure = Figure::new("w", "none", "u", vec![(1.0, None), (2.0, None)]);
        assert_eq!((figure.ours, figure.other, figure.ratio, figure.spread()), (1.5, None, None, None));
        assert_eq!(serde_json::to_value(&figure.runs).expect("numbers"), serde_json::json!([[1.0, null], [2.0, null]]));
    }
}
