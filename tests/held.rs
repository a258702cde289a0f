//! Holding: a poison record and the later ones of its key wait, all others flow, and they come back in their order.

mod lane;
mod on_topics;
mod web;

use std::{collections::BTreeMap, sync::OnceLock, time::Duration};

use coursebus_tests::{Background, Database, Line, MysqlDatabase, matrix, wait_until};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);
const CREATED: &str = "org.openedx.learning.course.enrollment.created.v1";
const CHANGED: &str = "org.openedx.learning.course.enrollment.changed.v1";
const COURSE: &str = "course-v1:edX+Held+2026";
/// One course, so that all events share a record key; the learner is the rest of the order key.
const LEARNERS: i64 = 5;
/// The learner with the poison event, and its number among the learner's events.
const POISONED: (i64, usize) = (2, 2);
/// How many events each learner has before the sink is killed, and in all.
const BEFORE: usize = 5;
const EVENTS: usize = 7;

/// An enrollment whose mode tells which event it is of.
fn enrollment(learner: i64, number: usize, created: &str) -> Value {
    json!({"enrollment": {
        "user": {"id": learner, "is_active": true, "pii": {"username": "u", "email": "e", "name": "n"}},
        "course": {"course_key": COURSE, "display_name": "Held", "start": null, "end": null},
        "mode": format!("mode-{number}"),
        "is_active": number.is_multiple_of(2),
        "creation_date": created,
        "created_by": null,
    }})
}

const SOUND: &str = "2026-01-01T00:00:00+00:00";

/// Emits events `from` to `to` of all learners in turn. The poisoned one has a time that is none, where there is poison.
fn emit(line: &Line, from: usize, to: usize, with_poison: bool) {
    for number in from..to {
        let event = |learner| {
            let is_poison = with_poison && (learner, number) == POISONED;
            let data = enrollment(learner, number, if is_poison { "tomorrow" } else { SOUND });
            json!({"id": format!("{learner}-{number}"), "source": "lms", "data": data}).to_string()
        };
        let events: Vec<String> = (0..LEARNERS).map(event).collect();
        let event_type = if number == 0 { CREATED } else { CHANGED };
        line.cli().run_with(["event", "emit", event_type], &events.join("\n")).ok();
    }
}

fn run<'a>(db: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["sink", "run", "credentials", "--audit", "--session-timeout", "6s", "--db", db], more].concat()
}

/// Rows with audit columns. A chain is of a partition, whose name differs from line to line.
fn rows(line: &Line, db: &str) -> BTreeMap<i64, Value> {
    let mut rows = BTreeMap::new();
    for mut row in line.dump("credentials", db, true).json_lines() {
        let chain: Vec<Value> = row["chain"].as_object().unwrap().values().cloned().collect();
        row["chain"] = chain.into();
        rows.insert(row["key"][1].as_i64().unwrap(), row);
    }
    rows
}

/// The rows of a line on which the event was sound from the beginning; made once.
fn undisturbed() -> &'static BTreeMap<i64, Value> {
    static ROWS: OnceLock<BTreeMap<i64, Value>> = OnceLock::new();
    ROWS.get_or_init(|| {
        let line = Line::embedded();
        emit(&line, 0, EVENTS, false);
        line.cli().run(run("sqlite:db", &["--until-caught-up", "--timeout", "60s"])).ok();
        rows(&line, "sqlite:db")
    })
}

/// Lost, duplicated, out of order; held.
fn audit(line: &Line, db: &str) -> ([u64; 3], u64) {
    let report = line.cli().run(["sink", "audit", "credentials", "--db", db, "-o", "json"]).json();
    let of = |name: &str| report[0][name].as_u64().unwrap();
    ([of("lost"), of("duplicated"), of("out_of_order")], of("held"))
}

/// Held records by offset.
fn held(line: &Line, db: &str) -> Vec<Value> {
    let list = line.cli().run(["held", "list", "credentials", "--flat", "--db", db, "-o", "json"]).ok().json();
    list.as_array().unwrap().clone()
}

/// Waits until a running sink has taken everything that is on its topics.
fn wait_until_at_the_end(line: &Line, db: &str) {
    wait_until("the end of the topics", LIMIT, || {
        let status = line.cli().run(["sink", "status", "credentials", "--db", db, "-o", "json"]).ok().json();
        status.as_array().unwrap().iter().all(|p| p["lag_bound"] == 0).then_some(())
    });
}

