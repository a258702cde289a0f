//! `coursebus event import oulad DIR`

use std::{io::IsTerminal, path::PathBuf, process::ExitCode, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::{
    context::Global,
    failure::{Code, Failure, chain},
    oulad, output,
};

#[derive(clap::Subcommand)]
pub enum Source {
    /// The Open University Learning Analytics Dataset, as a platform's history in the order of its days
    #[command(after_help = "Example:\n  coursebus event import oulad ./oulad")]
    Oulad {
        /// The directory with its CSV files
        dir: PathBuf,
        /// At most so many events a second
        #[arg(long, value_name = "N")]
        rate: Option<u32>,
    },
}

pub async fn run(global: &Global, source: Source) -> Result<ExitCode, Failure> {
    let Source::Oulad { dir, rate } = source;
    let history = tokio::task::spawn_blocking(move || oulad::import(&dir)).await;
    let history = history.map_err(|e| Failure::new(Code::Internal, e.to_string(), "the import", "report this"))?;
    let history =
        history.map_err(|e| Failure::new(e.code(), chain(&e), "the import; nothing was emitted", e.help()))?;
    let bus = global.open().await?;
    let producer = bus.producer(global.producer_settings()).await?;
    let bar = progress(history.len() as u64);
    let options = oulad::EmitOptions { rate_per_second: rate };
    let emitted = oulad::emit(&producer, &history, &options, |confirmed| bar.set_position(confirmed)).await;
    bar.finish_and_clear();
    let summary = emitted.map_err(|stopped| {
        let next = "run the import again: its events have the same ids, so sinks with an inbox count none twice";
        Failure::new(stopped.code(), chain(&stopped), "the import", next)
    })?;
    let total: u64 = summary.counts.values().sum();
    let seconds = summary.elapsed.as_secs_f64();
    match global.output {
        output::Format::Json => {
            let counts: serde_json::Map<_, _> =
                summary.counts.iter().map(|(kind, n)| (kind.as_str().to_owned(), (*n).into())).collect();
            output::line(&json!({"emitted": total, "seconds": seconds, "counts": counts}))?;
        }
        output::Format::Table => {
            let rows = summary.counts.iter().map(|(kind, n)| vec![kind.as_str().to_owned(), n.to_string()]);
            output::print(&output::table(&["kind", "events"], rows))?;
            let rate = total as f64 / seconds.max(1e-9);
            output::print(&format!("emitted {total} events in {seconds:.2} s ({rate:.0} a second)"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A bar on standard error when that is a terminal.
fn progress(total: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{elapsed_precise} {wide_bar} {pos}/{len} events, {per_sec}, {eta} left");
    let bar = ProgressBar::new(total).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
