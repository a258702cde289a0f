//! What the headers of a record say about an event: the CloudEvents attributes and where it comes from.
//!
//! Ten headers in the order of Open edX's bus, then those of ours that are there. A reader ignores headers
//! that it does not know.

use std::borrow::Cow;

use time::OffsetDateTime;

use crate::event::EventType;

mod id;
mod read;
mod timestamp;

pub use id::EventId;
pub use read::MetadataError;
pub use timestamp::{TimeText, format_time, parse_time};

/// The names of the headers, in the order in which they are written.
pub mod header {
    /// The version of CloudEvents: `1.0`.
    pub const SPEC_VERSION: &str = "ce_specversion";
    /// `application/avro`.
    pub const CONTENT_TYPE: &str = "content-type";
    /// `application/avro` again, as a CloudEvents attribute.
    pub const DATA_CONTENT_TYPE: &str = "ce_datacontenttype";
    /// The event type.
    pub const TYPE: &str = "ce_type";
    /// The id of the event within its source.
    pub const ID: &str = "ce_id";
    /// Who emitted the event.
    pub const SOURCE: &str = "ce_source";
    /// When it happened.
    pub const TIME: &str = "ce_time";
    /// The minor version of the schema.
    pub const MINOR_VERSION: &str = "ce_minorversion";
    /// The host that emitted the event.
    pub const SOURCE_HOST: &str = "sourcehost";
    /// The version of the library that emitted the event.
    pub const SOURCE_LIB: &str = "sourcelib";
    /// The W3C trace context; ours.
    pub const TRACEPARENT: &str = "traceparent";
    /// What the event is about; ours.
    pub const SUBJECT: &str = "ce_subject";
    /// The event that led to this one; ours.
    pub const CAUSATION_ID: &str = "ce_causationid";
}

/// What the headers say, besides the event type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// Names the event together with `source`.
    pub id: EventId,
    /// Who emitted it: `openedx/<service>/web` for Open edX's services.
    pub source: String,
    /// When it happened. Written in UTC with microseconds.
    pub time: OffsetDateTime,
    /// The minor version of the schema. 0 for all types of Open edX.
    pub minor: u32,
    /// The host that emitted it; empty: not known.
    pub source_host: String,
    /// The version of the library that emitted it: numbers with dots, `11.2.0`; empty: not known.
    pub source_lib: String,
    /// What the event is about, in the words of its source.
    pub subject: Option<String>,
    /// The id of the event that led to this one.
    pub causation_id: Option<String>,
    /// The W3C trace context.
    pub traceparent: Option<String>,
}

/// The part of the metadata that names an event, read without an allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Identity<'a> {
    /// The event type.
    pub event_type: &'a str,
    /// The source.
    pub source: &'a str,
    /// The id within the source.
    pub id: &'a str,
}

impl Metadata {
    /// Metadata of an event of this type, with nothing but what each event must have.
    pub fn new(event_type: &EventType, id: EventId, source: impl Into<String>, time: OffsetDateTime) -> Self {
        Self {
            id,
            source: source.into(),
            time,
            minor: event_type.minor,
            source_host: String::new(),
            source_lib: String::new(),
            subject: None,
            causation_id: None,
            traceparent: None,
        }
    }

    /// The headers, in the order in which they are written.
    pub fn headers<'a>(&'a self, event_type: &EventType) -> Vec<(&'static str, Cow<'a, str>)> {
        let minor = match self.minor {
            0 => Cow::Borrowed("0"),
            minor => Cow::Owned(minor.to_string()),
        };
        let mut headers = vec![
            (header::SPEC_VERSION, Cow::Borrowed("1.0")),
            (header::CONTENT_TYPE, Cow::Borrowed("application/avro")),
            (header::DATA_CONTENT_TYPE, Cow::Borrowed("application/avro")),
            (header::TYPE, Cow::Borrowed(event_type.name)),
            (header::ID, Cow::Borrowed(self.id.as_str())),
            (header::SOURCE, Cow::Borrowed(self.source.as_str())),
            (header::TIME, Cow::Owned(format_time(self.time))),
            (header::MINOR_VERSION, minor),
        ];
        // Open edX's reader takes a header that is there at its word, and an empty version is none.
        let known = [(header::SOURCE_HOST, &self.source_host), (header::SOURCE_LIB, &self.source_lib)];
        headers
            .extend(known.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name, value.into())));
        let ours = [
            (header::TRACEPARENT, &self.traceparent),
            (header::SUBJECT, &self.subject),
            (header::CAUSATION_ID, &self.causation_id),
        ];
        headers.extend(ours.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?.into()))));
        headers
    }
}
