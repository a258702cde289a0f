//! Events of the domain `learning`.
//!
//! Written by `cargo xtask codegen` from `catalog.toml` and `avro/`: edit those.

use std::sync::LazyLock;
use serde::{Deserialize, Serialize};
use crate::event::{Compatibility, Event, EventType, KeySpec, Origin, Primitive, Version};
use crate::key::{Key, OrderKey};
use crate::writer::WriterSchema;
use super::topics;

/// A learner was enrolled in a course run.
///
/// `org.openedx.learning.course.enrollment.created.v1` on the topic `course-enrollment-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CourseEnrollmentCreated {
    /// An enrollment.
    pub enrollment: CourseEnrollmentData,
}

impl Event for CourseEnrollmentCreated {
    const TYPE: &'static EventType = &COURSE_ENROLLMENT_CREATED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.enrollment.course.course_key)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.enrollment.course.course_key));
        out.push(Key::Long(self.enrollment.user.id));
    }
}

/// The mode or state of an enrollment changed.
///
/// `org.openedx.learning.course.enrollment.changed.v1` on the topic `course-enrollment-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CourseEnrollmentChanged {
    /// An enrollment.
    pub enrollment: CourseEnrollmentData,
}

impl Event for CourseEnrollmentChanged {
    const TYPE: &'static EventType = &COURSE_ENROLLMENT_CHANGED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.enrollment.course.course_key)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.enrollment.course.course_key));
        out.push(Key::Long(self.enrollment.user.id));
    }
}

/// A learner left a course run.
///
/// `org.openedx.learning.course.unenrollment.completed.v1` on the topic `course-enrollment-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CourseUnenrollmentCompleted {
    /// An enrollment.
    pub enrollment: CourseEnrollmentData,
}

impl Event for CourseUnenrollmentCompleted {
    const TYPE: &'static EventType = &COURSE_UNENROLLMENT_COMPLETED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.enrollment.course.course_key)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.enrollment.course.course_key));
        out.push(Key::Long(self.enrollment.user.id));
    }
}

/// A learner's grade in a course run changed.
///
/// `org.openedx.learning.course.persistent_grade_summary.changed.v1` on the topic `learning-grade-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CoursePersistentGradeSummaryChanged {
    /// A learner's grade in a course run.
    pub grade: PersistentCourseGradeData,
}

impl Event for CoursePersistentGradeSummaryChanged {
    const TYPE: &'static EventType = &COURSE_PERSISTENT_GRADE_SUMMARY_CHANGED;
    fn key(&self) -> Key<'_> {
        Key::Long(self.grade.user_id)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.grade.course.course_key));
        out.push(Key::Long(self.grade.user_id));
    }
}

/// A learner's certificate was created.
///
/// `org.openedx.learning.certificate.created.v1` on the topic `learning-certificate-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CertificateCreated {
    /// A course certificate.
    pub certificate: CertificateData,
}

impl Event for CertificateCreated {
    const TYPE: &'static EventType = &CERTIFICATE_CREATED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.certificate.course.course_key)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.certificate.course.course_key));
        out.push(Key::Long(self.certificate.user.id));
    }
}

/// A learner's certificate changed.
///
/// `org.openedx.learning.certificate.changed.v1` on the topic `learning-certificate-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CertificateChanged {
    /// A course certificate.
    pub certificate: CertificateData,
}

impl Event for CertificateChanged {
    const TYPE: &'static EventType = &CERTIFICATE_CHANGED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.certificate.course.course_key)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.certificate.course.course_key));
        out.push(Key::Long(self.certificate.user.id));
    }
}

/// A learner's certificate was taken back.
///
/// `org.openedx.learning.certificate.revoked.v1` on the topic `learning-certificate-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CertificateRevoked {
    /// A course certificate.
    pub certificate: CertificateData,
}

impl Event for CertificateRevoked {
    const TYPE: &'static EventType = &CERTIFICATE_REVOKED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.certificate.course.course_key)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.certificate.course.course_key));
        out.push(Key::Long(self.certificate.user.id));
    }
}

/// Whether a learner passes a course run changed.
///
/// `org.openedx.learning.course.passing.status.updated.v1` on the topic `learning-badges-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CoursePassingStatusUpdated {
    /// Whether a learner passes a course run.
    pub course_passing_status: CoursePassingStatusData,
}

impl Event for CoursePassingStatusUpdated {
    const TYPE: &'static EventType = &COURSE_PASSING_STATUS_UPDATED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.course_passing_status.course.course_key)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.course_passing_status.course.course_key));
        out.push(Key::Long(self.course_passing_status.user.id));
    }
}

/// A learner's attempt at an exam was verified.
///
/// `org.openedx.learning.exam.attempt.verified.v1` on the topic `learning-exam-attempt-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExamAttemptVerified {
    /// An attempt at an exam.
    pub exam_attempt: ExamAttemptData,
}

impl Event for ExamAttemptVerified {
    const TYPE: &'static EventType = &EXAM_ATTEMPT_VERIFIED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.exam_attempt.course_key)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.exam_attempt.course_key));
        out.push(Key::Str(&self.exam_attempt.usage_key));
        out.push(Key::Long(self.exam_attempt.student_user.id));
    }
}

