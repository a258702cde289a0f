//! No room for a file to grow: a cause that others carry, because only a person makes room, and what waits goes on then.

use std::{error::Error, io, path::PathBuf};

use crate::Cause;

/// A file cannot grow. Nothing that was confirmed before is lost, and what failed can be tried again once there is room.
#[derive(Debug, thiserror::Error)]
#[error("{what} cannot grow: its disk is full, or a quota or a limit of file sizes is reached")]
pub struct NoSpace {
    /// The file, for a person.
    pub what: String,
    /// What was said.
    #[source]
    pub source: Cause,
}

impl NoSpace {
    /// Finds it among an error and its causes.
    #[must_use]
    pub fn among<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            next = error.source();
        }
        None
    }

    /// Whether SQLite says with this extended result code that its file cannot grow: FULL, where the disk is full; a write
    /// that failed (IOERR_WRITE, IOERR_SHMSIZE), as it does at a quota or a limit.
    ///
    /// Source: <https://www.sqlite.org/rescode.html>, `seekAndWrite` in os_unix.c.
    #[must_use]
    pub fn is_sqlite(extended_code: i32) -> bool {
        const FULL: i32 = 13;
        const IOERR_WRITE: i32 = 778;
        const IOERR_SHMSIZE: i32 = 4874;
        matches!(extended_code, FULL | IOERR_WRITE | IOERR_SHMSIZE)
    }

    /// Whether the operating system says so.
    #[must_use]
    pub fn is_io(kind: io::ErrorKind) -> bool {
        matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
    }

    /// What rusqlite says of a file, as a cause: this one, where it cannot grow.
    pub(crate) fn or_cause(error: &rusqlite::Error, file: Option<PathBuf>) -> Cause {
        let source: Cause = error.to_string().into();
        let what = file.map_or_else(|| "the bus's file".to_owned(), |file| file.display().to_string());
        match error.sqlite_error() {
            Some(said) if Self::is_sqlite(said.extended_code) => Self { what, source }.into(),
            _ => source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AdminError;

    #[test]
    fn it_is_found_below_other_errors() {
        let full = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(778), None);
        let source = NoSpace::or_cause(&full, Some("/bus/bus.db".into()));
        let error = AdminError::Unavailable { what: "x".to_owned(), waited: std::time::Duration::ZERO, source };
        assert_eq!(NoSpace::among(&error).expect("it is there").what, "/bus/bus.db");
        let other = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(5), None);
        let source = NoSpace::or_cause(&other, None);
        let error = AdminError::Refused { what: "x".to_owned(), source };
        assert!(NoSpace::among(&error).is_none());
    }
}
