//! Events of the domain `discovery`.
//!
//! Written by `cargo xtask codegen` from `catalog.toml` and `avro/`: edit those.

use std::sync::LazyLock;
use serde::{Deserialize, Serialize};
use crate::event::{Compatibility, Event, EventType, KeySpec, Origin, Primitive, Version};
use crate::key::{Key, OrderKey};
use crate::writer::WriterSchema;
use super::topics;

/// A course is new in the catalog, or changed.
///
/// `coursebus.discovery.course.changed.v1` on the topic `discovery-course-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CourseChanged {
    /// The course as it is now.
    pub course: CourseData,
}

impl Event for CourseChanged {
    const TYPE: &'static EventType = &COURSE_CHANGED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.course.uuid)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.course.uuid));
    }
}

/// A course is no longer in the catalog.
///
/// `coursebus.discovery.course.deleted.v1` on the topic `discovery-course-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CourseDeleted {
    /// The course.
    pub course: DeletedCourseData,
}

impl Event for CourseDeleted {
    const TYPE: &'static EventType = &COURSE_DELETED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.course.uuid)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.course.uuid));
    }
}

/// A course run is new in the catalog, or changed.
///
/// `coursebus.discovery.course_run.changed.v1` on the topic `discovery-course-run-lifecycle`.
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

/// A course run is no longer in the catalog.
///
/// `coursebus.discovery.course_run.deleted.v1` on the topic `discovery-course-run-lifecycle`.
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

/// A program is new in the catalog, or changed.
///
/// `coursebus.discovery.program.changed.v1` on the topic `discovery-program-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProgramChanged {
    /// The program as it is now.
    pub program: ProgramData,
}

impl Event for ProgramChanged {
    const TYPE: &'static EventType = &PROGRAM_CHANGED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.program.uuid)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.program.uuid));
    }
}

/// A program is no longer in the catalog.
///
/// `coursebus.discovery.program.deleted.v1` on the topic `discovery-program-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProgramDeleted {
    /// The program.
    pub program: DeletedProgramData,
}

impl Event for ProgramDeleted {
    const TYPE: &'static EventType = &PROGRAM_DELETED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.program.uuid)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.program.uuid));
    }
}

/// A course in the catalog, whole; its runs come by themselves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CourseData {
    /// Its UUID.
    pub uuid: String,
    /// Its key, for instance edX+DemoX.
    pub key: String,
    /// Its title.
    pub title: String,
    /// One paragraph for lists.
    #[serde(default)]
    pub short_description: String,
    /// The whole text, HTML.
    #[serde(default)]
    pub full_description: String,
    /// For whom it is: introductory, intermediate or advanced.
    #[serde(default)]
    pub level: Option<String>,
    /// What it is about, as short names.
    #[serde(default)]
    pub subjects: Vec<String>,
    /// Who offers it, the first one first.
    #[serde(default)]
    pub owners: Vec<OrganizationData>,
    /// Where the picture is.
    #[serde(default)]
    pub image_url: Option<String>,
    /// Where its page is.
    #[serde(default)]
    pub marketing_url: Option<String>,
}

/// An organisation that offers courses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrganizationData {
    /// Its UUID.
    pub uuid: String,
    /// Its short name, as in keys.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Where the logo for certificates is.
    #[serde(default)]
    pub certificate_logo_url: Option<String>,
}

/// A course that is no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeletedCourseData {
    /// Its UUID.
    pub uuid: String,
    /// Its key.
    pub key: String,
}

/// A course run in the catalog, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CourseRunData {
    /// The key of the run, for instance course-v1:edX+DemoX+2026_T1.
    pub course_key: String,
    /// Its UUID.
    pub uuid: String,
    /// The UUID of the course that it is a run of.
    pub course_uuid: String,
    /// Its title.
    pub title: String,
    /// How far it is: unpublished, in_review, reviewed or published.
    pub status: String,
    /// Who sets the pace: instructor or self.
    pub pacing: String,
    /// When it starts, RFC 3339.
    #[serde(default)]
    pub start: Option<String>,
    /// When it ends, RFC 3339.
    #[serde(default)]
    pub end: Option<String>,
    /// When enrollment opens, RFC 3339.
    #[serde(default)]
    pub enrollment_start: Option<String>,
    /// When enrollment closes, RFC 3339.
    #[serde(default)]
    pub enrollment_end: Option<String>,
    /// One paragraph for lists.
    #[serde(default)]
    pub short_description: String,
    /// The page's text, HTML.
    #[serde(default)]
    pub overview: String,
    /// The language it is held in, BCP 47.
    #[serde(default)]
    pub language: Option<String>,
    /// Where the picture is.
    #[serde(default)]
    pub image_url: Option<String>,
    /// Where its page is.
    #[serde(default)]
    pub marketing_url: Option<String>,
    /// Lists leave it out.
    #[serde(default)]
    pub hidden: bool,
    /// The mobile applications show it.
    #[serde(default)]
    pub mobile_available: bool,
    /// What of it can be bought, and for what.
    #[serde(default)]
    pub seats: Vec<SeatData>,
    /// Who teaches it.
    #[serde(default)]
    pub staff: Vec<StaffData>,
}

