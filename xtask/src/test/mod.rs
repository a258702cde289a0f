//! `cargo xtask test`: everything that must hold, in one command, on real services. This is what CI runs.
//!
//! The steps run in order and the first that fails ends the run. Each has a declared budget; together they stay within
//! 45 minutes on two cores with nothing built or downloaded.

mod notes;
mod step;
mod table;

use std::{path::Path, process::Command, time::Instant};

use anyhow::{Result, bail};
use clap::ValueEnum;
use notes::Notes;
use step::Step;

use crate::{
    env,
    run::Job,
    services::{self, Endpoints, Services, Wanted},
};

#[derive(clap::Parser)]
pub struct Args {
    /// Only this step; may be given more than once
    #[arg(long, value_enum)]
    only: Vec<Step>,
    /// Only tests whose name contains one of these; builds and runs tests, and leaves the other steps out
    filter: Vec<String>,
}

/// How one step went.
pub struct Outcome {
    step: Step,
    took: std::time::Duration,
    passed: bool,
}

/// Runs the steps that were asked for, and says at the end what ran, how long it took and what was skipped.
pub fn run(root: &Path, args: &Args) -> Result<()> {
    let steps: Vec<Step> = Step::value_variants().iter().copied().filter(|step| wanted(*step, args)).collect();
    let needs_services = steps.iter().any(|step| step.uses_services());
    if steps.iter().any(|step| step.compiles()) {
        find_build_tools()?;
    }
    // First of all, so that the services come up while the other steps run. Before anything rebuilds this program, too.
    let mut services = if needs_services { Some(Services::find_or_start(root, &Wanted::all(1))?) } else { None };
    let mut notes = Notes::default();
    let mut outcomes = Vec::new();
    let result = run_steps(root, &steps, args, services.as_mut(), &mut notes, &mut outcomes);
    drop(services);
    table::print(&outcomes, &notes);
    result?;
    judge(&outcomes, &notes)
}

fn run_steps(
    root: &Path,
    steps: &[Step],
    args: &Args,
    mut services: Option<&mut Services>,
    notes: &mut Notes,
    outcomes: &mut Vec<Outcome>,
) -> Result<()> {
    let mut ready = None;
    for &step in steps {
        println!("\n== {} (budget {} s)", step.name(), step.budget().as_secs());
        let began = Instant::now();
        let endpoints = match (&mut services, step) {
            // They can be waited for once; the next step finds them where they were.
            (Some(services), step) if step.uses_services() => match &ready {
                Some(endpoints) => Endpoints::clone(endpoints),
                None => ready.insert(services.ready()?).clone(),
            },
            _ => Endpoints::default(),
        };
        let mut command = step.command(&args.filter)?;
        set_env(&mut command, root, &endpoints);
        if step == Step::Tests {
            give_avro(&mut command, root);
        }
        let passed = step::stream(command, step.limit(env::ci()), notes, std::io::stdout())?;
        outcomes.push(Outcome { step, took: began.elapsed(), passed });
        if !passed {
            bail!("step `{}` failed", step.name());
        }
    }
    Ok(())
}

/// What a step's program finds in its environment: exactly the services that this run uses.
fn set_env(command: &mut Command, root: &Path, endpoints: &Endpoints) {
    command.current_dir(root);
    for service in [env::KAFKA_BOOTSTRAP, env::KAFKA_SECURE, env::DATABASE_URL, env::MYSQL_URL] {
        command.env_remove(service);
    }
    command.envs(endpoints.variables()).env(env::COURSEBUS_BIN, env::target_dir(root).join("debug/coursebus"));
}

/// Java Avro for the tests that compare with it. Where it cannot be had they say that they are skipped.
fn give_avro(command: &mut Command, root: &Path) {
    command.env_remove(env::AVRO_JARS);
    match services::avro_jars(root) {
        Ok(jars) => drop(command.env(env::AVRO_JARS, jars)),
        Err(error) => eprintln!("warning: no Java Avro to compare with: {error:#}"),
    }
}

fn wanted(step: Step, args: &Args) -> bool {
    if !args.only.is_empty() {
        args.only.contains(&step)
    } else {
        args.filter.is_empty() || matches!(step, Step::Build | Step::Tests)
    }
}

/// What the C libraries of the Kafka client are built with. (A C compiler is there: it linked this program.)
fn find_build_tools() -> Result<()> {
    for (program, package) in [("make", "make"), ("perl", "perl"), ("c++", "g++")] {
        services::find_or_install(&Job::new(), package, || env::find_program(program))?;
    }
    Ok(())
}

/// Budgets and skips: warnings for a person, failures in CI (there a budget may be passed once, not twice).
fn judge(outcomes: &[Outcome], notes: &Notes) -> Result<()> {
    let steps = outcomes.iter().map(|outcome| (outcome.step.name(), outcome.took, outcome.step.budget()));
    let suites = notes.suites().iter().map(|suite| (suite.name.as_str(), suite.took, notes::budget(&suite.name)));
    let mut failures = Vec::new();
    for (name, took, budget) in steps.chain(suites) {
        if took > budget {
            eprintln!("warning: {name} took {:.0} s, its budget is {} s", took.as_secs_f64(), budget.as_secs());
        }
        if took > budget * 2 {
            failures.push(format!("{name} took more than twice its budget"));
        }
    }
    if !notes.skipped().is_empty() {
        failures.push(format!("{} skipped", notes.skipped().len()));
    }
    if env::ci() && !failures.is_empty() {
        bail!("not tolerated in CI: {}", failures.join("; "));
    }
    Ok(())
}
