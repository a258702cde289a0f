//! `consumer`: what the consumer engine costs, and what it makes of slow, failing and hanging handlers.

mod dispatch;
mod hang;
mod keys;
mod poison;
mod scene;

use std::process::ExitCode;

use anyhow::Result;

use crate::{
    env,
    line::{Args, Bench, consume},
};

/// Runs what was asked for.
pub async fn run(args: &Args) -> Result<ExitCode> {
    let mut bench = Bench::start(args, "consumer")?;
    if args.wants("dispatch") {
        let outcome = dispatch::run(&mut bench).await;
        bench.note("dispatch", outcome);
    }
    if args.wants("keys") {
        let outcome = keys::run(&mut bench).await;
        bench.note("keys", outcome);
    }
    if args.wants("poison") {
        let outcome = poison::run(&mut bench).await;
        bench.note("poison", outcome);
    }
    if args.wants("hang") {
        let outcome = hang::run(&mut bench).await;
        bench.note("hang", outcome);
    }
    if args.wants("kafka") {
        match env::kafka_bootstrap() {
            None => bench.report.skip("consume on Kafka", "KAFKA_BOOTSTRAP is not set"),
            Some(bootstrap) => {
                let outcome = consume::run(&mut bench, &bootstrap).await;
                bench.note("kafka", outcome);
            }
        }
    }
    Ok(if bench.report.finish() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