/// A thread was opened in a course forum.
///
/// `org.openedx.learning.forum.thread.created.v1` on the topic `learning-forum-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForumThreadCreated {
    /// A thread, response or comment in a course forum.
    pub thread: DiscussionThreadData,
}

impl Event for ForumThreadCreated {
    const TYPE: &'static EventType = &FORUM_THREAD_CREATED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.thread.course_id)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.thread.course_id));
        out.push(Key::Str(&self.thread.id));
    }
}

/// Learners are to be notified of something in a course run.
///
/// `org.openedx.learning.user.notification.requested.v1` on the topic `learning-notification-requests`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UserNotificationRequested {
    /// A request to notify users.
    pub notification_data: UserNotificationData,
}

impl Event for UserNotificationRequested {
    const TYPE: &'static EventType = &USER_NOTIFICATION_REQUESTED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.notification_data.course_key)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.notification_data.course_key));
    }
}

/// An enrollment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CourseEnrollmentData {
    /// The learner.
    pub user: UserData,
    /// The course run.
    pub course: CourseData,
    /// The mode: `audit`, `verified`, …
    pub mode: String,
    /// The enrollment is active.
    pub is_active: bool,
    /// When the enrollment was created, RFC 3339.
    pub creation_date: String,
    /// Who enrolled the learner, if somebody else did.
    #[serde(default)]
    pub created_by: Option<UserData>,
}

/// A user of the LMS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UserData {
    /// The LMS user id.
    pub id: i64,
    /// The account is active.
    pub is_active: bool,
    /// Who the user is.
    pub pii: UserPersonalData,
}

/// Who a user is: personal data.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct UserPersonalData {
    /// The user name.
    pub username: String,
    /// The e-mail address.
    pub email: String,
    /// The full name.
    pub name: String,
}

impl std::fmt::Debug for UserPersonalData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserPersonalData")
            .field("username", &format_args!("<personal>"))
            .field("email", &format_args!("<personal>"))
            .field("name", &format_args!("<personal>"))
            .finish()
    }
}

/// A course run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CourseData {
    /// The key of the run, for instance `course-v1:edX+DemoX+2026_T1`.
    pub course_key: String,
    /// The title of the course.
    pub display_name: String,
    /// When the run starts, RFC 3339.
    #[serde(default)]
    pub start: Option<String>,
    /// When the run ends, RFC 3339.
    #[serde(default)]
    pub end: Option<String>,
}

/// A learner's grade in a course run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PersistentCourseGradeData {
    /// The LMS user id of the learner.
    pub user_id: i64,
    /// The course run.
    pub course: CourseData,
    /// When the course was last edited, RFC 3339.
    pub course_edited_timestamp: String,
    /// The version of the course's content.
    pub course_version: String,
    /// The hash of the grading policy.
    pub grading_policy_hash: String,
    /// The grade, from 0 to 1.
    pub percent_grade: f64,
    /// The grade as a letter; empty when not passed.
    pub letter_grade: String,
    /// When the learner passed, RFC 3339.
    pub passed_timestamp: String,
}

/// A course certificate.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct CertificateData {
    /// The learner.
    pub user: UserData,
    /// The course run.
    pub course: CourseData,
    /// The mode of the enrollment it is for.
    pub mode: String,
    /// The grade, as text.
    pub grade: String,
    /// Where the certificate can be downloaded.
    pub download_url: String,
    /// The name on the certificate.
    pub name: String,
    /// The status after the event: `downloadable`, `unavailable`, …
    pub current_status: String,
    /// The status before the event.
    pub previous_status: String,
}

impl std::fmt::Debug for CertificateData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CertificateData")
            .field("user", &self.user)
            .field("course", &self.course)
            .field("mode", &self.mode)
            .field("grade", &self.grade)
            .field("download_url", &format_args!("<personal>"))
            .field("name", &format_args!("<personal>"))
            .field("current_status", &self.current_status)
            .field("previous_status", &self.previous_status)
            .finish()
    }
}

/// Whether a learner passes a course run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CoursePassingStatusData {
    /// The grade is a passing one.
    pub is_passing: bool,
    /// The course run.
    pub course: CourseData,
    /// The learner.
    pub user: UserData,
}

/// An attempt at an exam.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExamAttemptData {
    /// The learner.
    pub student_user: UserData,
    /// The key of the course run.
    pub course_key: String,
    /// The key of the block that holds the exam.
    pub usage_key: String,
    /// The kind of exam: `proctored`, `timed`, …
    pub exam_type: String,
    /// Who asked for the change, if not the learner.
    #[serde(default)]
    pub requesting_user: Option<UserData>,
}

