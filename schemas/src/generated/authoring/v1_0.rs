//! Minor version 1.0 of events that have a newer one.
//!
//! Written by `cargo xtask codegen` from `catalog.toml` and `avro/`: edit those.

use std::sync::LazyLock;
use serde::{Deserialize, Serialize};
use crate::event::{Event, EventType};
use crate::key::{Key, OrderKey};
use crate::writer::WriterSchema;

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
}

static COURSE_RUN_CREATED: EventType = EventType {
    minor: 0,
    schema: super::COURSE_RUN_CREATED_1_0,
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            super::COURSE_RUN_CREATED_1_0,
        ));
        &WRITER
    },
    ..super::COURSE_RUN_CREATED
};
