//! Waiting for a condition, never for a time.

use std::{
    thread,
    time::{Duration, Instant},
};

/// How often a wait looks again.
const POLL: Duration = Duration::from_millis(20);

/// Waits until `look` returns something, and returns that.
///
/// # Panics
/// When `limit` has passed; the message says what was waited for.
pub fn wait_until<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: not within {limit:?}");
        thread::park_timeout(POLL);
    }
}

/// As [`wait_until`], for conditions that must be awaited. One look may take no longer than `limit` either.
///
/// # Panics
/// When `limit` has passed; the message says what was waited for.
pub async fn until<T>(what: &str, limit: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let found = tokio::time::timeout(limit, async {
        let mut again = tokio::time::interval(POLL);
        loop {
            again.tick().await;
            if let Some(found) = look().await {
                return found;
            }
        }
    });
    found.await.unwrap_or_else(|_| panic!("{what}: not within {limit:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn returns_what_was_found() {
        let mut looks = 0;
        let found = wait_until("third look", Duration::from_secs(5), || {
            looks += 1;
            (looks == 3).then_some(looks)
        });
        assert_eq!(found, 3);
    }

    #[test]
    #[should_panic(expected = "the moon: not within 10ms")]
    fn says_what_did_not_come() {
        wait_until("the moon", Duration::from_millis(10), || None::<()>);
    }

    #[tokio::test]
    async fn awaits() {
        let mut looks = 0;
        let look = async || {
            looks += 1;
            (looks == 2).then_some(())
        };
        until("second look", Duration::from_secs(5), look).await;
    }
}
