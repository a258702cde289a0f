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

/// What authors say of a course run changed.
///
/// `coursebus.authoring.course_run.changed.v1` on the topic `course-run-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CourseRunChanged {
    /// The run as it is now.
    pub course_run: CourseRunData,
}

impl Event for CourseRunChanged {
    const TYPE: &'static EventType = &COURSE_RUN_CHANGED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.course_run.course_key)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.course_run.course_key));
    }
}

/// A course run was deleted.
///
/// `coursebus.authoring.course_run.deleted.v1` on the topic `course-run-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CourseRunDeleted {
    /// The run.
    pub course_run: DeletedCourseRunData,
}

impl Event for CourseRunDeleted {
    const TYPE: &'static EventType = &COURSE_RUN_DELETED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.course_run.course_key)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.course_run.course_key));
    }
}

/// What the page about a course run tells changed.
///
/// `coursebus.authoring.course_about.changed.v1` on the topic `course-run-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CourseAboutChanged {
    /// The page as it is now.
    pub about: CourseAboutData,
}

impl Event for CourseAboutChanged {
    const TYPE: &'static EventType = &COURSE_ABOUT_CHANGED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.about.course_key)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.about.course_key));
    }
}

/// Who teaches a course run changed.
///
/// `coursebus.authoring.course_staff.changed.v1` on the topic `course-run-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CourseStaffChanged {
    /// The staff as it is now.
    pub staff: CourseStaffData,
}

impl Event for CourseStaffChanged {
    const TYPE: &'static EventType = &COURSE_STAFF_CHANGED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.staff.course_key)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.staff.course_key));
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

/// A course run that is no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeletedCourseRunData {
    /// The key of the run, for instance course-v1:edX+DemoX+2026_T1.
    pub course_key: String,
}

/// What the page about a course run tells, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CourseAboutData {
    /// The key of the run, for instance course-v1:edX+DemoX+2026_T1.
    pub course_key: String,
    /// One paragraph for lists.
    #[serde(default)]
    pub short_description: String,
    /// The page's text, HTML.
    #[serde(default)]
    pub overview: String,
    /// Where the picture is.
    #[serde(default)]
    pub image_url: Option<String>,
    /// Where the introduction's video is.
    #[serde(default)]
    pub video_url: Option<String>,
    /// The language it is held in, BCP 47.
    #[serde(default)]
    pub language: Option<String>,
    /// For whom it is: introductory, intermediate or advanced.
    #[serde(default)]
    pub level: Option<String>,
    /// The least hours of work a week.
    #[serde(default)]
    pub effort_hours_per_week_min: Option<i64>,
    /// The most hours of work a week.
    #[serde(default)]
    pub effort_hours_per_week_max: Option<i64>,
    /// How many weeks it takes.
    #[serde(default)]
    pub weeks_to_complete: Option<i64>,
}

/// Who teaches a course run, all of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CourseStaffData {
    /// The key of the run, for instance course-v1:edX+DemoX+2026_T1.
    pub course_key: String,
    /// The people, in the order in which they are shown.
    #[serde(default)]
    pub members: Vec<StaffMemberData>,
}

/// Somebody who teaches a course run.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct StaffMemberData {
    /// The person's UUID.
    pub uuid: String,
    /// The full name.
    pub name: String,
    /// What the person does, for instance instructor.
    pub role: String,
    /// The position held, for instance Professor of History.
    #[serde(default)]
    pub position: Option<String>,
    /// A few sentences about the person.
    #[serde(default)]
    pub bio: String,
    /// Where a photograph is.
    #[serde(default)]
    pub photo_url: Option<String>,
}

impl std::fmt::Debug for StaffMemberData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StaffMemberData")
            .field("uuid", &self.uuid)
            .field("name", &format_args!("<personal>"))
            .field("role", &self.role)
            .field("position", &format_args!("<personal>"))
            .field("bio", &format_args!("<personal>"))
            .field("photo_url", &format_args!("<personal>"))
            .finish()
    }
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

