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

/// A learner's attempt at an exam was submitted.
///
/// `org.openedx.learning.exam.attempt.submitted.v1` on the topic `learning-exam-attempt-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExamAttemptSubmitted {
    /// An attempt at an exam.
    pub exam_attempt: ExamAttemptData,
}

impl Event for ExamAttemptSubmitted {
    const TYPE: &'static EventType = &EXAM_ATTEMPT_SUBMITTED;
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

/// A learner's attempt at an exam was rejected.
///
/// `org.openedx.learning.exam.attempt.rejected.v1` on the topic `learning-exam-attempt-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExamAttemptRejected {
    /// An attempt at an exam.
    pub exam_attempt: ExamAttemptData,
}

impl Event for ExamAttemptRejected {
    const TYPE: &'static EventType = &EXAM_ATTEMPT_REJECTED;
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

/// A learner's attempt at an exam ended with an error.
///
/// `org.openedx.learning.exam.attempt.errored.v1` on the topic `learning-exam-attempt-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExamAttemptErrored {
    /// An attempt at an exam.
    pub exam_attempt: ExamAttemptData,
}

impl Event for ExamAttemptErrored {
    const TYPE: &'static EventType = &EXAM_ATTEMPT_ERRORED;
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

/// A learner's attempt at an exam was reset: there may be another.
///
/// `org.openedx.learning.exam.attempt.reset.v1` on the topic `learning-exam-attempt-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExamAttemptReset {
    /// An attempt at an exam.
    pub exam_attempt: ExamAttemptData,
}

impl Event for ExamAttemptReset {
    const TYPE: &'static EventType = &EXAM_ATTEMPT_RESET;
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

/// A thread in a course forum was answered.
///
/// `org.openedx.learning.forum.thread.response.created.v1` on the topic `learning-forum-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForumThreadResponseCreated {
    /// A thread, response or comment in a course forum.
    pub thread: DiscussionThreadData,
}

impl Event for ForumThreadResponseCreated {
    const TYPE: &'static EventType = &FORUM_THREAD_RESPONSE_CREATED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.thread.course_id)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.thread.course_id));
        out.push(Key::Str(&self.thread.id));
    }
}

/// A response in a course forum was commented on.
///
/// `org.openedx.learning.forum.thread.response.comment.created.v1` on the topic `learning-forum-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForumThreadResponseCommentCreated {
    /// A thread, response or comment in a course forum.
    pub thread: DiscussionThreadData,
}

impl Event for ForumThreadResponseCommentCreated {
    const TYPE: &'static EventType = &FORUM_THREAD_RESPONSE_COMMENT_CREATED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.thread.course_id)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.thread.course_id));
        out.push(Key::Str(&self.thread.id));
    }
}

/// A user was given a role in a course.
///
/// `org.openedx.learning.user.course_access_role.added.v1` on the topic `learning-course-access-role-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UserCourseAccessRoleAdded {
    /// A role that a user has in a course.
    pub course_access_role_data: CourseAccessRoleData,
}

impl Event for UserCourseAccessRoleAdded {
    const TYPE: &'static EventType = &USER_COURSE_ACCESS_ROLE_ADDED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.course_access_role_data.course_key)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.course_access_role_data.course_key));
        out.push(Key::Long(self.course_access_role_data.user.id));
    }
}

/// A role in a course was taken from a user.
///
/// `org.openedx.learning.user.course_access_role.removed.v1` on the topic `learning-course-access-role-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UserCourseAccessRoleRemoved {
    /// A role that a user has in a course.
    pub course_access_role_data: CourseAccessRoleData,
}

impl Event for UserCourseAccessRoleRemoved {
    const TYPE: &'static EventType = &USER_COURSE_ACCESS_ROLE_REMOVED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.course_access_role_data.course_key)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.course_access_role_data.course_key));
        out.push(Key::Long(self.course_access_role_data.user.id));
    }
}

/// A learner earned the certificate of a program.
///
/// `org.openedx.learning.program.certificate.awarded.v1` on the topic `learning-program-certificate-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProgramCertificateAwarded {
    /// The certificate of a program.
    pub program_certificate: ProgramCertificateData,
}

impl Event for ProgramCertificateAwarded {
    const TYPE: &'static EventType = &PROGRAM_CERTIFICATE_AWARDED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.program_certificate.uuid)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.program_certificate.uuid));
    }
}

/// A learner's certificate of a program was taken back.
///
/// `org.openedx.learning.program.certificate.revoked.v1` on the topic `learning-program-certificate-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProgramCertificateRevoked {
    /// The certificate of a program.
    pub program_certificate: ProgramCertificateData,
}

impl Event for ProgramCertificateRevoked {
    const TYPE: &'static EventType = &PROGRAM_CERTIFICATE_REVOKED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.program_certificate.uuid)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.program_certificate.uuid));
    }
}

/// How the LMS offers a course run changed.
///
/// `coursebus.learning.course_overview.changed.v1` on the topic `learning-course-overview-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CourseOverviewChanged {
    /// What it is now.
    pub overview: CourseOverviewData,
}

impl Event for CourseOverviewChanged {
    const TYPE: &'static EventType = &COURSE_OVERVIEW_CHANGED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.overview.course_key)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.overview.course_key));
    }
}

/// A learner enrolled in a course run with a license.
///
/// `coursebus.learning.licensed_enrollment.created.v1` on the topic `learning-licensed-enrollment-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LicensedEnrollmentCreated {
    /// The enrollment and its license.
    pub licensed_enrollment: LicensedEnrollmentData,
}

impl Event for LicensedEnrollmentCreated {
    const TYPE: &'static EventType = &LICENSED_ENROLLMENT_CREATED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.licensed_enrollment.license_uuid)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.licensed_enrollment.license_uuid));
        out.push(Key::Str(&self.licensed_enrollment.course_key));
        out.push(Key::Long(self.licensed_enrollment.user_id));
    }
}

/// Whether a learner meets a requirement for credit changed.
///
/// `coursebus.learning.credit_requirement.changed.v1` on the topic `learning-credit-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CreditRequirementChanged {
    /// The requirement as it stands now.
    pub requirement: CreditRequirementData,
}