/// The terms on which a learner can buy a mode of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeatData {
    /// The number under which it is sold.
    pub sku: String,
    /// The mode that it buys: verified, professional, credit, …
    pub mode: String,
    /// The price in the smallest unit of the currency: 14900 are 149 dollars.
    pub price_minor: i64,
    /// The currency, ISO 4217.
    pub currency: String,
    /// Until when it can be bought, RFC 3339.
    #[serde(default)]
    pub upgrade_deadline: Option<String>,
}

/// Somebody who teaches a run.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct StaffData {
    /// The person's UUID.
    pub uuid: String,
    /// The full name.
    pub name: String,
    /// What the person does, for instance instructor.
    pub role: String,
}

impl std::fmt::Debug for StaffData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StaffData")
            .field("uuid", &self.uuid)
            .field("name", &format_args!("<personal>"))
            .field("role", &self.role)
            .finish()
    }
}

/// A course run that is no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeletedCourseRunData {
    /// The key of the run, for instance course-v1:edX+DemoX+2026_T1.
    pub course_key: String,
    /// The UUID of the course that it was a run of.
    pub course_uuid: String,
}

/// A program in the catalog, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProgramData {
    /// Its UUID.
    pub uuid: String,
    /// Its title.
    pub title: String,
    /// What stands below the title.
    #[serde(default)]
    pub subtitle: String,
    /// What kind it is: MicroMasters, Professional Certificate, …
    pub program_type: String,
    /// How far it is: unpublished, active, retired or deleted.
    pub status: String,
    /// Its courses, in the order in which they are to be taken.
    #[serde(default)]
    pub courses: Vec<ProgramCourseData>,
    /// Who offers it, the first one first.
    #[serde(default)]
    pub owners: Vec<OrganizationData>,
    /// How many hours it takes.
    #[serde(default)]
    pub total_hours_of_effort: Option<i64>,
    /// Where the picture is.
    #[serde(default)]
    pub image_url: Option<String>,
    /// Where its page is.
    #[serde(default)]
    pub marketing_url: Option<String>,
}

/// A course of a program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProgramCourseData {
    /// The course's UUID.
    pub uuid: String,
    /// The course's key.
    pub key: String,
    /// The runs of it that count for the program.
    #[serde(default)]
    pub course_run_keys: Vec<String>,
}

/// A program that is no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeletedProgramData {
    /// Its UUID.
    pub uuid: String,
}

const COURSE_CHANGED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"A course is new in the catalog, or changed.\",\"fields\":[{\"name\":\"course\",\"type\":{\"name\":\"CourseData\",\"type\":\"record\",\"doc\":\"A course in the catalog, whole; its runs come by themselves.\",\"fields\":[{\"name\":\"uuid\",\"type\":\"string\",\"doc\":\"Its UUID.\"},{\"name\":\"key\",\"type\":\"string\",\"doc\":\"Its key, for instance edX+DemoX.\"},{\"name\":\"title\",\"type\":\"string\",\"doc\":\"Its title.\"},{\"name\":\"short_description\",\"type\":\"string\",\"doc\":\"One paragraph for lists.\",\"default\":\"\"},{\"name\":\"full_description\",\"type\":\"string\",\"doc\":\"The whole text, HTML.\",\"default\":\"\"},{\"name\":\"level\",\"type\":[\"null\",\"string\"],\"doc\":\"For whom it is: introductory, intermediate or advanced.\",\"default\":null},{\"name\":\"subjects\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"What it is about, as short names.\",\"default\":[]},{\"name\":\"owners\",\"type\":{\"type\":\"array\",\"items\":{\"name\":\"OrganizationData\",\"type\":\"record\",\"doc\":\"An organisation that offers courses.\",\"fields\":[{\"name\":\"uuid\",\"type\":\"string\",\"doc\":\"Its UUID.\"},{\"name\":\"key\",\"type\":\"string\",\"doc\":\"Its short name, as in keys.\"},{\"name\":\"name\",\"type\":\"string\",\"doc\":\"Its name.\"},{\"name\":\"certificate_logo_url\",\"type\":[\"null\",\"string\"],\"doc\":\"Where the logo for certificates is.\",\"default\":null}]}},\"doc\":\"Who offers it, the first one first.\",\"default\":[]},{\"name\":\"image_url\",\"type\":[\"null\",\"string\"],\"doc\":\"Where the picture is.\",\"default\":null},{\"name\":\"marketing_url\",\"type\":[\"null\",\"string\"],\"doc\":\"Where its page is.\",\"default\":null}]},\"doc\":\"The course as it is now.\"}],\"namespace\":\"coursebus.discovery.course.changed.v1\"}";

