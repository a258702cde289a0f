//! The learning management system (LMS): enrollments, grades, certificates.

use coursebus_schemas::learning::{
    CertificateChanged, CertificateCreated, CertificateData, CertificateRevoked, CourseData, CourseEnrollmentChanged,
    CourseEnrollmentCreated, CourseEnrollmentData, CoursePersistentGradeSummaryChanged, CourseUnenrollmentCompleted,
    PersistentCourseGradeData, UserData, UserPersonalData,
};
use time::OffsetDateTime;

use super::text;

/// A learner. Name and e-mail are personal data: leave them empty unless a consumer needs them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Learner {
    /// The platform's number for the user.
    pub id: i64,
    /// The account can be used.
    pub is_active: bool,
    /// The user name.
    pub username: String,
    /// The e-mail address, or empty.
    pub email: String,
    /// The full name, or empty.
    pub name: String,
}

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

fn learner(fact: &Learner) -> UserData {
    let Learner { id, is_active, username, email, name } = fact.clone();
    UserData { id, is_active, pii: UserPersonalData { username, email, name } }
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
        user: learner(&fact.learner),
        course: course(&fact.course),
        mode: fact.mode.clone(),
        is_active,
        creation_date: text(fact.created),
        created_by: None,
    }
}

fn certificate(fact: &Certificate) -> CertificateData {
    CertificateData {
        user: learner(&fact.learner),
        course: course(&fact.course),
        mode: fact.mode.clone(),
        grade: fact.grade.clone(),
        download_url: fact.download_url.clone(),
        name: fact.learner.name.clone(),
        current_status: fact.status.clone(),
        previous_status: fact.previous_status.clone(),
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn a_course() -> Course {
        Course { course_key: "course-v1:a+b+c".into(), display_name: "B".into(), start: None, end: None }
    }

    fn a_learner() -> Learner {
        Learner { id: 7, is_active: true, username: "u7".into(), email: String::new(), name: "N".into() }
    }

    #[test]
    fn an_enrollment_is_active_until_it_ends() {
        let created = datetime!(2014-01-02 03:04:05.000006 UTC);
        let fact = Enrollment { learner: a_learner(), course: a_course(), mode: "audit".into(), created };
        assert!(enrollment_created(&fact).enrollment.is_active);
        assert!(!unenrollment_completed(&fact).enrollment.is_active);
        assert!(!enrollment_changed(&fact, false).enrollment.is_active);
        let made = enrollment_created(&fact).enrollment;
        assert_eq!((made.user.id, made.creation_date.as_str()), (7, "2014-01-02T03:04:05.000006+00:00"));
    }

    #[test]
    fn who_has_not_passed_has_the_epoch() {
        let grade = Grade {
            user_id: 7,
            course: a_course(),
            percent_grade: 0.5,
            letter_grade: String::new(),
            course_edited: datetime!(2014-01-01 0:00 UTC),
            course_version: String::new(),
            grading_policy_hash: String::new(),
            passed: None,
        };
        assert_eq!(grade_changed(&grade).grade.passed_timestamp, "1970-01-01T00:00:00+00:00");
        let passed = Grade { passed: Some(datetime!(2014-05-01 0:00 UTC)), ..grade };
        assert_eq!(grade_changed(&passed).grade.passed_timestamp, "2014-05-01T00:00:00+00:00");
    }

    #[test]
    fn a_certificate_bears_the_learners_name() {
        let fact = Certificate {
            learner: a_learner(),
            course: a_course(),
            mode: "verified".into(),
            grade: "0.9".into(),
            download_url: String::new(),
            status: "downloadable".into(),
            previous_status: "generating".into(),
        };
        let made = certificate_created(&fact).certificate;
        assert_eq!((made.name.as_str(), made.current_status.as_str()), ("N", "downloadable"));
        assert_eq!(certificate_changed(&fact).certificate, made);
        assert_eq!(certificate_revoked(&fact).certificate, made);
    }
}