/// A thread, response or comment in a course forum.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct DiscussionThreadData {
    /// The text.
    pub body: String,
    /// The topic that it was posted under.
    pub commentable_id: String,
    /// The thread's id.
    pub id: String,
    /// The body is cut off.
    pub truncated: bool,
    /// Where the thread can be read.
    pub url: String,
    /// The author.
    pub user: UserData,
    /// The key of the course run.
    pub course_id: String,
    /// `discussion` or `question`.
    #[serde(default)]
    pub thread_type: Option<String>,
    /// The author is hidden from all.
    #[serde(default)]
    pub anonymous: Option<bool>,
    /// The author is hidden from other learners.
    #[serde(default)]
    pub anonymous_to_peers: Option<bool>,
    /// The title.
    #[serde(default)]
    pub title: Option<String>,
    /// The title is cut off.
    #[serde(default)]
    pub title_truncated: Option<bool>,
    /// The cohort that can read it.
    #[serde(default)]
    pub group_id: Option<i64>,
    /// The team that can read it.
    #[serde(default)]
    pub team_id: Option<i64>,
    /// The id of the topic's category.
    #[serde(default)]
    pub category_id: Option<i64>,
    /// The name of the topic's category.
    #[serde(default)]
    pub category_name: Option<String>,
    /// The thread that a response or comment belongs to.
    #[serde(default)]
    pub discussion: Option<std::collections::BTreeMap<String, String>>,
    /// The author's roles in the course.
    pub user_course_roles: Vec<String>,
    /// The author's roles in the forum.
    pub user_forums_roles: Vec<String>,
    /// What the author chose, for instance `followed`.
    pub options: std::collections::BTreeMap<String, bool>,
}

impl std::fmt::Debug for DiscussionThreadData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DiscussionThreadData")
            .field("body", &format_args!("<personal>"))
            .field("commentable_id", &self.commentable_id)
            .field("id", &self.id)
            .field("truncated", &self.truncated)
            .field("url", &self.url)
            .field("user", &self.user)
            .field("course_id", &self.course_id)
            .field("thread_type", &self.thread_type)
            .field("anonymous", &self.anonymous)
            .field("anonymous_to_peers", &self.anonymous_to_peers)
            .field("title", &format_args!("<personal>"))
            .field("title_truncated", &self.title_truncated)
            .field("group_id", &self.group_id)
            .field("team_id", &self.team_id)
            .field("category_id", &self.category_id)
            .field("category_name", &self.category_name)
            .field("discussion", &self.discussion)
            .field("user_course_roles", &self.user_course_roles)
            .field("user_forums_roles", &self.user_forums_roles)
            .field("options", &self.options)
            .finish()
    }
}

/// A request to notify users.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct UserNotificationData {
    /// The LMS user ids of those to notify.
    pub user_ids: Vec<i64>,
    /// The kind of notification.
    pub notification_type: String,
    /// Where it leads.
    pub content_url: String,
    /// The application that it comes from.
    pub app_name: String,
    /// The key of the course run.
    pub course_key: String,
    /// What the text of the notification is filled in with.
    pub context: std::collections::BTreeMap<String, String>,
}

impl std::fmt::Debug for UserNotificationData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserNotificationData")
            .field("user_ids", &self.user_ids)
            .field("notification_type", &self.notification_type)
            .field("content_url", &self.content_url)
            .field("app_name", &self.app_name)
            .field("course_key", &self.course_key)
            .field("context", &format_args!("<personal>"))
            .finish()
    }
}

const COURSE_ENROLLMENT_CREATED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"Avro Event Format for CloudEvents created with openedx_events/schema\",\"fields\":[{\"name\":\"enrollment\",\"type\":{\"name\":\"CourseEnrollmentData\",\"type\":\"record\",\"fields\":[{\"name\":\"user\",\"type\":{\"name\":\"UserData\",\"type\":\"record\",\"fields\":[{\"name\":\"id\",\"type\":\"long\"},{\"name\":\"is_active\",\"type\":\"boolean\"},{\"name\":\"pii\",\"type\":{\"name\":\"UserPersonalData\",\"type\":\"record\",\"fields\":[{\"name\":\"username\",\"type\":\"string\"},{\"name\":\"email\",\"type\":\"string\"},{\"name\":\"name\",\"type\":\"string\"}]}}]}},{\"name\":\"course\",\"type\":{\"name\":\"CourseData\",\"type\":\"record\",\"fields\":[{\"name\":\"course_key\",\"type\":\"string\"},{\"name\":\"display_name\",\"type\":\"string\"},{\"name\":\"start\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"end\",\"type\":[\"null\",\"string\"],\"default\":null}]}},{\"name\":\"mode\",\"type\":\"string\"},{\"name\":\"is_active\",\"type\":\"boolean\"},{\"name\":\"creation_date\",\"type\":\"string\"},{\"name\":\"created_by\",\"type\":[\"null\",\"UserData\"],\"default\":null}]}}],\"namespace\":\"org.openedx.learning.course.enrollment.created.v1\"}";

