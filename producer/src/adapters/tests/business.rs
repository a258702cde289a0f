//! Plans, licenses, commerce and customers' catalogs.

use super::{
    super::{
        Occurrence,
        catalog_manager::{self, Content, Membership},
        commerce::{self, Credit, OrderLine, Seat},
        enterprise,
        license_manager::{self, License},
        subscription::{self, Plan},
    },
    Case, END, NOON, RUN, START,
    authoring::{accepted, answering, failed},
    case, stated,
};

pub(super) fn subscription() -> Vec<Case> {
    let sold = Plan {
        uuid: "b1a2".into(),
        title: "Team plan".into(),
        starts: START,
        expires: END,
        enterprise_customer_uuid: Some("ca11".into()),
        auto_applies_licenses: true,
    };
    let own =
        Plan { uuid: "b1a3".into(), enterprise_customer_uuid: None, auto_applies_licenses: false, ..sold.clone() };
    vec![
        case("a plan is sold to a customer", subscription::plan_created(&sold)),
        case("a plan is sold", subscription::plan_created(&own)),
        case("a plan is over", subscription::plan_expired(&sold)),
    ]
}

pub(super) fn license_manager() -> Vec<Case> {
    let license = License { uuid: "11c3".into(), plan_uuid: "b1a2".into(), user_id: Some(7), expires: END };
    let nobodys = License { user_id: None, ..license.clone() };
    vec![
        case("a license is assigned", license_manager::license_assigned(&license)),
        case("a license is activated", license_manager::license_activated(&license)),
        case("a license is renewed", license_manager::license_renewed(&license)),
        case("a license is over", license_manager::license_expired(&license)),
        case("a license is taken back", license_manager::license_revoked(&nobodys)),
    ]
}

pub(super) fn commerce() -> Vec<Case> {
    let verified = Seat {
        course_key: RUN.into(),
        sku: "8CF08E5".into(),
        mode: "verified".into(),
        price_minor: 14_900,
        currency: "USD".into(),
        upgrade_deadline: Some(END),
        credit: None,
    };
    let credit = Seat {
        sku: "8CF08E6".into(),
        mode: "credit".into(),
        price_minor: 50_000,
        upgrade_deadline: None,
        credit: Some(Credit { provider: "asu".into(), hours: 3 }),
        ..verified.clone()
    };
    let line = OrderLine {
        uuid: "f00d".into(),
        order_number: "EDX-100001".into(),
        sku: "8CF08E5".into(),
        course_key: RUN.into(),
        user_id: 7,
        mode: "verified".into(),
    };
    let enrolled = coursebus_schemas::EventId::new("c0ffee00-0000-4000-8000-000000000002").expect("an id");
    let seen = Occurrence::at(NOON).because_of(&enrolled);
    vec![
        case("a seat is offered", commerce::seat_changed(&verified)),
        case("credit is offered", commerce::seat_changed(&credit)),
        case("a seat is withdrawn", commerce::seat_withdrawn(&verified)),
        stated("an enrollment fulfils an order", seen.of(commerce::fulfillment_completed(&line))),
        case("an order is taken back", commerce::fulfillment_revoked(&line)),
    ]
}

pub(super) fn catalog_manager() -> Vec<Case> {
    let member = |content| Membership { catalog_uuid: "ca7a".into(), enterprise_customer_uuid: "ca11".into(), content };
    let course = member(Content::Course("edX+DemoX".into()));
    vec![
        case("a course is added", catalog_manager::membership_added(&course)),
        case("a run is added", catalog_manager::membership_added(&member(Content::CourseRun(RUN.into())))),
        case("a program is added", catalog_manager::membership_added(&member(Content::Program("9d1e".into())))),
        case("a course is taken out", catalog_manager::membership_removed(&course)),
    ]
}

pub(super) fn enterprise() -> Vec<Case> {
    let other = coursebus_schemas::EventId::new("4f0c2f9e-8a62-4f7e-9f5e-0d6d0c2a7b12").expect("an id");
    let again = Occurrence::answering(&other, NOON);
    vec![
        stated("a request is accepted", answering().of(enterprise::request_answered(&accepted()))),
        stated("another request fails", again.of(enterprise::request_answered(&failed()))),
    ]
}