pub(super) static COURSE_CHANGED: EventType = EventType {
    name: "coursebus.discovery.course.changed.v1",
    owner: "discovery",
    origin: Origin::Coursebus,
    topic: &topics::DISCOVERY_COURSE_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: COURSE_CHANGED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: COURSE_CHANGED_1_0,
        },
    ],
    key: KeySpec {
        path: &["course", "uuid"],
        schema: "{\"name\":\"uuid\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["course", "uuid"]],
    compatibility: Compatibility::FullTransitive,
    personal_data: &[],
    description: "A course is new in the catalog, or changed.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            COURSE_CHANGED_1_0,
        ));
        &WRITER
    },
};

const COURSE_DELETED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"A course is no longer in the catalog.\",\"fields\":[{\"name\":\"course\",\"type\":{\"name\":\"DeletedCourseData\",\"type\":\"record\",\"doc\":\"A course that is no more.\",\"fields\":[{\"name\":\"uuid\",\"type\":\"string\",\"doc\":\"Its UUID.\"},{\"name\":\"key\",\"type\":\"string\",\"doc\":\"Its key.\"}]},\"doc\":\"The course.\"}],\"namespace\":\"coursebus.discovery.course.deleted.v1\"}";

pub(super) static COURSE_DELETED: EventType = EventType {
    name: "coursebus.discovery.course.deleted.v1",
    owner: "discovery",
    origin: Origin::Coursebus,
    topic: &topics::DISCOVERY_COURSE_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: COURSE_DELETED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: COURSE_DELETED_1_0,
        },
    ],
    key: KeySpec {
        path: &["course", "uuid"],
        schema: "{\"name\":\"uuid\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["course", "uuid"]],
    compatibility: Compatibility::FullTransitive,
    personal_data: &[],
    description: "A course is no longer in the catalog.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            COURSE_DELETED_1_0,
        ));
        &WRITER
    },
};

