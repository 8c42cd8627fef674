-- +goose Up

-- The ledger of this database: its id, and the installation whose grants it takes. The keys of two installations may be the
-- same text, so that a ledger that took grants of both would answer a member's first grant with somebody else's.
CREATE TABLE money.ledger (
    one           boolean     PRIMARY KEY DEFAULT true CHECK (one),
    id            uuid        NOT NULL DEFAULT gen_random_uuid(),
    installation  uuid,                                   -- NULL: none yet
    created_at    timestamptz NOT NULL DEFAULT now(),
    paired_at     timestamptz,
    CHECK ((installation IS NULL) = (paired_at IS NULL))
);
INSERT INTO money.ledger DEFAULT VALUES;

-- The ledger that the name of a granter led to first. Another ledger under the same name knows no keys, and would grant what
-- was granted.
CREATE TABLE granter_ledgers (
    granter     varchar(50)  COLLATE "C" PRIMARY KEY,
    ledger_id   varchar(100) NOT NULL,
    met_at      timestamptz  NOT NULL DEFAULT now()
);
