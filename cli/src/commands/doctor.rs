//! `coursebus doctor`

use std::process::ExitCode;

use coursebus_schemas::catalog;
use coursebus_sinks_kit::{HeldRecord, StoreError, open};
use coursebus_transport::BusAddress;
use serde_json::{Value, json};

use super::topic::plain;
use crate::{
    context::Global,
    failure::{Failure, chain},
    output,
};

/// Checks the bus, the registry and the databases, and says what to do about what is wrong. Exit 3 where something is.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  coursebus doctor --bus kafka://127.0.0.1:9092 --registry http://127.0.0.1:8081")]
pub struct Args {}

/// One thing that was looked at.
struct Check {
    name: String,
    ok: bool,
    found: String,
    next: &'static str,
}

impl Check {
    fn good(name: impl Into<String>, found: impl Into<String>) -> Self {
        Self { name: name.into(), ok: true, found: found.into(), next: "" }
    }

    fn bad(name: impl Into<String>, found: impl Into<String>, next: &'static str) -> Self {
        Self { name: name.into(), ok: false, found: found.into(), next }
    }
}

pub async fn run(global: &Global, Args {}: Args) -> Result<ExitCode, Failure> {
    let mut checks = Vec::new();
    check_bus(global, &mut checks).await?;
    check_databases(global, &mut checks).await?;
    let rows: Vec<Value> =
        checks.iter().map(|c| json!({"check": c.name, "ok": c.ok, "found": c.found, "do": c.next})).collect();
    output::list(global.output, &rows, &["", "check", "found", "do"], |row| {
        let mark = if row["ok"] == true { "ok" } else { "WRONG" };
        vec![mark.to_owned(), plain(&row["check"]), plain(&row["found"]), plain(&row["do"])]
    })?;
    Ok(if checks.iter().all(|c| c.ok) { ExitCode::SUCCESS } else { ExitCode::from(3) })
}

async fn check_bus(global: &Global, checks: &mut Vec<Check>) -> Result<(), Failure> {
    let address = global.address()?;
    let log = match global.open_log() {
        Ok(log) => log,
        Err(failure) => {
            checks.push(Check::bad("bus", failure.what, "correct --bus or the file that COURSEBUS_KAFKA_CONFIG names"));
            return Ok(());
        }
    };
    match log.cluster().await {
        Ok(cluster) => checks.push(Check::good("bus", format!("{address}, cluster {}", cluster.0))),
        Err(error) => {
            checks.push(Check::bad("bus", chain(&error), "start the brokers, or correct --bus"));
            return Ok(());
        }
    }
    let topics = log.topics().await?;
    let wanted = catalog().topics();
    let mut missing = 0;
    for topic in wanted {
        let name = topic.full_topic(&global.topic_prefix);
        let Some(found) = topics.iter().find(|t| t.name == name) else {
            missing += 1;
            continue;
        };
        if found.partitions != topic.partitions {
            let says = format!("{} partitions, the catalogue says {}", found.partitions, topic.partitions);
            checks.push(Check::bad(name.clone(), says, "producers and consumers would disagree: make a new topic"));
        }
        let replicas = found.settings.get("min.insync.replicas").and_then(|v| v.parse::<i32>().ok());
        if matches!(address, BusAddress::Kafka { .. }) && found.replication > 1 && replicas.is_some_and(|n| n < 2) {
            let says = "min.insync.replicas is below 2";
            checks.push(Check::bad(name, says, "set it to 2, or a confirmed event can be lost with one broker"));
        }
    }
    checks.push(match missing {
        0 => Check::good("topics", format!("all {} of the catalogue", wanted.len())),
        n => Check::bad("topics", format!("{n} of the catalogue's {} are missing", wanted.len()), "coursebus apply"),
    });
    check_registry(global, checks).await;
    Ok(())
}

async fn check_registry(global: &Global, checks: &mut Vec<Check>) {
    let subjects = async {
        let bus = global.open().await?;
        Ok::<_, Failure>(bus.registry.subjects().await?)
    };
    checks.push(match subjects.await {
        Err(failure) => Check::bad("registry", failure.what, "start it, or correct --registry"),
        Ok(subjects) => {
            let missing =
                catalog().events().iter().filter(|e| !subjects.contains(&e.value_subject(&global.topic_prefix)));
            match missing.count() {
                0 => Check::good("registry", format!("{} subjects", subjects.len())),
                n => Check::bad("registry", format!("{n} event types are not registered"), "coursebus apply"),
            }
        }
    });
}

async fn check_databases(global: &Global, checks: &mut Vec<Check>) -> Result<(), Failure> {
    for spec in coursebus_sinks::all() {
        let address = global.database(spec.name)?;
        let name = format!("database of {}", spec.name);
        let opened = async {
            let store = open(&address, &spec).await?;
            let mut held = store.held(&spec.group()).await?;
            // What was given up or has come back waits for nobody.
            held.retain(HeldRecord::is_open);
            Ok::<_, StoreError>(held)
        };
        checks.push(match opened.await {
            Err(error) => Check::bad(name, chain(&error), "start it, or correct --db"),
            Ok(held) if held.is_empty() => Check::good(name, address.to_string()),
            Ok(held) => Check::bad(name, format!("{} records are held", held.len()), "coursebus held list"),
        });
    }
    Ok(())
}
