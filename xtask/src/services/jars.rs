//! From Maven Central into the user's cache: Apache Kafka, and what benches compare it with.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, bail};

use super::{install, lock};
use crate::{env, run::Job};

/// The version of the broker, here and in every container.
pub const KAFKA_VERSION: &str = "4.3.1";
/// The version of the peer of `bench consumer`.
const PARALLEL_CONSUMER_VERSION: &str = "0.5.3.3";
/// The version of the norm that the compatibility checker is compared with.
const AVRO_VERSION: &str = "1.12.2";
/// The oldest Java that this Kafka runs on.
const JAVA_MIN: u32 = 17;
/// How long Maven may take for about 54 MB.
const DOWNLOAD_LIMIT: Duration = Duration::from_secs(600);
/// A version of the plugin that Maven 3.8 and later run.
const COPY: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";

/// A Java that runs Kafka, and the jars to run.
pub struct Jars {
    java: PathBuf,
    dir: PathBuf,
}

impl Jars {
    /// Finds or installs Java, finds or downloads the jars.
    pub fn get(job: &Job, root: &Path) -> Result<Self> {
        let java = install::find_or_install(job, "default-jre-headless", find_java)?;
        let dir = env::cache_dir().join(format!("kafka-{KAFKA_VERSION}"));
        let pom = root.join("xtask/services/kafka/pom.xml");
        download(job, "kafka", &pom, &dir, &format!("kafka_2.13-{KAFKA_VERSION}.jar"))?;
        Ok(Self { java, dir })
    }

    /// `java` with options, on a main class among the jars.
    pub fn command(&self, options: &[&str], main_class: &str) -> Command {
        let mut command = Command::new(&self.java);
        command.args(options).arg("-Djava.net.preferIPv4Stack=true");
        command.arg("-cp").arg(self.dir.join("*")).arg(main_class);
        command
    }
}

/// The jars that benches compare with, by a Java that compiles.
pub fn bench_peers(root: &Path) -> Result<PathBuf> {
    let job = Job::new();
    install::find_or_install(&job, "default-jdk-headless", || env::find_program("javac"))?;
    let dir = env::cache_dir().join(format!("bench-peers-{PARALLEL_CONSUMER_VERSION}"));
    let proof = format!("parallel-consumer-core-{PARALLEL_CONSUMER_VERSION}.jar");
    download(&job, "peers", &root.join("bench/peers/pom.xml"), &dir, &proof)?;
    Ok(dir)
}

/// Java Avro's jars, by a Java that compiles.
pub fn avro(root: &Path) -> Result<PathBuf> {
    let job = Job::new();
    install::find_or_install(&job, "default-jdk-headless", || env::find_program("javac"))?;
    let dir = env::cache_dir().join(format!("avro-{AVRO_VERSION}"));
    let pom = root.join("registry-tools/tests/norm/pom.xml");
    download(&job, "avro", &pom, &dir, &format!("avro-{AVRO_VERSION}.jar"))?;
    Ok(dir)
}

/// Downloads, unless it is there, what a pom names: beside the final folder, then renamed, so that the folder is there whole
/// or not at all.
fn download(job: &Job, what: &str, pom: &Path, dir: &Path, proof: &str) -> Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let cache = dir.parent().expect("the cache folder has a parent");
    let _one_at_a_time = lock(&cache.join(format!("{what}.lock")))?;
    if dir.is_dir() {
        return Ok(());
    }
    let maven = install::find_or_install(job, "maven", || env::find_program("mvn"))?;
    job.say(format!("{what}: downloading from Maven Central"));
    let temp = tempfile::Builder::new().prefix(".download-").tempdir_in(cache)?;
    let jars = temp.path().join("jars");
    let mut command = Command::new(maven);
    command.args(["-q", "-B", "-f"]).arg(pom).args([COPY, "-DincludeScope=runtime"]);
    command.arg(format!("-DoutputDirectory={}", jars.display()));
    job.run(&mut command, DOWNLOAD_LIMIT, &cache.join(format!("{what}-maven.log")))?;
    if !jars.join(proof).is_file() {
        bail!("Maven brought no {proof}");
    }
    fs::rename(&jars, dir).with_context(|| dir.display().to_string())?;
    job.say(format!("{what}: jars are in {}", dir.display()));
    Ok(())
}

fn find_java() -> Option<PathBuf> {
    let of_home = env::get("JAVA_HOME").map(|home| PathBuf::from(home).join("bin/java"));
    let candidates = of_home.into_iter().chain(env::find_program("java"));
    candidates.into_iter().find(|java| {
        let output = Command::new(java).arg("-version").output();
        output
            .is_ok_and(|told| java_major(&String::from_utf8_lossy(&told.stderr)).is_some_and(|major| major >= JAVA_MIN))
    })
}

/// The major version in what `java -version` says; 1.8 and older count as 1.
fn java_major(told: &str) -> Option<u32> {
    let version = told.split('"').nth(1)?;
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_versions_are_read() {
        let cases = [
            ("openjdk version \"17.0.15\" 2025-04-15", Some(17)),
            ("openjdk version \"21\" 2023-09-19", Some(21)),
            ("openjdk version \"25-ea\" 2025-09-16", Some(25)),
            ("java version \"1.8.0_202\"", Some(1)),
            ("command not found", None),
        ];
        for (told, expected) in cases {
            assert_eq!(java_major(told), expected, "{told}");
        }
    }

    #[test]
    fn poms_name_the_versions() {
        let pom = include_str!("../../services/kafka/pom.xml");
        assert!(pom.contains(&format!("<kafka.version>{KAFKA_VERSION}</kafka.version>")));
        let peers = include_str!("../../../bench/peers/pom.xml");
        assert!(peers.contains(&format!("<version>{PARALLEL_CONSUMER_VERSION}</version>")));
        let avro = include_str!("../../../registry-tools/tests/norm/pom.xml");
        assert!(avro.contains(&format!("<version>{AVRO_VERSION}</version>")));
    }
}