impl Event for CreditRequirementChanged {
    const TYPE: &'static EventType = &CREDIT_REQUIREMENT_CHANGED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.requirement.course_key)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.requirement.course_key));
        out.push(Key::Long(self.requirement.user_id));
    }
}

/// How far a learner got with a block of a course changed.
///
/// `coursebus.learning.completion.changed.v1` on the topic `learning-completion-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CompletionChanged {
    /// What it is now.
    pub completion: CompletionData,
}

impl Event for CompletionChanged {
    const TYPE: &'static EventType = &COMPLETION_CHANGED;
    fn key(&self) -> Key<'_> {
        Key::Str(&self.completion.course_key)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Str(&self.completion.course_key));
        out.push(Key::Long(self.completion.user_id));
    }
}

/// A learner who was signed in visited a page.
///
/// `coursebus.learning.page.visited.v1` on the topic `learning-page-visits`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PageVisited {
    /// The visit.
    pub visit: PageVisitData,
}

impl Event for PageVisited {
    const TYPE: &'static EventType = &PAGE_VISITED;
    fn key(&self) -> Key<'_> {
        Key::Long(self.visit.user_id)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Long(self.visit.user_id));
    }
}

/// What a learner did shows the intent to take a program.
///
/// `coursebus.learning.program_intent.detected.v1` on the topic `learning-program-intent-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProgramIntentDetected {
    /// The intent.
    pub intent: ProgramIntentData,
}

impl Event for ProgramIntentDetected {
    const TYPE: &'static EventType = &PROGRAM_INTENT_DETECTED;
    fn key(&self) -> Key<'_> {
        Key::Long(self.intent.user_id)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Long(self.intent.user_id));
        out.push(Key::Str(&self.intent.program_uuid));
    }
}

/// What had shown a learner's intent to take a program no longer does.
///
/// `coursebus.learning.program_intent.retracted.v1` on the topic `learning-program-intent-lifecycle`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProgramIntentRetracted {
    /// The intent that no longer holds, with the evidence that is left.
    pub intent: ProgramIntentData,
}

impl Event for ProgramIntentRetracted {
    const TYPE: &'static EventType = &PROGRAM_INTENT_RETRACTED;
    fn key(&self) -> Key<'_> {
        Key::Long(self.intent.user_id)
    }
    fn order_key(&self, out: &mut OrderKey) {
        out.clear();
        out.push(Key::Long(self.intent.user_id));
        out.push(Key::Str(&self.intent.program_uuid));
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

/// A role that a user has in a course.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CourseAccessRoleData {
    /// Who has the role.
    pub user: UserData,
    /// The organisation that offers the course.
    pub org_key: String,
    /// The key of the course run.
    pub course_key: String,
    /// The role: `instructor`, `staff`, …
    pub role: String,
}

/// The certificate of a program.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct ProgramCertificateData {
    /// The learner.
    pub user: UserData,
    /// The program.
    pub program: ProgramData,
    /// The certificate's UUID.
    pub uuid: String,
    /// The status after the event: `awarded` or `revoked`.
    pub status: String,
    /// Where the certificate can be seen.
    pub url: String,
    /// When it is shown, RFC 3339; null: at once.
    #[serde(default)]
    pub certificate_available_date: Option<String>,
}

impl std::fmt::Debug for ProgramCertificateData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProgramCertificateData")
            .field("user", &self.user)
            .field("program", &self.program)
            .field("uuid", &self.uuid)
            .field("status", &self.status)
            .field("url", &format_args!("<personal>"))
            .field("certificate_available_date", &self.certificate_available_date)
            .finish()
    }
}

/// A program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProgramData {
    /// Its UUID.
    pub uuid: String,
    /// Its title.
    pub title: String,
    /// What kind it is.
    pub program_type: String,
}

/// How the LMS offers a course run: what is not the authors' to say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CourseOverviewData {
    /// The key of the run, for instance course-v1:edX+DemoX+2026_T1.
    pub course_key: String,
    /// Where learners find it: both, about (its page only) or none.
    pub catalog_visibility: String,
    /// The mobile applications show it.
    #[serde(default)]
    pub mobile_available: bool,
    /// The least grade that passes, from 0 to 1.
    #[serde(default)]
    pub lowest_passing_grade: Option<f64>,
    /// How many learners may enroll; null: no limit.
    #[serde(default)]
    pub enrollment_limit: Option<i64>,
    /// When certificates are shown, RFC 3339; null: when they are earned.
    #[serde(default)]
    pub certificate_available_date: Option<String>,
}

/// An enrollment that a license pays for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LicensedEnrollmentData {
    /// The license's UUID.
    pub license_uuid: String,
    /// The key of the run, for instance course-v1:edX+DemoX+2026_T1.
    pub course_key: String,
    /// The LMS user id of the learner.
    pub user_id: i64,
    /// The mode of the enrollment: verified, …
    pub mode: String,
}

/// Where a learner stands with a requirement for credit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CreditRequirementData {
    /// The key of the run, for instance course-v1:edX+DemoX+2026_T1.
    pub course_key: String,
    /// The LMS user id of the learner.
    pub user_id: i64,
    /// The kind of requirement: grade, proctored_exam, …
    pub namespace: String,
    /// Which one of its kind: a block's key, or the kind again where there is but one.
    pub name: String,
    /// Where the learner stands: satisfied, failed, declined, or open where it is not decided (any more).
    pub status: String,
    /// Why, as a code: exam_rejected, …; empty: none.
    #[serde(default)]
    pub reason: String,
}

/// How far a learner got with a block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CompletionData {
    /// The key of the run, for instance course-v1:edX+DemoX+2026_T1.
    pub course_key: String,
    /// The LMS user id of the learner.
    pub user_id: i64,
    /// The key of the block.
    pub usage_key: String,
    /// How much of it is done, from 0 to 1.
    pub completion: f64,
}

/// A visit of a page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PageVisitData {
    /// The LMS user id of the learner.
    pub user_id: i64,
    /// What kind of page it is: program, course or course_run.
    pub page: String,
    /// What the page is about: a program's UUID, a course's key, a run's key.
    pub content_key: String,
}

