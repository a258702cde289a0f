//! Waiting for something that is away.

use std::time::Duration;

use coursebus_transport::Record;
use tokio::time::Instant;

use crate::{Datum, Decoder, OpenError};

/// Waits that double from 50 ms to 5 s, until a budget is used up.
#[derive(Debug)]
pub struct Backoff {
    next: Duration,
    until: Instant,
}

impl Backoff {
    /// A new row of waits.
    #[must_use]
    pub fn new(budget: Duration) -> Self {
        Self { next: Duration::from_millis(50), until: Instant::now() + budget }
    }

    /// Waits; false, at once, when the next wait would pass the budget.
    pub async fn wait(&mut self) -> bool {
        if Instant::now() + self.next > self.until {
            return false;
        }
        tokio::time::sleep(self.next).await;
        self.next = (self.next * 2).min(Duration::from_secs(5));
        true
    }
}

/// Opens a record, waiting for a registry that is away as long as the budget lasts.
pub async fn open_patiently<'r>(
    decoder: &Decoder,
    record: &'r Record,
    budget: Duration,
) -> Result<Datum<'r>, OpenError> {
    open_value_patiently(decoder, record.value(), budget).await
}

/// As [`open_patiently`], of a record's value alone.
pub async fn open_value_patiently<'r>(
    decoder: &Decoder,
    value: Option<&'r [u8]>,
    budget: Duration,
) -> Result<Datum<'r>, OpenError> {
    let mut backoff = Backoff::new(budget);
    loop {
        match decoder.open_value(value).await {
            Err(OpenError::Registry { id, source }) => {
                tracing::warn!(%id, error = %source, "the registry is away");
                if !backoff.wait().await {
                    return Err(OpenError::Registry { id, source });
                }
            }
            outcome => return outcome,
        }
    }
}
