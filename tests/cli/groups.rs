//! `group list | describe | reset | replay`, `event trace`, `sink run --accept-gap`, and what an audit says afterwards.

use std::time::Duration;

use coursebus_tests::{Background, Cli, Line, matrix};
use coursebus_transport::{Log, Settings, Sync, embedded::EmbeddedLog};
use serde_json::{Value, json};

use super::{PLAN, RUN, emit, names, plan, run};

const LIMIT: Duration = Duration::from_secs(60);
const EVER: [&str; 4] = ["--from", "2020-01-01T00:00:00Z", "--to", "2100-01-01T00:00:00Z"];

fn runs(count: usize) -> Vec<String> {
    (0..count).map(|n| run(&format!("course-v1:OU+C+{n}"))).collect()
}

#[track_caller]
fn catch_up(cli: &Cli, sink: &str) {
    cli.run(["sink", "run", sink, "--until-caught-up"]).ok();
}

#[track_caller]
fn describe(cli: &Cli, group: &str) -> Value {
    cli.run(["group", "describe", group, "-o", "json"]).ok().json()
}

/// The sum of a number over the partitions of a description.
#[track_caller]
fn sum(described: &Value, field: &str) -> i64 {
    let partitions = described["partitions"].as_array().unwrap();
    partitions.iter().map(|p| p[field].as_i64().unwrap_or_default()).sum()
}

#[track_caller]
fn reset(cli: &Cli, args: &[&str]) -> Vec<Value> {
    let reset = cli.run([&["group", "reset"], args, &["-o", "json"]].concat()).ok();
    reset.json().as_array().unwrap().clone()
}

fn dump(cli: &Cli, args: &[&str]) -> String {
    cli.run([&["sink", "dump", "discovery"], args].concat()).ok().stdout().to_owned()
}

/// A sink that runs, once it has partitions.
fn running(cli: &Cli, session: &str) -> Background {
    let mut sink = cli.start(["sink", "run", "discovery", "--session-timeout", session, "--listen", "127.0.0.1:0"]);
    sink.ready();
    let look = |_: &Background| (!describe(cli, "discovery")["members"].as_array()?.is_empty()).then_some(());
    sink.wait_for("a member", LIMIT, look);
    sink
}

#[test]
fn a_group_is_described_with_lag_and_moved_back_without_a_row_lost() {
    for line in [Some(Line::embedded()), Line::kafka()].into_iter().flatten() {
        matrix("groups", line.backend(), "sqlite");
        let cli = line.cli();
        emit(cli, RUN, &runs(12));
        let before = describe(cli, "discovery");
        let fields = ["group", "sink", "rebalancing", "members", "partitions", "held"];
        assert_eq!(names(&before), fields);
        assert_eq!((sum(&before, "lag_bound"), sum(&before, "position")), (12, 0));
        let late = before["partitions"].as_array().unwrap().iter().filter(|p| p["lag_seconds"].as_f64() > Some(0.0));
        assert!(late.count() > 0, "{before}");

        catch_up(cli, "discovery");
        let rows = dump(cli, &[]);
        let after = describe(cli, "coursebus-discovery");
        assert_eq!((sum(&after, "lag_bound"), sum(&after, "epoch")), (0, 4));
        let ends = sum(&after, "end");
        assert_eq!((sum(&after, "position"), sum(&after, "committed")), (ends, ends));

        let planned = reset(cli, &["discovery", "--to", "earliest", "--dry-run"]);
        assert_eq!(names(&planned[0]), ["topic", "partition", "from", "to", "held_removed"]);
        assert_eq!(describe(cli, "discovery")["partitions"], after["partitions"], "a dry run changes nothing");
        assert_eq!(reset(cli, &["discovery", "--to", "earliest"]), planned);
        let moved = describe(cli, "discovery");
        assert_eq!((sum(&moved, "position"), sum(&moved, "committed"), sum(&moved, "epoch")), (0, 0, 8));
        catch_up(cli, "discovery");
        assert_eq!(dump(cli, &[]), rows);
        assert_eq!(sum(&describe(cli, "discovery"), "position"), ends);

        let listed = cli.run(["group", "list", "-o", "json"]).ok().json();
        let listed = listed.as_array().unwrap().iter().find(|g| g["group"] == "coursebus-discovery").unwrap();
        assert_eq!((&listed["sink"], &listed["members"]), (&json!("discovery"), &json!(0)));
    }
}

