-- +goose Up

-- The engaged brakes (T15). While a row stands, nothing in its scope starts, resumes or is claimed; it is deleted when the
-- brake is released.
CREATE TABLE brakes (
    scope  varchar(30)  PRIMARY KEY CHECK (scope = 'all' OR scope ~ '^type:[A-Z][A-Z0-9_]{0,19}$'),
    by     varchar(50)  NOT NULL,
    memo   varchar(500) NOT NULL,
    at     timestamptz  NOT NULL DEFAULT now()
);
