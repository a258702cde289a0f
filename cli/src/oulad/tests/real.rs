//! The real dataset, against a model that reads the files by itself: no CSV crate, no floating-point sums, no code of
//! this module but the facts that it checks.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io::Write,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use coursebus_producer::adapters::lms;
use time::{Date, Duration, Month, OffsetDateTime, Time};

use crate::oulad::{Dated, Fact, Kind, counts, import};

/// The history, read once; none where the dataset is not here.
static HISTORY: LazyLock<Option<Vec<Dated>>> =
    LazyLock::new(|| directory().map(|dir| import(&dir).expect("the dataset is whole")));

#[expect(clippy::disallowed_methods, reason = "tests find the dataset by themselves")]
fn directory() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/oulad");
    let dir = std::env::var_os("COURSEBUS_OULAD").map_or(beside, PathBuf::from);
    if dir.is_dir() {
        return Some(dir);
    }
    let line = format!("SKIPPED oulad: no dataset in {}: set COURSEBUS_OULAD", dir.display());
    // To the stream itself: the test harness captures what the print macros print.
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{line}");
    None
}

#[test]
fn the_dataset_makes_94238_events() {
    let Some(history) = &*HISTORY else { return };
    let expected = [
        (Kind::Run, 22),
        (Kind::Enrolled, 32_593),
        (Kind::Graded, 36_166),
        (Kind::Unenrolled, 10_072),
        (Kind::Certified, 15_385),
    ];
    assert_eq!(counts(history), expected.into_iter().collect());
    assert_eq!(history.len(), 94_238);
}

#[test]
fn ids_are_unique_and_stay_the_same() {
    let Some(history) = &*HISTORY else { return };
    let ids: HashSet<&str> = history.iter().map(|dated| dated.id.as_str()).collect();
    assert_eq!(ids.len(), history.len());
    let again = import(&directory().unwrap()).unwrap();
    assert!(again == *history, "a second load gives the same facts, times and ids");
    // Pinned: another namespace or name would make every import new to every sink.
    assert_eq!(history[0].id.as_str(), "f15823f6-fb41-5458-a643-623a1ee8cad2");
}

#[test]
fn days_never_fall_and_kinds_are_in_order() {
    let Some(history) = &*HISTORY else { return };
    let (runs, rest) = history.split_at(22);
    assert!(runs.iter().all(|dated| dated.fact.kind() == Kind::Run));
    assert!(runs.is_sorted_by_key(|dated| dated.time));
    assert!(rest.iter().all(|dated| dated.fact.kind() != Kind::Run));
    assert!(rest.is_sorted_by_key(|dated| (dated.time, dated.fact.kind())));
    assert!(history.iter().all(|dated| dated.time.time() == Time::MIDNIGHT && dated.time.offset().is_utc()));
}

#[test]
fn the_end_state_is_the_known_one() {
    let Some(history) = &*HISTORY else { return };
    let key = |course: &lms::Course, user: i64| (course.course_key.clone(), user);
    let (mut runs, mut enrollments, mut grades, mut certificates) =
        (HashSet::new(), HashMap::new(), HashMap::new(), HashSet::new());
    for dated in history {
        match &dated.fact {
            Fact::Run(fact) => assert!(runs.insert(fact.course_key.clone())),
            Fact::Enrolled(fact) => {
                assert!(runs.contains(&fact.course.course_key), "a run comes before its learners");
                assert_eq!(enrollments.insert(key(&fact.course, fact.learner.id), true), None);
            }
            Fact::Unenrolled(fact) => {
                let before = enrollments.insert(key(&fact.course, fact.learner.id), false);
                assert_eq!(before, Some(true), "who leaves was there");
            }
            Fact::Graded(fact) => drop(grades.insert(key(&fact.course, fact.user_id), fact.percent_grade)),
            Fact::Certified(fact) => assert!(certificates.insert(key(&fact.course, fact.learner.id))),
            other => panic!("not in the dataset: {other:?}"),
        }
    }
    let active = enrollments.values().filter(|active| **active).count();
    assert_eq!((runs.len(), enrollments.len(), active), (22, 32_593, 22_521));
    assert_eq!((grades.len(), certificates.len()), (11_828, 15_385));
    assert!(grades.values().all(|percent| (0.0..=1.0 + 1e-9).contains(percent)));
}

