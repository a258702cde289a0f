//! The schemas that a lane has met: what tells a record's type without a lock.

use std::collections::HashMap;

use coursebus_schemas::{SchemaId, wire::unframe};
use coursebus_transport::Record;

use super::caller::Known;

/// Grows with the schemas of the catalogue's types that the registry has; others are poison and not kept here.
#[derive(Default)]
pub(super) struct Schemas {
    all: Vec<Known>,
    by_id: HashMap<SchemaId, usize>,
    /// The last one: most records are of the same schema as the one before.
    last: Option<(SchemaId, usize)>,
}

impl Schemas {
    /// Which schema a record was written with, and its datum; `None` where that has to be asked for.
    pub(super) fn find<'r>(&mut self, record: &'r Record) -> Option<(usize, &'r [u8])> {
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

    pub(super) fn get(&self, index: usize) -> &Known {
        &self.all[index]
    }

    pub(super) fn learn(&mut self, known: Known) -> usize {
        let index = self.all.len();
        self.by_id.insert(known.schema_id, index);
        self.all.push(known);
        index
    }
}
