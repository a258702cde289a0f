//! From the headers of a record to [`Metadata`].

use time::OffsetDateTime;

use super::{EventId, Identity, Metadata, header, parse_time};

/// Headers cannot be read. Poison: reading them again gives the same. Holds names, never values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// One of the three headers that name an event is not there.
    #[error("header {header} is missing")]
    Missing {
        /// Its name.
        header: &'static str,
    },
    /// One of the three headers that name an event is empty.
    #[error("header {header} is empty")]
    Empty {
        /// Its name.
        header: &'static str,
    },
    /// A header that may be there once is there again.
    #[error("header {header} is repeated")]
    Repeated {
        /// Its name.
        header: &'static str,
    },
    /// A header has no value.
    #[error("header {header} is null")]
    Null {
        /// Its name.
        header: &'static str,
    },
    /// A header is not text.
    #[error("header {header} is not UTF-8")]
    NotText {
        /// Its name.
        header: &'static str,
    },
    /// `ce_time` is not a time of RFC 3339.
    #[error("header ce_time is not an RFC 3339 time")]
    Time,
    /// `ce_minorversion` is not a number.
    #[error("header ce_minorversion is not a number")]
    MinorVersion,
}

/// All headers that mean something here; the first three name the event.
const KNOWN: [&str; 13] = [
    header::TYPE,
    header::ID,
    header::SOURCE,
    header::TIME,
    header::MINOR_VERSION,
    header::SOURCE_HOST,
    header::SOURCE_LIB,
    header::TRACEPARENT,
    header::SUBJECT,
    header::CAUSATION_ID,
    header::SPEC_VERSION,
    header::CONTENT_TYPE,
    header::DATA_CONTENT_TYPE,
];

impl Metadata {
    /// Reads the headers of a record: the event type and the metadata.
    ///
    /// The three headers that name the event must be there. A missing `ce_time` is the time at which the
    /// record was emitted; a missing minor version is 0; other missing ones are empty. A header that is
    /// known and repeated, null or not UTF-8 is an error, one that is not known is ignored.
    pub fn read<'a, H: AsRef<[u8]>>(
        headers: impl IntoIterator<Item = (H, Option<&'a [u8]>)>,
        emitted: OffsetDateTime,
    ) -> Result<(&'a str, Self), MetadataError> {
        let [event_type, id, source, time, minor, host, lib, traceparent, subject, causation, ..] =
            collect::<13, _>(headers)?;
        let identity = identity(event_type, id, source)?;
        let owned = |value: Option<&str>| value.map(str::to_owned);
        let metadata = Self {
            id: EventId::new(identity.id).ok_or(MetadataError::Empty { header: header::ID })?,
            source: identity.source.to_owned(),
            time: time.map_or(Some(emitted), parse_time).ok_or(MetadataError::Time)?,
            minor: minor.map_or(Ok(0), str::parse).map_err(|_| MetadataError::MinorVersion)?,
            source_host: owned(host).unwrap_or_default(),
            source_lib: owned(lib).unwrap_or_default(),
            subject: owned(subject),
            causation_id: owned(causation),
            traceparent: owned(traceparent),
        };
        Ok((identity.event_type, metadata))
    }
}

