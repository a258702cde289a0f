//! Values come back as they went, and as the same text from every database.

use coursebus_sinks_kit::{Change, Effect, Value, dump::dump};
use sqlx::{Connection, SqliteConnection};
use time::macros::datetime;

use crate::{
    fixture::{Fixture, Place, THINGS},
    steps::{Step, effect, label, removal, take_over},
};

contract!(values_come_back_as_they_went, keys_that_look_alike_are_different_keys);

/// A value of each kind and each corner, and what becomes of it.
fn corners() -> Vec<(i64, Vec<(&'static str, Value)>)> {
    let moment = |time| vec![("at", Value::Time(time))];
    let sets: Vec<Vec<(&str, Value)>> = vec![
        ["flag", "count", "ratio", "label", "at"].map(|name| (name, Value::Null)).into(),
        vec![("flag", true.into())],
        vec![("flag", false.into())],
        vec![("count", i64::MIN.into())],
        vec![("count", i64::MAX.into())],
        vec![("count", ((1_i64 << 53) + 1).into())],
        vec![("ratio", (0.1 + 0.2).into())],
        vec![("ratio", 100.0.into())],
        vec![("ratio", (-0.0).into())],
        vec![("ratio", f64::MAX.into())],
        vec![("ratio", 5e-324.into())],
        vec![("label", "".into())],
        vec![("label", "Zoë 🎓 'single' \"double\" \\ back; -- $1 ?\n\t\u{1}\u{7f}\u{200d}\u{10ffff}".into())],
        vec![("label", "2026-01-01T00:00:00Z".into())],
        vec![("label", "0012".into())],
        moment(datetime!(2013-10-01 00:00:00 UTC)),
        moment(datetime!(2026-04-05 06:07:08.000009 UTC)),
        moment(datetime!(1969-12-31 23:59:59.999999 UTC)),
        moment(datetime!(1999-12-31 23:59:59.5 UTC)),
        moment(datetime!(0000-01-01 00:00:00 UTC)),
        moment(datetime!(9999-12-31 23:59:59.999999 UTC)),
        moment(datetime!(2026-04-05 08:07:08 +2)),
    ];
    (0..).zip(sets).collect()
}

fn corner_effects() -> Vec<Effect> {
    let change = |(number, set): (i64, Vec<(&'static str, Value)>)| Change {
        table: &THINGS,
        key: vec!["🎓'\"".into(), number.into()],
        set: Some(set),
    };
    corners().into_iter().map(|corner| effect(corner.0, "corner", [change(corner)])).collect()
}

async fn values_come_back_as_they_went(fixture: &Fixture) {
    let store = fixture.open().await;
    let (epoch, _) = take_over(store.as_ref()).await;
    Step::new(epoch, 1, corner_effects()).ok(store.as_ref()).await;
    for (number, set) in corners() {
        let row = store.row(&THINGS, &["🎓'\"".into(), number.into()]).await.expect("a row").expect("it is there");
        for (column, found) in THINGS.columns.iter().zip(&row[2..]) {
            let expected = set.iter().find(|(name, _)| *name == column.name).map_or(&Value::Null, |(_, value)| value);
            match (found, expected) {
                // Bit for bit: 0.0 and -0.0 are equal as numbers.
                (Value::Float(found), Value::Float(expected)) => assert_eq!(found.to_bits(), expected.to_bits()),
                _ => assert_eq!(found, expected, "row {number}, column {}", column.name),
            }
        }
    }
}

/// As strings they are equal somewhere: to who compares without case, without accents, as German does, without blanks behind.
async fn keys_that_look_alike_are_different_keys(fixture: &Fixture) {
    const ALIKE: [&str; 12] = ["", " ", "a", "a ", "A", "ss", "ß", "e", "é", "e\u{301}", "a\u{200d}", "a\t"];
    let store = fixture.open().await;
    let (epoch, _) = take_over(store.as_ref()).await;
    let change = |place: &str| THINGS.upsert([place.into(), 1.into()], [("label", place.into())]);
    let effects = ALIKE.iter().zip(0..).map(|(place, n)| effect(n, &format!("id{place}"), [change(place)]));
    Step::new(epoch, 99, effects.collect()).inbox().audit().ok(store.as_ref()).await;
    let mut expected = ALIKE.to_vec();
    expected.sort_unstable();
    let rows = store.rows(&THINGS, None, 100).await.expect("rows");
    let found: Vec<&Value> = rows.iter().map(|row| &row[0]).collect();
    assert_eq!(found, expected.iter().map(|place| Value::from(*place)).collect::<Vec<_>>().iter().collect::<Vec<_>>());
    for place in ALIKE {
        let row = store.row(&THINGS, &[place.into(), 1.into()]).await.expect("a row").expect("it is there");
        assert_eq!(row[5], place.into());
    }
    // One of them goes, and only that; the inbox knows them apart, too.
    Step::new(epoch, 100, vec![effect(99, "gone", [THINGS.delete(["a".into(), 1.into()])])]).ok(store.as_ref()).await;
    assert_eq!(store.rows(&THINGS, None, 100).await.expect("rows").len(), ALIKE.len() - 1);
    let again = ALIKE.iter().zip(0..).map(|(place, n)| effect(n, &format!("id{place}"), [change("again")]));
    Step::new(epoch, 200, again.collect()).inbox().audit().ok(store.as_ref()).await;
    assert_eq!(store.row(&THINGS, &["again".into(), 1.into()]).await.expect("an answer"), None);
}

/// What `sink dump` prints, without and with audit columns.
async fn dumps(fixture: &Fixture) -> [String; 2] {
    let store = fixture.open().await;
    let (epoch, _) = take_over(store.as_ref()).await;
    Step::new(epoch, 100, corner_effects()).audit().ok(store.as_ref()).await;
    let mixed = vec![
        effect(100, "a", [label(10, "x"), label(9, "y"), label(-1, "z")]),
        effect(101, "b", [removal(9), THINGS.upsert(["Here".into(), 1.into()], [])]),
    ];
    Step::new(epoch, 102, mixed).audit().ok(store.as_ref()).await;
    let mut texts = Vec::new();
    for audit in [false, true] {
        let rows = dump(store.as_ref(), &fixture.spec, audit).await.expect("a dump");
        let lines = rows.iter().map(|row| serde_json::to_string(row).expect("JSON"));
        texts.push(lines.collect::<Vec<_>>().join("\n"));
    }
    texts.try_into().expect("two of them")
}

#[tokio::test]
async fn a_dump_says_all_there_is_in_the_order_of_the_key_s_text() {
    let [plain, audited] = dumps(&Fixture::sqlite()).await;
    // Sorted by the bytes of the key's JSON, not by number.
    let at = |key: &str| audited.find(key).unwrap_or_else(|| panic!("{key} in {audited}"));
    assert!(at(r#"["Here",1]"#) < at(r#"["here",-1]"#) && at(r#"["here",10]"#) < at(r#"["here",9]"#));
    assert!(audited.contains(r#""key":["here",9],"row":null,"applied":2"#), "{audited}");
    assert!(plain.contains("0.30000000000000004") && plain.contains("9999-12-31T23:59:59.999999Z"));
}

#[tokio::test]
async fn a_dump_is_the_same_text_from_every_database() {
    let of_a_file = dumps(&Fixture::sqlite()).await;
    let others = [Fixture::postgres().await, Fixture::mysql().await, Some(Fixture::memory())];
    for fixture in others.into_iter().flatten() {
        assert_eq!(dumps(&fixture).await, of_a_file);
        fixture.end().await;
    }
}

/// Rows that a hand has changed are told by no one but the file itself: the tables are plain tables.
#[tokio::test]
async fn a_file_is_a_plain_database() {
    let fixture = Fixture::sqlite();
    let store = fixture.open().await;
    let (epoch, _) = take_over(store.as_ref()).await;
    Step::new(epoch, 1, vec![effect(0, "a", [label(1, "x")])]).ok(store.as_ref()).await;
    let Place::Sqlite(dir) = &fixture.place else { unreachable!("made above") };
    let url = format!("sqlite://{}", dir.path().join("kit_test.db").display());
    let mut connection = SqliteConnection::connect(&url).await.expect("any tool opens it");
    let (labels,): (String,) =
        sqlx::query_as("SELECT group_concat(label) FROM things").fetch_one(&mut connection).await.expect("SQL");
    assert_eq!(labels, "x");
}
