//! The headers of a record, made with as little copying as possible: of ten, eight are the same for every event of a type.
//! [`HeaderSet`] only points at them; [`Constant`] makes headers that stand by themselves, for what is written later.

#[cfg(feature = "relay")]
use std::borrow::Cow;

#[cfg(feature = "relay")]
use bytes::Bytes;
use coursebus_schemas::{
    EventId, EventType,
    metadata::{TimeText, header},
};
#[cfg(feature = "relay")]
use coursebus_schemas::{Metadata, metadata::format_time};
#[cfg(feature = "relay")]
use coursebus_transport::Header;

/// The headers of one event, borrowed from wherever they are.
pub(crate) struct HeaderSet<'a> {
    all: [(&'static str, &'a [u8]); 13],
    count: usize,
}

/// What the headers of an event say besides its type, as text.
pub(crate) struct Said<'a> {
    pub(crate) id: &'a EventId,
    pub(crate) source: &'a str,
    pub(crate) time: &'a TimeText,
    pub(crate) minor: &'a str,
    pub(crate) source_host: &'a str,
    pub(crate) source_lib: &'a str,
    pub(crate) traceparent: Option<&'a str>,
    pub(crate) subject: Option<&'a str>,
    pub(crate) causation_id: Option<&'a str>,
}

impl<'a> HeaderSet<'a> {
    /// The same headers as [`Metadata::headers`].
    pub(crate) fn new(event_type: &'static EventType, said: &Said<'a>) -> Self {
        let mut set = Self { all: [("", &[]); 13], count: 0 };
        set.push(header::SPEC_VERSION, "1.0".as_bytes());
        set.push(header::CONTENT_TYPE, "application/avro".as_bytes());
        set.push(header::DATA_CONTENT_TYPE, "application/avro".as_bytes());
        set.push(header::TYPE, event_type.name.as_bytes());
        set.push(header::ID, said.id.as_bytes());
        set.push(header::SOURCE, said.source.as_bytes());
        set.push(header::TIME, said.time.as_bytes());
        set.push(header::MINOR_VERSION, said.minor.as_bytes());
        for (name, value) in [(header::SOURCE_HOST, said.source_host), (header::SOURCE_LIB, said.source_lib)] {
            if !value.is_empty() {
                set.push(name, value.as_bytes());
            }
        }
        let ours = [
            (header::TRACEPARENT, said.traceparent),
            (header::SUBJECT, said.subject),
            (header::CAUSATION_ID, said.causation_id),
        ];
        for (name, value) in ours {
            if let Some(value) = value {
                set.push(name, value.as_bytes());
            }
        }
        set
    }

    pub(crate) fn as_slice(&self) -> &[(&'static str, &'a [u8])] {
        &self.all[..self.count]
    }

    fn push(&mut self, name: &'static str, value: &'a [u8]) {
        self.all[self.count] = (name, value);
        self.count += 1;
    }
}

/// What stays the same between events of one relay.
#[cfg(feature = "relay")]
#[derive(Debug, Clone)]
pub(crate) struct Constant {
    source: (String, Bytes),
    source_host: (String, Bytes),
    source_lib: (String, Bytes),
}

#[cfg(feature = "relay")]
impl Constant {
    pub(crate) fn new(source: &str, source_host: &str, source_lib: &str) -> Self {
        let pair = |text: &str| (text.to_owned(), Bytes::copy_from_slice(text.as_bytes()));
        Self { source: pair(source), source_host: pair(source_host), source_lib: pair(source_lib) }
    }

    /// The same headers as [`Metadata::headers`].
    pub(crate) fn headers(&self, event_type: &'static EventType, metadata: Metadata) -> Vec<Header> {
        let fixed = |name: &'static str, value: &'static str| Header {
            name: Cow::Borrowed(name),
            value: Some(Bytes::from_static(value.as_bytes())),
        };
        let shared = |name: &'static str, value: &str, known: &(String, Bytes)| Header {
            name: Cow::Borrowed(name),
            value: Some(if known.0 == value { known.1.clone() } else { Bytes::copy_from_slice(value.as_bytes()) }),
        };
        let mut headers = Vec::with_capacity(13);
        headers.push(fixed(header::SPEC_VERSION, "1.0"));
        headers.push(fixed(header::CONTENT_TYPE, "application/avro"));
        headers.push(fixed(header::DATA_CONTENT_TYPE, "application/avro"));
        headers.push(fixed(header::TYPE, event_type.name));
        headers.push(Header::new(header::ID, metadata.id.as_str().to_owned()));
        headers.push(shared(header::SOURCE, &metadata.source, &self.source));
        headers.push(Header::new(header::TIME, format_time(metadata.time)));
        headers.push(match metadata.minor {
            0 => fixed(header::MINOR_VERSION, "0"),
            1 => fixed(header::MINOR_VERSION, "1"),
            minor => Header::new(header::MINOR_VERSION, minor.to_string()),
        });
        if !metadata.source_host.is_empty() {
            headers.push(shared(header::SOURCE_HOST, &metadata.source_host, &self.source_host));
        }
        if !metadata.source_lib.is_empty() {
            headers.push(shared(header::SOURCE_LIB, &metadata.source_lib, &self.source_lib));
        }
        let ours = [
            (header::TRACEPARENT, metadata.traceparent),
            (header::SUBJECT, metadata.subject),
            (header::CAUSATION_ID, metadata.causation_id),
        ];
        headers.extend(ours.into_iter().filter_map(|(name, value)| Some(Header::new(name, value?))));
        headers
    }
}

#[cfg(all(test, feature = "relay"))]
mod tests {
    use coursebus_schemas::{Event, learning::CourseEnrollmentCreated, subscription::PlanCreated};
    use time::macros::datetime;

    use super::*;

    #[test]
    fn are_those_of_the_metadata() {
        let id = || EventId::new("1").expect("an id");
        let at = datetime!(2026-04-05 06:07:08.000009 UTC);
        let plain = Metadata::new(CourseEnrollmentCreated::TYPE, id(), "openedx/lms/web", at);
        let mut full = Metadata::new(PlanCreated::TYPE, id(), "elsewhere", at);
        full.minor = 7;
        full.source_host = "host".into();
        full.source_lib = "1.2.3".into();
        full.traceparent = Some("00-t".into());
        full.subject = Some("s".into());
        full.causation_id = Some("c".into());
        let constant = Constant::new("openedx/lms/web", "host", "");
        for (event_type, metadata) in [(CourseEnrollmentCreated::TYPE, plain), (PlanCreated::TYPE, full)] {
            let (time, minor) = (TimeText::new(metadata.time), metadata.minor.to_string());
            let said = Said {
                id: &metadata.id,
                source: &metadata.source,
                time: &time,
                minor: &minor,
                source_host: &metadata.source_host,
                source_lib: &metadata.source_lib,
                traceparent: metadata.traceparent.as_deref(),
                subject: metadata.subject.as_deref(),
                causation_id: metadata.causation_id.as_deref(),
            };
            let borrowed = HeaderSet::new(event_type, &said);
            let borrowed: Vec<(String, Vec<u8>)> =
                borrowed.as_slice().iter().map(|(name, value)| ((*name).to_owned(), value.to_vec())).collect();
            let expected: Vec<(String, Vec<u8>)> = metadata
                .headers(event_type)
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
                .collect();
            assert_eq!(borrowed, expected);
            let made = constant.headers(event_type, metadata);
            let made: Vec<(String, Vec<u8>)> =
                made.into_iter().map(|h| (h.name.into_owned(), h.value.unwrap_or_default().to_vec())).collect();
            assert_eq!(made, expected);
        }
    }
}
