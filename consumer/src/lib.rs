//! The group engine: takes records of a consumer group, tells what they are, processes them in the order of their key, and
//! commits what is done.
//!
//! [`run`] is the one loop. A [`Processor`] says what happens to a partition's records: [`Handlers`] calls typed functions
//! (at least once, or at most once); a [`Pipe`] writes
//! what functions make of events to other topics (exactly once, in one transaction of the log); a sink writes to its database (exactly once, in the kit of the sinks). [`Decoder`] and
//! [`Poison`] are what they use. [`Dispatch`], [`RetryPolicy`] and [`Breaker`] are pure: the order of keys, the waits, the
//! pause.

mod backoff;
mod breaker;
mod decode;
mod dispatch;
mod engine;
mod guarantee;
mod handlers;
mod held;
mod lane;
mod on_poison;
mod order;
mod pipe;
mod poison;
mod processor;
mod retry;
mod tracker;

pub use backoff::{Backoff, open_patiently, open_value_patiently};
pub use breaker::{Breaker, BreakerSettings, Permission};
pub use decode::{Datum, Decoder, OpenError};
pub use dispatch::{Bounds, Dispatch, Job, KeyHash, Ticket};
pub use engine::{EngineError, EngineSettings, Outcome, Until, run};
pub use guarantee::Guarantee;
pub use handlers::{EventName, HandlerError, Handlers, HandlersSettings};
pub use held::{HeldEvent, HeldFilter, HeldInfo, HeldListError, HeldState, held_by_group, held_event, held_topic};
pub use lane::{HandFed, Input, Progress, Taken};
pub use on_poison::OnPoison;
pub use order::Order;
pub use pipe::{Pipe, PipeSettings};
pub use poison::{Poison, PoisonCode, RecordError};
pub use processor::{ProcessError, Processor};
pub use retry::{Attempts, Random, RetryPolicy};
pub use tracker::Tracker;
