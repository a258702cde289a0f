//! The environment, read for the tests in this file only.
#![allow(clippy::disallowed_methods, reason = "the one place of the tests that reads the environment")]

use std::env;

/// The variable's value, unless it is unset or empty.
pub fn get(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Whether this is a CI run, where a skipped test is a failure.
pub fn ci() -> bool {
    get("CI").is_some_and(|value| value != "false" && value != "0")
}

/// Variables that would change what the command does, left over from someone's shell.
pub fn of_coursebus() -> Vec<String> {
    env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| name.starts_with("COURSEBUS_"))
        .collect()
}
