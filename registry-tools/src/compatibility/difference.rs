//! What keeps one schema from reading what another wrote, in words for programs and for people.

use std::fmt;

use super::place::Place;

/// One reason why data cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What differs.
    pub kind: Kind,
    /// Who could not read whom.
    pub direction: Direction,
    /// The version that the new one was compared with.
    pub version: u32,
    /// Where, in the schema of those who read.
    pub reader: Place,
    /// Where, in the schema that the data was written with.
    pub writer: Place,
    /// It says why the branch of a union does not fit that was most likely meant, beside the union's own difference. Java's
    /// checker names only that.
    pub in_branch: bool,
}

/// Who could not read whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Who has the new version cannot read what was written with the old one: it is not backward compatible.
    NewReadsOld,
    /// Who has the old version cannot read what is written with the new one: it is not forward compatible.
    OldReadsNew,
}

/// What differs. Names from outside are cut at 80 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Named types whose names differ, and no alias of the reader helps.
    NameMismatch {
        /// The reader's full name.
        reader: String,
        /// The writer's full name.
        writer: String,
    },
    /// Fixed types of different sizes, in bytes.
    FixedSizeMismatch {
        /// The reader's.
        reader: u64,
        /// The writer's.
        writer: u64,
    },
    /// The writer's enum has symbols that the reader's lacks, and that one has no default.
    MissingEnumSymbols {
        /// The first 20 of them.
        symbols: Vec<String>,
        /// How many more there are.
        more: usize,
    },
    /// A field of the reader that the writer lacks, without a default.
    ReaderFieldMissingDefaultValue {
        /// The field.
        field: String,
    },
    /// Types of which neither is the other nor promoted to it, in Avro's words: `INT`, `RECORD`.
    TypeMismatch {
        /// The reader's.
        reader: &'static str,
        /// The writer's.
        writer: &'static str,
    },
    /// A union without a branch that reads a type of the writer.
    MissingUnionBranch {
        /// The writer's type: its name, or its kind in Avro's words.
        writer: String,
        /// Its kind in Avro's words.
        kind: &'static str,
    },
    /// A field of the reader that two of the writer's fields could be, by name and alias. Confluent's API has no name for it:
    /// it is told as a mismatch of names.
    AmbiguousField {
        /// The reader's field.
        field: String,
        /// The writer's fields, the first 20.
        found: Vec<String>,
    },
    /// The schemas are too large to compare (see [`super::STEPS_MAX`]). Told as a mismatch of types.
    TooLarge,
}

impl Kind {
    /// The name in Confluent's API, which is Java Avro's.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::NameMismatch { .. } | Self::AmbiguousField { .. } => "NAME_MISMATCH",
            Self::FixedSizeMismatch { .. } => "FIXED_SIZE_MISMATCH",
            Self::MissingEnumSymbols { .. } => "MISSING_ENUM_SYMBOLS",
            Self::ReaderFieldMissingDefaultValue { .. } => "READER_FIELD_MISSING_DEFAULT_VALUE",
            Self::TypeMismatch { .. } | Self::TooLarge => "TYPE_MISMATCH",
            Self::MissingUnionBranch { .. } => "MISSING_UNION_BRANCH",
        }
    }

    /// What Confluent's API gives as `additionalInfo`.
    pub(super) fn info(&self) -> String {
        match self {
            Self::NameMismatch { writer, .. } => format!("expected: {writer}"),
            Self::AmbiguousField { field, found } => format!("{field} matches: {}", found.join(", ")),
            Self::FixedSizeMismatch { reader, writer } => format!("expected: {writer}, found: {reader}"),
            Self::MissingEnumSymbols { .. } => format!("[{}]", self.symbols().unwrap_or_default()),
            Self::ReaderFieldMissingDefaultValue { field } => field.clone(),
            Self::TypeMismatch { reader, writer } => {
                format!("reader type: {reader} not compatible with writer type: {writer}")
            }
            Self::MissingUnionBranch { kind, .. } => format!("reader union lacking writer type: {kind}"),
            Self::TooLarge => "too large to compare".to_owned(),
        }
    }

    fn symbols(&self) -> Option<String> {
        let Self::MissingEnumSymbols { symbols, more } = self else { return None };
        let more = if *more > 0 { format!(" and {more} more") } else { String::new() };
        Some(symbols.join(", ") + &more)
    }
}

