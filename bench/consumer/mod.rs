//! `consumer`: what the consumer engine costs, and what it makes of slow, failing and hanging handlers.

mod dispatch;
mod hang;
mod keys;
mod peer;
mod pipe;
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
    if args.wants("pipe") {
        let outcome = pipe::embedded(&mut bench).await;
        bench.note("pipe", outcome);
    }
    match env::kafka_bootstrap() {
        None => bench.report.skip("consume and topic to topic on Kafka", "KAFKA_BOOTSTRAP is not set"),
        Some(bootstrap) => {
            if args.wants("kafka-consume") {
                let outcome = consume::run(&mut bench, &bootstrap).await;
                bench.note("kafka-consume", outcome);
            }
            match env::peers() {
                None => {
                    bench.report.skip("Parallel Consumer", "its jars are not there: `cargo xtask bench` brings them")
                }
                Some(jars) if args.wants("peer") => {
                    let outcome = peer::run(&mut bench, &bootstrap, &jars).await;
                    bench.note("peer", outcome);
                }
                Some(_) => {}
            }
            if args.wants("kafka-pipe") {
                let outcome = pipe::kafka(&mut bench, &bootstrap).await;
                bench.note("kafka-pipe", outcome);
            }
        }
    }
    Ok(if bench.report.finish() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
