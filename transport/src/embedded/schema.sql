-- The tables of an embedded log. `application_id` and `user_version` of the file say what it is.
CREATE TABLE IF NOT EXISTS meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS topic (
    id                  INTEGER PRIMARY KEY AUTOINCREMENT,
    name                TEXT NOT NULL UNIQUE,
    uuid                TEXT NOT NULL,
    partitions          INTEGER NOT NULL,
    compacted           INTEGER NOT NULL,
    retention_ms        INTEGER,
    record_bytes_max    INTEGER NOT NULL,
    tombstones_ms       INTEGER NOT NULL,
    dirty_ratio         REAL NOT NULL
);

-- One row a partition. `id` is never used twice, so a recreated topic shares nothing with the one before.
CREATE TABLE IF NOT EXISTS partition (
    id                  INTEGER PRIMARY KEY AUTOINCREMENT,
    topic               INTEGER NOT NULL REFERENCES topic (id),
    number              INTEGER NOT NULL,
    first_offset        INTEGER NOT NULL DEFAULT 0,
    -- Not below what was ever handed out, also when every record is gone.
    next_offset_floor   INTEGER NOT NULL DEFAULT 0,
    -- Up to where compaction has come.
    clean_offset        INTEGER NOT NULL DEFAULT 0,
    UNIQUE (topic, number)
);

-- One row a batch. `id` is partition.id << 40 | offset of the first record; the small columns stand before the blob, so
-- that looking at them reads one page.
CREATE TABLE IF NOT EXISTS batch (
    id                  INTEGER PRIMARY KEY,
    last_offset         INTEGER NOT NULL,
    max_timestamp_ms    INTEGER NOT NULL,
    body                BLOB NOT NULL
);

-- A consumer group: who is in it, which partition each member has (`owner`) and is to have (`wanted`).
CREATE TABLE IF NOT EXISTS consumer_group (
    name                TEXT PRIMARY KEY,
    generation          INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS member (
    consumer_group      TEXT NOT NULL,
    id                  TEXT NOT NULL,
    pid                 INTEGER NOT NULL,
    topics              TEXT NOT NULL,
    PRIMARY KEY (consumer_group, id)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS ownership (
    consumer_group      TEXT NOT NULL,
    partition           INTEGER NOT NULL,
    owner               TEXT,
    wanted              TEXT,
    PRIMARY KEY (consumer_group, partition)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS committed (
    consumer_group      TEXT NOT NULL,
    partition           INTEGER NOT NULL,
    next_offset         INTEGER NOT NULL,
    PRIMARY KEY (consumer_group, partition)
) WITHOUT ROWID;

-- The newest writer of each transactional id; an older epoch is fenced.
CREATE TABLE IF NOT EXISTS transactional (
    id                  TEXT PRIMARY KEY,
    epoch               INTEGER NOT NULL
) WITHOUT ROWID;
