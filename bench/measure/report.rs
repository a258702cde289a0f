//! The figures of a bench: a table for people, a file for programs.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Figure, Machine, pairs::Measured};

/// Collects figures. The file is written after each, so that a bench that is cut short leaves what it had.
pub struct Report {
    file: PathBuf,
    machine: Machine,
    figures: Vec<Figure>,
    skipped: Vec<String>,
    failed: Vec<String>,
}

impl Report {
    /// An empty report, to be written to `file`.
    pub fn new(file: PathBuf, machine: Machine) -> Self {
        Self { file, machine, figures: Vec::new(), skipped: Vec::new(), failed: Vec::new() }
    }

    /// Adds a work that was measured, prints its line, and writes the file.
    pub fn add(
        &mut self,
        (work, other_is, unit): (&str, &str, &'static str),
        measured: Measured,
        settings: Value,
    ) -> Result<()> {
        let mut figure = Figure::new(work, other_is, unit, measured.runs);
        if let Value::Object(settings) = settings {
            figure.settings.extend(settings);
        }
        figure.settings.extend(measured.notes);
        figure.settings.insert("machine".to_owned(), self.machine.to_json());
        eprintln!("measured: {work}");
        self.figures.push(figure);
        let dir = self.file.parent().context("a file has a folder")?;
        fs::create_dir_all(dir)?;
        fs::write(&self.file, serde_json::to_string_pretty(&self.figures)?).context("writing the figures")
    }

    /// Notes what was not measured, and why.
    pub fn skip(&mut self, work: &str, why: &str) {
        self.skipped.push(format!("{work}: {why}"));
    }

    /// Notes what could not be measured.
    pub fn fail(&mut self, work: &str, error: &anyhow::Error) {
        eprintln!("{work} FAILED: {error:#}");
        self.failed.push(format!("{work}: {error:#}"));
    }

    /// Prints the table, and loudly what is not in it. True when nothing failed.
    pub fn finish(&self) -> bool {
        println!("{HEAD}\n{RULE}");
        self.figures.iter().for_each(|figure| println!("{}", row(figure)));
        println!("\n{}", self.machine);
        if !self.machine.is_quiet() {
            println!("NOT QUIET: other work was running before the bench, so the figures are noise");
        }
        self.skipped.iter().for_each(|skipped| println!("SKIPPED {skipped}"));
        self.failed.iter().for_each(|failed| println!("FAILED {failed}"));
        if !self.figures.is_empty() {
            println!("written to {}", self.file.display());
        }
        self.failed.is_empty()
    }
}

const HEAD: &str = "| work | ours | other | unit | ratio | of the pairs | other is |";
const RULE: &str = "|---|---:|---:|---|---:|---|---|";

/// A line of a Markdown table, ready for docs/figures.md.
fn row(figure: &Figure) -> String {
    let ratio = figure.ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}"));
    let spread = figure.spread().map_or("-".to_owned(), |(from, to)| format!("{from:.2} to {to:.2}"));
    let other = figure.other.map_or("-".to_owned(), number);
    let Figure { work, ours, other_is, unit, .. } = figure;
    format!("| {work} | {} | {other} | {unit} | {ratio} | {spread} | {other_is} |", number(*ours))
}

/// Three digits that count, thousands apart.
fn number(value: f64) -> String {
    if value < 10.0 {
        return format!("{value:.2}");
    }
    if value < 100.0 {
        return format!("{value:.1}");
    }
    let whole = format!("{value:.0}");
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_can_be_read() {
        for (value, expected) in
            [(1.254, "1.25"), (12.34, "12.3"), (99.96, "100.0"), (100.0, "100"), (1234.5, "1,234"), (1e6, "1,000,000")]
        {
            assert_eq!(number(value), expected);
        }
    }
}
