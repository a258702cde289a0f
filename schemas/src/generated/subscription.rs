//! Events of the domain `subscription`.
//!
//! Written by `cargo xtask codegen` from `catalog.toml` and `avro/`: edit those.

use std::sync::LazyLock;
use serde::{Deserialize, Serialize};
use crate::event::{Compatibility, Event, EventType, KeySpec, Origin, Primitive, Version};
use crate::key::{Key, OrderKey};
use crate::writer::WriterSchema;
use super::topics;
pub mod v1_0;

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

/// A license was assigned to a learner.
///
/// `coursebus.subscription.license.assigned.v1` on the topic `subscription-license-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LicenseAssigned {
    /// The license after the event.
    pub license: LicenseData,
}

impl Event for LicenseAssigned {
    const TYPE: &'static EventType = &LICENSE_ASSIGNED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.license.license_uuid)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.license.license_uuid));
    }
}

/// A learner activated a license.
///
/// `coursebus.subscription.license.activated.v1` on the topic `subscription-license-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LicenseActivated {
    /// The license after the event.
    pub license: LicenseData,
}

impl Event for LicenseActivated {
    const TYPE: &'static EventType = &LICENSE_ACTIVATED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.license.license_uuid)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.license.license_uuid));
    }
}

/// A license was renewed: it expires later.
///
/// `coursebus.subscription.license.renewed.v1` on the topic `subscription-license-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LicenseRenewed {
    /// The license after the event.
    pub license: LicenseData,
}

impl Event for LicenseRenewed {
    const TYPE: &'static EventType = &LICENSE_RENEWED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.license.license_uuid)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.license.license_uuid));
    }
}

/// A license has expired.
///
/// `coursebus.subscription.license.expired.v1` on the topic `subscription-license-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LicenseExpired {
    /// The license after the event.
    pub license: LicenseData,
}

impl Event for LicenseExpired {
    const TYPE: &'static EventType = &LICENSE_EXPIRED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.license.license_uuid)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.license.license_uuid));
    }
}

/// A license was taken back.
///
/// `coursebus.subscription.license.revoked.v1` on the topic `subscription-license-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LicenseRevoked {
    /// The license after the event.
    pub license: LicenseData,
}

impl Event for LicenseRevoked {
    const TYPE: &'static EventType = &LICENSE_REVOKED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.license.license_uuid)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.license.license_uuid));
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
    /// The customer who bought the plan; null when there is none.
    #[serde(default)]
    pub enterprise_customer_uuid: Option<String>,
    /// Licenses are assigned to learners of the customer without being asked for.
    #[serde(default)]
    pub auto_applies_licenses: bool,
}

/// A license of a subscription plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LicenseData {
    /// The license's UUID.
    pub license_uuid: String,
    /// The UUID of the plan that the license belongs to.
    pub plan_uuid: String,
    /// The LMS user id of the learner who holds the license; null while nobody does. Always there when a license is assigned or activated.
    #[serde(default)]
    pub user_id: Option<i64>,
    /// The status after the event: unassigned, assigned, activated, expired or revoked.
    pub status: String,
    /// When the license expires, RFC 3339.
    pub expires: String,
}

const PLAN_CREATED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"A subscription plan was created.\",\"fields\":[{\"name\":\"plan\",\"type\":{\"name\":\"PlanData\",\"type\":\"record\",\"doc\":\"A subscription plan.\",\"fields\":[{\"name\":\"plan_uuid\",\"type\":\"string\",\"doc\":\"The plan's UUID.\"},{\"name\":\"title\",\"type\":\"string\",\"doc\":\"The title that administrators see.\"},{\"name\":\"starts\",\"type\":\"string\",\"doc\":\"When the plan starts, RFC 3339.\"},{\"name\":\"expires\",\"type\":\"string\",\"doc\":\"When the plan expires, RFC 3339.\"}]},\"doc\":\"The plan after the event.\"}],\"namespace\":\"coursebus.subscription.plan.created.v1\"}";
const PLAN_CREATED_1_1: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"A subscription plan was created.\",\"fields\":[{\"name\":\"plan\",\"type\":{\"name\":\"PlanData\",\"type\":\"record\",\"doc\":\"A subscription plan.\",\"fields\":[{\"name\":\"plan_uuid\",\"type\":\"string\",\"doc\":\"The plan's UUID.\"},{\"name\":\"title\",\"type\":\"string\",\"doc\":\"The title that administrators see.\"},{\"name\":\"starts\",\"type\":\"string\",\"doc\":\"When the plan starts, RFC 3339.\"},{\"name\":\"expires\",\"type\":\"string\",\"doc\":\"When the plan expires, RFC 3339.\"},{\"name\":\"enterprise_customer_uuid\",\"type\":[\"null\",\"string\"],\"doc\":\"The customer who bought the plan; null when there is none.\",\"default\":null},{\"name\":\"auto_applies_licenses\",\"type\":\"boolean\",\"doc\":\"Licenses are assigned to learners of the customer without being asked for.\",\"default\":false}]},\"doc\":\"The plan after the event.\"}],\"namespace\":\"coursebus.subscription.plan.created.v1\"}";

