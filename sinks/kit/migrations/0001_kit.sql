-- What the kit keeps beside a sink's own tables, in the same database, so that one transaction spans both.

-- Up to where each partition is applied. A transaction that moves `position` must find its own `epoch`: whoever takes a
-- partition over raises it, and a process that comes back from a pause then changes nothing.
CREATE TABLE bus_positions (
    consumer_group  TEXT NOT NULL,
    topic           TEXT NOT NULL,
    partition       INTEGER NOT NULL,
    cluster         TEXT NOT NULL,
    topic_id        TEXT NOT NULL,
    epoch           BIGINT NOT NULL,
    position        BIGINT,
    PRIMARY KEY (consumer_group, topic, partition)
);

-- Events that were applied, for sinks whose effects are not idempotent.
CREATE TABLE bus_inbox (
    consumer_group  TEXT NOT NULL,
    source          TEXT NOT NULL,
    id              TEXT NOT NULL,
    PRIMARY KEY (consumer_group, source, id)
);

-- Records that were not applied: original bytes, key and headers, and why.
CREATE TABLE bus_held (
    consumer_group  TEXT NOT NULL,
    topic           TEXT NOT NULL,
    partition       INTEGER NOT NULL,
    record_offset   BIGINT NOT NULL,
    state           TEXT NOT NULL,
    code            TEXT NOT NULL,
    reason          TEXT NOT NULL,
    event_type      TEXT,
    event_id        TEXT,
    record_key      BYTEA,
    record_value    BYTEA,
    headers         TEXT NOT NULL,
    emitted_ms      BIGINT NOT NULL,
    held_ms         BIGINT NOT NULL,
    PRIMARY KEY (consumer_group, topic, partition, record_offset)
);

-- Audit mode only: per row of the sink's tables how many events touched it, and a hash chain of them per partition.
CREATE TABLE bus_audit (
    table_name      TEXT NOT NULL,
    row_key         TEXT NOT NULL,
    applied         BIGINT NOT NULL,
    chain           TEXT NOT NULL,
    deleted         BOOLEAN NOT NULL,
    PRIMARY KEY (table_name, row_key)
);

-- Whether every batch so far was applied in audit mode: `on` or `off`.
CREATE TABLE bus_meta (
    name            TEXT PRIMARY KEY,
    value           TEXT NOT NULL
);
