//! Values of columns, the same on every database.

use serde_json::{Number, Value as Json};
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

/// A value of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// No value.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// Text.
    Text(String),
    /// A moment, kept with microseconds, in UTC.
    Time(OffsetDateTime),
}

impl Value {
    /// The value as JSON; a moment as RFC 3339 in UTC with `Z`.
    #[must_use]
    pub fn to_json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(value) => (*value).into(),
            Self::Int(value) => (*value).into(),
            // What JSON has no number for does not get into a table: the effect functions see to that.
            Self::Float(value) => Number::from_f64(*value).map_or(Json::Null, Json::Number),
            Self::Text(value) => value.as_str().into(),
            Self::Time(value) => time_text(*value).into(),
        }
    }
}

/// RFC 3339, UTC, the fraction left out when it is 0: the same text for the same moment, whatever the database.
pub(crate) fn time_text(time: OffsetDateTime) -> String {
    let time = time.to_offset(UtcOffset::UTC);
    let micros = time.replace_microsecond(time.microsecond()).unwrap_or(time);
    micros.format(&Rfc3339).unwrap_or_default()
}

/// Reads RFC 3339: what [`time_text`] can write, so years 0 to 9999 in UTC, cut off at microseconds.
pub(crate) fn parse_time(text: &str) -> Option<OffsetDateTime> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?.checked_to_offset(UtcOffset::UTC)?;
    // Cut off here, once: each database rounds in its own way.
    time.replace_microsecond(time.microsecond()).ok().filter(|time| time.year() >= 0)
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for Value {
    /// Zero has one sign: SQLite does not keep that of -0.0, PostgreSQL does.
    fn from(value: f64) -> Self {
        Self::Float(value + 0.0)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<OffsetDateTime> for Value {
    fn from(value: OffsetDateTime) -> Self {
        Self::Time(value)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_moment_is_one_that_can_be_written() {
        let check = |text, expected: Option<&str>| {
            assert_eq!(parse_time(text).map(time_text).as_deref(), expected, "{text}");
        };
        check("2026-04-05T08:07:08.0000019+02:00", Some("2026-04-05T06:07:08.000001Z"));
        check("1999-12-31T23:59:59.9999999Z", Some("1999-12-31T23:59:59.999999Z"));
        check("0000-01-01T00:00:00Z", Some("0000-01-01T00:00:00Z"));
        check("9999-12-31T23:59:59Z", Some("9999-12-31T23:59:59Z"));
        // There is no such moment in UTC, and converting to it would panic.
        check("9999-12-31T23:59:59-12:00", None);
        check("0000-01-01T00:00:00+12:00", None);
        check("2026-04-05 06:07:08", None);
    }

    #[test]
    fn zero_has_one_sign() {
        assert_eq!(Value::from(-0.0).to_json().to_string(), "0.0");
    }

    #[test]
    fn a_moment_has_one_text() {
        let check = |time, expected| assert_eq!(time_text(time), expected);
        check(datetime!(2013-10-01 00:00 UTC), "2013-10-01T00:00:00Z");
        check(datetime!(2013-10-01 02:00:00.000009 +2), "2013-10-01T00:00:00.000009Z");
        check(datetime!(2013-10-01 00:00:00.120000001 UTC), "2013-10-01T00:00:00.12Z");
    }
}
