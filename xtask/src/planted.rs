//! `cargo xtask faults planted`: the simulations catch each bug of tests/simulation/planted/.
//!
//! All of them are put into a copy of the workspace, each behind a switch, so that one build has them all; then the
//! simulation of each runs with that one on, and has to fail.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};

use crate::env;

/// Which bug is on.
const SWITCH: &str = "COURSEBUS_PLANTED";
/// What stands in a planted bug for its being on.
const MARK: &str = "PLANTED";
const FOLDER: &str = "tests/simulation/planted";

/// A bug, and what is to catch it.
#[derive(Debug, PartialEq, Eq)]
struct Planted {
    name: String,
    /// The simulation: `sink`, `handlers`, `pipe`.
    simulation: String,
    invariant: String,
    bug: String,
    edits: Vec<Edit>,
}

/// A piece of a file, and what takes its place.
#[derive(Debug, PartialEq, Eq)]
struct Edit {
    path: String,
    old: String,
    new: String,
}

pub fn run(root: &Path) -> Result<()> {
    let planted = read(&root.join(FOLDER))?;
    let copy = copy(root)?;
    plant(&copy, &planted)?;
    let mut build = test(root, &copy);
    ensure!(build.arg("--no-run").status()?.success(), "the planted bugs do not compile");
    println!("| simulation | invariant | planted | where | seeds |\n|---|---|---|---|---|");
    let mut missed = Vec::new();
    for bug in &planted {
        let name = format!("simulation::{0}::simulation_{0}", bug.simulation);
        let mut play = test(root, &copy);
        let played = play.args(["--", &name, "--exact"]).env(SWITCH, &bug.name).output()?;
        let places: Vec<String> = bug.edits.iter().map(|edit| format!("`{}`", edit.path)).collect();
        let seeds = caught_by(&String::from_utf8_lossy(&played.stdout)).filter(|_| !played.status.success());
        match seeds {
            Some(seeds) => {
                println!("| {} | {} | {} | {} | {seeds} |", bug.simulation, bug.invariant, bug.bug, places[0]);
            }
            None => missed.push(bug.name.as_str()),
        }
    }
    ensure!(missed.is_empty(), "not caught: {}", missed.join(", "));
    Ok(())
}

/// How many seeds were played until one failed.
fn caught_by(output: &str) -> Option<u64> {
    let (_, rest) = output.split_once(", seed ")?;
    let seed: u64 = rest.split_once(':')?.0.parse().ok()?;
    Some(seed + 1)
}

fn test(root: &Path, copy: &Path) -> Command {
    let mut cargo = Command::new(env::cargo());
    cargo.current_dir(copy).args(["test", "--quiet", "-p", "coursebus-tests", "--test", "system", "--target-dir"]);
    // Of its own: cargo takes the copy's crates and the workspace's for the same, and would use what has bugs for what has not.
    cargo.arg(env::target_dir(root).join("planted-target")).env("RUST_BACKTRACE", "0");
    cargo
}

/// The bugs of a folder, by name.
fn read(folder: &Path) -> Result<Vec<Planted>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        all.push(parse(name, &fs::read_to_string(&path)?).with_context(|| path.display().to_string())?);
    }
    all.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(all)
}

/// Lines `simulation:`, `invariant:` and `bug:`, then pieces `--- FILE`, the old text, `====`, the new.
fn parse(name: String, text: &str) -> Result<Planted> {
    let mut parts = text.split("\n--- ");
    let head = parts.next().unwrap_or_default();
    let field = |name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.map(str::to_owned).with_context(|| format!("no line '{name}: …'"))
    };
    let edit = |part: &str| {
        let (path, body) = part.split_once('\n').context("nothing is behind a file's name")?;
        let (old, new) = body.split_once("\n====\n").context("no line '===='")?;
        let text = |text: &str| text.strip_suffix('\n').unwrap_or(text).to_owned();
        Ok(Edit { path: path.to_owned(), old: text(old), new: text(new) })
    };
    let edits: Vec<Edit> = parts.map(edit).collect::<Result<_>>()?;
    ensure!(!edits.is_empty(), "it changes nothing");
    let (simulation, invariant, bug) = (field("simulation")?, field("invariant")?, field("bug")?);
    Ok(Planted { name, simulation, invariant, bug, edits })
}

