-- +goose Up

-- Events run meanwhile: what waits behind this for a table waits two seconds at most, and Up tries again.
SET LOCAL lock_timeout = '2s';

-- What one pass over a list found, for those who look at it before the event starts. NULL or no row: nobody computed it.
CREATE TABLE event_facts (
    import_id         bigint  PRIMARY KEY REFERENCES imports (id) ON DELETE CASCADE,
    event_id          bigint  NOT NULL,
    file_name         varchar(255),                                         -- NULL: its sender named none
    rows              int     NOT NULL CHECK (rows > 0),                    -- accepted
    sum               bigint  NOT NULL CHECK (sum > 0),
    min               bigint  NOT NULL CHECK (min > 0),
    max               bigint  NOT NULL CHECK (max >= min),
    distinct_amounts  int     CHECK (distinct_amounts > 0),                 -- NULL: more than an import counts
    hist              int[]   NOT NULL CHECK (array_length(hist, 1) = 64),  -- rows by the bit length of their amount
    top               jsonb   NOT NULL,                                     -- the commonest amounts: [{amount, rows}]
    rejected          jsonb   NOT NULL,                                     -- by code: [{error_code, rows, lines}]
    warnings          jsonb   NOT NULL                                      -- as the answer of the import had them
);
