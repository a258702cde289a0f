//! Unsafe code is forbidden everywhere but in transport, which denies it and allows it in one module.

use std::path::Path;

use super::{manifest, members, read, rust_files};

/// The module that talks to librdkafka, whether it is a file or a folder.
const ALLOWED_IN: [&str; 2] = ["transport/src/kafka/native.rs", "transport/src/kafka/native/mod.rs"];

fn lints(manifest: &toml::Table) -> &toml::Value {
    &manifest["lints"]
}

#[test]
fn every_crate_forbids_it_but_transport() {
    let workspace = manifest("");
    let expected = &workspace["workspace"]["lints"];
    assert_eq!(expected["rust"]["unsafe_code"].as_str(), Some("forbid"));
    for folder in members() {
        let manifest = manifest(&folder);
        if folder == "transport" {
            let mut own = lints(&manifest).clone();
            assert_eq!(own["rust"]["unsafe_code"].as_str(), Some("deny"));
            own["rust"]["unsafe_code"] = "forbid".into();
            assert_eq!(&own, expected, "the other lints of transport are to be the workspace's");
        } else {
            assert_eq!(lints(&manifest).get("workspace").and_then(toml::Value::as_bool), Some(true), "{folder}");
        }
    }
}

#[test]
fn one_module_allows_it() {
    // Put together, so that this file does not find itself.
    let allow = ["allow(", "unsafe_code"].concat();
    let files = members().into_iter().flat_map(|folder| rust_files(Path::new(&folder)));
    for file in files.filter(|file| !ALLOWED_IN.iter().any(|allowed| file == Path::new(allowed))) {
        assert!(
            !read(&file).contains(&allow),
            "{}: only transport's kafka::native may allow unsafe code",
            file.display()
        );
    }
}
