-- +goose Up

-- What an event grants may not change between its import and its grants, whoever can write to this database: each chunk
-- has a keyed hash of its targets, made by the import, and the start keeps a hash over them all and the definition.

-- The key of an event's chunk hashes, wrapped by the master key; its first byte says how. An installation without a master
-- key keeps it as it is.
CREATE TABLE event_keys (
    event_id    bigint PRIMARY KEY REFERENCES campaign_events (id) ON DELETE CASCADE,
    wrapped     bytea NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);

-- NULL for the lists of before. Which those are stands with the import, so that a hash that was taken away is seen.
ALTER TABLE grant_chunks ADD COLUMN content_hash bytea CHECK (octet_length(content_hash) = 32);
ALTER TABLE imports ADD COLUMN hashed boolean NOT NULL DEFAULT false;

-- What the start of an event saw, for ever.
CREATE TABLE starts (
    event_id    bigint PRIMARY KEY REFERENCES campaign_events (id),
    at          timestamptz NOT NULL DEFAULT now(),
    by          varchar(50) NOT NULL,
    root        bytea NOT NULL CHECK (octet_length(root) = 32),
    definition  text NOT NULL              -- canonical JSON, with its version
);
