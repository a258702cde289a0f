//! The rules that contracts are held to. Each has an id, a reason (docs/contracts.md), and a switch in `lint.toml` that needs one.
//! Open edX's types are theirs: they are held to [`DRIFT`] alone.

mod rules;
mod spots;

use serde::Deserialize;

use super::{Contracts, Event, Finding, LINT, UPSTREAM, Version};
use crate::compatibility::line_of;
use rules::RULES;
use spots::Spot;

/// An Open edX type is not what the package of Open edX says.
pub const DRIFT: &str = "drift";
/// A switch that nothing needs.
pub const UNUSED_ALLOW: &str = "unused-allow";

/// All ids of rules.
pub fn ids() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|(id, _)| *id).chain([DRIFT, UNUSED_ALLOW])
}

/// One exception of one rule, with its reason.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Switch {
    rule: String,
    event: String,
    /// The path of a field; without it the whole type.
    path: Option<String>,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LintFile {
    #[serde(default)]
    allow: Vec<Switch>,
}

pub(super) fn switches(text: &str) -> Result<Vec<Switch>, String> {
    let file: LintFile = toml::from_str(text).map_err(|e| e.to_string())?;
    for switch in &file.allow {
        if !ids().any(|id| id == switch.rule) {
            return Err(format!("there is no rule '{}'", switch.rule));
        }
        if switch.reason.trim().is_empty() {
            return Err(format!("the switch of '{}' for {} has no reason", switch.rule, switch.event));
        }
    }
    Ok(file.allow)
}

/// What a rule found, before it is known whether a switch allows it.
pub(super) struct Breach {
    /// The field, as a dotted path; empty for the whole.
    path: String,
    /// JSON pointer.
    pointer: String,
    message: String,
}

impl Breach {
    fn at(spot: &Spot<'_>, message: impl Into<String>) -> Self {
        Self { path: spot.path.clone(), pointer: spot.pointer.clone(), message: message.into() }
    }

    fn whole(message: impl Into<String>) -> Self {
        Self { path: String::new(), pointer: String::new(), message: message.into() }
    }
}

/// Holds the contracts to every rule. In the order of the catalogue; nothing is found in contracts that are as they should be.
#[must_use]
pub fn lint(contracts: &Contracts) -> Vec<Finding> {
    let mut used = vec![false; contracts.switches.len()];
    let mut findings = Vec::new();
    for event in &contracts.events {
        for version in &event.versions {
            for (rule, breach) in breaches(contracts, event, version) {
                let switch = contracts.switches.iter().position(|switch| {
                    let of_path = switch.path.as_ref().is_none_or(|path| *path == breach.path);
                    switch.rule == rule && switch.event == event.name && of_path
                });
                match switch {
                    Some(switch) => used[switch] = true,
                    None => findings.push(finding(rule, event, version, breach)),
                }
            }
        }
    }
    let unused = contracts.switches.iter().zip(used).filter(|(_, used)| !used);
    findings.extend(unused.map(|(switch, _)| Finding {
        rule: UNUSED_ALLOW,
        event: switch.event.clone(),
        file: Some(LINT.to_owned()),
        line: None,
        message: format!("nothing needs the switch of '{}': take it out", switch.rule),
    }));
    findings
}

fn breaches(contracts: &Contracts, event: &Event, version: &Version) -> Vec<(&'static str, Breach)> {
    if event.is_openedx() {
        return drift(contracts, event, version).map(|breach| (DRIFT, breach)).into_iter().collect();
    }
    let spots = spots::spots(&version.json);
    let of_rule = |(id, rule): &(&'static str, rules::Rule)| {
        let id = *id;
        rule(event, version, &spots).into_iter().map(move |breach| (id, breach)).collect::<Vec<_>>()
    };
    RULES.iter().flat_map(of_rule).collect()
}

fn finding(rule: &'static str, event: &Event, version: &Version, breach: Breach) -> Finding {
    let what = if breach.path.is_empty() { String::new() } else { format!("{}: ", breach.path) };
    Finding {
        rule,
        event: event.name.clone(),
        file: Some(version.file.clone()),
        line: line_of(&version.text, &breach.pointer),
        message: what + &breach.message,
    }
}

fn drift(contracts: &Contracts, event: &Event, version: &Version) -> Option<Breach> {
    let Some(upstream) = &contracts.upstream else {
        return Some(Breach::whole(format!("there is no {UPSTREAM} that says what Open edX's package says")));
    };
    match upstream.get(&event.name) {
        None => Some(Breach::whole("the package of Open edX has no such type")),
        // As JSON values: neither white space nor the order of attributes counts.
        Some(theirs) if *theirs == version.json => None,
        Some(theirs) => {
            let (pointer, what) = spots::first_difference(&version.json, theirs);
            let message =
                format!("{what} at {pointer}: the package of Open edX says otherwise; take its schema over whole");
            Some(Breach { path: String::new(), pointer, message })
        }
    }
}

#[cfg(test)]
mod tests;