#[test]
fn a_reset_goes_to_a_time_an_offset_a_shift_of_one_partition() {
    matrix("groups", "embedded", "sqlite");
    let line = Line::embedded();
    let cli = line.cli();
    let emitted = emit(cli, RUN, &runs(12));
    catch_up(cli, "discovery");
    let topic = emitted[0]["topic"].as_str().unwrap();
    let (partition, count) = (0..4)
        .map(|p| (p, emitted.iter().filter(|e| e["partition"] == p).count()))
        .find(|(_, count)| *count > 1)
        .unwrap();
    let one = format!("{topic}/{partition}");
    let to = |args: &[&str]| {
        let rows = reset(cli, &[&["discovery", "--topic", &one, "--dry-run"], args].concat());
        assert_eq!((rows.len(), &rows[0]["partition"]), (1, &json!(partition)));
        rows[0]["to"].as_i64().unwrap()
    };
    assert_eq!(to(&["--to", "1"]), 1);
    assert_eq!(to(&["--to-offset", "1"]), 1);
    assert_eq!(to(&["--shift", "-1"]), count as i64 - 1);
    assert_eq!(to(&["--shift", "-100"]), 0);
    assert_eq!(to(&["--to", "latest"]), count as i64);
    assert_eq!(to(&["--to", "2020-01-01T00:00:00Z"]), 0);
    assert_eq!(to(&["--to", "2100-01-01T00:00:00Z"]), count as i64);
    let far = cli.run(["group", "reset", "discovery", "--topic", &one, "--to", "1000"]).code(1);
    assert!(far.stderr().starts_with("error[position-out-of-range]: "), "{far}");
    for wrong in [
        &["discovery"][..],
        &["discovery", "--to", "1", "--shift", "1"],
        &["discovery", "--to", "yesterday"],
        &["discovery", "--to", "earliest", "--topic", "nosuch"],
        &["nosuch-group", "--to", "earliest"],
        &["nosuch-group", "--to", "earliest", "--fence"],
    ] {
        cli.run([&["group", "reset"], wrong].concat()).code(2);
    }
}

#[test]
fn a_reset_removes_held_records_that_are_met_again_and_they_are_held_once() {
    matrix("groups", "embedded", "sqlite");
    let line = Line::embedded();
    let cli = line.cli();
    // A date that is none: the sink refuses it, the schema does not.
    let wrong = run("course-v1:OU+C+wrong").replace("2026-02-01T00:00:00Z", "soon");
    emit(cli, RUN, &[runs(4), vec![wrong]].concat());
    catch_up(cli, "discovery");
    let held = || cli.run(["held", "list", "--flat", "-o", "json"]).ok().json().as_array().unwrap().len();
    assert_eq!(held(), 1);
    let planned = reset(cli, &["discovery", "--to", "earliest", "--dry-run"]);
    assert_eq!(planned.iter().filter_map(|row| row["held_removed"].as_u64()).sum::<u64>(), 1);
    let told = cli.run(["group", "reset", "discovery", "--to", "earliest"]).ok();
    assert!(told.stderr().contains("1 held records were removed"), "{told}");
    assert_eq!(held(), 0);
    catch_up(cli, "discovery");
    assert_eq!((held(), dump(cli, &[]).lines().count()), (1, 4));
}

