//! The event that is emitted and consumed: enrollments as the LMS tells them.

use coursebus_producer::adapters::lms::{Course, Enrollment, Learner, enrollment_created};
use coursebus_schemas::learning::CourseEnrollmentCreated;
use time::{Duration, macros::datetime};

/// Course runs; each is a record key.
const RUNS: usize = 64;

/// So many different enrollments, in runs by turns.
pub(crate) fn enrollments(count: usize) -> Vec<CourseEnrollmentCreated> {
    (0..count).map(enrollment).collect()
}

fn enrollment(number: usize) -> CourseEnrollmentCreated {
    let id = 10_000 + i64::try_from(number).unwrap_or_default();
    let start = datetime!(2026-02-01 0:00 UTC);
    let fact = Enrollment {
        learner: Learner {
            id,
            is_active: true,
            username: format!("learner{id}"),
            email: format!("learner{id}@example.com"),
            name: format!("Learner number {id}"),
        },
        course: Course {
            course_key: format!("course-v1:ExampleX+CS{:03}+2026_T1", number % RUNS),
            display_name: format!("Introduction to subject {}", number % RUNS),
            start: Some(start),
            end: Some(start + Duration::days(120)),
        },
        mode: "verified".to_owned(),
        created: start - Duration::minutes(i64::try_from(number % 100_000).unwrap_or_default()),
    };
    enrollment_created(&fact)
}
