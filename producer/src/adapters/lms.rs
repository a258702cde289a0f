//! The learning management system (LMS): enrollments, grades, certificates; what else it knows of learners and runs is in
//! [`access`], [`forum`] and [`progress`].

pub mod access;
pub mod forum;
pub mod progress;

use coursebus_schemas::{
    learning::{
        CertificateChanged, CertificateCreated, CertificateData, CertificateRevoked, CourseData,
        CourseEnrollmentChanged, CourseEnrollmentCreated, CourseEnrollmentData, CourseOverviewChanged,
        CourseOverviewData, CoursePassingStatusData, CoursePassingStatusUpdated, CoursePersistentGradeSummaryChanged,
        CourseUnenrollmentCompleted, LicensedEnrollmentCreated, LicensedEnrollmentData, PersistentCourseGradeData,
    },
    publication::LmsAnswered,
};
use time::OffsetDateTime;

pub use super::Learner;
use super::{Answer, text};

/// The run that a fact is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Course {
    /// `course-v1:<org>+<course>+<run>`.
    pub course_key: String,
    /// What learners read.
    pub display_name: String,
    /// The first day.
    pub start: Option<OffsetDateTime>,
    /// The last day.
    pub end: Option<OffsetDateTime>,
}

/// A learner's enrollment in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrollment {
    /// Who.
    pub learner: Learner,
    /// Where.
    pub course: Course,
    /// `audit`, `verified`, …
    pub mode: String,
    /// When it was made.
    pub created: OffsetDateTime,
}

/// A learner's grade in a run so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Grade {
    /// The learner's number.
    pub user_id: i64,
    /// Where.
    pub course: Course,
    /// 0 to 1.
    pub percent_grade: f64,
    /// `A`, `B`, …, or empty.
    pub letter_grade: String,
    /// When the course was edited last.
    pub course_edited: OffsetDateTime,
    /// Which contents the grade is for.
    pub course_version: String,
    /// Which grading policy.
    pub grading_policy_hash: String,
    /// When the learner passed; none who has not.
    pub passed: Option<OffsetDateTime>,
}

/// A learner's certificate for a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Who.
    pub learner: Learner,
    /// Where.
    pub course: Course,
    /// The mode it was earned in.
    pub mode: String,
    /// The grade as printed.
    pub grade: String,
    /// Where it can be fetched, or empty.
    pub download_url: String,
    /// `downloadable`, `notpassing`, `unavailable`, …
    pub status: String,
    /// The status before, or empty.
    pub previous_status: String,
}

/// How a run is offered.
#[derive(Debug, Clone, PartialEq)]
pub struct Overview {
    /// The run's key.
    pub course_key: String,
    /// Where learners find it.
    pub visibility: Visibility,
    /// The mobile applications show it.
    pub mobile_available: bool,
    /// The least grade that passes, 0 to 1.
    pub lowest_passing_grade: Option<f64>,
    /// How many learners may enroll.
    pub enrollment_limit: Option<u32>,
    /// When certificates are shown.
    pub certificates_available: Option<OffsetDateTime>,
}

/// Where learners find a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// In lists, and it has a page.
    Both,
    /// It has a page.
    About,
    /// Nowhere.
    None,
}

/// A learner was enrolled.
#[must_use]
pub fn enrollment_created(fact: &Enrollment) -> CourseEnrollmentCreated {
    CourseEnrollmentCreated { enrollment: enrollment(fact, true) }
}

/// An enrollment got another mode, or became active or inactive.
#[must_use]
pub fn enrollment_changed(fact: &Enrollment, is_active: bool) -> CourseEnrollmentChanged {
    CourseEnrollmentChanged { enrollment: enrollment(fact, is_active) }
}

/// A learner left a run.
#[must_use]
pub fn unenrollment_completed(fact: &Enrollment) -> CourseUnenrollmentCompleted {
    CourseUnenrollmentCompleted { enrollment: enrollment(fact, false) }
}

