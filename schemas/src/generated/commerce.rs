//! Events of the domain `commerce`.
//!
//! Written by `cargo xtask codegen` from `catalog.toml` and `avro/`: edit those.

use std::sync::LazyLock;
use serde::{Deserialize, Serialize};
use crate::event::{Compatibility, Event, EventType, KeySpec, Origin, Primitive, Version};
use crate::key::{Key, OrderKey};
use crate::writer::WriterSchema;
use super::topics;

/// A seat in a course run is offered, or on other terms.
///
/// `coursebus.commerce.seat.changed.v1` on the topic `commerce-seat-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeatChanged {
    /// The seat as it is offered now.
    pub seat: SeatData,
}

impl Event for SeatChanged {
    const TYPE: &'static EventType = &SEAT_CHANGED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.seat.course_key)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.seat.course_key));
        out.push(Key::Str(&self.seat.sku));
    }
}

/// A seat in a course run is no longer offered.
///
/// `coursebus.commerce.seat.withdrawn.v1` on the topic `commerce-seat-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeatWithdrawn {
    /// The seat.
    pub seat: WithdrawnSeatData,
}

impl Event for SeatWithdrawn {
    const TYPE: &'static EventType = &SEAT_WITHDRAWN;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.seat.course_key)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.seat.course_key));
        out.push(Key::Str(&self.seat.sku));
    }
}

/// A learner has what a line of an order bought.
///
/// `coursebus.commerce.fulfillment.completed.v1` on the topic `commerce-fulfillment-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FulfillmentCompleted {
    /// What was bought.
    pub fulfillment: FulfillmentData,
}

impl Event for FulfillmentCompleted {
    const TYPE: &'static EventType = &FULFILLMENT_COMPLETED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.fulfillment.order_line_uuid)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.fulfillment.order_line_uuid));
    }
}

/// A learner no longer has what a line of an order bought.
///
/// `coursebus.commerce.fulfillment.revoked.v1` on the topic `commerce-fulfillment-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FulfillmentRevoked {
    /// What was bought.
    pub fulfillment: FulfillmentData,
}

impl Event for FulfillmentRevoked {
    const TYPE: &'static EventType = &FULFILLMENT_REVOKED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.fulfillment.order_line_uuid)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.fulfillment.order_line_uuid));
    }
}

/// The terms on which a learner can buy a mode of a course run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeatData {
    /// The key of the run, for instance course-v1:edX+DemoX+2026_T1.
    pub course_key: String,
    /// The number under which the shop sells it.
    pub sku: String,
    /// The mode that it buys: verified, professional, credit, …
    pub mode: String,
    /// The price in the smallest unit of the currency: 14900 are 149 dollars.
    pub price_minor: i64,
    /// The currency, ISO 4217.
    pub currency: String,
    /// Until when it can be bought, RFC 3339.
    #[serde(default)]
    pub upgrade_deadline: Option<String>,
    /// Who gives the credit, for a seat that buys it.
    #[serde(default)]
    pub credit_provider: Option<String>,
    /// How many hours of credit it buys.
    #[serde(default)]
    pub credit_hours: Option<i64>,
}

/// A seat that is no longer offered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WithdrawnSeatData {
    /// The key of the run, for instance course-v1:edX+DemoX+2026_T1.
    pub course_key: String,
    /// The number under which the shop sold it.
    pub sku: String,
    /// The mode that it bought.
    pub mode: String,
}

/// What a learner bought, and has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FulfillmentData {
    /// The UUID of the order's line.
    pub order_line_uuid: String,
    /// The order's number.
    pub order_number: String,
    /// The number under which it was sold.
    pub sku: String,
    /// The key of the run, for instance course-v1:edX+DemoX+2026_T1.
    pub course_key: String,
    /// The LMS user id of the learner.
    pub user_id: i64,
    /// The mode that was bought.
    pub mode: String,
}

const SEAT_CHANGED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"A seat in a course run is offered, or on other terms.\",\"fields\":[{\"name\":\"seat\",\"type\":{\"name\":\"SeatData\",\"type\":\"record\",\"doc\":\"The terms on which a learner can buy a mode of a course run.\",\"fields\":[{\"name\":\"course_key\",\"type\":\"string\",\"doc\":\"The key of the run, for instance course-v1:edX+DemoX+2026_T1.\"},{\"name\":\"sku\",\"type\":\"string\",\"doc\":\"The number under which the shop sells it.\"},{\"name\":\"mode\",\"type\":\"string\",\"doc\":\"The mode that it buys: verified, professional, credit, …\"},{\"name\":\"price_minor\",\"type\":\"long\",\"doc\":\"The price in the smallest unit of the currency: 14900 are 149 dollars.\"},{\"name\":\"currency\",\"type\":\"string\",\"doc\":\"The currency, ISO 4217.\"},{\"name\":\"upgrade_deadline\",\"type\":[\"null\",\"string\"],\"doc\":\"Until when it can be bought, RFC 3339.\",\"default\":null},{\"name\":\"credit_provider\",\"type\":[\"null\",\"string\"],\"doc\":\"Who gives the credit, for a seat that buys it.\",\"default\":null},{\"name\":\"credit_hours\",\"type\":[\"null\",\"long\"],\"doc\":\"How many hours of credit it buys.\",\"default\":null}]},\"doc\":\"The seat as it is offered now.\"}],\"namespace\":\"coursebus.commerce.seat.changed.v1\"}";

