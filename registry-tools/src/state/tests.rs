//! Records add up, and what is asked comes to records.

use super::*;
use crate::{Registration, SchemaId, VersionRef, record, record::Entry};

/// Decides, and takes in what was decided; the answer, or the error's code.
fn done<T>(state: &mut State, decided: Decided<T>) -> Result<T, u32> {
    let Decision { records, answer } = decided.map_err(|error| error.code())?;
    for (key, value) in records {
        state.absorb(0, Some(&key), value.as_deref().map(str::as_bytes));
    }
    assert_eq!(state.trouble(), None);
    Ok(answer)
}

fn draft(schema: &str) -> Draft {
    Draft { schema: schema.to_owned(), ..Draft::default() }
}

fn register(state: &mut State, subject: &str, schema: &str) -> Result<(u32, u32), u32> {
    import(state, subject, schema, None)
}

fn import(
    state: &mut State,
    subject: &str,
    schema: &str,
    import: Option<(SchemaId, Option<u32>)>,
) -> Result<(u32, u32), u32> {
    let Registration { import, .. } = Registration { subject, schema, import };
    let (id, version) = import.map_or((None, None), |(id, version)| (Some(id), version));
    let decided = state.register(subject, &Draft { id, version, ..draft(schema) });
    done(state, decided).map(|found| (found.id.0, found.version))
}

fn none(state: &mut State, subject: Option<&str>) {
    let change = serde_json::Map::from_iter([("compatibility".to_owned(), "NONE".into())]);
    let decided = state.set_config(subject, &change);
    done(state, decided).expect("a level is set");
}

