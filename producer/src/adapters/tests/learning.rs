//! LMS, exams and Credentials.

use coursebus_schemas::EventId;

use super::{
    super::{
        Occurrence,
        credentials::{self, ProgramCertificate},
        exams::{self, Attempt, Review, Verdict},
        lms::{
            self, Certificate, Course, Enrollment, Grade, Overview, Visibility,
            access::{self, AccessRole},
            forum::{self, Post},
            progress::{self, Completion, CreditRequirement, Page, Standing},
        },
    },
    BLOCK, Case, END, NOON, RUN, START, a_learner, a_pseudonym,
    authoring::{answering, failed},
    case, stated,
};

fn course() -> Course {
    Course { course_key: RUN.into(), display_name: "Démo 漢字".into(), start: Some(START), end: Some(END) }
}

fn open_ended() -> Course {
    Course { start: None, end: None, ..course() }
}

pub(super) fn lms() -> Vec<Case> {
    let mut cases = enrollments();
    cases.extend(grades());
    cases.extend(certificates());
    cases.extend(access_and_forum());
    cases.extend(progress());
    cases
}

fn enrollments() -> Vec<Case> {
    let verified = Enrollment { learner: a_learner(), course: course(), mode: "verified".into(), created: NOON };
    let audit = Enrollment { learner: a_pseudonym(), course: open_ended(), mode: "audit".into(), created: START };
    let expired = EventId::new("c0ffee00-0000-4000-8000-000000000001").expect("an id");
    let ended = Occurrence::at(NOON).because_of(&expired);
    vec![
        case("a learner enrolls", lms::enrollment_created(&verified)),
        case("a pseudonymous learner enrolls", lms::enrollment_created(&audit)),
        case("an enrollment has another mode", lms::enrollment_changed(&verified, true)),
        stated("an enrollment ends with its license", ended.of(lms::enrollment_changed(&audit, false))),
        case("a learner leaves", lms::unenrollment_completed(&verified)),
        case("a learner enrolls with a license", lms::licensed_enrollment_created(&verified, "11c3")),
    ]
}

fn grades() -> Vec<Case> {
    let passed = Grade {
        user_id: 7,
        course: course(),
        percent_grade: 0.875,
        letter_grade: "A".into(),
        course_edited: START,
        course_version: "5f2b".into(),
        grading_policy_hash: "ChVp0lHGQGCevD0t4njna/C44zQ=".into(),
        passed: Some(NOON),
    };
    let failed = Grade { user_id: 8, percent_grade: 0.0, letter_grade: String::new(), passed: None, ..passed.clone() };
    vec![
        case("a learner passes", lms::grade_changed(&passed)),
        case("a learner has a grade that does not pass", lms::grade_changed(&failed)),
        case("a learner's grade passes", lms::passing_status_updated(&a_learner(), &course(), true)),
        case("a learner's grade does not pass", lms::passing_status_updated(&a_pseudonym(), &open_ended(), false)),
    ]
}

fn certificates() -> Vec<Case> {
    let made = Certificate {
        learner: a_learner(),
        course: course(),
        mode: "verified".into(),
        grade: "0.88".into(),
        download_url: "https://lms.example.org/certificates/1f".into(),
        status: "downloadable".into(),
        previous_status: String::new(),
    };
    let withheld = Certificate { status: "unavailable".into(), previous_status: "downloadable".into(), ..made.clone() };
    vec![
        case("a certificate is made", lms::certificate_created(&made)),
        case("a certificate is withheld", lms::certificate_changed(&withheld)),
        case("a certificate is taken back", lms::certificate_revoked(&withheld)),
    ]
}

fn access_and_forum() -> Vec<Case> {
    let role = AccessRole { user: a_learner(), org: "edX".into(), course_key: RUN.into(), role: "staff".into() };
    let thread = Post {
        id: "64f0".into(),
        author: a_learner(),
        course_key: RUN.into(),
        topic: "general".into(),
        title: Some("Wo?".into()),
        thread_type: Some("question".into()),
        text: "Here.".into(),
        url: "https://forum.example.org/64f0".into(),
        thread_id: None,
        cohort: Some(2),
        anonymous: false,
        anonymous_to_peers: true,
        course_roles: vec!["staff".into()],
        forum_roles: vec!["Student".into()],
    };
    let response =
        Post { id: "64f1".into(), title: None, thread_type: None, thread_id: Some("64f0".into()), ..thread.clone() };
    let comment =
        Post { id: "64f2".into(), author: a_pseudonym(), text: String::new(), cohort: None, ..response.clone() };
    vec![
        case("a user has a role", access::role_added(&role)),
        case("a user has a role no longer", access::role_removed(&role)),
        case("a thread is opened", forum::thread_created(&thread)),
        case("a thread is answered", forum::response_created(&response)),
        case("a response is commented on", forum::comment_created(&comment)),
    ]
}

