-- +goose Up

-- Whether the limits of a type are those that a process outside production gave it, and no person decided upon. Production
-- starts nothing with them. Versions before this one gave them without a mark: what stands as they wrote it is marked now.
ALTER TABLE event_types ADD COLUMN limits_seeded boolean NOT NULL DEFAULT false;
UPDATE event_types SET limits_seeded = true
WHERE code IN ('POINT', 'VOUCHER') AND max_per_member = 10000000 AND max_per_event = 1000000000000 AND max_count = 100000000;
