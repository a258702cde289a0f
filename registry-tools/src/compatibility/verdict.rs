//! Which pairs of two schemas' types hold: all that are reachable, each looked at once, without recursion. Pure.
//!
//! A pair holds unless something proves that it does not, so that recursive types read themselves: the greatest fixed point.

use std::collections::HashMap;

use super::{
    pair::{Pair, compare},
    schema::{Schema, Shape},
};

/// The pieces of work that one pair of schemas may take: pairs of types, their fields, branches and symbols. Schemas of a
/// thousand fields take some thousands; only unions of thousands of branches on both sides come near.
pub const STEPS_MAX: usize = 2_000_000;

/// What holds between the types of a reader and those of a writer.
pub(super) struct Verdict {
    places: HashMap<Pair, usize>,
    holds: Vec<bool>,
    /// The pairs that depend on each.
    dependents: Vec<Vec<usize>>,
    /// How many of the pairs that it needs must fail until it fails: 1, or all where one is enough. 0: it failed by itself.
    failures_left: Vec<usize>,
}

impl Verdict {
    /// Looks at two schemas; `None` when that takes more than [`STEPS_MAX`].
    pub(super) fn of(reader: &Schema, writer: &Schema) -> Option<Self> {
        let root = Pair { reader: reader.root, writer: writer.root };
        let mut verdict = Self {
            places: HashMap::from([(root, 0)]),
            holds: vec![true],
            dependents: vec![Vec::new()],
            failures_left: Vec::new(),
        };
        let mut pairs = vec![root];
        let mut steps = 0;
        while let Some(&pair) = pairs.get(verdict.failures_left.len()) {
            steps += cost(reader, writer, pair);
            if steps > STEPS_MAX {
                return None;
            }
            verdict.look(reader, writer, pair, &mut pairs);
        }
        verdict.spread();
        Some(verdict)
    }

    /// Whether the writer's data can be read.
    pub(super) fn holds(&self) -> bool {
        self.holds[0]
    }

    /// Whether one pair holds; a pair that was never reached does.
    pub(super) fn of_pair(&self, pair: Pair) -> bool {
        self.places.get(&pair).is_none_or(|place| self.holds[*place])
    }

    fn look(&mut self, reader: &Schema, writer: &Schema, pair: Pair, pairs: &mut Vec<Pair>) {
        let place = self.failures_left.len();
        let step = compare(reader, writer, pair);
        let failed = !step.faults.is_empty() || (step.any && step.needs.is_empty());
        self.failures_left.push(match (failed, step.any) {
            (true, _) => 0,
            (false, true) => step.needs.len(),
            (false, false) => 1,
        });
        for need in step.needs {
            let needed = *self.places.entry(need.pair).or_insert_with(|| {
                pairs.push(need.pair);
                self.holds.push(true);
                self.dependents.push(Vec::new());
                pairs.len() - 1
            });
            self.dependents[needed].push(place);
        }
    }

    /// From the pairs that failed by themselves to those that need them.
    fn spread(&mut self) {
        let mut failed: Vec<usize> = (0..self.holds.len()).filter(|place| self.failures_left[*place] == 0).collect();
        failed.iter().for_each(|place| self.holds[*place] = false);
        while let Some(place) = failed.pop() {
            for i in 0..self.dependents[place].len() {
                let dependent = self.dependents[place][i];
                if !self.holds[dependent] {
                    continue;
                }
                self.failures_left[dependent] -= 1;
                if self.failures_left[dependent] == 0 {
                    self.holds[dependent] = false;
                    failed.push(dependent);
                }
            }
        }
    }
}

fn cost(reader: &Schema, writer: &Schema, pair: Pair) -> usize {
    let size = |shape: &Shape| match shape {
        Shape::Union(branches) => branches.len(),
        Shape::Enum { symbols, .. } => symbols.len(),
        Shape::Record { fields, .. } => fields.iter().map(|field| 1 + field.aliases.len()).sum(),
        _ => 0,
    };
    let (r, w) = (reader.shape(pair.reader), writer.shape(pair.writer));
    // What `compare` walks over: the reader's fields, the writer's symbols, the branches of either.
    1 + match (r, w) {
        (_, Shape::Union(_)) => size(w),
        (Shape::Union(_) | Shape::Record { .. }, _) => size(r),
        (Shape::Enum { .. }, Shape::Enum { .. }) => size(w),
        _ => 0,
    }
}
