-- +goose Up

-- What an amount of a type counts, and limits that no request lifts; NULL: none, which production refuses to start.
ALTER TABLE event_types
    ADD COLUMN unit           varchar(10),
    ADD COLUMN max_per_member bigint CHECK (max_per_member > 0),   -- the amount of one target
    ADD COLUMN max_per_event  bigint CHECK (max_per_event > 0),    -- the sum of an event's amounts
    ADD COLUMN max_count      int    CHECK (max_count > 0);        -- targets of an event
UPDATE event_types SET unit = CASE code WHEN 'POINT' THEN 'P' ELSE 'KRW' END WHERE code IN ('POINT', 'VOUCHER');

-- Whether the reserved moment passed while the event had no list: then it waits for a person. Set by the first import.
ALTER TABLE campaign_events ADD COLUMN reservation_missed boolean NOT NULL DEFAULT false;

-- Of the accepted rows: how many took the event's default_amount, and the largest amount. NULL for the imports of before.
ALTER TABLE imports
    ADD COLUMN defaulted  int    CHECK (defaulted >= 0),
    ADD COLUMN max_amount bigint CHECK (max_amount > 0);

-- Was this list imported before?
CREATE INDEX imports_sha256 ON imports (sha256);