#[test]
fn members_that_run_refuse_a_reset_and_fenced_they_write_nothing_more() {
    matrix("groups", "embedded", "sqlite");
    let line = Line::embedded();
    let cli = line.cli();
    emit(cli, RUN, &runs(8));
    catch_up(cli, "discovery");
    let mut sink = running(cli, "200ms");
    let refused = cli.run(["group", "reset", "discovery", "--to", "earliest"]).code(1);
    assert!(refused.stderr().starts_with("error[group-active]: "), "{refused}");
    reset(cli, &["discovery", "--to", "earliest", "--fence"]);
    emit(cli, RUN, &[run("course-v1:OU+C+late")]);
    sink.wait_for("what it says", LIMIT, |sink| sink.stderr().contains("error[fenced]").then_some(()));
    sink.end_within(LIMIT).code(1);
    assert_eq!(sum(&describe(cli, "discovery"), "position"), 0, "it moved nothing after it was fenced");
    catch_up(cli, "discovery");
    assert_eq!(dump(cli, &[]).lines().count(), 9);
}

#[test]
fn of_two_processes_of_one_name_the_older_ends() {
    matrix("groups", "embedded", "sqlite");
    let line = Line::embedded();
    let cli = line.cli();
    emit(cli, RUN, &runs(8));
    let start = || cli.start(["sink", "run", "discovery", "--session-timeout", "30s", "--instance", "one"]);
    let applied = |count| move |_: &Background| (sum(&describe(cli, "discovery"), "position") == count).then_some(());
    let mut older = start();
    older.wait_for("the events are applied", LIMIT, applied(8));
    let mut newer = start();
    let said = |sink: &Background| sink.stderr().contains("error[fenced]").then(|| sink.stderr());
    let said = older.wait_for("the older one is out", LIMIT, said);
    assert!(said.contains("with the name one has taken this one's place"), "{said}");
    older.end_within(LIMIT).code(1);
    emit(cli, RUN, &[run("course-v1:OU+C+late")]);
    newer.wait_for("the newer one goes on, before the session of the older is over", LIMIT / 4, applied(9));
    newer.interrupt();
    newer.end_within(LIMIT).ok();
}

#[test]
fn a_plain_group_is_moved_on_the_bus() {
    for line in [Some(Line::embedded()), Line::kafka()].into_iter().flatten() {
        matrix("groups", line.backend(), "none");
        let cli = line.cli();
        let emitted = emit(cli, RUN, &runs(8));
        let topic = emitted[0]["topic"].as_str().unwrap();
        let group = coursebus_tests::unique("plain");
        let moved = reset(cli, &[&group, "--to", "latest", "--topic", topic]);
        assert_eq!(moved.iter().filter_map(|row| row["to"].as_i64()).sum::<i64>(), 8);
        assert_eq!((&moved[0]["from"], &moved[0]["held_removed"]), (&Value::Null, &Value::Null));
        let described = describe(cli, &group);
        assert_eq!((sum(&described, "committed"), &described["sink"]), (8, &Value::Null));
        reset(cli, &[&group, "--shift", "-100"]);
        assert_eq!(sum(&describe(cli, &group), "position"), 0);
    }
}

#[test]
fn after_a_reset_an_audit_refuses_instead_of_counting() {
    matrix("groups", "embedded", "sqlite");
    let line = Line::embedded();
    let cli = line.cli();
    emit(cli, RUN, &runs(4));
    cli.run(["sink", "run", "discovery", "--audit", "--until-caught-up"]).ok();
    cli.run(["sink", "audit", "discovery"]).ok();
    let told = cli.run(["group", "reset", "discovery", "--to", "earliest"]).ok();
    assert!(told.stderr().contains("the audit columns were removed"), "{told}");
    for _ in 0..2 {
        let refused = cli.run(["sink", "audit", "discovery"]).code(1);
        assert!(refused.stderr().starts_with("error[not-audited]: "), "{refused}");
        cli.run(["sink", "run", "discovery", "--audit", "--until-caught-up"]).ok();
    }
}

