//! The environment variables of the tasks, each read in this file only.
#![allow(clippy::disallowed_methods, reason = "this is the one place of xtask that reads the environment")]

use std::{
    env,
    io::Result,
    path::{Path, PathBuf},
};

/// Bootstrap servers of a Kafka that runs already; none is started then.
pub const KAFKA_BOOTSTRAP: &str = "KAFKA_BOOTSTRAP";
/// Folder of that Kafka's secure listener: `bootstrap`, `plain`, `ca.pem`, `<user>.properties`, `tool`.
pub const KAFKA_SECURE: &str = "KAFKA_SECURE";
/// URL of a PostgreSQL that runs already, as a user that may create databases; none is started then.
pub const DATABASE_URL: &str = "DATABASE_URL";
/// URL of a MariaDB or MySQL that runs already, as a user that may create databases; none is started then.
pub const MYSQL_URL: &str = "MYSQL_URL";
/// Path of the built `coursebus`, handed to the tests.
pub const COURSEBUS_BIN: &str = "COURSEBUS_BIN";

/// Folder of the jars that benches compare with, handed to the benches.
pub const BENCH_PEERS: &str = "COURSEBUS_BENCH_PEERS";

/// Folder of Java Avro's jars, handed to the tests that compare with it.
pub const AVRO_JARS: &str = "COURSEBUS_AVRO_JARS";

/// The name of the services that a test of faults may strike.
pub const SERVICES: &str = "COURSEBUS_FAULTS_SERVICES";
/// Path of this program, handed to a test of faults.
pub const XTASK: &str = "COURSEBUS_FAULTS_XTASK";

/// The variable's value, unless it is unset or empty.
pub fn get(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Whether this is a CI run, where a skipped suite is a failure.
pub fn ci() -> bool {
    get("CI").is_some_and(|value| value != "false" && value != "0")
}

/// The user's cache folder for coursebus. It lies outside `target/`, so that a clean does not download again.
pub fn cache_dir() -> PathBuf {
    let base = get("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let base = base.or_else(|| env::home_dir().map(|home| home.join(".cache")));
    base.unwrap_or_else(env::temp_dir).join("coursebus")
}

/// Looks a program up in `PATH`.
pub fn find_program(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|dir| dir.join(name)).find(|path| path.is_file())
}

/// The cargo that runs this task, so that its children use the same toolchain.
pub fn cargo() -> String {
    get("CARGO").unwrap_or_else(|| "cargo".to_owned())
}

/// Where cargo builds.
pub fn target_dir(root: &Path) -> PathBuf {
    // Relative to the workspace's folder, because the tasks call cargo there.
    root.join(get("CARGO_TARGET_DIR").unwrap_or_else(|| "target".to_owned()))
}

/// This program's file. Cargo may have replaced it by a newer one since it was started, which does as well.
pub fn this_program() -> Result<PathBuf> {
    let path = env::current_exe()?;
    let replaced = path.to_str().and_then(|path| path.strip_suffix(" (deleted)"));
    Ok(replaced.map_or_else(|| path.clone(), PathBuf::from))
}
