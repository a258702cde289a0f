//! Events of the domain `publication`.
//!
//! Written by `cargo xtask codegen` from `catalog.toml` and `avro/`: edit those.

use std::sync::LazyLock;
use serde::{Deserialize, Serialize};
use crate::event::{Compatibility, Event, EventType, KeySpec, Origin, Primitive, Version};
use crate::key::{Key, OrderKey};
use crate::writer::WriterSchema;
use super::topics;

/// An author published a course run, and asks the services to follow.
///
/// `coursebus.publication.course_run.published.v1` on the topic `publication-requests`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CourseRunPublished {
    /// What is asked.
    pub request: PublicationData,
}

impl Event for CourseRunPublished {
    const TYPE: &'static EventType = &COURSE_RUN_PUBLISHED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.request.course_key)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.request.course_key));
    }
}

/// An author edited what is told of a course run, and asks the services to follow.
///
/// `coursebus.publication.metadata.edited.v1` on the topic `publication-requests`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetadataEdited {
    /// What is asked.
    pub request: MetadataEditData,
}

impl Event for MetadataEdited {
    const TYPE: &'static EventType = &METADATA_EDITED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.request.course_key)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.request.course_key));
    }
}

/// The CMS answered an author's request.
///
/// `coursebus.publication.cms.answered.v1` on the topic `publication-answers`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CmsAnswered {
    /// The answer.
    pub answer: AnswerData,
}

impl Event for CmsAnswered {
    const TYPE: &'static EventType = &CMS_ANSWERED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.answer.course_key)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.answer.course_key));
    }
}

/// The LMS answered an author's request.
///
/// `coursebus.publication.lms.answered.v1` on the topic `publication-answers`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LmsAnswered {
    /// The answer.
    pub answer: AnswerData,
}

impl Event for LmsAnswered {
    const TYPE: &'static EventType = &LMS_ANSWERED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.answer.course_key)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.answer.course_key));
    }
}

/// The enterprise service answered an author's request.
///
/// `coursebus.publication.enterprise.answered.v1` on the topic `publication-answers`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EnterpriseAnswered {
    /// The answer.
    pub answer: AnswerData,
}

impl Event for EnterpriseAnswered {
    const TYPE: &'static EventType = &ENTERPRISE_ANSWERED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.answer.course_key)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.answer.course_key));
    }
}

/// A run that is published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PublicationData {
    /// The key of the run, for instance course-v1:edX+DemoX+2026_T1.
    pub course_key: String,
    /// The UUID of the course that it is a run of.
    pub course_uuid: String,
    /// Its title.
    pub title: String,
    /// When it starts, RFC 3339.
    pub start: String,
    /// When it ends, RFC 3339.
    #[serde(default)]
    pub end: Option<String>,
    /// Who sets the pace: instructor or self.
    pub pacing: String,
    /// The LMS user id of the author who asks.
    pub author_id: i64,
    /// Until when services are to answer, RFC 3339; after that the author sees their silence.
    pub answer_by: String,
}

/// What is edited; null: as it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetadataEditData {
    /// The key of the run, for instance course-v1:edX+DemoX+2026_T1.
    pub course_key: String,
    /// The UUID of the course that it is a run of.
    pub course_uuid: String,
    /// The title.
    #[serde(default)]
    pub title: Option<String>,
    /// One paragraph for lists.
    #[serde(default)]
    pub short_description: Option<String>,
    /// The page's text, HTML.
    #[serde(default)]
    pub overview: Option<String>,
    /// When it starts, RFC 3339.
    #[serde(default)]
    pub start: Option<String>,
    /// When it ends, RFC 3339.
    #[serde(default)]
    pub end: Option<String>,
    /// Where the picture is.
    #[serde(default)]
    pub image_url: Option<String>,
    /// The LMS user id of the author who asks.
    pub author_id: i64,
    /// Until when services are to answer, RFC 3339; after that the author sees their silence.
    pub answer_by: String,
}

/// What a service makes of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnswerData {
    /// The key of the run, for instance course-v1:edX+DemoX+2026_T1.
    pub course_key: String,
    /// The id of the request's event; ce_causationid says the same.
    pub request_id: String,
    /// accepted or failed.
    pub outcome: String,
    /// What went wrong, for programs; empty: nothing.
    #[serde(default)]
    pub code: String,
    /// What went wrong and what to do, for the author; empty: nothing.
    #[serde(default)]
    pub reason: String,
}

