//! The held rows of an outbox, under the verbs of `coursebus held`: the sink's name is `relay`, or `relay:NAME` for the outbox whose
//! database is `--db NAME=URL`. The identity of such a row is the relay, the database and the row's id.

use std::{
    collections::HashMap,
    process::ExitCode,
    time::{Duration, Instant},
};

use coursebus_producer::relay::{HeldMark, HeldRow, Outbox, OutboxError};
use coursebus_schemas::{
    OrderKey, WriterSchema, catalog,
    json::{from_json, order_key_of_json, to_json},
};
use coursebus_sinks_kit::{
    HeldPlace, HeldRecord,
    held::{
        Edited,
        desk::Outcome,
        select::{Filter, Target, to_discard, to_retry},
        shown::{self, Shown},
    },
};
use coursebus_transport::Offset;
use serde_json::{Value, json};

use crate::{
    context::Global,
    failure::{Code, Failure, chain},
};

/// The name of the group in lists, and of the "sink" in verbs.
const RELAY: &str = "relay";
/// How often the outcome of a retry is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// The outbox that a "sink" of a verb names.
pub fn name(sink: &str) -> Option<&str> {
    match sink.strip_prefix(RELAY)? {
        "" => Some("outbox"),
        rest => rest.strip_prefix(':'),
    }
}

/// An outbox with its held rows.
pub struct Rows {
    outbox: Outbox,
    database: String,
    pub all: Vec<Shown>,
    raw: Vec<HeldRow>,
}

impl Rows {
    /// Reads them.
    pub async fn open(global: &Global, name: &str) -> Result<Self, Failure> {
        let address = global.outbox(name)?;
        let about = |error: OutboxError| Failure::from(error).about(address.to_string());
        let outbox = Outbox::open(&address).await.map_err(about)?;
        let raw = outbox.held().await.map_err(about)?;
        let database = address.to_string();
        let all = raw.iter().map(|row| shown(&database, row)).collect();
        Ok(Self { outbox, database, all, raw })
    }

