//! The tables of Credentials. Learners are known by number: no name and no e-mail address is kept.

use coursebus_sinks_kit::{Column, Kind, Table};

const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name, kind }
}

/// A learner in a run.
const KEY: &[Column] = &[column("course_key", Kind::Text), column("user_id", Kind::Int)];

/// Who is, or was, enrolled.
pub(super) static ENROLLMENTS: Table = Table {
    name: "enrollments",
    key: KEY,
    columns: &[column("mode", Kind::Text), column("is_active", Kind::Bool), column("created", Kind::Time)],
};

/// The grade so far.
pub(super) static GRADES: Table = Table {
    name: "grades",
    key: KEY,
    columns: &[
        column("percent", Kind::Float),
        column("letter_grade", Kind::Text),
        column("passed", Kind::Time),
        column("course_version", Kind::Text),
    ],
};

/// The certificate of a run.
pub(super) static CERTIFICATES: Table = Table {
    name: "certificates",
    key: KEY,
    columns: &[
        column("status", Kind::Text),
        column("mode", Kind::Text),
        column("grade", Kind::Text),
        column("download_url", Kind::Text),
    ],
};
