//! The Open University's history through the whole line, emitter and sinks each a process: the end is known to the last
//! learner, because it can be computed from the files alone.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
    time::Duration,
};

use coursebus_tests::{Background, Database, Line, MysqlDatabase, matrix, oulad, wait_until};
use serde_json::Value;

const SINKS: [&str; 3] = ["credentials", "discovery", "license_manager"];
/// How long one process may take with the whole history.
const LIMIT: Duration = Duration::from_secs(240);
/// A row of a run and a learner.
type Key = (String, i64);

#[test]
fn embedded_bus_to_sqlite() {
    let Some(data) = oulad() else { return };
    matrix("oulad", "embedded", "sqlite");
    assert_eq!(on_embedded_bus(&data).len(), SINKS.len());
}

#[test]
fn kafka_to_postgres() {
    let Some(data) = oulad() else { return };
    let Some(database) = Database::fresh() else { return };
    let Some(line) = Line::kafka() else { return };
    matrix("oulad", "kafka", "postgres");
    let dumps = through(&line, &database.url(), &data);
    for (sink, (dump, on_sqlite)) in SINKS.iter().zip(dumps.iter().zip(on_embedded_bus(&data))) {
        assert!(dump == on_sqlite, "the dumps of {sink} differ between PostgreSQL and SQLite");
    }
}

#[test]
fn embedded_bus_to_mysql() {
    let Some(data) = oulad() else { return };
    let Some(database) = MysqlDatabase::fresh() else { return };
    matrix("oulad", "embedded", "mysql");
    let dumps = through(&Line::embedded(), &database.url(), &data);
    for (sink, (dump, on_sqlite)) in SINKS.iter().zip(dumps.iter().zip(on_embedded_bus(&data))) {
        assert!(dump == on_sqlite, "the dumps of {sink} differ between MySQL and SQLite");
    }
}

/// The dumps of all sinks after a run on an embedded bus into SQLite, made once.
fn on_embedded_bus(data: &Path) -> &'static [String] {
    static DUMPS: OnceLock<Vec<String>> = OnceLock::new();
    DUMPS.get_or_init(|| {
        let line = Line::embedded();
        let dumps = through(&line, "sqlite:db", data);
        let personal = personal_values(data);
        for folder in ["bus", "db"] {
            no_file_has(&line.cli().dir().join(folder), &personal);
        }
        dumps
    })
}

/// Emits the history while the sinks follow, lets them catch up, and holds what they know against the files. Answers with
/// their dumps.
fn through(line: &Line, db: &str, data: &Path) -> Vec<String> {
    let cli = line.cli();
    let run = |sink, more: &[&str]| cli.start([&["sink", "run", sink, "--audit", "--db", db], more].concat());
    let followers = SINKS.map(|sink| run(sink, &[]));
    let emitter = cli.start(["event", "import", "oulad", data.to_str().unwrap(), "-o", "json"]);
    let summary = emitter.end_within(LIMIT).ok().json();
    assert_eq!(summary["emitted"], 94_238, "{summary}");

    wait_until("positions of sinks that follow", LIMIT, || {
        let status = cli.run(["sink", "status", "--db", db, "-o", "json"]).ok().json();
        let moves =
            |sink: &str| status.as_array().unwrap().iter().any(|p| p["sink"] == sink && !p["position"].is_null());
        (moves("credentials") && moves("discovery")).then_some(())
    });
    followers.iter().for_each(Background::interrupt);
    let end = |sink: Background| drop(sink.end_within(LIMIT).ok());
    followers.into_iter().for_each(end);
    let last = SINKS.map(|sink| run(sink, &["--until-caught-up", "--timeout", "200s"]));
    last.into_iter().for_each(end);

    let reports = cli.run(["sink", "audit", "--db", db, "-o", "json"]).ok().json();
    for (sink, events) in SINKS.into_iter().zip([94_216, 22, 0]) {
        let group = format!("coursebus-{sink}");
        let report = reports.as_array().unwrap().iter().find(|report| report["group"] == group.as_str()).unwrap();
        let counts =
            ["expected", "applied", "held", "lost", "duplicated", "out_of_order"].map(|name| report[name].as_u64());
        assert_eq!(counts, [events, events, 0, 0, 0, 0].map(Some), "{report}");
    }

    let dumps = SINKS.map(|sink| line.dump(sink, db, false).stdout().to_owned());
    check_credentials(&dumps[0], data);
    check_discovery(&dumps[1], data);
    assert_eq!(dumps[2], "");
    check_topics(line, data);
    dumps.into()
}

