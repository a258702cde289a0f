//! A table a service: fact → event. What is expected stands in `tests/snapshots/`, as `event emit` takes it; the Python tests
//! emit those files to the bus that Open edX has today.

mod absences;
mod authoring;
mod business;
mod discovery;
mod learning;

use std::collections::BTreeSet;

use coursebus_schemas::{Event, catalog, decode, encode, metadata::format_time};
use serde_json::{Value, json};
use time::{OffsetDateTime, macros::datetime};

use super::{Learner, Occurrence, Stated};

const RUN: &str = "course-v1:edX+DemoX+2026_T1";
const BLOCK: &str = "block-v1:edX+DemoX+2026_T1+type@problem+block@exam";
const NOON: OffsetDateTime = datetime!(2026-03-01 12:00:00.000001 UTC);
const START: OffsetDateTime = datetime!(2026-04-01 0:00 UTC);
const END: OffsetDateTime = datetime!(2026-08-31 22:59:59 UTC);

/// One row of a table: what is said, and the event that it is.
struct Case {
    what: &'static str,
    event_type: &'static str,
    owner: &'static str,
    event: Value,
}

/// A fact of noon.
fn case<E: Event + PartialEq + std::fmt::Debug>(what: &'static str, event: E) -> Case {
    stated(what, Occurrence::at(NOON).of(event))
}

/// Shows an event, and that it is one: it is encoded, and read back as it was.
fn stated<E: Event + PartialEq + std::fmt::Debug>(what: &'static str, said: Stated<E>) -> Case {
    let Stated { event, metadata } = said;
    let mut datum = Vec::new();
    encode::encode(&event, &mut datum).expect(what);
    assert_eq!(decode::decode::<E>(E::TYPE.writer_schema(), &datum).expect(what), event, "{what}");
    let mut shown = json!({
        "type": E::TYPE.name,
        "id": metadata.id.as_str(),
        "source": metadata.source,
        "time": format_time(metadata.time),
        "subject": metadata.subject,
    });
    if let Some(cause) = metadata.causation_id {
        shown["causation"] = cause.into();
    }
    shown["data"] = serde_json::to_value(&event).expect(what);
    Case { what, event_type: E::TYPE.name, owner: E::TYPE.owner, event: shown }
}

fn a_learner() -> Learner {
    let (username, email, name) = ("ada".to_owned(), "ada@example.org".to_owned(), "Ada Lovelace".to_owned());
    Learner { id: 7, is_active: true, username, email, name }
}

/// Learners as services say them who keep personal data to themselves.
fn a_pseudonym() -> Learner {
    Learner { id: 8, is_active: false, username: "u8".to_owned(), email: String::new(), name: String::new() }
}

/// Every adapter by its file, with the service whose events it makes, and its table.
fn tables() -> [(&'static str, &'static str, Vec<Case>); 11] {
    [
        ("cms", "cms", authoring::cms()),
        ("publisher", "discovery", authoring::publisher()),
        ("lms", "lms", learning::lms()),
        ("exams", "exams", learning::exams()),
        ("credentials", "credentials", learning::credentials()),
        ("discovery", "discovery", discovery::discovery()),
        ("license_manager", "license_manager", business::license_manager()),
        ("subscription", "license_manager", business::subscription()),
        ("commerce", "commerce", business::commerce()),
        ("catalog_manager", "catalog_manager", business::catalog_manager()),
        ("enterprise", "enterprise", business::enterprise()),
    ]
}

#[test]
fn facts_become_events() {
    for (adapter, owner, cases) in tables() {
        let wrong: Vec<_> = cases.iter().filter(|case| case.owner != owner).map(|case| case.event_type).collect();
        assert!(wrong.is_empty(), "{adapter} makes events of another service: {wrong:?}");
        let shown: serde_json::Map<String, Value> =
            cases.into_iter().map(|case| (case.what.to_owned(), case.event)).collect();
        let shown = serde_json::to_string_pretty(&shown).expect("JSON");
        insta::with_settings!({ snapshot_path => "tests/snapshots", prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(adapter, shown);
        });
    }
}

#[test]
fn no_two_events_have_one_id() {
    let mut seen = BTreeSet::new();
    for case in tables().into_iter().flat_map(|(.., cases)| cases) {
        assert!(seen.insert(case.event["id"].to_string()), "{}", case.what);
    }
}

/// What the catalogue has and no adapter makes, with the reason.
const NOT_MADE: [(&str, &str); 6] = [
    ("org.openedx.learning.user.notification.requested.v1", "a request of the notifications, which come later"),
    ("org.openedx.content_authoring.xblock.published.v1", "no flow reads it; Open edX's CMS emits it"),
    ("org.openedx.enterprise.subsidy_ledger_transaction.created.v1", "no flow reads it; Open edX's subsidies emit it"),
    ("org.openedx.authz.role_assignment.created", "no flow reads it; Open edX's LMS emits it"),
    ("coursebus.learning.program_intent.detected.v1", "a processor makes it of other events"),
    ("coursebus.learning.program_intent.retracted.v1", "a processor makes it of other events"),
];

#[test]
fn every_type_of_the_catalogue_is_made_or_listed() {
    let made: BTreeSet<_> = tables().into_iter().flat_map(|(.., cases)| cases).map(|case| case.event_type).collect();
    let listed: BTreeSet<_> = NOT_MADE.iter().map(|(name, _)| *name).collect();
    let all: BTreeSet<_> = catalog().events().iter().map(|event| event.name).collect();
    assert!(made.is_disjoint(&listed), "{:?}", made.intersection(&listed).collect::<Vec<_>>());
    assert_eq!(all, made.union(&listed).copied().collect());
}