    /// As [`Rows::open`]; `None` where there is no outbox.
    pub async fn if_there(global: &Global) -> Result<Option<Self>, Failure> {
        match Self::open(global, "outbox").await {
            Ok(rows) => Ok(Some(rows)),
            // A service that has none is no fault.
            Err(failure) if [<&str>::from(Code::OutboxNotInstalled), Code::Usage.into()].contains(&failure.code) => {
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }

    /// As `held list` prints them.
    pub fn list(&self, flat: bool) -> Vec<Value> {
        if flat { shown::flat(RELAY, &self.all) } else { shown::by_cause(RELAY, &self.all) }
    }

    /// One row, whole.
    pub fn whole(&self, row: &str) -> Result<Value, Failure> {
        let (shown, raw) = self.find(row)?;
        let mut whole = shown::flat(RELAY, std::slice::from_ref(shown)).pop().unwrap_or_default();
        if let Some(fields) = whole.as_object_mut() {
            for name in ["first", "last", "count", "records", "waiting"] {
                fields.remove(name);
            }
        }
        whole["source"] = json!(raw.source);
        whole["payload_format"] = json!(raw.payload_format);
        whole["minor_version"] = json!(raw.minor_version);
        whole["tries"] = json!(raw.tries);
        whole["record_key"] = shown.record_key.clone();
        whole["data"] = data(raw).unwrap_or_default();
        whole["edited_data"] = raw.edited_payload.as_deref().and_then(parse).unwrap_or_default();
        Ok(whole)
    }

    fn find(&self, row: &str) -> Result<(&Shown, &HeldRow), Failure> {
        let id = id(row)?;
        let found = self.all.iter().zip(&self.raw).find(|(_, raw)| raw.id == id);
        found.ok_or_else(|| self.not_held(format!("row {id} is not held")))
    }

    fn not_held(&self, what: impl Into<String>) -> Failure {
        Failure::new(Code::NotHeld, what, self.database.clone(), "see what is held: coursebus held list relay --flat")
    }

    /// The causes that a retry is of.
    pub fn to_retry(&self, filter: &Filter) -> Result<Vec<Target<'_>>, Failure> {
        let targets = to_retry(&self.all, filter);
        if targets.is_empty() { Err(self.not_held("nothing that is parked is chosen by this")) } else { Ok(targets) }
    }

    /// The rows that are given up.
    pub fn to_discard(&self, filter: &Filter) -> Result<Vec<&Shown>, Failure> {
        let chosen = to_discard(&self.all, filter);
        if chosen.is_empty() { Err(self.not_held("nothing that is parked is chosen by this")) } else { Ok(chosen) }
    }

    /// Marks rows, and notes who did it; says which were still parked.
    pub async fn mark(&self, ids: &[i64], mark: &HeldMark, who: &str, detail: &str) -> Result<Vec<i64>, Failure> {
        let done = self.outbox.mark(ids, mark, who, detail).await?;
        Ok(ids.iter().zip(done).filter(|(_, done)| *done).map(|(id, _)| *id).collect())
    }

    /// What comes of a retry, when all is known or the time has passed.
    pub async fn watch(&self, targets: &[Target<'_>], limit: Duration) -> Result<HashMap<HeldPlace, Outcome>, Failure> {
        let watched: Vec<&HeldRecord> = targets
            .iter()
            .flat_map(|t| std::iter::once(&t.cause).chain(&t.behind))
            .map(|shown| &shown.record)
            .collect();
        let deadline = Instant::now() + limit;
        loop {
            let rows = self.outbox.held().await?;
            let rows: HashMap<i64, &HeldRow> = rows.iter().map(|row| (row.id, row)).collect();
            let outcome = |record: &HeldRecord| judge(rows.get(&record.offset.0).copied(), record.tries, &rows);
            let outcomes: HashMap<HeldPlace, Outcome> =
                watched.iter().map(|record| (record.place(), outcome(record))).collect();
            if outcomes.values().all(|outcome| *outcome != Outcome::Waiting) || Instant::now() >= deadline {
                return Ok(outcomes);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// An operator's JSON for a row: it must fit the type and keep the order key.
    pub fn check_edit(&self, row: &str, edit: &Value) -> Result<i64, Failure> {
        let (_, raw) = self.find(row)?;
        let refuse = |what: String, next: &str| Failure::new(Code::HeldEdit, what, format!("row {row}"), next);
        let event_type = catalog().by_name(&raw.event_type);
        let event_type = event_type.ok_or_else(|| {
            let next = "discard it, and write another row with a type of `coursebus event list`";
            refuse("its event type is not in the catalogue".to_owned(), next)
        })?;
        let unfit = |error: coursebus_schemas::json::FitError| {
            let next = "correct the field that is named; coursebus event show TYPE prints the schema";
            refuse(format!("the event does not fit its schema: {}", chain(&error)), next)
        };
        from_json(event_type.writer_schema(), edit, &mut Vec::new()).map_err(unfit)?;
        let mut order = OrderKey::new();
        order_key_of_json(event_type, edit, &mut order).map_err(unfit)?;
        if raw.order_key.as_ref().is_some_and(|known| known != order.as_bytes()) {
            let next = "keep the key; or discard the row, and write another one";
            return Err(refuse("the edit changes the order key".to_owned(), next));
        }
        Ok(raw.id)
    }

    /// What an editor starts with.
    pub fn draft(&self, row: &str) -> Result<Value, Failure> {
        let (_, raw) = self.find(row)?;
        Ok(raw.edited_payload.as_deref().and_then(parse).or_else(|| data(raw)).unwrap_or_default())
    }

    /// What was done, as `held log` prints it.
    pub async fn log(&self, last: u32) -> Result<Vec<Value>, Failure> {
        let notes = self.outbox.held_log(last).await?;
        let line = |note: &coursebus_producer::relay::HeldNote| {
            json!({
                "time": shown::timestamp(note.at_ms),
                "verb": note.verb,
                "by": note.who,
                "group": RELAY,
                "topic": self.database,
                "partition": 0,
                "offset": note.id,
                "detail": note.detail,
            })
        };
        Ok(notes.iter().map(line).collect())
    }

    /// The exit code of a retry, or why it has none.
    pub fn conclude(&self, outcomes: &HashMap<HeldPlace, Outcome>) -> Result<ExitCode, Failure> {
        let any = |is: fn(&Outcome) -> bool| outcomes.values().any(is);
        if any(|outcome| matches!(outcome, Outcome::Failed(_) | Outcome::Behind)) {
            return Ok(ExitCode::from(3));
        }
        if any(|outcome| *outcome == Outcome::Waiting) {
            let what = "no running relay has taken the request in time; it stays";
            return Err(Failure::new(Code::HeldWaiting, what, self.database.clone(), "run it: coursebus relay run"));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A row's id, as it is typed.
pub fn id(row: &str) -> Result<i64, Failure> {
    let next = "give the id of a row, as coursebus held list relay --flat shows it under offset";
    row.parse().map_err(|_| Failure::usage(format!("'{row}' is no row's id"), next))
}

fn judge(row: Option<&HeldRow>, tries: i32, rows: &HashMap<i64, &HeldRow>) -> Outcome {
    match row {
        None => Outcome::Applied,
        Some(row) if row.state == "applied" => Outcome::Applied,
        Some(row) if row.asked_ms.is_some() => Outcome::Waiting,
        Some(row) => match row.behind {
            Some(cause) if rows.get(&cause).is_some_and(|cause| cause.asked_ms.is_none()) => Outcome::Behind,
            Some(_) => Outcome::Waiting,
            None if row.tries > tries => Outcome::Failed(row.code.clone()),
            None => Outcome::Waiting,
        },
    }
}

/// A held row in the shape of all held records: the database stands for the topic, the row's id for the offset.
fn shown(database: &str, row: &HeldRow) -> Shown {
    let order = row.order_key.clone().and_then(|bytes| OrderKey::from_bytes(bytes).ok());
    let order: Option<Value> = order.and_then(|key| serde_json::from_str(&key.to_string()).ok());
    let hexadecimal = |bytes: &Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let record_key = row.record_key.as_ref().map_or(Value::Null, |key| hexadecimal(key).into());
    let record = HeldRecord {
        topic: database.to_owned(),
        partition: 0,
        offset: Offset(row.id),
        state: row.state.clone(),
        code: row.code.clone(),
        reason: row.reason.clone(),
        event_type: Some(row.event_type.clone()),
        event_id: Some(row.event_id.clone()),
        key: row.record_key.clone(),
        value: row.payload.clone(),
        headers: Vec::new(),
        emitted_ms: row.held_ms,
        held_ms: row.held_ms,
        behind: row.behind.map(Offset),
        order_key: row.order_key.clone(),
        asked_ms: row.asked_ms,
        tries: row.tries,
        version: 0,
        edited: row.edited_payload.clone().map(|value| Edited { value, headers: Vec::new() }),
    };
    Shown { key: order.unwrap_or_else(|| record_key.clone()), record_key, record }
}

/// What a payload says, where it can be read.
fn data(row: &HeldRow) -> Option<Value> {
    let payload = row.payload.as_deref()?;
    if row.payload_format != "avro" {
        return parse(payload);
    }
    let event_type = catalog().by_name(&row.event_type)?;
    let version = event_type.versions.iter().find(|v| Some(i64::from(v.minor)) == row.minor_version.map(i64::from))?;
    to_json(&WriterSchema::parse(version.schema).ok()?, payload).ok()
}

fn parse(bytes: &[u8]) -> Option<Value> {
    serde_json::from_slice(bytes).ok()
}
