//! schemas and transport stand alone ← registry-tools ← producer, consumer ← sinks/kit ← messaging ← sinks,
//! notifications ← cli.

use super::{dependencies, manifest, members};

/// A crate may use those of a lower rank only; of its own rank, none.
const RANKS: &[(&str, u8)] = &[
    ("schemas", 0),
    ("transport", 0),
    ("registry-tools", 1),
    ("producer", 2),
    ("consumer", 2),
    ("sinks/kit", 3),
    ("messaging", 4),
    ("sinks", 5),
    ("notifications", 5),
    ("cli", 6),
];
/// These may use anything, and nothing uses them.
const AROUND: &[&str] = &["tests", "bench", "xtask"];

fn rank(folder: &str) -> Option<u8> {
    RANKS.iter().find(|(name, _)| *name == folder).map(|(_, rank)| *rank)
}

/// `coursebus-sinks-kit` lies in `sinks/kit`: the name of a crate is that of its folder.
fn folder_of(name: &str) -> Option<String> {
    let name = name.strip_prefix("coursebus-")?;
    RANKS
        .iter()
        .map(|(folder, _)| *folder)
        .chain(AROUND.iter().copied())
        .find(|folder| folder.replace('/', "-") == name)
        .map(str::to_owned)
}

#[test]
fn crates_use_only_what_lies_before_them() {
    for folder in members().iter().filter(|folder| !AROUND.contains(&folder.as_str())) {
        let own = rank(folder).unwrap_or_else(|| panic!("{folder} has no rank: give it one in this test"));
        let manifest = manifest(folder);
        let used = ["dependencies", "build-dependencies"].map(|section| dependencies(&manifest, section)).concat();
        for name in used.iter().filter(|name| name.starts_with("coursebus-")) {
            let used = folder_of(name).unwrap_or_else(|| panic!("{folder} uses {name}, which has no folder"));
            let below = rank(&used).is_some_and(|rank| rank < own);
            assert!(below, "{folder} must not use {used}: the order is in this test's first lines");
        }
    }
}

#[test]
fn crates_are_named_after_their_folders() {
    for folder in members().iter().filter(|folder| folder.as_str() != "xtask") {
        let name = manifest(folder)["package"]["name"].as_str().unwrap().to_owned();
        assert_eq!(folder_of(&name).as_ref(), Some(folder), "{name}");
    }
}

#[test]
fn members_inherit_the_workspace_s_versions() {
    for folder in members() {
        let manifest = manifest(&folder);
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for name in dependencies(&manifest, section) {
                let Some(dependency) = manifest.get(section).and_then(|table| table.get(&name)) else { continue };
                let inherits = dependency.get("workspace").and_then(toml::Value::as_bool) == Some(true);
                // A crate may switch on features of its own for its tests.
                let itself = dependency.get("path").and_then(toml::Value::as_str) == Some(".");
                assert!(
                    inherits || itself,
                    "{folder}: {name} must be `workspace = true`, with its reason in the root Cargo.toml"
                );
            }
        }
    }
}
