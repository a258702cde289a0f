//! What a run prints at its end.

use std::collections::BTreeSet;

use super::{
    Outcome,
    notes::{self, Notes, Ran},
};

/// Prints the steps, the suites with their times, the matrix of suites and services, and loudly what was skipped.
pub fn print(outcomes: &[Outcome], notes: &Notes) {
    println!("\n{:<48} {:>9} {:>9}  result", "step", "took", "budget");
    for Outcome { step, took, passed } in outcomes {
        row(step.name(), took.as_secs_f64(), step.budget().as_secs(), if *passed { "ok" } else { "FAILED" });
    }
    if !notes.suites().is_empty() {
        println!("\n{:<48} {:>9} {:>9}", "suite", "took", "budget");
    }
    for suite in notes.suites() {
        row(&suite.name, suite.took.as_secs_f64(), notes::budget(&suite.name).as_secs(), "");
    }
    if !notes.matrix().is_empty() {
        println!("\n{}", matrix(notes.matrix()));
    }
    for line in notes.skipped() {
        println!("!!! {line}");
    }
    if !notes.skipped().is_empty() {
        println!("!!! {} SKIPPED: what is named above was not tested", notes.skipped().len());
    }
}

fn row(name: &str, took: f64, budget: u64, result: &str) {
    println!("{name:<48} {took:>8.1}s {budget:>8}s  {result}");
}

/// A line a suite, a column a pair of backend and database.
fn matrix(ran: &BTreeSet<Ran>) -> String {
    let columns: BTreeSet<String> = ran.iter().map(column).collect();
    let suites: BTreeSet<&str> = ran.iter().map(|ran| ran.suite.as_str()).collect();
    let cells = |cells: Vec<String>| cells.join("  ").trim_end().to_owned() + "\n";
    let head = cells([format!("{:<32}", "ran on")].into_iter().chain(columns.iter().cloned()).collect());
    let lines = suites.iter().map(|suite| {
        let cell = |name: &String| {
            let ran = ran.iter().any(|ran| ran.suite == *suite && column(ran) == *name);
            format!("{:<width$}", if ran { "yes" } else { "-" }, width = name.len())
        };
        cells([format!("{suite:<32}")].into_iter().chain(columns.iter().map(cell)).collect())
    });
    head + &lines.collect::<String>()
}

fn column(ran: &Ran) -> String {
    match ran.database.as_str() {
        "" | "none" => ran.backend.clone(),
        database => format!("{} + {database}", ran.backend),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matrix_shows_what_ran_and_what_did_not() {
        let ran = |suite: &str, backend: &str, database: &str| Ran {
            suite: suite.into(),
            backend: backend.into(),
            database: database.into(),
        };
        let all = [ran("audit", "kafka", "postgres"), ran("audit", "embedded", "sqlite"), ran("log", "kafka", "none")];
        let expected = "ran on                            embedded + sqlite  kafka  kafka + postgres\n\
                        audit                             yes                -      yes\n\
                        log                               -                  yes    -\n";
        assert_eq!(matrix(&all.into_iter().collect()), expected);
    }
}
