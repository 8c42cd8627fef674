-- +goose Up

-- Events run meanwhile: what waits behind this for a table waits two seconds at most, and Up tries again.
SET LOCAL lock_timeout = '2s';

-- A process may be taken for gone: the advisory lock that all its sessions hold is free. life is the number of the life
-- whose lock it holds (0: a version that holds none), gone the last one that another process has ended.
ALTER TABLE processes
    ADD COLUMN life bigint NOT NULL DEFAULT 0,
    ADD COLUMN gone bigint NOT NULL DEFAULT 0;
