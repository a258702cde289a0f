//! Contracts in a pull request: lint, check against git and a registry, diff.

use std::{fs, path::Path, process::Command};

use coursebus_tests::{Cli, matrix};
use serde_json::Value;

/// The contracts of this repository.
fn schemas() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../schemas")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn git(folder: &Path, args: &[&str]) {
    let who = ["-c", "user.name=test", "-c", "user.email=test@example.org"];
    let done = Command::new("git").arg("-C").arg(folder).args(who).args(args).output().unwrap();
    assert!(done.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// A repository with this catalogue, committed once.
fn repository(cli: &Cli) -> std::path::PathBuf {
    let folder = cli.dir().join("schemas");
    copy(&Path::new(schemas()).join("avro"), &folder.join("avro"));
    for file in ["catalog.toml", "openedx.lock.json"] {
        fs::copy(Path::new(schemas()).join(file), folder.join(file)).unwrap();
    }
    git(cli.dir(), &["init", "-q"]);
    git(cli.dir(), &["add", "schemas"]);
    git(cli.dir(), &["commit", "-q", "-m", "contracts"]);
    folder
}

#[test]
fn our_own_contracts_have_no_findings() {
    matrix("cli", "none", "none");
    let output = Cli::new().run(["schema", "lint", schemas()]).ok();
    assert_eq!(output.stdout().trim_end(), "nothing found");
}

#[test]
fn a_pull_request_is_held_to_its_base() {
    matrix("cli", "none", "none");
    let cli = Cli::new();
    let folder = repository(&cli);
    cli.run(["schema", "check", "--against", "git:HEAD"]).ok();

    let old = folder.join("avro/subscription/license.assigned/1.0.avsc");
    let text = fs::read_to_string(&old).unwrap();
    let added = r#""fields": [{"name": "Seat", "type": "int", "doc": "The seat."},"#;
    let at = text.rfind("\"fields\": [").unwrap();
    let newer = format!("{}{added}{}", &text[..at], &text[at + "\"fields\": [".len()..]);
    fs::write(old.with_file_name("1.1.avsc"), newer).unwrap();

    let found = cli.run(["schema", "check", "--against", "git:HEAD", "-o", "json"]).code(3).json();
    let found = found.as_array().unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["rule"], "incompatible");
    assert_eq!(found[0]["file"], "schemas/avro/subscription/license.assigned/1.1.avsc");
    assert!(found[0]["line"].as_u64() > Some(1), "{found:?}");
    let message = found[0]["message"].as_str().unwrap();
    assert!(
        message.contains("new consumers cannot read events of version 1.0: field `Seat` has no default"),
        "{message}"
    );

    let github = cli.run(["schema", "lint", "-o", "github"]).code(3);
    assert!(
        github.stdout().starts_with("::error file=schemas/avro/subscription/license.assigned/1.1.avsc,line="),
        "{github}"
    );
    assert!(github.stdout().contains("title=naming::license.Seat: a field is named in snake_case"), "{github}");

    let told = cli.run(["schema", "diff", "--against", "git:HEAD"]).ok();
    assert!(told.stdout().contains("field license.Seat is new, int, no default"), "{told}");

    // The same against a folder, and what was there is edited.
    fs::write(&old, text.replace("\"long\"", "\"int\"")).unwrap();
    fs::remove_file(old.with_file_name("1.1.avsc")).unwrap();
    let found = cli.run(["schema", "check", "--against", schemas(), "-o", "json"]).code(3).json();
    let rules: Vec<&Value> = found.as_array().unwrap().iter().map(|f| &f["rule"]).collect();
    assert_eq!(rules, ["version-changed", "incompatible"]);

    let unknown = cli.run(["schema", "check", "--against", "git:no-such"]).code(1);
    assert!(unknown.stderr().starts_with("error[contracts]: git says: "), "{unknown}");
    let usage = cli.run(["event", "list", "-o", "junit"]).code(2);
    assert!(usage.stderr().contains("no findings"), "{usage}");
}