/// Holds what Credentials knows against the files.
pub fn check_credentials(dump: &str, data: &Path) {
    let mut enrollments = BTreeMap::new();
    let mut grades = BTreeMap::new();
    let mut certificates = BTreeSet::new();
    for line in dump.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let key = (row["key"][0].as_str().unwrap().to_owned(), row["key"][1].as_i64().unwrap());
        let (table, row) = (row["table"].as_str().unwrap(), &row["row"]);
        let is_first = match table {
            "credentials.enrollments" => enrollments.insert(key, row["is_active"].as_bool().unwrap()).is_none(),
            "credentials.grades" => grades.insert(key, row["percent"].as_f64().unwrap()).is_none(),
            "credentials.certificates" => row["status"] == "downloadable" && certificates.insert(key),
            other => panic!("table {other}"),
        };
        assert!(is_first, "{line}");
    }
    let active = enrollments.values().filter(|is_active| **is_active).count();
    let counts = (enrollments.len(), active, grades.len(), certificates.len());
    assert_eq!(counts, (32_593, 22_521, 11_828, 15_385), "enrollments, active ones, grades, certificates");

    let registrations = Csv::read(data, "studentRegistration.csv");
    let by_hand: BTreeMap<Key, bool> =
        registrations.rows().map(|row| (row.key(), row["date_unregistration"].is_empty())).collect();
    assert!(enrollments == by_hand, "enrollments differ from studentRegistration.csv");

    let results = Csv::read(data, "studentInfo.csv");
    let passed = results.rows().filter(|row| ["Pass", "Distinction"].contains(&&row["final_result"]));
    assert!(certificates == passed.map(|row| row.key()).collect(), "certificates differ from studentInfo.csv");

    let by_hand = grades_by_hand(data);
    assert!(grades.keys().eq(by_hand.keys()), "grades are of other learners than in studentAssessment.csv");
    for (key, percent) in &grades {
        let expected = by_hand[key];
        assert!((percent - expected).abs() <= 1e-9, "{key:?} has {percent}, not {expected}");
    }
}

/// Each learner's sum of score × weight / 100 in each run, over what is no exam and has a score.
fn grades_by_hand(data: &Path) -> BTreeMap<Key, f64> {
    let assessments = Csv::read(data, "assessments.csv");
    let assessments: BTreeMap<&str, Row<'_>> = assessments.rows().map(|row| (row.get("id_assessment"), row)).collect();
    let mut grades = BTreeMap::new();
    for row in Csv::read(data, "studentAssessment.csv").rows() {
        let assessment = &assessments[&row["id_assessment"]];
        if &assessment["assessment_type"] != "Exam" && !row["score"].is_empty() {
            let points = row["score"].parse::<f64>().unwrap() * assessment["weight"].parse::<f64>().unwrap() / 100.0;
            *grades.entry((assessment.run(), row["id_student"].parse().unwrap())).or_default() += points;
        }
    }
    grades
}

fn check_discovery(dump: &str, data: &Path) {
    let rows: Vec<Value> = dump.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let found: BTreeSet<String> = rows.iter().map(|row| row["key"][0].as_str().unwrap().to_owned()).collect();
    assert_eq!(found, Csv::read(data, "courses.csv").rows().map(|row| row.run()).collect());
    assert_eq!(rows.len(), 22);
    let run = rows.iter().find(|row| row["key"][0] == "course-v1:OU+AAA+2013J").unwrap();
    assert_eq!(
        (&run["row"]["starts"], &run["row"]["ends"]),
        (&"2013-10-01T00:00:00Z".into(), &"2014-06-26T00:00:00Z".into())
    );
}

