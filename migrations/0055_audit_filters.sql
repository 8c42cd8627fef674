-- +goose NO TRANSACTION
-- +goose Up

-- Each index comes in a transaction of its own. While it is made, what writes the record waits: people's changes, and
-- with them a stop and the brake, which give up after five seconds and are asked for again. Grants write none. For a
-- million rows the longest one takes one to two seconds (two busy cores). CONCURRENTLY would hold up nothing, and would
-- never end: it waits for every older statement, and a second migrator's is the one that waits for this.
-- What waits for the table before an index waits two seconds at most, and Up tries again from there.
SET lock_timeout = '2s';

-- The filters of the record, each with the newest first.
CREATE INDEX IF NOT EXISTS audit_log_actor ON audit_log (actor, id);
CREATE INDEX IF NOT EXISTS audit_log_action ON audit_log (action, id);
-- What is looked for by a part of its object, or before a moment, is looked for here: the rows are wide.
CREATE INDEX IF NOT EXISTS audit_log_narrow ON audit_log (id) INCLUDE (at, object);

RESET lock_timeout;
