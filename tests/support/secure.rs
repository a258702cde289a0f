//! The secure listener of the Kafka for tests: TLS, SCRAM, and an authorizer that allows what it was told and nothing else.

use std::{fs, path::PathBuf, process::Command};

use crate::{env, services::skipped};

/// What lies in the folder that `KAFKA_SECURE` names.
#[derive(Debug)]
pub struct SecureKafka {
    dir: PathBuf,
    bootstrap: String,
    /// The listener of the same brokers where nobody is asked who they are.
    plain: String,
}

impl SecureKafka {
    /// `None`, loudly, where there is none.
    ///
    /// # Panics
    /// Under `CI=true`, when there is none.
    pub fn find() -> Option<Self> {
        let Some(dir) = env::get("KAFKA_SECURE").map(PathBuf::from) else {
            skipped("KAFKA_SECURE is not set: eval \"$(cargo xtask services up)\"");
            return None;
        };
        let read = |name: &str| {
            fs::read_to_string(dir.join(name)).unwrap_or_else(|error| panic!("KAFKA_SECURE, {name}: {error}"))
        };
        let (bootstrap, plain) = (read("bootstrap"), read("plain"));
        Some(Self { dir, bootstrap, plain })
    }

    /// Its bootstrap servers.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// The file of settings of a user.
    pub fn settings(&self, user: &str) -> PathBuf {
        self.dir.join(format!("{user}.properties"))
    }

    /// Runs one of Kafka's own tools, through the plain listener.
    ///
    /// # Panics
    /// When it fails; what it said is in the message.
    pub fn tool(&self, class: &str, args: &[String]) {
        let mut command = Command::new(self.dir.join("tool"));
        let output =
            command.arg(class).args(["--bootstrap-server", &self.plain]).args(args).output().expect("the tool runs");
        let said = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        assert!(output.status.success(), "{class} {args:?}: {}", said.concat());
    }
}