/// Copies what git knows of, and what it does not ignore, into the target folder.
fn copy(root: &Path) -> Result<PathBuf> {
    let copy = env::target_dir(root).join("planted");
    if copy.exists() {
        fs::remove_dir_all(&copy)?;
    }
    let listed = Command::new("git")
        .current_dir(root)
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .output()?;
    ensure!(listed.status.success(), "git does not list the workspace's files");
    for path in String::from_utf8(listed.stdout)?.lines().filter(|path| root.join(path).is_file()) {
        let to = copy.join(path);
        fs::create_dir_all(to.parent().context("a file lies in a folder")?)?;
        fs::copy(root.join(path), to)?;
    }
    Ok(copy)
}

/// Puts all bugs into a workspace, and the switch.
fn plant(workspace: &Path, planted: &[Planted]) -> Result<()> {
    for bug in planted {
        for edit in &bug.edits {
            let path = workspace.join(&edit.path);
            let text = fs::read_to_string(&path).with_context(|| edit.path.clone())?;
            let (found, name) = (text.matches(&edit.old).count(), &bug.name);
            if found != 1 {
                bail!("{FOLDER}/{name}.txt: its text is {found} times in {}: bring it up to date", edit.path);
            }
            let on = format!("coursebus_transport::planted(\"{name}\")");
            fs::write(path, text.replace(&edit.old, &edit.new.replace(MARK, &on)))?;
        }
    }
    let lib = workspace.join("transport/src/lib.rs");
    let switch = format!(
        r#"
/// Whether a planted bug is on.
#[allow(missing_docs, clippy::all, clippy::disallowed_methods)]
pub fn planted(name: &str) -> bool {{
    static ON: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    ON.get_or_init(|| std::env::var("{SWITCH}").unwrap_or_default()) == name
}}
"#
    );
    let text = fs::read_to_string(&lib)?;
    fs::write(lib, text + &switch)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever changes code in which a bug is planted learns of it here.
    #[test]
    fn every_planted_bug_finds_its_place() {
        let root = crate::root();
        for bug in read(&root.join(FOLDER)).unwrap() {
            assert!(["sink", "handlers", "pipe"].contains(&bug.simulation.as_str()), "{}", bug.name);
            for edit in &bug.edits {
                let text = fs::read_to_string(root.join(&edit.path)).unwrap();
                let (name, found) = (&bug.name, text.matches(&edit.old).count());
                assert_eq!(found, 1, "{FOLDER}/{name}.txt: its text is {found} times in {}", edit.path);
            }
        }
    }

    #[test]
    fn a_failed_simulation_tells_its_seed() {
        assert_eq!(caught_by("panicked at x:\nsimulation_sink, seed 41: it is lost\n"), Some(42));
        assert_eq!(caught_by("test result: ok"), None);
    }

    #[test]
    fn a_bug_is_read() {
        let text = "simulation: pipe\ninvariant: i\nbug: b\n--- a/b.rs\nold\n  two\n====\nnew\n";
        let edit = Edit { path: "a/b.rs".to_owned(), old: "old\n  two".to_owned(), new: "new".to_owned() };
        let (simulation, invariant, bug) = ("pipe".to_owned(), "i".to_owned(), "b".to_owned());
        let expected = Planted { name: "x".to_owned(), simulation, invariant, bug, edits: vec![edit] };
        assert_eq!(parse("x".to_owned(), text).unwrap(), expected);
        assert!(parse("x".to_owned(), "simulation: pipe\n").is_err());
    }
}