#[test]
fn an_audit_against_another_bus_refuses() {
    matrix("groups", "embedded", "sqlite");
    let line = Line::embedded();
    let cli = line.cli();
    emit(cli, RUN, &runs(4));
    cli.run(["sink", "run", "discovery", "--audit", "--until-caught-up"]).ok();
    cli.run(["--bus", "embedded:other", "apply"]).ok();
    let refused = cli.run(["--bus", "embedded:other", "sink", "audit", "discovery"]).code(1);
    assert!(refused.stderr().starts_with("error[other-log]: "), "{refused}");
    assert_eq!(refused.stdout(), "");
    cli.run(["sink", "audit", "discovery"]).ok();
}

/// Deletes a topic of the embedded bus of a test, as nobody should.
fn delete_topic(cli: &Cli, topic: &str) {
    let log = EmbeddedLog::open(&cli.dir().join("bus"), Sync::Os, &Settings::default()).unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(log.delete_topic(topic)).unwrap();
}

#[test]
fn a_recreated_topic_stops_a_sink_until_the_gap_is_accepted() {
    matrix("groups", "embedded", "sqlite");
    let line = Line::embedded();
    let cli = line.cli();
    let topic = emit(cli, RUN, &runs(8))[0]["topic"].as_str().unwrap().to_owned();
    cli.run(["sink", "run", "discovery", "--audit", "--until-caught-up"]).ok();
    delete_topic(cli, &topic);
    cli.run(["apply"]).ok();
    emit(cli, RUN, &[run("course-v1:OU+C+new")]);
    let problems = |described: &Value| {
        described["partitions"].as_array().unwrap().iter().filter(|p| !p["problem"].is_null()).count()
    };
    let stopped = cli.run(["sink", "run", "discovery", "--audit", "--until-caught-up"]).code(1);
    assert!(stopped.stderr().contains("error[position-out-of-range]: "), "{stopped}");
    assert!(stopped.stderr().contains("made again") && stopped.stderr().contains("--accept-gap"), "{stopped}");
    let audited = cli.run(["sink", "audit", "discovery"]).code(1);
    assert!(audited.stderr().starts_with("error[other-log]: "), "{audited}");
    let described = describe(cli, "discovery");
    assert!(problems(&described) > 0 && sum(&described, "gaps") == 0, "{described}");

    cli.run(["sink", "run", "discovery", "--until-caught-up", "--accept-gap"]).ok();
    let described = describe(cli, "discovery");
    assert!(problems(&described) == 0 && sum(&described, "gaps") > 0, "{described}");
    assert_eq!(dump(cli, &[]).lines().count(), 9);
    let audited = cli.run(["sink", "audit", "discovery"]).code(1);
    assert!(audited.stderr().starts_with("error[not-audited]: "), "{audited}");
    catch_up(cli, "discovery");
}

