//! The five files as one thing: every row read, every value within its range, every reference followed.

use std::{collections::HashMap, fmt::Display, hash::Hash, ops::RangeInclusive};

use time::{Date, Month};

use super::{
    File, Files, ImportError, Place,
    rows::{AssessmentRow, CourseRow, RegistrationRow, ResultRow, ScoreRow},
    table::{At, read},
};

/// A checked export. Rows keep the order of their files; days count from the run's start.
#[derive(Debug, Clone, PartialEq)]
pub struct Export {
    pub(super) runs: Vec<Run>,
    pub(super) registrations: Vec<Registration>,
    pub(super) passes: Vec<Pass>,
    pub(super) scores: Vec<Score>,
}

/// A course run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Run {
    pub(super) module: String,
    pub(super) presentation: String,
    pub(super) start: Date,
    pub(super) days: i32,
}

/// A learner in a run; `run` is an index into [`Export::runs`], here and below.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Registration {
    pub(super) run: usize,
    pub(super) learner: i64,
    pub(super) registered: Option<i32>,
    pub(super) unregistered: Option<i32>,
}

/// A result that earns a certificate.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pass {
    pub(super) run: usize,
    pub(super) learner: i64,
    /// `Pass` or `Distinction`.
    pub(super) result: String,
}

/// A score that changes the grade: there is one, and it is not an exam's.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Score {
    pub(super) run: usize,
    pub(super) learner: i64,
    pub(super) assessment: i64,
    pub(super) day: i32,
    pub(super) score: f64,
    pub(super) weight: f64,
}

/// What a score is for; its weight in percent, none for an exam.
struct Assessment {
    run: usize,
    weight: Option<f64>,
}

/// Days from a run's start that are taken for days.
const DAYS: RangeInclusive<i32> = -3650..=3650;

impl Export {
    /// Reads all five files to their ends and checks them. Blocks while it reads.
    ///
    /// # Errors
    /// [`ImportError`] at the first thing that is wrong.
    pub fn read(files: &Files) -> Result<Self, ImportError> {
        files.check()?;
        let (runs, run_of) = courses(files)?;
        let assessments = assessments(files, &run_of)?;
        let (registrations, enrolled) = registrations(files, &run_of)?;
        let passes = results(files, &run_of, &enrolled)?;
        let scores = scores(files, &assessments, &enrolled)?;
        Ok(Self { runs, registrations, passes, scores })
    }
}

fn courses(files: &Files) -> Result<(Vec<Run>, RunOf), ImportError> {
    let (mut runs, mut run_of, mut seen) = (Vec::new(), RunOf::new(), Seen::default());
    read(files, |row: CourseRow, at| {
        let CourseRow { code_module: module, code_presentation: presentation, module_presentation_length: days } = row;
        if module.is_empty() || !module.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(at.wrong("code_module", &module, "a code of letters and digits"));
        }
        let start = start_of(&presentation)
            .ok_or_else(|| at.wrong("code_presentation", &presentation, "a year and B (February) or J (October)"))?;
        within(at, "module_presentation_length", days, 1..=*DAYS.end(), "a number of days from 1 to 3650")?;
        seen.first((module.clone(), presentation.clone()), at, || format!("run {module} {presentation}"))?;
        run_of.insert((module.clone(), presentation.clone()), runs.len());
        runs.push(Run { module, presentation, start, days });
        Ok(())
    })?;
    Ok((runs, run_of))
}

fn assessments(files: &Files, run_of: &RunOf) -> Result<HashMap<i64, Assessment>, ImportError> {
    let (mut assessments, mut seen) = (HashMap::new(), Seen::default());
    read(files, |row: AssessmentRow, at| {
        let run = known_run(run_of, row.code_module, row.code_presentation, at)?;
        within(at, "weight", row.weight, 0.0..=100.0, "a number from 0 to 100")?;
        let weight = match row.assessment_type.as_str() {
            "TMA" | "CMA" => Some(row.weight),
            "Exam" => None,
            other => return Err(at.wrong("assessment_type", other, "TMA, CMA or Exam")),
        };
        seen.first(row.id_assessment, at, || format!("assessment {}", row.id_assessment))?;
        assessments.insert(row.id_assessment, Assessment { run, weight });
        Ok(())
    })?;
    Ok(assessments)
}

fn registrations(files: &Files, run_of: &RunOf) -> Result<(Vec<Registration>, Enrolled), ImportError> {
    let (mut registrations, mut enrolled) = (Vec::new(), Enrolled::default());
    read(files, |row: RegistrationRow, at| {
        let run = known_run(run_of, row.code_module, row.code_presentation, at)?;
        let (learner, registered, unregistered) = (row.id_student, row.date_registration, row.date_unregistration);
        within(at, "id_student", learner, 1..=i64::MAX, "a number from 1 on")?;
        for (column, day) in [("date_registration", registered), ("date_unregistration", unregistered)] {
            day.map_or(Ok(()), |day| within(at, column, day, DAYS, "a day from -3650 to 3650"))?;
        }
        if let (Some(from), Some(to)) = (registered, unregistered)
            && to < from
        {
            return Err(at.wrong("date_unregistration", &to.to_string(), "on or after the day of registration"));
        }
        enrolled.first((run, learner), at, || format!("learner {learner} of the same run"))?;
        registrations.push(Registration { run, learner, registered, unregistered });
        Ok(())
    })?;
    Ok((registrations, enrolled))
}

