//! Files that are broken: what is said, and that nothing comes of them.

use std::{fs, path::Path};

use tempfile::TempDir;

use crate::oulad::{Export, File, Files, ImportError, import};

/// The demo's files in a directory of their own, one of them with its text changed.
fn changed(file: File, change: impl FnOnce(String) -> String) -> TempDir {
    let dir = TempDir::new().unwrap();
    for name in File::ALL.map(File::name) {
        fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("demo").join(name), dir.path().join(name)).unwrap();
    }
    let path = dir.path().join(file.name());
    fs::write(&path, change(fs::read_to_string(&path).unwrap())).unwrap();
    dir
}

/// The error of an import, without the directory.
fn refused(dir: &Path) -> (ImportError, String) {
    let error = import(dir).expect_err("the files are broken");
    let text = error.to_string().replace(&format!("{}/", dir.display()), "");
    (error, text)
}

#[test]
fn a_wrong_field_is_named_with_file_line_and_column() {
    let check = |file, from: &str, to: &str, expected: &str| {
        let dir = changed(file, |text| {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        });
        assert_eq!(refused(dir.path()).1, expected);
    };
    use File::{Assessments, Courses, Registrations, Results, Scores};

    // Another file, or another dataset.
    check(
        Courses,
        "code_presentation",
        "presentation",
        "courses.csv, line 1, column code_presentation is not in the header",
    );
    check(Scores, "id_assessment,", "id,", "studentAssessment.csv, line 1, column id_assessment is not in the header");

    // Half a row, a row too long.
    check(Courses, "POEMS,2025B,119", "POEMS,2025B", "courses.csv, line 3 has 2 columns, the header has 3");
    check(Courses, "POEMS,2025B,119", "POEMS,2025B,119,7", "courses.csv, line 3 has 4 columns, the header has 3");
    check(Courses, "POEMS,2025B", "\"POEMS,2025B", "courses.csv, line 3 ends within a row");

    // Numbers that are none, or not of this kind.
    let number = |to: &str, expected: &str| check(Scores, "501,1001,24,0,90", to, expected);
    number("501,1001,24,0,ninety", "studentAssessment.csv, line 2, column score: 'ninety' is not a number");
    number("501,1001,24,0,NaN", "studentAssessment.csv, line 2, column score: 'NaN' is not a number from 0 to 100");
    number("501,1001,24,0,101", "studentAssessment.csv, line 2, column score: '101' is not a number from 0 to 100");
    number("501,1001,,0,90", "studentAssessment.csv, line 2, column date_submitted: '' is not a whole number");
    number("501,1001,2.5,0,90", "studentAssessment.csv, line 2, column date_submitted: '2.5' is not a whole number");
    number(
        "501,1001,99999,0,90",
        "studentAssessment.csv, line 2, column date_submitted: '99999' is not a day from -3650 to 3650",
    );
    let registration = |to: &str, expected: &str| check(Registrations, "STARS,2025B,1001,-22,", to, expected);
    registration(
        "STARS,2025B,1001,x,",
        "studentRegistration.csv, line 2, column date_registration: 'x' is not a whole number",
    );
    registration(
        "STARS,2025B,1001,-22,-23",
        "studentRegistration.csv, line 2, column date_unregistration: '-23' is not on or after the day of registration",
    );
    registration(
        "STARS,2025B,0,-22,",
        "studentRegistration.csv, line 2, column id_student: '0' is not a number from 1 on",
    );
    check(
        Assessments,
        "CMA,55,20",
        "CMA,55,-1",
        "assessments.csv, line 3, column weight: '-1' is not a number from 0 to 100",
    );

    // Words that are none of the dataset's.
    check(
        Assessments,
        ",CMA,",
        ",Quiz,",
        "assessments.csv, line 3, column assessment_type: 'Quiz' is not TMA, CMA or Exam",
    );
    check(
        Results,
        "1001,Pass",
        "1001,Passed",
        "studentInfo.csv, line 2, column final_result: 'Passed' is not Pass, Distinction, Fail or Withdrawn",
    );
    check(
        Courses,
        "STARS,2025B",
        "STARS,2025K",
        "courses.csv, line 2, column code_presentation: '2025K' is not a year and B (February) or J (October)",
    );
    check(
        Courses,
        "STARS,",
        "S+S,",
        "courses.csv, line 2, column code_module: 'S+S' is not a code of letters and digits",
    );

    // References that lead nowhere.
    number(
        "77,1001,24,0,90",
        "studentAssessment.csv, line 2, column id_assessment: assessment 77 is not in assessments.csv",
    );
    number(
        "501,1002000,24,0,90",
        "studentAssessment.csv, line 2, column id_student: learner 1002000 of this run is not in studentRegistration.csv",
    );
    registration(
        "STARS,2031B,1001,-22,",
        "studentRegistration.csv, line 2, column code_presentation: run 'STARS 2031B' is not in courses.csv",
    );
    check(
        Assessments,
        "STARS,2025B",
        "MATHS,2025B",
        "assessments.csv, line 2, column code_presentation: run 'MATHS 2025B' is not in courses.csv",
    );
    check(
        Results,
        "STARS,2025B,1001,Pass\n",
        "",
        "studentRegistration.csv, line 2, column id_student: learner 1001 of this run is not in studentInfo.csv",
    );

    // The same thing twice.
    check(Courses, "POEMS,2025B", "STARS,2025B", "courses.csv, line 3: run STARS 2025B stands on line 2 already");
    check(Assessments, ",502,", ",501,", "assessments.csv, line 3: assessment 501 stands on line 2 already");
    check(
        Registrations,
        "STARS,2025B,1002,",
        "STARS,2025B,1001,",
        "studentRegistration.csv, line 3: learner 1001 of the same run stands on line 2 already",
    );
    check(
        Scores,
        "501,1003,19,",
        "501,1001,19,",
        "studentAssessment.csv, line 3: learner 1001's score in assessment 501 stands on line 2 already",
    );
}