#[test]
fn the_whole_history_is_that_of_the_model() {
    let Some(history) = &*HISTORY else { return };
    let model = Model::read(&directory().unwrap());
    assert_eq!(history.len(), model.facts.len());
    for (dated, expected) in history.iter().zip(&model.facts) {
        let (course_key, user, percent) = match &dated.fact {
            Fact::Run(fact) => (&fact.course_key, 0, None),
            Fact::Enrolled(fact) | Fact::Unenrolled(fact) => (&fact.course.course_key, fact.learner.id, None),
            Fact::Graded(fact) => (&fact.course.course_key, fact.user_id, Some(fact.percent_grade * 100.0)),
            Fact::Certified(fact) => (&fact.course.course_key, fact.learner.id, None),
            other => panic!("not in the dataset: {other:?}"),
        };
        let found = (dated.time.date(), dated.fact.kind(), course_key.as_str(), user);
        assert_eq!(found, (expected.day, expected.kind, expected.course_key.as_str(), expected.user));
        assert_eq!(percent.is_some(), expected.percent.is_some());
        let off = percent.unwrap_or(0.0) - expected.percent.unwrap_or(0.0);
        assert!(off.abs() < 1e-9, "{found:?} is off by {off}");
    }
}

#[test]
fn registrations_without_a_date_are_made_by_the_start_and_before_leaving() {
    let Some(history) = &*HISTORY else { return };
    let model = Model::read(&directory().unwrap());
    let created: HashMap<_, _> = history
        .iter()
        .filter_map(|dated| match &dated.fact {
            Fact::Enrolled(fact) => Some(((fact.course.course_key.clone(), fact.learner.id), (dated.time, fact))),
            _ => None,
        })
        .collect();
    let mut seen = BTreeMap::new();
    for (who, start, left) in &model.undated {
        let (time, fact) = created[who];
        let (expected, case) = match left {
            Some(day) if *day < 0 => (*start + Duration::days(*day), "left before the start"),
            Some(_) => (*start, "left after the start"),
            None => (*start, "stayed"),
        };
        assert_eq!((time.date(), fact.created), (expected, time), "{who:?}");
        *seen.entry(case).or_insert(0) += 1;
    }
    assert_eq!(seen, BTreeMap::from([("left after the start", 4), ("left before the start", 35), ("stayed", 6)]));
}

/// What the history must be, from the files' text.
struct Model {
    facts: Vec<Expected>,
    /// Registrations without a date: who, the run's start, the day of leaving.
    undated: Vec<((String, i64), Date, Option<i64>)>,
}

struct Expected {
    day: Date,
    kind: Kind,
    course_key: String,
    user: i64,
    percent: Option<f64>,
}