fn results(files: &Files, run_of: &RunOf, enrolled: &Enrolled) -> Result<Vec<Pass>, ImportError> {
    let (mut passes, mut seen) = (Vec::new(), Enrolled::default());
    read(files, |row: ResultRow, at| {
        let (run, learner) = (known_run(run_of, row.code_module, row.code_presentation, at)?, row.id_student);
        known_learner(enrolled, run, learner, at)?;
        seen.first((run, learner), at, || format!("learner {learner} of the same run"))?;
        match row.final_result.as_str() {
            "Pass" | "Distinction" => passes.push(Pass { run, learner, result: row.final_result }),
            "Fail" | "Withdrawn" => {}
            other => return Err(at.wrong("final_result", other, "Pass, Distinction, Fail or Withdrawn")),
        }
        Ok(())
    })?;
    // A file that was cut between two rows would silently take certificates away.
    match enrolled.0.iter().filter(|(key, _)| !seen.0.contains_key(key)).min_by_key(|(_, line)| **line) {
        Some((&(_, learner), &line)) => Err(ImportError::Unknown {
            place: Place { file: files.path(File::Registrations), line, column: Some("id_student".to_owned()) },
            what: format!("learner {learner} of this run"),
            listed_in: File::Results.name(),
        }),
        None => Ok(passes),
    }
}

fn scores(
    files: &Files,
    assessments: &HashMap<i64, Assessment>,
    enrolled: &Enrolled,
) -> Result<Vec<Score>, ImportError> {
    let (mut scores, mut seen) = (Vec::new(), Seen::default());
    read(files, |row: ScoreRow, at| {
        let (assessment, learner) = (row.id_assessment, row.id_student);
        let unknown = || unknown(at, "id_assessment", format!("assessment {assessment}"), File::Assessments);
        let &Assessment { run, weight } = assessments.get(&assessment).ok_or_else(unknown)?;
        known_learner(enrolled, run, learner, at)?;
        within(at, "date_submitted", row.date_submitted, DAYS, "a day from -3650 to 3650")?;
        row.score.map_or(Ok(()), |score| within(at, "score", score, 0.0..=100.0, "a number from 0 to 100"))?;
        seen.first((assessment, learner), at, || format!("learner {learner}'s score in assessment {assessment}"))?;
        if let (Some(score), Some(weight)) = (row.score, weight) {
            scores.push(Score { run, learner, assessment, day: row.date_submitted, score, weight });
        }
        Ok(())
    })?;
    Ok(scores)
}

/// Runs by module and presentation.
type RunOf = HashMap<(String, String), usize>;
/// Registrations by run and learner.
type Enrolled = Seen<(usize, i64)>;

/// On which line each key stands, so that a second row of it is refused.
struct Seen<K>(HashMap<K, u64>);

impl<K> Default for Seen<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash> Seen<K> {
    fn first(&mut self, key: K, at: At<'_>, what: impl FnOnce() -> String) -> Result<(), ImportError> {
        match self.0.insert(key, at.line) {
            Some(first) => Err(ImportError::Duplicate { place: at.row(), what: what(), first }),
            None => Ok(()),
        }
    }
}

/// `2013J` starts on 1 October 2013, `2013B` on 1 February.
fn start_of(presentation: &str) -> Option<Date> {
    let (year, month) = match presentation.split_at_checked(4)? {
        (year, "B") => (year, Month::February),
        (year, "J") => (year, Month::October),
        _ => return None,
    };
    let year = year.parse().ok().filter(|year| (1970..=2199).contains(year))?;
    Date::from_calendar_date(year, month, 1).ok()
}

fn known_run(run_of: &RunOf, module: String, presentation: String, at: At<'_>) -> Result<usize, ImportError> {
    let key = (module, presentation);
    let unknown = || unknown(at, "code_presentation", format!("run '{} {}'", key.0, key.1), File::Courses);
    run_of.get(&key).copied().ok_or_else(unknown)
}

fn known_learner(enrolled: &Enrolled, run: usize, learner: i64, at: At<'_>) -> Result<(), ImportError> {
    let unknown = || unknown(at, "id_student", format!("learner {learner} of this run"), File::Registrations);
    enrolled.0.contains_key(&(run, learner)).then_some(()).ok_or_else(unknown)
}

fn unknown(at: At<'_>, column: &str, what: String, listed_in: File) -> ImportError {
    ImportError::Unknown { place: at.column(column), what, listed_in: listed_in.name() }
}

/// Not a number is in no range.
fn within<T: PartialOrd + Display>(
    at: At<'_>,
    column: &str,
    value: T,
    range: RangeInclusive<T>,
    expected: &'static str,
) -> Result<(), ImportError> {
    range.contains(&value).then_some(()).ok_or_else(|| at.wrong(column, &value.to_string(), expected))
}
