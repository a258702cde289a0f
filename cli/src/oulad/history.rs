//! From the export to the platform's history: pure.

use std::collections::HashMap;

use coursebus_producer::adapters::{cms, lms};
use time::{Date, Duration};

use super::{
    Dated, Export, Fact, Kind,
    export::{Registration, Run},
    fact::midnight,
};

/// How long before its start a run is created: longer than anybody enrolls ahead.
const CREATED_BEFORE: Duration = Duration::days(400);

/// The facts of an export in the order in which they happened; course keys begin with `org`.
///
/// All runs come first. Then day by day, within a day by [`Kind`], within a kind in the order of the files.
#[must_use]
pub fn history(export: &Export, org: &str) -> Vec<Dated> {
    let courses: Vec<Course> = export.runs.iter().map(|run| Course::new(run, org)).collect();
    let mut history: Vec<Dated> = courses.iter().map(Course::created).collect();
    for registration in &export.registrations {
        courses[registration.run].enrollment(registration, &mut history);
    }
    grades(export, &courses, &mut history);
    for pass in &export.passes {
        history.push(courses[pass.run].certificate(pass.learner, &pass.result));
    }
    order(&mut history);
    history
}

/// Puts facts into the order of a history; facts of the same day and kind stay as they are.
pub(super) fn order(history: &mut [Dated]) {
    history.sort_by_key(|dated| {
        let kind = dated.fact.kind();
        (kind != Kind::Run, dated.time, kind)
    });
}

/// Each score changes the learner's grade in the run to the sum so far, so they are summed in the order of their days.
fn grades(export: &Export, courses: &[Course], history: &mut Vec<Dated>) {
    let mut scores: Vec<_> = export.scores.iter().map(|score| (courses[score.run].day(score.day), score)).collect();
    scores.sort_by_key(|(day, _)| *day);
    let mut percent_so_far: HashMap<(usize, i64), f64> = HashMap::new();
    for (day, score) in scores {
        let percent = percent_so_far.entry((score.run, score.learner)).or_default();
        *percent += score.score * score.weight / 100.0;
        history.push(courses[score.run].grade(day, score.learner, score.assessment, *percent));
    }
}

/// A run with all that facts about it repeat.
struct Course {
    start: Date,
    end: Date,
    run: cms::CourseRun,
    course: lms::Course,
}

impl Course {
    fn new(run: &Run, org: &str) -> Self {
        let Run { module, presentation, start, days } = run;
        let end = *start + Duration::days((*days).into());
        let course_key = format!("course-v1:{org}+{module}+{presentation}");
        // The dataset has no titles: the codes are all that learners could read.
        let title = module.clone();
        let course = lms::Course {
            course_key: course_key.clone(),
            display_name: title.clone(),
            start: Some(midnight(*start)),
            end: Some(midnight(end)),
        };
        let run = cms::CourseRun {
            course_key,
            org: org.to_owned(),
            course: module.clone(),
            run: presentation.clone(),
            title,
            start: midnight(*start),
            end: Some(midnight(end)),
            self_paced: false,
            enrollment_start: None,
            enrollment_end: None,
            invitation_only: false,
        };
        Self { start: *start, end, run, course }
    }

    fn day(&self, from_start: i32) -> Date {
        self.start + Duration::days(from_start.into())
    }

    fn created(&self) -> Dated {
        Dated::new(self.start - CREATED_BEFORE, &self.course.course_key, Fact::Run(self.run.clone()))
    }

    fn enrollment(&self, registration: &Registration, history: &mut Vec<Dated>) {
        let Registration { learner, registered, unregistered, .. } = *registration;
        // Without a date of registration: by the run's start at the latest, and never after leaving.
        let created = self.day(registered.unwrap_or_else(|| unregistered.unwrap_or(0).min(0)));
        let enrollment = lms::Enrollment {
            learner: learner_of(learner),
            course: self.course.clone(),
            mode: MODE.to_owned(),
            created: midnight(created),
        };
        let who = self.who(learner);
        if let Some(day) = unregistered {
            history.push(Dated::new(self.day(day), &who, Fact::Unenrolled(enrollment.clone())));
        }
        history.push(Dated::new(created, &who, Fact::Enrolled(enrollment)));
    }

