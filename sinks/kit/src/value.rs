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

/// Reads RFC 3339.
pub(crate) fn parse_time(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
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
    fn from(value: f64) -> Self {
        Self::Float(value)
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
    fn a_moment_has_one_text() {
        let check = |time, expected| assert_eq!(time_text(time), expected);
        check(datetime!(2013-10-01 00:00 UTC), "2013-10-01T00:00:00Z");
        check(datetime!(2013-10-01 02:00:00.000009 +2), "2013-10-01T00:00:00.000009Z");
        check(datetime!(2013-10-01 00:00:00.120000001 UTC), "2013-10-01T00:00:00.12Z");
    }
}
