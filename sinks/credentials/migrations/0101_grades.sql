CREATE TABLE grades (
    course_key      TEXT NOT NULL,
    user_id         BIGINT NOT NULL,
    percent         DOUBLE PRECISION NOT NULL,
    letter_grade    TEXT NOT NULL,
    passed          TIMESTAMPTZ,
    course_version  TEXT NOT NULL,
    PRIMARY KEY (course_key, user_id)
);
