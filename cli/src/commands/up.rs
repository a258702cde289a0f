//! `coursebus up`

use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use coursebus_consumer::Until;
use coursebus_registry_tools::{LogRegistry, Registry, StoreSettings, server};
use coursebus_sinks_kit::SinkSettings;
use serde_json::json;
use tokio::sync::watch;

use super::sink::{Running, SinkOptions, Why, follow, node_routes, sinks};
use crate::{
    context::{Bus, Global, stopped},
    failure::Failure,
    otlp, output, serve,
};

/// Runs everything in one process: the registry, the sinks, and their tables over HTTP.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  coursebus up\n  curl http://127.0.0.1:8080/discovery/course_runs")]
pub struct Args {
    /// Where the node listens: read APIs, /healthz, /readyz, /metrics
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    listen: String,
    /// Where the registry listens; not served when --registry names another
    #[arg(long, default_value = "127.0.0.1:8081", value_name = "ADDRESS")]
    registry_listen: String,
    /// A file with lines user:password; needed to listen beyond this machine
    #[arg(long, env = "COURSEBUS_CREDENTIALS", value_name = "FILE")]
    credentials: Option<PathBuf>,
    /// Keep the audit columns
    #[arg(long)]
    audit: bool,
    /// A partition in which records wait and nothing moves for so long is stuck: /readyz says 503
    #[arg(long, default_value = "60s", value_name = "DURATION", value_parser = humantime::parse_duration)]
    stuck_after: Duration,
    #[command(flatten)]
    traces: otlp::TraceArgs,
}

pub async fn run(global: &Global, args: Args) -> Result<ExitCode, Failure> {
    let credentials = serve::Credentials::read(args.credentials.as_ref())?;
    let node = serve::bind(&args.listen, credentials.as_ref()).await?;
    let (bus, own_registry) = open_bus(global).await?;
    let mut ready = json!({ "node": node.url });
    let (tell, told) = watch::channel(false);
    let stop = |mut told: watch::Receiver<bool>| async move { drop(told.wait_for(|stop| *stop).await) };
    let mut servers = tokio::task::JoinSet::new();
    if let Some(registry) = own_registry {
        let listener = serve::bind(&args.registry_listen, credentials.as_ref()).await?;
        ready["registry"] = listener.url.clone().into();
        servers.spawn(listener.serve(server::routes(registry), credentials.clone(), stop(told.clone())));
    }
    let mut running = Vec::new();
    for spec in sinks(&[])? {
        running.push(Running::open(global, spec).await?);
    }
    // When a sink fails the process ends; while it runs it may be stuck, which /readyz says.
    servers.spawn(node.serve(
        node_routes(global, &running, bus.registry.clone(), args.stuck_after),
        credentials,
        stop(told),
    ));
    output::line(&ready)?;
    let traces = otlp::Traces::start(&args.traces)?;
    let options = SinkOptions {
        until: Until::Stopped,
        settings: SinkSettings { audit: args.audit, tracer: traces.tracer(), ..SinkSettings::default() },
        session_timeout: Duration::from_secs(10),
        instance: None,
    };
    let asked = async {
        stopped().await;
        Why::Asked
    };
    let outcome = follow(&bus, &global.topic_prefix, running, &options, asked).await;
    drop(options);
    traces.end().await;
    let _ = tell.send(true);
    while let Some(ended) = servers.join_next().await {
        if let Ok(Err(failure)) = ended {
            return Err(failure);
        }
    }
    outcome.map(|_| ExitCode::SUCCESS)
}

/// The bus with a registry that this process serves, unless another is named. The catalogue is applied.
async fn open_bus(global: &Global) -> Result<(Bus, Option<Arc<LogRegistry>>), Failure> {
    if global.registry.is_some() {
        return Ok((global.open().await?, None));
    }
    let log = global.open_log()?;
    let own = Arc::new(LogRegistry::open(log.clone(), StoreSettings::default()).await?);
    let registry: Arc<dyn Registry> = own.clone();
    let bus = Bus { log, registry };
    bus.apply(&global.topic_prefix).await?;
    Ok((bus, Some(own)))
}