fn outcomes(retried: &Value) -> Vec<(i64, &str)> {
    let row = |row: &'_ Value| row["offset"].as_i64().unwrap();
    retried.as_array().unwrap().iter().map(|r| (row(r), r["outcome"].as_str().unwrap())).collect()
}

#[test]
fn a_key_waits_and_comes_back_in_order_on_the_embedded_bus_and_sqlite() {
    matrix("held", "embedded", "sqlite");
    check(&Line::embedded(), "sqlite:db");
}

#[test]
fn a_key_waits_and_comes_back_in_order_on_kafka_and_postgres() {
    let Some(database) = Database::fresh() else { return };
    let expected = undisturbed();
    let Some(line) = Line::kafka() else { return };
    matrix("held", "kafka", "postgres");
    assert_eq!(expected.len() as i64, LEARNERS);
    check(&line, &database.url());
}

#[test]
fn a_key_waits_and_comes_back_in_order_on_the_embedded_bus_and_mysql() {
    let Some(database) = MysqlDatabase::fresh() else { return };
    matrix("held", "embedded", "mysql");
    check(&Line::embedded(), &database.url());
}

fn check(line: &Line, db: &str) {
    let cli = line.cli();
    let (learner, number) = POISONED;
    emit(line, 0, BEFORE, true);
    let first: Background = cli.start(run(db, &[]));
    wait_until_at_the_end(line, db);

    // The poison and what followed it under its key are parked; all others went on, though they share the record key.
    let parked = held(line, db);
    let cause = parked[0].clone();
    assert_eq!(parked.len(), BEFORE - number, "{parked:?}");
    assert!(parked.iter().all(|row| row["state"] == "parked" && row["code"] == "refused"), "{parked:?}");
    assert!(parked.iter().all(|row| row["key"] == json!([COURSE, learner])), "{parked:?}");
    assert_eq!((&cause["behind"], &cause["id"]), (&Value::Null, &json!(format!("{learner}-{number}"))));
    assert!(parked[1..].iter().all(|row| row["behind"] == cause["offset"]), "{parked:?}");
    let applied =
        |rows: &BTreeMap<i64, Value>| rows.values().map(|row| row["applied"].as_u64().unwrap()).collect::<Vec<_>>();
    let so_far =
        |all: usize| (0..LEARNERS).map(|l| if l == learner { number as u64 } else { all as u64 }).collect::<Vec<_>>();
    assert_eq!(applied(&rows(line, db)), so_far(BEFORE));
    assert_eq!(audit(line, db), ([0, 0, 0], parked.len() as u64));
    let causes = cli.run(["held", "list", "credentials", "--db", db, "-o", "json"]).ok().json();
    assert_eq!(
        (causes.as_array().unwrap().len(), &causes[0]["count"], &causes[0]["waiting"]),
        (1, &json!(3), &json!(2))
    );

    // Killed and run again, it still waits, and what comes now waits with it.
    first.kill();
    emit(line, BEFORE, EVENTS, true);
    let second = cli.start(run(db, &[]));
    wait_until_at_the_end(line, db);
    assert_eq!(held(line, db).len(), EVENTS - number);
    assert_eq!(applied(&rows(line, db)), so_far(EVENTS));
    assert_eq!(audit(line, db), ([0, 0, 0], (EVENTS - number) as u64));

    // As it is it fails again, and the rest stays where it is.
    let place = format!("{}/{}", cause["topic"].as_str().unwrap(), cause["partition"]);
    let offset = cause["offset"].to_string();
    let retry = ["held", "retry", "credentials", &place, &offset, "--db", db, "-o", "json", "--by", "tester"];
    let failed = cli.run(retry).code(3).json();
    let [cause_outcome, behind @ ..] = &outcomes(&failed)[..] else { panic!("{failed}") };
    assert_eq!(*cause_outcome, (cause["offset"].as_i64().unwrap(), "failed"));
    assert!(behind.len() == EVENTS - number - 1 && behind.iter().all(|(_, outcome)| *outcome == "behind"), "{failed}");
    assert_eq!(applied(&rows(line, db)), so_far(EVENTS));

    // An edit must fit and keep its key; it is applied in the place of the original, and the rest follows.
    let edit = ["held", "edit", "credentials", &place, &offset, "--file", "-", "--db", db, "--by", "tester"];
    let other_key = enrollment(learner + 1, number, SOUND).to_string();
    assert!(cli.run_with(edit, &other_key).code(1).stderr().contains("changes the order key"));
    assert!(cli.run_with(edit, r#"{"enrollment": {}}"#).code(1).stderr().contains("held-edit"));
    let edited = cli.run_with(edit, &enrollment(learner, number, SOUND).to_string()).ok().json();
    assert_eq!(edited["data"]["enrollment"]["creation_date"], "tomorrow", "the original is kept");
    assert_eq!(edited["edited_data"]["enrollment"]["creation_date"], SOUND);
    let dry =
        ["held", "retry", "credentials", "--key", &cause["key"].to_string(), "--dry-run", "--db", db, "-o", "json"];
    assert_eq!(outcomes(&cli.run(dry).ok().json())[0].1, "would be tried");
    assert_eq!(applied(&rows(line, db)), so_far(EVENTS), "a dry run changes nothing");
    let came_back = cli.run(retry).ok().json();
    assert!(outcomes(&came_back).iter().all(|(_, outcome)| *outcome == "applied"), "{came_back}");
    second.interrupt();
    second.end_within(LIMIT).ok();

    // Nothing is left of it, but the log of what was done.
    cli.run(run(db, &["--until-caught-up", "--timeout", "60s"])).ok();
    assert_eq!(held(line, db), [] as [Value; 0]);
    assert_eq!(rows(line, db), *undisturbed());
    assert_eq!(audit(line, db), ([0, 0, 0], 0));
    let log = cli.run(["held", "log", "credentials", "--db", db, "-o", "json"]).ok().json();
    let verbs: Vec<_> =
        log.as_array().unwrap().iter().map(|e| (e["verb"].as_str().unwrap(), e["by"].as_str().unwrap())).collect();
    let by_hand = verbs.iter().filter(|(_, by)| *by == "tester").map(|(verb, _)| *verb);
    assert_eq!(by_hand.collect::<Vec<_>>(), ["retry", "edit", "retry"], "{log}");
    let by_sink = |verb: &str| verbs.iter().filter(|found| **found == (verb, "the sink")).count();
    assert_eq!((by_sink("failed"), by_sink("applied")), (1, EVENTS - number), "{log}");
}

/// The request stays until a sink runs, and a sink that ends when it has caught up answers it before.
#[test]
fn a_request_waits_for_the_sink() {
    matrix("held", "embedded", "sqlite");
    let line = Line::embedded();
    let db = "sqlite:db";
    emit(&line, 0, EVENTS, true);
    let until_caught_up = run(db, &["--until-caught-up", "--timeout", "60s"]);
    line.cli().run(until_caught_up.clone()).ok();
    assert_eq!(held(&line, db).len(), EVENTS - POISONED.1);
    let all = ["held", "retry", "credentials", "--all", "--db", db, "--timeout", "0s"];
    let waiting = line.cli().run(all).code(1);
    assert!(
        waiting.stdout().contains("waiting") && waiting.stderr().contains("coursebus sink run credentials"),
        "{waiting}"
    );
    // Given up instead: the rest follows, and is applied when the sink comes by.
    let (id, reason) = (format!("{}-{}", POISONED.0, POISONED.1), "a time that is none");
    let discard = ["held", "discard", "credentials", "--id", &id, "--reason", reason, "--db", db, "-o", "json"];
    assert_eq!(line.cli().run(discard).ok().json()[0]["state"], "discarded");
    line.cli().run(until_caught_up).ok();
    let left = held(&line, db);
    assert_eq!((left.len(), &left[0]["state"], &left[0]["id"]), (1, &json!("discarded"), &json!(id)));
    assert_eq!(rows(&line, db)[&POISONED.0]["applied"], EVENTS - 1);
    assert_eq!(audit(&line, db), ([0, 0, 0], 1), "a discarded record is counted apart");
    let nothing = line.cli().run(["held", "retry", "credentials", "--all", "--db", db]).code(1);
    assert!(nothing.stderr().contains("not-held"), "{nothing}");
    line.cli().run(["held", "retry", "credentials", "--db", db]).code(2);
}