#[test]
fn one_id_a_schema_and_one_version_a_subject_and_schema() {
    let mut state = State::default();
    none(&mut state, None);
    assert_eq!(register(&mut state, "a", r#""string""#), Ok((1, 1)));
    assert_eq!(register(&mut state, "a", r#"{"name":"x","type":"string"}"#), Ok((1, 1)));
    assert_eq!(register(&mut state, "b", r#""string""#), Ok((1, 1)));
    assert_eq!(register(&mut state, "a", r#""long""#), Ok((2, 2)));
    assert_eq!(register(&mut state, "a", r#""strong""#), Err(42201));
    assert_eq!(state.subjects("", Filter::Live), ["a", "b"]);
    let lookup = |subject: &str, schema: &str| {
        state.lookup(subject, &draft(schema), false).map(|found| (found.id.0, found.version)).map_err(|e| e.code())
    };
    assert_eq!(lookup("a", r#"{"type":"long"}"#), Ok((2, 2)));
    assert_eq!(lookup("b", r#""long""#), Err(40403));
    assert_eq!(lookup("c", r#""long""#), Err(40401));
    assert_eq!(state.version("a", VersionRef::Number(3), false).map_err(|e| e.code()), Err(40402));
}

#[test]
fn each_context_has_ids_of_its_own() {
    let mut state = State::default();
    none(&mut state, Some(crate::subject::GLOBAL));
    assert_eq!(register(&mut state, "a", r#""string""#), Ok((1, 1)));
    assert_eq!(register(&mut state, ":.c:a", r#""long""#), Ok((1, 1)));
    assert_eq!(register(&mut state, ":.c:a", r#""string""#), Ok((2, 2)));
    assert_eq!(state.contexts(), [".", ".c"]);
    assert_eq!(state.subjects(":*:", Filter::Live), [":.c:a", "a"]);
    assert_eq!(state.subjects("", Filter::Live), ["a"]);
    assert_eq!(state.subjects(":.c:", Filter::Live), [":.c:a"]);
    let text = |id, subject| state.by_id(SchemaId(id), subject).map(|found| found.schema.to_string());
    assert_eq!(text(1, None).as_deref(), Some(r#""string""#));
    assert_eq!(text(1, Some(":.c:")).as_deref(), Some(r#""long""#));
    assert_eq!(text(2, None), None);
    assert_eq!(text(2, Some("a")).as_deref(), Some(r#""string""#), "a plain name is looked for in all contexts");
    let guid = crate::value::Guid::of(r#""string""#, &[], None, None);
    assert_eq!(state.ids_of_guid(&guid), [(".".to_owned(), 1), (".c".to_owned(), 2)]);
}

#[test]
fn deleted_versions_are_found_by_id_only_and_no_id_comes_back() {
    let mut state = State::default();
    none(&mut state, None);
    assert_eq!(register(&mut state, "a", r#""string""#), Ok((1, 1)));
    assert_eq!(register(&mut state, "a", r#""long""#), Ok((2, 2)));
    let decided = state.delete_subject("a", true);
    assert_eq!(done(&mut state, decided), Err(40405));
    let decided = state.delete_subject("a", false);
    assert_eq!(done(&mut state, decided), Ok(vec![1, 2]));
    let decided = state.delete_subject("a", false);
    assert_eq!(done(&mut state, decided), Err(40404));
    assert_eq!(state.versions("a", Filter::Live).map_err(|e| e.code()), Err(40401));
    assert!(state.by_id(SchemaId(2), None).is_some());
    assert_eq!(register(&mut state, "a", r#""int""#), Ok((3, 3)));
    let decided = state.delete_subject("a", false);
    assert_eq!(done(&mut state, decided), Ok(vec![3]));
    let decided = state.delete_subject("a", true);
    let gone = decided.as_ref().map(|decision| decision.records.clone()).unwrap_or_default();
    assert_eq!(done(&mut state, decided), Ok(vec![1, 2, 3]));
    assert!(state.by_id(SchemaId(3), None).is_none());
    assert_eq!(register(&mut state, "a", r#""double""#), Ok((4, 1)));

    // After compaction only the last record of each key is there, and no tombstone.
    let mut compacted = State::default();
    for (key, value) in gone.iter().filter(|(_, value)| value.is_some()) {
        compacted.absorb(0, Some(key), value.as_deref().map(str::as_bytes));
    }
    assert_eq!(register(&mut compacted, "b", r#""double""#), Ok((4, 1)), "the ids that were given are remembered");
}

#[test]
fn ids_can_be_given_in_import_mode_only() {
    let mut state = State::default();
    none(&mut state, None);
    let id = |id| Some((SchemaId(id), None));
    assert_eq!(import(&mut state, "a", r#""string""#, id(34)), Err(42205));
    state.apply(Entry::Mode { subject: None, mode: Some(Mode::Import) }, 0);
    assert_eq!(import(&mut state, "a", r#""string""#, id(34)), Ok((34, 1)));
    assert_eq!(import(&mut state, "a", r#""string""#, id(34)), Ok((34, 1)));
    assert_eq!(import(&mut state, "a", r#""long""#, id(34)), Err(42207));
    assert_eq!(register(&mut state, "a", r#""long""#), Err(42205));
    state.apply(Entry::Mode { subject: None, mode: None }, 0);
    assert_eq!(register(&mut state, "a", r#""long""#), Ok((35, 2)));
}

#[test]
fn versions_that_others_refer_to_stay() {
    let mut state = State::default();
    let inner = r#"{"type":"record","name":"I","namespace":"n","fields":[]}"#;
    assert_eq!(register(&mut state, "inner", inner), Ok((1, 1)));
    let outer = r#"{"type":"record","name":"O","fields":[{"name":"i","type":"n.I"}]}"#;
    let references = vec![Reference { name: "n.I".into(), subject: "inner".into(), version: -1 }];
    let decided = state.register("outer", &Draft { references: references.clone(), ..draft(outer) });
    let found = done(&mut state, decided).expect("it refers to what is there");
    assert_eq!((found.id.0, found.references[0].version), (2, 1));
    assert_eq!(register(&mut state, "alone", outer), Err(42201));
    assert_eq!(state.referenced_by("inner", 1, false), [2]);
    let decided = state.delete_subject("inner", false);
    assert_eq!(done(&mut state, decided), Err(42206));
    let decided = state.delete_version("inner", VersionRef::Latest, false);
    assert_eq!(done(&mut state, decided), Err(42206));
    let alone = state.standalone(2, None).expect("it is there").expect("it stands alone");
    assert!(alone.contains(r#""namespace":"n""#), "{alone}");
    // Sent with everything in place it is the same.
    assert_eq!(register(&mut state, "outer", &alone), Ok((2, 1)));
    let missing = vec![Reference { name: "n.I".into(), subject: "none".into(), version: 1 }];
    let decided = state.register("outer", &Draft { references: missing, ..draft(outer) });
    assert_eq!(done(&mut state, decided).map(drop), Err(42201));
}

#[test]
fn a_bomb_of_references_is_refused_at_its_bound() {
    let mut state = State::default();
    let level = |n: usize, inner: &[usize]| {
        let fields: Vec<String> =
            inner.iter().enumerate().map(|(i, of)| format!(r#"{{"name":"f{i}","type":"R{of}"}}"#)).collect();
        format!(r#"{{"type":"record","name":"R{n}","fields":[{}]}}"#, fields.join(","))
    };
    assert_eq!(register(&mut state, "r0", &level(0, &[])), Ok((1, 1)));
    let mut refused = None;
    // Each refers to the two before it: 2^60 ways lead to the first.
    for n in 1..60 {
        // The nearest first: the way down is as long as it can be.
        let inner: Vec<usize> = (n.max(2) - 2..n).rev().collect();
        let references =
            inner.iter().map(|of| Reference { name: format!("R{of}"), subject: format!("r{of}"), version: 1 });
        let decided =
            state.register(&format!("r{n}"), &Draft { references: references.collect(), ..draft(&level(n, &inner)) });
        if let Err(code) = done(&mut state, decided) {
            refused = Some((n, code));
            break;
        }
    }
    assert_eq!(refused, Some((50, 42201)), "steps are bounded");
}

#[test]
fn what_cannot_be_read_makes_writing_unsafe_and_reading_goes_on() {
    let mut state = State::default();
    assert_eq!(register(&mut state, "a", r#""string""#), Ok((1, 1)));
    state.absorb(17, Some(b"{"), Some(b"{}"));
    assert!(state.trouble().is_some_and(|why| why.contains("record 17 of _schemas")), "{:?}", state.trouble());
    assert!(state.by_id(SchemaId(1), None).is_some());
    let mut state = State::default();
    let (key, value) = (record::schema_key("a", 1), r#"{"subject":"a","version":1,"id":1,"schema":"\"int\""}"#);
    state.absorb(0, Some(key.as_bytes()), Some(value.as_bytes()));
    state.absorb(1, Some(record::schema_key("b", 1).as_bytes()), Some(value.replace("int", "long").as_bytes()));
    assert!(state.trouble().is_some_and(|why| why.contains("id 1 stands for another schema")), "{:?}", state.trouble());
}

#[test]
fn tombstones_go_to_the_bytes_that_were_read() {
    let mut state = State::default();
    let odd = br#"{"subject": "a", "version": 1, "magic": 1, "keytype": "SCHEMA"}"#;
    let value = r#"{"subject":"a","version":1,"id":1,"schema":"\"int\"","new":[1]}"#;
    state.absorb(0, Some(odd), Some(value.as_bytes()));
    let softly = state.delete_version("a", VersionRef::Number(1), false).expect("it is there");
    assert_eq!(softly.records[0].0, odd, "the same key");
    assert!(
        softly.records[0].1.as_ref().is_some_and(|value| value.contains(r#""deleted":true,"new":[1]"#)),
        "fields stay"
    );
    done(&mut state, Ok(softly)).expect("it is deleted");
    let gone = state.delete_version("a", VersionRef::Number(1), true).expect("it is there");
    let keys: Vec<&[u8]> =
        gone.records.iter().filter(|(_, value)| value.is_none()).map(|(key, _)| key.as_slice()).collect();
    assert!(keys.contains(&odd.as_slice()) && keys.contains(&record::schema_key("a", 1).as_bytes()), "{keys:?}");
}

#[test]
fn metadata_is_inherited_and_overridden() {
    let mut state = State::default();
    none(&mut state, None);
    let owner = |owner: &str| Metadata {
        properties: Some([("owner".to_owned(), owner.to_owned())].into()),
        ..Metadata::default()
    };
    let decided = state.register("a", &Draft { metadata: Some(owner("me")), ..draft(r#""int""#) });
    done(&mut state, decided).expect("new");
    let decided = state.register("a", &draft(r#""long""#));
    assert_eq!(done(&mut state, decided).expect("new").metadata, Some(owner("me")), "from the version before");
    assert_eq!(register(&mut state, "a", r#""int""#), Ok((1, 1)), "the same again");
    let change = serde_json::json!({ "overrideMetadata": { "properties": { "owner": "all" } } });
    let decided = state.set_config(Some("a"), change.as_object().expect("an object"));
    done(&mut state, decided).expect("it is set");
    let decided = state.register("a", &draft(r#""float""#));
    assert_eq!(done(&mut state, decided).expect("new").metadata, Some(owner("all")));
}
