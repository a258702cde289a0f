//! The audit: what was committed is on the log once, in the order of its key, and nothing else is.

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use coursebus_tests::Cli;

use super::writers::Committed;

#[derive(Debug, Default)]
pub struct Report {
    committed: usize,
    lost: usize,
    duplicated: usize,
    out_of_order: usize,
    /// On the log though their transactions were rolled back.
    never_committed: usize,
}

impl Report {
    pub fn is_clean(&self) -> bool {
        self.committed > 0
            && [self.lost, self.duplicated, self.out_of_order, self.never_committed].iter().all(|count| *count == 0)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "committed {}, lost {}, duplicated {}, out of order {}, never committed {}",
            self.committed, self.lost, self.duplicated, self.out_of_order, self.never_committed
        )
    }
}

/// Reads the topic. `name` begins the keys of this database.
pub fn audit(cli: &Cli, name: &str, committed: &Committed) -> Report {
    let tail = cli.run(["event", "tail", "--from", "earliest", "--until-end"]).ok();
    let mut found = HashMap::<String, Vec<String>>::new();
    for line in tail.stdout().lines() {
        let event: serde_json::Value = serde_json::from_str(line).expect("JSON lines");
        let Some(key) = event["data"]["license"]["license_uuid"].as_str() else { continue };
        if key.starts_with(name) {
            found.entry(key.to_owned()).or_default().push(event["id"].as_str().unwrap_or_default().to_owned());
        }
    }
    judge(committed, &found)
}

fn judge(committed: &Committed, found: &HashMap<String, Vec<String>>) -> Report {
    let mut report = Report::default();
    let nothing = Vec::new();
    for (key, expected) in committed {
        let found = found.get(key).unwrap_or(&nothing);
        let (wanted, seen): (HashSet<&String>, HashSet<&String>) = (expected.iter().collect(), found.iter().collect());
        report.committed += expected.len();
        report.lost += wanted.difference(&seen).count();
        report.never_committed += seen.difference(&wanted).count();
        report.duplicated += found.len() - seen.len();
        let place: HashMap<&String, usize> = expected.iter().enumerate().map(|(at, id)| (id, at)).collect();
        let places: Vec<usize> = found.iter().filter_map(|id| place.get(id).copied()).collect();
        report.out_of_order += places.windows(2).filter(|pair| pair[0] > pair[1]).count();
    }
    report
}
