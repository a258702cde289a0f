-- As 0001, 0002 and 0020 beside this folder, which say what each is for, in MySQL's words. An index holds 3,072 bytes, four a
-- character, so text in a key has a length; what is longer is refused. Each statement ends a transaction here: what was made
-- before a process was killed is met again, and left alone.

CREATE TABLE IF NOT EXISTS bus_positions (
    consumer_group  VARCHAR(255) NOT NULL,
    topic           VARCHAR(320) NOT NULL,
    `partition`     INTEGER NOT NULL,
    cluster         VARCHAR(255) NOT NULL,
    topic_id        VARCHAR(255) NOT NULL,
    epoch           BIGINT NOT NULL,
    position        BIGINT,
    PRIMARY KEY (consumer_group, topic, `partition`)
) TABLE_OPTIONS;

CREATE TABLE IF NOT EXISTS bus_inbox (
    consumer_group  VARCHAR(255) NOT NULL,
    source          VARCHAR(255) NOT NULL,
    id              VARCHAR(255) NOT NULL,
    PRIMARY KEY (consumer_group, source, id)
) TABLE_OPTIONS;

CREATE TABLE IF NOT EXISTS bus_held (
    consumer_group  VARCHAR(255) NOT NULL,
    topic           VARCHAR(320) NOT NULL,
    `partition`     INTEGER NOT NULL,
    record_offset   BIGINT NOT NULL,
    state           VARCHAR(32) NOT NULL,
    code            VARCHAR(64) NOT NULL,
    reason          LONGTEXT NOT NULL,
    event_type      LONGTEXT,
    event_id        LONGTEXT,
    record_key      LONGBLOB,
    record_value    LONGBLOB,
    headers         LONGTEXT NOT NULL,
    emitted_ms      BIGINT NOT NULL,
    held_ms         BIGINT NOT NULL,
    behind          BIGINT,
    order_key       LONGBLOB,
    asked_ms        BIGINT,
    tries           INTEGER NOT NULL DEFAULT 0,
    version         INTEGER NOT NULL DEFAULT 0,
    edited_value    LONGBLOB,
    edited_headers  LONGTEXT,
    PRIMARY KEY (consumer_group, topic, `partition`, record_offset),
    INDEX bus_held_state (consumer_group, topic, `partition`, state, record_offset),
    INDEX bus_held_asked (consumer_group, asked_ms)
) TABLE_OPTIONS;

CREATE TABLE IF NOT EXISTS bus_held_log (
    consumer_group  VARCHAR(255) NOT NULL,
    topic           VARCHAR(320) NOT NULL,
    `partition`     INTEGER NOT NULL,
    record_offset   BIGINT NOT NULL,
    at_ms           BIGINT NOT NULL,
    verb            VARCHAR(32) NOT NULL,
    who             LONGTEXT NOT NULL,
    detail          LONGTEXT NOT NULL,
    INDEX bus_held_log_time (consumer_group, at_ms)
) TABLE_OPTIONS;

CREATE TABLE IF NOT EXISTS bus_gaps (
    consumer_group  VARCHAR(255) NOT NULL,
    topic           VARCHAR(320) NOT NULL,
    `partition`     INTEGER NOT NULL,
    cause           VARCHAR(64) NOT NULL,
    position        BIGINT NOT NULL,
    resumed_at      BIGINT NOT NULL,
    cluster         VARCHAR(255) NOT NULL,
    topic_id        VARCHAR(255) NOT NULL,
    noted_ms        BIGINT NOT NULL,
    PRIMARY KEY (consumer_group, topic, `partition`, noted_ms)
) TABLE_OPTIONS;

CREATE TABLE IF NOT EXISTS bus_audit (
    table_name      VARCHAR(64) NOT NULL,
    row_key         VARCHAR(700) NOT NULL,
    applied         BIGINT NOT NULL,
    chain           LONGTEXT NOT NULL,
    deleted         BOOLEAN NOT NULL,
    PRIMARY KEY (table_name, row_key)
) TABLE_OPTIONS;

CREATE TABLE IF NOT EXISTS bus_meta (
    name            VARCHAR(64) PRIMARY KEY,
    value           LONGTEXT NOT NULL
) TABLE_OPTIONS;
