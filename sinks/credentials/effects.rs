//! What events change in Credentials. Pure.

use coursebus_schemas::learning::{CertificateData, CourseEnrollmentData, PersistentCourseGradeData};
use coursebus_sinks_kit::{
    Change, EffectError,
    fields::{finite, time},
};

use super::tables::{CERTIFICATES, ENROLLMENTS, GRADES};

pub(super) fn enrollment(enrollment: &CourseEnrollmentData) -> Result<Vec<Change>, EffectError> {
    let key = [enrollment.course.course_key.as_str().into(), enrollment.user.id.into()];
    let set = [
        ("mode", enrollment.mode.as_str().into()),
        ("is_active", enrollment.is_active.into()),
        ("created", time("enrollment.creation_date", &enrollment.creation_date)?.into()),
    ];
    Ok(vec![ENROLLMENTS.upsert(key, set)])
}

pub(super) fn grade(grade: &PersistentCourseGradeData) -> Result<Vec<Change>, EffectError> {
    let key = [grade.course.course_key.as_str().into(), grade.user_id.into()];
    let passed = time("grade.passed_timestamp", &grade.passed_timestamp)?;
    let set = [
        ("percent", (finite("grade.percent_grade", grade.percent_grade)? * 100.0).into()),
        ("letter_grade", grade.letter_grade.as_str().into()),
        // The wire says 'not passed' with the epoch.
        ("passed", Some(passed).filter(|passed| passed.unix_timestamp() != 0).into()),
        ("course_version", grade.course_version.as_str().into()),
    ];
    Ok(vec![GRADES.upsert(key, set)])
}

pub(super) fn certificate(certificate: &CertificateData) -> Result<Vec<Change>, EffectError> {
    let key = [certificate.course.course_key.as_str().into(), certificate.user.id.into()];
    let set = [
        ("status", certificate.current_status.as_str().into()),
        ("mode", certificate.mode.as_str().into()),
        ("grade", certificate.grade.as_str().into()),
        ("download_url", certificate.download_url.as_str().into()),
    ];
    Ok(vec![CERTIFICATES.upsert(key, set)])
}