fn progress() -> Vec<Case> {
    let requirement = |standing| CreditRequirement {
        course_key: RUN.into(),
        user_id: 7,
        namespace: "proctored_exam".into(),
        name: BLOCK.into(),
        standing,
    };
    let stands = |what, revision: &str, standing| {
        stated(
            what,
            Occurrence::at(NOON).revision(revision).of(progress::credit_requirement_changed(&requirement(standing))),
        )
    };
    let half = Completion { course_key: RUN.into(), user_id: 7, usage_key: BLOCK.into(), done: 0.5 };
    let visit = |what, number: &str, page| {
        stated(what, Occurrence::at(NOON).revision(number).of(progress::page_visited(7, &page)))
    };
    let offered = Overview {
        course_key: RUN.into(),
        visibility: Visibility::Both,
        mobile_available: true,
        lowest_passing_grade: Some(0.5),
        enrollment_limit: Some(1_000),
        certificates_available: Some(END),
    };
    let hidden = Overview {
        visibility: Visibility::None,
        mobile_available: false,
        lowest_passing_grade: None,
        enrollment_limit: None,
        certificates_available: None,
        ..offered.clone()
    };
    let later = Occurrence::at(NOON).revision("2");
    vec![
        stands("a requirement is open", "1", Standing::Open),
        stands("a requirement is met", "2", Standing::Satisfied),
        stands("a requirement is not met", "3", Standing::Failed("exam_rejected".into())),
        stands("a requirement is declined", "4", Standing::Declined),
        case("half of a block is done", progress::completion_changed(&half)),
        visit("a program's page is visited", "v1", Page::Program("9d1e".into())),
        visit("a course's page is visited", "v2", Page::Course("edX+DemoX".into())),
        visit("a run's page is visited", "v3", Page::CourseRun(RUN.into())),
        case("a run is offered to all", lms::course_overview_changed(&offered)),
        stated("a run is hidden", later.of(lms::course_overview_changed(&hidden))),
        stated("a request fails", answering().of(lms::request_answered(&failed()))),
    ]
}

pub(super) fn exams() -> Vec<Case> {
    let attempt = Attempt {
        id: 41,
        learner: a_learner(),
        course_key: RUN.into(),
        usage_key: BLOCK.into(),
        exam_type: "proctored".into(),
        requested_by: None,
    };
    let by_staff = Attempt { requested_by: Some(a_pseudonym()), ..attempt.clone() };
    let review = |verdict, points, reason: &str| Review {
        verdict,
        points,
        counts_for_credit: points.is_some(),
        reason: reason.into(),
    };
    let reviewed = |what, number: &str, review: &Review| {
        stated(what, Occurrence::at(NOON).revision(number).of(exams::attempt_reviewed(&attempt, review)))
    };
    vec![
        case("an attempt is handed in", exams::attempt_submitted(&attempt)),
        case("an attempt counts", exams::attempt_verified(&by_staff)),
        case("an attempt does not count", exams::attempt_rejected(&attempt)),
        case("an attempt fails for a technical reason", exams::attempt_errored(&attempt)),
        case("an attempt is reset", exams::attempt_reset(&by_staff)),
        reviewed("a review lets an attempt count", "41/1", &review(Verdict::Verified, Some((9.5, 10.0)), "")),
        reviewed("a review corrects that", "41/2", &review(Verdict::Rejected, Some((0.0, 10.0)), "suspicious")),
        reviewed("a review cannot tell", "41/3", &review(Verdict::Errored, None, "no_recording")),
    ]
}

pub(super) fn credentials() -> Vec<Case> {
    let certificate = ProgramCertificate {
        uuid: "7c0d".into(),
        learner: a_learner(),
        program_uuid: "9d1e".into(),
        program_title: "Démo".into(),
        program_type: "MicroMasters".into(),
        url: "https://credentials.example.org/7c0d".into(),
        available: Some(END),
    };
    let at_once =
        ProgramCertificate { uuid: "7c0e".into(), learner: a_pseudonym(), available: None, ..certificate.clone() };
    vec![
        case("a program's certificate is earned", credentials::program_certificate_awarded(&certificate)),
        case("a program's certificate is shown at once", credentials::program_certificate_awarded(&at_once)),
        case("a program's certificate is taken back", credentials::program_certificate_revoked(&certificate)),
    ]
}

#[test]
fn a_long_post_is_cut_off_and_says_so() {
    let posted = |chars| {
        let post = Post {
            id: "1".into(),
            author: a_pseudonym(),
            course_key: RUN.into(),
            topic: String::new(),
            title: None,
            thread_type: None,
            text: "é".repeat(chars),
            url: String::new(),
            thread_id: None,
            cohort: None,
            anonymous: false,
            anonymous_to_peers: false,
            course_roles: Vec::new(),
            forum_roles: Vec::new(),
        };
        let thread = forum::thread_created(&post).thread;
        (thread.body.chars().count(), thread.truncated)
    };
    assert_eq!(posted(forum::TEXT_CHARS_MAX), (forum::TEXT_CHARS_MAX, false));
    assert_eq!(posted(forum::TEXT_CHARS_MAX + 1), (forum::TEXT_CHARS_MAX, true));
}
