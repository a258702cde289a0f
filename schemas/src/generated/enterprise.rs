//! Events of the domain `enterprise`.
//!
//! Written by `cargo xtask codegen` from `catalog.toml` and `avro/`: edit those.

use std::sync::LazyLock;
use serde::{Deserialize, Serialize};
use crate::event::{Compatibility, Event, EventType, KeySpec, Origin, Primitive, Version};
use crate::key::{Key, OrderKey};
use crate::writer::WriterSchema;
use super::topics;

/// A transaction was entered in the ledger of a subsidy.
///
/// `org.openedx.enterprise.subsidy_ledger_transaction.created.v1` on the topic `enterprise-subsidies-ledger-transaction-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubsidyLedgerTransactionCreated {
    /// A transaction in the ledger of a subsidy.
    pub ledger_transaction: LedgerTransaction,
}

impl Event for SubsidyLedgerTransactionCreated {
    const TYPE: &'static EventType = &SUBSIDY_LEDGER_TRANSACTION_CREATED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.ledger_transaction.uuid)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.ledger_transaction.uuid));
    }
}

/// Something was added to a customer's catalog.
///
/// `coursebus.enterprise.catalog_membership.added.v1` on the topic `enterprise-catalog-membership-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CatalogMembershipAdded {
    /// What was added.
    pub membership: CatalogMembershipData,
}

impl Event for CatalogMembershipAdded {
    const TYPE: &'static EventType = &CATALOG_MEMBERSHIP_ADDED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.membership.catalog_uuid)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.membership.catalog_uuid));
        out.push(Key::Str(&self.membership.content_key));
    }
}

/// Something was taken out of a customer's catalog.
///
/// `coursebus.enterprise.catalog_membership.removed.v1` on the topic `enterprise-catalog-membership-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CatalogMembershipRemoved {
    /// What was taken out.
    pub membership: CatalogMembershipData,
}

impl Event for CatalogMembershipRemoved {
    const TYPE: &'static EventType = &CATALOG_MEMBERSHIP_REMOVED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.membership.catalog_uuid)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.membership.catalog_uuid));
        out.push(Key::Str(&self.membership.content_key));
    }
}

/// A transaction in the ledger of a subsidy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LedgerTransaction {
    /// The transaction's UUID.
    pub uuid: String,
    /// When it was entered, RFC 3339.
    pub created: String,
    /// When it was last changed, RFC 3339.
    pub modified: String,
    /// The key under which it is entered once.
    pub idempotency_key: String,
    /// The amount, in the ledger's unit; negative when spent.
    pub quantity: i64,
    /// The state: `created`, `pending`, `committed`, `failed`.
    pub state: String,
    /// The ledger.
    pub ledger_uuid: String,
    /// The policy that allowed it.
    pub subsidy_access_policy_uuid: String,
    /// The LMS user id of the learner.
    pub lms_user_id: i64,
    /// The key of what was paid for.
    pub content_key: String,
    /// The key of the course that the content is a run of.
    #[serde(default)]
    pub parent_content_key: Option<String>,
    /// The fulfilment on the other side.
    #[serde(default)]
    pub fulfillment_identifier: Option<String>,
    /// The transaction that takes it back.
    #[serde(default)]
    pub reversal: Option<LedgerTransactionReversal>,
}

/// A transaction that takes another back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LedgerTransactionReversal {
    /// The reversal's UUID.
    pub uuid: String,
    /// When it was entered, RFC 3339.
    pub created: String,
    /// When it was last changed, RFC 3339.
    pub modified: String,
    /// The key under which it is entered once.
    pub idempotency_key: String,
    /// The amount, in the ledger's unit.
    pub quantity: i64,
    /// The state.
    pub state: String,
}

/// Something that is in a customer's catalog.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CatalogMembershipData {
    /// The catalog's UUID.
    pub catalog_uuid: String,
    /// The customer's UUID.
    pub enterprise_customer_uuid: String,
    /// What it is: a course's or a run's key, a program's UUID.
    pub content_key: String,
    /// What kind it is: course, course_run or program.
    pub content_type: String,
}

const SUBSIDY_LEDGER_TRANSACTION_CREATED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"Avro Event Format for CloudEvents created with openedx_events/schema\",\"fields\":[{\"name\":\"ledger_transaction\",\"type\":{\"name\":\"LedgerTransaction\",\"type\":\"record\",\"fields\":[{\"name\":\"uuid\",\"type\":\"string\"},{\"name\":\"created\",\"type\":\"string\"},{\"name\":\"modified\",\"type\":\"string\"},{\"name\":\"idempotency_key\",\"type\":\"string\"},{\"name\":\"quantity\",\"type\":\"long\"},{\"name\":\"state\",\"type\":\"string\"},{\"name\":\"ledger_uuid\",\"type\":\"string\"},{\"name\":\"subsidy_access_policy_uuid\",\"type\":\"string\"},{\"name\":\"lms_user_id\",\"type\":\"long\"},{\"name\":\"content_key\",\"type\":\"string\"},{\"name\":\"parent_content_key\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"fulfillment_identifier\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"reversal\",\"type\":[\"null\",{\"name\":\"LedgerTransactionReversal\",\"type\":\"record\",\"fields\":[{\"name\":\"uuid\",\"type\":\"string\"},{\"name\":\"created\",\"type\":\"string\"},{\"name\":\"modified\",\"type\":\"string\"},{\"name\":\"idempotency_key\",\"type\":\"string\"},{\"name\":\"quantity\",\"type\":\"long\"},{\"name\":\"state\",\"type\":\"string\"}]}],\"default\":null}]}}],\"namespace\":\"org.openedx.enterprise.subsidy_ledger_transaction.created.v1\"}";

