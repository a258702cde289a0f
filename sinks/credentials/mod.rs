//! Credentials: who is enrolled where, with which grade and certificate.

mod effects;
mod tables;

use coursebus_schemas::learning::{
    CertificateChanged, CertificateCreated, CertificateRevoked, CourseEnrollmentChanged, CourseEnrollmentCreated,
    CoursePersistentGradeSummaryChanged, CourseUnenrollmentCompleted,
};
use coursebus_sinks_kit::{SinkSpec, Table, Touch};
use tables::{CERTIFICATES, ENROLLMENTS, GRADES};

/// The sink.
#[must_use]
pub fn sink() -> SinkSpec {
    static TABLES: [&Table; 3] = [&CERTIFICATES, &ENROLLMENTS, &GRADES];
    const MIGRATIONS: &[(i64, &str, &str)] = &[
        (100, "enrollments", include_str!("migrations/0100_enrollments.sql")),
        (101, "grades", include_str!("migrations/0101_grades.sql")),
        (102, "certificates", include_str!("migrations/0102_certificates.sql")),
    ];
    const ENROLLMENT: &[Touch] =
        &[Touch { table: &ENROLLMENTS, key: &["enrollment.course.course_key", "enrollment.user.id"] }];
    const GRADE: &[Touch] = &[Touch { table: &GRADES, key: &["grade.course.course_key", "grade.user_id"] }];
    const CERTIFICATE: &[Touch] =
        &[Touch { table: &CERTIFICATES, key: &["certificate.course.course_key", "certificate.user.id"] }];
    SinkSpec::new("credentials", "enrollments, grades and certificates of learners", &TABLES)
        .migrations(MIGRATIONS)
        .on::<CourseEnrollmentCreated>(ENROLLMENT, |e| effects::enrollment(&e.enrollment))
        .on::<CourseEnrollmentChanged>(ENROLLMENT, |e| effects::enrollment(&e.enrollment))
        .on::<CourseUnenrollmentCompleted>(ENROLLMENT, |e| effects::enrollment(&e.enrollment))
        .on::<CoursePersistentGradeSummaryChanged>(GRADE, |e| effects::grade(&e.grade))
        .on::<CertificateCreated>(CERTIFICATE, |e| effects::certificate(&e.certificate))
        .on::<CertificateChanged>(CERTIFICATE, |e| effects::certificate(&e.certificate))
        .on::<CertificateRevoked>(CERTIFICATE, |e| effects::certificate(&e.certificate))
}
