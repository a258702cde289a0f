//! An event's rows in an outbox: what is not published yet, or held.

use coursebus_producer::relay::{FoundRow, Outbox, OutboxError};
use serde_json::{Value, json};

use crate::{
    context::Global,
    failure::{Code, Failure},
};

/// The outbox that is looked at where none is named, if it is there.
const DEFAULT: &str = "outbox";

/// The rows that carry the event: in the outboxes that are named, else in the default one.
pub async fn rows(global: &Global, names: &[String], id: &str) -> Result<Vec<Value>, Failure> {
    if names.is_empty() {
        return match find(global, DEFAULT, id).await {
            // Not every service has one.
            Err(failure) if [<&str>::from(Code::OutboxNotInstalled), Code::Usage.into()].contains(&failure.code) => {
                Ok(Vec::new())
            }
            found => found,
        };
    }
    let mut rows = Vec::new();
    for name in names {
        rows.extend(find(global, name, id).await?);
    }
    Ok(rows)
}

async fn find(global: &Global, name: &str, id: &str) -> Result<Vec<Value>, Failure> {
    let address = global.outbox(name)?;
    let about = |error: OutboxError| Failure::from(error).about(address.to_string());
    let outbox = Outbox::open(&address).await.map_err(about)?;
    let found = outbox.find(id).await.map_err(about)?;
    Ok(found.iter().map(|row| shown(name, row)).collect())
}

fn shown(name: &str, row: &FoundRow) -> Value {
    let mut shown = json!({
        "outbox": name,
        "row": row.id,
        "state": row.state,
        "written": row.written_at,
        "type": row.event_type,
        "source": row.source,
        "time": row.occurred_at,
    });
    if !row.code.is_empty() {
        shown["code"] = row.code.as_str().into();
        shown["reason"] = row.reason.as_str().into();
    }
    shown
}
