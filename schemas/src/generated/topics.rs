//! The topics of the catalogue.
//!
//! Written by `cargo xtask codegen` from `catalog.toml` and `avro/`: edit those.

use std::time::Duration;
use crate::topic::{Cleanup, Partitioner, Topic};

pub(super) static AUTHZ_ROLE_LIFECYCLE: Topic = Topic {
    name: "authz-role-lifecycle",
    partitions: 4,
    replication: None,
    cleanup: Cleanup::Delete,
    retention: None,
    partitioner: Partitioner::Crc32,
    description: "Roles of users.",
};

pub(super) static COMMERCE_FULFILLMENT_LIFECYCLE: Topic = Topic {
    name: "commerce-fulfillment-lifecycle",
    partitions: 4,
    replication: None,
    cleanup: Cleanup::Delete,
    retention: None,
    partitioner: Partitioner::Murmur2,
    description: "What learners bought, and have.",
};

pub(super) static COMMERCE_SEAT_LIFECYCLE: Topic = Topic {
    name: "commerce-seat-lifecycle",
    partitions: 4,
    replication: None,
    cleanup: Cleanup::Delete,
    retention: None,
    partitioner: Partitioner::Murmur2,
    description: "Seats in course runs, with their prices.",
};

pub(super) static COURSE_AUTHORING_COURSE_LIFECYCLE: Topic = Topic {
    name: "course-authoring-course-lifecycle",
    partitions: 4,
    replication: None,
    cleanup: Cleanup::Delete,
    retention: None,
    partitioner: Partitioner::Crc32,
    description: "Courses in the authoring tool.",
};

pub(super) static COURSE_AUTHORING_XBLOCK_LIFECYCLE: Topic = Topic {
    name: "course-authoring-xblock-lifecycle",
    partitions: 4,
    replication: None,
    cleanup: Cleanup::Delete,
    retention: Some(Duration::from_hours(2160)),
    partitioner: Partitioner::Crc32,
    description: "Blocks of courses in the authoring tool.",
};

pub(super) static COURSE_CATALOG_INFO_CHANGED: Topic = Topic {
    name: "course-catalog-info-changed",
    partitions: 4,
    replication: None,
    cleanup: Cleanup::Delete,
    retention: None,
    partitioner: Partitioner::Crc32,
    description: "What the catalog shows of a course run.",
};

pub(super) static COURSE_ENROLLMENT_LIFECYCLE: Topic = Topic {
    name: "course-enrollment-lifecycle",
    partitions: 4,
    replication: None,
    cleanup: Cleanup::Delete,
    retention: None,
    partitioner: Partitioner::Crc32,
    description: "Enrollments of learners in course runs.",
};

pub(super) static COURSE_RUN_LIFECYCLE: Topic = Topic {
    name: "course-run-lifecycle",
    partitions: 4,
    replication: None,
    cleanup: Cleanup::Delete,
    retention: None,
    partitioner: Partitioner::Murmur2,
    description: "Course runs as their authors define them.",
};

pub(super) static DISCOVERY_COURSE_LIFECYCLE: Topic = Topic {
    name: "discovery-course-lifecycle",
    partitions: 4,
    replication: None,
    cleanup: Cleanup::Delete,
    retention: None,
    partitioner: Partitioner::Murmur2,
    description: "Courses in the catalog.",
};

pub(super) static DISCOVERY_COURSE_RUN_LIFECYCLE: Topic = Topic {
    name: "discovery-course-run-lifecycle",
    partitions: 4,
    replication: None,
    cleanup: Cleanup::Delete,
    retention: None,
    partitioner: Partitioner::Murmur2,
    description: "Course runs in the catalog.",
};

pub(super) static DISCOVERY_PROGRAM_LIFECYCLE: Topic = Topic {
    name: "discovery-program-lifecycle",
    partitions: 4,
    replication: None,
    cleanup: Cleanup::Delete,
    retention: None,
    partitioner: Partitioner::Murmur2,
    description: "Programs in the catalog.",
};

pub(super) static ENTERPRISE_CATALOG_MEMBERSHIP_LIFECYCLE: Topic = Topic {
    name: "enterprise-catalog-membership-lifecycle",
    partitions: 4,
    replication: None,
    cleanup: Cleanup::Delete,
    retention: None,
    partitioner: Partitioner::Murmur2,
    description: "What is in the catalogs of customers.",
};

pub(super) static ENTERPRISE_SUBSIDIES_LEDGER_TRANSACTION_LIFECYCLE: Topic = Topic {
    name: "enterprise-subsidies-ledger-transaction-lifecycle",
    partitions: 4,
    replication: None,
    cleanup: Cleanup::Delete,
    retention: None,
    partitioner: Partitioner::Crc32,
    description: "Transactions in the ledgers of subsidies.",
};

pub(super) static LEARNING_BADGES_LIFECYCLE: Topic = Topic {
    name: "learning-badges-lifecycle",
    partitions: 4,
    replication: None,
    cleanup: Cleanup::Delete,
    retention: None,
    partitioner: Partitioner::Crc32,
    description: "Passing of courses, which badges are given for.",
};

pub(super) static LEARNING_CERTIFICATE_LIFECYCLE: Topic = Topic {
    name: "learning-certificate-lifecycle",
    partitions: 4,
    replication: None,
    cleanup: Cleanup::Delete,
    retention: None,
    partitioner: Partitioner::Crc32,
    description: "Course certificates of learners.",
};

