//! The printed forms.

use super::*;

fn check(schema: &str, expected: &str) {
    assert_eq!(canonical(schema).as_deref(), Ok(expected), "{schema}");
    assert_eq!(canonical(expected).as_deref(), Ok(expected), "printed once more");
}

#[test]
fn a_primitive_is_its_name() {
    check(r#""string""#, r#""string""#);
    check(r#"{"type":"string"}"#, r#""string""#);
    check(r#"{"name": "course_key", "type": "string"}"#, r#""string""#);
    check(r#"{"type":"long","logicalType":"timestamp-millis"}"#, r#"{"type":"long","logicalType":"timestamp-millis"}"#);
}

#[test]
fn attributes_have_one_order_and_names_are_relative() {
    check(
        r#"{"fields":[{"default":null,"type":["null","string"],"name":"a","x":1},
            {"name":"b","type":{"fields":[],"type":"record","name":"B","namespace":"n"}},
            {"name":"c","type":"n.B","doc":"d","order":"ascending"},
            {"name":"d","type":{"type":"enum","symbols":["X"],"name":"o.E"}},{"name":"e","type":"o.E"}],
            "namespace":"n","name":"R","type":"record","doc":"top","aliases":["n.Q","z.Q"]}"#,
        concat!(
            r#"{"type":"record","name":"R","namespace":"n","doc":"top","fields":["#,
            r#"{"name":"a","type":["null","string"],"default":null,"x":1},"#,
            r#"{"name":"b","type":{"type":"record","name":"B","fields":[]}},"#,
            r#"{"name":"c","type":"B","doc":"d"},"#,
            r#"{"name":"d","type":{"type":"enum","name":"E","namespace":"o","symbols":["X"]}},"#,
            r#"{"name":"e","type":"o.E"}],"aliases":["Q","z.Q"]}"#
        ),
    );
}

#[test]
fn an_illegal_namespace_of_the_platform_is_taken() {
    let name = r#"{"type":"record","name":"CloudEvent","namespace":"org.openedx.redemption-reversed.v1","fields":[]}"#;
    check(name, name);
}

#[test]
fn refuses_what_is_not_a_schema_and_says_where() {
    let refuse = |schema: &str, expected: &str| {
        let error = canonical(schema).expect_err(schema).to_string();
        assert!(error.contains(expected), "{schema}: {error}");
    };
    refuse("", "not JSON");
    refuse("5", "a schema is a name");
    refuse(r#""strong""#, "'strong' is not defined at $");
    refuse(r#"{"type":"record","name":"R"}"#, "record without fields");
    refuse(r#"{"type":"record","name":"R","fields":[{"name":"a","type":"X"}]}"#, "'X' is not defined at $.fields[a]");
    refuse(r#"["null","null"]"#, "two branches");
    refuse(r#"{"type":"array"}"#, "array without items");
    refuse(r#"{"type":"enum","name":"E","symbols":["A","A"]}"#, "each once");
    let deep = format!("{}\"int\"{}", r#"{"type":"array","items":"#.repeat(110), "}".repeat(110));
    refuse(&deep, "nested too deeply");
    let deeper = format!("{}\"int\"{}", r#"{"type":"array","items":"#.repeat(100_000), "}".repeat(100_000));
    refuse(&deeper, "not JSON");
}

#[test]
fn refuses_what_is_too_much_before_it_costs_much() {
    let fields = |count: usize| {
        let all: Vec<String> = (0..count).map(|n| format!(r#"{{"name":"f{n}","type":"int"}}"#)).collect();
        format!(r#"{{"type":"record","name":"R","fields":[{}]}}"#, all.join(","))
    };
    assert!(canonical(&fields(5_000)).is_ok());
    let refuse = |schema: &str, expected: &str| {
        let error = canonical(schema).expect_err("too much").to_string();
        assert!(error.contains(expected), "{error}");
    };
    refuse(&fields(100_000), "larger than 20000");
    refuse(&format!(r#"{{"type":"enum","name":"{}","symbols":[]}}"#, "x".repeat(100_000)), "a name longer than");
    let field = format!(r#"{{"type":"record","name":"R","fields":[{{"name":"{}","type":"int"}}]}}"#, "x".repeat(2_000));
    refuse(&field, "a field's name longer than");
    let union: Vec<String> = (0..30_000).map(|n| format!(r#"{{"type":"fixed","name":"F{n}","size":1}}"#)).collect();
    refuse(&format!("[{}]", union.join(",")), "larger than 20000");
}

#[test]
fn the_normal_form_orders_properties_and_aliases() {
    let normal = |text: &str| print(text, &Definitions::default(), Form::Normal).expect("a schema");
    let one = r#"{"type":"record","name":"R","aliases":["b","a"],"z":{"y":1,"x":2},"a":1,"fields":[
        {"name":"f","type":{"type":"bytes","scale":0,"precision":4,"logicalType":"decimal"},"q":1,"p":2}]}"#;
    let expected = concat!(
        r#"{"type":"record","name":"R","fields":[{"name":"f","type":{"type":"bytes","logicalType":"decimal","precision":4},"#,
        r#""p":2,"q":1}],"a":1,"z":{"x":2,"y":1},"aliases":["a","b"]}"#
    );
    assert_eq!(normal(one), expected);
    assert_eq!(normal(expected), expected);
}

#[test]
fn what_is_defined_elsewhere_is_referred_to_or_put_in_place() {
    let inner = r#"{"type":"record","name":"Inner","namespace":"n","fields":[
        {"name":"e","type":{"type":"enum","name":"E","symbols":["A"]}}]}"#;
    let outer = r#"{"type":"record","name":"Outer","namespace":"o","fields":[
        {"name":"e","type":"n.E"},{"name":"i","type":"n.Inner"},{"name":"again","type":["null","n.Inner"]}]}"#;
    let elsewhere = Definitions::of([inner, inner]).expect("definitions");
    let parsed = concat!(
        r#"{"type":"record","name":"Outer","namespace":"o","fields":[{"name":"e","type":"n.E"},"#,
        r#"{"name":"i","type":"n.Inner"},{"name":"again","type":["null","n.Inner"]}]}"#
    );
    assert_eq!(print(outer, &elsewhere, Form::Parsed).as_deref(), Ok(parsed));
    let resolved = print(outer, &elsewhere, Form::Resolved).expect("it stands alone");
    assert_eq!(canonical(&resolved).as_deref(), Ok(resolved.as_str()));
    let expected = concat!(
        r#"{"type":"record","name":"Outer","namespace":"o","fields":[{"name":"e","type":{"type":"enum","name":"E","namespace":"n","#,
        r#""symbols":["A"]}},{"name":"i","type":{"type":"record","name":"Inner","namespace":"n","fields":[{"name":"e","#,
        r#""type":"E"}]}},{"name":"again","type":["null","n.Inner"]}]}"#
    );
    assert_eq!(resolved, expected);
    assert!(canonical(outer).is_err(), "alone it is no schema");
    let twice = print(inner, &elsewhere, Form::Parsed).expect_err("a name that is defined elsewhere");
    assert!(twice.to_string().contains("defined twice"), "{twice}");
}
