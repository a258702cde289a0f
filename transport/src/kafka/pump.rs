//! A producer and the thread that delivers its outcomes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rdkafka::ClientConfig;

use super::native::{Code, Deliver, NativeError, Producer};

/// How long the thread waits for outcomes before it looks whether it is to end.
const TICK: Duration = Duration::from_millis(100);
/// How long purged records may take to be delivered as failed.
const PURGE: Duration = Duration::from_secs(1);

/// A producer that is polled. Dropping it returns at once: the thread goes on for `linger_on` until everything is
/// delivered, then gives the rest up, each with an outcome.
pub(super) struct Pump<D: Deliver> {
    producer: Arc<Producer<D>>,
    closing: Arc<AtomicBool>,
}

impl<D: Deliver> Pump<D> {
    pub(super) fn start(config: &ClientConfig, linger_on: Duration) -> Result<Self, NativeError> {
        let producer = Arc::new(Producer::new(config)?);
        let closing = Arc::new(AtomicBool::new(false));
        let (polled, ends) = (producer.clone(), closing.clone());
        thread::Builder::new()
            .name("kafka-writer".into())
            .spawn(move || run(&polled, &ends, linger_on))
            .map_err(|error| NativeError::with_text(Code::FATAL, error.to_string()))?;
        Ok(Self { producer, closing })
    }

    pub(super) fn producer(&self) -> &Arc<Producer<D>> {
        &self.producer
    }
}

impl<D: Deliver> Drop for Pump<D> {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Release);
    }
}

fn run<D: Deliver>(producer: &Producer<D>, closing: &AtomicBool, linger_on: Duration) {
    while !closing.load(Ordering::Acquire) {
        producer.poll(TICK);
    }
    if !drain(producer, linger_on) {
        producer.purge();
        drain(producer, PURGE);
    }
}

/// Polls until nothing is outstanding; false when that took too long.
fn drain<D: Deliver>(producer: &Producer<D>, wait: Duration) -> bool {
    let until = Instant::now() + wait;
    while producer.outstanding() > 0 {
        if Instant::now() >= until {
            return false;
        }
        producer.poll(TICK);
    }
    true
}
