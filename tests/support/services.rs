//! The real services that a run of the tests has, and saying loudly which it has not.

use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::env;

/// Bootstrap servers of the Kafka for tests, shared by all of them: topics and groups need unique names.
///
/// # Panics
/// Under `CI=true`, when there is none.
pub fn kafka_bootstrap() -> Option<String> {
    env::get("KAFKA_BOOTSTRAP").or_else(|| {
        skipped("KAFKA_BOOTSTRAP is not set: eval \"$(cargo xtask services up)\"");
        None
    })
}

/// URL of the PostgreSQL for tests, as a user that may create databases; [`crate::Database::fresh`] makes one of its own.
///
/// # Panics
/// Under `CI=true`, when there is none.
pub fn postgres_url() -> Option<String> {
    env::get("DATABASE_URL").or_else(|| {
        skipped("DATABASE_URL is not set: eval \"$(cargo xtask services up)\"");
        None
    })
}

/// URL of the MariaDB or MySQL for tests, as a user that may create databases; [`crate::MysqlDatabase::fresh`] finds names for
/// some.
///
/// # Panics
/// Under `CI=true`, when there is none.
pub fn mysql_url() -> Option<String> {
    env::get("MYSQL_URL").or_else(|| {
        skipped("MYSQL_URL is not set: eval \"$(cargo xtask services up)\"");
        None
    })
}

/// The Open University Learning Analytics Dataset: `COURSEBUS_OULAD`, else the folder beside the repository.
///
/// # Panics
/// Under `CI=true`, when it is not there.
pub fn oulad() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/oulad");
    let dir = env::get("COURSEBUS_OULAD").map_or_else(beside, PathBuf::from);
    if dir.join("studentInfo.csv").exists() {
        return Some(dir.canonicalize().expect("a folder that is there"));
    }
    skipped("COURSEBUS_OULAD does not name the folder of the Open University Learning Analytics Dataset");
    None
}

/// The turn of a test whose sinks run on the shared Kafka: a sink's group has one name whatever its topics are, so that
/// members of two tests would be members of one group.
pub fn kafka_turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    // A test that failed has left the groups all the same.
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sends a signal to one of the services that `cargo xtask faults` started (`kafka node 2`, `postgres`, `mariadb`); `START` starts one
/// again that has ended.
///
/// # Panics
/// When this program was not started by `cargo xtask faults`, or the service is none of its.
pub fn strike(service: &str, signal: &str) {
    let told = |name: &str| env::get(name).expect("started by cargo xtask faults");
    let mut xtask = std::process::Command::new(told("COURSEBUS_FAULTS_XTASK"));
    xtask.args(["services", "strike", service, signal, "--name", &told("COURSEBUS_FAULTS_SERVICES")]);
    let status = xtask.status().expect("xtask runs");
    assert!(status.success(), "{xtask:?}: {status}");
}

/// Whether this program was started by `cargo xtask faults`, on services of its own.
pub fn can_strike() -> bool {
    env::get("COURSEBUS_FAULTS_SERVICES").is_some()
}

/// What makes a test's random choices: `COURSEBUS_TEST_SEED`, else another one each time. The test prints it.
pub fn seed() -> u64 {
    let given = env::get("COURSEBUS_TEST_SEED");
    given.map_or_else(
        || uuid::Uuid::new_v4().as_u64_pair().1 & 0xffff_ffff,
        |text| text.parse().expect("COURSEBUS_TEST_SEED is a whole number"),
    )
}

/// Says that the running test does not run, and why. `cargo xtask test` repeats it at its end.
///
/// # Panics
/// Under `CI=true`.
pub fn skipped(why: &str) {
    let thread = std::thread::current();
    let line = format!("SKIPPED {}: {why}", thread.name().unwrap_or("a test"));
    say(&line);
    assert!(!env::ci(), "{line}");
}

/// Says that a suite runs on a backend (`embedded`, `kafka`) and a database (`sqlite`, `postgres`, `mysql`, `none`).
/// `cargo xtask test` makes its matrix of these lines.
pub fn matrix(suite: &str, backend: &str, database: &str) {
    say(&format!("MATRIX suite={suite} backend={backend} database={database}"));
}

/// A name that no other test uses, valid as topic, group, schema and database: `PREFIX_0a1b2c3d4e5f`.
pub fn unique(prefix: &str) -> String {
    let id = uuid::Uuid::new_v4().simple().to_string();
    format!("{prefix}_{}", &id[..12])
}

/// Says a line that is seen though the test passes: how far it is, what it counted.
pub fn say(line: &str) {
    // In one write to the stream itself: the test harness captures only what the print macros print. A test whose stderr is
    // closed still tests.
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_and_are_valid_everywhere() {
        let (one, other) = (unique("grades"), unique("grades"));
        assert_ne!(one, other);
        assert!(one.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'), "{one}");
    }
}