/// One sentence: what breaks for whom, and what to do.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = self.version;
        match self.direction {
            Direction::NewReadsOld => write!(f, "new consumers cannot read events of version {version}: ")?,
            Direction::OldReadsNew => write!(f, "consumers of version {version} cannot read new events: ")?,
        }
        write!(f, "{}; {}", self.what(), self.next())
    }
}

impl Difference {
    /// What differs.
    fn what(&self) -> String {
        let (old_reads_new, at) = (self.direction == Direction::OldReadsNew, &self.reader.path);
        let (reads, writes) = if old_reads_new { ("old", "new") } else { ("new", "old") };
        match &self.kind {
            Kind::NameMismatch { reader, writer } => {
                format!("the type at {at} is named {reader}, they hold {writer}")
            }
            Kind::AmbiguousField { field, found } => {
                format!("field `{field}` could be any of their fields {}, by name and alias", found.join(", "))
            }
            Kind::FixedSizeMismatch { reader, writer } => {
                format!("the fixed type at {at} has {reader} bytes, they hold {writer}")
            }
            Kind::MissingEnumSymbols { .. } => {
                let symbols = self.kind.symbols().unwrap_or_default();
                format!("the {reads} enum at {at} has neither the symbols {symbols} nor a default")
            }
            Kind::ReaderFieldMissingDefaultValue { field } if old_reads_new => {
                format!("they need field `{field}`, which has no default there and is gone")
            }
            Kind::ReaderFieldMissingDefaultValue { field } => {
                format!("field `{field}` has no default, and those events lack it")
            }
            Kind::TypeMismatch { reader, writer } => {
                format!("at {at} the {reads} type {} does not read the {writes} type {}", lower(reader), lower(writer))
            }
            Kind::MissingUnionBranch { writer, .. } => {
                format!("no branch of the {reads} union at {at} reads the {writes} {writer}")
            }
            Kind::TooLarge => "the two schemas are too large to compare".to_owned(),
        }
    }

    /// What to do about it.
    fn next(&self) -> &'static str {
        let old_reads_new = self.direction == Direction::OldReadsNew;
        match &self.kind {
            Kind::NameMismatch { .. } if old_reads_new => "keep the name, or publish a new major",
            Kind::NameMismatch { .. } => "keep the name or give the old one as an alias, or publish a new major",
            Kind::AmbiguousField { .. } => "take the alias away that matches beside the name",
            Kind::FixedSizeMismatch { .. } => "keep the size, or publish a new major",
            Kind::MissingEnumSymbols { .. } if old_reads_new => {
                "write no new symbols where the old enum has no default: publish a new major"
            }
            Kind::MissingEnumSymbols { .. } => "keep the symbols or give the enum a default, or publish a new major",
            Kind::ReaderFieldMissingDefaultValue { .. } if old_reads_new => "keep the field, or publish a new major",
            Kind::ReaderFieldMissingDefaultValue { .. } => "give it a default, or publish a new major",
            Kind::TypeMismatch { .. } => "keep the type, or publish a new major",
            Kind::MissingUnionBranch { .. } if old_reads_new => "write no new branch: publish a new major",
            Kind::MissingUnionBranch { .. } => "keep the branch as it was, or publish a new major",
            Kind::TooLarge => "split the schema into smaller types",
        }
    }
}

fn lower(kind: &str) -> String {
    kind.to_ascii_lowercase()
}
