//! Telling a tracer which records were processed, so that a trace which began at the producer goes on here.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use coursebus_transport::{Offset, Record, TopicPartition};

/// Who is told. It must not wait: it is called between two transactions.
pub trait Tracer: fmt::Debug + Send + Sync + 'static {
    /// A batch was applied. Only records that carry a `traceparent` whose trace is recorded are told, at least one.
    fn processed(&self, batch: Processed);
}

/// A batch that was applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Processed {
    /// The consumer group.
    pub group: String,
    /// Topic and partition.
    pub partition: TopicPartition,
    /// When it was begun, by the wall clock.
    pub began: SystemTime,
    /// How long it took.
    pub took: Duration,
    /// Its records that belong to a trace.
    pub records: Vec<Traced>,
}

/// A record of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traced {
    /// Its place in the partition.
    pub offset: Offset,
    /// `ce_id`.
    pub event_id: Option<String>,
    /// `ce_type`.
    pub event_type: Option<String>,
    /// The trace, and the producer's span in it.
    pub parent: Parent,
}

/// What a `traceparent` header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parent {
    /// 16 bytes, not all zero.
    pub trace_id: [u8; 16],
    /// 8 bytes, not all zero.
    pub span_id: [u8; 8],
}

impl Parent {
    /// Reads a header of version 00 whose trace is recorded; none where it is something else: a trace that cannot be read
    /// begins anew elsewhere, and is no reason to hold a record.
    ///
    /// Source: W3C Trace Context, 3.2.
    #[must_use]
    pub fn parse(header: &[u8]) -> Option<Self> {
        let mut parts = std::str::from_utf8(header).ok()?.split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if version != "00" || parts.next().is_some() || flags.len() != 2 {
            return None;
        }
        let recorded = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
        let mut parent = Self { trace_id: [0; 16], span_id: [0; 8] };
        hex::decode_to_slice(trace, &mut parent.trace_id).ok()?;
        hex::decode_to_slice(span, &mut parent.span_id).ok()?;
        let named = parent.trace_id != [0; 16] && parent.span_id != [0; 8];
        (recorded && named).then_some(parent)
    }
}

/// The records of a batch that belong to a trace. Parses the headers of all, which is why it is done for a tracer only.
pub(crate) fn traced(records: &[Record]) -> Vec<Traced> {
    let of = |record: &Record| {
        let headers = record.headers();
        let header = |name: &str| headers.iter().find(|(n, _)| *n == name).and_then(|(_, value)| *value);
        let text = |name: &str| header(name).map(|value| String::from_utf8_lossy(value).into_owned());
        let parent = Parent::parse(header("traceparent")?)?;
        Some(Traced { offset: record.offset(), event_id: text("ce_id"), event_type: text("ce_type"), parent })
    };
    records.iter().filter_map(of).collect()
}

/// The wall clock, for the beginning of a span.
#[expect(clippy::disallowed_methods, reason = "a span has a place in time; nothing decides by it")]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_recorded_trace_that_can_be_read_goes_on() {
        let parse =
            |text: &str| Parent::parse(text.as_bytes()).map(|p| (hex::encode(p.trace_id), hex::encode(p.span_id)));
        let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        assert_eq!(parse(&format!("00-{trace}-{span}-01")), Some((trace.to_owned(), span.to_owned())));
        for wrong in [
            String::new(),
            format!("00-{trace}-{span}-00"),
            format!("00-{trace}-{span}-1"),
            format!("ff-{trace}-{span}-01"),
            format!("00-{trace}-{span}-01-x"),
            format!("00-{}-{span}-01", "0".repeat(32)),
            format!("00-{trace}-{}-01", "0".repeat(16)),
            format!("00-{span}-{trace}-01"),
            format!("00-{trace}-{span}-zz"),
        ] {
            assert_eq!(parse(&wrong), None, "{wrong}");
        }
    }
}
