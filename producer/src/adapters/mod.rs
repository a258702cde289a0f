//! From a service's facts to events: pure functions, one file a service. No adapter knows who reads its events.

pub mod cms;
pub mod license_manager;
pub mod lms;

use coursebus_schemas::metadata::format_time;
use time::OffsetDateTime;

/// Times on the wire are text, RFC 3339 in UTC, as Open edX's services write them.
fn text(time: OffsetDateTime) -> String {
    format_time(time)
}
