//! Random schemas, random changes to schemas, random data: all from one seed.

use std::collections::HashSet;

use super::model::{Field, Kind, Model, Named, PRIMITIVES, Ty};

/// SplitMix64: the same numbers from the same seed, everywhere.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `bound`, which is not zero.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).expect("it is below a usize")
    }

    pub fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// A schema's types are all without a namespace or all in one: Java's parser does not find the former from inside the latter.
const SPACES: [&str; 3] = ["n", "a", "b.c"];
/// Few, so that two types often have one unqualified name.
const NAMES: [&str; 6] = ["R", "S", "T", "U", "V", "W"];
const FIELDS: [&str; 6] = ["id", "name", "grade", "next", "all", "state"];
const SYMBOLS: [&str; 6] = ["A", "B", "C", "D", "E", "F"];
const LOGICAL: [(&str, &str); 4] =
    [("long", "timestamp-millis"), ("int", "date"), ("string", "uuid"), ("long", "timestamp-micros")];

/// A schema of up to six named types that may refer to one another in circles.
pub fn schema(random: &mut Random) -> Model {
    let mut model = Model { types: Vec::new(), root: Ty::Primitive("null") };
    let spaces: &[&str] = if random.one_in(3) { &[""] } else { &SPACES };
    for _ in 0..1 + random.below(5) {
        add_type(random, &mut model, spaces);
    }
    // Once all types are there, so that early ones can refer to late ones.
    for index in 0..model.types.len() {
        let fields = (0..random.below(5)).map(|_| field(random, &model)).collect();
        if let Kind::Record(own) = &mut model.types[index].kind {
            *own = fields;
        }
        tidy(&mut model.types[index].kind);
    }
    model.root = if random.one_in(6) { ty(random, &model, 2) } else { Ty::Named(random.below(model.types.len())) };
    model
}

fn add_type(random: &mut Random, model: &mut Model, spaces: &[&str]) {
    let mut named = Named { space: String::new(), name: String::new(), aliases: Vec::new(), kind: kind(random) };
    loop {
        named.space = random.pick(spaces).to_owned();
        named.name = random.pick(&NAMES).to_owned();
        // Within one schema unqualified names may clash across namespaces, as in real ones; not often.
        let clash =
            |other: &Named| other.full() == named.full() || (other.name == named.name && !random.0.is_multiple_of(4));
        if !model.types.iter().any(clash) || model.types.len() >= NAMES.len() {
            break;
        }
    }
    if model.types.iter().any(|other| other.full() == named.full()) {
        named.name = format!("X{}", model.types.len());
    }
    model.types.push(named);
}

fn kind(random: &mut Random) -> Kind {
    match random.below(6) {
        0 => Kind::Fixed(1 + random.below(4) as u64),
        1 | 2 => {
            let from = random.below(3);
            let symbols = SYMBOLS[from..from + 1 + random.below(3)].iter().map(|s| (*s).to_owned()).collect();
            Kind::Enum { symbols, default: random.one_in(3) }
        }
        _ => Kind::Record(Vec::new()),
    }
}

fn field(random: &mut Random, model: &Model) -> Field {
    let name = random.pick(&FIELDS).to_owned();
    Field { name, aliases: Vec::new(), ty: ty(random, model, 3), default: random.one_in(2) }
}

fn ty(random: &mut Random, model: &Model, depth: usize) -> Ty {
    match random.below(if depth == 0 { 4 } else { 10 }) {
        0..3 => Ty::Primitive(PRIMITIVES[1 + random.below(7)]),
        3 => {
            let (of, logical) = random.pick(&LOGICAL);
            Ty::Logical(of, logical)
        }
        4 => Ty::Array(ty(random, model, depth - 1).into()),
        5 => Ty::Map(ty(random, model, depth - 1).into()),
        6 | 7 => {
            let mut branches = vec![Ty::Primitive("null")];
            branches.extend((0..1 + random.below(2)).map(|_| ty(random, model, 0)));
            branches.extend(random.one_in(2).then(|| Ty::Named(random.below(model.types.len()))));
            let at = random.below(branches.len());
            branches.swap(0, at);
            Ty::Union(branches)
        }
        _ => Ty::Named(random.below(model.types.len())),
    }
}

