//! How a work is measured, and what becomes of it.

pub(crate) mod cpu;
mod figure;
mod machine;
mod pairs;
mod report;

pub use figure::Figure;
pub use machine::Machine;
pub use pairs::{Measured, Plan, Sample, Side, alone, paired};
pub use report::Report;
