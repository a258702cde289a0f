//! A second listener of Kafka's, with TLS and SASL/SCRAM, and an authorizer behind both.
//!
//! Whoever comes by the plain listener is nobody in particular, and may do everything, as without an authorizer; whoever
//! comes by this one may do what its ACLs say, which is nothing at first. What a test needs lies in one folder:
//! `bootstrap` and `plain` (where both listeners are), `ca.pem`, `<user>.properties` (for librdkafka) and `tool` (runs a class of Kafka's, such as AclCommand).

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::Result;

use super::{install, jars::Jars, kafka::cluster_id};
use crate::{env, run::Job};

/// One user a role of docs/operations/kafka-security.md.
const USERS: [&str; 5] = ["producer", "relay", "sink", "registry", "admin"];
const OPENSSL_LIMIT: Duration = Duration::from_secs(60);
const MECHANISM: &str = "SCRAM-SHA-512";
const JAAS: &str = "org.apache.kafka.common.security.scram.ScramLoginModule required;";

/// The folder, with certificates and users in it.
pub struct Secure {
    dir: PathBuf,
    /// Each with its password, new for each start.
    users: Vec<(&'static str, String)>,
}

impl Secure {
    /// Makes certificates for this machine's loopback, and passwords.
    pub fn make(job: &Job, jars: &Jars, dir: PathBuf) -> Result<Self> {
        fs::create_dir_all(&dir)?;
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o700))?;
        let openssl = install::find_or_install(job, "openssl", || env::find_program("openssl"))?;
        for command in certificates(&openssl) {
            let mut command = command;
            job.run(command.current_dir(&dir), OPENSSL_LIMIT, &dir.join("openssl.log"))?;
        }
        // Kafka wants key and certificates in one file.
        let parts = ["server.key", "server.crt", "ca.pem"].map(|name| fs::read_to_string(dir.join(name)));
        let parts: Result<Vec<String>, _> = parts.into_iter().collect();
        fs::write(dir.join("server.pem"), parts?.concat())?;
        let users = USERS.iter().map(|user| (*user, cluster_id())).collect();
        let secure = Self { dir, users };
        secure.write_tool(jars)?;
        Ok(secure)
    }

    /// `StorageTool` makes the users with the log: none can connect before it has one.
    pub fn format_args(&self) -> Vec<String> {
        let user = |(name, password): &(&str, String)| {
            ["--add-scram".to_owned(), format!("{MECHANISM}=[name={name},password={password}]")]
        };
        self.users.iter().flat_map(user).collect()
    }

    /// What a node is told beside the rest.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("ssl.keystore.type", "PEM".to_owned()),
            ("ssl.keystore.location", self.dir.join("server.pem").display().to_string()),
            ("sasl.enabled.mechanisms", MECHANISM.to_owned()),
            ("listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config", JAAS.to_owned()),
            ("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer".to_owned()),
            ("allow.everyone.if.no.acl.found", "false".to_owned()),
            ("super.users", "User:ANONYMOUS".to_owned()),
        ]
    }

    /// Says where it and the plain listener are, and writes a file of settings a user. Returns the folder.
    pub fn is_at(&self, bootstrap: &str, plain: &str) -> Result<String> {
        for (user, password) in &self.users {
            let ca = self.dir.join("ca.pem");
            let lines = [
                "security.protocol=sasl_ssl".to_owned(),
                format!("ssl.ca.location={}", ca.display()),
                format!("sasl.mechanism={MECHANISM}"),
                format!("sasl.username={user}"),
                format!("sasl.password={password}"),
            ];
            fs::write(self.dir.join(format!("{user}.properties")), lines.join("\n") + "\n")?;
        }
        fs::write(self.dir.join("bootstrap"), bootstrap)?;
        fs::write(self.dir.join("plain"), plain)?;
        Ok(self.dir.display().to_string())
    }

    fn write_tool(&self, jars: &Jars) -> Result<()> {
        let java = jars.command(&["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx128m"], "\"$@\"");
        let quote = |word: &str| if word == "\"$@\"" { word.to_owned() } else { format!("'{word}'") };
        let words = [java.get_program()].into_iter().chain(java.get_args()).map(|w| quote(&w.to_string_lossy()));
        let path = self.dir.join("tool");
        fs::write(&path, format!("#!/bin/sh\nexec {}\n", words.collect::<Vec<_>>().join(" ")))?;
        Ok(fs::set_permissions(&path, fs::Permissions::from_mode(0o700))?)
    }
}

/// An authority of its own, and a certificate of it for loopback.
fn certificates(openssl: &Path) -> [Command; 3] {
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let mut authority = Command::new(openssl);
    authority.args([
        "req",
        "-x509",
        "-days",
        "30",
        "-subj",
        "/CN=coursebus tests",
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
    ]);
    authority.args(key);
    let mut request = Command::new(openssl);
    request.args(["req", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]);
    request.args(["-keyout", "server.key", "-out", "server.csr"]).args(key);
    let mut sign = Command::new(openssl);
    sign.args(["x509", "-req", "-days", "30", "-copy_extensions", "copy", "-in", "server.csr", "-out", "server.crt"]);
    sign.args(["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"]);
    [authority, request, sign]
}