pub(super) static COURSE_ENROLLMENT_CREATED: EventType = EventType {
    name: "org.openedx.learning.course.enrollment.created.v1",
    owner: "lms",
    origin: Origin::OpenEdx,
    topic: &topics::COURSE_ENROLLMENT_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: COURSE_ENROLLMENT_CREATED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: COURSE_ENROLLMENT_CREATED_1_0,
        },
    ],
    key: KeySpec {
        path: &["enrollment", "course", "course_key"],
        schema: "{\"name\":\"course_key\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["enrollment", "course", "course_key"], &["enrollment", "user", "id"]],
    compatibility: Compatibility::Backward,
    personal_data: &[
        "enrollment.user.pii.username",
        "enrollment.user.pii.email",
        "enrollment.user.pii.name",
        "enrollment.created_by.pii.username",
        "enrollment.created_by.pii.email",
        "enrollment.created_by.pii.name",
    ],
    description: "A learner was enrolled in a course run.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            COURSE_ENROLLMENT_CREATED_1_0,
        ));
        &WRITER
    },
};

const COURSE_ENROLLMENT_CHANGED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"Avro Event Format for CloudEvents created with openedx_events/schema\",\"fields\":[{\"name\":\"enrollment\",\"type\":{\"name\":\"CourseEnrollmentData\",\"type\":\"record\",\"fields\":[{\"name\":\"user\",\"type\":{\"name\":\"UserData\",\"type\":\"record\",\"fields\":[{\"name\":\"id\",\"type\":\"long\"},{\"name\":\"is_active\",\"type\":\"boolean\"},{\"name\":\"pii\",\"type\":{\"name\":\"UserPersonalData\",\"type\":\"record\",\"fields\":[{\"name\":\"username\",\"type\":\"string\"},{\"name\":\"email\",\"type\":\"string\"},{\"name\":\"name\",\"type\":\"string\"}]}}]}},{\"name\":\"course\",\"type\":{\"name\":\"CourseData\",\"type\":\"record\",\"fields\":[{\"name\":\"course_key\",\"type\":\"string\"},{\"name\":\"display_name\",\"type\":\"string\"},{\"name\":\"start\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"end\",\"type\":[\"null\",\"string\"],\"default\":null}]}},{\"name\":\"mode\",\"type\":\"string\"},{\"name\":\"is_active\",\"type\":\"boolean\"},{\"name\":\"creation_date\",\"type\":\"string\"},{\"name\":\"created_by\",\"type\":[\"null\",\"UserData\"],\"default\":null}]}}],\"namespace\":\"org.openedx.learning.course.enrollment.changed.v1\"}";

pub(super) static COURSE_ENROLLMENT_CHANGED: EventType = EventType {
    name: "org.openedx.learning.course.enrollment.changed.v1",
    owner: "lms",
    origin: Origin::OpenEdx,
    topic: &topics::COURSE_ENROLLMENT_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: COURSE_ENROLLMENT_CHANGED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: COURSE_ENROLLMENT_CHANGED_1_0,
        },
    ],
    key: KeySpec {
        path: &["enrollment", "course", "course_key"],
        schema: "{\"name\":\"course_key\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["enrollment", "course", "course_key"], &["enrollment", "user", "id"]],
    compatibility: Compatibility::Backward,
    personal_data: &[
        "enrollment.user.pii.username",
        "enrollment.user.pii.email",
        "enrollment.user.pii.name",
        "enrollment.created_by.pii.username",
        "enrollment.created_by.pii.email",
        "enrollment.created_by.pii.name",
    ],
    description: "The mode or state of an enrollment changed.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            COURSE_ENROLLMENT_CHANGED_1_0,
        ));
        &WRITER
    },
};

const COURSE_UNENROLLMENT_COMPLETED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"Avro Event Format for CloudEvents created with openedx_events/schema\",\"fields\":[{\"name\":\"enrollment\",\"type\":{\"name\":\"CourseEnrollmentData\",\"type\":\"record\",\"fields\":[{\"name\":\"user\",\"type\":{\"name\":\"UserData\",\"type\":\"record\",\"fields\":[{\"name\":\"id\",\"type\":\"long\"},{\"name\":\"is_active\",\"type\":\"boolean\"},{\"name\":\"pii\",\"type\":{\"name\":\"UserPersonalData\",\"type\":\"record\",\"fields\":[{\"name\":\"username\",\"type\":\"string\"},{\"name\":\"email\",\"type\":\"string\"},{\"name\":\"name\",\"type\":\"string\"}]}}]}},{\"name\":\"course\",\"type\":{\"name\":\"CourseData\",\"type\":\"record\",\"fields\":[{\"name\":\"course_key\",\"type\":\"string\"},{\"name\":\"display_name\",\"type\":\"string\"},{\"name\":\"start\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"end\",\"type\":[\"null\",\"string\"],\"default\":null}]}},{\"name\":\"mode\",\"type\":\"string\"},{\"name\":\"is_active\",\"type\":\"boolean\"},{\"name\":\"creation_date\",\"type\":\"string\"},{\"name\":\"created_by\",\"type\":[\"null\",\"UserData\"],\"default\":null}]}}],\"namespace\":\"org.openedx.learning.course.unenrollment.completed.v1\"}";