#[test]
fn a_file_that_is_cut_off_is_refused_wherever_it_is_cut() {
    for file in File::ALL {
        let whole = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("demo").join(file.name())).unwrap();
        for length in (0..whole.len()).rev().take(120) {
            // Rows that are missing as a whole are seen where another file refers to them, or has to.
            let between_rows = whole.as_bytes()[..length].ends_with(b"\n");
            if between_rows && matches!(file, File::Scores | File::Assessments) {
                continue;
            }
            let dir = changed(file, |text| text[..length].to_owned());
            let (error, text) = refused(dir.path());
            assert!(!error.help().is_empty() && !error.code().is_empty());
            assert!(between_rows || text.starts_with(file.name()), "{text}");
        }
    }
}

#[test]
fn lines_are_counted_in_files_from_other_systems() {
    let bad = |text: String| text.replacen("501,1003,19,0,41", "501,1003,x,0,41", 1);
    let expected = "studentAssessment.csv, line 3, column date_submitted: 'x' is not a whole number";
    let dir = changed(File::Scores, |text| bad(text).replace('\n', "\r\n"));
    assert_eq!(refused(dir.path()).1, expected);
    let dir = changed(File::Scores, |text| format!("\u{feff}{}", bad(text)));
    assert_eq!(refused(dir.path()).1, expected);
    let dir = changed(File::Scores, |text| format!("{}\n\n", bad(text).replacen('\n', "\n\n", 1)));
    assert_eq!(refused(dir.path()).1, expected.replace("line 3", "line 4"));
    // Such files are read.
    let demo = Export::read(&Files::directory(changed(File::Scores, |text| text).path())).unwrap();
    for change in [|text: String| text.replace('\n', "\r\n"), |text| format!("\u{feff}{text}\n")] {
        assert_eq!(Export::read(&Files::directory(changed(File::Scores, change).path())).unwrap(), demo);
    }
}

#[test]
fn what_is_not_there_is_named() {
    let dir = changed(File::Scores, |text| text);
    let none = dir.path().join("none");
    assert_eq!(refused(&none).1, format!("{} is not a directory", none.display()));
    assert_eq!(
        refused(&dir.path().join("courses.csv")).1,
        format!("{}/courses.csv is not a directory", dir.path().display())
    );
    fs::remove_file(dir.path().join("studentInfo.csv")).unwrap();
    let (error, text) = refused(dir.path());
    assert_eq!(text, "studentInfo.csv does not exist");
    assert!(error.help().contains("studentRegistration.csv"), "{}", error.help());
    fs::write(dir.path().join("studentInfo.csv"), b"code_module\nA\xffB\n").unwrap();
    let (error, text) = refused(dir.path());
    assert_eq!((text.as_str(), error.code()), ("studentInfo.csv, line 2 is not UTF-8 text", "import-invalid"));
}
