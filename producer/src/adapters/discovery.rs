//! Discovery: the catalog of courses, runs and programs. Each event has all of its thing as it is now.

use coursebus_schemas::discovery::{
    CourseChanged, CourseData, CourseDeleted, CourseRunChanged, CourseRunData, CourseRunDeleted, DeletedCourseData,
    DeletedCourseRunData, DeletedProgramData, OrganizationData, ProgramChanged, ProgramCourseData, ProgramData,
    ProgramDeleted, SeatData, StaffData,
};
use time::OffsetDateTime;

use super::{pacing, text};

/// An organisation that offers courses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Organization {
    /// Its UUID.
    pub uuid: String,
    /// Its short name.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Where the logo for certificates is.
    pub certificate_logo_url: Option<String>,
}

/// A course.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Course {
    /// Its UUID.
    pub uuid: String,
    /// `<org>+<course>`.
    pub key: String,
    /// What learners read.
    pub title: String,
    /// One paragraph for lists.
    pub short_description: String,
    /// The whole text, HTML.
    pub full_description: String,
    /// `introductory`, `intermediate` or `advanced`.
    pub level: Option<String>,
    /// What it is about.
    pub subjects: Vec<String>,
    /// Who offers it.
    pub owners: Vec<Organization>,
    /// Where the picture is.
    pub image_url: Option<String>,
    /// Where its page is.
    pub marketing_url: Option<String>,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RunStatus {
    /// Nobody sees it.
    #[default]
    Unpublished,
    /// It is being looked at.
    InReview,
    /// It may go out.
    Reviewed,
    /// It is out.
    Published,
}

/// A course run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CourseRun {
    /// `course-v1:<org>+<course>+<run>`.
    pub course_key: String,
    /// Its UUID.
    pub uuid: String,
    /// The UUID of its course.
    pub course_uuid: String,
    /// What learners read.
    pub title: String,
    /// How far it is.
    pub status: RunStatus,
    /// Learners set the pace themselves.
    pub self_paced: bool,
    /// The first day.
    pub start: Option<OffsetDateTime>,
    /// The last day.
    pub end: Option<OffsetDateTime>,
    /// Enrollment opens.
    pub enrollment_start: Option<OffsetDateTime>,
    /// Enrollment closes.
    pub enrollment_end: Option<OffsetDateTime>,
    /// One paragraph for lists.
    pub short_description: String,
    /// The page's text, HTML.
    pub overview: String,
    /// The language, BCP 47.
    pub language: Option<String>,
    /// Where the picture is.
    pub image_url: Option<String>,
    /// Where its page is.
    pub marketing_url: Option<String>,
    /// Lists leave it out.
    pub hidden: bool,
    /// The mobile applications show it.
    pub mobile_available: bool,
    /// What of it can be bought.
    pub seats: Vec<Seat>,
    /// Who teaches it.
    pub staff: Vec<Staff>,
}

/// What of a run can be bought, and for what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seat {
    /// The number under which it is sold.
    pub sku: String,
    /// `verified`, …
    pub mode: String,
    /// The price in the smallest unit of the currency.
    pub price_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// Until when it can be bought.
    pub upgrade_deadline: Option<OffsetDateTime>,
}

/// Somebody who teaches a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Staff {
    /// The person's UUID.
    pub uuid: String,
    /// The full name.
    pub name: String,
    /// `instructor`, …
    pub role: String,
}

/// How far a program is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ProgramStatus {
    /// Nobody sees it.
    #[default]
    Unpublished,
    /// Learners can take it.
    Active,
    /// Nobody new can take it.
    Retired,
    /// It is kept for the record.
    Deleted,
}

/// A program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Program {
    /// Its UUID.
    pub uuid: String,
    /// What learners read.
    pub title: String,
    /// What stands below the title.
    pub subtitle: String,
    /// `MicroMasters`, …
    pub program_type: String,
    /// How far it is.
    pub status: ProgramStatus,
    /// Its courses, in the order in which they are to be taken.
    pub courses: Vec<ProgramCourse>,
    /// Who offers it.
    pub owners: Vec<Organization>,
    /// How many hours it takes.
    pub total_hours_of_effort: Option<u32>,
    /// Where the picture is.
    pub image_url: Option<String>,
    /// Where its page is.
    pub marketing_url: Option<String>,
}

/// A course of a program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProgramCourse {
    /// The course's UUID.
    pub uuid: String,
    /// The course's key.
    pub key: String,
    /// The runs of it that count.
    pub course_run_keys: Vec<String>,
}

