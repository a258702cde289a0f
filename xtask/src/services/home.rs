//! The folder of a database server, and the user that it runs as.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::PathBuf,
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};

use super::{group::Group, install, process::User};
use crate::run;

/// The user that a distribution's package brings, when this process is root: database servers refuse to run as root.
/// Else `None`, and the server runs as the caller.
pub fn server_user(name: &str) -> Result<Option<User>> {
    if !install::is_root() {
        return Ok(None);
    }
    let id = |flag: &str| {
        let told = run::ask(Command::new("id").args([flag, name]), Duration::from_secs(5));
        told.and_then(|told| told.trim().parse().ok())
            .with_context(|| format!("there is no user `{name}` for the server to run as"))
    };
    Ok(Some(User { uid: id("-u")?, gid: id("-g")? }))
}

/// Makes a folder that only the server's user may enter; it goes with the group. It is not in the group's own: that user
/// may not be allowed into the workspace (a clone under /root), and a path to a socket must be short.
pub fn make(group: &mut Group, what: &str, user: Option<User>) -> Result<PathBuf> {
    let home = tempfile::Builder::new().prefix(&format!("coursebus-{what}-")).tempdir_in("/var/tmp")?.keep();
    group.own(home.clone())?;
    fs::set_permissions(&home, fs::Permissions::from_mode(0o700))?;
    if let Some(user) = user {
        chown(&home, Some(user.uid), Some(user.gid))?;
    }
    Ok(home)
}
