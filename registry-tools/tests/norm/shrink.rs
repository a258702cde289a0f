//! The smallest pair that still differs: what a failing test shows.

use super::model::{Kind, Model, Ty};

/// How often something smaller is looked for.
const ROUNDS: usize = 200;

/// Makes both models smaller as long as `fails` holds.
pub fn shrink(mut pair: (Model, Model), mut fails: impl FnMut(&Model, &Model) -> bool) -> (Model, Model) {
    for _ in 0..ROUNDS {
        let smaller_readers = smaller(&pair.0).into_iter().map(|reader| (reader, pair.1.clone()));
        let smaller_writers = smaller(&pair.1).into_iter().map(|writer| (pair.0.clone(), writer));
        let mut candidates: Vec<_> = smaller_readers.chain(smaller_writers).collect();
        candidates.sort_by_key(|(reader, writer)| reader.print().len() + writer.print().len());
        let size = pair.0.print().len() + pair.1.print().len();
        candidates.retain(|(reader, writer)| reader.print().len() + writer.print().len() < size);
        match candidates.into_iter().find(|(reader, writer)| fails(reader, writer)) {
            Some(found) => pair = found,
            None => break,
        }
    }
    pair
}

/// Everything with one thing less.
fn smaller(model: &Model) -> Vec<Model> {
    let mut found = Vec::new();
    let with = |edit: &dyn Fn(&mut Model)| {
        let mut model = model.clone();
        edit(&mut model);
        model
    };
    for ty in simpler(&model.root) {
        found.push(with(&|model| model.root = ty.clone()));
    }
    found.push(with(&|model| model.types.iter_mut().for_each(|named| named.space.clear())));
    for index in 0..model.types.len() {
        found.push(with(&|model| model.root = Ty::Named(index)));
        found.push(with(&|model| model.types[index].aliases.clear()));
        match &model.types[index].kind {
            Kind::Fixed(_) => {}
            Kind::Enum { symbols, .. } => {
                for at in 0..symbols.len() {
                    found.push(with(&|model| {
                        if let Kind::Enum { symbols, .. } = &mut model.types[index].kind
                            && symbols.len() > 1
                        {
                            symbols.remove(at);
                        }
                    }));
                }
            }
            Kind::Record(fields) => {
                for at in 0..fields.len() {
                    let edit = |edit: &dyn Fn(&mut Vec<super::model::Field>)| {
                        with(&|model| {
                            if let Kind::Record(fields) = &mut model.types[index].kind {
                                edit(fields);
                            }
                        })
                    };
                    found.push(edit(&|fields| drop(fields.remove(at))));
                    found.push(edit(&|fields| fields[at].aliases.clear()));
                    found.push(edit(&|fields| fields[at].default = false));
                    for ty in simpler(&fields[at].ty) {
                        found.push(edit(&|fields| fields[at].ty = ty.clone()));
                    }
                }
            }
        }
    }
    found
}

fn simpler(ty: &Ty) -> Vec<Ty> {
    match ty {
        Ty::Primitive(_) => Vec::new(),
        Ty::Logical(name, _) => vec![Ty::Primitive(name)],
        Ty::Array(inner) | Ty::Map(inner) => vec![Ty::Primitive("int"), (**inner).clone()],
        Ty::Named(_) => vec![Ty::Primitive("int")],
        Ty::Union(branches) => {
            let less = |at: usize| {
                let mut branches = branches.clone();
                branches.remove(at);
                Ty::Union(branches)
            };
            branches.iter().cloned().chain((0..branches.len()).map(less)).collect()
        }
    }
}