pub(super) static SUBSIDY_LEDGER_TRANSACTION_CREATED: EventType = EventType {
    name: "org.openedx.enterprise.subsidy_ledger_transaction.created.v1",
    owner: "enterprise-subsidy",
    origin: Origin::OpenEdx,
    topic: &topics::ENTERPRISE_SUBSIDIES_LEDGER_TRANSACTION_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: SUBSIDY_LEDGER_TRANSACTION_CREATED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: SUBSIDY_LEDGER_TRANSACTION_CREATED_1_0,
        },
    ],
    key: KeySpec {
        path: &["ledger_transaction", "uuid"],
        schema: "{\"name\":\"uuid\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["ledger_transaction", "uuid"]],
    compatibility: Compatibility::Backward,
    personal_data: &[],
    description: "A transaction was entered in the ledger of a subsidy.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            SUBSIDY_LEDGER_TRANSACTION_CREATED_1_0,
        ));
        &WRITER
    },
};

const CATALOG_MEMBERSHIP_ADDED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"Something was added to a customer's catalog.\",\"fields\":[{\"name\":\"membership\",\"type\":{\"name\":\"CatalogMembershipData\",\"type\":\"record\",\"doc\":\"Something that is in a customer's catalog.\",\"fields\":[{\"name\":\"catalog_uuid\",\"type\":\"string\",\"doc\":\"The catalog's UUID.\"},{\"name\":\"enterprise_customer_uuid\",\"type\":\"string\",\"doc\":\"The customer's UUID.\"},{\"name\":\"content_key\",\"type\":\"string\",\"doc\":\"What it is: a course's or a run's key, a program's UUID.\"},{\"name\":\"content_type\",\"type\":\"string\",\"doc\":\"What kind it is: course, course_run or program.\"}]},\"doc\":\"What was added.\"}],\"namespace\":\"coursebus.enterprise.catalog_membership.added.v1\"}";

pub(super) static CATALOG_MEMBERSHIP_ADDED: EventType = EventType {
    name: "coursebus.enterprise.catalog_membership.added.v1",
    owner: "catalog_manager",
    origin: Origin::Coursebus,
    topic: &topics::ENTERPRISE_CATALOG_MEMBERSHIP_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: CATALOG_MEMBERSHIP_ADDED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: CATALOG_MEMBERSHIP_ADDED_1_0,
        },
    ],
    key: KeySpec {
        path: &["membership", "catalog_uuid"],
        schema: "{\"name\":\"catalog_uuid\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["membership", "catalog_uuid"], &["membership", "content_key"]],
    compatibility: Compatibility::FullTransitive,
    personal_data: &[],
    description: "Something was added to a customer's catalog.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            CATALOG_MEMBERSHIP_ADDED_1_0,
        ));
        &WRITER
    },
};

const CATALOG_MEMBERSHIP_REMOVED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"Something was taken out of a customer's catalog.\",\"fields\":[{\"name\":\"membership\",\"type\":{\"name\":\"CatalogMembershipData\",\"type\":\"record\",\"doc\":\"Something that is in a customer's catalog.\",\"fields\":[{\"name\":\"catalog_uuid\",\"type\":\"string\",\"doc\":\"The catalog's UUID.\"},{\"name\":\"enterprise_customer_uuid\",\"type\":\"string\",\"doc\":\"The customer's UUID.\"},{\"name\":\"content_key\",\"type\":\"string\",\"doc\":\"What it is: a course's or a run's key, a program's UUID.\"},{\"name\":\"content_type\",\"type\":\"string\",\"doc\":\"What kind it is: course, course_run or program.\"}]},\"doc\":\"What was taken out.\"}],\"namespace\":\"coursebus.enterprise.catalog_membership.removed.v1\"}";

pub(super) static CATALOG_MEMBERSHIP_REMOVED: EventType = EventType {
    name: "coursebus.enterprise.catalog_membership.removed.v1",
    owner: "catalog_manager",
    origin: Origin::Coursebus,
    topic: &topics::ENTERPRISE_CATALOG_MEMBERSHIP_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: CATALOG_MEMBERSHIP_REMOVED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: CATALOG_MEMBERSHIP_REMOVED_1_0,
        },
    ],
    key: KeySpec {
        path: &["membership", "catalog_uuid"],
        schema: "{\"name\":\"catalog_uuid\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["membership", "catalog_uuid"], &["membership", "content_key"]],
    compatibility: Compatibility::FullTransitive,
    personal_data: &[],
    description: "Something was taken out of a customer's catalog.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            CATALOG_MEMBERSHIP_REMOVED_1_0,
        ));
        &WRITER
    },
};