/// A learner enrolled with a license. Say it beside [`enrollment_created`].
#[must_use]
pub fn licensed_enrollment_created(fact: &Enrollment, license_uuid: &str) -> LicensedEnrollmentCreated {
    LicensedEnrollmentCreated {
        licensed_enrollment: LicensedEnrollmentData {
            license_uuid: license_uuid.to_owned(),
            course_key: fact.course.course_key.clone(),
            user_id: fact.learner.id,
            mode: fact.mode.clone(),
        },
    }
}

/// A learner's grade changed.
///
/// The wire has no way to say 'not passed': it is 1 January 1970, which Open edX's readers take and no learner's pass is.
#[must_use]
pub fn grade_changed(fact: &Grade) -> CoursePersistentGradeSummaryChanged {
    CoursePersistentGradeSummaryChanged {
        grade: PersistentCourseGradeData {
            user_id: fact.user_id,
            course: course(&fact.course),
            course_edited_timestamp: text(fact.course_edited),
            course_version: fact.course_version.clone(),
            grading_policy_hash: fact.grading_policy_hash.clone(),
            percent_grade: fact.percent_grade,
            letter_grade: fact.letter_grade.clone(),
            passed_timestamp: text(fact.passed.unwrap_or(OffsetDateTime::UNIX_EPOCH)),
        },
    }
}

/// A learner's grade came to pass a run, or no longer does.
#[must_use]
pub fn passing_status_updated(learner: &Learner, run: &Course, is_passing: bool) -> CoursePassingStatusUpdated {
    CoursePassingStatusUpdated {
        course_passing_status: CoursePassingStatusData { is_passing, course: course(run), user: learner.user() },
    }
}

/// A certificate was made.
#[must_use]
pub fn certificate_created(fact: &Certificate) -> CertificateCreated {
    CertificateCreated { certificate: certificate(fact) }
}

/// A certificate got another status.
#[must_use]
pub fn certificate_changed(fact: &Certificate) -> CertificateChanged {
    CertificateChanged { certificate: certificate(fact) }
}

/// A certificate was taken back.
#[must_use]
pub fn certificate_revoked(fact: &Certificate) -> CertificateRevoked {
    CertificateRevoked { certificate: certificate(fact) }
}

/// A run is offered otherwise: all of it as it is now.
#[must_use]
pub fn course_overview_changed(fact: &Overview) -> CourseOverviewChanged {
    let visibility = match fact.visibility {
        Visibility::Both => "both",
        Visibility::About => "about",
        Visibility::None => "none",
    };
    CourseOverviewChanged {
        overview: CourseOverviewData {
            course_key: fact.course_key.clone(),
            catalog_visibility: visibility.to_owned(),
            mobile_available: fact.mobile_available,
            lowest_passing_grade: fact.lowest_passing_grade,
            enrollment_limit: fact.enrollment_limit.map(Into::into),
            certificate_available_date: fact.certificates_available.map(text),
        },
    }
}

/// What became of an author's request here.
#[must_use]
pub fn request_answered(answer: &Answer) -> LmsAnswered {
    LmsAnswered { answer: answer.data() }
}

fn course(fact: &Course) -> CourseData {
    CourseData {
        course_key: fact.course_key.clone(),
        display_name: fact.display_name.clone(),
        start: fact.start.map(text),
        end: fact.end.map(text),
    }
}

fn enrollment(fact: &Enrollment, is_active: bool) -> CourseEnrollmentData {
    CourseEnrollmentData {
        user: fact.learner.user(),
        course: course(&fact.course),
        mode: fact.mode.clone(),
        is_active,
        creation_date: text(fact.created),
        created_by: None,
    }
}

fn certificate(fact: &Certificate) -> CertificateData {
    CertificateData {
        user: fact.learner.user(),
        course: course(&fact.course),
        mode: fact.mode.clone(),
        grade: fact.grade.clone(),
        download_url: fact.download_url.clone(),
        name: fact.learner.name.clone(),
        current_status: fact.status.clone(),
        previous_status: fact.previous_status.clone(),
    }
}
