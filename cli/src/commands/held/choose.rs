//! Which held records a verb is about.

use coursebus_sinks_kit::held::select::{Filter, milliseconds};
use serde_json::Value;

use super::relay;
use crate::failure::Failure;

/// All that is given must hold.
#[derive(clap::Args)]
pub struct Choose {
    /// The sink that holds them; or relay, for rows of an outbox (relay:NAME)
    #[arg(required_unless_present = "group")]
    sink: Option<String>,
    /// Not for this verb: what handlers hold is brought back by their own process
    #[arg(long, value_name = "GROUP", hide = true)]
    group: Option<String>,
    /// Of this one: topic/partition, with OFFSET; the row's id where the relay holds it
    partition: Option<String>,
    /// The record's offset
    offset: Option<i64>,
    /// Of all that the sink holds
    #[arg(long, conflicts_with_all = ["partition", "code", "key", "event_type", "id", "from", "to"])]
    all: bool,
    /// Held under this code
    #[arg(long)]
    code: Option<String>,
    /// With this order key or record key, as `held list` shows it
    #[arg(long, value_name = "JSON")]
    key: Option<String>,
    /// Of this event type
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// Of the event with this id
    #[arg(long)]
    id: Option<String>,
    /// Held at this time or later
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<i64>,
    /// Held before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<i64>,
}

fn time(text: &str) -> Result<i64, String> {
    milliseconds(text).ok_or_else(|| "not an RFC 3339 time, such as 2026-01-31T12:00:00Z".to_owned())
}

impl Choose {
    /// The sink. What handlers and pipes hold on topics is written by the owner of its partition alone.
    pub fn sink(&self) -> Result<&str, Failure> {
        match (&self.group, &self.sink) {
            (None, Some(sink)) => Ok(sink),
            (group, _) => {
                let what = "what handlers hold is tried again or given up by the process that runs them, not from here";
                let next =
                    "call Handlers::retry or Handlers::discard there; to look at it: coursebus held list --group";
                Err(Failure::usage(what, next).about(group.clone().unwrap_or_default()))
            }
        }
    }

    /// The filter. Choosing everything must be said.
    pub fn filter(&self) -> Result<Filter, Failure> {
        let of_relay = self.sink.as_deref().is_some_and(|sink| relay::name(sink).is_some());
        let row = self.partition.as_deref().filter(|_| of_relay).map(relay::id).transpose()?;
        let (topic, partition) = match &self.partition {
            None => (None, None),
            Some(_) if of_relay => (None, None),
            Some(place) if self.offset.is_none() => {
                let next = "give topic/partition and the offset, as coursebus held list --flat shows them";
                return Err(Failure::usage(format!("'{place}' names no record: its offset is missing"), next));
            }
            Some(place) => {
                let parts = place.rsplit_once('/').and_then(|(topic, number)| Some((topic, number.parse().ok()?)));
                let (topic, number) = parts.ok_or_else(|| {
                    let next = "give topic/partition, such as dev-course-run-lifecycle/0";
                    Failure::usage(format!("'{place}' names no partition"), next)
                })?;
                (Some(topic.to_owned()), Some(number))
            }
        };
        // A key in hexadecimal is no JSON.
        let key = self.key.as_ref().map(|text| serde_json::from_str(text).unwrap_or(Value::String(text.clone())));
        let filter = Filter {
            code: self.code.clone(),
            key,
            event_type: self.event_type.clone(),
            id: self.id.clone(),
            from: self.from,
            to: self.to,
            topic,
            partition,
            offset: row.or(self.offset),
        };
        if filter.is_empty() && !self.all {
            let next = "give TOPIC/PARTITION OFFSET, --code, --key, --type, --id, --from, --to, or --all";
            return Err(Failure::usage("nothing says which held records are meant", next));
        }
        Ok(filter)
    }
}
