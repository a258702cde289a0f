//! Where the five files come from: a directory, or text that is part of the program.

use std::{
    borrow::Cow,
    io,
    path::{Path, PathBuf},
};

use super::{ImportError, Place};

/// One of the five files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum File {
    /// The course runs.
    Courses,
    /// What learners hand in.
    Assessments,
    /// Who enrolled and who left.
    Registrations,
    /// How it ended for each. Its demographic columns are not read.
    Results,
    /// The scores.
    Scores,
}

/// A source of the five files.
#[derive(Debug, Clone)]
pub struct Files(Source);

#[derive(Debug, Clone)]
enum Source {
    Directory(PathBuf),
    Embedded { name: &'static str, text: fn(File) -> &'static str },
}

impl File {
    /// All of them, in the order in which they are read: each refers only to earlier ones.
    pub const ALL: [Self; 5] = [Self::Courses, Self::Assessments, Self::Registrations, Self::Results, Self::Scores];

    /// The name that the dataset gives it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Courses => "courses.csv",
            Self::Assessments => "assessments.csv",
            Self::Registrations => "studentRegistration.csv",
            Self::Results => "studentInfo.csv",
            Self::Scores => "studentAssessment.csv",
        }
    }
}

impl Files {
    /// The files in a directory.
    #[must_use]
    pub fn directory(dir: &Path) -> Self {
        Self(Source::Directory(dir.to_owned()))
    }

    /// Files that are part of the program; `name` stands for the directory in errors.
    #[must_use]
    pub const fn embedded(name: &'static str, text: fn(File) -> &'static str) -> Self {
        Self(Source::Embedded { name, text })
    }

    /// Checks that all five are there, before the first is read.
    pub(super) fn check(&self) -> Result<(), ImportError> {
        let Source::Directory(dir) = &self.0 else { return Ok(()) };
        if !dir.is_dir() {
            return Err(ImportError::NoDirectory { dir: dir.clone() });
        }
        match File::ALL.map(|file| dir.join(file.name())).into_iter().find(|file| !file.exists()) {
            Some(file) => Err(ImportError::NoFile { file }),
            None => Ok(()),
        }
    }

    /// The path of a file, for errors.
    pub(super) fn path(&self, file: File) -> PathBuf {
        match &self.0 {
            Source::Directory(dir) => dir.join(file.name()),
            Source::Embedded { name, .. } => Path::new(name).join(file.name()),
        }
    }

    /// The whole text of a file.
    pub(super) fn text(&self, file: File) -> Result<Cow<'static, str>, ImportError> {
        if let Source::Embedded { text, .. } = &self.0 {
            return Ok(Cow::Borrowed(text(file)));
        }
        let path = self.path(file);
        let bytes = std::fs::read(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => ImportError::NoFile { file: path.clone() },
            _ => ImportError::Unreadable { file: path.clone(), source },
        })?;
        String::from_utf8(bytes).map(Cow::Owned).map_err(|error| {
            let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            ImportError::NotText { place: Place { file: path, line: newlines(valid) + 1, column: None } }
        })
    }
}

/// How many lines end within these bytes.
pub(super) fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}
