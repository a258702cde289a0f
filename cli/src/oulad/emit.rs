//! A history through the producer: in order, pipelined, paced on request.

use std::time::Duration;

use coursebus_producer::{
    EmitError, Pending, Producer,
    adapters::{cms, license_manager, lms, subscription},
};
use coursebus_schemas::{Event, EventId};
use tokio::time::Instant;

use super::{Counts, Dated, Fact, counts, flight::Flight};

/// How many events may wait for their confirmation. At the bound the next one waits for the oldest; the producer's byte
/// bound holds besides.
const PENDING_MAX: usize = 10_000;
/// Paced events go in batches of what is due within this time: timers are no finer.
const BATCH: Duration = Duration::from_millis(10);

/// How a history is emitted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EmitOptions {
    /// At most so many events a second, on average over the whole; 0 counts as 1. Default: none, as fast as the log
    /// takes them.
    pub rate_per_second: Option<u32>,
}

/// A history that is on the log, durably and whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Events by kind.
    pub counts: Counts,
    /// From the first event handed over to the last confirmed.
    pub elapsed: Duration,
}

/// Not the whole history is known to be on the log. What was confirmed stays there.
#[derive(Debug, thiserror::Error)]
#[error("{confirmed} of {total} events are confirmed, then {event_type} {id} was not")]
#[non_exhaustive]
pub struct Stopped {
    /// How many are on the log durably, those after the failed one included.
    pub confirmed: u64,
    /// How many the history has.
    pub total: u64,
    /// The type of the first event that failed.
    pub event_type: &'static str,
    /// Its id.
    pub id: EventId,
    /// Why.
    pub source: EmitError,
}

impl Stopped {
    /// The name under which docs/errors/ explains it: that of its source.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.source.code()
    }
}

/// Emits a history in its order and waits until all of it is durable. `on_progress` is told the number of confirmed
/// events each time it grows.
///
/// Dropping the future stops after the last event handed over; those on their way still arrive (`Producer::flush`).
///
/// # Errors
/// [`Stopped`] at the first event that fails: no more are handed over, and those on their way are awaited. To go on,
/// emit the same history again: its ids are the same, so a sink with an inbox counts none twice, and one without comes
/// to the same end.
pub async fn emit(
    producer: &Producer,
    history: &[Dated],
    options: &EmitOptions,
    on_progress: impl FnMut(u64),
) -> Result<Summary, Stopped> {
    let started = Instant::now();
    let mut flight = Flight::new(history, PENDING_MAX, on_progress);
    for (index, dated) in history.iter().enumerate() {
        if let Some(rate) = options.rate_per_second {
            flight.settle_until(started + due(index, rate)).await?;
        }
        flight.make_room().await?;
        match send(producer, dated).await {
            Ok(pending) => flight.push(index, pending),
            Err(source) => return Err(flight.stop(index, source).await),
        }
    }
    flight.settle_all().await?;
    Ok(Summary { counts: counts(history), elapsed: started.elapsed() })
}

/// When the event with this index may go, from the start: reckoned from the beginning, so that delays do not add up.
fn due(index: usize, rate_per_second: u32) -> Duration {
    let exact = Duration::from_secs_f64(index as f64 / f64::from(rate_per_second.max(1)));
    let batches = exact.as_nanos().div_ceil(BATCH.as_nanos());
    BATCH.saturating_mul(u32::try_from(batches).unwrap_or(u32::MAX))
}

async fn send(producer: &Producer, dated: &Dated) -> Result<Pending, EmitError> {
    match &dated.fact {
        Fact::Run(fact) => hand_over(producer, dated, &cms::course_run_created(fact)).await,
        Fact::Enrolled(fact) => hand_over(producer, dated, &lms::enrollment_created(fact)).await,
        Fact::Graded(fact) => hand_over(producer, dated, &lms::grade_changed(fact)).await,
        Fact::Unenrolled(fact) => hand_over(producer, dated, &lms::unenrollment_completed(fact)).await,
        Fact::Certified(fact) => hand_over(producer, dated, &lms::certificate_created(fact)).await,
        Fact::PlanCreated(fact) => hand_over(producer, dated, &subscription::plan_created(fact)).await,
        Fact::LicenseAssigned(fact) => hand_over(producer, dated, &license_manager::license_assigned(fact)).await,
        Fact::LicenseActivated(fact) => hand_over(producer, dated, &license_manager::license_activated(fact)).await,
        Fact::LicenseRenewed(fact) => hand_over(producer, dated, &license_manager::license_renewed(fact)).await,
        Fact::LicenseExpired(fact) => hand_over(producer, dated, &license_manager::license_expired(fact)).await,
        Fact::LicenseRevoked(fact) => hand_over(producer, dated, &license_manager::license_revoked(fact)).await,
        Fact::PlanExpired(fact) => hand_over(producer, dated, &subscription::plan_expired(fact)).await,
    }
}

