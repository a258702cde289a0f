//! Course authoring (CMS): course runs, their pages and staff.

use coursebus_schemas::{
    authoring::{
        CourseAboutChanged, CourseAboutData, CourseRunChanged, CourseRunCreated, CourseRunData, CourseRunDeleted,
        CourseStaffChanged, CourseStaffData, DeletedCourseRunData, StaffMemberData,
    },
    content_authoring::{CourseCatalogData, CourseCatalogInfoChanged, CourseCreated, CourseData, CourseScheduleData},
    publication::CmsAnswered,
};
use time::OffsetDateTime;

use super::{Answer, pacing, text};

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

/// The page about a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CoursePage {
    /// The run's key.
    pub course_key: String,
    /// One paragraph for lists.
    pub short_description: String,
    /// The page's text, HTML.
    pub overview: String,
    /// Where the picture is.
    pub image_url: Option<String>,
    /// Where the introduction's video is.
    pub video_url: Option<String>,
    /// The language, BCP 47.
    pub language: Option<String>,
    /// `introductory`, `intermediate` or `advanced`.
    pub level: Option<String>,
    /// The least and the most hours of work a week.
    pub effort_hours_per_week: Option<(u16, u16)>,
    /// How many weeks it takes.
    pub weeks_to_complete: Option<u16>,
}

/// Somebody who teaches a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StaffMember {
    /// The person's UUID.
    pub uuid: String,
    /// The full name.
    pub name: String,
    /// `instructor`, …
    pub role: String,
    /// The position held.
    pub position: Option<String>,
    /// A few sentences.
    pub bio: String,
    /// Where a photograph is.
    pub photo_url: Option<String>,
}

/// A run was created: for readers of our types.
#[must_use]
pub fn course_run_created(run: &CourseRun) -> CourseRunCreated {
    CourseRunCreated { course_run: course_run(run) }
}

/// What authors say of a run changed: all of it as it is now.
#[must_use]
pub fn course_run_changed(run: &CourseRun) -> CourseRunChanged {
    CourseRunChanged { course_run: course_run(run) }
}

/// A run was deleted.
#[must_use]
pub fn course_run_deleted(course_key: &str) -> CourseRunDeleted {
    CourseRunDeleted { course_run: DeletedCourseRunData { course_key: course_key.to_owned() } }
}

/// A run was created: for readers of Open edX's types.
#[must_use]
pub fn course_created(course_key: &str) -> CourseCreated {
    CourseCreated { course: CourseData { course_key: course_key.to_owned() } }
}

/// What the catalog shows of a run changed: for readers of Open edX's types.
#[must_use]
pub fn catalog_info_changed(run: &CourseRun, hidden: bool) -> CourseCatalogInfoChanged {
    CourseCatalogInfoChanged {
        catalog_info: CourseCatalogData {
            course_key: run.course_key.clone(),
            name: run.title.clone(),
            schedule_data: CourseScheduleData {
                start: text(run.start),
                pacing: pacing(run.self_paced),
                end: run.end.map(text),
                enrollment_start: run.enrollment_start.map(text),
                enrollment_end: run.enrollment_end.map(text),
            },
            hidden,
            invitation_only: run.invitation_only,
        },
    }
}

/// The page about a run changed: all of it as it is now.
#[must_use]
pub fn course_about_changed(page: &CoursePage) -> CourseAboutChanged {
    let (least, most) = page.effort_hours_per_week.unzip();
    CourseAboutChanged {
        about: CourseAboutData {
            course_key: page.course_key.clone(),
            short_description: page.short_description.clone(),
            overview: page.overview.clone(),
            image_url: page.image_url.clone(),
            video_url: page.video_url.clone(),
            language: page.language.clone(),
            level: page.level.clone(),
            effort_hours_per_week_min: least.map(Into::into),
            effort_hours_per_week_max: most.map(Into::into),
            weeks_to_complete: page.weeks_to_complete.map(Into::into),
        },
    }
}

/// Who teaches a run changed: all of them, in the order in which they are shown.
#[must_use]
pub fn course_staff_changed(course_key: &str, members: &[StaffMember]) -> CourseStaffChanged {
    let members = members.iter().map(staff_member).collect();
    CourseStaffChanged { staff: CourseStaffData { course_key: course_key.to_owned(), members } }
}

/// What became of an author's request here.
#[must_use]
pub fn request_answered(answer: &Answer) -> CmsAnswered {
    CmsAnswered { answer: answer.data() }
}

fn course_run(run: &CourseRun) -> CourseRunData {
    CourseRunData {
        course_key: run.course_key.clone(),
        org: run.org.clone(),
        course: run.course.clone(),
        run: run.run.clone(),
        title: run.title.clone(),
        start: text(run.start),
        end: run.end.map(text),
        pacing: pacing(run.self_paced),
        enrollment_start: run.enrollment_start.map(text),
        enrollment_end: run.enrollment_end.map(text),
        invitation_only: run.invitation_only,
    }
}

fn staff_member(fact: &StaffMember) -> StaffMemberData {
    let StaffMember { uuid, name, role, position, bio, photo_url } = fact.clone();
    StaffMemberData { uuid, name, role, position, bio, photo_url }
}
