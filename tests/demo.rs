//! `coursebus demo`: the whole line in one command, from nothing and leaving nothing.

use std::{fs, path::Path};

use coursebus_tests::{Cli, Output, matrix};

/// What is in a folder.
fn names(dir: &Path) -> Vec<String> {
    fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Runs the demo in an empty folder, with a folder of its own for temporary files beside it.
fn demo(args: &[&str]) -> (Cli, Output, tempfile::TempDir) {
    let temporary = tempfile::tempdir().unwrap();
    let cli = Cli::new().env("TMPDIR", temporary.path());
    let output = cli.run([&["demo"], args].concat());
    (cli, output, temporary)
}

#[test]
fn applies_all_that_it_emits_and_leaves_nothing() {
    matrix("demo", "embedded", "sqlite");
    let (cli, output, temporary) = demo(&[]);
    let output = output.ok();
    let verdict = "demo: emitted 285, applied 285, lost 0, duplicated 0, out of order 0";
    assert_eq!(output.stdout().lines().last(), Some(verdict), "{output}");
    assert_eq!(output.stderr(), "");
    assert_eq!((names(cli.dir()), names(temporary.path())), (vec![], vec![]));
}

#[test]
fn keeps_its_folder_on_request_and_it_can_be_looked_into() {
    matrix("demo", "embedded", "sqlite");
    let (cli, output, temporary) = demo(&["--keep"]);
    let output = output.ok();
    let kept = match names(temporary.path()).as_slice() {
        [one] => temporary.path().join(one),
        other => panic!("{other:?}"),
    };
    assert!(output.stderr().contains(kept.to_str().unwrap()), "{output}");
    assert_eq!(names(cli.dir()), [""; 0]);

    let cli = cli
        .env("COURSEBUS_BUS", format!("embedded:{}", kept.join("bus").display()))
        .env("COURSEBUS_DB", format!("sqlite:{}", kept.join("db").display()))
        .env("COURSEBUS_TOPIC_PREFIX", "demo");
    assert_eq!(cli.run(["event", "tail", "--from", "earliest", "--until-end"]).ok().json_lines().len(), 285);
    assert_eq!(cli.run(["sink", "dump", "discovery"]).ok().json_lines().len(), 4);
    let reports = cli.run(["sink", "audit", "-o", "json"]).ok().json();
    let applied = reports.as_array().unwrap().iter().map(|report| report["applied"].as_u64().unwrap());
    assert_eq!(applied.sum::<u64>(), 285);
}