impl<'a> Identity<'a> {
    /// Reads the three headers that name an event and looks at no other.
    pub fn read<H: AsRef<[u8]>>(
        headers: impl IntoIterator<Item = (H, Option<&'a [u8]>)>,
    ) -> Result<Self, MetadataError> {
        let [event_type, id, source] = collect::<3, _>(headers)?;
        identity(event_type, id, source)
    }
}

/// The values of the first `N` known headers.
fn collect<'a, const N: usize, H: AsRef<[u8]>>(
    headers: impl IntoIterator<Item = (H, Option<&'a [u8]>)>,
) -> Result<[Option<&'a str>; N], MetadataError> {
    let mut values = [None; N];
    for (name, value) in headers {
        let Some(index) = KNOWN.iter().take(N).position(|known| known.as_bytes() == name.as_ref()) else { continue };
        let header = KNOWN[index];
        let value = value.ok_or(MetadataError::Null { header })?;
        let value = std::str::from_utf8(value).map_err(|_| MetadataError::NotText { header })?;
        if values[index].replace(value).is_some() {
            return Err(MetadataError::Repeated { header });
        }
    }
    Ok(values)
}

fn identity<'a>(
    event_type: Option<&'a str>,
    id: Option<&'a str>,
    source: Option<&'a str>,
) -> Result<Identity<'a>, MetadataError> {
    let there = |header, value: Option<&'a str>| match value {
        None => Err(MetadataError::Missing { header }),
        Some("") => Err(MetadataError::Empty { header }),
        Some(value) => Ok(value),
    };
    Ok(Identity {
        event_type: there(header::TYPE, event_type)?,
        id: there(header::ID, id)?,
        source: there(header::SOURCE, source)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;
    use proptest::prelude::*;

    const NAMED: [(&str, Option<&[u8]>); 3] =
        [("ce_type", Some(b"t")), ("ce_id", Some(b"i")), ("ce_source", Some(b"s"))];

    fn read(extra: &[(&str, Option<&[u8]>)]) -> Result<Metadata, MetadataError> {
        let headers = NAMED.iter().chain(extra).copied();
        Metadata::read(headers, OffsetDateTime::UNIX_EPOCH).map(|(_, metadata)| metadata)
    }

    #[test]
    fn what_is_missing_takes_defaults() {
        let metadata = read(&[]).expect("it reads");
        assert_eq!((metadata.id.as_str(), &*metadata.source, metadata.minor), ("i", "s", 0));
        assert_eq!(metadata.time, OffsetDateTime::UNIX_EPOCH);
        assert_eq!((&*metadata.source_host, &*metadata.source_lib, metadata.subject), ("", "", None));
    }

    #[test]
    fn an_event_without_a_name_is_refused() {
        let check = |headers: &[(&str, Option<&[u8]>)], expected| {
            let full = Metadata::read(headers.iter().copied(), OffsetDateTime::UNIX_EPOCH).map(|_| ());
            assert_eq!(full, Err(expected), "{headers:?}");
            assert_eq!(Identity::read(headers.iter().copied()).map(|_| ()), Err(expected), "{headers:?}");
        };
        let [event_type, id, source] = NAMED;
        check(&[], MetadataError::Missing { header: "ce_type" });
        check(&[event_type, source], MetadataError::Missing { header: "ce_id" });
        check(&[event_type, id], MetadataError::Missing { header: "ce_source" });
        check(&[event_type, id, source, id], MetadataError::Repeated { header: "ce_id" });
        check(&[event_type, event_type, id, source], MetadataError::Repeated { header: "ce_type" });
        check(&[event_type, ("ce_id", Some(b"")), source], MetadataError::Empty { header: "ce_id" });
        check(&[event_type, ("ce_id", None), source], MetadataError::Null { header: "ce_id" });
        check(&[event_type, id, ("ce_source", Some(b"\xff"))], MetadataError::NotText { header: "ce_source" });
    }

    #[test]
    fn other_headers_are_held_to_their_form() {
        let check =
            |extra: &[(&str, Option<&[u8]>)], expected| assert_eq!(read(extra).map(|_| ()), expected, "{extra:?}");
        check(&[("other", None), ("other", Some(b"\xff")), ("CE_ID", Some(b"x"))], Ok(()));
        check(&[("ce_time", Some(b"2026-04-05T06:07:08+00:00"))], Ok(()));
        check(&[("ce_time", Some(b"yesterday"))], Err(MetadataError::Time));
        check(&[("ce_minorversion", Some(b"-1"))], Err(MetadataError::MinorVersion));
        check(&[("ce_minorversion", Some(b""))], Err(MetadataError::MinorVersion));
        check(&[("sourcelib", None)], Err(MetadataError::Null { header: "sourcelib" }));
        let twice = [("content-type", Some(&b"a"[..])), ("content-type", Some(b"b"))];
        check(&twice, Err(MetadataError::Repeated { header: "content-type" }));
        let twice = [("traceparent", Some(&b"a"[..])), ("traceparent", Some(b"a"))];
        check(&twice, Err(MetadataError::Repeated { header: "traceparent" }));
    }

    prop_compose! {
        fn metadata()(
            id in "\\PC{1,20}", source in "\\PC{1,20}", seconds in 0..253_402_300_800_i64, micros in 0..1_000_000_i64,
            minor: u32, source_host: String, source_lib in "[0-9]{1,3}\\.[0-9]{1,3}",
            subject: Option<String>, causation_id: Option<String>, traceparent: Option<String>,
        ) -> Metadata {
            let time = OffsetDateTime::from_unix_timestamp(seconds).expect("in range") + time::Duration::microseconds(micros);
            let id = EventId::new(id).expect("not empty");
            Metadata { id, source, time, minor, source_host, source_lib, subject, causation_id, traceparent }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_comes_back(metadata in metadata()) {
            let event_type = catalog().events()[0];
            let headers = metadata.headers(event_type);
            let headers = headers.iter().map(|(name, value)| (*name, Some(value.as_bytes())));
            let read = Metadata::read(headers, OffsetDateTime::UNIX_EPOCH);
            prop_assert_eq!(read, Ok((event_type.name, metadata.clone())));
        }

        #[test]
        fn any_headers_are_read_or_refused(headers: Vec<(usize, Option<Vec<u8>>)>) {
            let headers = headers.iter().map(|(name, value)| (KNOWN[name % KNOWN.len()], value.as_deref()));
            let full = Metadata::read(headers.clone(), OffsetDateTime::UNIX_EPOCH);
            let identity = Identity::read(headers);
            prop_assert!(full.is_err() || identity.is_ok());
        }
    }
}