pub(super) static COURSE_UNENROLLMENT_COMPLETED: EventType = EventType {
    name: "org.openedx.learning.course.unenrollment.completed.v1",
    owner: "lms",
    origin: Origin::OpenEdx,
    topic: &topics::COURSE_ENROLLMENT_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: COURSE_UNENROLLMENT_COMPLETED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: COURSE_UNENROLLMENT_COMPLETED_1_0,
        },
    ],
    key: KeySpec {
        path: &["enrollment", "course", "course_key"],
        schema: "{\"name\":\"course_key\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["enrollment", "course", "course_key"], &["enrollment", "user", "id"]],
    compatibility: Compatibility::Backward,
    personal_data: &[
        "enrollment.user.pii.username",
        "enrollment.user.pii.email",
        "enrollment.user.pii.name",
        "enrollment.created_by.pii.username",
        "enrollment.created_by.pii.email",
        "enrollment.created_by.pii.name",
    ],
    description: "A learner left a course run.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            COURSE_UNENROLLMENT_COMPLETED_1_0,
        ));
        &WRITER
    },
};

const COURSE_PERSISTENT_GRADE_SUMMARY_CHANGED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"Avro Event Format for CloudEvents created with openedx_events/schema\",\"fields\":[{\"name\":\"grade\",\"type\":{\"name\":\"PersistentCourseGradeData\",\"type\":\"record\",\"fields\":[{\"name\":\"user_id\",\"type\":\"long\"},{\"name\":\"course\",\"type\":{\"name\":\"CourseData\",\"type\":\"record\",\"fields\":[{\"name\":\"course_key\",\"type\":\"string\"},{\"name\":\"display_name\",\"type\":\"string\"},{\"name\":\"start\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"end\",\"type\":[\"null\",\"string\"],\"default\":null}]}},{\"name\":\"course_edited_timestamp\",\"type\":\"string\"},{\"name\":\"course_version\",\"type\":\"string\"},{\"name\":\"grading_policy_hash\",\"type\":\"string\"},{\"name\":\"percent_grade\",\"type\":\"double\"},{\"name\":\"letter_grade\",\"type\":\"string\"},{\"name\":\"passed_timestamp\",\"type\":\"string\"}]}}],\"namespace\":\"org.openedx.learning.course.persistent_grade_summary.changed.v1\"}";

pub(super) static COURSE_PERSISTENT_GRADE_SUMMARY_CHANGED: EventType = EventType {
    name: "org.openedx.learning.course.persistent_grade_summary.changed.v1",
    owner: "lms",
    origin: Origin::OpenEdx,
    topic: &topics::LEARNING_GRADE_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: COURSE_PERSISTENT_GRADE_SUMMARY_CHANGED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: COURSE_PERSISTENT_GRADE_SUMMARY_CHANGED_1_0,
        },
    ],
    key: KeySpec {
        path: &["grade", "user_id"],
        schema: "{\"name\":\"user_id\",\"type\":\"long\"}",
        primitive: Primitive::Long,
    },
    order_by: &[&["grade", "course", "course_key"], &["grade", "user_id"]],
    compatibility: Compatibility::Backward,
    personal_data: &[],
    description: "A learner's grade in a course run changed.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            COURSE_PERSISTENT_GRADE_SUMMARY_CHANGED_1_0,
        ));
        &WRITER
    },
};

const CERTIFICATE_CREATED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"Avro Event Format for CloudEvents created with openedx_events/schema\",\"fields\":[{\"name\":\"certificate\",\"type\":{\"name\":\"CertificateData\",\"type\":\"record\",\"fields\":[{\"name\":\"user\",\"type\":{\"name\":\"UserData\",\"type\":\"record\",\"fields\":[{\"name\":\"id\",\"type\":\"long\"},{\"name\":\"is_active\",\"type\":\"boolean\"},{\"name\":\"pii\",\"type\":{\"name\":\"UserPersonalData\",\"type\":\"record\",\"fields\":[{\"name\":\"username\",\"type\":\"string\"},{\"name\":\"email\",\"type\":\"string\"},{\"name\":\"name\",\"type\":\"string\"}]}}]}},{\"name\":\"course\",\"type\":{\"name\":\"CourseData\",\"type\":\"record\",\"fields\":[{\"name\":\"course_key\",\"type\":\"string\"},{\"name\":\"display_name\",\"type\":\"string\"},{\"name\":\"start\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"end\",\"type\":[\"null\",\"string\"],\"default\":null}]}},{\"name\":\"mode\",\"type\":\"string\"},{\"name\":\"grade\",\"type\":\"string\"},{\"name\":\"download_url\",\"type\":\"string\"},{\"name\":\"name\",\"type\":\"string\"},{\"name\":\"current_status\",\"type\":\"string\"},{\"name\":\"previous_status\",\"type\":\"string\"}]}}],\"namespace\":\"org.openedx.learning.certificate.created.v1\"}";

