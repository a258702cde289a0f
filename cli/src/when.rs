//! Moments as people write them and as logs keep them.

use coursebus_schemas::metadata::parse_time;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::failure::Failure;

/// An RFC 3339 time as milliseconds since 1970; `option` is named where it is none.
pub fn parse(text: &str, option: &str) -> Result<i64, Failure> {
    let time = parse_time(text).ok_or_else(|| {
        let what = format!("{option} is not an RFC 3339 time");
        Failure::usage(what, "give a time such as 2026-01-01T00:00:00Z").about(option)
    })?;
    Ok(i64::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX))
}

/// Milliseconds since 1970 as RFC 3339, UTC.
pub fn text(ms: i64) -> Option<String> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).ok()?.format(&Rfc3339).ok()
}

/// The wall clock, in milliseconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "ages that are told to people, and the wait before a schema goes for good"
)]
pub fn now_ms() -> i64 {
    i64::try_from(OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000).unwrap_or_default()
}
