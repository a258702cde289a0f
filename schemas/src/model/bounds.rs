//! Holds a schema to bounds, so that a hostile one costs neither time nor stack.
//!
//! Without them a few dozen records that each hold the next one twice make a datum of no bytes take 2^40
//! steps, and a long chain of records overflows the stack of whoever follows it.

use super::{Model, Node, NodeId};
use crate::writer::SchemaError;

/// How deep records may hold records without an array, a map or a union in between.
const DEPTH_MAX: usize = 48;

/// How many fields a record may have, counted with those of the records it holds.
const WIDTH_MAX: u64 = 100_000;

/// What following the fields of a node costs, and whether it takes any bytes.
#[derive(Clone, Copy)]
struct Extent {
    width: u64,
    /// How many records are inside one another.
    depth: usize,
    /// A value may take no bytes at all.
    empty: bool,
}

/// Refuses schemas past the bounds. True when the items of an array or map may take no bytes: then the
/// length of the datum does not bound how many there are.
pub(crate) fn check(model: &Model) -> Result<bool, SchemaError> {
    let mut known = vec![None; model.nodes.len()];
    let mut empty_items = false;
    for index in 0..model.nodes.len() {
        extent(model, NodeId(index), 0, &mut known)?;
    }
    for node in &model.nodes {
        if let Node::Array(items) | Node::Map(items) = node {
            // The keys of a map take a byte each, so only arrays can be without end.
            let is_array = matches!(node, Node::Array(_));
            empty_items |= is_array && extent(model, *items, 0, &mut known)?.empty;
        }
    }
    Ok(empty_items)
}

fn extent(model: &Model, id: NodeId, depth: usize, known: &mut [Option<Extent>]) -> Result<Extent, SchemaError> {
    if let Some(extent) = known[id.0] {
        return Ok(extent);
    }
    let extent = match model.node(id) {
        Node::Null | Node::Fixed { size: 0, .. } => Extent { width: 1, depth: 0, empty: true },
        Node::Record(record) => {
            if depth > DEPTH_MAX {
                return Err(SchemaError::TooDeep);
            }
            let mut whole = Extent { width: 1, depth: 1, empty: true };
            for field in &record.fields {
                let part = extent(model, field.node, depth + 1, known)?;
                whole.width = whole.width.saturating_add(part.width);
                whole.depth = whole.depth.max(part.depth + 1);
                whole.empty &= part.empty;
            }
            whole
        }
        _ => Extent { width: 1, depth: 0, empty: false },
    };
    if extent.depth > DEPTH_MAX {
        return Err(SchemaError::TooDeep);
    }
    if extent.width > WIDTH_MAX {
        return Err(SchemaError::TooWide);
    }
    known[id.0] = Some(extent);
    Ok(extent)
}
