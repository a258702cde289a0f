//! The schemas that a lane has met: what tells a record's type without a lock.

use std::{collections::HashMap, time::Duration};

use coursebus_schemas::{SchemaId, wire::unframe};
use coursebus_transport::Record;

use super::caller::Known;
use crate::{Decoder, OpenError, Poison, ProcessError, open_patiently};

/// Grows with the schemas of the catalogue's types that the registry has; others are poison and not kept here.
#[derive(Default)]
pub(crate) struct Schemas {
    all: Vec<Known>,
    by_id: HashMap<SchemaId, usize>,
    /// The last one: most records are of the same schema as the one before.
    last: Option<(SchemaId, usize)>,
}

impl Schemas {
    /// Which schema a record was written with, and its datum; `None` where that has to be asked for.
    pub(crate) fn find<'r>(&mut self, record: &'r Record) -> Option<(usize, &'r [u8])> {
        let (id, datum) = unframe(record.value()?).ok()?;
        if let Some((last, index)) = self.last
            && last == id
        {
            return Some((index, datum));
        }
        let index = *self.by_id.get(&id)?;
        self.last = Some((id, index));
        Some((index, datum))
    }

    pub(crate) fn get(&self, index: usize) -> &Known {
        &self.all[index]
    }

    /// Asks for the schema of a record, waiting for a registry that is away as long as the budget lasts. `by_type` says which
    /// handler an event type has.
    pub(crate) async fn learn(
        &mut self,
        decoder: &Decoder,
        record: &Record,
        budget: Duration,
        by_type: &HashMap<&'static str, usize>,
    ) -> Result<Result<usize, Poison>, ProcessError> {
        let datum = match open_patiently(decoder, record, budget).await {
            Ok(datum) => datum,
            Err(OpenError::Poison(poison)) => return Ok(Err(poison)),
            Err(error) => {
                let what = format!("read records of {}", record.topic_partition());
                return Err(ProcessError::Unavailable { what, source: error.into() });
            }
        };
        let index = self.all.len();
        self.by_id.insert(datum.schema_id, index);
        self.all.push(Known {
            handler: by_type.get(datum.event_type.name).copied(),
            event_type: datum.event_type,
            writer: datum.writer,
        });
        Ok(Ok(index))
    }
}
