//! The nightly export of a real platform as its history: the Open University Learning Analytics Dataset (OULAD,
//! Kuzilek, Hlosta, Zdrahal 2017, CC BY 4.0), and a made-up platform in the same shape for the demo.
//!
//! The way of one row: [`Files`] → `table` (a row of one file) → [`Export`] (all files read, checked and joined) →
//! [`history()`] (pure: dated facts in order) → [`emit()`] (through the producer, with its adapters).
//!
//! What is not here: the demographic columns of `studentInfo.csv` are read into no struct, so nothing can put them on
//! the bus; and no event is made before every file was read and checked to its end.

mod demo;
pub mod emit;
mod error;
mod export;
mod fact;
mod files;
mod flight;
mod history;
mod rows;
mod table;
#[cfg(test)]
mod tests;

use std::path::Path;

pub use demo::demo_history;
pub use emit::{EmitOptions, Stopped, emit};
pub use error::{ImportError, Place};
pub use export::Export;
pub use fact::{Counts, Dated, Fact, Kind, counts};
pub use files::{File, Files};
pub use history::history;

/// Reads the dataset in a directory and returns its history. Blocks while it reads (some 6 MB).
///
/// # Errors
/// [`ImportError`] at the first thing that is wrong, with file, line and column.
pub fn import(dir: &Path) -> Result<Vec<Dated>, ImportError> {
    Ok(history(&Export::read(&Files::directory(dir))?, "OU"))
}
