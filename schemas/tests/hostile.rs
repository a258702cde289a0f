//! Bytes and schemas made to do harm: they must fail, soon, and without taking memory.

use coursebus_schemas::decode::{self, DecodeError};
use coursebus_schemas::json::to_json;
use coursebus_schemas::writer::SchemaError;
use coursebus_schemas::{Event, WriterSchema, catalog, encode, learning};
use serde_json::Value;

fn long(value: i64) -> Vec<u8> {
    let mut out = Vec::new();
    coursebus_schemas::Key::Long(value).encode(&mut out);
    out
}

fn check(schema: &str, datum: &[u8], expected: Result<Value, &str>) {
    let writer = WriterSchema::parse(schema).expect(schema);
    let shown = |error: DecodeError| error.to_string();
    let dynamic = to_json(&writer, datum).map_err(shown);
    assert_eq!(dynamic, expected.clone().map_err(str::to_owned), "{schema} of {} bytes", datum.len());
    let typed = decode::decode_part::<Value>(&writer, datum).map_err(shown);
    assert_eq!(typed.is_ok(), expected.is_ok(), "{schema} of {} bytes", datum.len());
}

#[test]
fn lengths_are_not_believed() {
    let huge = [1 << 31, 1 << 40, i64::MAX];
    for count in huge {
        check(r#""string""#, &long(count), Err("datum ends inside the event"));
        check(r#""bytes""#, &[long(count), vec![0; 64]].concat(), Err("datum ends inside the event"));
        check(r#"{"type":"array","items":"string"}"#, &long(count), Err("datum ends inside [0]"));
        check(r#"{"type":"map","values":"long"}"#, &[long(count), vec![0]].concat(), Err("datum ends inside *"));
        check(r#"{"type":"array","items":"null"}"#, &long(count), Err("the event has an impossible length"));
        check(
            r#"{"type":"array","items":{"type":"fixed","name":"f","size":0}}"#,
            &long(count),
            Err("the event has an impossible length"),
        );
    }
    check(r#""string""#, &long(-1), Err("the event has an impossible length"));
    check(r#"{"type":"fixed","name":"f","size":4294967296}"#, &[0; 8], Err("datum ends inside the event"));
}

#[test]
fn blocks_with_a_negative_count_are_read_and_bounded() {
    let block = |count: i64, bytes: i64, items: &[u8]| [long(count), long(bytes), items.to_vec(), vec![0]].concat();
    let array = r#"{"type":"array","items":"long"}"#;
    check(array, &block(-2, 2, &[2, 4]), Ok(serde_json::json!([1, 2])));
    check(array, &block(-(1 << 40), 2, &[2, 4]), Err("datum ends inside [3]"));
    check(array, &block(i64::MIN, 2, &[2, 4]), Err("datum ends inside [3]"));
    check(r#"{"type":"array","items":"null"}"#, &block(i64::MIN, 0, &[]), Err("the event has an impossible length"));
    check(r#"{"type":"map","values":"long"}"#, &block(-1, 3, &[2, b'a', 2]), Ok(serde_json::json!({"a": 1})));
}

/// Each inner array may have as many items as the datum has bytes, and there may be as many inner arrays:
/// together the square of its length.
#[test]
fn arrays_of_arrays_of_nothing_are_bounded_together() {
    let inner = long(5_000);
    let mut datum = long(2_000);
    (0..2_000).for_each(|_| datum.extend([inner.as_slice(), &[0]].concat()));
    datum.push(0);
    let schema = r#"{"type":"array","items":{"type":"array","items":"null"}}"#;
    check(schema, &datum, Err("[1] has an impossible length"));
}

#[test]
fn nesting_is_bounded() {
    let list = r#"{"type":"record","name":"L","fields":[{"name":"next","type":["null","L"]}]}"#;
    check(list, &[2, 2, 0], Ok(serde_json::json!({"next": {"next": {"next": null}}})));
    let writer = WriterSchema::parse(list).expect(list);
    let datum = vec![2; 1_000_000];
    assert!(matches!(to_json(&writer, &datum), Err(DecodeError::TooDeep { .. })));
    assert!(matches!(decode::decode_part::<Value>(&writer, &datum), Err(DecodeError::TooDeep { .. })));
}

#[test]
fn damaged_values_are_named() {
    check(r#""boolean""#, &[2], Err("the event is not a boolean"));
    check(r#""long""#, &[0xff; 10], Err("the event is not a variable-length integer"));
    check(r#""long""#, &[0xff; 9], Err("datum ends inside the event"));
    check(r#""int""#, &long(1 << 31), Err("the event is not a int"));
    check(r#""string""#, &[2, 0xff], Err("the event is not a string"));
    check(r#"["null","long"]"#, &[4], Err("the event is not a branch of its union"));
    check(r#"["null","long"]"#, &[1], Err("the event is not a branch of its union"));
    check(r#"{"type":"enum","name":"e","symbols":["A"]}"#, &[2], Err("the event is not a symbol of its enum"));
    check(r#""null""#, &[0], Err("1 bytes are left after the datum"));
    check(r#""long""#, &[2, 2, 2], Err("2 bytes are left after the datum"));
}

#[test]
fn a_cut_off_event_is_truncated_wherever_it_is_cut() {
    let event = learning::CourseEnrollmentCreated { enrollment: enrollment() };
    let mut datum = Vec::new();
    encode::encode(&event, &mut datum).expect("an event encodes");
    let writer = learning::CourseEnrollmentCreated::TYPE.writer_schema();
    for end in 0..datum.len() {
        let error = decode::decode::<learning::CourseEnrollmentCreated>(writer, &datum[..end]).expect_err("cut off");
        assert!(matches!(error, DecodeError::Truncated { .. }), "{end}: {error}");
        assert!(error.to_string().starts_with("datum ends inside enrollment."), "{error}");
    }
    datum.push(0);
    let error = decode::decode::<learning::CourseEnrollmentCreated>(writer, &datum);
    assert_eq!(error, Err(DecodeError::Trailing { bytes: 1 }));
}

fn enrollment() -> learning::CourseEnrollmentData {
    let pii = learning::UserPersonalData { username: "u".into(), email: "e".into(), name: "n".into() };
    learning::CourseEnrollmentData {
        user: learning::UserData { id: 1, is_active: true, pii },
        course: learning::CourseData { course_key: "k".into(), display_name: "d".into(), start: None, end: None },
        mode: "audit".into(),
        is_active: true,
        creation_date: "2026-01-01T00:00:00+00:00".into(),
        created_by: None,
    }
}

#[test]
fn hostile_schemas_are_refused() {
    fn check(schema: &str, expected: SchemaError) {
        assert_eq!(WriterSchema::parse(schema).map(|_| ()), Err(expected), "{:.200}", schema);
    }
    // Each record holds the next one twice: nothing to write, 2^40 steps to take.
    let mut doubled = r#"{"type":"record","name":"R40","fields":[]}"#.to_owned();
    for level in (0..40).rev() {
        let fields = format!(r#"[{{"name":"a","type":{doubled}}},{{"name":"b","type":"R{}"}}]"#, level + 1);
        doubled = format!(r#"{{"type":"record","name":"R{level}","fields":{fields}}}"#);
    }
    check(&doubled, SchemaError::TooWide);
    check(r#"{"type":"record","name":"R","fields":[{"name":"r","type":"R"}]}"#, SchemaError::TooDeep);
    check(&chain("R{}", 200), SchemaError::TooDeep);
    check(&chain(r#"{"type":"array","items":"R{}"}"#, 5_000), SchemaError::TooManyNames);
    check(&" ".repeat((1 << 20) + 1), SchemaError::TooLong { bytes: (1 << 20) + 1 });
    check("[".repeat(100_000).as_str(), SchemaError::Json { line: 1, column: 128 });
    check(r#""other""#, SchemaError::UnknownName { name: "other".into() });
}

/// Many types that each lead to the next one, defined side by side.
fn chain(link: &str, types: usize) -> String {
    let link = |next: usize| match link.replace("{}", &next.to_string()) {
        name if name.starts_with('R') => format!("\"{name}\""),
        schema => schema,
    };
    let mut fields = vec![r#"{"name":"last","type":{"type":"record","name":"R0","fields":[]}}"#.to_owned()];
    fields.extend((1..types).rev().map(|n| {
        let record = format!(r#"{{"type":"record","name":"R{n}","fields":[{{"name":"f","type":{}}}]}}"#, link(n - 1));
        format!(r#"{{"name":"f{n}","type":{record}}}"#)
    }));
    format!(r#"{{"type":"record","name":"Root","fields":[{}]}}"#, fields.join(","))
}

#[test]
fn a_long_chain_within_the_bounds_needs_no_deep_stack() {
    let schema = chain(r#"{"type":"array","items":"R{}"}"#, 250);
    let parse = move || WriterSchema::parse(&schema).map(|_| ());
    let small = std::thread::Builder::new().stack_size(1 << 20).spawn(parse).expect("a thread starts");
    assert_eq!(small.join().expect("no overflow"), Ok(()));
}

#[test]
fn names_outside_the_grammar_are_read() {
    let name = "org.openedx.enterprise.subsidy.redemption-reversed.v1";
    let schema = format!(
        r#"{{"type":"record","name":"CloudEvent","namespace":"{name}","fields":[
            {{"name":"a","type":{{"type":"record","name":"A","fields":[{{"name":"x","type":"long"}}]}}}},
            {{"name":"b","type":["null","A"],"default":null}}]}}"#
    );
    check(&schema, &[2, 2, 4], Ok(serde_json::json!({"a": {"x": 1}, "b": {"x": 2}})));
    assert_eq!(WriterSchema::parse(&schema).expect("it parses").event_type(), Some(name));
}

/// What the generated types promise to logs.
#[test]
fn debug_shows_no_personal_data() {
    let event = learning::CourseEnrollmentCreated { enrollment: enrollment() };
    let shown = format!("{event:?}");
    assert!(shown.contains(r#"pii: UserPersonalData { username: <personal>, email: <personal>, name: <personal> }"#));
    assert!(shown.contains(r#"display_name: "d""#), "{shown}");
    let personal = catalog().by_name("org.openedx.learning.certificate.created.v1").expect("it is there").personal_data;
    assert_eq!(personal.len(), 5, "{personal:?}");
}
