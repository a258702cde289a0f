//! What is not there: which crate does not reach which library.

use std::process::Command;

use super::{dependencies, manifest, members, root};

/// The names of everything that ends up in a user of the crate with its default features.
fn reached_by(package: &str) -> Vec<String> {
    let mut tree = Command::new(env!("CARGO"));
    tree.current_dir(root()).args(["tree", "--package", package, "--edges", "normal", "--prefix", "none"]);
    let output = tree.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().filter_map(|line| Some(line.split_once(' ')?.0.to_owned())).collect()
}

#[test]
fn users_of_the_producer_compile_no_server_and_no_database_client() {
    let reached = reached_by("coursebus-producer");
    assert!(reached.iter().any(|name| name == "coursebus-transport"), "the tree was not read: {reached:?}");
    for name in ["axum", "sqlx"] {
        assert!(!reached.iter().any(|reached| reached == name), "coursebus-producer reaches {name}");
    }
}

#[test]
fn schemas_do_no_io() {
    let reached = reached_by("coursebus-schemas");
    for name in ["tokio", "reqwest", "rdkafka", "rusqlite", "sqlx", "axum"] {
        assert!(!reached.iter().any(|reached| reached == name), "coursebus-schemas reaches {name}");
    }
}

#[test]
fn nothing_above_transport_names_a_log_s_client() {
    // A bench compares with the clients themselves.
    for folder in members().iter().filter(|folder| !["transport", "bench"].contains(&folder.as_str())) {
        let used = dependencies(&manifest(folder), "dependencies");
        for client in ["rdkafka", "rdkafka-sys", "rusqlite"] {
            assert!(!used.iter().any(|name| name == client), "{folder} must not name {client}: it is transport's");
        }
    }
}
