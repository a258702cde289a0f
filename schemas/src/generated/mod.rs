//! The event types of the catalogue.
//!
//! Written by `cargo xtask codegen` from `catalog.toml` and `avro/`: edit those.

pub mod authoring;
pub mod authz;
pub mod content_authoring;
pub mod enterprise;
pub mod learning;
pub mod subscription;
mod topics;
use crate::event::EventType;
use crate::topic::Topic;

pub(crate) static EVENTS: &[&EventType] = &[
    &learning::COURSE_ENROLLMENT_CREATED,
    &learning::COURSE_ENROLLMENT_CHANGED,
    &learning::COURSE_UNENROLLMENT_COMPLETED,
    &learning::COURSE_PERSISTENT_GRADE_SUMMARY_CHANGED,
    &learning::CERTIFICATE_CREATED,
    &learning::CERTIFICATE_CHANGED,
    &learning::CERTIFICATE_REVOKED,
    &learning::COURSE_PASSING_STATUS_UPDATED,
    &learning::EXAM_ATTEMPT_VERIFIED,
    &learning::FORUM_THREAD_CREATED,
    &learning::USER_NOTIFICATION_REQUESTED,
    &content_authoring::COURSE_CATALOG_INFO_CHANGED,
    &content_authoring::COURSE_CREATED,
    &content_authoring::XBLOCK_PUBLISHED,
    &enterprise::SUBSIDY_LEDGER_TRANSACTION_CREATED,
    &authz::ROLE_ASSIGNMENT_CREATED,
    &authoring::COURSE_RUN_CREATED,
    &subscription::PLAN_CREATED,
    &subscription::PLAN_EXPIRED,
    &subscription::LICENSE_ASSIGNED,
    &subscription::LICENSE_ACTIVATED,
    &subscription::LICENSE_RENEWED,
    &subscription::LICENSE_EXPIRED,
    &subscription::LICENSE_REVOKED,
];

pub(crate) static TOPICS: &[&Topic] = &[
    &topics::AUTHZ_ROLE_LIFECYCLE,
    &topics::COURSE_AUTHORING_COURSE_LIFECYCLE,
    &topics::COURSE_AUTHORING_XBLOCK_LIFECYCLE,
    &topics::COURSE_CATALOG_INFO_CHANGED,
    &topics::COURSE_ENROLLMENT_LIFECYCLE,
    &topics::COURSE_RUN_LIFECYCLE,
    &topics::ENTERPRISE_SUBSIDIES_LEDGER_TRANSACTION_LIFECYCLE,
    &topics::LEARNING_BADGES_LIFECYCLE,
    &topics::LEARNING_CERTIFICATE_LIFECYCLE,
    &topics::LEARNING_EXAM_ATTEMPT_LIFECYCLE,
    &topics::LEARNING_FORUM_LIFECYCLE,
    &topics::LEARNING_GRADE_LIFECYCLE,
    &topics::LEARNING_NOTIFICATION_REQUESTS,
    &topics::SUBSCRIPTION_LICENSE_LIFECYCLE,
    &topics::SUBSCRIPTION_PLAN_LIFECYCLE,
];
