//! The group engine: takes records of a consumer group, tells what they are, processes them in the order of their key, and
//! commits what is done.
//!
//! [`run`] is the one loop. A [`Processor`] says what happens to a partition's records: [`Handlers`] calls typed functions
//! (at least once); a sink writes to its database (exactly once, in the kit of the sinks). [`Decoder`] and [`Poison`] are
//! what both use.

mod backoff;
mod decode;
mod engine;
mod handlers;
mod held_topic;
mod lane;
mod on_poison;
mod poison;
mod processor;
mod tracker;

pub use backoff::{Backoff, open_patiently, open_value_patiently};
pub use decode::{Datum, Decoder, OpenError};
pub use engine::{EngineError, EngineSettings, Outcome, Until, run};
pub use handlers::{HandlerError, Handlers, HandlersSettings};
pub use held_topic::held_topic;
pub use lane::{Input, Progress, Taken};
pub use on_poison::OnPoison;
pub use poison::{Poison, PoisonCode, RecordError};
pub use processor::{ProcessError, Processor};
pub use tracker::Tracker;
