//! Why an export was not imported.

use std::{fmt, io, path::PathBuf};

/// The export is not whole, or not what it should be. Nothing was emitted. Fatal: the files must be put right first.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The directory is not there, or is none.
    #[error("{} is not a directory", dir.display())]
    NoDirectory {
        /// What was given.
        dir: PathBuf,
    },
    /// One of the files is not there.
    #[error("{} does not exist", file.display())]
    NoFile {
        /// Where it should be.
        file: PathBuf,
    },
    /// A file could not be read.
    #[error("{} cannot be read", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is not UTF-8 text.
    #[error("{place} is not UTF-8 text")]
    NotText {
        /// The first line that is not.
        place: Place,
    },
    /// The header lacks a column: most often it is another file.
    #[error("{place} is not in the header")]
    NoColumn {
        /// The header and the column that is not in it.
        place: Place,
    },
    /// A row has more or fewer columns than the header.
    #[error("{place} has {found} columns, the header has {expected}")]
    RowLength {
        /// The row.
        place: Place,
        /// How many columns the header has.
        expected: u64,
        /// How many the row has.
        found: u64,
    },
    /// A file ends within a row: no line break, or a quote that is not closed.
    #[error("{place} ends within a row")]
    CutOff {
        /// The last row, or the one with the open quote.
        place: Place,
    },
    /// A row that the CSV reader refused for another reason.
    #[error("{place} is not a row of this file")]
    Row {
        /// The row.
        place: Place,
        /// What the reader said.
        source: csv::Error,
    },
    /// A field does not hold what it should.
    #[error("{place}: '{value}' is not {expected}")]
    Value {
        /// The field.
        place: Place,
        /// What it holds, cut at 40 characters.
        value: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// A row is about something that no other file has.
    #[error("{place}: {what} is not in {listed_in}")]
    Unknown {
        /// The field that refers to it.
        place: Place,
        /// What it refers to.
        what: String,
        /// The file that should have it.
        listed_in: &'static str,
    },
    /// Two rows are about the same thing, so one of them would be counted twice.
    #[error("{place}: {what} stands on line {first} already")]
    Duplicate {
        /// The later row.
        place: Place,
        /// What both are about.
        what: String,
        /// The earlier row's line.
        first: u64,
    },
}

/// Where in an export: a file, a line from 1 (the header) on, a column by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, as it was given.
    pub file: PathBuf,
    /// The line, from 1 on.
    pub line: u64,
    /// The column; none where the whole row is meant.
    pub column: Option<String>,
}

impl ImportError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::NoDirectory { .. } | Self::NoFile { .. } => {
                "give the directory that holds courses.csv, assessments.csv, studentRegistration.csv, studentInfo.csv \
                 and studentAssessment.csv"
            }
            Self::Unreadable { .. } => "make the file readable for this user",
            Self::NotText { .. } | Self::NoColumn { .. } => "put the file of that name from the dataset in its place",
            Self::RowLength { .. } | Self::CutOff { .. } | Self::Row { .. } => {
                "copy the file again: it is damaged or not whole. A whole one ends with a line break"
            }
            Self::Value { .. } => "correct the field, or copy the file again",
            Self::Unknown { .. } => "take all five files from the same export, each of them whole",
            Self::Duplicate { .. } => "remove one of the two rows",
        }
    }

    /// The name under which docs/errors/ explains it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoDirectory { .. } | Self::NoFile { .. } | Self::Unreadable { .. } => "import-unreadable",
            Self::NotText { .. }
            | Self::NoColumn { .. }
            | Self::RowLength { .. }
            | Self::CutOff { .. }
            | Self::Row { .. }
            | Self::Value { .. }
            | Self::Unknown { .. }
            | Self::Duplicate { .. } => "import-invalid",
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}", self.file.display(), self.line)?;
        match &self.column {
            Some(column) => write!(f, ", column {column}"),
            None => Ok(()),
        }
    }
}
