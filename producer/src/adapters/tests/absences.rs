//! No adapter names a reader: the sources are read.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use super::tables;

/// Services and processors that read events. Those that emit as well name themselves in their own adapter, and there alone.
const READERS: [&str; 12] = [
    "discovery",
    "credentials",
    "commerce",
    "license_manager",
    "lms",
    "catalog_manager",
    "enterprise",
    "prospectus",
    "program_intent",
    "cms",
    "notifications",
    "sink",
];

/// The words of a text that are readers' names: `Lms`, `license manager` and `sinks` are.
fn readers_in(text: &str) -> BTreeSet<&'static str> {
    let words: Vec<String> =
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    let joined = format!(" {} ", words.join(" "));
    let names = READERS.into_iter().filter(|name| {
        let name = name.replace('_', " ");
        joined.contains(&format!(" {name} ")) || joined.contains(&format!(" {name}s "))
    });
    names.collect()
}

/// A text without what may hold a reader's name and names none: imports of event types, and fields that are not ours.
fn without_types(text: &str) -> String {
    text.replace("coursebus_schemas::discovery", "")
        .replace("coursebus_schemas::enterprise", "")
        .replace("coursebus_schemas::commerce", "")
        .replace("enterprise_customer_uuid", "")
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> = entries.collect();
    files.retain(|path| path.file_stem().is_some_and(|name| name != "tests"));
    let (folders, mut files): (Vec<_>, Vec<_>) = files.into_iter().partition(|path| path.is_dir());
    files.extend(folders.iter().flat_map(|folder| sources(folder)));
    files
}

#[test]
fn no_adapter_names_who_reads_its_events() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/adapters");
    let mut adapters = BTreeSet::new();
    for path in sources(&folder) {
        let inner = path.strip_prefix(&folder).expect("below the folder").with_extension("");
        let name = inner.iter().next().expect("a name").to_string_lossy().into_owned();
        // What adapters share tells how they are used, by an example.
        if ["mod", "occurrence", "person", "answer"].contains(&name.as_str()) {
            continue;
        }
        let table = tables().into_iter().find(|(adapter, ..)| *adapter == name);
        let (_, owner, _) = table.unwrap_or_else(|| panic!("{name} has no table"));
        let mut named = readers_in(&without_types(&fs::read_to_string(&path).expect("a source")));
        named.retain(|reader| *reader != name && *reader != owner);
        assert!(named.is_empty(), "{} names {named:?}", path.display());
        adapters.insert(name);
    }
    assert_eq!(adapters.len(), tables().len(), "every table is of a file: {adapters:?}");
}

#[test]
fn readers_are_found_however_they_are_written() {
    let check =
        |text: &str, expected: &[&str]| assert_eq!(readers_in(text), expected.iter().copied().collect(), "{text}");
    check("what a learner did", &[]);
    check("tells the LMS of it", &["lms"]);
    check("for the license manager's table", &["license_manager"]);
    check("use crate::catalog_manager::Row;", &["catalog_manager"]);
    check("so that sinks need not ask", &["sink"]);
    check("the credential helms", &[]);
}
