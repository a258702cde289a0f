//! Emitting on both logs: handles, batches, deadlines, what was not delivered, and what is refused.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::{
    sync::{Mutex, atomic::Ordering},
    time::Duration,
};

use coursebus_producer::{Cause, EmitError, PartitionCount, Producer, ProducerSettings};
use coursebus_registry_tools::Registry;
use coursebus_schemas::{
    Event, EventId, EventType, Key, Metadata, OrderKey,
    subscription::{PlanCreated, PlanData},
};
use coursebus_transport::{Class, WriterSettings};
use serde::{Deserialize, Serialize};
use support::{Backend, Bed, LIMIT, until};

fn plan(uuid: &str, title: &str) -> PlanCreated {
    PlanCreated {
        plan: PlanData {
            plan_uuid: uuid.into(),
            title: title.into(),
            starts: "2026-01-01T00:00:00Z".into(),
            expires: "2027-01-01T00:00:00Z".into(),
            enterprise_customer_uuid: None,
            auto_applies_licenses: false,
        },
    }
}

fn id(text: &str) -> EventId {
    EventId::new(text).unwrap()
}

#[tokio::test]
async fn a_batch_lies_in_its_order_with_each_event_s_own_headers() {
    for backend in Backend::ALL {
        let Some(bed) = Bed::with_catalogue(backend).await else { continue };
        let producer = bed.producer().await;
        let events: Vec<_> = (0..300).map(|number| plan("one key", &format!("title {number:03}"))).collect();
        let mut expected = Vec::new();
        // Several rounds, so that what came back from the log is used again.
        for _ in 0..3 {
            for outcome in producer.emit_all(&events).await {
                let emitted = outcome.unwrap();
                expected.push((emitted.offset, emitted.id.as_str().to_owned()));
            }
        }
        let mut own =
            Metadata::new(PlanCreated::TYPE, id("mine"), "elsewhere", producer.metadata(PlanCreated::TYPE).time);
        own.subject = Some("a subject".into());
        let pending = producer.send(&events[0], own).await.unwrap();
        assert_eq!(pending.id(), &id("mine"));
        expected.push((pending.within(LIMIT).await.unwrap().offset, "mine".to_owned()));
        let json = serde_json::to_value(&events[0]).unwrap();
        let emitted = producer.send_json(PlanCreated::TYPE, &json, None).await.unwrap().await.unwrap();
        expected.push((emitted.offset, emitted.id.as_str().to_owned()));

        let records = bed.records(PlanCreated::TYPE).await;
        let found: Vec<_> = records.iter().map(|record| (record.offset(), support::header(record, "ce_id"))).collect();
        assert_eq!(found, expected, "{backend:?}");
        for (number, record) in records.iter().enumerate().take(900) {
            let value = String::from_utf8_lossy(record.value().unwrap()).into_owned();
            assert!(value.contains(&format!("title {:03}", number % 300)), "{number}");
            let (_, metadata) = Metadata::read(record.headers(), time::OffsetDateTime::UNIX_EPOCH).unwrap();
            assert_eq!((&*metadata.source, metadata.minor), ("coursebus/license_manager", PlanCreated::TYPE.minor));
            assert!(metadata.time > time::OffsetDateTime::UNIX_EPOCH && metadata.traceparent.is_none());
        }
        let last = &records[900];
        assert_eq!(
            (support::header(last, "ce_source"), support::header(last, "ce_subject")),
            ("elsewhere".into(), "a subject".into())
        );
        assert!(producer.close(LIMIT).await.is_complete());
        bed.end().await;
    }
}

