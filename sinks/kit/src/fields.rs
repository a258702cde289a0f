//! From fields of events to values of columns.

use time::OffsetDateTime;

use crate::EffectError;

/// Reads a time out of an event's text field.
pub fn time(field: &'static str, text: &str) -> Result<OffsetDateTime, EffectError> {
    crate::value::parse_time(text).ok_or(EffectError { field, reason: "not an RFC 3339 time" })
}

/// Reads a time that may be missing.
pub fn optional_time(field: &'static str, text: Option<&str>) -> Result<Option<OffsetDateTime>, EffectError> {
    text.map(|text| time(field, text)).transpose()
}

/// Refuses what a table has no number for.
pub fn finite(field: &'static str, value: f64) -> Result<f64, EffectError> {
    if value.is_finite() { Ok(value) } else { Err(EffectError { field, reason: "not a finite number" }) }
}
