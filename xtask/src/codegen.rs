//! From `schemas/catalog.toml` and `schemas/avro/` to `schemas/src/generated/` and `docs/catalogue.md`.
//!
//! Read → check → render → write. The checks hold what the rest of the project relies on: equal order keys
//! share a record key, a minor version only adds fields with defaults, one record name is one shape.

mod avro;
mod catalog;
mod check;
mod event;
mod load;
mod names;
mod output;
mod page;
mod personal;
mod record;
mod render;
#[cfg(test)]
mod tests;
mod topics;

use std::path::Path;

/// Writes the generated code, or with `check` fails with the files that are not what would be written.
pub fn run(root: &Path, check: bool) -> anyhow::Result<()> {
    let schemas = root.join("schemas");
    let loaded = load::load(&schemas)?;
    check::check(&loaded)?;
    let mut files = render::render(&loaded)?;
    files.extend(loaded.avsc.iter().map(|(path, schema)| (path.clone(), avro::pretty(schema))));
    files.insert(page::PATH.into(), page::render(&loaded));
    output::write(&schemas, &files, check)
}
