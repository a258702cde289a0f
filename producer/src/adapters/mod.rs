//! From a service's facts to events: pure functions, one file a service.
//!
//! A fact is a plain struct in the words of the service that it happened in; a function a type of event makes the event of
//! it. [`Occurrence`] adds what the event's metadata follows from, so that a fact that is said twice has one id:
//!
//! ```
//! use coursebus_producer::adapters::{Occurrence, commerce::{self, Seat}};
//! use time::macros::datetime;
//!
//! let seat = Seat {
//!     course_key: "course-v1:edX+DemoX+2026_T1".into(),
//!     sku: "8CF08E5".into(),
//!     mode: "verified".into(),
//!     price_minor: 14_900,
//!     currency: "USD".into(),
//!     upgrade_deadline: None,
//!     credit: None,
//! };
//! let saved = Occurrence::at(datetime!(2026-03-01 12:00 UTC));
//! let said = saved.of(commerce::seat_changed(&seat));
//! assert_eq!(said.metadata.source, "coursebus/commerce");
//! // producer.emit_with(&said.event, said.metadata), or outbox::enqueue_with in a transaction
//! # assert_eq!(saved.of(commerce::seat_changed(&seat)).metadata.id, said.metadata.id);
//! ```
//!
//! What is not here: clocks, random numbers, I/O. No adapter knows who reads its events: a test reads the sources.

mod answer;
pub mod catalog_manager;
pub mod cms;
pub mod commerce;
pub mod credentials;
pub mod discovery;
pub mod enterprise;
pub mod exams;
pub mod license_manager;
pub mod lms;
mod occurrence;
mod person;
pub mod publisher;
pub mod subscription;
#[cfg(test)]
mod tests;

pub use answer::{Answer, Outcome};
use coursebus_schemas::metadata::format_time;
pub use occurrence::{Occurrence, Stated};
pub use person::Learner;
use time::OffsetDateTime;

/// Times on the wire are text, RFC 3339 in UTC, as Open edX's services write them.
fn text(time: OffsetDateTime) -> String {
    format_time(time)
}

/// Who sets the pace, as both Open edX's types and ours say it.
fn pacing(self_paced: bool) -> String {
    if self_paced { "self" } else { "instructor" }.to_owned()
}
