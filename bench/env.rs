//! The environment variables of the benches, each read in this file only.
#![allow(clippy::disallowed_methods, reason = "this is the one place of the benches that reads the environment")]

use std::{env, path::PathBuf};

/// Bootstrap servers of a running Kafka.
pub fn kafka_bootstrap() -> Option<String> {
    get("KAFKA_BOOTSTRAP")
}

/// URL of a database on PostgreSQL, as a user that may create others.
pub fn database_url() -> Option<String> {
    get("DATABASE_URL")
}

/// The release build of `coursebus`: the one that is named, or the one beside this program.
pub fn coursebus() -> Option<PathBuf> {
    let beside = || Some(env::current_exe().ok()?.with_file_name("coursebus"));
    get("COURSEBUS_BIN").map(PathBuf::from).or_else(beside).filter(|path| path.is_file())
}

/// The folder of jars that the peers are run from.
pub fn peers() -> Option<PathBuf> {
    get("COURSEBUS_BENCH_PEERS").map(PathBuf::from).filter(|dir| dir.is_dir())
}

/// The folder of the OULAD dataset: the one that is named, or the one beside the repository.
pub fn oulad() -> Option<PathBuf> {
    let named = get("COURSEBUS_OULAD").map(PathBuf::from);
    Some(named.unwrap_or_else(|| "../shared/data/oulad".into())).filter(|dir| dir.join("courses.csv").is_file())
}

/// The variable's value, unless it is unset or empty.
fn get(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
