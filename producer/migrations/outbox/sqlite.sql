-- The outbox of a service, in its own SQLite database (3.42 or later). May be run again: what is there stays. `coursebus outbox
-- install` runs this file; docs/outbox.md says what the columns mean.

-- One row an event. The service inserts; the relay publishes and deletes.
CREATE TABLE IF NOT EXISTS coursebus_outbox (
    -- AUTOINCREMENT: an id never comes back when its row is gone.
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id        VARCHAR(255) NOT NULL,
    event_type      VARCHAR(255) NOT NULL,
    source          VARCHAR(255) NOT NULL,
    occurred_at     VARCHAR(40),
    payload_format  VARCHAR(8) NOT NULL DEFAULT 'json',
    minor_version   INTEGER,
    payload         BLOB NOT NULL,
    record_key      BLOB,
    subject         VARCHAR(255),
    causation_id    VARCHAR(255),
    traceparent     VARCHAR(255),
    created_at      TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    CONSTRAINT coursebus_outbox_event UNIQUE (source, event_id)
);

-- What this outbox is: `identity` tells it from every other, `format` is the version of these tables.
CREATE TABLE IF NOT EXISTS coursebus_outbox_meta (
    name    VARCHAR(64) PRIMARY KEY NOT NULL,
    value   VARCHAR(255) NOT NULL
);
INSERT OR IGNORE INTO coursebus_outbox_meta VALUES ('identity', lower(hex(randomblob(16)))), ('format', '1');

-- Which relay is the active one. Times are milliseconds since 1970 by the database's clock.
CREATE TABLE IF NOT EXISTS coursebus_outbox_lease (
    name        VARCHAR(64) PRIMARY KEY NOT NULL,
    holder      VARCHAR(255) NOT NULL,
    token       BIGINT NOT NULL,
    until_ms    BIGINT NOT NULL,
    batch       BIGINT NOT NULL,
    idle        BOOLEAN NOT NULL
);
INSERT OR IGNORE INTO coursebus_outbox_lease VALUES ('relay', '', 0, 0, 0, FALSE);

-- Rows that were not published: refused ones, and the later ones of their order keys.
CREATE TABLE IF NOT EXISTS coursebus_outbox_held (
    seq             INTEGER PRIMARY KEY AUTOINCREMENT,
    row_id          BIGINT NOT NULL UNIQUE,
    event_id        VARCHAR(255) NOT NULL,
    event_type      VARCHAR(255) NOT NULL,
    source          VARCHAR(255) NOT NULL,
    occurred_at     VARCHAR(40),
    payload_format  VARCHAR(8) NOT NULL,
    minor_version   INTEGER,
    payload         BLOB NOT NULL,
    record_key      BLOB,
    subject         VARCHAR(255),
    causation_id    VARCHAR(255),
    traceparent     VARCHAR(255),
    created_at      TEXT NOT NULL,
    state           VARCHAR(16) NOT NULL,
    code            VARCHAR(64) NOT NULL,
    reason          TEXT NOT NULL,
    topic           VARCHAR(255),
    order_key       BLOB,
    -- What waits behind it: the hash of its order key, or of its record key where the order key cannot be told.
    block           BLOB,
    behind          BIGINT,
    held_ms         BIGINT NOT NULL,
    asked_ms        BIGINT,
    tries           INTEGER NOT NULL DEFAULT 0,
    edited_payload  BLOB
);
CREATE INDEX IF NOT EXISTS coursebus_outbox_held_block ON coursebus_outbox_held (block, state, seq);
CREATE INDEX IF NOT EXISTS coursebus_outbox_held_asked ON coursebus_outbox_held (asked_ms) WHERE asked_ms IS NOT NULL;

-- Who did what to which held row, and what came of it.
CREATE TABLE IF NOT EXISTS coursebus_outbox_held_log (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    row_id  BIGINT NOT NULL,
    at_ms   BIGINT NOT NULL,
    verb    VARCHAR(16) NOT NULL,
    who     VARCHAR(255) NOT NULL,
    detail  TEXT NOT NULL
);