pub(super) static SEAT_CHANGED: EventType = EventType {
    name: "coursebus.commerce.seat.changed.v1",
    owner: "commerce",
    origin: Origin::Coursebus,
    topic: &topics::COMMERCE_SEAT_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: SEAT_CHANGED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: SEAT_CHANGED_1_0,
        },
    ],
    key: KeySpec {
        path: &["seat", "course_key"],
        schema: "{\"name\":\"course_key\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["seat", "course_key"], &["seat", "sku"]],
    compatibility: Compatibility::FullTransitive,
    personal_data: &[],
    description: "A seat in a course run is offered, or on other terms.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            SEAT_CHANGED_1_0,
        ));
        &WRITER
    },
};

const SEAT_WITHDRAWN_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"A seat in a course run is no longer offered.\",\"fields\":[{\"name\":\"seat\",\"type\":{\"name\":\"WithdrawnSeatData\",\"type\":\"record\",\"doc\":\"A seat that is no longer offered.\",\"fields\":[{\"name\":\"course_key\",\"type\":\"string\",\"doc\":\"The key of the run, for instance course-v1:edX+DemoX+2026_T1.\"},{\"name\":\"sku\",\"type\":\"string\",\"doc\":\"The number under which the shop sold it.\"},{\"name\":\"mode\",\"type\":\"string\",\"doc\":\"The mode that it bought.\"}]},\"doc\":\"The seat.\"}],\"namespace\":\"coursebus.commerce.seat.withdrawn.v1\"}";

pub(super) static SEAT_WITHDRAWN: EventType = EventType {
    name: "coursebus.commerce.seat.withdrawn.v1",
    owner: "commerce",
    origin: Origin::Coursebus,
    topic: &topics::COMMERCE_SEAT_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: SEAT_WITHDRAWN_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: SEAT_WITHDRAWN_1_0,
        },
    ],
    key: KeySpec {
        path: &["seat", "course_key"],
        schema: "{\"name\":\"course_key\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["seat", "course_key"], &["seat", "sku"]],
    compatibility: Compatibility::FullTransitive,
    personal_data: &[],
    description: "A seat in a course run is no longer offered.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            SEAT_WITHDRAWN_1_0,
        ));
        &WRITER
    },
};

const FULFILLMENT_COMPLETED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"A learner has what a line of an order bought.\",\"fields\":[{\"name\":\"fulfillment\",\"type\":{\"name\":\"FulfillmentData\",\"type\":\"record\",\"doc\":\"What a learner bought, and has.\",\"fields\":[{\"name\":\"order_line_uuid\",\"type\":\"string\",\"doc\":\"The UUID of the order's line.\"},{\"name\":\"order_number\",\"type\":\"string\",\"doc\":\"The order's number.\"},{\"name\":\"sku\",\"type\":\"string\",\"doc\":\"The number under which it was sold.\"},{\"name\":\"course_key\",\"type\":\"string\",\"doc\":\"The key of the run, for instance course-v1:edX+DemoX+2026_T1.\"},{\"name\":\"user_id\",\"type\":\"long\",\"doc\":\"The LMS user id of the learner.\"},{\"name\":\"mode\",\"type\":\"string\",\"doc\":\"The mode that was bought.\"}]},\"doc\":\"What was bought.\"}],\"namespace\":\"coursebus.commerce.fulfillment.completed.v1\"}";

pub(super) static FULFILLMENT_COMPLETED: EventType = EventType {
    name: "coursebus.commerce.fulfillment.completed.v1",
    owner: "commerce",
    origin: Origin::Coursebus,
    topic: &topics::COMMERCE_FULFILLMENT_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: FULFILLMENT_COMPLETED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: FULFILLMENT_COMPLETED_1_0,
        },
    ],
    key: KeySpec {
        path: &["fulfillment", "order_line_uuid"],
        schema: "{\"name\":\"order_line_uuid\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["fulfillment", "order_line_uuid"]],
    compatibility: Compatibility::FullTransitive,
    personal_data: &[],
    description: "A learner has what a line of an order bought.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            FULFILLMENT_COMPLETED_1_0,
        ));
        &WRITER
    },
};

const FULFILLMENT_REVOKED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"A learner no longer has what a line of an order bought.\",\"fields\":[{\"name\":\"fulfillment\",\"type\":{\"name\":\"FulfillmentData\",\"type\":\"record\",\"doc\":\"What a learner bought, and has.\",\"fields\":[{\"name\":\"order_line_uuid\",\"type\":\"string\",\"doc\":\"The UUID of the order's line.\"},{\"name\":\"order_number\",\"type\":\"string\",\"doc\":\"The order's number.\"},{\"name\":\"sku\",\"type\":\"string\",\"doc\":\"The number under which it was sold.\"},{\"name\":\"course_key\",\"type\":\"string\",\"doc\":\"The key of the run, for instance course-v1:edX+DemoX+2026_T1.\"},{\"name\":\"user_id\",\"type\":\"long\",\"doc\":\"The LMS user id of the learner.\"},{\"name\":\"mode\",\"type\":\"string\",\"doc\":\"The mode that was bought.\"}]},\"doc\":\"What was bought.\"}],\"namespace\":\"coursebus.commerce.fulfillment.revoked.v1\"}";

pub(super) static FULFILLMENT_REVOKED: EventType = EventType {
    name: "coursebus.commerce.fulfillment.revoked.v1",
    owner: "commerce",
    origin: Origin::Coursebus,
    topic: &topics::COMMERCE_FULFILLMENT_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: FULFILLMENT_REVOKED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: FULFILLMENT_REVOKED_1_0,
        },
    ],
    key: KeySpec {
        path: &["fulfillment", "order_line_uuid"],
        schema: "{\"name\":\"order_line_uuid\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["fulfillment", "order_line_uuid"]],
    compatibility: Compatibility::FullTransitive,
    personal_data: &[],
    description: "A learner no longer has what a line of an order bought.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            FULFILLMENT_REVOKED_1_0,
        ));
        &WRITER
    },
};
