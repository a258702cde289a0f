//! Events of the domain `content_authoring`.
//!
//! Written by `cargo xtask codegen` from `catalog.toml` and `avro/`: edit those.

use std::sync::LazyLock;
use serde::{Deserialize, Serialize};
use crate::event::{Compatibility, Event, EventType, KeySpec, Origin, Primitive, Version};
use crate::key::{Key, OrderKey};
use crate::writer::WriterSchema;
use super::topics;

/// What the catalog shows of a course run changed.
///
/// `org.openedx.content_authoring.course.catalog_info.changed.v1` on the topic `course-catalog-info-changed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CourseCatalogInfoChanged {
    /// What the catalog shows of a course run.
    pub catalog_info: CourseCatalogData,
}

impl Event for CourseCatalogInfoChanged {
    const TYPE: &'static EventType = &COURSE_CATALOG_INFO_CHANGED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.catalog_info.course_key)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.catalog_info.course_key));
    }
}

/// A course was created in the authoring tool.
///
/// `org.openedx.content_authoring.course.created.v1` on the topic `course-authoring-course-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CourseCreated {
    /// A course in the authoring tool.
    pub course: CourseData,
}

impl Event for CourseCreated {
    const TYPE: &'static EventType = &COURSE_CREATED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.course.course_key)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.course.course_key));
    }
}

/// A block of a course was published.
///
/// `org.openedx.content_authoring.xblock.published.v1` on the topic `course-authoring-xblock-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct XblockPublished {
    /// A block of a course.
    pub xblock_info: XBlockData,
}

impl Event for XblockPublished {
    const TYPE: &'static EventType = &XBLOCK_PUBLISHED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.xblock_info.usage_key)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.xblock_info.usage_key));
    }
}

/// What the catalog shows of a course run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CourseCatalogData {
    /// The key of the run.
    pub course_key: String,
    /// The title.
    pub name: String,
    /// When it runs.
    pub schedule_data: CourseScheduleData,
    /// The catalog does not list it.
    pub hidden: bool,
    /// Learners enroll by invitation only.
    pub invitation_only: bool,
}

/// When a course runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CourseScheduleData {
    /// When the run starts, RFC 3339.
    pub start: String,
    /// Who sets the pace: `instructor` or `self`.
    pub pacing: String,
    /// When the run ends, RFC 3339.
    #[serde(default)]
    pub end: Option<String>,
    /// When enrollment opens, RFC 3339.
    #[serde(default)]
    pub enrollment_start: Option<String>,
    /// When enrollment closes, RFC 3339.
    #[serde(default)]
    pub enrollment_end: Option<String>,
}

/// A course in the authoring tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CourseData {
    /// The key of the run.
    pub course_key: String,
}

/// A block of a course.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct XBlockData {
    /// The key of the block.
    pub usage_key: String,
    /// The kind of block: `vertical`, `problem`, …
    pub block_type: String,
    /// The key of the block with its version.
    #[serde(default)]
    pub version: Option<String>,
}

const COURSE_CATALOG_INFO_CHANGED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"Avro Event Format for CloudEvents created with openedx_events/schema\",\"fields\":[{\"name\":\"catalog_info\",\"type\":{\"name\":\"CourseCatalogData\",\"type\":\"record\",\"fields\":[{\"name\":\"course_key\",\"type\":\"string\"},{\"name\":\"name\",\"type\":\"string\"},{\"name\":\"schedule_data\",\"type\":{\"name\":\"CourseScheduleData\",\"type\":\"record\",\"fields\":[{\"name\":\"start\",\"type\":\"string\"},{\"name\":\"pacing\",\"type\":\"string\"},{\"name\":\"end\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"enrollment_start\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"enrollment_end\",\"type\":[\"null\",\"string\"],\"default\":null}]}},{\"name\":\"hidden\",\"type\":\"boolean\"},{\"name\":\"invitation_only\",\"type\":\"boolean\"}]}}],\"namespace\":\"org.openedx.content_authoring.course.catalog_info.changed.v1\"}";

pub(super) static COURSE_CATALOG_INFO_CHANGED: EventType = EventType {
    name: "org.openedx.content_authoring.course.catalog_info.changed.v1",
    owner: "cms",
    origin: Origin::OpenEdx,
    topic: &topics::COURSE_CATALOG_INFO_CHANGED,
    major: 1,
    minor: 0,
    schema: COURSE_CATALOG_INFO_CHANGED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: COURSE_CATALOG_INFO_CHANGED_1_0,
        },
    ],
    key: KeySpec {
        path: &["catalog_info", "course_key"],
        schema: "{\"name\":\"course_key\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["catalog_info", "course_key"]],
    compatibility: Compatibility::Backward,
    personal_data: &[],
    description: "What the catalog shows of a course run changed.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            COURSE_CATALOG_INFO_CHANGED_1_0,
        ));
        &WRITER
    },
};

const COURSE_CREATED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"Avro Event Format for CloudEvents created with openedx_events/schema\",\"fields\":[{\"name\":\"course\",\"type\":{\"name\":\"CourseData\",\"type\":\"record\",\"fields\":[{\"name\":\"course_key\",\"type\":\"string\"}]}}],\"namespace\":\"org.openedx.content_authoring.course.created.v1\"}";

pub(super) static COURSE_CREATED: EventType = EventType {
    name: "org.openedx.content_authoring.course.created.v1",
    owner: "cms",
    origin: Origin::OpenEdx,
    topic: &topics::COURSE_AUTHORING_COURSE_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: COURSE_CREATED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: COURSE_CREATED_1_0,
        },
    ],
    key: KeySpec {
        path: &["course", "course_key"],
        schema: "{\"name\":\"course_key\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["course", "course_key"]],
    compatibility: Compatibility::Backward,
    personal_data: &[],
    description: "A course was created in the authoring tool.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            COURSE_CREATED_1_0,
        ));
        &WRITER
    },
};

const XBLOCK_PUBLISHED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"Avro Event Format for CloudEvents created with openedx_events/schema\",\"fields\":[{\"name\":\"xblock_info\",\"type\":{\"name\":\"XBlockData\",\"type\":\"record\",\"fields\":[{\"name\":\"usage_key\",\"type\":\"string\"},{\"name\":\"block_type\",\"type\":\"string\"},{\"name\":\"version\",\"type\":[\"null\",\"string\"],\"default\":null}]}}],\"namespace\":\"org.openedx.content_authoring.xblock.published.v1\"}";

pub(super) static XBLOCK_PUBLISHED: EventType = EventType {
    name: "org.openedx.content_authoring.xblock.published.v1",
    owner: "cms",
    origin: Origin::OpenEdx,
    topic: &topics::COURSE_AUTHORING_XBLOCK_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: XBLOCK_PUBLISHED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: XBLOCK_PUBLISHED_1_0,
        },
    ],
    key: KeySpec {
        path: &["xblock_info", "usage_key"],
        schema: "{\"name\":\"usage_key\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["xblock_info", "usage_key"]],
    compatibility: Compatibility::Backward,
    personal_data: &[],
    description: "A block of a course was published.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            XBLOCK_PUBLISHED_1_0,
        ));
        &WRITER
    },
};