async fn hand_over<E: Event>(producer: &Producer, dated: &Dated, event: &E) -> Result<Pending, EmitError> {
    let mut metadata = producer.metadata(E::TYPE);
    metadata.id = dated.id.clone();
    metadata.time = dated.time;
    producer.send(event, metadata).await
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, sync::Arc};

    use coursebus_producer::ProducerSettings;
    use coursebus_registry_tools::{LogRegistry, StoreSettings, apply::apply};
    use coursebus_schemas::catalog;
    use coursebus_transport::{Log, Offset, ReaderSettings, Settings, TopicPartition};

    use super::*;
    use crate::oulad::demo_history;

    async fn bus(dir: &std::path::Path) -> (Arc<dyn Log>, Arc<LogRegistry>, Producer) {
        let address = format!("embedded:{}?sync=os", dir.display()).parse().unwrap();
        let log = coursebus_transport::open(&address, &Settings::default()).unwrap();
        let registry = Arc::new(LogRegistry::open(log.clone(), StoreSettings::default()).await.unwrap());
        let producer = Producer::new(log.clone(), registry.clone(), ProducerSettings::default()).await.unwrap();
        (log, registry, producer)
    }

    /// The ids on a topic, by partition.
    async fn ids(log: &dyn Log, topic: &str) -> Vec<Vec<String>> {
        let mut ids = Vec::new();
        for partition in 0..log.topic(topic).await.unwrap().partitions {
            let from = vec![(TopicPartition::new(topic, partition), Offset(0))];
            let mut reader = log.reader(from, ReaderSettings::default()).await.unwrap();
            let mut of_partition = Vec::new();
            loop {
                let fetched = reader.next(Duration::from_secs(10)).await.unwrap();
                for record in &fetched.records {
                    let header =
                        |(name, value): (&str, Option<&[u8]>)| (name == "ce_id").then(|| value.unwrap().to_vec());
                    let id = record.headers().into_iter().find_map(header).unwrap();
                    of_partition.push(String::from_utf8(id).unwrap());
                }
                if !fetched.ends.is_empty() {
                    break;
                }
            }
            ids.push(of_partition);
        }
        ids
    }

    #[tokio::test]
    async fn a_history_arrives_whole_and_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let (log, registry, producer) = bus(dir.path()).await;
        apply(log.as_ref(), registry.as_ref(), catalog(), "dev").await.unwrap();
        let (history, mut told) = (demo_history(), Vec::new());
        let summary =
            emit(&producer, &history, &EmitOptions::default(), |confirmed| told.push(confirmed)).await.unwrap();
        assert_eq!(summary.counts, counts(&history));
        assert_eq!(told, (1..=history.len() as u64).collect::<Vec<_>>());

        let place: HashMap<&str, usize> = history.iter().enumerate().map(|(at, d)| (d.id.as_str(), at)).collect();
        let mut arrived = 0;
        for topic in catalog().topics() {
            for of_partition in ids(log.as_ref(), &topic.full_topic("dev")).await {
                assert!(of_partition.is_sorted_by_key(|id| place[id.as_str()]));
                arrived += of_partition.len();
            }
        }
        assert_eq!(arrived, history.len());
    }

    #[tokio::test]
    async fn a_failure_says_which_event_and_how_many_are_confirmed() {
        let dir = tempfile::tempdir().unwrap();
        let (log, registry, producer) = bus(dir.path()).await;
        let history = demo_history();
        let stopped = emit(&producer, &history, &EmitOptions::default(), |_| {}).await.unwrap_err();
        assert_eq!((stopped.confirmed, stopped.total), (0, history.len() as u64));
        assert_eq!((stopped.id.as_str(), stopped.code()), (history[0].id.as_str(), "unknown-topic"));

        apply(log.as_ref(), registry.as_ref(), catalog(), "dev").await.unwrap();
        let at = history.iter().position(|dated| matches!(dated.fact, Fact::Certified(_))).unwrap();
        let certificate = history[at].fact.event_type();
        log.delete_topic(&certificate.topic.full_topic("dev")).await.unwrap();
        let stopped = emit(&producer, &history, &EmitOptions::default(), |_| {}).await.unwrap_err();
        assert_eq!((stopped.confirmed, stopped.event_type), (at as u64, certificate.name));
        assert_eq!(
            stopped.to_string(),
            format!("{at} of 285 events are confirmed, then {} {} was not", certificate.name, history[at].id)
        );
    }

    #[tokio::test]
    async fn a_rate_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let (log, registry, producer) = bus(dir.path()).await;
        apply(log.as_ref(), registry.as_ref(), catalog(), "dev").await.unwrap();
        let options = EmitOptions { rate_per_second: Some(500) };
        let summary = emit(&producer, &demo_history()[..51], &options, |_| {}).await.unwrap();
        assert!(summary.elapsed >= Duration::from_millis(100), "{:?}", summary.elapsed);
    }

    #[test]
    fn an_event_is_due_by_its_place_and_never_early() {
        let check =
            |index, rate, millis| assert_eq!(due(index, rate), Duration::from_millis(millis), "{index} at {rate}");
        check(0, 1, 0);
        check(1, 1, 1000);
        check(1, 0, 1000);
        check(1, 1000, 10);
        check(10, 1000, 10);
        check(11, 1000, 20);
        check(94_237, 1000, 94_240);
        check(94_237, u32::MAX, 10);
    }
}