const COURSE_RUN_CHANGED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"What authors say of a course run changed.\",\"fields\":[{\"name\":\"course_run\",\"type\":{\"name\":\"CourseRunData\",\"type\":\"record\",\"doc\":\"A course run as its authors define it.\",\"fields\":[{\"name\":\"course_key\",\"type\":\"string\",\"doc\":\"The key of the run, for instance course-v1:edX+DemoX+2026_T1.\"},{\"name\":\"org\",\"type\":\"string\",\"doc\":\"The organisation part of the key.\"},{\"name\":\"course\",\"type\":\"string\",\"doc\":\"The course number, the middle part of the key.\"},{\"name\":\"run\",\"type\":\"string\",\"doc\":\"The run, the last part of the key.\"},{\"name\":\"title\",\"type\":\"string\",\"doc\":\"The title that learners see.\"},{\"name\":\"start\",\"type\":\"string\",\"doc\":\"When the run starts, RFC 3339.\"},{\"name\":\"end\",\"type\":[\"null\",\"string\"],\"doc\":\"When the run ends, RFC 3339; null while that is open.\",\"default\":null},{\"name\":\"pacing\",\"type\":\"string\",\"doc\":\"Who sets the pace: instructor or self.\"},{\"name\":\"enrollment_start\",\"type\":[\"null\",\"string\"],\"doc\":\"When enrollment opens, RFC 3339; null: with the run's creation.\",\"default\":null},{\"name\":\"enrollment_end\",\"type\":[\"null\",\"string\"],\"doc\":\"When enrollment closes, RFC 3339; null: with the run's end.\",\"default\":null},{\"name\":\"invitation_only\",\"type\":\"boolean\",\"doc\":\"Learners enroll by invitation only.\",\"default\":false}]},\"doc\":\"The run as it is now.\"}],\"namespace\":\"coursebus.authoring.course_run.changed.v1\"}";

pub(super) static COURSE_RUN_CHANGED: EventType = EventType {
    name: "coursebus.authoring.course_run.changed.v1",
    owner: "cms",
    origin: Origin::Coursebus,
    topic: &topics::COURSE_RUN_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: COURSE_RUN_CHANGED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: COURSE_RUN_CHANGED_1_0,
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
    description: "What authors say of a course run changed.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            COURSE_RUN_CHANGED_1_0,
        ));
        &WRITER
    },
};

const COURSE_RUN_DELETED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"A course run was deleted.\",\"fields\":[{\"name\":\"course_run\",\"type\":{\"name\":\"DeletedCourseRunData\",\"type\":\"record\",\"doc\":\"A course run that is no more.\",\"fields\":[{\"name\":\"course_key\",\"type\":\"string\",\"doc\":\"The key of the run, for instance course-v1:edX+DemoX+2026_T1.\"}]},\"doc\":\"The run.\"}],\"namespace\":\"coursebus.authoring.course_run.deleted.v1\"}";

pub(super) static COURSE_RUN_DELETED: EventType = EventType {
    name: "coursebus.authoring.course_run.deleted.v1",
    owner: "cms",
    origin: Origin::Coursebus,
    topic: &topics::COURSE_RUN_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: COURSE_RUN_DELETED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: COURSE_RUN_DELETED_1_0,
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
    description: "A course run was deleted.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            COURSE_RUN_DELETED_1_0,
        ));
        &WRITER
    },
};