pub(super) static CERTIFICATE_CREATED: EventType = EventType {
    name: "org.openedx.learning.certificate.created.v1",
    owner: "lms",
    origin: Origin::OpenEdx,
    topic: &topics::LEARNING_CERTIFICATE_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: CERTIFICATE_CREATED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: CERTIFICATE_CREATED_1_0,
        },
    ],
    key: KeySpec {
        path: &["certificate", "course", "course_key"],
        schema: "{\"name\":\"course_key\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[
        &["certificate", "course", "course_key"],
        &["certificate", "user", "id"],
    ],
    compatibility: Compatibility::Backward,
    personal_data: &[
        "certificate.user.pii.username",
        "certificate.user.pii.email",
        "certificate.user.pii.name",
        "certificate.download_url",
        "certificate.name",
    ],
    description: "A learner's certificate was created.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            CERTIFICATE_CREATED_1_0,
        ));
        &WRITER
    },
};

const CERTIFICATE_CHANGED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"Avro Event Format for CloudEvents created with openedx_events/schema\",\"fields\":[{\"name\":\"certificate\",\"type\":{\"name\":\"CertificateData\",\"type\":\"record\",\"fields\":[{\"name\":\"user\",\"type\":{\"name\":\"UserData\",\"type\":\"record\",\"fields\":[{\"name\":\"id\",\"type\":\"long\"},{\"name\":\"is_active\",\"type\":\"boolean\"},{\"name\":\"pii\",\"type\":{\"name\":\"UserPersonalData\",\"type\":\"record\",\"fields\":[{\"name\":\"username\",\"type\":\"string\"},{\"name\":\"email\",\"type\":\"string\"},{\"name\":\"name\",\"type\":\"string\"}]}}]}},{\"name\":\"course\",\"type\":{\"name\":\"CourseData\",\"type\":\"record\",\"fields\":[{\"name\":\"course_key\",\"type\":\"string\"},{\"name\":\"display_name\",\"type\":\"string\"},{\"name\":\"start\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"end\",\"type\":[\"null\",\"string\"],\"default\":null}]}},{\"name\":\"mode\",\"type\":\"string\"},{\"name\":\"grade\",\"type\":\"string\"},{\"name\":\"download_url\",\"type\":\"string\"},{\"name\":\"name\",\"type\":\"string\"},{\"name\":\"current_status\",\"type\":\"string\"},{\"name\":\"previous_status\",\"type\":\"string\"}]}}],\"namespace\":\"org.openedx.learning.certificate.changed.v1\"}";

pub(super) static CERTIFICATE_CHANGED: EventType = EventType {
    name: "org.openedx.learning.certificate.changed.v1",
    owner: "lms",
    origin: Origin::OpenEdx,
    topic: &topics::LEARNING_CERTIFICATE_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: CERTIFICATE_CHANGED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: CERTIFICATE_CHANGED_1_0,
        },
    ],
    key: KeySpec {
        path: &["certificate", "course", "course_key"],
        schema: "{\"name\":\"course_key\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[
        &["certificate", "course", "course_key"],
        &["certificate", "user", "id"],
    ],
    compatibility: Compatibility::Backward,
    personal_data: &[
        "certificate.user.pii.username",
        "certificate.user.pii.email",
        "certificate.user.pii.name",
        "certificate.download_url",
        "certificate.name",
    ],
    description: "A learner's certificate changed.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            CERTIFICATE_CHANGED_1_0,
        ));
        &WRITER
    },
};

const CERTIFICATE_REVOKED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"Avro Event Format for CloudEvents created with openedx_events/schema\",\"fields\":[{\"name\":\"certificate\",\"type\":{\"name\":\"CertificateData\",\"type\":\"record\",\"fields\":[{\"name\":\"user\",\"type\":{\"name\":\"UserData\",\"type\":\"record\",\"fields\":[{\"name\":\"id\",\"type\":\"long\"},{\"name\":\"is_active\",\"type\":\"boolean\"},{\"name\":\"pii\",\"type\":{\"name\":\"UserPersonalData\",\"type\":\"record\",\"fields\":[{\"name\":\"username\",\"type\":\"string\"},{\"name\":\"email\",\"type\":\"string\"},{\"name\":\"name\",\"type\":\"string\"}]}}]}},{\"name\":\"course\",\"type\":{\"name\":\"CourseData\",\"type\":\"record\",\"fields\":[{\"name\":\"course_key\",\"type\":\"string\"},{\"name\":\"display_name\",\"type\":\"string\"},{\"name\":\"start\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"end\",\"type\":[\"null\",\"string\"],\"default\":null}]}},{\"name\":\"mode\",\"type\":\"string\"},{\"name\":\"grade\",\"type\":\"string\"},{\"name\":\"download_url\",\"type\":\"string\"},{\"name\":\"name\",\"type\":\"string\"},{\"name\":\"current_status\",\"type\":\"string\"},{\"name\":\"previous_status\",\"type\":\"string\"}]}}],\"namespace\":\"org.openedx.learning.certificate.revoked.v1\"}";

