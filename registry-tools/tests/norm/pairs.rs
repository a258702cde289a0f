//! The pairs that are judged: schemas of the catalogue and random ones, and what changes made of them.

use coursebus_schemas::catalog;

use super::{
    model::Model,
    random::{Random, change, schema},
};

/// A schema and a later one.
pub struct Pair {
    pub older: Model,
    pub newer: Model,
}

impl Pair {
    /// As reader and writer, both ways.
    pub fn both_ways(&self) -> [(&Model, &Model); 2] {
        [(&self.newer, &self.older), (&self.older, &self.newer)]
    }
}

/// The same pairs from the same seed.
pub fn pairs(seed: u64, count: usize) -> Vec<Pair> {
    let random = &mut Random(seed);
    let catalogue: Vec<Model> = catalog()
        .events()
        .iter()
        .flat_map(|event| event.versions)
        .map(|version| Model::parse(version.schema))
        .collect();
    (0..count).map(|_| pair(random, &catalogue)).collect()
}

fn pair(random: &mut Random, catalogue: &[Model]) -> Pair {
    let older = if random.one_in(4) { catalogue[random.below(catalogue.len())].clone() } else { schema(random) };
    // Two that have nothing to do with each other, now and then.
    let mut newer = if random.one_in(40) { schema(random) } else { older.clone() };
    for _ in 0..1 + random.below(3) {
        change(random, &mut newer);
    }
    // Some changes change nothing: an alias that is there, types that are not referred to.
    for _ in 0..5 {
        if newer.print() == older.print() && !random.one_in(10) {
            change(random, &mut newer);
        }
    }
    Pair { older, newer }
}