/// A course is new, or changed.
#[must_use]
pub fn course_changed(fact: &Course) -> CourseChanged {
    CourseChanged {
        course: CourseData {
            uuid: fact.uuid.clone(),
            key: fact.key.clone(),
            title: fact.title.clone(),
            short_description: fact.short_description.clone(),
            full_description: fact.full_description.clone(),
            level: fact.level.clone(),
            subjects: fact.subjects.clone(),
            owners: fact.owners.iter().map(organization).collect(),
            image_url: fact.image_url.clone(),
            marketing_url: fact.marketing_url.clone(),
        },
    }
}

/// A course is no longer in the catalog.
#[must_use]
pub fn course_deleted(uuid: &str, key: &str) -> CourseDeleted {
    CourseDeleted { course: DeletedCourseData { uuid: uuid.to_owned(), key: key.to_owned() } }
}

/// A run is new, or changed.
#[must_use]
pub fn course_run_changed(fact: &CourseRun) -> CourseRunChanged {
    CourseRunChanged {
        course_run: CourseRunData {
            course_key: fact.course_key.clone(),
            uuid: fact.uuid.clone(),
            course_uuid: fact.course_uuid.clone(),
            title: fact.title.clone(),
            status: run_status(fact.status).to_owned(),
            pacing: pacing(fact.self_paced),
            start: fact.start.map(text),
            end: fact.end.map(text),
            enrollment_start: fact.enrollment_start.map(text),
            enrollment_end: fact.enrollment_end.map(text),
            short_description: fact.short_description.clone(),
            overview: fact.overview.clone(),
            language: fact.language.clone(),
            image_url: fact.image_url.clone(),
            marketing_url: fact.marketing_url.clone(),
            hidden: fact.hidden,
            mobile_available: fact.mobile_available,
            seats: fact.seats.iter().map(seat).collect(),
            staff: fact.staff.iter().map(staff).collect(),
        },
    }
}

/// A run is no longer in the catalog.
#[must_use]
pub fn course_run_deleted(course_key: &str, course_uuid: &str) -> CourseRunDeleted {
    let (course_key, course_uuid) = (course_key.to_owned(), course_uuid.to_owned());
    CourseRunDeleted { course_run: DeletedCourseRunData { course_key, course_uuid } }
}

/// A program is new, or changed.
#[must_use]
pub fn program_changed(fact: &Program) -> ProgramChanged {
    ProgramChanged {
        program: ProgramData {
            uuid: fact.uuid.clone(),
            title: fact.title.clone(),
            subtitle: fact.subtitle.clone(),
            program_type: fact.program_type.clone(),
            status: program_status(fact.status).to_owned(),
            courses: fact.courses.iter().map(program_course).collect(),
            owners: fact.owners.iter().map(organization).collect(),
            total_hours_of_effort: fact.total_hours_of_effort.map(Into::into),
            image_url: fact.image_url.clone(),
            marketing_url: fact.marketing_url.clone(),
        },
    }
}

/// A program is no longer in the catalog.
#[must_use]
pub fn program_deleted(uuid: &str) -> ProgramDeleted {
    ProgramDeleted { program: DeletedProgramData { uuid: uuid.to_owned() } }
}

fn organization(fact: &Organization) -> OrganizationData {
    let Organization { uuid, key, name, certificate_logo_url } = fact.clone();
    OrganizationData { uuid, key, name, certificate_logo_url }
}

fn program_course(fact: &ProgramCourse) -> ProgramCourseData {
    let ProgramCourse { uuid, key, course_run_keys } = fact.clone();
    ProgramCourseData { uuid, key, course_run_keys }
}

fn seat(fact: &Seat) -> SeatData {
    let Seat { sku, mode, price_minor, currency, upgrade_deadline } = fact.clone();
    SeatData { sku, mode, price_minor, currency, upgrade_deadline: upgrade_deadline.map(text) }
}

fn staff(fact: &Staff) -> StaffData {
    let Staff { uuid, name, role } = fact.clone();
    StaffData { uuid, name, role }
}

fn run_status(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Unpublished => "unpublished",
        RunStatus::InReview => "in_review",
        RunStatus::Reviewed => "reviewed",
        RunStatus::Published => "published",
    }
}

fn program_status(status: ProgramStatus) -> &'static str {
    match status {
        ProgramStatus::Unpublished => "unpublished",
        ProgramStatus::Active => "active",
        ProgramStatus::Retired => "retired",
        ProgramStatus::Deleted => "deleted",
    }
}
