//! What commands print: tables for people, JSON for programs. Standard output has nothing else.

use std::io::{self, Write};

use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets::UTF8_HORIZONTAL_ONLY};
use serde::Serialize;

/// How lists are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// One JSON document; streams are JSON Lines.
    Json,
}

/// What `-o` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Choice {
    /// For people.
    Table,
    /// One JSON document; streams are JSON Lines.
    Json,
    /// Findings as JUnit's XML (schema lint, schema check).
    Junit,
    /// Findings as GitHub's annotations (schema lint, schema check).
    Github,
}

impl From<Choice> for Format {
    fn from(choice: Choice) -> Self {
        if choice == Choice::Json { Self::Json } else { Self::Table }
    }
}

/// Prints a list: as one JSON document, or as a table with these columns.
pub fn list<T: Serialize>(
    format: Format,
    items: &[T],
    columns: &[&str],
    row: impl Fn(&T) -> Vec<String>,
) -> io::Result<()> {
    match format {
        Format::Json => line(&items),
        Format::Table => print(&table(columns, items.iter().map(row))),
    }
}

/// A table as text.
pub fn table(columns: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(columns.to_vec());
    for row in rows {
        table.add_row(row);
    }
    table.to_string()
}

/// Prints one JSON value on a line of its own, at once.
pub fn line<T: Serialize + ?Sized>(value: &T) -> io::Result<()> {
    let text = serde_json::to_string(value).map_err(io::Error::other)?;
    print(&text)
}

/// Prints text and a line feed, at once. A reader that has gone away ends the program quietly, as with any filter.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        outcome => outcome,
    }
}