const COURSE_ABOUT_CHANGED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"What the page about a course run tells changed.\",\"fields\":[{\"name\":\"about\",\"type\":{\"name\":\"CourseAboutData\",\"type\":\"record\",\"doc\":\"What the page about a course run tells, whole.\",\"fields\":[{\"name\":\"course_key\",\"type\":\"string\",\"doc\":\"The key of the run, for instance course-v1:edX+DemoX+2026_T1.\"},{\"name\":\"short_description\",\"type\":\"string\",\"doc\":\"One paragraph for lists.\",\"default\":\"\"},{\"name\":\"overview\",\"type\":\"string\",\"doc\":\"The page's text, HTML.\",\"default\":\"\"},{\"name\":\"image_url\",\"type\":[\"null\",\"string\"],\"doc\":\"Where the picture is.\",\"default\":null},{\"name\":\"video_url\",\"type\":[\"null\",\"string\"],\"doc\":\"Where the introduction's video is.\",\"default\":null},{\"name\":\"language\",\"type\":[\"null\",\"string\"],\"doc\":\"The language it is held in, BCP 47.\",\"default\":null},{\"name\":\"level\",\"type\":[\"null\",\"string\"],\"doc\":\"For whom it is: introductory, intermediate or advanced.\",\"default\":null},{\"name\":\"effort_hours_per_week_min\",\"type\":[\"null\",\"long\"],\"doc\":\"The least hours of work a week.\",\"default\":null},{\"name\":\"effort_hours_per_week_max\",\"type\":[\"null\",\"long\"],\"doc\":\"The most hours of work a week.\",\"default\":null},{\"name\":\"weeks_to_complete\",\"type\":[\"null\",\"long\"],\"doc\":\"How many weeks it takes.\",\"default\":null}]},\"doc\":\"The page as it is now.\"}],\"namespace\":\"coursebus.authoring.course_about.changed.v1\"}";

pub(super) static COURSE_ABOUT_CHANGED: EventType = EventType {
    name: "coursebus.authoring.course_about.changed.v1",
    owner: "cms",
    origin: Origin::Coursebus,
    topic: &topics::COURSE_RUN_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: COURSE_ABOUT_CHANGED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: COURSE_ABOUT_CHANGED_1_0,
        },
    ],
    key: KeySpec {
        path: &["about", "course_key"],
        schema: "{\"name\":\"course_key\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["about", "course_key"]],
    compatibility: Compatibility::FullTransitive,
    personal_data: &[],
    description: "What the page about a course run tells changed.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            COURSE_ABOUT_CHANGED_1_0,
        ));
        &WRITER
    },
};

const COURSE_STAFF_CHANGED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"Who teaches a course run changed.\",\"fields\":[{\"name\":\"staff\",\"type\":{\"name\":\"CourseStaffData\",\"type\":\"record\",\"doc\":\"Who teaches a course run, all of them.\",\"fields\":[{\"name\":\"course_key\",\"type\":\"string\",\"doc\":\"The key of the run, for instance course-v1:edX+DemoX+2026_T1.\"},{\"name\":\"members\",\"type\":{\"type\":\"array\",\"items\":{\"name\":\"StaffMemberData\",\"type\":\"record\",\"doc\":\"Somebody who teaches a course run.\",\"fields\":[{\"name\":\"uuid\",\"type\":\"string\",\"doc\":\"The person's UUID.\"},{\"name\":\"name\",\"type\":\"string\",\"doc\":\"The full name.\"},{\"name\":\"role\",\"type\":\"string\",\"doc\":\"What the person does, for instance instructor.\"},{\"name\":\"position\",\"type\":[\"null\",\"string\"],\"doc\":\"The position held, for instance Professor of History.\",\"default\":null},{\"name\":\"bio\",\"type\":\"string\",\"doc\":\"A few sentences about the person.\",\"default\":\"\"},{\"name\":\"photo_url\",\"type\":[\"null\",\"string\"],\"doc\":\"Where a photograph is.\",\"default\":null}]}},\"doc\":\"The people, in the order in which they are shown.\",\"default\":[]}]},\"doc\":\"The staff as it is now.\"}],\"namespace\":\"coursebus.authoring.course_staff.changed.v1\"}";

pub(super) static COURSE_STAFF_CHANGED: EventType = EventType {
    name: "coursebus.authoring.course_staff.changed.v1",
    owner: "cms",
    origin: Origin::Coursebus,
    topic: &topics::COURSE_RUN_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: COURSE_STAFF_CHANGED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: COURSE_STAFF_CHANGED_1_0,
        },
    ],
    key: KeySpec {
        path: &["staff", "course_key"],
        schema: "{\"name\":\"course_key\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["staff", "course_key"]],
    compatibility: Compatibility::FullTransitive,
    personal_data: &[
        "staff.members.name",
        "staff.members.position",
        "staff.members.bio",
        "staff.members.photo_url",
    ],
    description: "Who teaches a course run changed.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            COURSE_STAFF_CHANGED_1_0,
        ));
        &WRITER
    },
};
