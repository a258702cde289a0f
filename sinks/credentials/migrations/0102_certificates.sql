CREATE TABLE certificates (
    course_key      TEXT NOT NULL,
    user_id         BIGINT NOT NULL,
    status          TEXT NOT NULL,
    mode            TEXT NOT NULL,
    grade           TEXT NOT NULL,
    download_url    TEXT NOT NULL,
    PRIMARY KEY (course_key, user_id)
);