/// A learner's intent to take a program, and what tells it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProgramIntentData {
    /// The LMS user id of the learner.
    pub user_id: i64,
    /// The program's UUID.
    pub program_uuid: String,
    /// What tells it: enrollments (in runs of the program) or visits (of its page).
    pub evidence: String,
    /// How many of these there are within the window.
    pub evidence_count: i64,
    /// When the window begins, RFC 3339.
    pub window_start: String,
    /// When the window ends, RFC 3339.
    pub window_end: String,
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

const EXAM_ATTEMPT_SUBMITTED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"Avro Event Format for CloudEvents created with openedx_events/schema\",\"fields\":[{\"name\":\"exam_attempt\",\"type\":{\"name\":\"ExamAttemptData\",\"type\":\"record\",\"fields\":[{\"name\":\"student_user\",\"type\":{\"name\":\"UserData\",\"type\":\"record\",\"fields\":[{\"name\":\"id\",\"type\":\"long\"},{\"name\":\"is_active\",\"type\":\"boolean\"},{\"name\":\"pii\",\"type\":{\"name\":\"UserPersonalData\",\"type\":\"record\",\"fields\":[{\"name\":\"username\",\"type\":\"string\"},{\"name\":\"email\",\"type\":\"string\"},{\"name\":\"name\",\"type\":\"string\"}]}}]}},{\"name\":\"course_key\",\"type\":\"string\"},{\"name\":\"usage_key\",\"type\":\"string\"},{\"name\":\"exam_type\",\"type\":\"string\"},{\"name\":\"requesting_user\",\"type\":[\"null\",\"UserData\"],\"default\":null}]}}],\"namespace\":\"org.openedx.learning.exam.attempt.submitted.v1\"}";

pub(super) static EXAM_ATTEMPT_SUBMITTED: EventType = EventType {
    name: "org.openedx.learning.exam.attempt.submitted.v1",
    owner: "exams",
    origin: Origin::OpenEdx,
    topic: &topics::LEARNING_EXAM_ATTEMPT_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: EXAM_ATTEMPT_SUBMITTED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: EXAM_ATTEMPT_SUBMITTED_1_0,
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
    description: "A learner's attempt at an exam was submitted.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            EXAM_ATTEMPT_SUBMITTED_1_0,
        ));
        &WRITER
    },
};

const EXAM_ATTEMPT_REJECTED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"Avro Event Format for CloudEvents created with openedx_events/schema\",\"fields\":[{\"name\":\"exam_attempt\",\"type\":{\"name\":\"ExamAttemptData\",\"type\":\"record\",\"fields\":[{\"name\":\"student_user\",\"type\":{\"name\":\"UserData\",\"type\":\"record\",\"fields\":[{\"name\":\"id\",\"type\":\"long\"},{\"name\":\"is_active\",\"type\":\"boolean\"},{\"name\":\"pii\",\"type\":{\"name\":\"UserPersonalData\",\"type\":\"record\",\"fields\":[{\"name\":\"username\",\"type\":\"string\"},{\"name\":\"email\",\"type\":\"string\"},{\"name\":\"name\",\"type\":\"string\"}]}}]}},{\"name\":\"course_key\",\"type\":\"string\"},{\"name\":\"usage_key\",\"type\":\"string\"},{\"name\":\"exam_type\",\"type\":\"string\"},{\"name\":\"requesting_user\",\"type\":[\"null\",\"UserData\"],\"default\":null}]}}],\"namespace\":\"org.openedx.learning.exam.attempt.rejected.v1\"}";

pub(super) static EXAM_ATTEMPT_REJECTED: EventType = EventType {
    name: "org.openedx.learning.exam.attempt.rejected.v1",
    owner: "exams",
    origin: Origin::OpenEdx,
    topic: &topics::LEARNING_EXAM_ATTEMPT_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: EXAM_ATTEMPT_REJECTED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: EXAM_ATTEMPT_REJECTED_1_0,
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
    description: "A learner's attempt at an exam was rejected.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            EXAM_ATTEMPT_REJECTED_1_0,
        ));
        &WRITER
    },
};

const EXAM_ATTEMPT_ERRORED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"Avro Event Format for CloudEvents created with openedx_events/schema\",\"fields\":[{\"name\":\"exam_attempt\",\"type\":{\"name\":\"ExamAttemptData\",\"type\":\"record\",\"fields\":[{\"name\":\"student_user\",\"type\":{\"name\":\"UserData\",\"type\":\"record\",\"fields\":[{\"name\":\"id\",\"type\":\"long\"},{\"name\":\"is_active\",\"type\":\"boolean\"},{\"name\":\"pii\",\"type\":{\"name\":\"UserPersonalData\",\"type\":\"record\",\"fields\":[{\"name\":\"username\",\"type\":\"string\"},{\"name\":\"email\",\"type\":\"string\"},{\"name\":\"name\",\"type\":\"string\"}]}}]}},{\"name\":\"course_key\",\"type\":\"string\"},{\"name\":\"usage_key\",\"type\":\"string\"},{\"name\":\"exam_type\",\"type\":\"string\"},{\"name\":\"requesting_user\",\"type\":[\"null\",\"UserData\"],\"default\":null}]}}],\"namespace\":\"org.openedx.learning.exam.attempt.errored.v1\"}";

pub(super) static EXAM_ATTEMPT_ERRORED: EventType = EventType {
    name: "org.openedx.learning.exam.attempt.errored.v1",
    owner: "exams",
    origin: Origin::OpenEdx,
    topic: &topics::LEARNING_EXAM_ATTEMPT_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: EXAM_ATTEMPT_ERRORED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: EXAM_ATTEMPT_ERRORED_1_0,
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
    description: "A learner's attempt at an exam ended with an error.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            EXAM_ATTEMPT_ERRORED_1_0,
        ));
        &WRITER
    },
};