const COURSE_RUN_CHANGED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"A course run is new in the catalog, or changed.\",\"fields\":[{\"name\":\"course_run\",\"type\":{\"name\":\"CourseRunData\",\"type\":\"record\",\"doc\":\"A course run in the catalog, whole.\",\"fields\":[{\"name\":\"course_key\",\"type\":\"string\",\"doc\":\"The key of the run, for instance course-v1:edX+DemoX+2026_T1.\"},{\"name\":\"uuid\",\"type\":\"string\",\"doc\":\"Its UUID.\"},{\"name\":\"course_uuid\",\"type\":\"string\",\"doc\":\"The UUID of the course that it is a run of.\"},{\"name\":\"title\",\"type\":\"string\",\"doc\":\"Its title.\"},{\"name\":\"status\",\"type\":\"string\",\"doc\":\"How far it is: unpublished, in_review, reviewed or published.\"},{\"name\":\"pacing\",\"type\":\"string\",\"doc\":\"Who sets the pace: instructor or self.\"},{\"name\":\"start\",\"type\":[\"null\",\"string\"],\"doc\":\"When it starts, RFC 3339.\",\"default\":null},{\"name\":\"end\",\"type\":[\"null\",\"string\"],\"doc\":\"When it ends, RFC 3339.\",\"default\":null},{\"name\":\"enrollment_start\",\"type\":[\"null\",\"string\"],\"doc\":\"When enrollment opens, RFC 3339.\",\"default\":null},{\"name\":\"enrollment_end\",\"type\":[\"null\",\"string\"],\"doc\":\"When enrollment closes, RFC 3339.\",\"default\":null},{\"name\":\"short_description\",\"type\":\"string\",\"doc\":\"One paragraph for lists.\",\"default\":\"\"},{\"name\":\"overview\",\"type\":\"string\",\"doc\":\"The page's text, HTML.\",\"default\":\"\"},{\"name\":\"language\",\"type\":[\"null\",\"string\"],\"doc\":\"The language it is held in, BCP 47.\",\"default\":null},{\"name\":\"image_url\",\"type\":[\"null\",\"string\"],\"doc\":\"Where the picture is.\",\"default\":null},{\"name\":\"marketing_url\",\"type\":[\"null\",\"string\"],\"doc\":\"Where its page is.\",\"default\":null},{\"name\":\"hidden\",\"type\":\"boolean\",\"doc\":\"Lists leave it out.\",\"default\":false},{\"name\":\"mobile_available\",\"type\":\"boolean\",\"doc\":\"The mobile applications show it.\",\"default\":false},{\"name\":\"seats\",\"type\":{\"type\":\"array\",\"items\":{\"name\":\"SeatData\",\"type\":\"record\",\"doc\":\"The terms on which a learner can buy a mode of a run.\",\"fields\":[{\"name\":\"sku\",\"type\":\"string\",\"doc\":\"The number under which it is sold.\"},{\"name\":\"mode\",\"type\":\"string\",\"doc\":\"The mode that it buys: verified, professional, credit, …\"},{\"name\":\"price_minor\",\"type\":\"long\",\"doc\":\"The price in the smallest unit of the currency: 14900 are 149 dollars.\"},{\"name\":\"currency\",\"type\":\"string\",\"doc\":\"The currency, ISO 4217.\"},{\"name\":\"upgrade_deadline\",\"type\":[\"null\",\"string\"],\"doc\":\"Until when it can be bought, RFC 3339.\",\"default\":null}]}},\"doc\":\"What of it can be bought, and for what.\",\"default\":[]},{\"name\":\"staff\",\"type\":{\"type\":\"array\",\"items\":{\"name\":\"StaffData\",\"type\":\"record\",\"doc\":\"Somebody who teaches a run.\",\"fields\":[{\"name\":\"uuid\",\"type\":\"string\",\"doc\":\"The person's UUID.\"},{\"name\":\"name\",\"type\":\"string\",\"doc\":\"The full name.\"},{\"name\":\"role\",\"type\":\"string\",\"doc\":\"What the person does, for instance instructor.\"}]}},\"doc\":\"Who teaches it.\",\"default\":[]}]},\"doc\":\"The run as it is now.\"}],\"namespace\":\"coursebus.discovery.course_run.changed.v1\"}";

pub(super) static COURSE_RUN_CHANGED: EventType = EventType {
    name: "coursebus.discovery.course_run.changed.v1",
    owner: "discovery",
    origin: Origin::Coursebus,
    topic: &topics::DISCOVERY_COURSE_RUN_LIFECYCLE,
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
    personal_data: &["course_run.staff.name"],
    description: "A course run is new in the catalog, or changed.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            COURSE_RUN_CHANGED_1_0,
        ));
        &WRITER
    },
};

const COURSE_RUN_DELETED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"A course run is no longer in the catalog.\",\"fields\":[{\"name\":\"course_run\",\"type\":{\"name\":\"DeletedCourseRunData\",\"type\":\"record\",\"doc\":\"A course run that is no more.\",\"fields\":[{\"name\":\"course_key\",\"type\":\"string\",\"doc\":\"The key of the run, for instance course-v1:edX+DemoX+2026_T1.\"},{\"name\":\"course_uuid\",\"type\":\"string\",\"doc\":\"The UUID of the course that it was a run of.\"}]},\"doc\":\"The run.\"}],\"namespace\":\"coursebus.discovery.course_run.deleted.v1\"}";

pub(super) static COURSE_RUN_DELETED: EventType = EventType {
    name: "coursebus.discovery.course_run.deleted.v1",
    owner: "discovery",
    origin: Origin::Coursebus,
    topic: &topics::DISCOVERY_COURSE_RUN_LIFECYCLE,
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
    description: "A course run is no longer in the catalog.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            COURSE_RUN_DELETED_1_0,
        ));
        &WRITER
    },
};

