use std::collections::BTreeMap;

use super::*;
use crate::contracts::CATALOG;

const NAME: &str = "coursebus.grading.grade.changed.v1";
const FILE: &str = "avro/grading/grade.changed/1.0.avsc";

/// Contracts of one type with this schema; `{}` in it stands for the fields.
fn contracts(name: &str, schema: &str, more: &[(&str, &str)]) -> Contracts {
    let (folder, _) = crate::contracts::folder(name);
    let catalogue = format!("[[events]]\nname = \"{name}\"\ntopic = \"grades\"\npersonal_data = [\"grade.email\"]\n");
    let mut files: BTreeMap<String, String> =
        [(CATALOG.to_owned(), catalogue), (format!("{folder}1.0.avsc"), schema.to_owned())].into();
    files.extend(more.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())));
    Contracts::read(&files).unwrap_or_else(|error| panic!("{error}"))
}

const GOOD: &str = r#"{"type":"record","name":"CloudEvent","namespace":"coursebus.grading.grade.changed.v1","doc":"A grade changed.",
 "fields":[{"name":"grade","doc":"The grade.","type":{"type":"record","name":"Grade","doc":"A grade.","fields":[
  {"name":"email","type":"string","doc":"The learner's address."},
  {"name":"letter","type":["null","string"],"default":null,"doc":"The letter."},
  {"name":"state","type":{"type":"enum","name":"State","symbols":["open","final"],"default":"open","doc":"S."},"doc":"S."},
  {"name":"changed_at","type":"string","doc":"When it changed, RFC 3339."},
  {"name":"since","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"default":null,"doc":"When it began."}
 ]}}]}"#;

#[test]
fn good_contracts_have_no_findings() {
    assert_eq!(lint(&contracts(NAME, GOOD, &[])), []);
}

#[test]
fn each_rule_fails_what_it_is_there_for() {
    let cases = [
        ("record-name", "\"CloudEvent\"", "\"Event\"", 1, "CloudEvent"),
        ("namespace", "\"coursebus.grading.grade.changed.v1\"", "\"grades\"", 1, "is not the event type"),
        ("namespace", "\"name\":\"Grade\"", "\"name\":\"x.Grade\"", 2, "a namespace of its own"),
        ("naming", "\"letter\"", "\"Letter\"", 4, "grade.Letter: a field is named in snake_case"),
        ("naming", "\"State\"", "\"state\"", 5, "PascalCase"),
        ("naming", "\"open\",\"final\"", "\"open\",\"FINAL\"", 5, "all in snake_case"),
        ("doc", "\"doc\":\"The letter.\"", "\"doc\":\" \"", 4, "grade.letter: no doc"),
        ("doc", "\"doc\":\"A grade.\",", "", 2, "Grade has no doc"),
        ("optional-default", "[\"null\",\"string\"],\"default\":null", "[\"null\",\"string\"]", 4, "\"default\": null"),
        ("optional-default", "[\"null\",\"string\"]", "[\"string\",\"null\"]", 4, "null is the first"),
        ("enum-default", ",\"default\":\"open\"", "", 5, "an enum has a default"),
        ("shadowed-name", "\"name\":\"State\"", "\"name\":\"Grade\"", 5, "the name of another type"),
        ("shadowed-name", "\"name\":\"letter\",", "\"name\":\"letter\",\"aliases\":[\"state\"],", 2, "either"),
        ("personal-data", "\"letter\"", "\"phone_number\"", 4, "personal data by its name"),
        ("personal-data", "\"email\"", "\"mail\"", 1, "names grade.email, which no field is"),
        ("timestamp", "RFC 3339", "in seconds", 6, "a time is a string"),
        ("timestamp", "timestamp-millis", "time-millis", 7, "a time is a string"),
    ];
    for (rule, from, to, line, message) in cases {
        let schema = GOOD.replacen(from, to, 1);
        assert_ne!(schema, GOOD, "{from}");
        let found = lint(&contracts(NAME, &schema, &[]));
        let [finding] = found.as_slice() else { panic!("{rule}: {found:#?}") };
        assert_eq!((finding.rule, finding.line), (rule, Some(line)), "{finding:#?}");
        assert!(finding.message.contains(message), "{finding:#?}");
        assert_eq!(finding.file.as_deref(), Some(FILE));
    }
    let covered: Vec<&str> = cases.iter().map(|(rule, ..)| *rule).chain([DRIFT, UNUSED_ALLOW]).collect();
    assert!(ids().all(|id| covered.contains(&id)), "a rule has no case");
}

#[test]
fn an_event_has_a_name_of_its_shape() {
    for (name, expected) in [
        ("coursebus.grading.grade.change.v1", "not in the past tense"),
        ("coursebus.grading.changed.v1", "is named coursebus.<domain>"),
        ("coursebus.grading.grade.changed", "is named coursebus.<domain>"),
    ] {
        let found = lint(&contracts(name, &GOOD.replace(NAME, name), &[]));
        assert!(found.iter().any(|f| f.rule == "naming" && f.message.contains(expected)), "{name}: {found:#?}");
    }
}

#[test]
fn a_switch_needs_a_reason_and_a_use() {
    let bad = GOOD.replacen("\"letter\"", "\"Letter\"", 1);
    let switch = |path: &str, reason: &str| {
        format!("[[allow]]\nrule = \"naming\"\nevent = \"{NAME}\"\npath = \"{path}\"\nreason = \"{reason}\"\n")
    };
    assert_eq!(lint(&contracts(NAME, &bad, &[(LINT, &switch("grade.Letter", "theirs"))])), []);
    let unused = lint(&contracts(NAME, GOOD, &[(LINT, &switch("grade.Letter", "theirs"))]));
    assert_eq!(unused.iter().map(|f| f.rule).collect::<Vec<_>>(), [UNUSED_ALLOW]);
    assert!(switches(&switch("x", " ")).expect_err("no reason").contains("has no reason"));
    assert!(
        switches("[[allow]]\nrule = \"nameing\"\nevent = \"x\"\nreason = \"y\"").expect_err("typo").contains("no rule")
    );
}

#[test]
fn openedx_types_are_held_to_upstream_alone() {
    const THEIRS: &str = "org.openedx.learning.grade.changed.v1";
    let upstream = r#"{"package":"p","schemas":{"org.openedx.learning.grade.changed.v1":{"type":"record","name":"X","fields":[{"name":"A","type":"int"}]}}}"#;
    let with = |schema: &str, upstream: &str| lint(&contracts(THEIRS, schema, &[(UPSTREAM, upstream)]));
    assert_eq!(with(r#"{"name":"X","type":"record","fields":[{"type":"int","name":"A"}]}"#, upstream), []);
    let drifted =
        with("{\"name\":\"X\",\"type\":\"record\",\n\"fields\":[\n{\"type\":\"long\",\"name\":\"A\"}]}", upstream);
    assert_eq!((drifted[0].rule, drifted[0].line), (DRIFT, Some(3)));
    assert!(drifted[0].message.contains("another value at /fields/0/type"), "{}", drifted[0].message);
    let unrecorded = lint(&contracts(THEIRS, "{}", &[]));
    assert!(unrecorded[0].message.contains("there is no openedx.lock.json"));
    let unknown = with("{}", r#"{"package":"p","schemas":{}}"#);
    assert!(unknown[0].message.contains("no such type"));
}