pub(super) static PLAN_CREATED: EventType = EventType {
    name: "coursebus.subscription.plan.created.v1",
    owner: "license_manager",
    origin: Origin::Coursebus,
    topic: &topics::SUBSCRIPTION_PLAN_LIFECYCLE,
    major: 1,
    minor: 1,
    schema: PLAN_CREATED_1_1,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: PLAN_CREATED_1_0,
        },
        Version {
            major: 1,
            minor: 1,
            schema: PLAN_CREATED_1_1,
        },
    ],
    key: KeySpec {
        path: &["plan", "plan_uuid"],
        schema: "{\"name\":\"plan_uuid\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["plan", "plan_uuid"]],
    compatibility: Compatibility::FullTransitive,
    personal_data: &[],
    description: "A subscription plan was created.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            PLAN_CREATED_1_1,
        ));
        &WRITER
    },
};

const PLAN_EXPIRED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"A subscription plan has expired.\",\"fields\":[{\"name\":\"plan\",\"type\":{\"name\":\"PlanData\",\"type\":\"record\",\"doc\":\"A subscription plan.\",\"fields\":[{\"name\":\"plan_uuid\",\"type\":\"string\",\"doc\":\"The plan's UUID.\"},{\"name\":\"title\",\"type\":\"string\",\"doc\":\"The title that administrators see.\"},{\"name\":\"starts\",\"type\":\"string\",\"doc\":\"When the plan starts, RFC 3339.\"},{\"name\":\"expires\",\"type\":\"string\",\"doc\":\"When the plan expires, RFC 3339.\"}]},\"doc\":\"The plan after the event.\"}],\"namespace\":\"coursebus.subscription.plan.expired.v1\"}";
const PLAN_EXPIRED_1_1: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"A subscription plan has expired.\",\"fields\":[{\"name\":\"plan\",\"type\":{\"name\":\"PlanData\",\"type\":\"record\",\"doc\":\"A subscription plan.\",\"fields\":[{\"name\":\"plan_uuid\",\"type\":\"string\",\"doc\":\"The plan's UUID.\"},{\"name\":\"title\",\"type\":\"string\",\"doc\":\"The title that administrators see.\"},{\"name\":\"starts\",\"type\":\"string\",\"doc\":\"When the plan starts, RFC 3339.\"},{\"name\":\"expires\",\"type\":\"string\",\"doc\":\"When the plan expires, RFC 3339.\"},{\"name\":\"enterprise_customer_uuid\",\"type\":[\"null\",\"string\"],\"doc\":\"The customer who bought the plan; null when there is none.\",\"default\":null},{\"name\":\"auto_applies_licenses\",\"type\":\"boolean\",\"doc\":\"Licenses are assigned to learners of the customer without being asked for.\",\"default\":false}]},\"doc\":\"The plan after the event.\"}],\"namespace\":\"coursebus.subscription.plan.expired.v1\"}";

pub(super) static PLAN_EXPIRED: EventType = EventType {
    name: "coursebus.subscription.plan.expired.v1",
    owner: "license_manager",
    origin: Origin::Coursebus,
    topic: &topics::SUBSCRIPTION_PLAN_LIFECYCLE,
    major: 1,
    minor: 1,
    schema: PLAN_EXPIRED_1_1,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: PLAN_EXPIRED_1_0,
        },
        Version {
            major: 1,
            minor: 1,
            schema: PLAN_EXPIRED_1_1,
        },
    ],
    key: KeySpec {
        path: &["plan", "plan_uuid"],
        schema: "{\"name\":\"plan_uuid\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["plan", "plan_uuid"]],
    compatibility: Compatibility::FullTransitive,
    personal_data: &[],
    description: "A subscription plan has expired.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            PLAN_EXPIRED_1_1,
        ));
        &WRITER
    },
};