impl Model {
    fn read(dir: &Path) -> Self {
        let (mut facts, mut undated, mut ends) = (Vec::new(), Vec::new(), HashMap::new());
        let mut fact = |day, kind, course_key: &str, user, percent| {
            facts.push(Expected { day, kind, course_key: course_key.to_owned(), user, percent });
        };
        for row in rows(dir, "courses.csv") {
            let (key, start) = run(&row[0], &row[1]);
            fact(start - Duration::days(400), Kind::Run, &key, 0, None);
            ends.insert(key, start + Duration::days(number(&row[2])));
        }
        for row in rows(dir, "studentRegistration.csv") {
            let ((key, start), user) = (run(&row[0], &row[1]), number(&row[2]));
            let left = (!row[4].is_empty()).then(|| number(&row[4]));
            let created = if row[3].is_empty() {
                undated.push(((key.clone(), user), start, left));
                left.map_or(0, |day| day.min(0))
            } else {
                number(&row[3])
            };
            fact(start + Duration::days(created), Kind::Enrolled, &key, user, None);
            if let Some(day) = left {
                fact(start + Duration::days(day), Kind::Unenrolled, &key, user, None);
            }
        }
        for row in rows(dir, "studentInfo.csv") {
            if matches!(row[row.len() - 1].as_str(), "Pass" | "Distinction") {
                let (key, _) = run(&row[0], &row[1]);
                fact(ends[&key], Kind::Certified, &key, number(&row[2]), None);
            }
        }
        let assessments: HashMap<String, Vec<String>> =
            rows(dir, "assessments.csv").map(|row| (row[2].clone(), row)).collect();
        let mut scores: Vec<_> = rows(dir, "studentAssessment.csv")
            .filter(|row| !row[4].is_empty() && assessments[&row[0]][3] != "Exam")
            .map(|row| {
                let assessment = &assessments[&row[0]];
                let (key, start) = run(&assessment[0], &assessment[1]);
                // Scores are whole numbers, weights tenths: the product is exact in thousandths of a percent.
                let exact = number(&row[4]) * tenths(&assessment[5]);
                (start + Duration::days(number(&row[2])), key, number(&row[1]), exact)
            })
            .collect();
        scores.sort_by_key(|(day, ..)| *day);
        let mut sums: HashMap<(String, i64), i64> = HashMap::new();
        for (day, key, user, exact) in scores {
            let sum = sums.entry((key.clone(), user)).or_default();
            *sum += exact;
            fact(day, Kind::Graded, &key, user, Some(*sum as f64 / 1000.0));
        }
        facts.sort_by_key(|fact| (fact.kind != Kind::Run, fact.day, WITHIN_A_DAY.iter().position(|k| *k == fact.kind)));
        Self { facts, undated }
    }
}

const WITHIN_A_DAY: [Kind; 5] = [Kind::Run, Kind::Enrolled, Kind::Graded, Kind::Unenrolled, Kind::Certified];

/// The rows of a file, split at commas: no field of the columns looked at has one.
fn rows(dir: &Path, file: &str) -> impl Iterator<Item = Vec<String>> {
    let text = std::fs::read_to_string(dir.join(file)).unwrap();
    let row = |line: &str| line.split(',').map(|field| field.trim_matches('"').to_owned()).collect();
    text.lines().skip(1).map(row).collect::<Vec<_>>().into_iter()
}

fn run(module: &str, presentation: &str) -> (String, Date) {
    let month = if presentation.ends_with('J') { Month::October } else { Month::February };
    let year = presentation[..4].parse().unwrap();
    (format!("course-v1:OU+{module}+{presentation}"), Date::from_calendar_date(year, month, 1).unwrap())
}

fn number(text: &str) -> i64 {
    text.parse().unwrap()
}

fn tenths(text: &str) -> i64 {
    let (whole, tenth) = text.split_once('.').unwrap_or((text, "0"));
    number(whole) * 10 + number(tenth)
}

#[test]
fn the_examples_of_the_mapping_hold() {
    let Some(history) = &*HISTORY else { return };
    let Some(Fact::Run(run)) = history
        .iter()
        .map(|dated| &dated.fact)
        .find(|fact| matches!(fact, Fact::Run(run) if run.course_key == "course-v1:OU+AAA+2013J"))
    else {
        panic!("the run is there");
    };
    let utc = |text| OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).unwrap();
    assert_eq!((run.start, run.end), (utc("2013-10-01T00:00:00Z"), Some(utc("2014-06-26T00:00:00Z"))));
    let Some(Fact::Enrolled(first)) =
        history.iter().map(|dated| &dated.fact).find(|fact| matches!(fact, Fact::Enrolled(e) if e.learner.id == 11391))
    else {
        panic!("the learner is there");
    };
    assert_eq!(first.learner.username, "u11391");
    assert_eq!((first.learner.name.as_str(), first.learner.email.as_str()), ("", ""));
    assert_eq!(first.created, utc("2013-04-25T00:00:00Z"));
}
