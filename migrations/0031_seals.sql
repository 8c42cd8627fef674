-- +goose Up

-- Which chunks an import wrote, and which imports an event has, as hashes under the event's key: a person who can write to
-- this database, and does not have the master key, can make neither anew. NULL where a version before this one imported.
ALTER TABLE imports ADD COLUMN seal bytea CHECK (octet_length(seal) = 32);                      -- of its digest and its chunks
ALTER TABLE event_keys ADD COLUMN imports_seal bytea CHECK (octet_length(imports_seal) = 32);   -- of the event's sealed imports
