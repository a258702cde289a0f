CREATE TABLE licenses (
    uuid        TEXT PRIMARY KEY,
    plan_uuid   TEXT NOT NULL,
    user_id     BIGINT,
    status      TEXT NOT NULL,
    expires     TIMESTAMPTZ NOT NULL
);
