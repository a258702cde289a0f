//! The one place of this crate that asks for the time of day.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970, UTC. A clock before 1970 counts as 1970.
#[expect(clippy::disallowed_methods, reason = "records are stamped here and nowhere else")]
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