#[test]
fn a_replay_fills_fresh_tables_with_what_was_emitted_in_a_time() {
    for line in [Some(Line::embedded()), Line::kafka()].into_iter().flatten() {
        matrix("groups", line.backend(), "sqlite");
        let cli = line.cli();
        emit(cli, RUN, &runs(6));
        catch_up(cli, "discovery");
        let before = describe(cli, "discovery");
        let replay = |target: &str, window: &[&str]| {
            cli.run([&["group", "replay", "discovery", "--into-db", target], window].concat())
        };
        let told = replay("sqlite:replayed", &EVER).ok().json();
        assert_eq!(names(&told), ["sink", "into", "records", "held", "partitions"]);
        assert_eq!((&told["records"], &told["held"]), (&json!(6), &json!(0)));
        assert_eq!(dump(cli, &["--db", "sqlite:replayed"]), dump(cli, &[]));
        assert_eq!(describe(cli, "discovery"), before, "the sink's own group is not touched");

        let refused = replay("sqlite:replayed", &EVER).code(1);
        assert!(refused.stderr().starts_with("error[replay]: the target is not empty"), "{refused}");
        replay("sqlite:.coursebus/db", &EVER).code(2);
        let none = ["--from", "2020-01-01T00:00:00Z", "--to", "2020-01-02T00:00:00Z"];
        assert_eq!(replay("sqlite:nothing", &none).ok().json()["records"], 0);

        // Both ends of the window count: what is at `--from` is in it, what is at `--to` is not.
        // One partition has records on both sides.
        let later = emit(cli, RUN, &runs(1)).remove(0);
        let topic = later["topic"].as_str().unwrap();
        let seen = super::tail(cli, &[topic, "--from", "earliest"]);
        let at = seen.iter().find(|event| event["id"] == later["id"]).unwrap()["timestamp"].as_str().unwrap();
        let before = ["--from", "2020-01-01T00:00:00Z", "--to", at];
        assert_eq!(replay("sqlite:before", &before).ok().json()["records"], 6);
        let after = ["--from", at, "--to", "2100-01-01T00:00:00Z"];
        assert_eq!(replay("sqlite:after", &after).ok().json()["records"], 1);
    }
}

#[test]
fn an_event_is_found_and_each_sink_says_where_it_stands() {
    for line in [Some(Line::embedded()), Line::kafka()].into_iter().flatten() {
        matrix("groups", line.backend(), "sqlite");
        let cli = line.cli();
        let emitted = emit(cli, PLAN, &[plan("p1")]).remove(0);
        let id = emitted["id"].as_str().unwrap();
        let trace = |args: &[&str]| cli.run([&["event", "trace", id, "-o", "json"], args].concat());
        let found = trace(&[]).ok().json();
        let place = &found[0];
        for field in ["topic", "partition", "offset"] {
            assert_eq!(place[field], emitted[field]);
        }
        assert_eq!((found.as_array().unwrap().len(), &place["type"]), (1, &json!(PLAN)));
        assert_eq!(place["groups"][0]["group"], "coursebus-license_manager");
        assert_eq!(place["groups"][0]["state"], "waiting");
        catch_up(cli, "license_manager");
        let narrow = ["--type", PLAN, "--from", "2020-01-01T00:00:00Z"];
        assert_eq!(trace(&narrow).ok().json()[0]["groups"][0]["state"], "applied");
        // The next one of its partition is the first that waits.
        let next = emit(cli, PLAN, &[plan("p1")]).remove(0);
        let found = cli.run(["event", "trace", next["id"].as_str().unwrap(), "-o", "json"]).ok().json();
        let group = &found[0]["groups"][0];
        assert_eq!((&group["state"], &group["behind_bound"]), (&json!("waiting"), &json!(1)));

        let later = trace(&["--from", "2100-01-01T00:00:00Z"]).code(1);
        assert!(later.stderr().starts_with("error[not-found]: ") && later.stderr().contains("looked at 0"), "{later}");
        let missing = cli.run(["event", "trace", "nosuch"]).code(1);
        assert!(missing.stderr().contains("looked at"), "{missing}");
    }
}

#[test]
fn a_held_event_is_traced_to_its_cause() {
    matrix("groups", "embedded", "sqlite");
    let line = Line::embedded();
    let cli = line.cli();
    let wrong = run("course-v1:OU+C+wrong").replace("2026-02-01T00:00:00Z", "soon");
    let emitted = emit(cli, RUN, &[wrong]).remove(0);
    catch_up(cli, "discovery");
    let found = cli.run(["event", "trace", emitted["id"].as_str().unwrap(), "-o", "json"]).ok().json();
    let group = &found[0]["groups"][0];
    assert_eq!((&group["state"], &group["code"]), (&json!("parked"), &json!("refused")));
    let described = describe(cli, "discovery");
    assert_eq!(described["held"], json!([{"state": "parked", "code": "refused", "count": 1}]));
}
