-- Holding: parked records and those behind them, requests of operators, and what was done. The version before still runs on
-- this: it only adds.

-- The cause that a parked record waits behind; null for a cause.
ALTER TABLE bus_held ADD COLUMN behind BIGINT;
-- What orders the record; null where its value cannot be read, and the record key stands in.
ALTER TABLE bus_held ADD COLUMN order_key BYTEA;
-- Since when an operator has asked for it to be tried, or has discarded it and those behind it are to be tried; null when that
-- is answered.
ALTER TABLE bus_held ADD COLUMN asked_ms BIGINT;
-- How often it was tried and failed again.
ALTER TABLE bus_held ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
-- Raised by each change, so that the sink and an operator do not overwrite each other.
ALTER TABLE bus_held ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
-- What is applied in place of the original, which stays as it is.
ALTER TABLE bus_held ADD COLUMN edited_value BYTEA;
ALTER TABLE bus_held ADD COLUMN edited_headers TEXT;

CREATE INDEX bus_held_state ON bus_held (consumer_group, topic, partition, state, record_offset);
CREATE INDEX bus_held_asked ON bus_held (consumer_group, topic, partition) WHERE asked_ms IS NOT NULL;

-- Who did what to which held record, and what came of it.
CREATE TABLE bus_held_log (
    consumer_group  TEXT NOT NULL,
    topic           TEXT NOT NULL,
    partition       INTEGER NOT NULL,
    record_offset   BIGINT NOT NULL,
    at_ms           BIGINT NOT NULL,
    verb            TEXT NOT NULL,
    who             TEXT NOT NULL,
    detail          TEXT NOT NULL
);
CREATE INDEX bus_held_log_time ON bus_held_log (consumer_group, at_ms);
