//! The nightly export of a real platform through the real binary: import, then the Credentials sink.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    str::FromStr,
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use coursebus_transport::{BusAddress, Settings, open};
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::{
    Bench,
    kafka::{delete_topics, unique_prefix},
};
use crate::{env, measure::alone};

/// What the import counts that the Credentials sink reads.
const READ_BY_THE_SINK: [&str; 4] = ["enrolled", "graded", "unenrolled", "certified"];

pub(super) async fn run(bench: &mut Bench) -> Result<()> {
    let what = "a platform's history (OULAD), imported and sunk";
    let Some(bin) = env::coursebus() else {
        bench.report.skip(what, "no release build of coursebus: cargo build --release --package coursebus-cli");
        return Ok(());
    };
    let Some(data) = env::oulad() else {
        bench.report.skip(what, "the dataset is not there: name its folder in COURSEBUS_OULAD");
        return Ok(());
    };
    let tool = Tool { bin, data };
    embedded(bench, &tool).await?;
    match (env::kafka_bootstrap(), env::database_url()) {
        (Some(bootstrap), Some(database)) => kafka(bench, &tool, &bootstrap, &database).await,
        _ => {
            bench.report.skip(&format!("{what}, on Kafka"), "KAFKA_BOOTSTRAP and DATABASE_URL are not both set");
            Ok(())
        }
    }
}

async fn embedded(bench: &mut Bench, tool: &Tool) -> Result<()> {
    let scratch = bench.folder()?;
    let runs = measure(bench, async |number| {
        let place = scratch.path().join(number.to_string());
        let bus = format!("embedded:{}", place.join("bus").display());
        let global = ["--bus".to_owned(), bus, "--db".to_owned(), format!("sqlite:{}", place.join("db").display())];
        let run = tool.line(&global)?;
        std::fs::remove_dir_all(&place)?;
        Ok(run)
    });
    let runs = runs.await?;
    add(bench, "embedded + SQLite", &runs)
}

async fn kafka(bench: &mut Bench, tool: &Tool, bootstrap: &str, database: &str) -> Result<()> {
    let bus = format!("kafka://{bootstrap}");
    let log = open(&BusAddress::from_str(&bus)?, &Settings::default())?;
    let registry = RegistryServer::start(&tool.bin, &bus)?;
    let mut postgres = PgConnection::connect(database).await?;
    let runs = measure(bench, async |_| {
        let prefix = unique_prefix();
        // A fresh database each time: rows that are there already are another work than rows that are not.
        let name = prefix.replace('-', "_");
        postgres.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await?;
        let global = ["--bus", &bus, "--registry", &registry.url, "--topic-prefix", &prefix, "--db"];
        let global: Vec<String> = global.map(str::to_owned).into_iter().chain([beside(database, &name)?]).collect();
        let run = tool.run(&global, &["apply"]).and_then(|_| tool.line(&global));
        postgres.execute(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"))).await?;
        delete_topics(log.as_ref(), &prefix).await?;
        run
    });
    let runs = runs.await?;
    add(bench, "Kafka + PostgreSQL", &runs)
}

/// The rates of one pass of the line, in events a second.
struct Pass {
    import: f64,
    sink: f64,
}

/// As many passes as there would be pairs, after one that does not count.
async fn measure(bench: &Bench, mut pass: impl AsyncFnMut(usize) -> Result<Pass>) -> Result<Vec<Pass>> {
    let mut passes = Vec::new();
    for number in 0..=bench.plan.pairs {
        passes.push(pass(number).await?);
    }
    passes.remove(0);
    Ok(passes)
}

fn add(bench: &mut Bench, on: &str, passes: &[Pass]) -> Result<()> {
    let work = format!("OULAD: import, {on}");
    let settings =
        json!({ "clock": "from the first event handed over to the last confirmed, as the command tells it" });
    bench.report.add((&work, "none", "events/s"), alone(passes.iter().map(|pass| pass.import)), settings)?;
    let work = format!("OULAD: sink run credentials --until-caught-up, {on}");
    let settings = json!({ "clock": "the whole command, its start and the joining of its group included" });
    bench.report.add((&work, "none", "events/s"), alone(passes.iter().map(|pass| pass.sink)), settings)
}

/// The real binary, and what it imports.
struct Tool {
    bin: PathBuf,
    data: PathBuf,
}

/// What `event import -o json` prints.
#[derive(Deserialize)]
struct Imported {
    emitted: u64,
    seconds: f64,
    counts: BTreeMap<String, u64>,
}

impl Tool {
    /// Imports, then runs the sink, with these options.
    fn line(&self, global: &[String]) -> Result<Pass> {
        let data = self.data.to_str().context("the dataset's path is not UTF-8")?;
        let printed = self.run(global, &["-o", "json", "event", "import", "oulad", data])?;
        let imported: Imported = serde_json::from_str(&printed).context("what the import printed")?;
        let read: u64 = READ_BY_THE_SINK.iter().filter_map(|kind| imported.counts.get(*kind)).sum();
        ensure!(read > 0, "the import told no count of {READ_BY_THE_SINK:?}");
        let started = Instant::now();
        self.run(global, &["sink", "run", "credentials", "--until-caught-up", "--timeout", "300s"])?;
        let sink = read as f64 / started.elapsed().as_secs_f64();
        Ok(Pass { import: imported.emitted as f64 / imported.seconds.max(1e-9), sink })
    }

    /// Runs a command to its end; answers with what it printed.
    fn run(&self, global: &[String], args: &[&str]) -> Result<String> {
        let output = Command::new(&self.bin).args(global).args(args).output().context("starting coursebus")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "coursebus {args:?}: {}\n{}", output.status, said.trim());
        Ok(String::from_utf8(output.stdout)?)
    }
}

/// `coursebus registry serve`, ended with the bench.
struct RegistryServer {
    server: Child,
    url: String,
}

impl RegistryServer {
    fn start(bin: &Path, bus: &str) -> Result<Self> {
        let mut command = Command::new(bin);
        command.args(["--bus", bus, "registry", "serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped());
        let mut started = Self { server: command.spawn().context("starting the registry")?, url: String::new() };
        let stdout = started.server.stdout.take().context("its output is piped")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let ready: Value = serde_json::from_str(&line).context("the registry did not start")?;
        ready["registry"].as_str().context("the registry told no URL")?.clone_into(&mut started.url);
        Ok(started)
    }
}

impl Drop for RegistryServer {
    fn drop(&mut self) {
        // Fails where it has ended already.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// The URL of another database on the same server.
fn beside(url: &str, database: &str) -> Result<String> {
    let (address, options) = url.split_once('?').map_or((url, None), |(address, options)| (address, Some(options)));
    let (server, _) = address.rsplit_once('/').context("a database's URL ends with its name")?;
    Ok(format!("{server}/{database}{}", options.map_or(String::new(), |options| format!("?{options}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_database_keeps_server_and_options() {
        for (url, expected) in [
            ("postgres://u@h:1/a", "postgres://u@h:1/b"),
            ("postgres://u:p@h:1/a?sslmode=require", "postgres://u:p@h:1/b?sslmode=require"),
        ] {
            assert_eq!(beside(url, "b").expect("a good URL"), expected);
        }
    }
}
