//! The Dockerfile, read where no container engine can build it.

use super::{manifest, read};

/// Its instructions, continued lines joined, comments left out.
fn instructions() -> Vec<(String, String)> {
    let text = read("Dockerfile").replace("\\\n", " ");
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .filter_map(|line| line.split_once(' '))
        .map(|(word, rest)| (word.to_owned(), rest.trim().to_owned()))
        .collect()
}

/// The values of one instruction after the last `FROM`.
fn in_last_stage(word: &str) -> Vec<String> {
    let all = instructions();
    let last = all.iter().rposition(|(word, _)| word == "FROM").unwrap();
    all[last..].iter().filter(|(name, _)| name == word).map(|(_, rest)| rest.clone()).collect()
}

#[test]
fn a_stage_of_its_own_builds_the_cli_from_the_lock_file() {
    let all = instructions();
    let stages: Vec<_> = all.iter().filter(|(word, _)| word == "FROM").map(|(_, rest)| rest).collect();
    assert_eq!(stages.len(), 2, "{stages:?}");
    assert!(stages[0].ends_with(" AS build"), "{stages:?}");
    let build = all.iter().find(|(word, rest)| word == "RUN" && rest.contains("cargo build")).unwrap();
    for flag in ["--release", "--locked", "--package coursebus-cli"] {
        assert!(build.1.contains(flag), "{flag} is missing in: {}", build.1);
    }
    let name = manifest("cli")["bin"][0]["name"].as_str().unwrap().to_owned();
    assert!(in_last_stage("COPY").iter().any(|copy| copy.starts_with("--from=build") && copy.ends_with(&name)));
    assert!(in_last_stage("ENTRYPOINT")[0].contains(&name));
}

#[test]
fn it_runs_as_an_ordinary_user() {
    let users = in_last_stage("USER");
    let uid: u32 = users.last().expect("the last stage names no user, so it runs as root").parse().unwrap();
    assert_ne!(uid, 0);
}

#[test]
fn compiler_is_that_of_the_workspace() {
    let toolchain: toml::Table = read("rust-toolchain.toml").parse().unwrap();
    let channel = toolchain["toolchain"]["channel"].as_str().unwrap();
    let from = &instructions()[0].1;
    assert!(from.starts_with(&format!("rust:{channel}-")), "{from}, but rust-toolchain.toml has {channel}");
    let minimum = manifest("")["workspace"]["package"]["rust-version"].as_str().unwrap().to_owned();
    assert!(channel.starts_with(&minimum), "rust-version is {minimum}, the toolchain {channel}");
}
