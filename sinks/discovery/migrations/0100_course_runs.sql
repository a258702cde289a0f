CREATE TABLE course_runs (
    course_key          TEXT PRIMARY KEY,
    org                 TEXT NOT NULL,
    course              TEXT NOT NULL,
    run                 TEXT NOT NULL,
    title               TEXT NOT NULL,
    starts              TIMESTAMPTZ NOT NULL,
    ends                TIMESTAMPTZ,
    pacing              TEXT NOT NULL,
    enrollment_starts   TIMESTAMPTZ,
    enrollment_ends     TIMESTAMPTZ,
    invitation_only     BOOLEAN NOT NULL
);
