//! Events of the domain `authoring`.
//!
//! Written by `cargo xtask codegen` from `catalog.toml` and `avro/`: edit those.

use std::sync::LazyLock;
use serde::{Deserialize, Serialize};
use crate::event::{Compatibility, Event, EventType, KeySpec, Origin, Primitive, Version};
use crate::key::{Key, OrderKey};
use crate::writer::WriterSchema;
use super::topics;
pub mod v1_0;

/// A course run was created.
///
/// `coursebus.authoring.course_run.created.v1` on the topic `course-run-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CourseRunCreated {
    /// The run as it was created.
    pub course_run: CourseRunData,
}

impl Event for CourseRunCreated {
    const TYPE: &'static EventType = &COURSE_RUN_CREATED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.course_run.course_key)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.course_run.course_key));
    }
}

/// A course run as its authors define it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CourseRunData {
    /// The key of the run, for instance course-v1:edX+DemoX+2026_T1.
    pub course_key: String,
    /// The organisation part of the key.
    pub org: String,
    /// The course number, the middle part of the key.
    pub course: String,
    /// The run, the last part of the key.
    pub run: String,
    /// The title that learners see.
    pub title: String,
    /// When the run starts, RFC 3339.
    pub start: String,
    /// When the run ends, RFC 3339; null while that is open.
    #[serde(default)]
    pub end: Option<String>,
    /// Who sets the pace: instructor or self.
    pub pacing: String,
    /// When enrollment opens, RFC 3339; null: with the run's creation.
    #[serde(default)]
    pub enrollment_start: Option<String>,
    /// When enrollment closes, RFC 3339; null: with the run's end.
    #[serde(default)]
    pub enrollment_end: Option<String>,
    /// Learners enroll by invitation only.
    #[serde(default)]
    pub invitation_only: bool,
}

const COURSE_RUN_CREATED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"A course run was created.\",\"fields\":[{\"name\":\"course_run\",\"type\":{\"name\":\"CourseRunData\",\"type\":\"record\",\"doc\":\"A course run as its authors define it.\",\"fields\":[{\"name\":\"course_key\",\"type\":\"string\",\"doc\":\"The key of the run, for instance course-v1:edX+DemoX+2026_T1.\"},{\"name\":\"org\",\"type\":\"string\",\"doc\":\"The organisation part of the key.\"},{\"name\":\"course\",\"type\":\"string\",\"doc\":\"The course number, the middle part of the key.\"},{\"name\":\"run\",\"type\":\"string\",\"doc\":\"The run, the last part of the key.\"},{\"name\":\"title\",\"type\":\"string\",\"doc\":\"The title that learners see.\"},{\"name\":\"start\",\"type\":\"string\",\"doc\":\"When the run starts, RFC 3339.\"},{\"name\":\"end\",\"type\":[\"null\",\"string\"],\"doc\":\"When the run ends, RFC 3339; null while that is open.\",\"default\":null},{\"name\":\"pacing\",\"type\":\"string\",\"doc\":\"Who sets the pace: instructor or self.\"}]},\"doc\":\"The run as it was created.\"}],\"namespace\":\"coursebus.authoring.course_run.created.v1\"}";
const COURSE_RUN_CREATED_1_1: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"A course run was created.\",\"fields\":[{\"name\":\"course_run\",\"type\":{\"name\":\"CourseRunData\",\"type\":\"record\",\"doc\":\"A course run as its authors define it.\",\"fields\":[{\"name\":\"course_key\",\"type\":\"string\",\"doc\":\"The key of the run, for instance course-v1:edX+DemoX+2026_T1.\"},{\"name\":\"org\",\"type\":\"string\",\"doc\":\"The organisation part of the key.\"},{\"name\":\"course\",\"type\":\"string\",\"doc\":\"The course number, the middle part of the key.\"},{\"name\":\"run\",\"type\":\"string\",\"doc\":\"The run, the last part of the key.\"},{\"name\":\"title\",\"type\":\"string\",\"doc\":\"The title that learners see.\"},{\"name\":\"start\",\"type\":\"string\",\"doc\":\"When the run starts, RFC 3339.\"},{\"name\":\"end\",\"type\":[\"null\",\"string\"],\"doc\":\"When the run ends, RFC 3339; null while that is open.\",\"default\":null},{\"name\":\"pacing\",\"type\":\"string\",\"doc\":\"Who sets the pace: instructor or self.\"},{\"name\":\"enrollment_start\",\"type\":[\"null\",\"string\"],\"doc\":\"When enrollment opens, RFC 3339; null: with the run's creation.\",\"default\":null},{\"name\":\"enrollment_end\",\"type\":[\"null\",\"string\"],\"doc\":\"When enrollment closes, RFC 3339; null: with the run's end.\",\"default\":null},{\"name\":\"invitation_only\",\"type\":\"boolean\",\"doc\":\"Learners enroll by invitation only.\",\"default\":false}]},\"doc\":\"The run as it was created.\"}],\"namespace\":\"coursebus.authoring.course_run.created.v1\"}";

pub(super) static COURSE_RUN_CREATED: EventType = EventType {
    name: "coursebus.authoring.course_run.created.v1",
    owner: "cms",
    origin: Origin::Coursebus,
    topic: &topics::COURSE_RUN_LIFECYCLE,
    major: 1,
    minor: 1,
    schema: COURSE_RUN_CREATED_1_1,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: COURSE_RUN_CREATED_1_0,
        },
        Version {
            major: 1,
            minor: 1,
            schema: COURSE_RUN_CREATED_1_1,
        },
    ],
    key: KeySpec {
        path: &["course_run", "course_key"],
        schema: "{\"name\":\"course_key\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["course_run", "course_key"]],
    compatibility: Compatibility::FullTransitive,
    personal_data: &[],
    description: "A course run was created.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            COURSE_RUN_CREATED_1_1,
        ));
        &WRITER
    },
};
