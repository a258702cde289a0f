//! CMS and publisher.

use coursebus_schemas::EventId;

use super::{
    super::{
        Answer, Occurrence, Outcome,
        cms::{self, CoursePage, CourseRun, StaffMember},
        publisher::{self, Edit, Publication, Request},
    },
    Case, END, NOON, RUN, START, case, stated,
};

pub(super) fn request_id() -> EventId {
    EventId::new("4f0c2f9e-8a62-4f7e-9f5e-0d6d0c2a7b11").expect("an id")
}

pub(super) fn accepted() -> Answer {
    Answer { request: request_id(), course_key: RUN.into(), outcome: Outcome::Accepted }
}

pub(super) fn failed() -> Answer {
    let (code, reason) = ("no-such-run".to_owned(), "the run is not here: publish it first".to_owned());
    Answer { outcome: Outcome::Failed { code, reason }, ..accepted() }
}

/// When a request is answered.
pub(super) fn answering() -> Occurrence {
    Occurrence::answering(&request_id(), NOON)
}

fn run() -> CourseRun {
    CourseRun {
        course_key: RUN.into(),
        org: "edX".into(),
        course: "DemoX".into(),
        run: "2026_T1".into(),
        title: "Démo 漢字".into(),
        start: START,
        end: Some(END),
        self_paced: true,
        enrollment_start: Some(NOON),
        enrollment_end: None,
        invitation_only: true,
    }
}

fn open_ended() -> CourseRun {
    CourseRun { end: None, self_paced: false, enrollment_start: None, invitation_only: false, ..run() }
}

pub(super) fn cms() -> Vec<Case> {
    let page = CoursePage {
        course_key: RUN.into(),
        short_description: "A demonstration.".into(),
        overview: "<p>All of it.</p>".into(),
        image_url: Some("https://img.example.org/demo.jpg".into()),
        video_url: None,
        language: Some("en".into()),
        level: Some("introductory".into()),
        effort_hours_per_week: Some((2, 4)),
        weeks_to_complete: Some(12),
    };
    let teacher = StaffMember {
        uuid: "0a1b".into(),
        name: "Grace Hopper".into(),
        role: "instructor".into(),
        position: Some("Rear admiral".into()),
        bio: "Wrote a compiler.".into(),
        photo_url: None,
    };
    let bare = CoursePage { course_key: RUN.into(), ..CoursePage::default() };
    let later = Occurrence::at(NOON).revision("2");
    vec![
        case("a run is created", cms::course_run_created(&run())),
        case("a run is changed", cms::course_run_changed(&run())),
        stated("a run is changed to have no end", later.of(cms::course_run_changed(&open_ended()))),
        case("a run is deleted", cms::course_run_deleted(RUN)),
        case("a run is created, for Open edX", cms::course_created(RUN)),
        case("the catalog shows other things of a run", cms::catalog_info_changed(&run(), true)),
        stated("the catalog shows fewer things of a run", later.of(cms::catalog_info_changed(&open_ended(), false))),
        case("a page is changed", cms::course_about_changed(&page)),
        stated("a page is emptied", later.of(cms::course_about_changed(&bare))),
        case("a run has staff", cms::course_staff_changed(RUN, &[teacher])),
        stated("a run has no staff any more", later.of(cms::course_staff_changed(RUN, &[]))),
        stated("a request is accepted", answering().of(cms::request_answered(&accepted()))),
    ]
}

pub(super) fn publisher() -> Vec<Case> {
    let request = Request {
        course_key: RUN.into(),
        course_uuid: "5e1f".into(),
        author_id: 3,
        answer_by: NOON + time::Duration::DAY,
    };
    let publication = Publication { title: "Demo".into(), start: START, end: None, self_paced: false };
    let edit = Edit { title: Some("Demonstration".into()), end: Some(END), ..Edit::default() };
    vec![
        case("a run is published", publisher::course_run_published(&request, &publication)),
        case("metadata is edited", publisher::metadata_edited(&request, &edit)),
    ]
}
