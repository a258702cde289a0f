//! The text of `ce_time`.

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

/// Writes a time as Python's `isoformat` does in UTC: `2026-04-05T06:07:08.000009+00:00`, six digits or no
/// fraction at all. What is less than a microsecond is cut off.
pub fn format_time(time: OffsetDateTime) -> String {
    TimeText::new(time).as_str().to_owned()
}

/// The text of [`format_time`] without an allocation: each event that is emitted has a time.
#[derive(Debug, Clone, Copy)]
pub struct TimeText {
    bytes: [u8; FORM.len()],
    len: usize,
}

const FORM: &[u8; 32] = b"0000-00-00T00:00:00.000000+00:00";
const SECONDS_END: usize = "0000-00-00T00:00:00".len();

impl TimeText {
    /// Writes a time.
    pub fn new(time: OffsetDateTime) -> Self {
        // Only in the last hours of the year 9999 is there no such time in UTC.
        let time = time.checked_to_offset(UtcOffset::UTC).unwrap_or_else(|| time.replace_offset(UtcOffset::UTC));
        let (year, month, day) = time.to_calendar_date();
        let (hour, minute, second, micro) = time.to_hms_micro();
        let mut bytes = *FORM;
        // Years that RFC 3339 has: no time of an event is before the year 0.
        digits(&mut bytes[0..4], year.unsigned_abs());
        digits(&mut bytes[5..7], u8::from(month).into());
        digits(&mut bytes[8..10], day.into());
        digits(&mut bytes[11..13], hour.into());
        digits(&mut bytes[14..16], minute.into());
        digits(&mut bytes[17..19], second.into());
        digits(&mut bytes[20..26], micro);
        if micro == 0 {
            bytes.copy_within(FORM.len() - "+00:00".len().., SECONDS_END);
            return Self { bytes, len: SECONDS_END + "+00:00".len() };
        }
        Self { bytes, len: bytes.len() }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).expect("digits and ASCII signs only")
    }

    /// The text's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Fills the field from its end; what does not fit into it is left out.
fn digits(field: &mut [u8], mut value: u32) {
    for digit in field.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// Reads an RFC 3339 time of any offset; the result is in UTC.
pub fn parse_time(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()?.checked_to_offset(UtcOffset::UTC)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_of_any_offset_become_utc() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(parse_time(text).map(format_time).as_deref(), expected, "{text}");
        };
        check("2026-04-05T06:07:08+00:00", Some("2026-04-05T06:07:08+00:00"));
        check("2026-04-05T06:07:08.000009+00:00", Some("2026-04-05T06:07:08.000009+00:00"));
        check("2026-04-05T06:07:08.5Z", Some("2026-04-05T06:07:08.500000+00:00"));
        check("2026-04-05T06:07:08.0000009Z", Some("2026-04-05T06:07:08+00:00"));
        check("2026-04-05T01:07:08+02:00", Some("2026-04-04T23:07:08+00:00"));
        check("0000-01-01T00:00:00+00:00", Some("0000-01-01T00:00:00+00:00"));
        check("9999-12-31T23:59:59-01:00", None);
        check("2026-04-05T06:07:08", None);
        check("2026-04-05", None);
        check("2026-13-05T06:07:08Z", None);
        check("", None);
    }

    proptest! {
        #[test]
        fn what_is_written_comes_back(seconds in -62_167_219_200..253_402_300_800_i64, micros in 0..1_000_000_i64) {
            let time = OffsetDateTime::from_unix_timestamp(seconds).expect("in range") + time::Duration::microseconds(micros);
            prop_assert_eq!(parse_time(&format_time(time)), Some(time));
        }

        #[test]
        fn any_text_is_a_time_or_refused(text: String) {
            let _ = parse_time(&text).map(format_time);
        }
    }
}
