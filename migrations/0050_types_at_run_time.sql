-- +goose Up

-- CREATING has nothing yet, TABLES has its tables, READY its topics too. RETIRED takes no new events; what it has goes on.
ALTER TABLE event_types
    DROP CONSTRAINT event_types_state_check,
    ADD CONSTRAINT event_types_state_check CHECK (state IN ('CREATING', 'TABLES', 'READY', 'RETIRED'));
