//! `cargo xtask python`: checks, tests and builds the Python package, with pinned tools in an environment of its own.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::{
    env,
    run::{self, Job},
    services::{self, find_or_install},
};

/// The package, beside the workspace's crates.
const PACKAGE: &str = "python/coursebus-openedx";
/// Interpreters that the pinned packages have wheels for, the preferred one first.
const INTERPRETERS: [&str; 4] = ["python3.11", "python3.12", "python3.13", "python3"];
/// Says which Python it is, and fails where the package does not run or no environment can be made.
const PROBE: &str = "import sys, venv, ensurepip; assert (3, 11) <= sys.version_info < (3, 14); print(sys.version)";
/// How long pip may take for about 70 MB.
const INSTALL_LIMIT: Duration = Duration::from_mins(10);

/// Each check, as arguments of the environment's `python -m`, in the order of how fast it tells.
const CHECKS: [&[&str]; 4] = [&["ruff", "format", "--check"], &["ruff", "check"], &["mypy"], &["pytest"]];

/// Runs all checks; the first that fails ends the run. The wheel is in `target/python/`.
pub fn run(root: &Path) -> Result<()> {
    let python = environment(root)?;
    let target = env::target_dir(root).join("python");
    for check in CHECKS {
        succeed(module(&python, root, &target).args(check))?;
    }
    let build = ["build", "--wheel", "--no-isolation", "--outdir"];
    succeed(module(&python, root, &target).args(build).arg(&target))
}

/// `python -m …` in the package's folder; what tools keep goes to `target/`.
fn module(python: &Path, root: &Path, target: &Path) -> Command {
    let mut command = Command::new(python);
    command.current_dir(root.join(PACKAGE)).stdin(Stdio::null()).arg("-m");
    command.env("PYTHONDONTWRITEBYTECODE", "1").env_remove("PYTHONPATH");
    command.env("RUFF_CACHE_DIR", target.join("ruff")).env("MYPY_CACHE_DIR", target.join("mypy"));
    command.env("HYPOTHESIS_STORAGE_DIRECTORY", target.join("hypothesis"));
    command
}

fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{command:?}"))?;
    if !status.success() {
        bail!("{}: {status}", command.get_args().map(|arg| arg.to_string_lossy()).collect::<Vec<_>>().join(" "));
    }
    Ok(())
}

/// The Python of an environment with exactly what the lock file names. It is kept in the user's cache, so that neither a clean
/// nor another checkout installs again.
fn environment(root: &Path) -> Result<PathBuf> {
    let job = Job::new();
    let interpreter = find_or_install(&job, "python3-venv", find_interpreter)?;
    let requirements = root.join(PACKAGE).join("requirements.txt");
    let pinned = fs::read_to_string(&requirements).with_context(|| requirements.display().to_string())?;
    let version = probe(&interpreter).context("the interpreter was there a moment ago")?;
    let cache = env::cache_dir();
    let dir = cache.join(format!("python-{:016x}", key(&[&pinned, &version])));
    let python = dir.join("bin/python");
    let _one_at_a_time = services::lock(&cache.join("python.lock"))?;
    if !python.is_file() {
        install(&job, &interpreter, &requirements, &dir)?;
    }
    Ok(python)
}

/// Installs beside the final folder and renames: the folder is there whole or not at all. Programs in its `bin/` would look for
/// themselves in the folder's first place; hence `python -m`.
fn install(job: &Job, interpreter: &Path, requirements: &Path, dir: &Path) -> Result<()> {
    let cache = dir.parent().expect("the cache folder has a parent");
    job.say(format!("python: installing what {} names", requirements.display()));
    let temp = tempfile::Builder::new().prefix(".python-").tempdir_in(cache)?;
    let log = cache.join("python.log");
    job.run(Command::new(interpreter).args(["-m", "venv"]).arg(temp.path()), INSTALL_LIMIT, &log)?;
    let mut pip = Command::new(temp.path().join("bin/python"));
    pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--only-binary=:all:", "--prefer-binary"]);
    pip.arg("--requirement").arg(requirements);
    job.run(&mut pip, INSTALL_LIMIT, &log)?;
    fs::rename(temp.keep(), dir).with_context(|| dir.display().to_string())?;
    job.say(format!("python: the environment is {}", dir.display()));
    Ok(())
}

fn find_interpreter() -> Option<PathBuf> {
    INTERPRETERS.iter().filter_map(|name| env::find_program(name)).find(|python| probe(python).is_some())
}

fn probe(python: &Path) -> Option<String> {
    run::ask(Command::new(python).args(["-c", PROBE]), Duration::from_secs(20)).filter(|told| !told.trim().is_empty())
}

/// The same for the same texts. Another release of Rust may hash otherwise; then an environment is made anew.
fn key(texts: &[&str]) -> u64 {
    let mut hasher = DefaultHasher::new();
    texts.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_lock_file_and_another_python_are_another_environment() {
        let all = [key(&["a", "b"]), key(&["a", "c"]), key(&["ab", ""]), key(&["a", "b"])];
        assert_eq!(all[0], all[3]);
        assert!(all[0] != all[1] && all[0] != all[2]);
    }

    #[test]
    fn every_requirement_is_pinned() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(PACKAGE).join("requirements.txt");
        let text = fs::read_to_string(file).unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(lines.len() > 20);
        assert!(lines.iter().all(|line| line.contains("==")), "{lines:?}");
    }
}
