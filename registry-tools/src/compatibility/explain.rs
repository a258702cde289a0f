//! From a verdict to its reasons: every difference, with the way to it. Pure.

use std::collections::HashSet;

use super::{
    difference::{Difference, Direction, Kind},
    pair::{Need, Pair, Part, compare},
    place::{Place, line_of},
    schema::{NodeId, Schema, Shape, cut},
    verdict::Verdict,
};

/// How many differences one pair of schemas has at most.
const DIFFERENCES_MAX: usize = 100;
/// The longest way that is written out, in steps: recursive types of a hostile schema make longer ones.
const STEPS_SHOWN: usize = 200;

/// Why data of `writer` cannot be read with `reader`; nothing when it can.
pub(super) fn explain(reader: &Schema, writer: &Schema, direction: Direction, version: u32) -> Vec<Difference> {
    let Some(verdict) = Verdict::of(reader, writer) else {
        let place = |schema: &Schema| place(schema, schema.root, String::new(), Part::Itself);
        let (reader, writer) = (place(reader), place(writer));
        return vec![Difference { kind: Kind::TooLarge, direction, version, reader, writer, in_branch: false }];
    };
    if verdict.holds() {
        return Vec::new();
    }
    let walk = Walk { reader, writer, verdict, direction, version, trail: Vec::new(), found: Vec::new() };
    walk.run()
}

/// A pair on the way to a difference.
struct Trail {
    pair: Pair,
    /// The pair before it, and how this one lies in it.
    from: Option<(usize, Part, Part)>,
    in_branch: bool,
}

struct Walk<'a> {
    reader: &'a Schema,
    writer: &'a Schema,
    verdict: Verdict,
    direction: Direction,
    version: u32,
    trail: Vec<Trail>,
    found: Vec<Difference>,
}

impl Walk<'_> {
    /// Depth first over the pairs that do not hold, each once, in the order of the schemas; what explains branches comes last,
    /// so that a pair which is asked for both ways is told as a difference of its own.
    fn run(mut self) -> Vec<Difference> {
        let root = Pair { reader: self.reader.root, writer: self.writer.root };
        let mut seen = HashSet::new();
        let mut waiting = vec![Trail { pair: root, from: None, in_branch: false }];
        let mut branches = Vec::new();
        while let Some(trail) = waiting.pop().or_else(|| branches.pop()) {
            if self.found.len() >= DIFFERENCES_MAX || !seen.insert(trail.pair) {
                continue;
            }
            let (pair, in_branch, here) = (trail.pair, trail.in_branch, self.trail.len());
            self.trail.push(trail);
            let step = compare(self.reader, self.writer, pair);
            for fault in step.faults {
                self.report(here, fault.kind, fault.reader, fault.writer);
            }
            let next = |need: Need, in_branch| Trail {
                pair: need.pair,
                from: Some((here, need.reader, need.writer)),
                in_branch,
            };
            if step.any {
                self.report(here, self.missing_branch(pair.writer), Part::Itself, Part::Itself);
                let nearest = step.needs.into_iter().find(|need| self.is_meant(need.pair));
                branches.extend(nearest.map(|need| next(need, true)));
            } else {
                let failed = step.needs.into_iter().rev().filter(|need| !self.verdict.of_pair(need.pair));
                waiting.extend(failed.map(|need| next(need, in_branch)));
            }
        }
        self.found.truncate(DIFFERENCES_MAX);
        self.found
    }

    fn missing_branch(&self, writer: NodeId) -> Kind {
        let shape = self.writer.shape(writer);
        let writer = shape.name().map_or_else(|| shape.kind().to_ascii_lowercase(), |name| cut(&name.full));
        Kind::MissingUnionBranch { writer, kind: shape.kind() }
    }

    /// Whether a branch is most likely the one that was meant to read a type: same kind, and the same name if it has one.
    fn is_meant(&self, pair: Pair) -> bool {
        let (r, w) = (self.reader.shape(pair.reader), self.writer.shape(pair.writer));
        let same_name = r.name().map(|name| name.simple()) == w.name().map(|name| name.simple());
        r.kind() == w.kind() && same_name && !matches!(r, Shape::Primitive(_))
    }

    fn report(&mut self, at: usize, kind: Kind, in_reader: Part, in_writer: Part) {
        let Trail { pair, in_branch, .. } = self.trail[at];
        let (reader_path, writer_path) = self.paths(at);
        self.found.push(Difference {
            kind,
            direction: self.direction,
            version: self.version,
            reader: place(self.reader, pair.reader, reader_path, in_reader),
            writer: place(self.writer, pair.writer, writer_path, in_writer),
            in_branch,
        });
    }

    /// The ways to a pair, in the reader and in the writer.
    fn paths(&self, mut at: usize) -> (String, String) {
        let mut parts = Vec::new();
        while let Some((from, reader, writer)) = self.trail[at].from {
            parts.push((reader, writer));
            at = from;
        }
        let (mut of_reader, mut of_writer) = (String::new(), String::new());
        if parts.len() > STEPS_SHOWN {
            (of_reader, of_writer) = ("/…".to_owned(), "/…".to_owned());
            parts.truncate(STEPS_SHOWN);
        }
        for (reader, writer) in parts.into_iter().rev() {
            reader.push_to(&mut of_reader);
            writer.push_to(&mut of_writer);
        }
        (of_reader, of_writer)
    }
}

/// A part of a type as people find it: the way there, and its line where the schema has a file.
fn place(schema: &Schema, node: NodeId, mut path: String, part: Part) -> Place {
    part.push_to(&mut path);
    if path.is_empty() {
        path.push('/');
    }
    let line = schema.file().and(schema.own_pointer(node)).and_then(|pointer| {
        let mut exact = pointer.to_owned();
        part.push_to(&mut exact);
        // A name may be written as a plain string, which has no parts.
        line_of(schema.text(), &exact).or_else(|| line_of(schema.text(), pointer))
    });
    Place { path, file: schema.file().map(Into::into), line }
}
