//! `coursebus schema check`

use std::{path::PathBuf, process::ExitCode};

use coursebus_registry_tools::{
    Registry, RegistryError, VersionRef,
    contracts::{
        Contracts, Event, Finding,
        check::{Before, check, check_event},
    },
};

use crate::{
    context::Global,
    contracts::{Source, load},
    failure::Failure,
    findings,
};

#[derive(clap::Args)]
pub struct Args {
    /// The folder of the contracts
    #[arg(value_name = "DIR", default_value = "schemas")]
    contracts: PathBuf,
    /// What was there before: git:REV (the same folder in a revision), registry (with --registry and --topic-prefix), or a folder
    #[arg(long, value_name = "WHAT")]
    against: String,
}

pub async fn run(global: &Global, args: &Args) -> Result<ExitCode, Failure> {
    let new = load(&Source::Folder(args.contracts.clone()))?;
    let findings = if args.against == "registry" {
        let registry = global.open_registry().await?;
        against_registry(registry.as_ref(), &new, &global.topic_prefix).await?
    } else {
        check(&load(&Source::parse(&args.against, &args.contracts))?, &new)
    };
    findings::report(global, "schema check", &args.contracts, &findings)
}

async fn against_registry(registry: &dyn Registry, new: &Contracts, prefix: &str) -> Result<Vec<Finding>, Failure> {
    let mut findings = Vec::new();
    for event in &new.events {
        let versions = versions(registry, event, prefix).await?;
        let before: Vec<Before<'_>> = versions.iter().map(|(name, text)| Before { name, text }).collect();
        findings.extend(check_event(event, &before));
    }
    Ok(findings)
}

/// What the registry has of a type, oldest first: number and schema.
async fn versions(registry: &dyn Registry, event: &Event, prefix: &str) -> Result<Vec<(String, String)>, Failure> {
    let subject = event.subject(prefix);
    let numbers = match registry.versions(&subject).await {
        Err(RegistryError::UnknownSubject { .. }) => Vec::new(),
        numbers => numbers?,
    };
    let mut versions = Vec::with_capacity(numbers.len());
    for number in numbers {
        let found = registry.version(&subject, VersionRef::Number(number)).await?;
        versions.push((number.to_string(), found.schema.to_string()));
    }
    Ok(versions)
}
