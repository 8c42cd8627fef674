-- +goose Up

-- How often the reconcile asked for a chunk again: it waits twice as long each time.
ALTER TABLE grant_chunks ADD COLUMN reconciled int NOT NULL DEFAULT 0;

-- Moments at which the end of every partition of a topic was read. When the group has passed them, whatever was published
-- before and is not settled was lost.
CREATE TABLE reconcile_moments (
    topic    varchar(249) NOT NULL,
    at       timestamptz  NOT NULL,
    offsets  jsonb        NOT NULL,  -- the next offset to be written, by partition
    PRIMARY KEY (topic, at)
);