/// Holds that the topics have each event once, and nothing of what the files say about a person beyond the course.
fn check_topics(line: &Line, data: &Path) {
    let personal = personal_values(data);
    let tail = line.cli().run(["event", "tail", "--from", "earliest", "--until-end"]).ok();
    let (mut ids, mut types) = (HashSet::new(), BTreeMap::<String, usize>::new());
    for line in tail.stdout().lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        no_text_is_one_of(&event, &personal);
        assert!(ids.insert(event["id"].as_str().unwrap().to_owned()), "twice on the topics: {line}");
        *types.entry(event["type"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let expected = [
        ("coursebus.authoring.course_run.created.v1", 22),
        ("org.openedx.learning.certificate.created.v1", 15_385),
        ("org.openedx.learning.course.enrollment.created.v1", 32_593),
        ("org.openedx.learning.course.persistent_grade_summary.changed.v1", 36_166),
        ("org.openedx.learning.course.unenrollment.completed.v1", 10_072),
    ];
    assert_eq!(types, expected.map(|(name, count)| (name.to_owned(), count)).into());
}

/// What the files say about persons.
fn personal_values(data: &Path) -> HashSet<String> {
    const COLUMNS: [&str; 6] = ["gender", "region", "highest_education", "imd_band", "age_band", "disability"];
    let persons = Csv::read(data, "studentInfo.csv");
    let values = persons.rows().flat_map(|row| COLUMNS.map(|column| row.get(column).to_owned()));
    values.filter(|value| !value.is_empty()).chain(COLUMNS.map(str::to_owned)).collect()
}

fn no_text_is_one_of(value: &Value, personal: &HashSet<String>) {
    match value {
        Value::String(text) => assert!(!personal.contains(text), "'{text}' is on the bus"),
        Value::Array(values) => values.iter().for_each(|value| no_text_is_one_of(value, personal)),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            assert!(!personal.contains(name), "'{name}' is on the bus");
            no_text_is_one_of(value, personal);
        }),
        _ => {}
    }
}

/// Holds that no file below a folder has one of the values that cannot stand there by chance.
fn no_file_has(folder: &Path, personal: &HashSet<String>) {
    // 'M' or '0-35' stand in any file; 'HE Qualification' or '90-100%' do not.
    let telling = |value: &&String| value.len() >= 7 && value.contains([' ', '%', '_']);
    let values: Vec<&String> = personal.iter().filter(telling).collect();
    assert!(values.len() > 15, "{values:?}");
    let mut sees = false;
    for file in files_below(folder) {
        let bytes = fs::read(&file).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        sees |= text.contains("course-v1:OU+AAA+2013J");
        for value in &values {
            assert!(!text.contains(value.as_str()), "'{value}' is in {}", file.display());
        }
    }
    assert!(sees, "what is there cannot be seen in the files of {}", folder.display());
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

/// A file of the dataset: no field of it holds a comma or a quote.
struct Csv {
    names: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// A row of it.
struct Row<'f> {
    names: &'f [String],
    fields: &'f [String],
}

impl Csv {
    fn read(data: &Path, file: &str) -> Self {
        let text = fs::read_to_string(data.join(file)).unwrap();
        let fields = |line: &str| line.split(',').map(|field| field.trim_matches('"').to_owned()).collect::<Vec<_>>();
        let mut lines = text.lines().map(fields);
        let names = lines.next().unwrap();
        let rows: Vec<_> = lines.collect();
        assert!(rows.iter().all(|row| row.len() == names.len()), "{file}");
        Self { names, rows }
    }

    fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|fields| Row { names: &self.names, fields })
    }
}

impl<'f> Row<'f> {
    fn get(&self, column: &str) -> &'f str {
        let index = self.names.iter().position(|name| name == column).unwrap_or_else(|| panic!("no column {column}"));
        &self.fields[index]
    }

    fn run(&self) -> String {
        format!("course-v1:OU+{}+{}", self.get("code_module"), self.get("code_presentation"))
    }

    fn key(&self) -> Key {
        (self.run(), self.get("id_student").parse().unwrap())
    }
}

impl std::ops::Index<&str> for Row<'_> {
    type Output = str;

    fn index(&self, column: &str) -> &str {
        self.get(column)
    }
}
