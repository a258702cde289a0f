-- Ranges of a partition that someone decided to do without (`sink run --accept-gap`): what was in them was not applied.
-- `cluster` and `topic_id` are those of the log that the given-up position was of.
CREATE TABLE bus_gaps (
    consumer_group  TEXT NOT NULL,
    topic           TEXT NOT NULL,
    partition       INTEGER NOT NULL,
    cause           TEXT NOT NULL,
    position        BIGINT NOT NULL,
    resumed_at      BIGINT NOT NULL,
    cluster         TEXT NOT NULL,
    topic_id        TEXT NOT NULL,
    noted_ms        BIGINT NOT NULL,
    PRIMARY KEY (consumer_group, topic, partition, noted_ms)
);