const EXAM_ATTEMPT_RESET_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"Avro Event Format for CloudEvents created with openedx_events/schema\",\"fields\":[{\"name\":\"exam_attempt\",\"type\":{\"name\":\"ExamAttemptData\",\"type\":\"record\",\"fields\":[{\"name\":\"student_user\",\"type\":{\"name\":\"UserData\",\"type\":\"record\",\"fields\":[{\"name\":\"id\",\"type\":\"long\"},{\"name\":\"is_active\",\"type\":\"boolean\"},{\"name\":\"pii\",\"type\":{\"name\":\"UserPersonalData\",\"type\":\"record\",\"fields\":[{\"name\":\"username\",\"type\":\"string\"},{\"name\":\"email\",\"type\":\"string\"},{\"name\":\"name\",\"type\":\"string\"}]}}]}},{\"name\":\"course_key\",\"type\":\"string\"},{\"name\":\"usage_key\",\"type\":\"string\"},{\"name\":\"exam_type\",\"type\":\"string\"},{\"name\":\"requesting_user\",\"type\":[\"null\",\"UserData\"],\"default\":null}]}}],\"namespace\":\"org.openedx.learning.exam.attempt.reset.v1\"}";

pub(super) static EXAM_ATTEMPT_RESET: EventType = EventType {
    name: "org.openedx.learning.exam.attempt.reset.v1",
    owner: "exams",
    origin: Origin::OpenEdx,
    topic: &topics::LEARNING_EXAM_ATTEMPT_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: EXAM_ATTEMPT_RESET_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: EXAM_ATTEMPT_RESET_1_0,
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
    description: "A learner's attempt at an exam was reset: there may be another.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            EXAM_ATTEMPT_RESET_1_0,
        ));
        &WRITER
    },
};

const FORUM_THREAD_RESPONSE_CREATED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"Avro Event Format for CloudEvents created with openedx_events/schema\",\"fields\":[{\"name\":\"thread\",\"type\":{\"name\":\"DiscussionThreadData\",\"type\":\"record\",\"fields\":[{\"name\":\"body\",\"type\":\"string\"},{\"name\":\"commentable_id\",\"type\":\"string\"},{\"name\":\"id\",\"type\":\"string\"},{\"name\":\"truncated\",\"type\":\"boolean\"},{\"name\":\"url\",\"type\":\"string\"},{\"name\":\"user\",\"type\":{\"name\":\"UserData\",\"type\":\"record\",\"fields\":[{\"name\":\"id\",\"type\":\"long\"},{\"name\":\"is_active\",\"type\":\"boolean\"},{\"name\":\"pii\",\"type\":{\"name\":\"UserPersonalData\",\"type\":\"record\",\"fields\":[{\"name\":\"username\",\"type\":\"string\"},{\"name\":\"email\",\"type\":\"string\"},{\"name\":\"name\",\"type\":\"string\"}]}}]}},{\"name\":\"course_id\",\"type\":\"string\"},{\"name\":\"thread_type\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"anonymous\",\"type\":[\"null\",\"boolean\"],\"default\":null},{\"name\":\"anonymous_to_peers\",\"type\":[\"null\",\"boolean\"],\"default\":null},{\"name\":\"title\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"title_truncated\",\"type\":[\"null\",\"boolean\"],\"default\":null},{\"name\":\"group_id\",\"type\":[\"null\",\"long\"],\"default\":null},{\"name\":\"team_id\",\"type\":[\"null\",\"long\"],\"default\":null},{\"name\":\"category_id\",\"type\":[\"null\",\"long\"],\"default\":null},{\"name\":\"category_name\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"discussion\",\"type\":[\"null\",{\"type\":\"map\",\"values\":\"string\"}],\"default\":null},{\"name\":\"user_course_roles\",\"type\":{\"type\":\"array\",\"items\":\"string\"}},{\"name\":\"user_forums_roles\",\"type\":{\"type\":\"array\",\"items\":\"string\"}},{\"name\":\"options\",\"type\":{\"type\":\"map\",\"values\":\"boolean\"}}]}}],\"namespace\":\"org.openedx.learning.forum.thread.response.created.v1\"}";

pub(super) static FORUM_THREAD_RESPONSE_CREATED: EventType = EventType {
    name: "org.openedx.learning.forum.thread.response.created.v1",
    owner: "lms",
    origin: Origin::OpenEdx,
    topic: &topics::LEARNING_FORUM_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: FORUM_THREAD_RESPONSE_CREATED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: FORUM_THREAD_RESPONSE_CREATED_1_0,
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
    description: "A thread in a course forum was answered.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            FORUM_THREAD_RESPONSE_CREATED_1_0,
        ));
        &WRITER
    },
};

const FORUM_THREAD_RESPONSE_COMMENT_CREATED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"Avro Event Format for CloudEvents created with openedx_events/schema\",\"fields\":[{\"name\":\"thread\",\"type\":{\"name\":\"DiscussionThreadData\",\"type\":\"record\",\"fields\":[{\"name\":\"body\",\"type\":\"string\"},{\"name\":\"commentable_id\",\"type\":\"string\"},{\"name\":\"id\",\"type\":\"string\"},{\"name\":\"truncated\",\"type\":\"boolean\"},{\"name\":\"url\",\"type\":\"string\"},{\"name\":\"user\",\"type\":{\"name\":\"UserData\",\"type\":\"record\",\"fields\":[{\"name\":\"id\",\"type\":\"long\"},{\"name\":\"is_active\",\"type\":\"boolean\"},{\"name\":\"pii\",\"type\":{\"name\":\"UserPersonalData\",\"type\":\"record\",\"fields\":[{\"name\":\"username\",\"type\":\"string\"},{\"name\":\"email\",\"type\":\"string\"},{\"name\":\"name\",\"type\":\"string\"}]}}]}},{\"name\":\"course_id\",\"type\":\"string\"},{\"name\":\"thread_type\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"anonymous\",\"type\":[\"null\",\"boolean\"],\"default\":null},{\"name\":\"anonymous_to_peers\",\"type\":[\"null\",\"boolean\"],\"default\":null},{\"name\":\"title\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"title_truncated\",\"type\":[\"null\",\"boolean\"],\"default\":null},{\"name\":\"group_id\",\"type\":[\"null\",\"long\"],\"default\":null},{\"name\":\"team_id\",\"type\":[\"null\",\"long\"],\"default\":null},{\"name\":\"category_id\",\"type\":[\"null\",\"long\"],\"default\":null},{\"name\":\"category_name\",\"type\":[\"null\",\"string\"],\"default\":null},{\"name\":\"discussion\",\"type\":[\"null\",{\"type\":\"map\",\"values\":\"string\"}],\"default\":null},{\"name\":\"user_course_roles\",\"type\":{\"type\":\"array\",\"items\":\"string\"}},{\"name\":\"user_forums_roles\",\"type\":{\"type\":\"array\",\"items\":\"string\"}},{\"name\":\"options\",\"type\":{\"type\":\"map\",\"values\":\"boolean\"}}]}}],\"namespace\":\"org.openedx.learning.forum.thread.response.comment.created.v1\"}";

