//! Holding records on a topic beside the one they came from: for handlers, which have no database of their own.
//!
//! [`format`] says what a held record looks like on its topic, [`topics`] writes and reads them, [`book`] is what the owner
//! of a partition keeps of them in memory, [`request`] is how someone asks for a retry.

pub(crate) mod book;
mod format;
mod request;
mod topics;

pub use format::{HeldEvent, HeldState, held_event};
pub(crate) use format::{Note, new_event, resolved_event};
pub use request::{HeldFilter, HeldInfo};
pub(crate) use request::{Request, Verb};
pub(crate) use topics::HeldTopics;
pub use topics::held_topic;
