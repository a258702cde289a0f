//! The event types of the catalogue.
//!
//! Written by `cargo xtask codegen` from `catalog.toml` and `avro/`: edit those.

pub mod authoring;
pub mod authz;
pub mod commerce;
pub mod content_authoring;
pub mod discovery;
pub mod enterprise;
pub mod exams;
pub mod learning;
pub mod publication;
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
    &learning::EXAM_ATTEMPT_SUBMITTED,
    &learning::EXAM_ATTEMPT_REJECTED,
    &learning::EXAM_ATTEMPT_ERRORED,
    &learning::EXAM_ATTEMPT_RESET,
    &learning::FORUM_THREAD_RESPONSE_CREATED,
    &learning::FORUM_THREAD_RESPONSE_COMMENT_CREATED,
    &learning::USER_COURSE_ACCESS_ROLE_ADDED,
    &learning::USER_COURSE_ACCESS_ROLE_REMOVED,
    &learning::PROGRAM_CERTIFICATE_AWARDED,
    &learning::PROGRAM_CERTIFICATE_REVOKED,
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
    &authoring::COURSE_RUN_CHANGED,
    &authoring::COURSE_RUN_DELETED,
    &authoring::COURSE_ABOUT_CHANGED,
    &authoring::COURSE_STAFF_CHANGED,
    &learning::COURSE_OVERVIEW_CHANGED,
    &learning::LICENSED_ENROLLMENT_CREATED,
    &learning::CREDIT_REQUIREMENT_CHANGED,
    &learning::COMPLETION_CHANGED,
    &learning::PAGE_VISITED,
    &learning::PROGRAM_INTENT_DETECTED,
    &learning::PROGRAM_INTENT_RETRACTED,
    &exams::ATTEMPT_REVIEWED,
    &commerce::SEAT_CHANGED,
    &commerce::SEAT_WITHDRAWN,
    &commerce::FULFILLMENT_COMPLETED,
    &commerce::FULFILLMENT_REVOKED,
    &discovery::COURSE_CHANGED,
    &discovery::COURSE_DELETED,
    &discovery::COURSE_RUN_CHANGED,
    &discovery::COURSE_RUN_DELETED,
    &discovery::PROGRAM_CHANGED,
    &discovery::PROGRAM_DELETED,
    &publication::COURSE_RUN_PUBLISHED,
    &publication::METADATA_EDITED,
    &publication::CMS_ANSWERED,
    &publication::LMS_ANSWERED,
    &publication::ENTERPRISE_ANSWERED,
    &enterprise::CATALOG_MEMBERSHIP_ADDED,
    &enterprise::CATALOG_MEMBERSHIP_REMOVED,
];

pub(crate) static TOPICS: &[&Topic] = &[
    &topics::AUTHZ_ROLE_LIFECYCLE,
    &topics::COMMERCE_FULFILLMENT_LIFECYCLE,
    &topics::COMMERCE_SEAT_LIFECYCLE,
    &topics::COURSE_AUTHORING_COURSE_LIFECYCLE,
    &topics::COURSE_AUTHORING_XBLOCK_LIFECYCLE,
    &topics::COURSE_CATALOG_INFO_CHANGED,
    &topics::COURSE_ENROLLMENT_LIFECYCLE,
    &topics::COURSE_RUN_LIFECYCLE,
    &topics::DISCOVERY_COURSE_LIFECYCLE,
    &topics::DISCOVERY_COURSE_RUN_LIFECYCLE,
    &topics::DISCOVERY_PROGRAM_LIFECYCLE,
    &topics::ENTERPRISE_CATALOG_MEMBERSHIP_LIFECYCLE,
    &topics::ENTERPRISE_SUBSIDIES_LEDGER_TRANSACTION_LIFECYCLE,
    &topics::LEARNING_BADGES_LIFECYCLE,
    &topics::LEARNING_CERTIFICATE_LIFECYCLE,
    &topics::LEARNING_COMPLETION_LIFECYCLE,
    &topics::LEARNING_COURSE_ACCESS_ROLE_LIFECYCLE,
    &topics::LEARNING_COURSE_OVERVIEW_LIFECYCLE,
    &topics::LEARNING_CREDIT_LIFECYCLE,
    &topics::LEARNING_EXAM_ATTEMPT_LIFECYCLE,
    &topics::LEARNING_FORUM_LIFECYCLE,
    &topics::LEARNING_GRADE_LIFECYCLE,
    &topics::LEARNING_LICENSED_ENROLLMENT_LIFECYCLE,
    &topics::LEARNING_NOTIFICATION_REQUESTS,
    &topics::LEARNING_PAGE_VISITS,
    &topics::LEARNING_PROGRAM_CERTIFICATE_LIFECYCLE,
    &topics::LEARNING_PROGRAM_INTENT_LIFECYCLE,
    &topics::PUBLICATION_ANSWERS,
    &topics::PUBLICATION_REQUESTS,
    &topics::SUBSCRIPTION_LICENSE_LIFECYCLE,
    &topics::SUBSCRIPTION_PLAN_LIFECYCLE,
];