pub(super) static FORUM_THREAD_RESPONSE_COMMENT_CREATED: EventType = EventType {
    name: "org.openedx.learning.forum.thread.response.comment.created.v1",
    owner: "lms",
    origin: Origin::OpenEdx,
    topic: &topics::LEARNING_FORUM_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: FORUM_THREAD_RESPONSE_COMMENT_CREATED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: FORUM_THREAD_RESPONSE_COMMENT_CREATED_1_0,
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
    description: "A response in a course forum was commented on.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            FORUM_THREAD_RESPONSE_COMMENT_CREATED_1_0,
        ));
        &WRITER
    },
};

const USER_COURSE_ACCESS_ROLE_ADDED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"Avro Event Format for CloudEvents created with openedx_events/schema\",\"fields\":[{\"name\":\"course_access_role_data\",\"type\":{\"name\":\"CourseAccessRoleData\",\"type\":\"record\",\"fields\":[{\"name\":\"user\",\"type\":{\"name\":\"UserData\",\"type\":\"record\",\"fields\":[{\"name\":\"id\",\"type\":\"long\"},{\"name\":\"is_active\",\"type\":\"boolean\"},{\"name\":\"pii\",\"type\":{\"name\":\"UserPersonalData\",\"type\":\"record\",\"fields\":[{\"name\":\"username\",\"type\":\"string\"},{\"name\":\"email\",\"type\":\"string\"},{\"name\":\"name\",\"type\":\"string\"}]}}]}},{\"name\":\"org_key\",\"type\":\"string\"},{\"name\":\"course_key\",\"type\":\"string\"},{\"name\":\"role\",\"type\":\"string\"}]}}],\"namespace\":\"org.openedx.learning.user.course_access_role.added.v1\"}";

pub(super) static USER_COURSE_ACCESS_ROLE_ADDED: EventType = EventType {
    name: "org.openedx.learning.user.course_access_role.added.v1",
    owner: "lms",
    origin: Origin::OpenEdx,
    topic: &topics::LEARNING_COURSE_ACCESS_ROLE_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: USER_COURSE_ACCESS_ROLE_ADDED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: USER_COURSE_ACCESS_ROLE_ADDED_1_0,
        },
    ],
    key: KeySpec {
        path: &["course_access_role_data", "course_key"],
        schema: "{\"name\":\"course_key\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[
        &["course_access_role_data", "course_key"],
        &["course_access_role_data", "user", "id"],
    ],
    compatibility: Compatibility::Backward,
    personal_data: &[
        "course_access_role_data.user.pii.username",
        "course_access_role_data.user.pii.email",
        "course_access_role_data.user.pii.name",
    ],
    description: "A user was given a role in a course.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            USER_COURSE_ACCESS_ROLE_ADDED_1_0,
        ));
        &WRITER
    },
};

const USER_COURSE_ACCESS_ROLE_REMOVED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"Avro Event Format for CloudEvents created with openedx_events/schema\",\"fields\":[{\"name\":\"course_access_role_data\",\"type\":{\"name\":\"CourseAccessRoleData\",\"type\":\"record\",\"fields\":[{\"name\":\"user\",\"type\":{\"name\":\"UserData\",\"type\":\"record\",\"fields\":[{\"name\":\"id\",\"type\":\"long\"},{\"name\":\"is_active\",\"type\":\"boolean\"},{\"name\":\"pii\",\"type\":{\"name\":\"UserPersonalData\",\"type\":\"record\",\"fields\":[{\"name\":\"username\",\"type\":\"string\"},{\"name\":\"email\",\"type\":\"string\"},{\"name\":\"name\",\"type\":\"string\"}]}}]}},{\"name\":\"org_key\",\"type\":\"string\"},{\"name\":\"course_key\",\"type\":\"string\"},{\"name\":\"role\",\"type\":\"string\"}]}}],\"namespace\":\"org.openedx.learning.user.course_access_role.removed.v1\"}";

pub(super) static USER_COURSE_ACCESS_ROLE_REMOVED: EventType = EventType {
    name: "org.openedx.learning.user.course_access_role.removed.v1",
    owner: "lms",
    origin: Origin::OpenEdx,
    topic: &topics::LEARNING_COURSE_ACCESS_ROLE_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: USER_COURSE_ACCESS_ROLE_REMOVED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: USER_COURSE_ACCESS_ROLE_REMOVED_1_0,
        },
    ],
    key: KeySpec {
        path: &["course_access_role_data", "course_key"],
        schema: "{\"name\":\"course_key\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[
        &["course_access_role_data", "course_key"],
        &["course_access_role_data", "user", "id"],
    ],
    compatibility: Compatibility::Backward,
    personal_data: &[
        "course_access_role_data.user.pii.username",
        "course_access_role_data.user.pii.email",
        "course_access_role_data.user.pii.name",
    ],
    description: "A role in a course was taken from a user.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            USER_COURSE_ACCESS_ROLE_REMOVED_1_0,
        ));
        &WRITER
    },
};

