-- +goose Up

-- One row per running process: it writes its row every few seconds by this database's clock and deletes it when it ends
-- in order. seen_at tells the living from those that were killed.
CREATE TABLE processes (
    id          uuid PRIMARY KEY,          -- made anew at each start
    roles       text[]       NOT NULL,
    version     varchar(100) NOT NULL,
    host        varchar(255) NOT NULL,
    pid         int          NOT NULL,
    reports     jsonb        NOT NULL DEFAULT '[]',  -- what keeps it from its work, and what Kafka said last of each topic
    started_at  timestamptz  NOT NULL DEFAULT now(),
    seen_at     timestamptz  NOT NULL DEFAULT now()
) WITH (fillfactor = 50);
