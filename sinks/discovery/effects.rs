//! What events change in Discovery. Pure.

use coursebus_schemas::authoring::CourseRunCreated;
use coursebus_sinks_kit::{
    Change, EffectError,
    fields::{optional_time, time},
};

use super::tables::COURSE_RUNS;

pub(super) fn created(event: &CourseRunCreated) -> Result<Vec<Change>, EffectError> {
    let run = &event.course_run;
    let set = [
        ("org", run.org.as_str().into()),
        ("course", run.course.as_str().into()),
        ("run", run.run.as_str().into()),
        ("title", run.title.as_str().into()),
        ("starts", time("course_run.start", &run.start)?.into()),
        ("ends", optional_time("course_run.end", run.end.as_deref())?.into()),
        ("pacing", run.pacing.as_str().into()),
        ("enrollment_starts", optional_time("course_run.enrollment_start", run.enrollment_start.as_deref())?.into()),
        ("enrollment_ends", optional_time("course_run.enrollment_end", run.enrollment_end.as_deref())?.into()),
        ("invitation_only", run.invitation_only.into()),
    ];
    Ok(vec![COURSE_RUNS.upsert([run.course_key.as_str().into()], set)])
}
