//! What goes wrong, told in three lines with an exit code.

use std::{fs, path::Path};

use coursebus_tests::{Cli, Output, kafka_bootstrap, matrix, unique};

use super::{PLAN, emit, plan, tail};

/// A run as one would see it in a terminal.
fn shown(args: &[&str], input: &str, output: &Output) -> String {
    let input = if input.is_empty() { String::new() } else { format!("echo '{input}' | ") };
    format!("$ {input}coursebus {}\n{}", args.join(" "), output.stderr())
}

/// Holds that a command fails with an error of three lines that has a page, and nothing on standard output.
#[track_caller]
fn fails(cli: &Cli, args: &[&str], input: &str, code: i32) -> String {
    let output = cli.run_with(args, input).code(code);
    let lines: Vec<&str> = output.stderr().lines().collect();
    let [what, to, next] = lines[..] else { panic!("not three lines: {output}") };
    let page = what.strip_prefix("error[").and_then(|rest| rest.split_once("]: ")).map(|(code, _)| code);
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../docs/errors/{}.md", page.unwrap()));
    assert!(page.exists(), "{} is missing: {output}", page.display());
    assert!(to.starts_with("   to: ") && to.len() > 7 && next.starts_with("   do: ") && next.len() > 7, "{output}");
    assert_eq!(output.stdout(), "");
    shown(args, input, &output) + &format!("=> {code}\n\n")
}

#[test]
fn an_error_says_what_happened_to_what_and_what_to_do() {
    matrix("cli", "embedded", "sqlite");
    let cli = Cli::new();
    // A new bus is announced, and these are about errors only.
    cli.run(["apply"]).ok();
    fs::write(cli.dir().join("broken.avsc"), r#"{"type":"#).unwrap();
    fs::write(cli.dir().join("a-file"), "").unwrap();
    let usage = [
        vec!["sink", "run", "nosuch"],
        vec!["sink", "dump", "nosuch"],
        vec!["--bus", "redis://x", "topic", "list"],
        vec!["--db", "oracle://x", "sink", "dump", "credentials"],
        vec!["event", "tail", "--from", "yesterday"],
        vec!["--bus", "kafka://127.0.0.1:1", "apply"],
    ];
    let failed = [
        vec!["--bus", "embedded:a-file/bus", "topic", "list"],
        vec!["event", "show", "nosuch.v1"],
        vec!["event", "emit", "nosuch.v1"],
        vec!["event", "emit", PLAN, "--file", "nosuch.jsonl"],
        vec!["event", "tail", "nosuch"],
        vec!["event", "import", "oulad", "nosuch"],
        vec!["topic", "describe", "nosuch"],
        vec!["schema", "show", "nosuch"],
        vec!["schema", "register", "subject", "broken.avsc"],
        vec!["schema", "register", "subject", "nosuch.avsc"],
        vec!["schema", "list", "--registry", "http://127.0.0.1:1"],
        vec!["held", "show", "credentials", "dev-course-run-lifecycle/0", "7"],
        vec!["up", "--credentials", "nosuch.txt"],
        vec!["up", "--credentials", "a-file"],
    ];
    let all: String = usage
        .iter()
        .map(|args| fails(&cli, args, "", 2))
        .chain(failed.iter().map(|args| fails(&cli, args, "", 1)))
        .collect();
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!("errors", all) });
}

#[test]
fn a_line_that_is_no_event_is_named_and_those_before_it_are_kept() {
    matrix("cli", "embedded", "none");
    let cli = Cli::new();
    cli.run(["apply"]).ok();
    let wrong = [
        "nonsense",
        "[1]",
        r#"{"plan":{"plan_uuid":"x"}}"#,
        r#"{"plan":{"plan_uuid":"x","title":7,"starts":"","expires":""}}"#,
        r#"{"data":{"nosuch":1}}"#,
        r#"{"type":"other","data":{}}"#,
        r#"{"id":7,"data":{}}"#,
        r#"{"id":"","data":{}}"#,
        r#"{"time":"yesterday","data":{}}"#,
    ];
    let all: String = wrong.iter().map(|line| fails(&cli, &["event", "emit", PLAN], line, 1)).collect();
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!("lines", all) });
    assert_eq!(tail(&cli, &["--from", "earliest"]).len(), 0);

    let lines = [plan("p1"), plan("p2"), r#"{"plan":"hush"}"#.to_owned(), plan("p4")].join("\n");
    let output = cli.run_with(["event", "emit", PLAN], &lines).code(1);
    let printed = output.json_lines();
    assert!(output.stderr().contains("to: line 3\n"), "{output}");
    assert!(!output.stderr().contains("hush"), "what an event says is not shown: {output}");
    let there = tail(&cli, &["--from", "earliest"]);
    let ids = |events: &[serde_json::Value]| {
        let mut ids: Vec<String> = events.iter().map(|event| event["id"].to_string()).collect();
        ids.sort();
        ids
    };
    assert_eq!((printed.len(), ids(&printed)), (2, ids(&there)));
}

