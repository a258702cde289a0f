//! What a group holds on topics of its own: handlers and pipes have no database.

use coursebus_consumer::{HeldEvent, HeldListError, held_by_group};
use coursebus_registry_tools::Registry;
use coursebus_schemas::Identity;
use coursebus_sinks_kit::held::{HeldRecord, shown::Shown};
use coursebus_transport::Log;

use crate::failure::{Code, Failure};

/// Everything that the group holds, as sinks show theirs.
pub async fn all(log: &dyn Log, registry: &dyn Registry, group: &str) -> Result<Vec<Shown>, Failure> {
    let found = held_by_group(log, group).await.map_err(|error| match error {
        HeldListError::Admin(error) => Failure::from(error),
        HeldListError::Read(error) => error.into(),
        error => Failure::new(Code::BusRefused, error.to_string(), group, "read the cause above"),
    })?;
    let found = found.ok_or_else(|| {
        let what = format!("there is no topic {group}.held.…: the group holds nothing on topics");
        let next = "see the groups there are: coursebus group list; for a sink give its name instead of --group";
        Failure::new(Code::NotFound, what, group, next)
    })?;
    let mut shown = Vec::with_capacity(found.len());
    for event in found {
        shown.push(Shown::new(registry, record(event)).await);
    }
    Ok(shown)
}

/// The same record as a row of a sink's database would have it.
fn record(event: HeldEvent) -> HeldRecord {
    let HeldEvent { state, code, reason, order_key, behind, at_ms, record, .. } = event;
    let headers = record.headers();
    let identity = Identity::read(headers.iter().copied()).ok();
    HeldRecord {
        topic: record.topic().to_string(),
        partition: record.partition(),
        offset: record.offset(),
        state: state.as_str().to_owned(),
        code,
        reason,
        event_type: identity.map(|identity| identity.event_type.to_owned()),
        event_id: identity.map(|identity| identity.id.to_owned()),
        key: record.key().map(<[u8]>::to_vec),
        value: record.value().map(<[u8]>::to_vec),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), value.map(<[u8]>::to_vec))).collect(),
        emitted_ms: record.timestamp_ms(),
        held_ms: at_ms,
        behind,
        order_key: order_key.map(Into::into),
        asked_ms: None,
        tries: 0,
        version: 0,
        edited: None,
    }
}