pub(super) static CERTIFICATE_REVOKED: EventType = EventType {
    name: "org.openedx.learning.certificate.revoked.v1",
    owner: "lms",
    origin: Origin::OpenEdx,
    topic: &topics::LEARNING_CERTIFICATE_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: CERTIFICATE_REVOKED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: CERTIFICATE_REVOKED_1_0,
        },
    ],
    key: KeySpec {
        path: &["certificate", "course", "course_key"],
        schema: "{\"name\":\"course_key\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[
        &["certificate", "course", "course_key"],
        &["certificate", "user", "id"],
    ],
    compatibility: Compatibility::Backward,
    personal_data: &[
        "certificate.user.pii.username",
        "certificate.user.pii.email",
        "certificate.user.pii.name",
        "certificate.download_url",
        "certificate.name",
    ],
    description: "A learner's certificate was taken back.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            CERTIFICATE_REVOKED_1_0,
        ));
        &WRITER
    },
};

const COURSE_PASSING_STATUS_UPDATED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"Avro Event Format for CloudEvents created with openedx_events/schema\",\"fields\":[{\"name\":\"course_passing_status\",\"type\":{\"name\":\"CoursePassingStatusData\",\"type\":\"record\",\"fields\":[{\"name\":\"is_passing\",\"type\":\"boolean\"},{\"name\":\"course\",\"type\":{\"name\":\"CourseData\",\"type\":\"record\",\"fields\":[{\"name\":\"course_key\",\"type\":\"string\"},{\"name\":\"display_name\",\"type\":\"string\"},{\"name\":\"start\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"end\",\"type\":[\"null\",\"string\"],\"default\":null}]}},{\"name\":\"user\",\"type\":{\"name\":\"UserData\",\"type\":\"record\",\"fields\":[{\"name\":\"id\",\"type\":\"long\"},{\"name\":\"is_active\",\"type\":\"boolean\"},{\"name\":\"pii\",\"type\":{\"name\":\"UserPersonalData\",\"type\":\"record\",\"fields\":[{\"name\":\"username\",\"type\":\"string\"},{\"name\":\"email\",\"type\":\"string\"},{\"name\":\"name\",\"type\":\"string\"}]}}]}}]}}],\"namespace\":\"org.openedx.learning.course.passing.status.updated.v1\"}";

pub(super) static COURSE_PASSING_STATUS_UPDATED: EventType = EventType {
    name: "org.openedx.learning.course.passing.status.updated.v1",
    owner: "lms",
    origin: Origin::OpenEdx,
    topic: &topics::LEARNING_BADGES_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: COURSE_PASSING_STATUS_UPDATED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: COURSE_PASSING_STATUS_UPDATED_1_0,
        },
    ],
    key: KeySpec {
        path: &["course_passing_status", "course", "course_key"],
        schema: "{\"name\":\"course_key\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[
        &["course_passing_status", "course", "course_key"],
        &["course_passing_status", "user", "id"],
    ],
    compatibility: Compatibility::Backward,
    personal_data: &[
        "course_passing_status.user.pii.username",
        "course_passing_status.user.pii.email",
        "course_passing_status.user.pii.name",
    ],
    description: "Whether a learner passes a course run changed.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            COURSE_PASSING_STATUS_UPDATED_1_0,
        ));
        &WRITER
    },
};

const EXAM_ATTEMPT_VERIFIED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"Avro Event Format for CloudEvents created with openedx_events/schema\",\"fields\":[{\"name\":\"exam_attempt\",\"type\":{\"name\":\"ExamAttemptData\",\"type\":\"record\",\"fields\":[{\"name\":\"student_user\",\"type\":{\"name\":\"UserData\",\"type\":\"record\",\"fields\":[{\"name\":\"id\",\"type\":\"long\"},{\"name\":\"is_active\",\"type\":\"boolean\"},{\"name\":\"pii\",\"type\":{\"name\":\"UserPersonalData\",\"type\":\"record\",\"fields\":[{\"name\":\"username\",\"type\":\"string\"},{\"name\":\"email\",\"type\":\"string\"},{\"name\":\"name\",\"type\":\"string\"}]}}]}},{\"name\":\"course_key\",\"type\":\"string\"},{\"name\":\"usage_key\",\"type\":\"string\"},{\"name\":\"exam_type\",\"type\":\"string\"},{\"name\":\"requesting_user\",\"type\":[\"null\",\"UserData\"],\"default\":null}]}}],\"namespace\":\"org.openedx.learning.exam.attempt.verified.v1\"}";

pub(super) static EXAM_ATTEMPT_VERIFIED: EventType = EventType {
    name: "org.openedx.learning.exam.attempt.verified.v1",
    owner: "exams",
    origin: Origin::OpenEdx,
    topic: &topics::LEARNING_EXAM_ATTEMPT_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: EXAM_ATTEMPT_VERIFIED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: EXAM_ATTEMPT_VERIFIED_1_0,
        },
    ],
    key: KeySpec {
        path: &["exam_attempt", "course_key"],
        schema: "{\"name\":\"course_key\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[
        &["exam_attempt", "course_key"],
        &["exam_attempt", "usage_key"],
        &["exam_attempt", "student_user", "id"],
    ],
    compatibility: Compatibility::Backward,
    personal_data: &[
        "exam_attempt.student_user.pii.username",
        "exam_attempt.student_user.pii.email",
        "exam_attempt.student_user.pii.name",
        "exam_attempt.requesting_user.pii.username",
        "exam_attempt.requesting_user.pii.email",
        "exam_attempt.requesting_user.pii.name",
    ],
    description: "A learner's attempt at an exam was verified.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            EXAM_ATTEMPT_VERIFIED_1_0,
        ));
        &WRITER
    },
};

