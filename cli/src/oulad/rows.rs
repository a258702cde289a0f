//! The rows of the five files: only the columns that are used. Personal data has no field here.

use serde::Deserialize;

use super::{File, table::Row};

/// A course run.
#[derive(Deserialize)]
pub(super) struct CourseRow {
    pub(super) code_module: String,
    pub(super) code_presentation: String,
    pub(super) module_presentation_length: i32,
}

/// Something that learners hand in.
#[derive(Deserialize)]
pub(super) struct AssessmentRow {
    pub(super) code_module: String,
    pub(super) code_presentation: String,
    pub(super) id_assessment: i64,
    pub(super) assessment_type: String,
    pub(super) weight: f64,
}

/// A learner in a run.
#[derive(Deserialize)]
pub(super) struct RegistrationRow {
    pub(super) code_module: String,
    pub(super) code_presentation: String,
    pub(super) id_student: i64,
    pub(super) date_registration: Option<i32>,
    pub(super) date_unregistration: Option<i32>,
}

/// How a run ended for a learner. The file's other columns are demographic.
#[derive(Deserialize)]
pub(super) struct ResultRow {
    pub(super) code_module: String,
    pub(super) code_presentation: String,
    pub(super) id_student: i64,
    pub(super) final_result: String,
}

/// A learner's score in an assessment.
#[derive(Deserialize)]
pub(super) struct ScoreRow {
    pub(super) id_assessment: i64,
    pub(super) id_student: i64,
    pub(super) date_submitted: i32,
    pub(super) score: Option<f64>,
}

impl Row for CourseRow {
    const FILE: File = File::Courses;
    const COLUMNS: &'static [&'static str] = &["code_module", "code_presentation", "module_presentation_length"];
}

impl Row for AssessmentRow {
    const FILE: File = File::Assessments;
    const COLUMNS: &'static [&'static str] =
        &["code_module", "code_presentation", "id_assessment", "assessment_type", "weight"];
}

impl Row for RegistrationRow {
    const FILE: File = File::Registrations;
    const COLUMNS: &'static [&'static str] =
        &["code_module", "code_presentation", "id_student", "date_registration", "date_unregistration"];
}

impl Row for ResultRow {
    const FILE: File = File::Results;
    const COLUMNS: &'static [&'static str] = &["code_module", "code_presentation", "id_student", "final_result"];
}

impl Row for ScoreRow {
    const FILE: File = File::Scores;
    const COLUMNS: &'static [&'static str] = &["id_assessment", "id_student", "date_submitted", "score"];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_read_about_a_learner_but_the_number_and_the_result() {
        assert_eq!(ResultRow::COLUMNS, ["code_module", "code_presentation", "id_student", "final_result"]);
        let ResultRow { code_module: _, code_presentation: _, id_student: _, final_result: _ } =
            csv::Reader::from_reader(
                "final_result,gender,id_student,code_presentation,code_module\nPass,x,1,B,A\n".as_bytes(),
            )
            .deserialize()
            .next()
            .unwrap()
            .unwrap();
    }
}
