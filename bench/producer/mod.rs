//! `producer`: what a typed event costs on Kafka, and what batching makes of it.

mod batches;

use std::process::ExitCode;

use anyhow::Result;

use crate::{
    env,
    line::{Args, Bench, emit},
};

/// Runs what was asked for.
pub async fn run(args: &Args) -> Result<ExitCode> {
    let mut bench = Bench::start(args, "producer")?;
    match env::kafka_bootstrap() {
        None => bench.report.skip("emit on Kafka", "KAFKA_BOOTSTRAP is not set"),
        Some(bootstrap) => {
            if args.wants("emit") {
                let outcome = emit::run(&mut bench, &bootstrap).await;
                bench.note("emit", outcome);
            }
            let codecs = batches::CODECS.into_iter().filter(|codec| args.wants(&format!("batches-{codec}")));
            let codecs: Vec<_> = codecs.collect();
            if !codecs.is_empty() {
                let outcome = batches::run(&mut bench, &bootstrap, &codecs).await;
                bench.note("batches", outcome);
            }
        }
    }
    Ok(if bench.report.finish() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