#[test]
fn half_a_row_in_an_export_is_named_and_nothing_is_emitted() {
    matrix("cli", "embedded", "none");
    let cli = Cli::new();
    let export = cli.dir().join("export");
    fs::create_dir(&export).unwrap();
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cli/demo");
    for file in fs::read_dir(demo).unwrap().map(|entry| entry.unwrap()) {
        fs::copy(file.path(), export.join(file.file_name())).unwrap();
    }
    // A whole one is imported.
    let summary = cli.run(["event", "import", "oulad", "export", "--bus", "embedded:whole", "-o", "json"]).ok().json();
    assert_eq!(super::names(&summary), ["emitted", "seconds", "counts"]);
    assert_eq!(summary["emitted"], 241);

    cli.run(["apply"]).ok();
    let mut text = fs::read_to_string(export.join("studentAssessment.csv")).unwrap();
    let last = text.lines().count();
    text.truncate(text.len() - 5);
    fs::write(export.join("studentAssessment.csv"), &text).unwrap();
    let error = fails(&cli, &["event", "import", "oulad", "export"], "", 1);
    assert!(error.contains(&format!("export/studentAssessment.csv, line {last} ")), "{error}");
    assert!(error.contains("nothing was emitted"), "{error}");

    // Half a row in the middle, and one that ends where a row might.
    let middle = text.replacen('\n', "\n501,10\n", 3).replacen("\n501,10\n", "\n", 2);
    fs::write(export.join("studentAssessment.csv"), middle + "\n").unwrap();
    let error = fails(&cli, &["event", "import", "oulad", "export"], "", 1);
    assert!(error.contains("export/studentAssessment.csv, line 4"), "{error}");

    assert_eq!(tail(&cli, &["--from", "earliest"]).len(), 0);
}

#[test]
fn what_the_catalogue_was_not_applied_to_says_so() {
    let Some(bootstrap) = kafka_bootstrap() else { return };
    matrix("cli", "kafka", "sqlite");
    let cli = Cli::new()
        .env("COURSEBUS_BUS", format!("kafka://{bootstrap}"))
        .env("COURSEBUS_TOPIC_PREFIX", unique("test").replace('_', "-"));
    fs::write(cli.dir().join("one.avsc"), r#""string""#).unwrap();
    let sink = ["sink", "run", "discovery", "--until-caught-up"];
    for args in [&sink[..], &["event", "emit", PLAN]] {
        let error = fails(&cli, args, &plan("p1"), 1);
        assert!(error.contains("error[unknown-topic]: ") && error.contains("coursebus apply"), "{error}");
    }
    // Without a registry there is only a view of what is registered.
    let error = fails(&cli, &["schema", "register", "s", "one.avsc"], "", 1);
    assert!(error.contains("--registry URL"), "{error}");
}

#[test]
fn a_broker_that_is_away_is_told_once_and_in_time() {
    matrix("cli", "kafka", "none");
    let error = fails(&Cli::new(), &["topic", "list", "--bus", "kafka://127.0.0.1:1"], "", 1);
    assert!(error.contains("error[bus-unavailable]: "), "{error}");
}

#[test]
fn a_sink_whose_time_is_up_ends_with_1_if_it_was_to_catch_up() {
    matrix("cli", "embedded", "sqlite");
    let cli = Cli::new();
    emit(&cli, PLAN, &[plan("p1")]);
    // Nobody can catch up in no time.
    let late = fails(&cli, &["sink", "run", "license_manager", "--until-caught-up", "--timeout", "0s"], "", 1);
    assert!(late.starts_with("$ ") && late.contains("error[timeout]"), "{late}");
    // Without --until-caught-up the time is how long it is to run.
    cli.run(["sink", "run", "license_manager", "--timeout", "500ms"]).ok();
}
