-- The outbox of a service, in its own MySQL (8.0.13 or later) or MariaDB (10.4 or later) database. May be run again: what is
-- there stays. `coursebus outbox install` runs this file; docs/outbox.md says what the columns mean.

-- One row an event. The service inserts; the relay publishes and deletes.
CREATE TABLE IF NOT EXISTS coursebus_outbox (
    id              BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    event_id        VARCHAR(255) NOT NULL,
    event_type      VARCHAR(255) NOT NULL,
    source          VARCHAR(255) NOT NULL,
    occurred_at     VARCHAR(40),
    payload_format  VARCHAR(8) NOT NULL DEFAULT 'json',
    minor_version   INTEGER,
    payload         LONGBLOB NOT NULL,
    record_key      LONGBLOB,
    subject         VARCHAR(255),
    causation_id    VARCHAR(255),
    traceparent     VARCHAR(255),
    created_at      DATETIME(6) NOT NULL DEFAULT (UTC_TIMESTAMP(6)),
    UNIQUE KEY coursebus_outbox_event (source, event_id)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What this outbox is: `identity` tells it from every other, `format` is the version of these tables.
CREATE TABLE IF NOT EXISTS coursebus_outbox_meta (
    name    VARCHAR(64) NOT NULL PRIMARY KEY,
    value   VARCHAR(255) NOT NULL
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
INSERT IGNORE INTO coursebus_outbox_meta VALUES ('identity', UUID()), ('format', '1');

-- Which relay is the active one. Times are milliseconds since 1970 by the database's clock.
CREATE TABLE IF NOT EXISTS coursebus_outbox_lease (
    name        VARCHAR(64) NOT NULL PRIMARY KEY,
    holder      VARCHAR(255) NOT NULL,
    token       BIGINT NOT NULL,
    until_ms    BIGINT NOT NULL,
    batch       BIGINT NOT NULL,
    idle        BOOLEAN NOT NULL
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
INSERT IGNORE INTO coursebus_outbox_lease VALUES ('relay', '', 0, 0, 0, FALSE);

-- Rows that were not published: refused ones, and the later ones of their order keys.
CREATE TABLE IF NOT EXISTS coursebus_outbox_held (
    seq             BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    row_id          BIGINT NOT NULL UNIQUE,
    event_id        VARCHAR(255) NOT NULL,
    event_type      VARCHAR(255) NOT NULL,
    source          VARCHAR(255) NOT NULL,
    occurred_at     VARCHAR(40),
    payload_format  VARCHAR(8) NOT NULL,
    minor_version   INTEGER,
    payload         LONGBLOB NOT NULL,
    record_key      LONGBLOB,
    subject         VARCHAR(255),
    causation_id    VARCHAR(255),
    traceparent     VARCHAR(255),
    created_at      DATETIME(6) NOT NULL,
    state           VARCHAR(16) NOT NULL,
    code            VARCHAR(64) NOT NULL,
    reason          TEXT NOT NULL,
    topic           VARCHAR(255),
    order_key       LONGBLOB,
    -- What waits behind it: the hash of its order key, or of its record key where the order key cannot be told.
    block           VARBINARY(16),
    behind          BIGINT,
    held_ms         BIGINT NOT NULL,
    asked_ms        BIGINT,
    tries           INTEGER NOT NULL DEFAULT 0,
    edited_payload  LONGBLOB,
    KEY coursebus_outbox_held_block (block, state, seq),
    KEY coursebus_outbox_held_asked (asked_ms)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Who did what to which held row, and what came of it.
CREATE TABLE IF NOT EXISTS coursebus_outbox_held_log (
    seq     BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    row_id  BIGINT NOT NULL,
    at_ms   BIGINT NOT NULL,
    verb    VARCHAR(16) NOT NULL,
    who     VARCHAR(255) NOT NULL,
    detail  TEXT NOT NULL
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