    fn grade(&self, day: Date, learner: i64, assessment: i64, percent: f64) -> Dated {
        let grade = lms::Grade {
            user_id: learner,
            course: self.course.clone(),
            percent_grade: percent / 100.0,
            // The dataset says who passed, not when: the certificate does.
            letter_grade: String::new(),
            passed: None,
            course_edited: midnight(self.start - CREATED_BEFORE),
            course_version: String::new(),
            grading_policy_hash: String::new(),
        };
        Dated::new(day, &format!("{}/{assessment}", self.who(learner)), Fact::Graded(grade))
    }

    fn certificate(&self, learner: i64, result: &str) -> Dated {
        let certificate = lms::Certificate {
            learner: learner_of(learner),
            course: self.course.clone(),
            mode: MODE.to_owned(),
            grade: result.to_owned(),
            download_url: String::new(),
            status: "downloadable".to_owned(),
            previous_status: String::new(),
        };
        Dated::new(self.end, &self.who(learner), Fact::Certified(certificate))
    }

    /// Names a learner in this run.
    fn who(&self, learner: i64) -> String {
        format!("{}/{learner}", self.course.course_key)
    }
}

/// Everybody who passes gets a certificate, and an `audit` enrollment cannot earn one.
const MODE: &str = "verified";

/// Name and e-mail stay empty: the dataset has none, and no consumer needs them.
fn learner_of(id: i64) -> lms::Learner {
    lms::Learner { id, is_active: true, username: format!("u{id}"), email: String::new(), name: String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oulad::{File, Files};

    fn facts(text: fn(File) -> &'static str) -> Vec<(String, Kind, Option<f64>)> {
        let export = Export::read(&Files::embedded("test", text)).unwrap();
        let fact = |dated: &Dated| {
            let percent = match &dated.fact {
                Fact::Graded(grade) => Some(grade.percent_grade),
                _ => None,
            };
            (dated.time.date().to_string(), dated.fact.kind(), percent)
        };
        history(&export, "OU").iter().map(fact).collect()
    }

    #[test]
    fn within_a_day_kinds_have_an_order_and_scores_that_of_their_days() {
        let found = facts(|file| match file {
            File::Courses => "code_module,code_presentation,module_presentation_length\nA,2014B,10\nB,2013J,20\n",
            File::Assessments => {
                "code_module,code_presentation,id_assessment,assessment_type,weight\n\
                 A,2014B,1,TMA,50\nA,2014B,2,CMA,12.5\nA,2014B,3,Exam,100\n"
            }
            File::Registrations => {
                "code_module,code_presentation,id_student,date_registration,date_unregistration\nA,2014B,7,10,10\n"
            }
            File::Results => "code_module,code_presentation,id_student,final_result\nA,2014B,7,Pass\n",
            // The later score stands first; an empty one and an exam's change nothing.
            File::Scores => "id_assessment,id_student,date_submitted,score\n1,7,10,80\n2,7,9,100\n3,7,10,90\n",
        });
        assert_eq!(
            found,
            [
                ("2012-08-27".to_owned(), Kind::Run, None),
                ("2012-12-28".to_owned(), Kind::Run, None),
                ("2014-02-10".to_owned(), Kind::Graded, Some(0.125)),
                ("2014-02-11".to_owned(), Kind::Enrolled, None),
                ("2014-02-11".to_owned(), Kind::Graded, Some(0.525)),
                ("2014-02-11".to_owned(), Kind::Unenrolled, None),
                ("2014-02-11".to_owned(), Kind::Certified, None),
            ]
        );
    }
}