const PROGRAM_CERTIFICATE_AWARDED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"Avro Event Format for CloudEvents created with openedx_events/schema\",\"fields\":[{\"name\":\"program_certificate\",\"type\":{\"name\":\"ProgramCertificateData\",\"type\":\"record\",\"fields\":[{\"name\":\"user\",\"type\":{\"name\":\"UserData\",\"type\":\"record\",\"fields\":[{\"name\":\"id\",\"type\":\"long\"},{\"name\":\"is_active\",\"type\":\"boolean\"},{\"name\":\"pii\",\"type\":{\"name\":\"UserPersonalData\",\"type\":\"record\",\"fields\":[{\"name\":\"username\",\"type\":\"string\"},{\"name\":\"email\",\"type\":\"string\"},{\"name\":\"name\",\"type\":\"string\"}]}}]}},{\"name\":\"program\",\"type\":{\"name\":\"ProgramData\",\"type\":\"record\",\"fields\":[{\"name\":\"uuid\",\"type\":\"string\"},{\"name\":\"title\",\"type\":\"string\"},{\"name\":\"program_type\",\"type\":\"string\"}]}},{\"name\":\"uuid\",\"type\":\"string\"},{\"name\":\"status\",\"type\":\"string\"},{\"name\":\"url\",\"type\":\"string\"},{\"name\":\"certificate_available_date\",\"type\":[\"null\",\"string\"],\"default\":null}]}}],\"namespace\":\"org.openedx.learning.program.certificate.awarded.v1\"}";

pub(super) static PROGRAM_CERTIFICATE_AWARDED: EventType = EventType {
    name: "org.openedx.learning.program.certificate.awarded.v1",
    owner: "credentials",
    origin: Origin::OpenEdx,
    topic: &topics::LEARNING_PROGRAM_CERTIFICATE_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: PROGRAM_CERTIFICATE_AWARDED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: PROGRAM_CERTIFICATE_AWARDED_1_0,
        },
    ],
    key: KeySpec {
        path: &["program_certificate", "uuid"],
        schema: "{\"name\":\"uuid\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["program_certificate", "uuid"]],
    compatibility: Compatibility::Backward,
    personal_data: &[
        "program_certificate.user.pii.username",
        "program_certificate.user.pii.email",
        "program_certificate.user.pii.name",
        "program_certificate.url",
    ],
    description: "A learner earned the certificate of a program.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            PROGRAM_CERTIFICATE_AWARDED_1_0,
        ));
        &WRITER
    },
};

const PROGRAM_CERTIFICATE_REVOKED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"Avro Event Format for CloudEvents created with openedx_events/schema\",\"fields\":[{\"name\":\"program_certificate\",\"type\":{\"name\":\"ProgramCertificateData\",\"type\":\"record\",\"fields\":[{\"name\":\"user\",\"type\":{\"name\":\"UserData\",\"type\":\"record\",\"fields\":[{\"name\":\"id\",\"type\":\"long\"},{\"name\":\"is_active\",\"type\":\"boolean\"},{\"name\":\"pii\",\"type\":{\"name\":\"UserPersonalData\",\"type\":\"record\",\"fields\":[{\"name\":\"username\",\"type\":\"string\"},{\"name\":\"email\",\"type\":\"string\"},{\"name\":\"name\",\"type\":\"string\"}]}}]}},{\"name\":\"program\",\"type\":{\"name\":\"ProgramData\",\"type\":\"record\",\"fields\":[{\"name\":\"uuid\",\"type\":\"string\"},{\"name\":\"title\",\"type\":\"string\"},{\"name\":\"program_type\",\"type\":\"string\"}]}},{\"name\":\"uuid\",\"type\":\"string\"},{\"name\":\"status\",\"type\":\"string\"},{\"name\":\"url\",\"type\":\"string\"},{\"name\":\"certificate_available_date\",\"type\":[\"null\",\"string\"],\"default\":null}]}}],\"namespace\":\"org.openedx.learning.program.certificate.revoked.v1\"}";

pub(super) static PROGRAM_CERTIFICATE_REVOKED: EventType = EventType {
    name: "org.openedx.learning.program.certificate.revoked.v1",
    owner: "credentials",
    origin: Origin::OpenEdx,
    topic: &topics::LEARNING_PROGRAM_CERTIFICATE_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: PROGRAM_CERTIFICATE_REVOKED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: PROGRAM_CERTIFICATE_REVOKED_1_0,
        },
    ],
    key: KeySpec {
        path: &["program_certificate", "uuid"],
        schema: "{\"name\":\"uuid\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["program_certificate", "uuid"]],
    compatibility: Compatibility::Backward,
    personal_data: &[
        "program_certificate.user.pii.username",
        "program_certificate.user.pii.email",
        "program_certificate.user.pii.name",
        "program_certificate.url",
    ],
    description: "A learner's certificate of a program was taken back.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            PROGRAM_CERTIFICATE_REVOKED_1_0,
        ));
        &WRITER
    },
};

const COURSE_OVERVIEW_CHANGED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"How the LMS offers a course run changed.\",\"fields\":[{\"name\":\"overview\",\"type\":{\"name\":\"CourseOverviewData\",\"type\":\"record\",\"doc\":\"How the LMS offers a course run: what is not the authors' to say.\",\"fields\":[{\"name\":\"course_key\",\"type\":\"string\",\"doc\":\"The key of the run, for instance course-v1:edX+DemoX+2026_T1.\"},{\"name\":\"catalog_visibility\",\"type\":\"string\",\"doc\":\"Where learners find it: both, about (its page only) or none.\"},{\"name\":\"mobile_available\",\"type\":\"boolean\",\"doc\":\"The mobile applications show it.\",\"default\":false},{\"name\":\"lowest_passing_grade\",\"type\":[\"null\",\"double\"],\"doc\":\"The least grade that passes, from 0 to 1.\",\"default\":null},{\"name\":\"enrollment_limit\",\"type\":[\"null\",\"long\"],\"doc\":\"How many learners may enroll; null: no limit.\",\"default\":null},{\"name\":\"certificate_available_date\",\"type\":[\"null\",\"string\"],\"doc\":\"When certificates are shown, RFC 3339; null: when they are earned.\",\"default\":null}]},\"doc\":\"What it is now.\"}],\"namespace\":\"coursebus.learning.course_overview.changed.v1\"}";