const LICENSE_ASSIGNED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"A license was assigned to a learner.\",\"fields\":[{\"name\":\"license\",\"type\":{\"name\":\"LicenseData\",\"type\":\"record\",\"doc\":\"A license of a subscription plan.\",\"fields\":[{\"name\":\"license_uuid\",\"type\":\"string\",\"doc\":\"The license's UUID.\"},{\"name\":\"plan_uuid\",\"type\":\"string\",\"doc\":\"The UUID of the plan that the license belongs to.\"},{\"name\":\"user_id\",\"type\":[\"null\",\"long\"],\"doc\":\"The LMS user id of the learner who holds the license; null while nobody does. Always there when a license is assigned or activated.\",\"default\":null},{\"name\":\"status\",\"type\":\"string\",\"doc\":\"The status after the event: unassigned, assigned, activated, expired or revoked.\"},{\"name\":\"expires\",\"type\":\"string\",\"doc\":\"When the license expires, RFC 3339.\"}]},\"doc\":\"The license after the event.\"}],\"namespace\":\"coursebus.subscription.license.assigned.v1\"}";

pub(super) static LICENSE_ASSIGNED: EventType = EventType {
    name: "coursebus.subscription.license.assigned.v1",
    owner: "license_manager",
    origin: Origin::Coursebus,
    topic: &topics::SUBSCRIPTION_LICENSE_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: LICENSE_ASSIGNED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: LICENSE_ASSIGNED_1_0,
        },
    ],
    key: KeySpec {
        path: &["license", "license_uuid"],
        schema: "{\"name\":\"license_uuid\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["license", "license_uuid"]],
    compatibility: Compatibility::FullTransitive,
    personal_data: &[],
    description: "A license was assigned to a learner.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            LICENSE_ASSIGNED_1_0,
        ));
        &WRITER
    },
};

const LICENSE_ACTIVATED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"A learner activated a license.\",\"fields\":[{\"name\":\"license\",\"type\":{\"name\":\"LicenseData\",\"type\":\"record\",\"doc\":\"A license of a subscription plan.\",\"fields\":[{\"name\":\"license_uuid\",\"type\":\"string\",\"doc\":\"The license's UUID.\"},{\"name\":\"plan_uuid\",\"type\":\"string\",\"doc\":\"The UUID of the plan that the license belongs to.\"},{\"name\":\"user_id\",\"type\":[\"null\",\"long\"],\"doc\":\"The LMS user id of the learner who holds the license; null while nobody does. Always there when a license is assigned or activated.\",\"default\":null},{\"name\":\"status\",\"type\":\"string\",\"doc\":\"The status after the event: unassigned, assigned, activated, expired or revoked.\"},{\"name\":\"expires\",\"type\":\"string\",\"doc\":\"When the license expires, RFC 3339.\"}]},\"doc\":\"The license after the event.\"}],\"namespace\":\"coursebus.subscription.license.activated.v1\"}";

pub(super) static LICENSE_ACTIVATED: EventType = EventType {
    name: "coursebus.subscription.license.activated.v1",
    owner: "license_manager",
    origin: Origin::Coursebus,
    topic: &topics::SUBSCRIPTION_LICENSE_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: LICENSE_ACTIVATED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: LICENSE_ACTIVATED_1_0,
        },
    ],
    key: KeySpec {
        path: &["license", "license_uuid"],
        schema: "{\"name\":\"license_uuid\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["license", "license_uuid"]],
    compatibility: Compatibility::FullTransitive,
    personal_data: &[],
    description: "A learner activated a license.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            LICENSE_ACTIVATED_1_0,
        ));
        &WRITER
    },
};

const LICENSE_RENEWED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"A license was renewed: it expires later.\",\"fields\":[{\"name\":\"license\",\"type\":{\"name\":\"LicenseData\",\"type\":\"record\",\"doc\":\"A license of a subscription plan.\",\"fields\":[{\"name\":\"license_uuid\",\"type\":\"string\",\"doc\":\"The license's UUID.\"},{\"name\":\"plan_uuid\",\"type\":\"string\",\"doc\":\"The UUID of the plan that the license belongs to.\"},{\"name\":\"user_id\",\"type\":[\"null\",\"long\"],\"doc\":\"The LMS user id of the learner who holds the license; null while nobody does. Always there when a license is assigned or activated.\",\"default\":null},{\"name\":\"status\",\"type\":\"string\",\"doc\":\"The status after the event: unassigned, assigned, activated, expired or revoked.\"},{\"name\":\"expires\",\"type\":\"string\",\"doc\":\"When the license expires, RFC 3339.\"}]},\"doc\":\"The license after the event.\"}],\"namespace\":\"coursebus.subscription.license.renewed.v1\"}";

