//! Where contracts come from: a folder, or the same folder in a revision of git.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use coursebus_registry_tools::contracts::Contracts;

use crate::failure::{Code, Failure};

/// More files than any catalogue has: a folder that was meant otherwise ends here.
const FILES_MAX: usize = 10_000;

/// A state of the contracts.
pub enum Source {
    /// A folder.
    Folder(PathBuf),
    /// A folder in a revision.
    Git { rev: String, folder: PathBuf },
}

impl Source {
    /// `git:REV` is a revision of `folder`, anything else a folder of its own.
    pub fn parse(text: &str, folder: &Path) -> Self {
        match text.strip_prefix("git:") {
            Some(rev) => Self::Git { rev: rev.to_owned(), folder: folder.to_owned() },
            None => Self::Folder(text.into()),
        }
    }
}

/// Reads them.
pub fn load(source: &Source) -> Result<Contracts, Failure> {
    let (files, from) = match source {
        Source::Folder(folder) => {
            let mut files = BTreeMap::new();
            read_folder(folder, folder, &mut files)?;
            (files, folder.display().to_string())
        }
        Source::Git { rev, folder } => (read_revision(rev, folder)?, format!("{} in {rev}", folder.display())),
    };
    Contracts::read(&files).map_err(|error| {
        let next = "name a folder with catalog.toml and avro/, or mend the file that is named";
        Failure::new(Code::Contracts, error.to_string(), from, next)
    })
}

fn belongs(name: &str) -> bool {
    name.ends_with(".avsc") || !name.contains('/') && (name.ends_with(".toml") || name.ends_with(".lock.json"))
}

fn read_folder(root: &Path, folder: &Path, files: &mut BTreeMap<String, String>) -> Result<(), Failure> {
    let about = |path: &Path| {
        let path = path.display().to_string();
        move |error: std::io::Error| {
            Failure::new(
                Code::Contracts,
                error.to_string(),
                path,
                "name a folder that can be read, with catalog.toml and avro/",
            )
        }
    };
    for entry in fs::read_dir(folder).map_err(about(folder))? {
        let entry = entry.map_err(about(folder))?;
        let path = entry.path();
        if entry.file_type().map_err(about(&path))?.is_dir() {
            // Schemas lie in avro/ alone; beside it may be a crate with its target folder.
            if folder != root || entry.file_name() == "avro" {
                read_folder(root, &path, files)?;
            }
            continue;
        }
        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        if belongs(&name) && files.len() < FILES_MAX {
            files.insert(name, fs::read_to_string(&path).map_err(about(&path))?);
        }
    }
    Ok(())
}

fn read_revision(rev: &str, folder: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let listed = git(folder, rev, &["ls-tree", "-r", "-z", "--name-only", "--end-of-options", rev, "."])?;
    let names = listed.split('\0').filter(|name| belongs(name) && (name.starts_with("avro/") || !name.contains('/')));
    let read = |name: &str| -> Result<(String, String), Failure> {
        let text = git(folder, rev, &["show", "--end-of-options", &format!("{rev}:./{name}")])?;
        Ok((name.to_owned(), text))
    };
    names.take(FILES_MAX).map(read).collect()
}

fn git(folder: &Path, rev: &str, args: &[&str]) -> Result<String, Failure> {
    let failed = |what: String| {
        let next = "name a revision that this clone has (in CI: fetch the base branch, with its history), inside a git repository";
        Failure::new(Code::Contracts, what, format!("git:{rev}"), next)
    };
    let output = Command::new("git").arg("-C").arg(folder).args(args).output();
    let output = output.map_err(|error| failed(format!("git does not run: {error}")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(failed(format!("git says: {}", said.lines().next().unwrap_or("nothing"))));
    }
    String::from_utf8(output.stdout).map_err(|_| failed("a file is not UTF-8".to_owned()))
}
