-- +goose Up

-- By what a list is found again in another file or event, whatever its order and format; NULL for imports of before.
ALTER TABLE imports ADD COLUMN list_sum bigint;        -- of the hashes of the accepted members with their amounts, modulo 2^64
ALTER TABLE imports ADD COLUMN member_sample bigint[]; -- the smallest hashes of the accepted members
CREATE INDEX imports_member_sample ON imports USING gin (member_sample);
