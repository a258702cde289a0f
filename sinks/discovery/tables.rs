//! The tables of Discovery.

use coursebus_sinks_kit::{Column, Kind, Table};

const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name, kind }
}

/// A run of a course.
pub(super) static COURSE_RUNS: Table = Table {
    name: "course_runs",
    key: &[column("course_key", Kind::Text)],
    columns: &[
        column("org", Kind::Text),
        column("course", Kind::Text),
        column("run", Kind::Text),
        column("title", Kind::Text),
        column("starts", Kind::Time),
        column("ends", Kind::Time),
        column("pacing", Kind::Text),
        column("enrollment_starts", Kind::Time),
        column("enrollment_ends", Kind::Time),
        column("invitation_only", Kind::Bool),
    ],
};
