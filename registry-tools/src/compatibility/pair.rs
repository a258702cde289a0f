//! What it takes that one type reads another: Avro's rules, without looking deeper. Pure.
//!
//! Source: `org.apache.avro.SchemaCompatibility` of Java Avro 1.12, which registries hold schemas to.

use super::{
    difference::Kind,
    schema::{Field, Name, NodeId, Primitive, Schema, Shape, cut},
};

/// How many missing symbols, or fields that could be meant, a difference names.
const NAMED_MAX: usize = 20;

/// A reader's type and a writer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Pair {
    pub(super) reader: NodeId,
    pub(super) writer: NodeId,
}

/// What a pair comes to: its own differences, and the pairs that must hold too.
pub(super) struct Step {
    pub(super) faults: Vec<Fault>,
    pub(super) needs: Vec<Need>,
    /// One of `needs` is enough (a union that reads one type); else all of them.
    pub(super) any: bool,
}

/// A difference between two types themselves.
pub(super) struct Fault {
    pub(super) kind: Kind,
    /// What of the reader's and the writer's type it is about.
    pub(super) reader: Part,
    pub(super) writer: Part,
}

/// A pair that another pair depends on.
pub(super) struct Need {
    pub(super) pair: Pair,
    pub(super) reader: Part,
    pub(super) writer: Part,
}

/// A part of a type, as a piece of a JSON pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Itself,
    Name,
    Size,
    Symbols,
    Items,
    Values,
    Field(usize),
    FieldType(usize),
    Branch(usize),
}

impl Part {
    pub(super) fn push_to(self, pointer: &mut String) {
        match self {
            Self::Itself => {}
            Self::Name => pointer.push_str("/name"),
            Self::Size => pointer.push_str("/size"),
            Self::Symbols => pointer.push_str("/symbols"),
            Self::Items => pointer.push_str("/items"),
            Self::Values => pointer.push_str("/values"),
            Self::Field(i) => pointer.push_str(&format!("/fields/{i}")),
            Self::FieldType(i) => pointer.push_str(&format!("/fields/{i}/type")),
            Self::Branch(i) => pointer.push_str(&format!("/{i}")),
        }
    }
}

/// Compares two types. Takes time linear in their own fields, symbols and branches.
pub(super) fn compare(reader: &Schema, writer: &Schema, pair: Pair) -> Step {
    let mut step = Step { faults: Vec::new(), needs: Vec::new(), any: false };
    let (r, w) = (reader.shape(pair.reader), writer.shape(pair.writer));
    match (r, w) {
        // Whatever the reader is: it must read every branch.
        (_, Shape::Union(branches)) => {
            for (i, branch) in branches.iter().enumerate() {
                let pair = Pair { reader: pair.reader, writer: *branch };
                step.needs.push(Need { pair, reader: Part::Itself, writer: Part::Branch(i) });
            }
        }
        (Shape::Union(branches), _) => {
            step.any = true;
            for (i, branch) in branches.iter().enumerate() {
                let pair = Pair { reader: *branch, writer: pair.writer };
                step.needs.push(Need { pair, reader: Part::Branch(i), writer: Part::Itself });
            }
        }
        (Shape::Array(r), Shape::Array(w)) => step.need(*r, *w, Part::Items, Part::Items),
        (Shape::Map(r), Shape::Map(w)) => step.need(*r, *w, Part::Values, Part::Values),
        (Shape::Fixed { name: rn, size: r }, Shape::Fixed { name: wn, size: w }) => {
            step.names(rn, wn);
            if r != w {
                step.fault(Kind::FixedSizeMismatch { reader: *r, writer: *w }, Part::Size, Part::Size);
            }
        }
        (Shape::Enum { name: rn, known, has_default, .. }, Shape::Enum { name: wn, symbols, .. }) => {
            step.names(rn, wn);
            let mut missing = symbols.iter().filter(|symbol| !known.contains(*symbol)).peekable();
            if !has_default && missing.peek().is_some() {
                let symbols = missing.by_ref().take(NAMED_MAX).map(|symbol| cut(symbol)).collect();
                step.fault(Kind::MissingEnumSymbols { symbols, more: missing.count() }, Part::Symbols, Part::Symbols);
            }
        }
        (Shape::Record { name: rn, fields, .. }, Shape::Record { name: wn, .. }) => {
            step.names(rn, wn);
            for (i, field) in fields.iter().enumerate() {
                step.field(i, field, w);
            }
        }
        (Shape::Primitive(r), Shape::Primitive(w)) if promotes(*r, *w) => {}
        _ => step.fault(Kind::TypeMismatch { reader: r.kind(), writer: w.kind() }, Part::Itself, Part::Itself),
    }
    step
}

impl Step {
    fn need(&mut self, reader: NodeId, writer: NodeId, in_reader: Part, in_writer: Part) {
        self.needs.push(Need { pair: Pair { reader, writer }, reader: in_reader, writer: in_writer });
    }

    fn fault(&mut self, kind: Kind, reader: Part, writer: Part) {
        self.faults.push(Fault { kind, reader, writer });
    }

    /// Names match unqualified, or the reader has the writer's full name as an alias.
    fn names(&mut self, reader: &Name, writer: &Name) {
        if reader.simple() != writer.simple() && !reader.aliases.contains(&writer.full) {
            let kind = Kind::NameMismatch { reader: cut(&reader.full), writer: cut(&writer.full) };
            self.fault(kind, Part::Name, Part::Name);
        }
    }

    /// A field of the reader finds the writer's by name or alias, or has a default.
    fn field(&mut self, at: usize, field: &Field, writer: &Shape) {
        let Shape::Record { fields, positions, .. } = writer else { return };
        let names = std::iter::once(&field.name).chain(&field.aliases);
        let mut found: Vec<usize> = Vec::new();
        for at in names.filter_map(|name| positions.get(name).copied()) {
            // A field that has its own name as an alias finds the same one twice.
            if found.len() < NAMED_MAX && !found.contains(&at) {
                found.push(at);
            }
        }
        match found.as_slice() {
            [] if field.has_default => {}
            [] => {
                let kind = Kind::ReaderFieldMissingDefaultValue { field: cut(&field.name) };
                self.fault(kind, Part::Field(at), Part::Itself);
            }
            [one] => self.need(field.schema, fields[*one].schema, Part::FieldType(at), Part::FieldType(*one)),
            [first, ..] => {
                let first = *first;
                let found = found.iter().map(|&i| cut(&fields[i].name)).collect();
                let kind = Kind::AmbiguousField { field: cut(&field.name), found };
                self.fault(kind, Part::Field(at), Part::Field(first));
            }
        }
    }
}

/// Whether a value of the second type is read as one of the first.
fn promotes(reader: Primitive, writer: Primitive) -> bool {
    use Primitive::{Bytes, Double, Float, Int, Long, String};
    reader == writer
        || matches!(
            (reader, writer),
            (Long, Int) | (Float, Int | Long) | (Double, Int | Long | Float) | (Bytes, String) | (String, Bytes)
        )
}
