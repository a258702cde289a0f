use super::*;

const BACKWARD: Level = Level::Backward;

fn schema(text: &str) -> Schema {
    Schema::parse(text, &[]).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn record(fields: &str) -> String {
    format!(r#"{{"type":"record","name":"R","fields":[{fields}]}}"#)
}

/// Holds `reader` to `writer`; each difference as kind, path in the reader, path in the writer.
fn differences(reader: &Schema, writer: &Schema) -> Vec<(&'static str, String, String)> {
    let found = check(BACKWARD, reader, &[Previous { version: 1, schema: writer }]);
    assert_eq!(found.is_empty(), can_read(reader, writer));
    found.into_iter().map(|d| (d.kind.name(), d.reader.path, d.writer.path)).collect()
}

fn check_pair(reader: &str, writer: &str, expected: &[(&str, &str, &str)]) {
    let found = differences(&schema(reader), &schema(writer));
    let found: Vec<_> = found.iter().map(|(kind, r, w)| (*kind, r.as_str(), w.as_str())).collect();
    assert_eq!(found, expected, "{reader} reads {writer}");
}

#[test]
fn primitives_promote_one_way() {
    let order = ["int", "long", "float", "double"];
    for (r, reader) in order.iter().enumerate() {
        for (w, writer) in order.iter().enumerate() {
            let (reader, writer) = (format!("\"{reader}\""), format!("\"{writer}\""));
            let expected: &[_] = if r >= w { &[] } else { &[("TYPE_MISMATCH", "/", "/")] };
            check_pair(&reader, &writer, expected);
        }
    }
    check_pair(r#""string""#, r#""bytes""#, &[]);
    check_pair(r#""bytes""#, r#"{"type":"string","logicalType":"uuid"}"#, &[]);
    check_pair(r#""null""#, r#""int""#, &[("TYPE_MISMATCH", "/", "/")]);
    check_pair(r#"{"type":"map","values":"long"}"#, r#"{"type":"map","values":"int"}"#, &[]);
    let (items, item) = (r#"{"type":"array","items":"int"}"#, r#"{"type":"array","items":"long"}"#);
    check_pair(items, item, &[("TYPE_MISMATCH", "/items", "/items")]);
}

#[test]
fn a_field_is_found_by_name_or_alias_or_has_a_default() {
    let without = record("");
    let with = record(r#"{"name":"a","type":"int"}"#);
    check_pair(&without, &with, &[]);
    check_pair(&with, &without, &[("READER_FIELD_MISSING_DEFAULT_VALUE", "/fields/0", "/")]);
    check_pair(&record(r#"{"name":"a","type":["null","int"],"default":null}"#), &without, &[]);
    let renamed = record(r#"{"name":"x","type":"int"},{"name":"b","aliases":["a"],"type":"string"}"#);
    let expected = [
        ("READER_FIELD_MISSING_DEFAULT_VALUE", "/fields/0", "/"),
        ("TYPE_MISMATCH", "/fields/1/type", "/fields/0/type"),
    ];
    check_pair(&renamed, &with, &expected);
    let both = record(r#"{"name":"a","type":"int"},{"name":"b","type":"int"}"#);
    let ambiguous = record(r#"{"name":"b","aliases":["a"],"type":"int"}"#);
    check_pair(&ambiguous, &both, &[("NAME_MISMATCH", "/fields/0", "/fields/1")]);
    check_pair(&record(r#"{"name":"a","aliases":["a"],"type":"int"}"#), &both, &[]);
}

#[test]
fn names_match_unqualified_or_by_an_alias_with_the_full_name() {
    let fixed = |name: &str, more: &str| format!(r#"{{"type":"fixed","name":"{name}","size":4{more}}}"#);
    check_pair(&fixed("a.F", ""), &fixed("b.F", ""), &[]);
    check_pair(&fixed("F", ""), &fixed("G", ""), &[("NAME_MISMATCH", "/name", "/name")]);
    check_pair(&fixed("F", r#","aliases":["n.G"]"#), &fixed("n.G", ""), &[]);
    check_pair(&fixed("n.F", r#","aliases":["G"]"#), &fixed("n.G", ""), &[]);
    check_pair(&fixed("F", r#","aliases":["G"]"#), &fixed("n.G", ""), &[("NAME_MISMATCH", "/name", "/name")]);
    let larger = r#"{"type":"fixed","name":"F","size":5}"#;
    check_pair(larger, &fixed("F", ""), &[("FIXED_SIZE_MISMATCH", "/size", "/size")]);
    let both = r#"{"type":"fixed","name":"H","size":5}"#;
    let expected = [("NAME_MISMATCH", "/name", "/name"), ("FIXED_SIZE_MISMATCH", "/size", "/size")];
    check_pair(both, &fixed("F", ""), &expected);
}

#[test]
fn the_enums_default_rescues_symbols_and_the_fields_does_not() {
    let of = |symbols: &str, more: &str| format!(r#"{{"type":"enum","name":"E","symbols":[{symbols}]{more}}}"#);
    check_pair(&of(r#""A","B""#, ""), &of(r#""B""#, ""), &[]);
    check_pair(&of(r#""A""#, ""), &of(r#""A","B""#, ""), &[("MISSING_ENUM_SYMBOLS", "/symbols", "/symbols")]);
    check_pair(&of(r#""A""#, r#","default":"A""#), &of(r#""A","B""#, ""), &[]);
    let field = |symbols: &str| record(&format!(r#"{{"name":"e","default":"A","type":{}}}"#, of(symbols, "")));
    let expected = [("MISSING_ENUM_SYMBOLS", "/fields/0/type/symbols", "/fields/0/type/symbols")];
    check_pair(&field(r#""A""#), &field(r#""A","B""#), &expected);
}

#[test]
fn unions_must_read_every_branch() {
    check_pair(r#"["null","long"]"#, r#"["int","null"]"#, &[]);
    check_pair(r#"["null","long"]"#, r#""int""#, &[]);
    check_pair(r#""long""#, r#"["int","long"]"#, &[]);
    check_pair(r#""long""#, r#"["int","string"]"#, &[("TYPE_MISMATCH", "/", "/1")]);
    check_pair(r#"["null"]"#, r#"["null","int"]"#, &[("MISSING_UNION_BRANCH", "/", "/1")]);
    check_pair("[]", r#""int""#, &[("MISSING_UNION_BRANCH", "/", "/")]);
    check_pair(r#""int""#, "[]", &[]);
    // The branch that was meant says why it does not fit.
    let optional = |field: &str| format!(r#"["null",{}]"#, record(field));
    let expected = [("MISSING_UNION_BRANCH", "/", "/1"), ("READER_FIELD_MISSING_DEFAULT_VALUE", "/1/fields/0", "/1")];
    check_pair(&optional(r#"{"name":"a","type":"int"}"#), &optional(""), &expected);
}

#[test]
fn recursive_types_read_themselves_and_differ_where_they_differ() {
    let node = |more: &str| {
        record(&format!(
            r#"{{"name":"next","type":["null","R"]}},{{"name":"all","type":{{"type":"array","items":"R"}}}}{more}"#
        ))
    };
    check_pair(&node(""), &node(""), &[]);
    check_pair(&node(""), &node(r#",{"name":"v","type":"int"}"#), &[]);
    let expected = [("READER_FIELD_MISSING_DEFAULT_VALUE", "/fields/2", "/")];
    let found = differences(&schema(&node(r#",{"name":"v","type":"int"}"#)), &schema(&node("")));
    assert_eq!((found[0].0, found[0].1.as_str(), found[0].2.as_str()), expected[0]);

    let mutual = |leaf: &str| {
        record(&format!(
            r#"{{"name":"s","type":["null",{{"type":"record","name":"S","fields":[{{"name":"r","type":"R"}},{{"name":"leaf","type":"{leaf}"}}]}}]}}"#
        ))
    };
    check_pair(&mutual("long"), &mutual("int"), &[]);
    let found = differences(&schema(&mutual("int")), &schema(&mutual("long")));
    assert_eq!(found.last().map(|d| (d.0, d.1.as_str())), Some(("TYPE_MISMATCH", "/fields/0/type/1/fields/1/type")));
}

#[test]
fn a_shared_type_that_differs_is_found_through_its_name() {
    let pair = |inner: &str| {
        record(&format!(
            r#"{{"name":"a","type":{{"type":"record","name":"In","fields":[{{"name":"x","type":"{inner}"}}]}}}},{{"name":"b","type":"In"}}"#
        ))
    };
    let expected = [("TYPE_MISMATCH", "/fields/0/type/fields/0/type", "/fields/0/type/fields/0/type")];
    check_pair(&pair("int"), &pair("string"), &expected);
}

#[test]
fn inline_there_and_by_reference_here() {
    let course = r#"{"type":"record","name":"shared.Course","fields":[{"name":"key","type":"string"}]}"#;
    let referring = Schema::parse(&record(r#"{"name":"c","type":"shared.Course"}"#), &[course]).expect("parses");
    let inline = schema(&record(&format!(r#"{{"name":"c","type":{course}}}"#)));
    assert_eq!(differences(&referring, &inline), []);
    assert_eq!(differences(&inline, &referring), []);
    let newer = course.replace("string", "int");
    let newer = Schema::parse(&record(r#"{"name":"c","type":"shared.Course"}"#), &[&newer]).expect("parses");
    assert_eq!(differences(&newer, &inline)[0].1, "/fields/0/type/fields/0/type");
    assert!(Schema::parse(&record(r#"{"name":"c","type":"shared.Course"}"#), &[]).is_err());
}

#[test]
fn levels_look_at_what_they_say() {
    let [int, long, text] = [r#""int""#, r#""long""#, r#""string""#].map(schema);
    let versions = [Previous { version: 1, schema: &text }, Previous { version: 2, schema: &int }];
    let cases = [
        (Level::None, vec![]),
        (Level::Backward, vec![]),
        (Level::BackwardTransitive, vec![(1, Direction::NewReadsOld)]),
        (Level::Forward, vec![(2, Direction::OldReadsNew)]),
        (Level::ForwardTransitive, vec![(2, Direction::OldReadsNew), (1, Direction::OldReadsNew)]),
        (Level::Full, vec![(2, Direction::OldReadsNew)]),
        (
            Level::FullTransitive,
            vec![(2, Direction::OldReadsNew), (1, Direction::NewReadsOld), (1, Direction::OldReadsNew)],
        ),
    ];
    for (level, expected) in cases {
        let found = check(level, &long, &versions);
        let found: Vec<_> = found.into_iter().map(|d| (d.version, d.direction)).collect();
        assert_eq!(found, expected, "{level}");
        assert_eq!(check(level, &long, &[]), []);
    }
}

#[test]
fn sentences_and_messages() {
    let old = schema(&record(""));
    let text = "{\"type\":\"record\",\"name\":\"R\",\"fields\":[\n {\"name\":\"grade\",\"type\":\"int\"}]}";
    let new = schema(text).in_file("avro/r.avsc");
    let found = check(Level::Full, &new, &[Previous { version: 3, schema: &old }]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].reader.to_string(), "avro/r.avsc:2");
    assert_eq!(
        found[0].to_string(),
        "new consumers cannot read events of version 3: field `grade` has no default, and those events lack it; give it a \
         default, or publish a new major"
    );
    let back = check(Level::Full, &old, &[Previous { version: 3, schema: &new }]);
    assert_eq!(
        back[0].to_string(),
        "consumers of version 3 cannot read new events: they need field `grade`, which has no default there and is gone; \
         keep the field, or publish a new major"
    );
    let messages = messages(Level::Full, &found);
    assert_eq!(messages.len(), 3);
    assert!(messages[0].starts_with("{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'new consumers"));
    assert!(messages[0].ends_with("(path '/fields/0')', additionalInfo:'grade'}"), "{}", messages[0]);
    assert_eq!(messages[1..], ["{oldSchemaVersion: 3}", "{validateFields: 'false', compatibility: 'FULL'}"]);
    assert!(refusal("s", Level::Full, &found).contains("earlier schema for subject \"s\", details: [{errorType:"));
    assert_eq!(wire::messages(Level::Full, &[]), Vec::<String>::new());
}

/// A chain of records, each inside the other, by reference: as deep as wanted, though no text is nested.
fn chain(length: usize, leaf: &str) -> Schema {
    let types: Vec<String> = (0..length)
        .map(|i| {
            let next = if i == 0 { leaf.to_owned() } else { format!("\"L{}\"", i - 1) };
            format!(r#"{{"type":"record","name":"L{i}","fields":[{{"name":"a","type":{next}}},{{"name":"b","type":{next}}}]}}"#)
        })
        .collect();
    let types: Vec<&str> = types.iter().map(String::as_str).collect();
    Schema::parse(types[length - 1], &types[..length - 1]).expect("parses")
}

#[test]
fn hostile_pairs_take_neither_exponential_time_nor_the_stack() {
    let (int, text) = (chain(5_000, r#""int""#), chain(5_000, r#""string""#));
    assert!(can_read(&int, &int));
    let found = differences(&int, &text);
    assert!(found.iter().all(|d| d.0 == "TYPE_MISMATCH" && d.1.len() < 10_000), "{}", found.len());

    let wide = |fixed: &str, count: usize| {
        let of = |i| format!(r#"{{"type":"fixed","name":"{fixed}{i}","size":{i}}}"#);
        schema(&format!("[{}]", (0..count).map(of).collect::<Vec<_>>().join(",")))
    };
    let found = check(BACKWARD, &wide("a", 3_000), &[Previous { version: 1, schema: &wide("b", 3_000) }]);
    assert_eq!(found.iter().map(|d| &d.kind).collect::<Vec<_>>(), [&Kind::TooLarge]);

    let many = |kind: &str| {
        let field = |i| format!(r#"{{"name":"f{i}","type":"{kind}"}}"#);
        schema(&record(&(0..100_000).map(field).collect::<Vec<_>>().join(",")))
    };
    assert_eq!(differences(&many("int"), &many("string")).len(), 100);
    let deep = format!("{}\"int\"{}", r#"{"type":"array","items":"#.repeat(110), "}".repeat(110));
    assert!(Schema::parse(&deep, &[]).is_err());
}

#[test]
fn refuses_what_is_no_schema_with_a_pointer() {
    for (text, expected) in [
        ("", "not JSON"),
        ("5", "at /"),
        (r#""strong""#, "'strong' is not defined at /"),
        (r#"{"type":"record","name":"R","fields":[{"name":"a","type":"X"}]}"#, "at /fields/0/type"),
        (r#"{"type":"record","name":"R","fields":[{"name":"a"}]}"#, "a field without a type at /fields/0"),
        (r#"{"type":"record","name":"R","fields":[4]}"#, "a field without a name at /fields/0"),
        (r#"{"type":"enum","name":"R"}"#, "enum without symbols"),
        (r#"{"type":"fixed","name":"R"}"#, "fixed without a size"),
        (
            r#"[{"type":"fixed","name":"R","size":1},{"type":"fixed","name":"R","size":1}]"#,
            "'R' is defined twice at /1",
        ),
    ] {
        let error = Schema::parse(text, &[]).expect_err(text).to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}
