//! Course Discovery: the runs that learners can find.

mod effects;
mod tables;

use coursebus_schemas::authoring::CourseRunCreated;
use coursebus_sinks_kit::{SinkSpec, Table, Touch};
use tables::COURSE_RUNS;

/// The sink.
#[must_use]
pub fn sink() -> SinkSpec {
    static TABLES: [&Table; 1] = [&COURSE_RUNS];
    const MIGRATIONS: &[(i64, &str, &str)] = &[(100, "course runs", include_str!("migrations/0100_course_runs.sql"))];
    const RUN: &[Touch] = &[Touch { table: &COURSE_RUNS, key: &["course_run.course_key"] }];
    SinkSpec::new("discovery", "course runs, as course authoring sets them up", &TABLES)
        .migrations(MIGRATIONS)
        .on::<CourseRunCreated>(RUN, effects::created)
}
