-- +goose Up

-- Events run meanwhile: what waits behind this for a table waits two seconds at most, and Up tries again.
SET LOCAL lock_timeout = '2s';

-- What people call an event, beside its campaign_id; NULL for none. It decides nothing about who gets what.
ALTER TABLE campaign_events ADD COLUMN name varchar(100) CONSTRAINT campaign_events_name_check CHECK (name <> '');
-- The events of one operator, newest first.
CREATE INDEX campaign_events_created_by ON campaign_events (created_by, id);