/// No field's name twice.
fn tidy(kind: &mut Kind) {
    if let Kind::Record(fields) = kind {
        let mut seen = Vec::new();
        fields.retain(|field| {
            let is_new = !seen.contains(&field.name);
            seen.push(field.name.clone());
            is_new
        });
    }
}

/// One change, of those that people make.
pub fn change(random: &mut Random, model: &mut Model) {
    if model.types.is_empty() || random.one_in(12) {
        let mut root = model.root.clone();
        change_type(random, model, &mut root);
        model.root = root;
        return;
    }
    let reached = reached(model);
    if reached.is_empty() {
        return;
    }
    let index = random.pick(&reached);
    if random.one_in(5) {
        return rename(random, model, index);
    }
    let mut kind = model.types[index].kind.clone();
    match &mut kind {
        Kind::Fixed(size) => *size = 1 + random.below(5) as u64,
        Kind::Enum { symbols, default } => change_symbols(random, symbols, default),
        Kind::Record(fields) => change_fields(random, model, fields),
    }
    tidy(&mut kind);
    model.types[index].kind = kind;
}

fn rename(random: &mut Random, model: &mut Model, index: usize) {
    if random.one_in(6) {
        return move_all(random, model);
    }
    let before = model.types[index].full();
    let named = &mut model.types[index];
    if random.one_in(2) && !named.space.is_empty() {
        named.space = random.pick(&SPACES).to_owned();
    } else {
        named.name = format!("{}2", named.name);
    }
    let after = named.full();
    if random.one_in(2) && after != before {
        named.aliases.push(before.clone());
    }
    let clash = model.types.iter().enumerate().any(|(i, other)| i != index && other.full() == after);
    if clash {
        let named = &mut model.types[index];
        named.name = format!("{}x{index}", named.name);
    }
}

/// All types to one namespace, or out of all.
fn move_all(random: &mut Random, model: &mut Model) {
    let space = random.pick(&["", "n", "z"]);
    let names: HashSet<&str> = model.types.iter().map(|named| named.name.as_str()).collect();
    if names.len() == model.types.len() {
        model.types.iter_mut().for_each(|named| named.space = space.to_owned());
    }
}

fn change_symbols(random: &mut Random, symbols: &mut Vec<String>, default: &mut bool) {
    match random.below(4) {
        0 => *default = !*default,
        1 if symbols.len() > 1 => drop(symbols.remove(random.below(symbols.len()))),
        _ => {
            let symbol = random.pick(&SYMBOLS).to_owned();
            if !symbols.contains(&symbol) {
                symbols.push(symbol);
            }
        }
    }
}

fn change_fields(random: &mut Random, model: &Model, fields: &mut Vec<Field>) {
    let at = if fields.is_empty() { 0 } else { random.below(fields.len()) };
    match random.below(if fields.is_empty() { 2 } else { 10 }) {
        0 | 1 => fields.insert(at, Field { name: format!("new{}", random.below(3)), ..field(random, model) }),
        2 => drop(fields.remove(at)),
        3 => fields[at].default = !fields[at].default,
        4 => {
            let before = std::mem::replace(&mut fields[at].name, format!("renamed{}", random.below(3)));
            if random.one_in(2) {
                fields[at].aliases.push(before);
            }
        }
        5 => {
            let other = random.below(fields.len());
            fields.swap(at, other);
        }
        // An alias that may well be another field's name.
        6 if random.one_in(3) => fields[at].aliases.push(random.pick(&FIELDS).to_owned()),
        _ => change_type(random, model, &mut fields[at].ty),
    }
}

fn change_type(random: &mut Random, model: &Model, place: &mut Ty) {
    match place {
        Ty::Array(inner) | Ty::Map(inner) if !random.one_in(3) => change_type(random, model, inner),
        Ty::Union(branches) if !random.one_in(4) => match random.below(4) {
            0 => branches.push(ty(random, model, 0)),
            1 if branches.len() > 1 => drop(branches.remove(random.below(branches.len()))),
            2 => branches.reverse(),
            _ if !branches.is_empty() => {
                let at = random.below(branches.len());
                change_type(random, model, &mut branches[at]);
            }
            _ => {}
        },
        Ty::Primitive(name) if random.one_in(2) => {
            *place = Ty::Primitive(match *name {
                "int" => random.pick(&["long", "float", "double"]),
                "long" => random.pick(&["int", "float", "double"]),
                "float" => random.pick(&["double", "long"]),
                "double" => random.pick(&["float", "int"]),
                "string" => "bytes",
                "bytes" => "string",
                other => other,
            });
        }
        _ if random.one_in(2) => *place = Ty::Union(vec![Ty::Primitive("null"), place.clone()]),
        Ty::Union(branches) if !branches.is_empty() => *place = branches[branches.len() - 1].clone(),
        _ => *place = ty(random, model, 1),
    }
}

