//! Whether what was written with one schema can be read with another, and if not, why: the seven levels of a registry.
//!
//! Pure. [`check`] picks the versions that a level looks at; `pair.rs` says what one pair of types asks for, by the rules of
//! Java Avro's `SchemaCompatibility`; `verdict.rs` adds that up for whole schemas; `explain.rs` names each difference.
//!
//! ```
//! use coursebus_registry_tools::{Level, compatibility::{Previous, Schema, check}};
//!
//! let old = Schema::parse(r#"{"type":"record","name":"Grade","fields":[]}"#, &[])?;
//! let new = r#"{"type":"record","name":"Grade","fields":[{"name":"letter","type":"string"}]}"#;
//! let differences = check(Level::Backward, &Schema::parse(new, &[])?, &[Previous { version: 1, schema: &old }]);
//! assert_eq!(differences[0].kind.name(), "READER_FIELD_MISSING_DEFAULT_VALUE");
//! assert_eq!(differences[0].reader.path, "/fields/0");
//! # Ok::<(), coursebus_registry_tools::canonical::NotASchema>(())
//! ```
//!
//! Cost: each pair of types is looked at once, so ordinary schemas take time linear in their size. A hostile pair ends at
//! [`STEPS_MAX`] with the difference [`Kind::TooLarge`]: it is refused. Nothing here recurses but the parser, to depth 100.

mod difference;
mod explain;
mod pair;
mod place;
mod schema;
mod verdict;
mod wire;

pub use difference::{Difference, Direction, Kind};
pub use place::{Place, line_of};
pub use schema::Schema;
pub use verdict::STEPS_MAX;
pub use wire::{messages, refusal};

use crate::Level;

/// A version that is there already.
#[derive(Debug, Clone, Copy)]
pub struct Previous<'a> {
    /// Its number, for messages.
    pub version: u32,
    /// Its schema.
    pub schema: &'a Schema,
}

/// Holds a new version of a subject to a level. No difference means compatible.
///
/// `previous` are the versions that are not deleted, rising. A level looks at the last of them alone, a transitive one at all,
/// newest first; `NONE` at none. A pair has at most 100 differences: what comes after says nothing new.
#[must_use]
pub fn check(level: Level, new: &Schema, previous: &[Previous<'_>]) -> Vec<Difference> {
    let (backward, forward, transitive) = match level {
        Level::None => return Vec::new(),
        Level::Backward => (true, false, false),
        Level::BackwardTransitive => (true, false, true),
        Level::Forward => (false, true, false),
        Level::ForwardTransitive => (false, true, true),
        Level::Full => (true, true, false),
        Level::FullTransitive => (true, true, true),
    };
    let mut differences = Vec::new();
    for old in previous.iter().rev().take(if transitive { usize::MAX } else { 1 }) {
        if backward {
            differences.extend(explain::explain(new, old.schema, Direction::NewReadsOld, old.version));
        }
        if forward {
            differences.extend(explain::explain(old.schema, new, Direction::OldReadsNew, old.version));
        }
    }
    differences
}

/// Whether data of `writer` can be read with `reader`.
#[must_use]
pub fn can_read(reader: &Schema, writer: &Schema) -> bool {
    verdict::Verdict::of(reader, writer).is_some_and(|verdict| verdict.holds())
}

#[cfg(test)]
mod tests;
