-- +goose Up

-- Changes go on meanwhile: what waits behind this for the table waits two seconds at most, and Up tries again. While an
-- index is made, people's changes wait, and grants do not: about a second for a million rows of the record.
SET LOCAL lock_timeout = '2s';

-- The filters of the record, each with the newest first.
CREATE INDEX audit_log_actor ON audit_log (actor, id);
CREATE INDEX audit_log_action ON audit_log (action, id);
-- What is looked for by a part of its object, or before a moment, is looked for here: the rows are wide.
CREATE INDEX audit_log_narrow ON audit_log (id) INCLUDE (at, object);
