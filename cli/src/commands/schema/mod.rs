//! `coursebus schema …`: schemas in the registry, and contracts as files

mod check;
mod delete;
mod diff;
mod lint;
mod pull;
mod settings;
mod stored;

use std::process::ExitCode;

use crate::{context::Global, failure::Failure};

#[derive(clap::Subcommand)]
pub enum Command {
    /// All subjects with their versions
    #[command(after_help = "Example:\n  coursebus schema list")]
    List,
    /// One version of a subject, or the schema of an id
    #[command(after_help = "Example:\n  coursebus schema show my-subject --version 1")]
    Show(stored::Show),
    /// Register a schema under a subject; answers with what is there where it is there already
    #[command(after_help = "Example:\n  coursebus schema register my-subject --file event.avsc")]
    Register(stored::Register),
    /// Hold the contracts' files to the rules: names, docs, defaults, personal data, times. Exit 3 when one is broken
    #[command(after_help = "Example:\n  coursebus schema lint schemas -o github")]
    Lint(lint::Args),
    /// Hold the contracts' files to what was there before, by each type's compatibility level. Exit 3 when they break it
    #[command(after_help = "Examples:
  coursebus schema check --against git:origin/main     offline, in a pull request
  coursebus schema check --against registry --registry http://127.0.0.1:8081 --topic-prefix prod")]
    Check(check::Args),
    /// Tell in sentences what changed in the contracts' files
    #[command(after_help = "Example:\n  coursebus schema diff --against git:v1.2")]
    Diff(diff::Args),
    /// Delete a subject or a version: softly, or for good once no record needs it any more
    #[command(after_help = "Examples:
  coursebus schema delete my-subject                       softly: found by id, not by subject
  coursebus schema delete my-subject --permanent           for good, when the topic's retention has passed since
  coursebus schema delete my-subject --permanent --scan    for good, when no record of the topic needs it")]
    Delete(delete::Args),
    /// Write the versions of subjects into files
    #[command(after_help = "Example:\n  coursebus schema pull my-subject --into pulled")]
    Pull(pull::Args),
    /// Show or set what new versions of a subject must be to the ones before; without a subject the level of all
    #[command(after_help = "Example:\n  coursebus schema compatibility my-subject --set FULL_TRANSITIVE")]
    Compatibility(settings::Compatibility),
    /// Show or set whether a subject takes new versions; without a subject the mode of all
    #[command(after_help = "Example:\n  coursebus schema mode my-subject --set READONLY")]
    Mode(settings::Mode),
}

impl Command {
    /// Whether it finds things, and so can print them for a CI system.
    pub fn reports(&self) -> bool {
        matches!(self, Self::Lint(_) | Self::Check(_))
    }
}

pub async fn run(global: &Global, command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::List => stored::list(global).await,
        Command::Show(args) => stored::show(global, args).await,
        Command::Register(args) => stored::register(global, args).await,
        Command::Lint(args) => lint::run(global, &args),
        Command::Check(args) => check::run(global, &args).await,
        Command::Diff(args) => diff::run(global, &args),
        Command::Delete(args) => delete::run(global, args).await,
        Command::Pull(args) => pull::run(global, args).await,
        Command::Compatibility(args) => settings::compatibility(global, args).await,
        Command::Mode(args) => settings::mode(global, args).await,
    }
}
