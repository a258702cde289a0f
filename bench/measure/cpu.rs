//! The processor time of this process, all threads together.

use std::time::Duration;

/// Ticks a second of /proc/PID/stat: 100 on every Linux in use.
const TICKS_PER_SECOND: u64 = 100;

/// User and system time so far, to 10 ms; `None` where the system has no /proc.
pub(crate) fn used() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    ticks(&stat).map(|ticks| Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
}

/// Fields 14 and 15, counted from behind the name, which may itself hold blanks and brackets.
fn ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_system_time_are_fields_14_and_15() {
        let stat = format!("1 (a) b) S {}", (4..=20).map(|n| format!("{n} ")).collect::<String>());
        assert_eq!(ticks(&stat), Some(14 + 15));
        assert_eq!(ticks("1 (a) S 4"), None);
    }
}
