//! JSON to Avro and back, for schemas of every kind, with the Avro library of the Apache project as judge.

use coursebus_schemas::json::{from_json, key_of_json, order_key_of_json, to_json};
use coursebus_schemas::{Event, OrderKey, WriterSchema, catalog, learning, subscription};
use serde_json::{Value, json};

fn written(schema: &str, value: &Value) -> Result<Vec<u8>, String> {
    let mut out = vec![7];
    let schema = WriterSchema::parse(schema).expect(schema);
    let result = from_json(&schema, value, &mut out).map_err(|error| error.to_string());
    assert!(result.is_ok() || out == [7], "on an error nothing is written");
    result.map(|()| out.split_off(1))
}

/// Both libraries read the same JSON from the bytes, and Apache's writes the same bytes again.
#[test]
fn every_type_comes_back() {
    fn check(schema: &str, value: Value, bytes: &[u8]) {
        let datum = written(schema, &value).expect(schema);
        assert_eq!(datum, bytes, "{schema} {value}");
        let ours = WriterSchema::parse(schema).expect(schema);
        assert_eq!(to_json(&ours, &datum), Ok(value.clone()), "{schema}");
        let theirs = apache_avro::Schema::parse_str(schema).expect(schema);
        let reader = apache_avro::reader::datum::GenericDatumReader::builder(&theirs).build().expect(schema);
        let read = reader.read_value(&mut datum.as_slice()).expect(schema);
        let writer = apache_avro::writer::datum::GenericDatumWriter::builder(&theirs).build().expect(schema);
        assert_eq!(writer.write_value_to_vec(read).expect(schema), datum, "{schema} {value}");
    }
    check(r#""null""#, json!(null), &[]);
    check(r#""boolean""#, json!(true), &[1]);
    check(r#""int""#, json!(-2), &[3]);
    check(r#""long""#, json!(9007199254740993_i64), &[0x82, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20]);
    check(r#""float""#, json!(0.5), &[0, 0, 0, 0x3f]);
    check(r#""double""#, json!(0.5), &[0, 0, 0, 0, 0, 0, 0xe0, 0x3f]);
    check(r#""double""#, json!("-Infinity"), &[0, 0, 0, 0, 0, 0, 0xf0, 0xff]);
    check(r#""string""#, json!("ë学"), &[10, 0xc3, 0xab, 0xe5, 0xad, 0xa6]);
    check(r#""bytes""#, json!("\u{0}ÿ"), &[4, 0, 0xff]);
    check(r#"{"type":"fixed","name":"F","size":2}"#, json!("a\u{80}"), &[b'a', 0x80]);
    check(r#"{"type":"enum","name":"E","symbols":["A","B"]}"#, json!("B"), &[2]);
    check(r#"{"type":"array","items":"long"}"#, json!([]), &[0]);
    check(r#"{"type":"array","items":"long"}"#, json!([1, 2]), &[4, 2, 4, 0]);
    check(r#"{"type":"map","values":"boolean"}"#, json!({}), &[0]);
    check(r#"{"type":"map","values":"boolean"}"#, json!({"a": true}), &[2, 2, b'a', 1, 0]);
    check(r#"["null","string"]"#, json!(null), &[0]);
    check(r#"["null","string"]"#, json!("a"), &[2, 2, b'a']);
    check(r#"["string","long","double","null"]"#, json!(3), &[2, 6]);
    check(r#"["string","long","double","null"]"#, json!(0.5), &[4, 0, 0, 0, 0, 0, 0, 0xe0, 0x3f]);
    check(r#"{"type":"string","logicalType":"uuid"}"#, json!("5a1f7c1e-9c1b-4b7e-8f0a-2f9f6f1d2c3b"), &{
        let mut bytes = vec![72];
        bytes.extend(b"5a1f7c1e-9c1b-4b7e-8f0a-2f9f6f1d2c3b");
        bytes
    });
    check(r#"{"type":"long","logicalType":"timestamp-millis"}"#, json!(1), &[2]);
    let list =
        r#"{"type":"record","name":"L","fields":[{"name":"v","type":"int"},{"name":"next","type":["null","L"]}]}"#;
    check(list, json!({"v": 1, "next": {"v": 2, "next": null}}), &[2, 2, 4, 0]);
    let two = r#"{"type":"record","name":"R","fields":[{"name":"u","type":[
        {"type":"record","name":"A","fields":[{"name":"a","type":"int"}]},
        {"type":"record","name":"B","fields":[{"name":"b","type":"int"}]}]}]}"#;
    check(two, json!({"u": {"b": 1}}), &[2, 2]);
}

#[test]
fn refusals_name_the_field_and_never_the_value() {
    fn check(schema: &str, value: Value, expected: &str) {
        assert_eq!(written(schema, &value), Err(expected.to_owned()), "{schema}");
    }
    check(r#""long""#, json!("secret"), "the event: expected long, found string");
    check(r#""long""#, json!(1.5), "the event: expected long, found double");
    check(r#""long""#, json!(9_223_372_036_854_775_808_u64), "the event: out of the range of long");
    check(r#""int""#, json!(2_147_483_648_i64), "the event: out of the range of int");
    check(r#""float""#, json!(1e300), "the event: out of the range of float");
    check(r#""string""#, json!(null), "the event: expected string, found null");
    check(r#""bytes""#, json!("学"), "the event: not an allowed value of bytes");
    check(r#"{"type":"fixed","name":"F","size":2}"#, json!("a"), "the event: not an allowed value of fixed");
    check(r#"{"type":"enum","name":"E","symbols":["A"]}"#, json!("secret"), "the event: not an allowed value of enum");
    check(r#"{"type":"array","items":"long"}"#, json!([1, "secret"]), "[1]: expected long, found string");
    check(r#"{"type":"map","values":"long"}"#, json!({"secret": "s"}), "*: expected long, found string");
    check(r#"["null","long"]"#, json!("secret"), "the event: expected long, found string");
    check(r#"["null","long","boolean"]"#, json!("secret"), "the event: expected union, found string");
}

#[test]
fn events_take_defaults_and_refuse_what_they_do_not_have() {
    fn check(path: &str, change: Option<Value>, expected: Result<(), &str>) {
        let mut event = json!({"enrollment": {
            "user": {"id": 42, "is_active": true, "pii": {"username": "ada", "email": "e", "name": "n"}},
            "course": {"course_key": "k", "display_name": "d", "start": null, "end": null},
            "mode": "audit", "is_active": true, "creation_date": "2026-01-01T00:00:00+00:00", "created_by": null,
        }});
        let (parent, field) = path.rsplit_once('/').expect("a path");
        let parent = event.pointer_mut(parent).and_then(Value::as_object_mut).expect(path);
        match change {
            Some(value) => parent.insert(field.to_owned(), value),
            None => parent.shift_remove(field),
        };
        let schema = learning::CourseEnrollmentCreated::TYPE.writer_schema();
        let result = from_json(schema, &event, &mut Vec::new()).map_err(|error| error.to_string());
        assert_eq!(result, expected.map_err(str::to_owned), "{path}");
    }
    check("/enrollment/created_by", None, Ok(()));
    check("/enrollment/course/end", None, Ok(()));
    check("/enrollment/mode", None, Err("enrollment.mode: missing"));
    check("/enrollment/user/id", Some(json!("42")), Err("enrollment.user.id: expected long, found string"));
    check("/enrollment/user/pii/phone", Some(json!("1")), Err("enrollment.user.pii.phone: no such field"));
    check("/enrollment/created_by", Some(json!({"id": 1})), Err("enrollment.created_by.is_active: missing"));
    check("/enrollment", None, Err("enrollment: missing"));
}

#[test]
fn keys_come_from_json() {
    let event_type = subscription::LicenseAssigned::TYPE;
    let event = json!({"license": {"license_uuid": "l"}});
    let mut key = OrderKey::new();
    order_key_of_json(event_type, &event, &mut key).expect("it is there");
    assert_eq!(key.to_string(), r#"["l"]"#);
    let check = |event: Value, expected: &str| {
        let refused = key_of_json(event_type, &event).expect_err("no key");
        assert_eq!(refused.to_string(), expected);
    };
    check(json!({"license": {}}), "license.license_uuid: missing");
    check(json!({"license": {"license_uuid": null}}), "license.license_uuid: expected string, found null");
    check(json!({}), "license: missing");
}

#[test]
fn the_catalogue_is_found_by_name() {
    let catalog = catalog();
    for event in catalog.events() {
        assert!(std::ptr::eq(catalog.by_name(event.name).expect(event.name), *event));
        assert!(catalog.events_on(event.topic).any(|other| other.name == event.name));
        assert_eq!(event.writer_schema().event_type(), Some(event.name));
        for version in event.versions {
            assert_eq!(WriterSchema::parse(version.schema).expect(event.name).event_type(), Some(event.name));
        }
    }
    assert!(catalog.by_name("org.openedx.learning.nothing.v1").is_none());
    let topic = catalog.topic("course-enrollment-lifecycle").expect("it is there");
    assert_eq!(topic.full_topic("dev"), "dev-course-enrollment-lifecycle");
    assert_eq!(catalog.events_on(topic).count(), 3);
}