const PROGRAM_CHANGED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"A program is new in the catalog, or changed.\",\"fields\":[{\"name\":\"program\",\"type\":{\"name\":\"ProgramData\",\"type\":\"record\",\"doc\":\"A program in the catalog, whole.\",\"fields\":[{\"name\":\"uuid\",\"type\":\"string\",\"doc\":\"Its UUID.\"},{\"name\":\"title\",\"type\":\"string\",\"doc\":\"Its title.\"},{\"name\":\"subtitle\",\"type\":\"string\",\"doc\":\"What stands below the title.\",\"default\":\"\"},{\"name\":\"program_type\",\"type\":\"string\",\"doc\":\"What kind it is: MicroMasters, Professional Certificate, …\"},{\"name\":\"status\",\"type\":\"string\",\"doc\":\"How far it is: unpublished, active, retired or deleted.\"},{\"name\":\"courses\",\"type\":{\"type\":\"array\",\"items\":{\"name\":\"ProgramCourseData\",\"type\":\"record\",\"doc\":\"A course of a program.\",\"fields\":[{\"name\":\"uuid\",\"type\":\"string\",\"doc\":\"The course's UUID.\"},{\"name\":\"key\",\"type\":\"string\",\"doc\":\"The course's key.\"},{\"name\":\"course_run_keys\",\"type\":{\"type\":\"array\",\"items\":\"string\"},\"doc\":\"The runs of it that count for the program.\",\"default\":[]}]}},\"doc\":\"Its courses, in the order in which they are to be taken.\",\"default\":[]},{\"name\":\"owners\",\"type\":{\"type\":\"array\",\"items\":{\"name\":\"OrganizationData\",\"type\":\"record\",\"doc\":\"An organisation that offers courses.\",\"fields\":[{\"name\":\"uuid\",\"type\":\"string\",\"doc\":\"Its UUID.\"},{\"name\":\"key\",\"type\":\"string\",\"doc\":\"Its short name, as in keys.\"},{\"name\":\"name\",\"type\":\"string\",\"doc\":\"Its name.\"},{\"name\":\"certificate_logo_url\",\"type\":[\"null\",\"string\"],\"doc\":\"Where the logo for certificates is.\",\"default\":null}]}},\"doc\":\"Who offers it, the first one first.\",\"default\":[]},{\"name\":\"total_hours_of_effort\",\"type\":[\"null\",\"long\"],\"doc\":\"How many hours it takes.\",\"default\":null},{\"name\":\"image_url\",\"type\":[\"null\",\"string\"],\"doc\":\"Where the picture is.\",\"default\":null},{\"name\":\"marketing_url\",\"type\":[\"null\",\"string\"],\"doc\":\"Where its page is.\",\"default\":null}]},\"doc\":\"The program as it is now.\"}],\"namespace\":\"coursebus.discovery.program.changed.v1\"}";

pub(super) static PROGRAM_CHANGED: EventType = EventType {
    name: "coursebus.discovery.program.changed.v1",
    owner: "discovery",
    origin: Origin::Coursebus,
    topic: &topics::DISCOVERY_PROGRAM_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: PROGRAM_CHANGED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: PROGRAM_CHANGED_1_0,
        },
    ],
    key: KeySpec {
        path: &["program", "uuid"],
        schema: "{\"name\":\"uuid\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["program", "uuid"]],
    compatibility: Compatibility::FullTransitive,
    personal_data: &[],
    description: "A program is new in the catalog, or changed.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            PROGRAM_CHANGED_1_0,
        ));
        &WRITER
    },
};

const PROGRAM_DELETED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"A program is no longer in the catalog.\",\"fields\":[{\"name\":\"program\",\"type\":{\"name\":\"DeletedProgramData\",\"type\":\"record\",\"doc\":\"A program that is no more.\",\"fields\":[{\"name\":\"uuid\",\"type\":\"string\",\"doc\":\"Its UUID.\"}]},\"doc\":\"The program.\"}],\"namespace\":\"coursebus.discovery.program.deleted.v1\"}";

pub(super) static PROGRAM_DELETED: EventType = EventType {
    name: "coursebus.discovery.program.deleted.v1",
    owner: "discovery",
    origin: Origin::Coursebus,
    topic: &topics::DISCOVERY_PROGRAM_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: PROGRAM_DELETED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: PROGRAM_DELETED_1_0,
        },
    ],
    key: KeySpec {
        path: &["program", "uuid"],
        schema: "{\"name\":\"uuid\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["program", "uuid"]],
    compatibility: Compatibility::FullTransitive,
    personal_data: &[],
    description: "A program is no longer in the catalog.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            PROGRAM_DELETED_1_0,
        ));
        &WRITER
    },
};
