//! The wall clock, for stamps and ages. Nothing decides by it.

use time::OffsetDateTime;

/// Milliseconds since 1970, UTC.
#[expect(
    clippy::disallowed_methods,
    reason = "held records and gaps are stamped, and lag is told, by this and nothing else"
)]
pub(crate) fn now_ms() -> i64 {
    i64::try_from(OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000).unwrap_or_default()
}