#[tokio::test]
async fn trace_and_causation_are_carried_on() {
    let bed = Bed::with_catalogue(Backend::Embedded).await.unwrap();
    let settings = ProducerSettings { traceparent: Some(|| Some("of the span".into())), ..bed.settings() };
    let producer = bed.producer_with(settings).await;
    let mut handled = producer.metadata(PlanCreated::TYPE);
    (handled.id, handled.traceparent) = (id("handled"), Some("of the handled".into()));
    let mut own = producer.metadata(PlanCreated::TYPE);
    (own.causation_id, own.traceparent) = (Some("own".into()), Some("own trace".into()));
    let event = plan("p", "t");
    producer.emit(&event).await.unwrap();
    let work = async {
        producer.emit(&event).await.unwrap();
        producer.emit_with(&event, own).await.unwrap();
        producer.emit_with(&event, producer.metadata(PlanCreated::TYPE)).await.unwrap();
    };
    Cause::of(&handled).scope(work).await;
    let told: Vec<_> = bed
        .records(PlanCreated::TYPE)
        .await
        .iter()
        .map(|record| {
            let (_, metadata) = Metadata::read(record.headers(), time::OffsetDateTime::UNIX_EPOCH).unwrap();
            (metadata.traceparent.unwrap(), metadata.causation_id)
        })
        .collect();
    let of_handled = ("of the handled".to_owned(), Some("handled".to_owned()));
    let expected =
        [("of the span".to_owned(), None), of_handled.clone(), ("own trace".into(), Some("own".into())), of_handled];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn another_number_of_partitions_is_refused_in_either_direction() {
    for backend in Backend::ALL {
        for partitions in [PlanCreated::TYPE.topic.partitions - 1, PlanCreated::TYPE.topic.partitions + 1] {
            let Some(bed) = Bed::new(backend).await else { continue };
            bed.topic(PlanCreated::TYPE, partitions).await;
            bed.register(PlanCreated::TYPE).await;
            let producer = bed.producer().await;
            let error = producer.prepare(&[PlanCreated::TYPE]).await.expect_err("keys would lie elsewhere");
            assert_eq!((error.class(), error.code(), error.is_in_doubt()), (Class::Fatal, "partition-count", false));
            let error = producer.emit(&plan("p", "t")).await.expect_err("and so at the first event");
            assert!(matches!(&error, EmitError::Partitions { found, .. } if *found == partitions), "{error:?}");
            assert!(bed.records(PlanCreated::TYPE).await.is_empty());

            let as_found = ProducerSettings { partitions: PartitionCount::AsFound, ..bed.settings() };
            bed.producer_with(as_found).await.emit(&plan("p", "t")).await.expect("it goes by what it finds");
            bed.end().await;
        }
    }
}

/// Other writers of a topic that has grown divide keys by its new number.
#[tokio::test]
async fn a_topic_that_grows_gets_no_more_events() {
    for backend in Backend::ALL {
        let Some(bed) = Bed::with_catalogue(backend).await else { continue };
        let look_again_every = Duration::from_millis(50);
        let producer = bed.producer_with(ProducerSettings { look_again_every, ..bed.settings() }).await;
        producer.emit(&plan("p", "t")).await.unwrap();
        let topic = PlanCreated::TYPE.topic.full_topic(&bed.prefix);
        bed.log.grow_topic(&topic, PlanCreated::TYPE.topic.partitions + 3).await.unwrap();
        let refused = until(async || producer.emit(&plan("p", "t")).await.err()).await;
        assert_eq!(refused.code(), "partition-count", "{refused}");
        bed.end().await;
    }
}

#[tokio::test]
async fn a_producer_registers_nothing() {
    for backend in Backend::ALL {
        let Some(bed) = Bed::new(backend).await else { continue };
        bed.topic(PlanCreated::TYPE, PlanCreated::TYPE.topic.partitions).await;
        let producer = bed.producer().await;
        for _ in 0..2 {
            let error = producer.emit(&plan("p", "t")).await.expect_err("its schema is not registered");
            assert_eq!((error.class(), error.code()), (Class::Fatal, "schema-not-registered"), "{error}");
        }
        assert_eq!(bed.registry.subjects().await.unwrap(), Vec::<String>::new());
        bed.register(PlanCreated::TYPE).await;
        producer.emit(&plan("p", "t")).await.unwrap();
        assert_eq!(bed.registry.registered.load(Ordering::Relaxed), 2, "the value and the key, by hand");
        bed.end().await;
    }
}

#[tokio::test]
async fn an_event_that_is_too_large_is_refused_alone() {
    for backend in Backend::ALL {
        let Some(bed) = Bed::with_catalogue(backend).await else { continue };
        let producer = bed.producer().await;
        let events = [plan("p", "before"), plan("p", &"x".repeat(3 << 20)), plan("p", "after")];
        let outcomes = producer.emit_all(&events).await;
        assert!(outcomes[0].is_ok() && outcomes[2].is_ok(), "{outcomes:?}");
        let error = outcomes[1].as_ref().expect_err("it is over the topic's limit");
        assert_eq!((error.class(), error.code(), error.is_in_doubt()), (Class::Poison, "record-too-large", false));
        let report = producer.close(LIMIT).await;
        assert_eq!((report.topics[0].failed, report.topics[0].in_doubt, report.topics[0].waiting), (1, 0, 0));
        bed.end().await;
    }
}

/// An event made by hand, whose key is not what its type says.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Odd<const NULL: bool>(PlanCreated);

impl<const NULL: bool> Event for Odd<NULL> {
    const TYPE: &'static EventType = PlanCreated::TYPE;

    fn key(&self) -> Key<'_> {
        if NULL { Key::Null } else { Key::Long(5) }
    }

    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
    }
}

