//! Events of the domain `authz`.
//!
//! Written by `cargo xtask codegen` from `catalog.toml` and `avro/`: edit those.

use std::sync::LazyLock;
use serde::{Deserialize, Serialize};
use crate::event::{Compatibility, Event, EventType, KeySpec, Origin, Primitive, Version};
use crate::key::{Key, OrderKey};
use crate::writer::WriterSchema;
use super::topics;

/// A role was given to a user.
///
/// `org.openedx.authz.role_assignment.created` on the topic `authz-role-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoleAssignmentCreated {
    /// A role that a user has.
    pub role_assignment: RoleAssignmentData,
}

impl Event for RoleAssignmentCreated {
    const TYPE: &'static EventType = &ROLE_ASSIGNMENT_CREATED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.role_assignment.scope)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.role_assignment.scope));
    }
}

/// A role that a user has.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct RoleAssignmentData {
    /// `created` or `deleted`.
    pub operation: String,
    /// Who has the role, for instance `user^ada`.
    pub subject: String,
    /// The role.
    pub role: String,
    /// What the role is for, for instance a course run.
    pub scope: String,
    /// The LMS user id of who gave the role.
    #[serde(default)]
    pub actor_id: Option<i64>,
}

impl std::fmt::Debug for RoleAssignmentData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RoleAssignmentData")
            .field("operation", &self.operation)
            .field("subject", &format_args!("<personal>"))
            .field("role", &self.role)
            .field("scope", &self.scope)
            .field("actor_id", &self.actor_id)
            .finish()
    }
}

const ROLE_ASSIGNMENT_CREATED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"Avro Event Format for CloudEvents created with openedx_events/schema\",\"fields\":[{\"name\":\"role_assignment\",\"type\":{\"name\":\"RoleAssignmentData\",\"type\":\"record\",\"fields\":[{\"name\":\"operation\",\"type\":\"string\"},{\"name\":\"subject\",\"type\":\"string\"},{\"name\":\"role\",\"type\":\"string\"},{\"name\":\"scope\",\"type\":\"string\"},{\"name\":\"actor_id\",\"type\":[\"null\",\"long\"],\"default\":null}]}}],\"namespace\":\"org.openedx.authz.role_assignment.created\"}";

pub(super) static ROLE_ASSIGNMENT_CREATED: EventType = EventType {
    name: "org.openedx.authz.role_assignment.created",
    owner: "lms",
    origin: Origin::OpenEdx,
    topic: &topics::AUTHZ_ROLE_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: ROLE_ASSIGNMENT_CREATED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: ROLE_ASSIGNMENT_CREATED_1_0,
        },
    ],
    key: KeySpec {
        path: &["role_assignment", "scope"],
        schema: "{\"name\":\"scope\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["role_assignment", "scope"]],
    compatibility: Compatibility::Backward,
    personal_data: &["role_assignment.subject"],
    description: "A role was given to a user.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            ROLE_ASSIGNMENT_CREATED_1_0,
        ));
        &WRITER
    },
};
