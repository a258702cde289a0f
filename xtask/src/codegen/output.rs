//! Writes files, or compares them with what is there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// The folder whose files are all generated.
const GENERATED: &str = "src/generated";

/// Writes the files that differ and removes what is left over from before, or with `check` names them.
pub fn write(schemas: &Path, files: &BTreeMap<PathBuf, String>, check: bool) -> Result<()> {
    let mut differing = BTreeSet::new();
    for (path, text) in files {
        if fs::read_to_string(schemas.join(path)).ok().as_ref() != Some(text) {
            differing.insert(path.clone());
        }
    }
    let mut present = BTreeSet::new();
    list(schemas, Path::new(GENERATED), &mut present)?;
    let left_over = present.into_iter().filter(|path| !files.contains_key(path)).collect::<BTreeSet<_>>();
    if check {
        let names = differing.union(&left_over).map(|path| format!("schemas/{}", path.display())).collect::<Vec<_>>();
        ensure!(names.is_empty(), "not what `cargo xtask codegen` writes:\n{}", names.join("\n"));
        return Ok(());
    }
    for path in &left_over {
        fs::remove_file(schemas.join(path)).with_context(|| format!("remove {}", path.display()))?;
    }
    for path in &differing {
        let full = schemas.join(path);
        fs::create_dir_all(full.parent().unwrap_or(&full))?;
        fs::write(&full, &files[path]).with_context(|| format!("write {}", full.display()))?;
    }
    Ok(())
}

fn list(schemas: &Path, folder: &Path, found: &mut BTreeSet<PathBuf>) -> Result<()> {
    let full = schemas.join(folder);
    if !full.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(full)? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            list(schemas, &path, found)?;
        } else {
            found.insert(path);
        }
    }
    Ok(())
}