pub(super) static COURSE_OVERVIEW_CHANGED: EventType = EventType {
    name: "coursebus.learning.course_overview.changed.v1",
    owner: "lms",
    origin: Origin::Coursebus,
    topic: &topics::LEARNING_COURSE_OVERVIEW_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: COURSE_OVERVIEW_CHANGED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: COURSE_OVERVIEW_CHANGED_1_0,
        },
    ],
    key: KeySpec {
        path: &["overview", "course_key"],
        schema: "{\"name\":\"course_key\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["overview", "course_key"]],
    compatibility: Compatibility::FullTransitive,
    personal_data: &[],
    description: "How the LMS offers a course run changed.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            COURSE_OVERVIEW_CHANGED_1_0,
        ));
        &WRITER
    },
};

const LICENSED_ENROLLMENT_CREATED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"A learner enrolled in a course run with a license.\",\"fields\":[{\"name\":\"licensed_enrollment\",\"type\":{\"name\":\"LicensedEnrollmentData\",\"type\":\"record\",\"doc\":\"An enrollment that a license pays for.\",\"fields\":[{\"name\":\"license_uuid\",\"type\":\"string\",\"doc\":\"The license's UUID.\"},{\"name\":\"course_key\",\"type\":\"string\",\"doc\":\"The key of the run, for instance course-v1:edX+DemoX+2026_T1.\"},{\"name\":\"user_id\",\"type\":\"long\",\"doc\":\"The LMS user id of the learner.\"},{\"name\":\"mode\",\"type\":\"string\",\"doc\":\"The mode of the enrollment: verified, …\"}]},\"doc\":\"The enrollment and its license.\"}],\"namespace\":\"coursebus.learning.licensed_enrollment.created.v1\"}";

pub(super) static LICENSED_ENROLLMENT_CREATED: EventType = EventType {
    name: "coursebus.learning.licensed_enrollment.created.v1",
    owner: "lms",
    origin: Origin::Coursebus,
    topic: &topics::LEARNING_LICENSED_ENROLLMENT_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: LICENSED_ENROLLMENT_CREATED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: LICENSED_ENROLLMENT_CREATED_1_0,
        },
    ],
    key: KeySpec {
        path: &["licensed_enrollment", "license_uuid"],
        schema: "{\"name\":\"license_uuid\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[
        &["licensed_enrollment", "license_uuid"],
        &["licensed_enrollment", "course_key"],
        &["licensed_enrollment", "user_id"],
    ],
    compatibility: Compatibility::FullTransitive,
    personal_data: &[],
    description: "A learner enrolled in a course run with a license.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            LICENSED_ENROLLMENT_CREATED_1_0,
        ));
        &WRITER
    },
};

const CREDIT_REQUIREMENT_CHANGED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"Whether a learner meets a requirement for credit changed.\",\"fields\":[{\"name\":\"requirement\",\"type\":{\"name\":\"CreditRequirementData\",\"type\":\"record\",\"doc\":\"Where a learner stands with a requirement for credit.\",\"fields\":[{\"name\":\"course_key\",\"type\":\"string\",\"doc\":\"The key of the run, for instance course-v1:edX+DemoX+2026_T1.\"},{\"name\":\"user_id\",\"type\":\"long\",\"doc\":\"The LMS user id of the learner.\"},{\"name\":\"namespace\",\"type\":\"string\",\"doc\":\"The kind of requirement: grade, proctored_exam, …\"},{\"name\":\"name\",\"type\":\"string\",\"doc\":\"Which one of its kind: a block's key, or the kind again where there is but one.\"},{\"name\":\"status\",\"type\":\"string\",\"doc\":\"Where the learner stands: satisfied, failed, declined, or open where it is not decided (any more).\"},{\"name\":\"reason\",\"type\":\"string\",\"doc\":\"Why, as a code: exam_rejected, …; empty: none.\",\"default\":\"\"}]},\"doc\":\"The requirement as it stands now.\"}],\"namespace\":\"coursebus.learning.credit_requirement.changed.v1\"}";

pub(super) static CREDIT_REQUIREMENT_CHANGED: EventType = EventType {
    name: "coursebus.learning.credit_requirement.changed.v1",
    owner: "lms",
    origin: Origin::Coursebus,
    topic: &topics::LEARNING_CREDIT_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: CREDIT_REQUIREMENT_CHANGED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: CREDIT_REQUIREMENT_CHANGED_1_0,
        },
    ],
    key: KeySpec {
        path: &["requirement", "course_key"],
        schema: "{\"name\":\"course_key\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["requirement", "course_key"], &["requirement", "user_id"]],
    compatibility: Compatibility::FullTransitive,
    personal_data: &[],
    description: "Whether a learner meets a requirement for credit changed.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            CREDIT_REQUIREMENT_CHANGED_1_0,
        ));
        &WRITER
    },
};

const COMPLETION_CHANGED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"How far a learner got with a block of a course changed.\",\"fields\":[{\"name\":\"completion\",\"type\":{\"name\":\"CompletionData\",\"type\":\"record\",\"doc\":\"How far a learner got with a block.\",\"fields\":[{\"name\":\"course_key\",\"type\":\"string\",\"doc\":\"The key of the run, for instance course-v1:edX+DemoX+2026_T1.\"},{\"name\":\"user_id\",\"type\":\"long\",\"doc\":\"The LMS user id of the learner.\"},{\"name\":\"usage_key\",\"type\":\"string\",\"doc\":\"The key of the block.\"},{\"name\":\"completion\",\"type\":\"double\",\"doc\":\"How much of it is done, from 0 to 1.\"}]},\"doc\":\"What it is now.\"}],\"namespace\":\"coursebus.learning.completion.changed.v1\"}";

pub(super) static COMPLETION_CHANGED: EventType = EventType {
    name: "coursebus.learning.completion.changed.v1",
    owner: "lms",
    origin: Origin::Coursebus,
    topic: &topics::LEARNING_COMPLETION_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: COMPLETION_CHANGED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: COMPLETION_CHANGED_1_0,
        },
    ],
    key: KeySpec {
        path: &["completion", "course_key"],
        schema: "{\"name\":\"course_key\",\"type\":\"string\"}",
        primitive: Primitive::String,
    },
    order_by: &[&["completion", "course_key"], &["completion", "user_id"]],
    compatibility: Compatibility::FullTransitive,
    personal_data: &[],
    description: "How far a learner got with a block of a course changed.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            COMPLETION_CHANGED_1_0,
        ));
        &WRITER
    },
};