#[test]
fn a_registry_is_checked_set_and_pulled() {
    matrix("cli", "embedded", "none");
    let cli = Cli::new();
    cli.run(["schema", "check", schemas(), "--against", "registry"]).ok();
    let subject = "dev-subscription-plan-lifecycle-coursebus.subscription.plan.created.v1.CloudEvent";
    let level = cli.run(["schema", "compatibility", subject, "-o", "json"]).ok().json();
    assert_eq!(level["compatibility"], "FULL_TRANSITIVE");
    let global = cli.run(["schema", "compatibility", "--set", "full", "-o", "json"]).ok().json();
    assert_eq!((&global["compatibility"], &global["subject"]), (&"FULL".into(), &Value::Null));
    let mode = cli.run(["schema", "mode", subject, "-o", "json"]).ok().json();
    assert_eq!((&mode["mode"], &mode["own"]), (&"READWRITE".into(), &false.into()));
    let mode = cli.run(["schema", "mode", subject, "--set", "READONLY", "-o", "json"]).ok().json();
    assert_eq!((&mode["mode"], &mode["own"]), (&"READONLY".into(), &true.into()));

    let pulled = cli.run(["schema", "pull", subject, "--into", "pulled", "-o", "json"]).ok().json();
    assert_eq!(pulled.as_array().map(Vec::len), Some(2));
    let text = fs::read_to_string(cli.dir().join("pulled").join(subject).join("2.avsc")).unwrap();
    assert!(text.contains("auto_applies_licenses"), "{text}");
}

#[test]
fn a_subject_is_deleted_softly_and_for_good_when_nothing_needs_it() {
    matrix("cli", "embedded", "none");
    let cli = Cli::new();
    fs::write(cli.dir().join("s.avsc"), r#"{"type":"record","name":"Deleted","fields":[]}"#).unwrap();
    cli.run(["schema", "register", "dev-subscription-plan-lifecycle-x", "s.avsc"]).ok();
    let delete = ["schema", "delete", "dev-subscription-plan-lifecycle-x"];
    let with = |more: &[&'static str]| [&delete[..], more].concat();
    let live = cli.run(with(&["--permanent"])).code(1);
    assert!(
        live.stderr().starts_with("error[registry]: subject 'dev-subscription-plan-lifecycle-x' is not deleted softly"),
        "{live}"
    );
    let softly = cli.run(with(&["-o", "json"])).ok().json();
    assert_eq!((&softly["versions"], &softly["permanent"]), (&serde_json::json!([1]), &false.into()));
    let early = cli.run(with(&["--permanent"])).code(1);
    assert!(early.stderr().starts_with("error[schema-in-use]: "), "{early}");
    assert!(early.stderr().contains("dev-subscription-plan-lifecycle"), "{early}");
    let gone = cli.run(with(&["--permanent", "--scan", "-o", "json"])).ok().json();
    assert_eq!((&gone["versions"], &gone["stranded"]), (&serde_json::json!([1]), &serde_json::json!([])));
    cli.run(with(&["--permanent"])).code(1);
    cli.run(with(&["--scan"])).code(2);
}

#[test]
fn a_plan_is_applied_as_it_was_read_or_not_at_all() {
    matrix("cli", "embedded", "none");
    let cli = Cli::new();
    let told = cli.run(["plan", "--out", "plan.json"]).ok();
    assert!(told.stdout().contains("make topic dev-subscription-plan-lifecycle with 4 partitions\n"), "{told}");
    let version =
        "register version 2 of dev-subscription-plan-lifecycle-coursebus.subscription.plan.created.v1.CloudEvent\n";
    assert!(told.stdout().contains(version), "{told}");
    let again = cli.run(["plan", "-o", "json"]).ok().json();
    let saved: Value = serde_json::from_str(&fs::read_to_string(cli.dir().join("plan.json")).unwrap()).unwrap();
    assert_eq!(again, saved, "planning changes nothing");

    assert!(cli.run(["apply", "plan.json"]).ok().stdout().starts_with("made "));
    assert_eq!(cli.run(["apply", "plan.json"]).ok().stdout(), "everything is in line with the catalogue\n");

    let subject = "dev-subscription-plan-lifecycle-coursebus.subscription.plan.created.v1.CloudEvent";
    cli.run(["schema", "compatibility", subject, "--set", "NONE"]).ok();
    let refused = cli.run(["apply", "plan.json"]).code(1);
    let expected = format!(
        "error[plan-refused]: the plan does not say what would have to be done now: set the compatibility of {subject} from NONE to"
    );
    assert!(refused.stderr().contains(&expected), "{refused}");
    assert!(cli.run(["plan"]).ok().stdout().contains("from NONE to FULL_TRANSITIVE"), "nothing was done");

    fs::write(cli.dir().join("plan.json"), "{}").unwrap();
    assert!(cli.run(["apply", "plan.json"]).code(1).stderr().contains("error[plan-refused]: this is no plan: "));
}
