-- +goose Up

-- Which installation this database belongs to: its messages name it, and so do its consumer groups, so that two of them may
-- use the same topics. unnamed_are_ours: messages from before there were ids are taken as ours, since this database had
-- events then.
CREATE TABLE installation (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    unnamed_are_ours boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO installation (unnamed_are_ours) SELECT EXISTS (SELECT FROM campaign_events);
