//! A file that no module names is never compiled, and its tests never run.

use std::fs;

use super::{read, root};

/// Holds that every Rust file or folder of modules beside `main` is a module of it.
fn check(folder: &str, main: &str, except: &[&str]) {
    let text = read(format!("{folder}/{main}.rs"));
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let is_module = path.extension().is_some_and(|extension| extension == "rs") || path.join("mod.rs").exists();
        if !is_module || name == main || except.contains(&name) {
            continue;
        }
        let named = text.lines().any(|line| line.trim() == format!("mod {name};"));
        assert!(named, "{} is not compiled: name it in {folder}/{main}.rs", path.display());
    }
}

#[test]
fn every_flow_is_listed_in_system_rs() {
    check("tests", "system", &["support"]);
}

#[test]
fn every_file_of_this_test_is_listed() {
    check("xtask/tests/frame", "main", &[]);
}
