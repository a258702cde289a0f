//! Two minor versions of a type, each read by either generation of consumer.

use coursebus_schemas::decode::DecodeError;
use coursebus_schemas::{Event, WriterSchema, authoring, catalog, decode, encode, subscription};

fn across<W: Event, R: Event>(written: &W) -> R {
    let mut datum = Vec::new();
    encode::encode(written, &mut datum).expect("an event encodes");
    // The writer's schema as it comes from a registry: text.
    let writer = WriterSchema::parse(W::TYPE.schema).expect("a schema parses");
    decode::decode(&writer, &datum).expect("the other generation reads it")
}

fn old_plan() -> subscription::v1_0::PlanData {
    subscription::v1_0::PlanData {
        plan_uuid: "p".into(),
        title: "Team".into(),
        starts: "2026-01-01T00:00:00+00:00".into(),
        expires: "2027-01-01T00:00:00+00:00".into(),
    }
}

fn new_plan() -> subscription::PlanData {
    let subscription::v1_0::PlanData { plan_uuid, title, starts, expires } = old_plan();
    let enterprise_customer_uuid = Some("c".into());
    subscription::PlanData { plan_uuid, title, starts, expires, enterprise_customer_uuid, auto_applies_licenses: true }
}

fn old_run() -> authoring::v1_0::CourseRunData {
    authoring::v1_0::CourseRunData {
        course_key: "course-v1:edX+DemoX+2026".into(),
        org: "edX".into(),
        course: "DemoX".into(),
        run: "2026".into(),
        title: "Demo".into(),
        start: "2026-01-01T00:00:00+00:00".into(),
        end: None,
        pacing: "self".into(),
    }
}

#[test]
fn a_new_consumer_reads_old_events_with_defaults() {
    let old = subscription::v1_0::PlanCreated { plan: old_plan() };
    let read: subscription::PlanCreated = across(&old);
    let defaults =
        subscription::PlanData { enterprise_customer_uuid: None, auto_applies_licenses: false, ..new_plan() };
    assert_eq!(read.plan, defaults);

    let read: authoring::CourseRunCreated = across(&authoring::v1_0::CourseRunCreated { course_run: old_run() });
    assert_eq!(read.course_run.course_key, old_run().course_key);
    assert_eq!(read.course_run.enrollment_start, None);
    assert!(!read.course_run.invitation_only);
}

#[test]
fn an_old_consumer_reads_new_events_without_the_new_fields() {
    let read: subscription::v1_0::PlanCreated = across(&subscription::PlanCreated { plan: new_plan() });
    assert_eq!(read.plan, old_plan());
    let read: subscription::v1_0::PlanExpired = across(&subscription::PlanExpired { plan: new_plan() });
    assert_eq!(read.plan, old_plan());
}

#[test]
fn both_generations_are_one_type_with_one_key() {
    let (old, new) = (subscription::v1_0::PlanCreated::TYPE, subscription::PlanCreated::TYPE);
    assert_eq!((old.name, old.minor), ("coursebus.subscription.plan.created.v1", 0));
    assert_eq!((new.name, new.minor), (old.name, 1));
    assert_eq!(new.versions.iter().map(|version| version.schema).collect::<Vec<_>>(), [old.schema, new.schema]);
    let (a, b) = (subscription::v1_0::PlanCreated { plan: old_plan() }, subscription::PlanCreated { plan: new_plan() });
    assert_eq!(a.key(), b.key());
    let two = catalog().events().iter().filter(|event| event.versions.len() > 1).count();
    assert!(two >= 2, "{two}");
}

#[test]
fn an_event_of_another_type_is_refused_though_its_shape_fits() {
    let mut datum = Vec::new();
    encode::encode(&subscription::PlanCreated { plan: new_plan() }, &mut datum).expect("an event encodes");
    let writer = subscription::PlanCreated::TYPE.writer_schema();
    let refused = decode::decode::<subscription::PlanExpired>(writer, &datum);
    assert_eq!(refused, Err(DecodeError::OtherType { expected: "coursebus.subscription.plan.expired.v1" }));
}

#[test]
fn a_writer_that_broke_compatibility_is_named_as_such() {
    let schema = r#"{"type":"record","name":"CloudEvent","namespace":"coursebus.subscription.plan.created.v1",
        "fields":[{"name":"plan","type":{"type":"record","name":"PlanData","fields":[
            {"name":"plan_uuid","type":"long"}]}}]}"#;
    let writer = WriterSchema::parse(schema).expect("a schema parses");
    assert_eq!(decode::decode::<subscription::PlanCreated>(&writer, &[2]), Err(DecodeError::Unfit));
}