const COURSE_RUN_PUBLISHED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"An author published a course run, and asks the services to follow.\",\"fields\":[{\"name\":\"request\",\"type\":{\"name\":\"PublicationData\",\"type\":\"record\",\"doc\":\"A run that is published.\",\"fields\":[{\"name\":\"course_key\",\"type\":\"string\",\"doc\":\"The key of the run, for instance course-v1:edX+DemoX+2026_T1.\"},{\"name\":\"course_uuid\",\"type\":\"string\",\"doc\":\"The UUID of the course that it is a run of.\"},{\"name\":\"title\",\"type\":\"string\",\"doc\":\"Its title.\"},{\"name\":\"start\",\"type\":\"string\",\"doc\":\"When it starts, RFC 3339.\"},{\"name\":\"end\",\"type\":[\"null\",\"string\"],\"doc\":\"When it ends, RFC 3339.\",\"default\":null},{\"name\":\"pacing\",\"type\":\"string\",\"doc\":\"Who sets the pace: instructor or self.\"},{\"name\":\"author_id\",\"type\":\"long\",\"doc\":\"The LMS user id of the author who asks.\"},{\"name\":\"answer_by\",\"type\":\"string\",\"doc\":\"Until when services are to answer, RFC 3339; after that the author sees their silence.\"}]},\"doc\":\"What is asked.\"}],\"namespace\":\"coursebus.publication.course_run.published.v1\"}";

pub(super) static COURSE_RUN_PUBLISHED: EventType = EventType {
    name: "coursebus.publication.course_run.published.v1",
    owner: "discovery",
    origin: Origin::Coursebus,
    topic: &topics::PUBLICATION_REQUESTS,
    major: 1,
    minor: 0,
    schema: COURSE_RUN_PUBLISHED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: COURSE_RUN_PUBLISHED_1_0,
        },
    ],
    key: KeySpec {
        path: &["request", "course_key"],
        schema: "{\"name\":\"course_key\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["request", "course_key"]],
    compatibility: Compatibility::FullTransitive,
    personal_data: &[],
    description: "An author published a course run, and asks the services to follow.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            COURSE_RUN_PUBLISHED_1_0,
        ));
        &WRITER
    },
};

const METADATA_EDITED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"An author edited what is told of a course run, and asks the services to follow.\",\"fields\":[{\"name\":\"request\",\"type\":{\"name\":\"MetadataEditData\",\"type\":\"record\",\"doc\":\"What is edited; null: as it was.\",\"fields\":[{\"name\":\"course_key\",\"type\":\"string\",\"doc\":\"The key of the run, for instance course-v1:edX+DemoX+2026_T1.\"},{\"name\":\"course_uuid\",\"type\":\"string\",\"doc\":\"The UUID of the course that it is a run of.\"},{\"name\":\"title\",\"type\":[\"null\",\"string\"],\"doc\":\"The title.\",\"default\":null},{\"name\":\"short_description\",\"type\":[\"null\",\"string\"],\"doc\":\"One paragraph for lists.\",\"default\":null},{\"name\":\"overview\",\"type\":[\"null\",\"string\"],\"doc\":\"The page's text, HTML.\",\"default\":null},{\"name\":\"start\",\"type\":[\"null\",\"string\"],\"doc\":\"When it starts, RFC 3339.\",\"default\":null},{\"name\":\"end\",\"type\":[\"null\",\"string\"],\"doc\":\"When it ends, RFC 3339.\",\"default\":null},{\"name\":\"image_url\",\"type\":[\"null\",\"string\"],\"doc\":\"Where the picture is.\",\"default\":null},{\"name\":\"author_id\",\"type\":\"long\",\"doc\":\"The LMS user id of the author who asks.\"},{\"name\":\"answer_by\",\"type\":\"string\",\"doc\":\"Until when services are to answer, RFC 3339; after that the author sees their silence.\"}]},\"doc\":\"What is asked.\"}],\"namespace\":\"coursebus.publication.metadata.edited.v1\"}";

pub(super) static METADATA_EDITED: EventType = EventType {
    name: "coursebus.publication.metadata.edited.v1",
    owner: "discovery",
    origin: Origin::Coursebus,
    topic: &topics::PUBLICATION_REQUESTS,
    major: 1,
    minor: 0,
    schema: METADATA_EDITED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: METADATA_EDITED_1_0,
        },
    ],
    key: KeySpec {
        path: &["request", "course_key"],
        schema: "{\"name\":\"course_key\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["request", "course_key"]],
    compatibility: Compatibility::FullTransitive,
    personal_data: &[],
    description: "An author edited what is told of a course run, and asks the services to follow.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            METADATA_EDITED_1_0,
        ));
        &WRITER
    },
};

const CMS_ANSWERED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"The CMS answered an author's request.\",\"fields\":[{\"name\":\"answer\",\"type\":{\"name\":\"AnswerData\",\"type\":\"record\",\"doc\":\"What a service makes of a request.\",\"fields\":[{\"name\":\"course_key\",\"type\":\"string\",\"doc\":\"The key of the run, for instance course-v1:edX+DemoX+2026_T1.\"},{\"name\":\"request_id\",\"type\":\"string\",\"doc\":\"The id of the request's event; ce_causationid says the same.\"},{\"name\":\"outcome\",\"type\":\"string\",\"doc\":\"accepted or failed.\"},{\"name\":\"code\",\"type\":\"string\",\"doc\":\"What went wrong, for programs; empty: nothing.\",\"default\":\"\"},{\"name\":\"reason\",\"type\":\"string\",\"doc\":\"What went wrong and what to do, for the author; empty: nothing.\",\"default\":\"\"}]},\"doc\":\"The answer.\"}],\"namespace\":\"coursebus.publication.cms.answered.v1\"}";

