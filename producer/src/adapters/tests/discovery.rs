//! Discovery.

use super::{
    super::{
        Occurrence,
        discovery::{
            self, Course, CourseRun, Organization, Program, ProgramCourse, ProgramStatus, RunStatus, Seat, Staff,
        },
    },
    Case, END, NOON, RUN, START, case, stated,
};

fn owner() -> Organization {
    Organization {
        uuid: "a0".into(),
        key: "edX".into(),
        name: "edX Inc.".into(),
        certificate_logo_url: Some("https://img.example.org/edx.png".into()),
    }
}

fn course() -> Course {
    Course {
        uuid: "5e1f".into(),
        key: "edX+DemoX".into(),
        title: "Demo".into(),
        short_description: "A demonstration.".into(),
        full_description: "<p>All of it.</p>".into(),
        level: Some("introductory".into()),
        subjects: vec!["computer-science".into()],
        owners: vec![owner()],
        image_url: Some("https://img.example.org/demo.jpg".into()),
        marketing_url: Some("https://www.example.org/course/demo".into()),
    }
}

fn run() -> CourseRun {
    CourseRun {
        course_key: RUN.into(),
        uuid: "6f20".into(),
        course_uuid: "5e1f".into(),
        title: "Demo".into(),
        status: RunStatus::Published,
        self_paced: true,
        start: Some(START),
        end: Some(END),
        enrollment_start: Some(NOON),
        enrollment_end: Some(END),
        short_description: "A demonstration.".into(),
        overview: "<p>All of it.</p>".into(),
        language: Some("en".into()),
        image_url: Some("https://img.example.org/demo.jpg".into()),
        marketing_url: Some("https://www.example.org/course/demo".into()),
        hidden: false,
        mobile_available: true,
        seats: vec![Seat {
            sku: "8CF08E5".into(),
            mode: "verified".into(),
            price_minor: 14_900,
            currency: "USD".into(),
            upgrade_deadline: Some(END),
        }],
        staff: vec![Staff { uuid: "0a1b".into(), name: "Grace Hopper".into(), role: "instructor".into() }],
    }
}

fn program(status: ProgramStatus) -> Program {
    Program {
        uuid: "9d1e".into(),
        title: "Demonstrations".into(),
        subtitle: "All of them".into(),
        program_type: "MicroMasters".into(),
        status,
        courses: vec![ProgramCourse {
            uuid: "5e1f".into(),
            key: "edX+DemoX".into(),
            course_run_keys: vec![RUN.into()],
        }],
        owners: vec![owner()],
        total_hours_of_effort: Some(48),
        image_url: None,
        marketing_url: Some("https://www.example.org/program/demo".into()),
    }
}

pub(super) fn discovery() -> Vec<Case> {
    let drafted = CourseRun { course_key: RUN.into(), hidden: true, ..CourseRun::default() };
    let changed = |what, revision: &str, status| {
        stated(what, Occurrence::at(NOON).revision(revision).of(discovery::program_changed(&program(status))))
    };
    let became = |what, revision: &str, status| {
        let run = CourseRun { status, ..drafted.clone() };
        stated(what, Occurrence::at(NOON).revision(revision).of(discovery::course_run_changed(&run)))
    };
    let bare = Course { uuid: "5e20".into(), key: "edX+Bare".into(), ..Course::default() };
    vec![
        case("a course is changed", discovery::course_changed(&course())),
        case("a course has nothing yet", discovery::course_changed(&bare)),
        case("a course is deleted", discovery::course_deleted("5e1f", "edX+DemoX")),
        case("a run is changed", discovery::course_run_changed(&run())),
        became("a run is drafted", "1", RunStatus::Unpublished),
        became("a run is in review", "2", RunStatus::InReview),
        became("a run is reviewed", "3", RunStatus::Reviewed),
        case("a run is deleted", discovery::course_run_deleted(RUN, "5e1f")),
        changed("a program is drafted", "1", ProgramStatus::Unpublished),
        changed("a program is open", "2", ProgramStatus::Active),
        changed("a program is closed", "3", ProgramStatus::Retired),
        changed("a program is kept for the record", "4", ProgramStatus::Deleted),
        case("a program is deleted", discovery::program_deleted("9d1e")),
    ]
}