#[tokio::test]
async fn a_key_that_is_null_or_none_of_its_topic_is_refused() {
    let bed = Bed::with_catalogue(Backend::Embedded).await.unwrap();
    let producer = bed.producer().await;
    let null = producer.emit(&Odd::<true>(plan("p", "t"))).await.expect_err("it has no order");
    let long = producer.emit(&Odd::<false>(plan("p", "t"))).await.expect_err("nobody could read it");
    for (error, found) in [(null, "is null"), (long, "is a long")] {
        assert_eq!((error.class(), error.code(), error.is_in_doubt()), (Class::Poison, "record-key", false));
        assert!(error.to_string().ends_with(found) && error.to_string().contains("plan.plan_uuid"), "{error}");
    }
    assert!(bed.records(PlanCreated::TYPE).await.is_empty());
}

/// Room for a few events, and a deadline that only a test that fails waits for.
fn narrow(bed: &Bed, in_flight_bytes_max: usize) -> ProducerSettings {
    let writer =
        WriterSettings { in_flight_bytes_max, delivery_timeout: Duration::from_secs(600), ..WriterSettings::default() };
    ProducerSettings { writer, ..bed.settings() }
}

#[tokio::test]
async fn while_the_log_is_away_events_wait_in_bounded_memory_and_nothing_is_dropped() {
    let bed = Bed::with_catalogue(Backend::Embedded).await.unwrap();
    let producer = bed.producer_with(narrow(&bed, 4_000)).await;
    producer.prepare(&[PlanCreated::TYPE]).await.unwrap();
    let away = bed.away();
    let soon = Duration::from_millis(50);
    let event = plan("p", "t");
    let mut pending = Vec::new();
    let refused = loop {
        match tokio::time::timeout(soon, producer.send(&event, None)).await {
            Ok(sent) => pending.push(sent.unwrap()),
            Err(_no_room) => break producer.emit_within(&event, None, soon).await.expect_err("there is no room"),
        }
    };
    assert!((2..20).contains(&pending.len()), "{}", pending.len());
    assert_eq!((refused.class(), refused.code(), refused.is_in_doubt()), (Class::Transient, "not-sent", false));
    let late = pending.pop().unwrap().within(soon).await.expect_err("nothing is confirmed");
    assert_eq!((late.class(), late.code(), late.is_in_doubt()), (Class::Transient, "not-confirmed", true));
    let report = producer.flush(soon).await;
    assert_eq!((report.topics[0].waiting, report.topics[0].failed), (pending.len() as u64 + 1, 0));
    drop(away);
    let sent = pending.len() + 1;
    for pending in pending {
        pending.within(LIMIT).await.unwrap();
    }
    assert!(producer.flush(LIMIT).await.is_complete());
    assert_eq!(bed.records(PlanCreated::TYPE).await.len(), sent, "also what was late; and not what had no room");
}

#[tokio::test]
async fn close_says_what_was_not_delivered() {
    let bed = Bed::with_catalogue(Backend::Embedded).await.unwrap();
    let producer = bed.producer_with(narrow(&bed, 1 << 20)).await;
    producer.emit(&plan("p", "t")).await.unwrap();
    let away = bed.away();
    let mut ids = Vec::new();
    for number in 0..12 {
        let pending = producer.send(&plan("p", &number.to_string()), None).await.unwrap();
        ids.push(pending.id().clone());
    }
    let report = producer.close(Duration::from_millis(50)).await;
    let [topic] = &report.topics[..] else { panic!("{report:?}") };
    assert_eq!(topic.topic, PlanCreated::TYPE.topic.full_topic(&bed.prefix));
    assert_eq!((topic.failed, topic.waiting), (12, 0), "{report}");
    assert_eq!(topic.first_ids, ids[..10]);
    assert_eq!(topic.in_doubt, 0, "none of them was written: {report}");
    drop(away);
    assert_eq!(bed.records(PlanCreated::TYPE).await.len(), 1);
}

/// What was said as an error.
static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());

#[tokio::test]
async fn a_producer_that_is_dropped_says_what_it_did_not_deliver() {
    support::listen(&SAID);
    let bed = Bed::with_catalogue(Backend::Embedded).await.unwrap();
    let mut settings = narrow(&bed, 1 << 20);
    settings.writer.delivery_timeout = Duration::from_millis(200);
    let producer: Producer = bed.producer_with(settings).await;
    producer.prepare(&[PlanCreated::TYPE]).await.unwrap();
    let away = bed.away();
    let lost = producer.send(&plan("p", "t"), None).await.unwrap().id().as_str().to_owned();
    drop(producer);
    let said = until(async || SAID.lock().unwrap().iter().find(|line| line.contains(&lost)).cloned()).await;
    let topic = PlanCreated::TYPE.topic.full_topic(&bed.prefix);
    assert!(said.contains(&format!("{topic}: 1 not delivered (0 may be on the log)")), "{said}");
    drop(away);
}
