-- +goose Up

-- The key under which a cursor hides the member at which a page ends, from those who see masked ids only.
ALTER TABLE installation ADD COLUMN cursor_key bytea NOT NULL
    DEFAULT decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex')
    CHECK (octet_length(cursor_key) = 32);