pub(super) static LEARNING_COMPLETION_LIFECYCLE: Topic = Topic {
    name: "learning-completion-lifecycle",
    partitions: 4,
    replication: None,
    cleanup: Cleanup::Delete,
    retention: None,
    partitioner: Partitioner::Murmur2,
    description: "How far learners got with blocks.",
};

pub(super) static LEARNING_COURSE_ACCESS_ROLE_LIFECYCLE: Topic = Topic {
    name: "learning-course-access-role-lifecycle",
    partitions: 4,
    replication: None,
    cleanup: Cleanup::Delete,
    retention: None,
    partitioner: Partitioner::Crc32,
    description: "Roles of users in courses.",
};

pub(super) static LEARNING_COURSE_OVERVIEW_LIFECYCLE: Topic = Topic {
    name: "learning-course-overview-lifecycle",
    partitions: 4,
    replication: None,
    cleanup: Cleanup::Delete,
    retention: None,
    partitioner: Partitioner::Murmur2,
    description: "Course runs as the LMS offers them.",
};

pub(super) static LEARNING_CREDIT_LIFECYCLE: Topic = Topic {
    name: "learning-credit-lifecycle",
    partitions: 4,
    replication: None,
    cleanup: Cleanup::Delete,
    retention: None,
    partitioner: Partitioner::Murmur2,
    description: "Requirements for credit, and which learner meets them.",
};

pub(super) static LEARNING_EXAM_ATTEMPT_LIFECYCLE: Topic = Topic {
    name: "learning-exam-attempt-lifecycle",
    partitions: 4,
    replication: None,
    cleanup: Cleanup::Delete,
    retention: None,
    partitioner: Partitioner::Crc32,
    description: "Attempts at exams.",
};

pub(super) static LEARNING_FORUM_LIFECYCLE: Topic = Topic {
    name: "learning-forum-lifecycle",
    partitions: 4,
    replication: None,
    cleanup: Cleanup::Delete,
    retention: Some(Duration::from_hours(2160)),
    partitioner: Partitioner::Crc32,
    description: "Threads in course forums.",
};

pub(super) static LEARNING_GRADE_LIFECYCLE: Topic = Topic {
    name: "learning-grade-lifecycle",
    partitions: 4,
    replication: None,
    cleanup: Cleanup::Delete,
    retention: None,
    partitioner: Partitioner::Crc32,
    description: "Course grades of learners.",
};

pub(super) static LEARNING_LICENSED_ENROLLMENT_LIFECYCLE: Topic = Topic {
    name: "learning-licensed-enrollment-lifecycle",
    partitions: 4,
    replication: None,
    cleanup: Cleanup::Delete,
    retention: None,
    partitioner: Partitioner::Murmur2,
    description: "Enrollments that licenses pay for: keyed as licenses are, so that both are on partitions of one number.",
};

pub(super) static LEARNING_NOTIFICATION_REQUESTS: Topic = Topic {
    name: "learning-notification-requests",
    partitions: 4,
    replication: None,
    cleanup: Cleanup::Delete,
    retention: Some(Duration::from_hours(720)),
    partitioner: Partitioner::Crc32,
    description: "Requests to notify learners.",
};

pub(super) static LEARNING_PAGE_VISITS: Topic = Topic {
    name: "learning-page-visits",
    partitions: 4,
    replication: None,
    cleanup: Cleanup::Delete,
    retention: Some(Duration::from_hours(2160)),
    partitioner: Partitioner::Murmur2,
    description: "Visits of pages by learners.",
};

pub(super) static LEARNING_PROGRAM_CERTIFICATE_LIFECYCLE: Topic = Topic {
    name: "learning-program-certificate-lifecycle",
    partitions: 4,
    replication: None,
    cleanup: Cleanup::Delete,
    retention: None,
    partitioner: Partitioner::Crc32,
    description: "Program certificates of learners.",
};

pub(super) static LEARNING_PROGRAM_INTENT_LIFECYCLE: Topic = Topic {
    name: "learning-program-intent-lifecycle",
    partitions: 4,
    replication: None,
    cleanup: Cleanup::Delete,
    retention: None,
    partitioner: Partitioner::Murmur2,
    description: "Intents of learners to take programs.",
};

pub(super) static PUBLICATION_ANSWERS: Topic = Topic {
    name: "publication-answers",
    partitions: 4,
    replication: None,
    cleanup: Cleanup::Delete,
    retention: Some(Duration::from_hours(8760)),
    partitioner: Partitioner::Murmur2,
    description: "What the services answer to authors.",
};

pub(super) static PUBLICATION_REQUESTS: Topic = Topic {
    name: "publication-requests",
    partitions: 4,
    replication: None,
    cleanup: Cleanup::Delete,
    retention: Some(Duration::from_hours(8760)),
    partitioner: Partitioner::Murmur2,
    description: "What authors ask the services to follow.",
};

pub(super) static SUBSCRIPTION_LICENSE_LIFECYCLE: Topic = Topic {
    name: "subscription-license-lifecycle",
    partitions: 4,
    replication: None,
    cleanup: Cleanup::Delete,
    retention: None,
    partitioner: Partitioner::Murmur2,
    description: "Licenses of subscription plans.",
};

pub(super) static SUBSCRIPTION_PLAN_LIFECYCLE: Topic = Topic {
    name: "subscription-plan-lifecycle",
    partitions: 4,
    replication: None,
    cleanup: Cleanup::Delete,
    retention: None,
    partitioner: Partitioner::Murmur2,
    description: "Subscription plans.",
};
