-- +goose Up

-- What became of all that was ever saved, by the type and by the policy of the saves, and by the last day of those that
-- ran out lately: counted with the forecast. code is '' for saves without a policy, and of the one row that sums up all
-- codes that are not listed. saved is the sum of remaining to expired, unless a lot does not add up, which verify says.
CREATE TABLE money.point_total (
    kind        varchar(10) COLLATE "C" NOT NULL CHECK (kind IN ('all', 'type', 'policy', 'day')),
    code        varchar(50) COLLATE "C" NOT NULL,
    others      boolean     NOT NULL,
    lots        bigint      NOT NULL,
    open_lots   bigint      NOT NULL,
    saved       numeric     NOT NULL,
    remaining   numeric     NOT NULL,
    used        numeric     NOT NULL,
    cancelled   numeric     NOT NULL,
    expired     numeric     NOT NULL,
    counted_at  timestamptz NOT NULL,
    PRIMARY KEY (kind, code, others)
);
