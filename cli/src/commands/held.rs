//! `coursebus held list | show`

use std::{collections::BTreeMap, process::ExitCode};

use coursebus_schemas::{WriterSchema, json::to_json, wire::unframe};
use coursebus_sinks_kit::{HeldRecord, open};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{sink::sinks, topic::plain};
use crate::{
    context::{Bus, Global},
    failure::{Code, Failure},
    output,
};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Held records by cause, or one row a record
    #[command(after_help = "Example:\n  coursebus held list --flat")]
    List {
        /// Sinks; all where none is given
        names: Vec<String>,
        /// One row a record
        #[arg(long)]
        flat: bool,
    },
    /// One held record, whole: bytes, headers, and what its value says where it can be read
    #[command(after_help = "Example:\n  coursebus held show discovery dev-course-run-lifecycle/0 17")]
    Show {
        /// The sink that holds it
        sink: String,
        /// topic/partition
        partition: String,
        /// The record's offset
        offset: i64,
    },
}

pub async fn run(global: &Global, command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::List { names, flat } => list(global, &names, flat).await,
        Command::Show { sink, partition, offset } => show(global, sink, &partition, offset).await,
    }
}

async fn list(global: &Global, names: &[String], flat: bool) -> Result<ExitCode, Failure> {
    let bus = global.open().await?;
    let mut records = Vec::new();
    for spec in sinks(names)? {
        let store = open(&global.database(spec.name)?, &spec).await?;
        for record in store.held(&spec.group()).await? {
            let key = key(&bus, &record).await;
            records.push((spec.group(), record, key));
        }
    }
    let rows: Vec<Value> = if flat {
        records.iter().map(|(group, record, key)| row(group, &[(record, key)])).collect()
    } else {
        let mut causes: BTreeMap<_, Vec<(&HeldRecord, &Value)>> = BTreeMap::new();
        for (group, record, key) in &records {
            let cause = (group, &record.topic, &record.state, &record.code, &record.event_type);
            causes.entry(cause).or_default().push((record, key));
        }
        causes.into_iter().map(|((group, ..), records)| row(group, &records)).collect()
    };
    let columns = ["group", "topic", "partition", "offset", "state", "code", "type", "count", "first", "last"];
    output::list(global.output, &rows, &columns, |row| columns.map(|c| plain(&row[c])).into())?;
    Ok(ExitCode::SUCCESS)
}

/// A cause with its first record as the example, and all its records by identity.
fn row(group: &str, records: &[(&HeldRecord, &Value)]) -> Value {
    let Some((example, key)) = records.first() else { return Value::Null };
    let times = || records.iter().map(|(r, _)| r.held_ms);
    let identities: Vec<Value> = records
        .iter()
        .map(|(r, _)| json!({"topic": r.topic, "partition": r.partition, "offset": r.offset.0}))
        .collect();
    json!({
        "group": group,
        "topic": example.topic,
        "partition": example.partition,
        "offset": example.offset.0,
        "state": example.state,
        "code": example.code,
        "reason": example.reason,
        "key": key,
        "type": example.event_type,
        "id": example.event_id,
        "first": times().min().map(timestamp),
        "last": times().max().map(timestamp),
        "count": records.len(),
        "records": identities,
    })
}

async fn show(global: &Global, name: String, partition: &str, offset: i64) -> Result<ExitCode, Failure> {
    let bus = global.open().await?;
    let specs = sinks(&[name])?;
    let spec = &specs[0];
    let store = open(&global.database(spec.name)?, spec).await?;
    let held = store.held(&spec.group()).await?;
    let found = held.iter().find(|r| format!("{}/{}", r.topic, r.partition) == partition && r.offset.0 == offset);
    let record = found.ok_or_else(|| {
        let what = format!("no record at {partition} offset {offset} is held");
        Failure::new(Code::NotHeld, what, spec.group(), "see what is held: coursebus held list --flat")
    })?;
    let hex = |bytes: &Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let text = |value: &Option<Vec<u8>>| value.as_ref().map(|v| String::from_utf8_lossy(v).into_owned());
    let shown = json!({
        "group": spec.group(),
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset.0,
        "state": record.state,
        "code": record.code,
        "reason": record.reason,
        "type": record.event_type,
        "id": record.event_id,
        "timestamp": timestamp(record.emitted_ms),
        "held": timestamp(record.held_ms),
        "key": key(&bus, record).await,
        "headers": record.headers.iter().map(|(name, value)| json!([name, text(value)])).collect::<Vec<_>>(),
        "data": decode(&bus, record.value.as_deref()).await,
        "key_hex": record.key.as_ref().map(hex),
        "value_hex": record.value.as_ref().map(hex),
    });
    match global.output {
        output::Format::Json => output::line(&shown)?,
        output::Format::Table => output::print(&serde_json::to_string_pretty(&shown).unwrap_or_default())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The key's value, or its bytes in hexadecimal.
async fn key(bus: &Bus, record: &HeldRecord) -> Value {
    let Some(bytes) = &record.key else { return Value::Null };
    match decode(bus, Some(bytes)).await {
        Value::Null => bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into(),
        value => value,
    }
}

/// What framed bytes say, where they can be read.
async fn decode(bus: &Bus, bytes: Option<&[u8]>) -> Value {
    let Some(Ok((id, datum))) = bytes.map(unframe) else { return Value::Null };
    let Ok(text) = bus.registry.schema(id).await else { return Value::Null };
    let Ok(schema) = WriterSchema::parse(&text) else { return Value::Null };
    to_json(&schema, datum).unwrap_or_default()
}

fn timestamp(ms: i64) -> Option<String> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).ok()?.format(&Rfc3339).ok()
}