pub(super) static CMS_ANSWERED: EventType = EventType {
    name: "coursebus.publication.cms.answered.v1",
    owner: "cms",
    origin: Origin::Coursebus,
    topic: &topics::PUBLICATION_ANSWERS,
    major: 1,
    minor: 0,
    schema: CMS_ANSWERED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: CMS_ANSWERED_1_0,
        },
    ],
    key: KeySpec {
        path: &["answer", "course_key"],
        schema: "{\"name\":\"course_key\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["answer", "course_key"]],
    compatibility: Compatibility::FullTransitive,
    personal_data: &[],
    description: "The CMS answered an author's request.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            CMS_ANSWERED_1_0,
        ));
        &WRITER
    },
};

const LMS_ANSWERED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"The LMS answered an author's request.\",\"fields\":[{\"name\":\"answer\",\"type\":{\"name\":\"AnswerData\",\"type\":\"record\",\"doc\":\"What a service makes of a request.\",\"fields\":[{\"name\":\"course_key\",\"type\":\"string\",\"doc\":\"The key of the run, for instance course-v1:edX+DemoX+2026_T1.\"},{\"name\":\"request_id\",\"type\":\"string\",\"doc\":\"The id of the request's event; ce_causationid says the same.\"},{\"name\":\"outcome\",\"type\":\"string\",\"doc\":\"accepted or failed.\"},{\"name\":\"code\",\"type\":\"string\",\"doc\":\"What went wrong, for programs; empty: nothing.\",\"default\":\"\"},{\"name\":\"reason\",\"type\":\"string\",\"doc\":\"What went wrong and what to do, for the author; empty: nothing.\",\"default\":\"\"}]},\"doc\":\"The answer.\"}],\"namespace\":\"coursebus.publication.lms.answered.v1\"}";

pub(super) static LMS_ANSWERED: EventType = EventType {
    name: "coursebus.publication.lms.answered.v1",
    owner: "lms",
    origin: Origin::Coursebus,
    topic: &topics::PUBLICATION_ANSWERS,
    major: 1,
    minor: 0,
    schema: LMS_ANSWERED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: LMS_ANSWERED_1_0,
        },
    ],
    key: KeySpec {
        path: &["answer", "course_key"],
        schema: "{\"name\":\"course_key\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["answer", "course_key"]],
    compatibility: Compatibility::FullTransitive,
    personal_data: &[],
    description: "The LMS answered an author's request.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            LMS_ANSWERED_1_0,
        ));
        &WRITER
    },
};

const ENTERPRISE_ANSWERED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"The enterprise service answered an author's request.\",\"fields\":[{\"name\":\"answer\",\"type\":{\"name\":\"AnswerData\",\"type\":\"record\",\"doc\":\"What a service makes of a request.\",\"fields\":[{\"name\":\"course_key\",\"type\":\"string\",\"doc\":\"The key of the run, for instance course-v1:edX+DemoX+2026_T1.\"},{\"name\":\"request_id\",\"type\":\"string\",\"doc\":\"The id of the request's event; ce_causationid says the same.\"},{\"name\":\"outcome\",\"type\":\"string\",\"doc\":\"accepted or failed.\"},{\"name\":\"code\",\"type\":\"string\",\"doc\":\"What went wrong, for programs; empty: nothing.\",\"default\":\"\"},{\"name\":\"reason\",\"type\":\"string\",\"doc\":\"What went wrong and what to do, for the author; empty: nothing.\",\"default\":\"\"}]},\"doc\":\"The answer.\"}],\"namespace\":\"coursebus.publication.enterprise.answered.v1\"}";

pub(super) static ENTERPRISE_ANSWERED: EventType = EventType {
    name: "coursebus.publication.enterprise.answered.v1",
    owner: "enterprise",
    origin: Origin::Coursebus,
    topic: &topics::PUBLICATION_ANSWERS,
    major: 1,
    minor: 0,
    schema: ENTERPRISE_ANSWERED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: ENTERPRISE_ANSWERED_1_0,
        },
    ],
    key: KeySpec {
        path: &["answer", "course_key"],
        schema: "{\"name\":\"course_key\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["answer", "course_key"]],
    compatibility: Compatibility::FullTransitive,
    personal_data: &[],
    description: "The enterprise service answered an author's request.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            ENTERPRISE_ANSWERED_1_0,
        ));
        &WRITER
    },
};
