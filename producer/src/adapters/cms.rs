//! Course authoring (CMS).

use coursebus_schemas::authoring::{CourseRunCreated, CourseRunData};
use time::OffsetDateTime;

use super::text;

/// A course run as its authors set it up.
#[derive(Debug, Clone, PartialEq)]
pub struct CourseRun {
    /// `course-v1:<org>+<course>+<run>`.
    pub course_key: String,
    /// The organisation.
    pub org: String,
    /// The course's number within the organisation.
    pub course: String,
    /// The run within the course.
    pub run: String,
    /// What learners read.
    pub title: String,
    /// The first day.
    pub start: OffsetDateTime,
    /// The last day; none for a run without an end.
    pub end: Option<OffsetDateTime>,
    /// Learners set the pace themselves.
    pub self_paced: bool,
    /// Enrollment opens.
    pub enrollment_start: Option<OffsetDateTime>,
    /// Enrollment closes.
    pub enrollment_end: Option<OffsetDateTime>,
    /// Only those invited can enroll.
    pub invitation_only: bool,
}

/// A run was created.
#[must_use]
pub fn course_run_created(run: &CourseRun) -> CourseRunCreated {
    CourseRunCreated {
        course_run: CourseRunData {
            course_key: run.course_key.clone(),
            org: run.org.clone(),
            course: run.course.clone(),
            run: run.run.clone(),
            title: run.title.clone(),
            start: text(run.start),
            end: run.end.map(text),
            pacing: if run.self_paced { "self" } else { "instructor" }.to_owned(),
            enrollment_start: run.enrollment_start.map(text),
            enrollment_end: run.enrollment_end.map(text),
            invitation_only: run.invitation_only,
        },
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_run_keeps_its_dates_and_pacing() {
        let run = CourseRun {
            course_key: "course-v1:OU+AAA+2013J".into(),
            org: "OU".into(),
            course: "AAA".into(),
            run: "2013J".into(),
            title: "AAA".into(),
            start: datetime!(2013-10-01 00:00 UTC),
            end: Some(datetime!(2014-06-26 00:00 UTC)),
            self_paced: false,
            enrollment_start: None,
            enrollment_end: None,
            invitation_only: true,
        };
        let made = course_run_created(&run).course_run;
        assert_eq!(made.start, "2013-10-01T00:00:00+00:00");
        assert_eq!(made.end.as_deref(), Some("2014-06-26T00:00:00+00:00"));
        assert_eq!((made.pacing.as_str(), made.enrollment_start, made.invitation_only), ("instructor", None, true));
        assert_eq!(course_run_created(&CourseRun { self_paced: true, ..run }).course_run.pacing, "self");
    }
}
