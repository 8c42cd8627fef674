-- +goose Up

-- The imports that a person took back before the event started, so that no proof takes them for erased.
CREATE TABLE deleted_imports (
    import_id     bigint       PRIMARY KEY,
    event_id      bigint       NOT NULL REFERENCES campaign_events (id) ON DELETE CASCADE,
    accepted      int          NOT NULL,
    rejected      int          NOT NULL,
    total_amount  bigint       NOT NULL,
    sha256        bytea        NOT NULL,   -- of the bytes as uploaded
    deleted_by    varchar(50)  NOT NULL,
    deleted_at    timestamptz  NOT NULL DEFAULT now()
);
CREATE INDEX deleted_imports_event ON deleted_imports (event_id);
