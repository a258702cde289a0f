//! `coursebus event emit TYPE`

use std::{collections::VecDeque, path::PathBuf, process::ExitCode};

use coursebus_producer::{EmitError, Pending, Producer};
use coursebus_schemas::{EventId, EventType, Metadata, metadata::parse_time};
use serde_json::{Value, json};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, BufReader};

use super::list::find;
use crate::{
    context::Global,
    failure::{Code, Failure},
    otlp, output,
};

/// How many events may wait for their confirmation.
const PENDING_MAX: usize = 1_000;
/// The longest line that is read.
const LINE_BYTES_MAX: u64 = 16 << 20;

/// Emits events of a type: one JSON line each, either the record itself or an envelope
/// {"type", "source"?, "id"?, "time"?, "data"}. Prints where each lies once it is durable.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  coursebus event emit coursebus.subscription.plan.created.v1 --file plans.jsonl")]
pub struct Args {
    /// The event type
    #[arg(value_name = "TYPE")]
    event_type: String,
    /// The events; - reads standard input
    #[arg(long, default_value = "-", value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    traces: otlp::TraceArgs,
}

pub async fn run(global: &Global, args: Args) -> Result<ExitCode, Failure> {
    let event_type = find(&args.event_type)?;
    let bus = global.open().await?;
    let producer = bus.producer(global.producer_settings()).await?;
    producer.prepare(&[event_type]).await?;
    let traces = otlp::Traces::start(&args.traces)?;
    let to = To { producer, event_type, traces };
    let outcome = if args.file.as_os_str() == "-" {
        emit(&to, BufReader::new(tokio::io::stdin())).await
    } else {
        let file = tokio::fs::File::open(&args.file).await;
        let file = file.map_err(|e| Failure::from(e).about(args.file.display().to_string()))?;
        emit(&to, BufReader::new(file)).await
    };
    to.traces.end().await;
    outcome.map(|()| ExitCode::SUCCESS)
}

/// Where the events go, and who is told of each.
struct To {
    producer: Producer,
    event_type: &'static EventType,
    traces: otlp::Traces,
}

/// An event on its way, the line that it was on, and its span.
struct Sent {
    number: usize,
    pending: Pending,
    sending: Option<otlp::Sending>,
}

/// Emits line by line. At the first line that fails no more are read; those before it are finished and printed.
async fn emit(to: &To, mut input: BufReader<impl AsyncRead + Unpin>) -> Result<(), Failure> {
    let mut pending: VecDeque<Sent> = VecDeque::new();
    let mut number = 0;
    let mut failed = None;
    loop {
        number += 1;
        let line = match read_line(&mut input, number).await {
            Ok(Some(line)) => line,
            Ok(None) => break,
            Err(failure) => {
                failed = Some(failure);
                break;
            }
        };
        if line.trim().is_empty() {
            continue;
        }
        match send(to, &line, number).await {
            Ok(sent) => pending.push_back(sent),
            Err(failure) => {
                failed = Some(failure);
                break;
            }
        }
        // Whoever types events sees each answered before the next; a file is read on up to the bound.
        while pending.len() >= PENDING_MAX || (!pending.is_empty() && input.buffer().is_empty()) {
            failed = failed.or(settle(to, &mut pending).await.err());
        }
        if failed.is_some() {
            break;
        }
    }
    // Also after one that failed: what is printed is on the log, and what is on the log is printed.
    while !pending.is_empty() {
        failed = settle(to, &mut pending).await.err().filter(|_| failed.is_none()).or(failed);
    }
    failed.map_or(Ok(()), Err)
}

/// What to do about a line that is none.
const LINE: &str = r#"give one JSON object a line: the event's record, or {"type", "source", "id", "time", "data"}"#;

async fn read_line(input: &mut (impl AsyncBufRead + Unpin), number: usize) -> Result<Option<String>, Failure> {
    use tokio::io::AsyncReadExt;
    let mut line = Vec::new();
    let read = input.take(LINE_BYTES_MAX).read_until(b'\n', &mut line).await;
    let read = read.map_err(|e| Failure::from(e).about(format!("line {number}")))?;
    if read == 0 {
        return Ok(None);
    }
    let wrong = |what: &str| Failure::new(Code::EventLine, what, format!("line {number}"), LINE);
    if read as u64 == LINE_BYTES_MAX {
        return Err(wrong("the line is longer than 16 MiB"));
    }
    String::from_utf8(line).map(Some).map_err(|_| wrong("the line is not UTF-8"))
}

async fn send(to: &To, line: &str, number: usize) -> Result<Sent, Failure> {
    let (producer, event_type, traces) = (&to.producer, to.event_type, &to.traces);
    let at = |failure: Failure| failure.about(format!("line {number}"));
    let wrong = |what: &str| at(Failure::new(Code::EventLine, what, "", LINE));
    // Without the text of the line, which may be personal data.
    let value: Value = serde_json::from_str(line)
        .map_err(|e| wrong(&format!("not JSON: {:?} at column {}", e.classify(), e.column())))?;
    let (mut metadata, data) = open(producer, event_type, value).map_err(|what| wrong(&what))?;
    let sending = traces.sending();
    metadata.traceparent = sending.as_ref().map(otlp::Sending::traceparent);
    let pending = producer.send_json(event_type, &data, metadata).await.map_err(|error| at(error.into()))?;
    Ok(Sent { number, pending, sending })
}

/// Takes an envelope apart; a plain record gets new metadata.
fn open(producer: &Producer, event_type: &'static EventType, value: Value) -> Result<(Metadata, Value), String> {
    const ENVELOPE: [&str; 5] = ["type", "source", "id", "time", "data"];
    let mut metadata = producer.metadata(event_type);
    let Value::Object(mut object) = value else { return Err("an event is a JSON object".to_owned()) };
    let is_envelope = object.contains_key("data") && object.keys().all(|name| ENVELOPE.contains(&name.as_str()));
    if !is_envelope {
        return Ok((metadata, Value::Object(object)));
    }
    let mut text = |name: &str| match object.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("{name} is not text")),
    };
    match text("type")? {
        Some(named) if named != event_type.name => return Err(format!("the type is not {}", event_type.name)),
        _ => {}
    }
    if let Some(source) = text("source")? {
        metadata.source = source;
    }
    if let Some(id) = text("id")? {
        metadata.id = EventId::new(id).ok_or("id is empty")?;
    }
    if let Some(time) = text("time")? {
        metadata.time = parse_time(&time).ok_or("time is not an RFC 3339 time")?;
    }
    Ok((metadata, object.remove("data").unwrap_or_default()))
}

async fn settle(to: &To, pending: &mut VecDeque<Sent>) -> Result<(), Failure> {
    let Some(Sent { number, pending, sending }) = pending.pop_front() else { return Ok(()) };
    let emitted = pending.await.map_err(|e: EmitError| Failure::from(e).about(format!("line {number}")))?;
    if let Some(sending) = &sending {
        to.traces.sent(sending, to.event_type.name, &emitted);
    }
    output::line(&json!({
        "topic": &*emitted.topic,
        "partition": emitted.partition,
        "offset": emitted.offset.0,
        "id": emitted.id.as_str(),
    }))?;
    Ok(())
}