/// The types that the root refers to.
pub fn reached(model: &Model) -> Vec<usize> {
    fn walk(model: &Model, ty: &Ty, seen: &mut Vec<usize>) {
        match ty {
            Ty::Primitive(_) | Ty::Logical(..) => {}
            Ty::Array(inner) | Ty::Map(inner) => walk(model, inner, seen),
            Ty::Union(branches) => branches.iter().for_each(|branch| walk(model, branch, seen)),
            Ty::Named(index) if seen.contains(index) => {}
            Ty::Named(index) => {
                seen.push(*index);
                if let Kind::Record(fields) = &model.types[*index].kind {
                    fields.iter().for_each(|field| walk(model, &field.ty, seen));
                }
            }
        }
    }
    let mut seen = Vec::new();
    walk(model, &model.root, &mut seen);
    seen
}

/// The longest way into a datum; deeper, the shortest branch is taken.
const DEPTH: usize = 12;

/// Writes a random datum; `None` when the type has no finite value, or none that is found.
pub fn datum(random: &mut Random, model: &Model) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    write(random, model, &model.root, DEPTH, &mut out).then_some(out)
}

fn write(random: &mut Random, model: &Model, ty: &Ty, depth: usize, out: &mut Vec<u8>) -> bool {
    if depth == 0 || out.len() > 4_000 {
        return false;
    }
    match ty {
        Ty::Primitive(name) | Ty::Logical(name, _) => {
            primitive(random, name, out);
            true
        }
        Ty::Array(inner) | Ty::Map(inner) => {
            let from = out.len();
            let count = if depth < DEPTH / 2 { 0 } else { random.below(3) };
            if count > 0 {
                long(count as i64, out);
                let mut each = |i: usize| {
                    if matches!(ty, Ty::Map(_)) {
                        text(&format!("k{i}"), out);
                    }
                    write(random, model, inner, depth - 1, out)
                };
                if !(0..count).all(&mut each) {
                    out.truncate(from);
                }
            }
            long(0, out);
            true
        }
        Ty::Union(_) => {
            let branches = model.branches(ty);
            if branches.is_empty() {
                return false;
            }
            let first = random.below(branches.len());
            let mut tries = (0..branches.len()).map(|i| (first + i) % branches.len());
            tries.any(|at| {
                let from = out.len();
                long(at as i64, out);
                let written = write(random, model, branches[at], depth - 1, out);
                if !written {
                    out.truncate(from);
                }
                written
            })
        }
        Ty::Named(index) => match &model.types[*index].kind {
            Kind::Fixed(size) => {
                out.extend((0..*size).map(|_| b'x'));
                true
            }
            Kind::Enum { symbols, .. } => {
                long(random.below(symbols.len()) as i64, out);
                true
            }
            Kind::Record(fields) => fields.iter().all(|field| write(random, model, &field.ty, depth - 1, out)),
        },
    }
}

fn primitive(random: &mut Random, name: &str, out: &mut Vec<u8>) {
    match name {
        "null" => {}
        "boolean" => out.push(u8::from(random.one_in(2))),
        // Within a float's whole numbers: promotion is not to lose anything that a reader might check.
        "int" | "long" => long(random.below(1 << 20) as i64 - (1 << 19), out),
        "float" => out.extend((random.below(1000) as f32).to_le_bytes()),
        "double" => out.extend((random.below(1000) as f64).to_le_bytes()),
        // What is text and a UUID, for types that say they are one.
        _ => text("5a1f7c1e-9c1b-4b7e-8f0a-2f9f6f1d2c3b", out),
    }
}

fn text(text: &str, out: &mut Vec<u8>) {
    long(text.len() as i64, out);
    out.extend(text.as_bytes());
}

fn long(value: i64, out: &mut Vec<u8>) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}
