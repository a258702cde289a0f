//! Events of the domain `exams`.
//!
//! Written by `cargo xtask codegen` from `catalog.toml` and `avro/`: edit those.

use std::sync::LazyLock;
use serde::{Deserialize, Serialize};
use crate::event::{Compatibility, Event, EventType, KeySpec, Origin, Primitive, Version};
use crate::key::{Key, OrderKey};
use crate::writer::WriterSchema;
use super::topics;

/// An attempt at an exam was reviewed, or reviewed again.
///
/// `coursebus.exams.attempt.reviewed.v1` on the topic `learning-exam-attempt-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptReviewed {
    /// The attempt with the review's outcome.
    pub attempt: AttemptReviewData,
}

impl Event for AttemptReviewed {
    const TYPE: &'static EventType = &ATTEMPT_REVIEWED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.attempt.course_key)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.attempt.course_key));
        out.push(Key::Str(&self.attempt.usage_key));
        out.push(Key::Long(self.attempt.user_id));
    }
}

/// What a review made of an attempt at an exam.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptReviewData {
    /// The key of the run, for instance course-v1:edX+DemoX+2026_T1.
    pub course_key: String,
    /// The key of the block that holds the exam.
    pub usage_key: String,
    /// The LMS user id of the learner.
    pub user_id: i64,
    /// The attempt's number at the exams service.
    pub attempt_id: i64,
    /// The kind of exam: proctored, timed, …
    pub exam_type: String,
    /// What it came to: verified, rejected or errored.
    pub outcome: String,
    /// The points that count; null: those that the learner scored.
    #[serde(default)]
    pub earned: Option<f64>,
    /// The points that could be had; null where earned is.
    #[serde(default)]
    pub possible: Option<f64>,
    /// Credit is given on it.
    #[serde(default)]
    pub counts_for_credit: bool,
    /// Why, as a code: suspicious, …; empty: none.
    #[serde(default)]
    pub reason: String,
}

const ATTEMPT_REVIEWED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"An attempt at an exam was reviewed, or reviewed again.\",\"fields\":[{\"name\":\"attempt\",\"type\":{\"name\":\"AttemptReviewData\",\"type\":\"record\",\"doc\":\"What a review made of an attempt at an exam.\",\"fields\":[{\"name\":\"course_key\",\"type\":\"string\",\"doc\":\"The key of the run, for instance course-v1:edX+DemoX+2026_T1.\"},{\"name\":\"usage_key\",\"type\":\"string\",\"doc\":\"The key of the block that holds the exam.\"},{\"name\":\"user_id\",\"type\":\"long\",\"doc\":\"The LMS user id of the learner.\"},{\"name\":\"attempt_id\",\"type\":\"long\",\"doc\":\"The attempt's number at the exams service.\"},{\"name\":\"exam_type\",\"type\":\"string\",\"doc\":\"The kind of exam: proctored, timed, …\"},{\"name\":\"outcome\",\"type\":\"string\",\"doc\":\"What it came to: verified, rejected or errored.\"},{\"name\":\"earned\",\"type\":[\"null\",\"double\"],\"doc\":\"The points that count; null: those that the learner scored.\",\"default\":null},{\"name\":\"possible\",\"type\":[\"null\",\"double\"],\"doc\":\"The points that could be had; null where earned is.\",\"default\":null},{\"name\":\"counts_for_credit\",\"type\":\"boolean\",\"doc\":\"Credit is given on it.\",\"default\":false},{\"name\":\"reason\",\"type\":\"string\",\"doc\":\"Why, as a code: suspicious, …; empty: none.\",\"default\":\"\"}]},\"doc\":\"The attempt with the review's outcome.\"}],\"namespace\":\"coursebus.exams.attempt.reviewed.v1\"}";

pub(super) static ATTEMPT_REVIEWED: EventType = EventType {
    name: "coursebus.exams.attempt.reviewed.v1",
    owner: "exams",
    origin: Origin::Coursebus,
    topic: &topics::LEARNING_EXAM_ATTEMPT_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: ATTEMPT_REVIEWED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: ATTEMPT_REVIEWED_1_0,
        },
    ],
    key: KeySpec {
        path: &["attempt", "course_key"],
        schema: "{\"name\":\"course_key\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[
        &["attempt", "course_key"],
        &["attempt", "usage_key"],
        &["attempt", "user_id"],
    ],
    compatibility: Compatibility::FullTransitive,
    personal_data: &[],
    description: "An attempt at an exam was reviewed, or reviewed again.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            ATTEMPT_REVIEWED_1_0,
        ));
        &WRITER
    },
};