const FORUM_THREAD_CREATED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"Avro Event Format for CloudEvents created with openedx_events/schema\",\"fields\":[{\"name\":\"thread\",\"type\":{\"name\":\"DiscussionThreadData\",\"type\":\"record\",\"fields\":[{\"name\":\"body\",\"type\":\"string\"},{\"name\":\"commentable_id\",\"type\":\"string\"},{\"name\":\"id\",\"type\":\"string\"},{\"name\":\"truncated\",\"type\":\"boolean\"},{\"name\":\"url\",\"type\":\"string\"},{\"name\":\"user\",\"type\":{\"name\":\"UserData\",\"type\":\"record\",\"fields\":[{\"name\":\"id\",\"type\":\"long\"},{\"name\":\"is_active\",\"type\":\"boolean\"},{\"name\":\"pii\",\"type\":{\"name\":\"UserPersonalData\",\"type\":\"record\",\"fields\":[{\"name\":\"username\",\"type\":\"string\"},{\"name\":\"email\",\"type\":\"string\"},{\"name\":\"name\",\"type\":\"string\"}]}}]}},{\"name\":\"course_id\",\"type\":\"string\"},{\"name\":\"thread_type\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"anonymous\",\"type\":[\"null\",\"boolean\"],\"default\":null},{\"name\":\"anonymous_to_peers\",\"type\":[\"null\",\"boolean\"],\"default\":null},{\"name\":\"title\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"title_truncated\",\"type\":[\"null\",\"boolean\"],\"default\":null},{\"name\":\"group_id\",\"type\":[\"null\",\"long\"],\"default\":null},{\"name\":\"team_id\",\"type\":[\"null\",\"long\"],\"default\":null},{\"name\":\"category_id\",\"type\":[\"null\",\"long\"],\"default\":null},{\"name\":\"category_name\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"discussion\",\"type\":[\"null\",{\"type\":\"map\",\"values\":\"string\"}],\"default\":null},{\"name\":\"user_course_roles\",\"type\":{\"type\":\"array\",\"items\":\"string\"}},{\"name\":\"user_forums_roles\",\"type\":{\"type\":\"array\",\"items\":\"string\"}},{\"name\":\"options\",\"type\":{\"type\":\"map\",\"values\":\"boolean\"}}]}}],\"namespace\":\"org.openedx.learning.forum.thread.created.v1\"}";

pub(super) static FORUM_THREAD_CREATED: EventType = EventType {
    name: "org.openedx.learning.forum.thread.created.v1",
    owner: "lms",
    origin: Origin::OpenEdx,
    topic: &topics::LEARNING_FORUM_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: FORUM_THREAD_CREATED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: FORUM_THREAD_CREATED_1_0,
        },
    ],
    key: KeySpec {
        path: &["thread", "course_id"],
        schema: "{\"name\":\"course_id\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["thread", "course_id"], &["thread", "id"]],
    compatibility: Compatibility::Backward,
    personal_data: &[
        "thread.body",
        "thread.user.pii.username",
        "thread.user.pii.email",
        "thread.user.pii.name",
        "thread.title",
    ],
    description: "A thread was opened in a course forum.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            FORUM_THREAD_CREATED_1_0,
        ));
        &WRITER
    },
};

const USER_NOTIFICATION_REQUESTED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"Avro Event Format for CloudEvents created with openedx_events/schema\",\"fields\":[{\"name\":\"notification_data\",\"type\":{\"name\":\"UserNotificationData\",\"type\":\"record\",\"fields\":[{\"name\":\"user_ids\",\"type\":{\"type\":\"array\",\"items\":\"long\"}},{\"name\":\"notification_type\",\"type\":\"string\"},{\"name\":\"content_url\",\"type\":\"string\"},{\"name\":\"app_name\",\"type\":\"string\"},{\"name\":\"course_key\",\"type\":\"string\"},{\"name\":\"context\",\"type\":{\"type\":\"map\",\"values\":\"string\"}}]}}],\"namespace\":\"org.openedx.learning.user.notification.requested.v1\"}";

pub(super) static USER_NOTIFICATION_REQUESTED: EventType = EventType {
    name: "org.openedx.learning.user.notification.requested.v1",
    owner: "lms",
    origin: Origin::OpenEdx,
    topic: &topics::LEARNING_NOTIFICATION_REQUESTS,
    major: 1,
    minor: 0,
    schema: USER_NOTIFICATION_REQUESTED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: USER_NOTIFICATION_REQUESTED_1_0,
        },
    ],
    key: KeySpec {
        path: &["notification_data", "course_key"],
        schema: "{\"name\":\"course_key\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["notification_data", "course_key"]],
    compatibility: Compatibility::Backward,
    personal_data: &["notification_data.context"],
    description: "Learners are to be notified of something in a course run.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            USER_NOTIFICATION_REQUESTED_1_0,
        ));
        &WRITER
    },
};
