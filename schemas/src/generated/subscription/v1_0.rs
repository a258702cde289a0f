//! Minor version 1.0 of events that have a newer one.
//!
//! Written by `cargo xtask codegen` from `catalog.toml` and `avro/`: edit those.

use std::sync::LazyLock;
use serde::{Deserialize, Serialize};
use crate::event::{Event, EventType};
use crate::key::{Key, OrderKey};
use crate::writer::WriterSchema;

/// A subscription plan was created.
///
/// `coursebus.subscription.plan.created.v1` on the topic `subscription-plan-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanCreated {
    /// The plan after the event.
    pub plan: PlanData,
}

impl Event for PlanCreated {
    const TYPE: &'static EventType = &PLAN_CREATED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.plan.plan_uuid)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.plan.plan_uuid));
    }
}

/// A subscription plan has expired.
///
/// `coursebus.subscription.plan.expired.v1` on the topic `subscription-plan-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanExpired {
    /// The plan after the event.
    pub plan: PlanData,
}

impl Event for PlanExpired {
    const TYPE: &'static EventType = &PLAN_EXPIRED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.plan.plan_uuid)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.plan.plan_uuid));
    }
}

/// A subscription plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanData {
    /// The plan's UUID.
    pub plan_uuid: String,
    /// The title that administrators see.
    pub title: String,
    /// When the plan starts, RFC 3339.
    pub starts: String,
    /// When the plan expires, RFC 3339.
    pub expires: String,
}

static PLAN_CREATED: EventType = EventType {
    minor: 0,
    schema: super::PLAN_CREATED_1_0,
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            super::PLAN_CREATED_1_0,
        ));
        &WRITER
    },
    ..super::PLAN_CREATED
};

static PLAN_EXPIRED: EventType = EventType {
    minor: 0,
    schema: super::PLAN_EXPIRED_1_0,
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            super::PLAN_EXPIRED_1_0,
        ));
        &WRITER
    },
    ..super::PLAN_EXPIRED
};
