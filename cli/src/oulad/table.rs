//! One CSV file, row by row, each with its place for errors. Strict: what is not a whole row of this file is an error.

use std::path::Path;

use csv::{DeserializeErrorKind, ErrorKind, StringRecord};
use serde::de::DeserializeOwned;

use super::{File, Files, ImportError, Place, files::newlines};

/// A row of one of the files. Its fields are named as the columns; columns that have no field are not read.
pub(super) trait Row: DeserializeOwned {
    /// The file it stands in.
    const FILE: File;
    /// The columns that become fields.
    const COLUMNS: &'static [&'static str];
}

/// Where a row stands.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    file: &'a Path,
    /// From 1 on, the header.
    pub(super) line: u64,
}

/// Reads a file to its end and gives each row with its place.
pub(super) fn read<R: Row>(
    files: &Files,
    mut each: impl FnMut(R, At<'_>) -> Result<(), ImportError>,
) -> Result<(), ImportError> {
    let (path, text) = (files.path(R::FILE), files.text(R::FILE)?);
    let mut at = At { file: &path, line: 1 };
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| refused(at, error))?.clone();
    if let Some(column) = R::COLUMNS.iter().find(|column| !header.iter().any(|name| name == **column)) {
        return Err(ImportError::NoColumn { place: at.column(column) });
    }
    whole(&path, &text)?;
    let (mut record, mut counted) = (StringRecord::new(), 0);
    loop {
        // Counted here: the reader's own line is one short where lines end with two characters.
        let next = row_start(text.as_bytes(), reader.position().byte());
        at.line += newlines(&text.as_bytes()[counted..next]);
        counted = next;
        match reader.read_record(&mut record) {
            Ok(true) => each(record.deserialize(Some(&header)).map_err(|e| unfit(at, &header, &record, e))?, at)?,
            Ok(false) => return Ok(()),
            Err(error) => return Err(refused(at, error)),
        }
    }
}

/// Where the next row begins: the reader stands before line breaks that it has yet to skip.
fn row_start(text: &[u8], position: u64) -> usize {
    let from = usize::try_from(position).map_or(text.len(), |byte| byte.min(text.len()));
    from + text[from..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count()
}

/// The last row must be complete: without a line break after it nobody can tell whether its last number is. No field of
/// these files has a line break in it, so each line closes the quotes that it opens.
fn whole(file: &Path, text: &str) -> Result<(), ImportError> {
    for (line, content) in (1..).zip(text.split_inclusive('\n')) {
        let quotes = content.bytes().filter(|byte| *byte == b'"').count();
        if !content.ends_with('\n') || quotes % 2 == 1 {
            return Err(ImportError::CutOff { place: At { file, line }.row() });
        }
    }
    Ok(())
}

/// The CSV reader does not take the row.
fn refused(at: At<'_>, error: csv::Error) -> ImportError {
    match error.kind() {
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            ImportError::RowLength { place: at.row(), expected: *expected_len, found: *len }
        }
        _ => ImportError::Row { place: at.row(), source: error },
    }
}

/// The row's fields are not what the struct wants.
fn unfit(at: At<'_>, header: &StringRecord, record: &StringRecord, error: csv::Error) -> ImportError {
    let ErrorKind::Deserialize { err, .. } = error.kind() else { return refused(at, error) };
    let expected = match err.kind() {
        DeserializeErrorKind::ParseInt(_) => "a whole number",
        DeserializeErrorKind::ParseFloat(_) => "a number",
        _ => return refused(at, error),
    };
    let index = err.field().and_then(|field| usize::try_from(field).ok());
    match index.and_then(|index| Some((header.get(index)?, record.get(index)?))) {
        Some((column, value)) => at.wrong(column, value, expected),
        None => refused(at, error),
    }
}

impl At<'_> {
    /// The whole row.
    pub(super) fn row(&self) -> Place {
        Place { file: self.file.to_owned(), line: self.line, column: None }
    }

    /// One field of it.
    pub(super) fn column(&self, column: &str) -> Place {
        Place { column: Some(column.to_owned()), ..self.row() }
    }

    /// A field that does not hold what it should.
    pub(super) fn wrong(&self, column: &str, value: &str, expected: &'static str) -> ImportError {
        ImportError::Value { place: self.column(column), value: value.chars().take(40).collect(), expected }
    }
}
