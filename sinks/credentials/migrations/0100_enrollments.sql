CREATE TABLE enrollments (
    course_key      TEXT NOT NULL,
    user_id         BIGINT NOT NULL,
    mode            TEXT NOT NULL,
    is_active       BOOLEAN NOT NULL,
    created         TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (course_key, user_id)
);
