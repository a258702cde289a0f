//! What the project's frame promises, held by reading the files themselves.
#![allow(clippy::unwrap_used, reason = "a test")]

mod absences;
mod compose;
mod dependency_order;
mod dockerfile;
mod modules;
mod unsafe_code;

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The workspace's folder.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The text of a file of the workspace.
fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A manifest of the workspace.
fn manifest(folder: &str) -> toml::Table {
    read(Path::new(folder).join("Cargo.toml")).parse().unwrap()
}

/// The folders of all members.
fn members() -> Vec<String> {
    let manifest = manifest("");
    let members = manifest["workspace"]["members"].as_array().unwrap();
    members.iter().map(|member| member.as_str().unwrap().to_owned()).collect()
}

/// The names of a member's dependencies in one section, those for single platforms included.
fn dependencies(manifest: &toml::Table, section: &str) -> Vec<String> {
    let platforms =
        manifest.get("target").and_then(toml::Value::as_table).into_iter().flatten().map(|(_, table)| table);
    let tables = manifest.get(section).into_iter().chain(platforms.filter_map(|table| table.get(section)));
    tables.flat_map(|table| table.as_table().unwrap().keys().cloned()).collect()
}

/// Every Rust file below a folder, relative to the workspace.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = folder.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
