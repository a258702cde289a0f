//! Holding records on a topic beside the one they came from: for handlers, which have no database of their own.
//!
//! [`format`] says what a held record looks like on its topic, [`topics`] reads them, [`writer`] writes them, [`book`] is what the owner
//! of a partition keeps of them in memory, [`request`] is how someone asks for a retry, [`listing`] shows them from outside.

pub(crate) mod book;
mod format;
mod listing;
mod request;
mod topics;
mod writer;

pub use format::{HeldEvent, HeldState, held_event};
pub(crate) use format::{Note, new_event, resolved_event};
pub use listing::{HeldListError, held_by_group};
pub use request::{HeldFilter, HeldInfo};
pub(crate) use request::{Request, Verb};
pub(crate) use topics::HeldTopics;
pub use topics::held_topic;
pub(crate) use writer::{HeldError, HeldReceipt, HeldWriter};
