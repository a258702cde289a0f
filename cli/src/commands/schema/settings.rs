//! `coursebus schema compatibility | mode`

use std::process::ExitCode;

use serde_json::json;

use super::stored::one;
use crate::{context::Global, failure::Failure};

#[derive(clap::Args)]
pub struct Compatibility {
    /// The subject; without it the level of all subjects that have none of their own
    subject: Option<String>,
    /// Sets it: NONE, BACKWARD, FORWARD or FULL, the last three also with _TRANSITIVE
    #[arg(long, value_name = "LEVEL")]
    set: Option<String>,
}

#[derive(clap::Args)]
pub struct Mode {
    /// The subject; without it the mode of all subjects that have none of their own
    subject: Option<String>,
    /// Sets it: READWRITE, READONLY or IMPORT
    #[arg(long, value_name = "MODE")]
    set: Option<String>,
}

pub async fn compatibility(global: &Global, args: Compatibility) -> Result<ExitCode, Failure> {
    let registry = global.open_registry().await?;
    let subject = args.subject.as_deref();
    if let Some(level) = &args.set {
        registry.set_compatibility(subject, level.parse()?).await?;
    }
    // What holds: a subject's own, else the one of all.
    let own = registry.compatibility(subject).await?;
    let level = if own.is_none() { registry.compatibility(None).await? } else { own };
    let row = json!({"subject": subject, "compatibility": level.map(|l| l.to_string()), "own": own.is_some()});
    one(global, &row, &["subject", "compatibility", "own"])
}

pub async fn mode(global: &Global, args: Mode) -> Result<ExitCode, Failure> {
    let registry = global.open_registry().await?;
    let subject = args.subject.as_deref();
    if let Some(mode) = &args.set {
        registry.set_mode(subject, mode.parse()?).await?;
    }
    let own = registry.mode(subject).await?;
    let mode = if own.is_none() { registry.mode(None).await? } else { own };
    let row = json!({"subject": subject, "mode": mode.map(|m| m.to_string()), "own": own.is_some()});
    one(global, &row, &["subject", "mode", "own"])
}
