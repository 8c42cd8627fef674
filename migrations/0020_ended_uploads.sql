-- +goose Up

-- The last upload of an event that a person ended while it was under way, so that its sender can be told.
CREATE TABLE ended_uploads (
    event_id  bigint PRIMARY KEY REFERENCES campaign_events (id) ON DELETE CASCADE,
    ended_by  varchar(50) NOT NULL,
    ended_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