pub(super) static LICENSE_RENEWED: EventType = EventType {
    name: "coursebus.subscription.license.renewed.v1",
    owner: "license_manager",
    origin: Origin::Coursebus,
    topic: &topics::SUBSCRIPTION_LICENSE_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: LICENSE_RENEWED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: LICENSE_RENEWED_1_0,
        },
    ],
    key: KeySpec {
        path: &["license", "license_uuid"],
        schema: "{\"name\":\"license_uuid\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["license", "license_uuid"]],
    compatibility: Compatibility::FullTransitive,
    personal_data: &[],
    description: "A license was renewed: it expires later.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            LICENSE_RENEWED_1_0,
        ));
        &WRITER
    },
};

const LICENSE_EXPIRED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"A license has expired.\",\"fields\":[{\"name\":\"license\",\"type\":{\"name\":\"LicenseData\",\"type\":\"record\",\"doc\":\"A license of a subscription plan.\",\"fields\":[{\"name\":\"license_uuid\",\"type\":\"string\",\"doc\":\"The license's UUID.\"},{\"name\":\"plan_uuid\",\"type\":\"string\",\"doc\":\"The UUID of the plan that the license belongs to.\"},{\"name\":\"user_id\",\"type\":[\"null\",\"long\"],\"doc\":\"The LMS user id of the learner who holds the license; null while nobody does. Always there when a license is assigned or activated.\",\"default\":null},{\"name\":\"status\",\"type\":\"string\",\"doc\":\"The status after the event: unassigned, assigned, activated, expired or revoked.\"},{\"name\":\"expires\",\"type\":\"string\",\"doc\":\"When the license expires, RFC 3339.\"}]},\"doc\":\"The license after the event.\"}],\"namespace\":\"coursebus.subscription.license.expired.v1\"}";

pub(super) static LICENSE_EXPIRED: EventType = EventType {
    name: "coursebus.subscription.license.expired.v1",
    owner: "license_manager",
    origin: Origin::Coursebus,
    topic: &topics::SUBSCRIPTION_LICENSE_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: LICENSE_EXPIRED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: LICENSE_EXPIRED_1_0,
        },
    ],
    key: KeySpec {
        path: &["license", "license_uuid"],
        schema: "{\"name\":\"license_uuid\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["license", "license_uuid"]],
    compatibility: Compatibility::FullTransitive,
    personal_data: &[],
    description: "A license has expired.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            LICENSE_EXPIRED_1_0,
        ));
        &WRITER
    },
};

const LICENSE_REVOKED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"A license was taken back.\",\"fields\":[{\"name\":\"license\",\"type\":{\"name\":\"LicenseData\",\"type\":\"record\",\"doc\":\"A license of a subscription plan.\",\"fields\":[{\"name\":\"license_uuid\",\"type\":\"string\",\"doc\":\"The license's UUID.\"},{\"name\":\"plan_uuid\",\"type\":\"string\",\"doc\":\"The UUID of the plan that the license belongs to.\"},{\"name\":\"user_id\",\"type\":[\"null\",\"long\"],\"doc\":\"The LMS user id of the learner who holds the license; null while nobody does. Always there when a license is assigned or activated.\",\"default\":null},{\"name\":\"status\",\"type\":\"string\",\"doc\":\"The status after the event: unassigned, assigned, activated, expired or revoked.\"},{\"name\":\"expires\",\"type\":\"string\",\"doc\":\"When the license expires, RFC 3339.\"}]},\"doc\":\"The license after the event.\"}],\"namespace\":\"coursebus.subscription.license.revoked.v1\"}";

pub(super) static LICENSE_REVOKED: EventType = EventType {
    name: "coursebus.subscription.license.revoked.v1",
    owner: "license_manager",
    origin: Origin::Coursebus,
    topic: &topics::SUBSCRIPTION_LICENSE_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: LICENSE_REVOKED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: LICENSE_REVOKED_1_0,
        },
    ],
    key: KeySpec {
        path: &["license", "license_uuid"],
        schema: "{\"name\":\"license_uuid\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["license", "license_uuid"]],
    compatibility: Compatibility::FullTransitive,
    personal_data: &[],
    description: "A license was taken back.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            LICENSE_REVOKED_1_0,
        ));
        &WRITER
    },
};
