-- +goose Up

-- Which state of a policy a change is of, as its ETag names it.
ALTER TABLE money.point_master ADD COLUMN revision bigint NOT NULL DEFAULT 1;

-- What will expire in each day and month to come. A period is a day (2026-12-31), a month (2026-12), later or never. No
-- version has written the table that it replaces.
DROP TABLE money.point_forecast;
CREATE TABLE money.point_forecast (
    period      varchar(10) COLLATE "C" PRIMARY KEY,
    lots        bigint  NOT NULL,
    points      numeric NOT NULL,
    counted_at  timestamptz NOT NULL DEFAULT now()
);
