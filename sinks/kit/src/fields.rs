//! From fields of events to values of columns.

use time::OffsetDateTime;

use crate::{EffectError, value::parse_time};

/// Reads a time out of an event's text field. One without a zone is in UTC: Python's services write such, and read them so.
pub fn time(field: &'static str, text: &str) -> Result<OffsetDateTime, EffectError> {
    // Not by a parser of times without a zone: that one passes over a zone that it finds, and the time would be another.
    let time = parse_time(text).or_else(|| parse_time(&format!("{text}Z")));
    time.ok_or(EffectError { field, reason: "not an RFC 3339 time" })
}

/// Reads a time that may be missing.
pub fn optional_time(field: &'static str, text: Option<&str>) -> Result<Option<OffsetDateTime>, EffectError> {
    text.map(|text| time(field, text)).transpose()
}

/// Refuses what a table has no number for.
pub fn finite(field: &'static str, value: f64) -> Result<f64, EffectError> {
    if value.is_finite() { Ok(value) } else { Err(EffectError { field, reason: "not a finite number" }) }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn times_are_read_with_and_without_a_zone() {
        let check = |text, expected| assert_eq!(time("f", text).ok(), expected, "{text}");
        check("2026-01-02T03:04:05+00:00", Some(datetime!(2026-01-02 03:04:05 UTC)));
        check("2026-01-02T03:04:05.000006+05:30", Some(datetime!(2026-01-02 03:04:05.000006 +5:30)));
        check("2026-01-02T03:04:05", Some(datetime!(2026-01-02 03:04:05 UTC)));
        check("2026-01-02T03:04:05.5", Some(datetime!(2026-01-02 03:04:05.5 UTC)));
        // A zone that cannot be read is not passed over.
        check("2026-01-02T03:04:05+0530", None);
        check("9999-12-31T23:59:59-12:00", None);
        check("yesterday", None);
        check("", None);
        check("2026-13-02T03:04:05", None);
    }
}
