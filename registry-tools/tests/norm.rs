//! Our compatibility checker beside its norm, Java Avro's, on random pairs; and beside what readers really read.
//!
//! All comes from one seed, printed; `COURSEBUS_TEST_SEED` gives another.

#[path = "norm/java.rs"]
mod java;
#[path = "norm/model.rs"]
mod model;
#[path = "norm/pairs.rs"]
mod pairs;
#[path = "norm/random.rs"]
mod random;
#[path = "norm/shrink.rs"]
mod shrink;
#[path = "norm/truth.rs"]
mod truth;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
};

use coursebus_registry_tools::{
    Level,
    compatibility::{Kind, Previous, Schema, can_read, check},
};
use java::{Java, Verdict};
use model::Model;
use pairs::{Pair, pairs};
use shrink::shrink;

/// Pairs of schemas; each is judged both ways.
const PAIRS: usize = 20_000;

/// Where ours says something else than the norm on purpose, and why. A deviation that no pair shows any more has to go.
const DEVIATIONS: [(&str, &str); 3] = [
    (
        "ambiguous field",
        "two fields of the writer match one of the reader, by name and alias: Java's checker throws, so that a registry answers \
         500; ours says it is incompatible, and why. Java's reader refuses such data too",
    ),
    (
        "own name as alias",
        "a field has its own name among its aliases: Java's checker finds the writer's field twice and throws; ours finds it \
         once, as every reader does",
    ),
    (
        "enum for record",
        "a field without a default, of an enum that has one: Java's checker compares the enum with the writer's record and says \
         TYPE_MISMATCH; ours says that the field has no default. Both say incompatible",
    ),
];

/// Which listed deviation a pair shows where ours and the norm differ.
fn deviation(ours: &Ours, norm: &Verdict) -> Option<&'static str> {
    let Err(error) = &norm.compatible else {
        let is_it = ours.kinds.contains(&"READER_FIELD_MISSING_DEFAULT_VALUE")
            && norm.kinds.iter().any(|k| k == "TYPE_MISMATCH");
        return (norm.compatible == Ok(ours.compatible) && is_it).then_some("enum for record");
    };
    let name = if ours.is_ambiguous { "ambiguous field" } else { "own name as alias" };
    error.contains("matches multiple fields").then_some(name)
}

struct Ours {
    compatible: bool,
    /// Sorted, each once; without what explains a branch of a union, which the norm does not.
    kinds: Vec<&'static str>,
    is_ambiguous: bool,
}

fn ours(reader: &Schema, writer: &Schema) -> Ours {
    let found = check(Level::Backward, reader, &[Previous { version: 1, schema: writer }]);
    assert_eq!(found.is_empty(), can_read(reader, writer));
    let is_ambiguous = found.iter().any(|difference| matches!(difference.kind, Kind::AmbiguousField { .. }));
    let told = found.iter().filter(|difference| !difference.in_branch);
    let kinds: BTreeSet<&str> = told.map(|difference| difference.kind.name()).collect();
    Ours { compatible: found.is_empty(), kinds: kinds.into_iter().collect(), is_ambiguous }
}

fn parse(model: &Model) -> Schema {
    let text = model.print();
    Schema::parse(&text, &[]).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Seen though the test passes.
fn say(line: &str) {
    let _ = std::io::stderr().write_all(format!("norm: {line}\n").as_bytes());
}

#[allow(clippy::disallowed_methods, reason = "tests read the environment")]
fn seed() -> u64 {
    let given = std::env::var("COURSEBUS_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or(20_260_725);
    say(&format!("seed {seed}"));
    seed
}

#[derive(Default)]
struct Counts {
    readable: usize,
    not: usize,
    kinds: BTreeMap<&'static str, usize>,
    deviations: BTreeMap<&'static str, usize>,
}

#[test]
fn verdicts_are_those_of_java_avro() {
    let Some(mut java) = Java::start() else { return };
    let pairs = pairs(seed(), PAIRS);
    let identical = pairs.iter().filter(|pair| pair.older.print() == pair.newer.print()).count();
    let directed = pairs.iter().flat_map(Pair::both_ways);
    let directed: Vec<(&Model, &Model)> = directed.collect();
    let mut counts = Counts::default();
    for chunk in directed.chunks(2_000) {
        let texts: Vec<_> = chunk.iter().map(|(reader, writer)| (reader.print(), writer.print())).collect();
        for ((reader, writer), norm) in chunk.iter().zip(java.check(&texts)) {
            judge(&mut java, reader, writer, &norm, &mut counts);
        }
    }
    report(&counts, identical);
    let shares = (counts.readable * 3, counts.not * 3, identical * 20);
    assert!(shares.0 >= directed.len() && shares.1 >= directed.len(), "a third each is to be readable and not");
    assert!(shares.2 <= PAIRS, "{identical} of {PAIRS} pairs are identical");
    for kind in [
        "FIXED_SIZE_MISMATCH",
        "MISSING_ENUM_SYMBOLS",
        "MISSING_UNION_BRANCH",
        "NAME_MISMATCH",
        "READER_FIELD_MISSING_DEFAULT_VALUE",
        "TYPE_MISMATCH",
    ] {
        let count = counts.kinds.get(kind).copied().unwrap_or_default();
        assert!(count >= 100, "{kind} was found {count} times only");
    }
    for (name, _) in DEVIATIONS {
        assert!(counts.deviations.contains_key(name), "'{name}' is listed and does not occur");
    }
}

fn judge(java: &mut Java, reader: &Model, writer: &Model, norm: &Verdict, counts: &mut Counts) {
    let ours_is = ours(&parse(reader), &parse(writer));
    if ours_is.compatible {
        counts.readable += 1;
    } else {
        counts.not += 1;
    }
    for kind in &ours_is.kinds {
        *counts.kinds.entry(kind).or_default() += 1;
    }
    if agrees(&ours_is, norm) {
        return;
    }
    if let Some(name) = deviation(&ours_is, norm) {
        *counts.deviations.entry(name).or_default() += 1;
        return;
    }
    let differs = |reader: &Model, writer: &Model| {
        let norm = java.check(&[(reader.print(), writer.print())]).remove(0);
        let ours = ours(&parse(reader), &parse(writer));
        !agrees(&ours, &norm) && deviation(&ours, &norm).is_none()
    };
    let (reader, writer) = shrink((reader.clone(), writer.clone()), differs);
    let norm = java.check(&[(reader.print(), writer.print())]).remove(0);
    let ours = ours(&parse(&reader), &parse(&writer));
    panic!(
        "ours: {} {:?}, Java: {norm:?}\nreader {}\nwriter {}",
        ours.compatible,
        ours.kinds,
        reader.print(),
        writer.print()
    );
}

/// The verdict is the same, and every kind of difference that the norm names, ours names too. (Ours may name more: inside a
/// recursive type the norm takes for granted what it is in the middle of finding out.)
fn agrees(ours: &Ours, norm: &Verdict) -> bool {
    norm.compatible == Ok(ours.compatible) && norm.kinds.iter().all(|kind| ours.kinds.contains(&kind.as_str()))
}

fn report(counts: &Counts, identical: usize) {
    say(&format!(
        "{PAIRS} pairs, both ways: {} readable, {} not; {identical} pairs identical",
        counts.readable, counts.not
    ));
    for (kind, count) in &counts.kinds {
        say(&format!("{kind}: {count}"));
    }
    for (name, count) in &counts.deviations {
        let why = DEVIATIONS.iter().find(|(listed, _)| listed == name).map_or("", |(_, why)| why);
        say(&format!("deviation '{name}': {count}; {why}"));
    }
}
