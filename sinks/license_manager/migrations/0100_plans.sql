CREATE TABLE plans (
    uuid                        TEXT PRIMARY KEY,
    title                       TEXT NOT NULL,
    status                      TEXT NOT NULL,
    starts                      TIMESTAMPTZ NOT NULL,
    expires                     TIMESTAMPTZ NOT NULL,
    enterprise_customer_uuid    TEXT,
    auto_applies_licenses       BOOLEAN NOT NULL
);