const PAGE_VISITED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"A learner who was signed in visited a page.\",\"fields\":[{\"name\":\"visit\",\"type\":{\"name\":\"PageVisitData\",\"type\":\"record\",\"doc\":\"A visit of a page.\",\"fields\":[{\"name\":\"user_id\",\"type\":\"long\",\"doc\":\"The LMS user id of the learner.\"},{\"name\":\"page\",\"type\":\"string\",\"doc\":\"What kind of page it is: program, course or course_run.\"},{\"name\":\"content_key\",\"type\":\"string\",\"doc\":\"What the page is about: a program's UUID, a course's key, a run's key.\"}]},\"doc\":\"The visit.\"}],\"namespace\":\"coursebus.learning.page.visited.v1\"}";

pub(super) static PAGE_VISITED: EventType = EventType {
    name: "coursebus.learning.page.visited.v1",
    owner: "lms",
    origin: Origin::Coursebus,
    topic: &topics::LEARNING_PAGE_VISITS,
    major: 1,
    minor: 0,
    schema: PAGE_VISITED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: PAGE_VISITED_1_0,
        },
    ],
    key: KeySpec {
        path: &["visit", "user_id"],
        schema: "{\"name\":\"user_id\",\"type\":\"long\"}",
        primitive: Primitive::Long,
    },
    order_by: &[&["visit", "user_id"]],
    compatibility: Compatibility::FullTransitive,
    personal_data: &[],
    description: "A learner who was signed in visited a page.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            PAGE_VISITED_1_0,
        ));
        &WRITER
    },
};

const PROGRAM_INTENT_DETECTED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"What a learner did shows the intent to take a program.\",\"fields\":[{\"name\":\"intent\",\"type\":{\"name\":\"ProgramIntentData\",\"type\":\"record\",\"doc\":\"A learner's intent to take a program, and what tells it.\",\"fields\":[{\"name\":\"user_id\",\"type\":\"long\",\"doc\":\"The LMS user id of the learner.\"},{\"name\":\"program_uuid\",\"type\":\"string\",\"doc\":\"The program's UUID.\"},{\"name\":\"evidence\",\"type\":\"string\",\"doc\":\"What tells it: enrollments (in runs of the program) or visits (of its page).\"},{\"name\":\"evidence_count\",\"type\":\"long\",\"doc\":\"How many of these there are within the window.\"},{\"name\":\"window_start\",\"type\":\"string\",\"doc\":\"When the window begins, RFC 3339.\"},{\"name\":\"window_end\",\"type\":\"string\",\"doc\":\"When the window ends, RFC 3339.\"}]},\"doc\":\"The intent.\"}],\"namespace\":\"coursebus.learning.program_intent.detected.v1\"}";

pub(super) static PROGRAM_INTENT_DETECTED: EventType = EventType {
    name: "coursebus.learning.program_intent.detected.v1",
    owner: "program_intent",
    origin: Origin::Coursebus,
    topic: &topics::LEARNING_PROGRAM_INTENT_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: PROGRAM_INTENT_DETECTED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: PROGRAM_INTENT_DETECTED_1_0,
        },
    ],
    key: KeySpec {
        path: &["intent", "user_id"],
        schema: "{\"name\":\"user_id\",\"type\":\"long\"}",
        primitive: Primitive::Long,
    },
    order_by: &[&["intent", "user_id"], &["intent", "program_uuid"]],
    compatibility: Compatibility::FullTransitive,
    personal_data: &[],
    description: "What a learner did shows the intent to take a program.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            PROGRAM_INTENT_DETECTED_1_0,
        ));
        &WRITER
    },
};

const PROGRAM_INTENT_RETRACTED_1_0: &str = "{\"name\":\"CloudEvent\",\"type\":\"record\",\"doc\":\"What had shown a learner's intent to take a program no longer does.\",\"fields\":[{\"name\":\"intent\",\"type\":{\"name\":\"ProgramIntentData\",\"type\":\"record\",\"doc\":\"A learner's intent to take a program, and what tells it.\",\"fields\":[{\"name\":\"user_id\",\"type\":\"long\",\"doc\":\"The LMS user id of the learner.\"},{\"name\":\"program_uuid\",\"type\":\"string\",\"doc\":\"The program's UUID.\"},{\"name\":\"evidence\",\"type\":\"string\",\"doc\":\"What tells it: enrollments (in runs of the program) or visits (of its page).\"},{\"name\":\"evidence_count\",\"type\":\"long\",\"doc\":\"How many of these there are within the window.\"},{\"name\":\"window_start\",\"type\":\"string\",\"doc\":\"When the window begins, RFC 3339.\"},{\"name\":\"window_end\",\"type\":\"string\",\"doc\":\"When the window ends, RFC 3339.\"}]},\"doc\":\"The intent that no longer holds, with the evidence that is left.\"}],\"namespace\":\"coursebus.learning.program_intent.retracted.v1\"}";

pub(super) static PROGRAM_INTENT_RETRACTED: EventType = EventType {
    name: "coursebus.learning.program_intent.retracted.v1",
    owner: "program_intent",
    origin: Origin::Coursebus,
    topic: &topics::LEARNING_PROGRAM_INTENT_LIFECYCLE,
    major: 1,
    minor: 0,
    schema: PROGRAM_INTENT_RETRACTED_1_0,
    versions: &[
        Version {
            major: 1,
            minor: 0,
            schema: PROGRAM_INTENT_RETRACTED_1_0,
        },
    ],
    key: KeySpec {
        path: &["intent", "user_id"],
        schema: "{\"name\":\"user_id\",\"type\":\"long\"}",
        primitive: Primitive::Long,
    },
    order_by: &[&["intent", "user_id"], &["intent", "program_uuid"]],
    compatibility: Compatibility::FullTransitive,
    personal_data: &[],
    description: "What had shown a learner's intent to take a program no longer does.",
    writer: || {
        static WRITER: LazyLock<WriterSchema> = LazyLock::new(|| WriterSchema::generated(
            PROGRAM_INTENT_RETRACTED_1_0,
        ));
        &WRITER
    },
};
